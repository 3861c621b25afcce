"""Learning rates out of range, found by trial steps on the copy of the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.data.sources import BLOCK_ROWS
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding
from ffnn.layers.chain import forget_batch
from ffnn.schedules import Schedule

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.diagnostics.sample import Sample

STEPS = 16
LOOKS = (1, 2, 4, 8, 16)  # after how many of them the loss is measured
BATCH_ROWS = 32  # what `fit` takes by default
RISE = 0.5  # of the greater of the loss before and that of the best constant answer
RECOVERED = 0.5  # of the loss before; a rise on the way to less is no harm
LARGE_UPDATE = 0.05  # of the weights' size, in one step
SMALL_UPDATE = 1e-5
LEARNED = 0.1  # of the loss of the best constant answer, below which there is little left to learn
GAIN = 0.05  # of the loss; what a higher rate has to bring in the trial


class Trial(NamedTuple):
    """A few steps of training.

    Attributes
    ----------
    rate : float
        The learning rate of the first step.
    before, worst, after : float
        The loss on fixed rows: at first, at its worst, and at the end; infinite if it was not
        finite or the optimizer refused.
    update, largest_update : float
        ‖ΔW‖ / ‖W‖ of one step, of the layer where it is greatest: the median and the greatest of
        the steps; NaN if there was none.
    """

    rate: float
    before: float
    worst: float
    after: float
    update: float
    largest_update: float


def check_learning_rate(sample: Sample, chance_loss: float) -> list[Finding]:
    """Return whether the learning rate is too high or too low for the next steps.

    16 steps are made on the copy, on batches of 32 rows, with the optimizer and its memory as they
    are, and the loss is measured on up to 1,024 fixed rows. Too high: the loss rises by half of
    what it was, or of what the best constant answer has, and is not below half of what it was in
    the end; or updates of more than 5 % of the weights leave a higher loss than a tenth of the
    rate does. Too low: updates stay below 10⁻⁵ of the weights, there is something left to learn,
    and a hundred times the rate or more brings at least 5 % in as many steps. The rate to try is
    the best of those tried, a factor of ten apart. The limits were chosen by what fully trained
    networks show, so that rates that do train are left alone.

    Parameters
    ----------
    sample : Sample
        The copy of the model and its rows; its parameters come back as they were.
    chance_loss : float
        The loss of the best constant answer.

    References
    ----------
    Karpathy et al., CS231n course notes, "Neural networks 3": "Ratio of weights:updates", where
    10⁻³ is given as usual. Smith, "Cyclical learning rates for training neural networks", WACV
    2017, section 3.3, on trying a range of rates.
    """
    bench = _Bench(sample)
    if not bench.weights:
        return []
    trial = bench.run(bench.set_rate)
    if not math.isfinite(trial.before):
        return []
    return _check_high(bench, trial, chance_loss) or _check_low(bench, trial, chance_loss)


def _check_high(bench: _Bench, trial: Trial, chance_loss: float) -> list[Finding]:
    rises = trial.worst > trial.before + RISE * max(trial.before, chance_loss)
    if rises and trial.after > RECOVERED * trial.before:
        return [_too_high(bench, trial, bench.lower())]
    if trial.update > LARGE_UPDATE:
        slower = bench.run(trial.rate / 10.0)
        if trial.after > 1.1 * slower.after:
            return [_too_high(bench, trial, slower)]
    return []


def _check_low(bench: _Bench, trial: Trial, chance_loss: float) -> list[Finding]:
    if not (trial.update < SMALL_UPDATE and trial.before > LEARNED * chance_loss):
        return []
    highest = bench.highest_rate()
    if highest == 0.0:
        return [_zero(bench)]
    if highest != trial.rate:
        trial = bench.run(highest)
    if trial.update < SMALL_UPDATE:
        best = bench.higher(trial)
        # 99 and not 100, for what rounding leaves of it
        if best.rate > 99.0 * highest and best.after < (1.0 - GAIN) * trial.after:
            return [_too_low(bench, trial, best)]
    return []


class _Bench:
    """Runs trials, each from the model as it is."""

    def __init__(self, sample: Sample) -> None:
        assert sample.step is not None
        self.sample = sample
        self.step = sample.step
        self.optimizer = sample.step.optimizer
        self.set_rate = self.optimizer.learning_rate
        self.rate = self.optimizer.current_learning_rate
        self._start = [array.copy() for array in self._arrays()]
        self._iterations = self.optimizer.iterations
        self._fixed = sample.chosen[:BLOCK_ROWS]
        self.batch_rows = min(BATCH_ROWS, sample.num_rows)
        self.weights = [layer.params["weight"] for layer in sample.dense_layers()]

    @property
    def has_schedule(self) -> bool:
        return isinstance(self.set_rate, Schedule)

    def highest_rate(self) -> float:
        """Return the highest rate that is still to come, at times further and further ahead."""
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
            forget_batch(self.step.stages)

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
        update, largest = math.nan, math.nan
        if known:
            update, largest = float(np.median(known)), max(known)
        return Trial(rate, losses[0], max(losses), losses[-1], update, largest)

    def _train(self, number: int) -> float:
        """Make one step and return the greatest ‖ΔW‖ / ‖W‖ of all layers."""
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

    def lower(self) -> Trial:
        """Return the best of five trials at lower and lower rates."""
        trials = [self.run(self.rate / 10.0**power) for power in range(1, 6)]
        return min(trials, key=lambda trial: trial.after)

    def higher(self, trial: Trial) -> Trial:
        """Return the best of trials at higher and higher rates, until the loss rises."""
        # An update of 0 is one that is lost in rounding. Go at once to where something happens.
        smallest = float(np.finfo(self.step.vector.values.dtype).eps)
        first = max(1, round(math.log10(SMALL_UPDATE / max(trial.update, smallest))))
        best = trial
        for power in range(first, first + 16):
            following = self.run(trial.rate * 10.0**power)
            if following.worst > trial.before * (1.0 + RISE):
                break
            best = min(best, following, key=lambda tried: tried.after)
        return best


def _advice(bench: _Bench, rate: float) -> str:
    """Return how to set a rate."""
    kind = type(bench.optimizer).__name__
    if bench.has_schedule:
        schedule = type(bench.set_rate).__name__
        return f"let {schedule} give about {rate:.3g} at this point instead of {bench.rate:.3g}"
    return f"compile with {kind}(learning_rate={rate:.3g}) instead of {bench.rate:.3g}"


def _too_high(bench: _Bench, trial: Trial, better: Trial) -> Finding:
    worst = "became infinite or NaN"
    if math.isfinite(trial.worst):
        worst = f"went up to {trial.worst:.4g} and ended at {trial.after:.4g}"
    changed = ""
    if math.isfinite(trial.largest_update):
        changed = (
            f"; one step changed the weights by up to {trial.largest_update:.1e} of their size "
            f"(usual is 1e-03)"
        )
    improves = better.after < better.before
    remedy = (
        f"At {better.rate:.3g} it ended at {better.after:.4g}: {_advice(bench, better.rate)}."
        if improves
        else "No lower rate made the loss fall either: look at the other findings first."
    )
    return Finding(
        kind="learning-rate-too-high",
        severity=PROBLEM if trial.after > trial.before else WARNING,
        layer=None,
        message=f"In {STEPS} trial steps at learning rate {trial.rate:.3g}, on batches of "
        f"{bench.batch_rows} rows, the loss began at {trial.before:.4g} and {worst}{changed}.",
        evidence=_evidence(trial, better),
        remedy=remedy,
    )


def _too_low(bench: _Bench, trial: Trial, better: Trial) -> Finding:
    ended = bench.has_schedule and bench.optimizer.iterations > 0
    return Finding(
        kind="learning-rate-too-low",
        severity=NOTE if ended else WARNING,
        layer=None,
        message=f"In {STEPS} trial steps at learning rate {trial.rate:.3g}"
        + (", the highest that the schedule has still to give," if bench.has_schedule else "")
        + f" the loss went from {trial.before:.4g} to {trial.after:.4g}; one step changed the "
        f"weights by {trial.update:.1e} of their size (usual is 1e-03, too little below 1e-05).",
        evidence=_evidence(trial, better),
        remedy=f"At {better.rate:.3g} it ended at {better.after:.4g}: "
        f"{_advice(bench, better.rate)}.",
    )


def _zero(bench: _Bench) -> Finding:
    return Finding(
        kind="learning-rate-too-low",
        severity=NOTE if bench.has_schedule else WARNING,
        layer=None,
        message="The learning rate is 0"
        + (" and the schedule gives no other any more" if bench.has_schedule else "")
        + ": training changes nothing.",
        evidence={"learning_rate": 0.0},
        remedy="Set one, such as compile(optimizer=Adam(learning_rate=0.001)).",
    )


def _evidence(trial: Trial, better: Trial) -> dict[str, float]:
    return {
        "learning_rate": trial.rate,
        "loss_before": trial.before,
        "loss_worst": trial.worst,
        "loss_after": trial.after,
        "update_ratio": trial.update,
        "better_learning_rate": better.rate,
        "better_loss_after": better.after,
    }
