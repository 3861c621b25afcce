"""Learning rates out of range, found by trial steps on the copy of the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import BLOCK_ROWS
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample
from ffnn.layers.chain import release
from ffnn.schedules import Schedule

STEPS = 16
LOOKS = (1, 2, 4, 8, 16)  # after how many of them the loss is measured
BATCH_ROWS = 32  # what `fit` takes by default
RISE = 0.5  # of the larger of the loss before and that of the best constant answer
RECOVERED = 0.5  # of the loss before; a rise on the way to less is no harm
LARGE_UPDATE = 0.05  # of the weights' size, in one step
SMALL_UPDATE = 1e-5
LEARNED = 0.1  # of the loss of the best constant answer, below which there is little left to learn
GAIN = 0.05  # of the loss; what a higher rate has to bring in the trial


class Trial(NamedTuple):
    """A few steps of training, and the loss on fixed rows; infinite if anything was not finite."""

    rate: float  # of the first step
    before: float
    worst: float
    after: float
    update: float | None  # ‖ΔW‖ / ‖W‖ of the layer where it is largest, median of the steps
    largest_update: float | None

    @property
    def is_small(self) -> bool:
        """Whether the weights hardly changed."""
        return self.update is not None and self.update < SMALL_UPDATE


def check_learning_rate(sample: Sample, chance: float) -> Iterator[Finding]:
    """Yield whether the learning rate is too high or too low for the next steps.

    16 steps are made on the copy, on batches of 32 rows, with the optimizer and its memory as they
    are, and the loss is measured on up to 1,024 fixed rows. Too high: the loss rises by half of
    what it was, or of what the best constant answer has (`chance`), and is not below half of what
    it was in the end; or updates of more than 5 % of the weights leave a higher loss than a tenth
    of the rate does. Too low: updates stay below 10⁻⁵ of the weights, there is something left to
    learn, and a hundred times the rate or more brings at least 5 % in as many steps. The rate to
    try is the best of those tried, a factor of ten apart. The limits were chosen by what fully
    trained networks show, so that rates that do train are left alone. The copy comes back as it
    was.

    References
    ----------
    Karpathy et al., CS231n course notes, "Neural networks 3": "Ratio of weights:updates", where
    10⁻³ is given as usual. Smith, "Cyclical learning rates for training neural networks", WACV
    2017, section 3.3, on trying a range of rates.
    """
    bench = _Bench(sample)
    if not bench.weights:
        return
    trial = bench.run(bench.set_rate)
    if not math.isfinite(trial.before):
        return
    lower = _lower_rate(bench, trial, chance)
    if lower is not None:
        yield finding("learning-rate-too-high", _evidence(bench, trial, lower))
    elif trial.before > LEARNED * chance and trial.is_small:
        yield from _check_low(bench, trial)


def _lower_rate(bench: _Bench, trial: Trial, chance: float) -> Trial | None:
    """Return the trial of a lower rate if the rate is too high."""
    rises = trial.worst > trial.before + RISE * max(trial.before, chance)
    if rises and trial.after > RECOVERED * trial.before:
        return bench.best_lower()
    if trial.update is not None and trial.update > LARGE_UPDATE:
        slower = bench.run(trial.rate / 10.0)
        if trial.after > 1.1 * slower.after:
            return slower
    return None


def _check_low(bench: _Bench, trial: Trial) -> Iterator[Finding]:
    """Yield whether updates are too small also at the highest rate that is still to come."""
    highest = bench.highest_rate()
    if highest == 0.0:
        ended = bench.schedule is not None
        zero = {"learning_rate": 0.0, "schedule": bench.schedule, "has_ended": ended}
        yield finding("learning-rate-too-low", zero)
        return
    if highest != trial.rate:
        trial = bench.run(highest)
    if trial.is_small:
        best = bench.best_higher(trial)
        # 99 and not 100, for what rounding leaves of it
        if best.rate > 99.0 * highest and best.after < (1.0 - GAIN) * trial.after:
            yield finding("learning-rate-too-low", _evidence(bench, trial, best))


def _evidence(bench: _Bench, trial: Trial, better: Trial) -> dict[str, Any]:
    return {
        "steps": STEPS,
        "batch_rows": bench.batch_rows,
        "learning_rate": trial.rate,
        "loss_before": trial.before,
        "loss_worst": trial.worst,
        "loss_after": trial.after,
        "is_infinite": not math.isfinite(trial.worst),
        "update_ratio": trial.update,
        "largest_update": trial.largest_update,
        "better_learning_rate": better.rate,
        "better_loss_after": better.after,
        "has_improved": better.after < better.before,
        "current_learning_rate": bench.rate,
        "optimizer": type(bench.optimizer).__name__,
        "schedule": bench.schedule,
        "has_ended": bench.schedule is not None and bench.optimizer.iterations > 0,
    }


class _Bench:
    """Runs trials, each from the model as it is."""

    def __init__(self, sample: Sample) -> None:
        assert sample.step is not None
        self.sample = sample
        self.step = sample.step
        self.optimizer = sample.step.optimizer
        self.set_rate = self.optimizer.learning_rate
        self.rate = self.optimizer.current_learning_rate
        self.weights = [layer.params["weight"] for layer in sample.dense_layers]
        self.batch_rows = min(BATCH_ROWS, sample.num_rows)
        self._fixed = sample.chosen[:BLOCK_ROWS]
        self._start = [array.copy() for array in self._arrays()]
        self._iterations = self.optimizer.iterations

    @property
    def schedule(self) -> str | None:
        """The name of the rate's schedule, if it has one."""
        return type(self.set_rate).__name__ if isinstance(self.set_rate, Schedule) else None

    def highest_rate(self) -> float:
        """Return the highest rate that is still to come, looking further and further ahead."""
        if not isinstance(self.set_rate, Schedule):
            return self.rate
        ahead = [0, *(2**power for power in range(21))]
        return max(self.set_rate(self._iterations + steps) for steps in ahead)

    def _arrays(self) -> list[Array]:
        return [self.step.vector.values, *self.optimizer.slots.values()]

    def run(self, rate: float | Schedule) -> Trial:
        """Make a trial at `rate`."""
        self.optimizer.learning_rate = rate
        try:
            return self._run()
        finally:
            self.optimizer.iterations = self._iterations
            for array, start in zip(self._arrays(), self._start, strict=True):
                array[...] = start
            release(self.step.stages)

    def _run(self) -> Trial:
        rate = self.optimizer.current_learning_rate
        losses, updates = [self._loss()], []
        for number in range(1, STEPS + 1):
            try:
                updates.append(self._train(number))
            except FloatingPointError:
                losses.append(math.inf)
                break
            if number in LOOKS:
                loss = self._loss()
                losses.append(loss if math.isfinite(loss) else math.inf)
        known = [update for update in updates if not math.isnan(update)]
        median = float(np.median(known)) if known else None
        return Trial(rate, losses[0], max(losses), losses[-1], median, max(known, default=None))

    def _train(self, number: int) -> float:
        """Make one step and return the largest ‖ΔW‖ / ‖W‖ of all layers."""
        chosen, rows = self.sample.chosen, self.batch_rows
        batch = self.sample.batch(np.take(chosen, np.arange(rows) + number * rows, mode="wrap"))
        assert batch.y is not None
        if not math.isfinite(self.step.forward(batch.x, batch.y, batch.weight)):
            raise FloatingPointError
        self.step.backward()
        before = [weight.copy() for weight in self.weights]
        self.optimizer.step()
        ratios = [
            float(np.linalg.norm(weight - old)) / size
            for weight, old in zip(self.weights, before, strict=True)
            if (size := float(np.linalg.norm(old))) > 0.0
        ]
        return max(ratios, default=math.nan)

    def _loss(self) -> float:
        batch = self.sample.batch(self._fixed)
        assert batch.y is not None
        return self.step.forward(batch.x, batch.y, batch.weight)

    def best_lower(self) -> Trial:
        """Return the best of five trials at lower and lower rates."""
        trials = [self.run(self.rate / 10.0**power) for power in range(1, 6)]
        return min(trials, key=lambda trial: trial.after)

    def best_higher(self, trial: Trial) -> Trial:
        """Return the best of trials at higher and higher rates, until the loss rises."""
        # An update of 0 is one that is lost in rounding. Go at once to where something happens.
        smallest = float(np.finfo(self.step.vector.values.dtype).eps)
        first = max(1, round(math.log10(SMALL_UPDATE / max(trial.update or 0.0, smallest))))
        best = trial
        for power in range(first, first + 16):
            following = self.run(trial.rate * 10.0**power)
            if following.worst > trial.before * (1.0 + RISE):
                break
            best = min(best, following, key=lambda tried: tried.after)
        return best
