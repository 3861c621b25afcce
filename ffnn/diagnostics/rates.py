"""Learning rates out of range, found by trial steps on the copy of the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import BLOCK_ROWS
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.chance import is_better
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample
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
RESTART_STEPS = 128  # at most, from the initial weights on; and no more than the training had
BETTER = 0.5  # of the trained model's loss; what a restart at a lower rate has to come below


@dataclass(frozen=True)
class Trial:
    """A few steps of training, and the loss on fixed rows; infinite if anything was not finite."""

    learning_rate: float  # of the first step
    loss_before: float
    loss_worst: float
    loss_after: float
    update_ratio: float | None  # ‖ΔW‖ / ‖W‖ of the layer where it is largest, median of the steps
    largest_update: float | None

    @property
    def is_small(self) -> bool:
        """Whether the weights hardly changed."""
        return self.update_ratio is not None and self.update_ratio < SMALL_UPDATE


def check_learning_rate(sample: Sample, chance: float) -> Iterator[Finding]:
    """Yield whether the learning rate is too high or too low, for the next steps or the last ones.

    Trial steps are made with the optimizer and its memory as they are, and the loss is measured on
    fixed rows; `chance` is that of the best constant answer. Too high: the loss rises and stays up,
    or large updates leave a higher loss than a tenth of the rate does. Too low: updates are tiny,
    there is something left to learn, and a hundred times the rate or more learns it. The rate to
    try is the best of those tried, a factor of ten apart. The limits were chosen by what fully
    trained networks show, so that rates that do train are left alone. Whether it was too high, see
    `_check_restarts`.

    Karpathy et al., CS231n course notes, "Neural networks 3", "Ratio of weights:updates", give
    10⁻³ as usual. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section
    3.3, tries a range of rates.
    """
    bench = _Bench(sample)
    if not bench.weights:
        return
    trial = bench.run(bench.set_rate)
    if not math.isfinite(trial.loss_before):
        return
    lower = _lower_rate(bench, trial, chance)
    if lower is not None:
        yield finding("learning-rate-too-high", **bench.evidence(trial, lower))
    elif trial.loss_before > LEARNED * chance and trial.is_small:
        yield from _check_low(bench, trial)
    if lower is None or lower.loss_after >= lower.loss_before:
        yield from _check_restarts(bench, chance)


def _lower_rate(bench: _Bench, trial: Trial, chance: float) -> Trial | None:
    """Return the best trial of lower rates if the rate is too high."""
    before, after, update = trial.loss_before, trial.loss_after, trial.update_ratio
    rises = trial.loss_worst > before + RISE * max(before, chance)
    if rises and after > RECOVERED * before:
        trials = [bench.run(bench.rate / 10.0**power) for power in range(1, 6)]
        return min(trials, key=lambda tried: tried.loss_after)
    if update is not None and update > LARGE_UPDATE:
        slower = bench.run(trial.learning_rate / 10.0)
        if after > 1.1 * slower.loss_after:
            return slower
    return None


def _check_restarts(bench: _Bench, chance: float) -> Iterator[Finding]:
    """Yield whether a few updates at a lower rate reach far more than the whole training did.

    They start from the initial weights and train on half of the rows; the other half judges both
    models. Where the trained one has seen that half as well, this is in its favour, and what it
    reached on its own rows counts for it too, so that one which has learned them by heart is left
    alone.
    """
    history, rates = bench.sample.model.history, bench.rates
    losses = [] if history is None else history.history.get("loss", [])
    if not losses or not rates or bench.half < 1:
        return
    last = losses[-max(1, len(losses) // 5) :]
    reached = min(bench.loss_of_trained(), float(np.mean(last)))
    if not reached > LEARNED * chance:
        return
    steps = min(RESTART_STEPS, bench.optimizer.iterations)
    for power in range(1, 7):
        lower = rates["learning_rate"] / 10.0**power
        loss = bench.restart(lower, steps)
        if loss < BETTER * reached and is_better(bench.half, loss, reached, bench.task):
            evidence = {"loss": reached, "restarted_loss": loss, "rows": bench.half, "steps": steps}
            evidence |= {**rates, "lower_rate": lower, "chance_loss": chance}
            yield finding("learning-rate-was-too-high", **evidence)
            return


def _check_low(bench: _Bench, trial: Trial) -> Iterator[Finding]:
    """Yield whether updates are too small also at the highest rate that is still to come."""
    highest = bench.highest_rate()
    if highest == 0.0:
        zero = {"learning_rate": 0.0, "has_ended": bench.schedule is not None}
        yield finding("learning-rate-too-low", **zero, schedule=bench.schedule)
        return
    if highest != trial.learning_rate:
        trial = bench.run(highest)
    if trial.is_small:
        best = bench.best_higher(trial)
        # 99 and not 100, for what rounding leaves of it
        is_far = best.learning_rate > 99.0 * highest
        if is_far and best.loss_after < (1.0 - GAIN) * trial.loss_after:
            yield finding("learning-rate-too-low", **bench.evidence(trial, best))


class _Bench:
    """Runs trials, each from the model as it is."""

    def __init__(self, sample: Sample) -> None:
        assert sample.step is not None
        self.sample, self.step = sample, sample.step
        self.optimizer, self.task = sample.step.optimizer, sample.step.loss.task
        self.set_rate, self.rates = self.optimizer.learning_rate, sample.rates
        self.rate = self.optimizer.current_learning_rate
        has_schedule = isinstance(self.set_rate, Schedule)
        self.schedule = type(self.set_rate).__name__ if has_schedule else None
        self.weights = [
            layer.params["weight"] for layer in sample.dense_layers if "weight" not in layer.frozen
        ]
        self.batch_rows = min(BATCH_ROWS, sample.num_rows)
        arrays = [self.step.vector.values, *self.optimizer.slots.values()]
        self._start = [(array, array.copy()) for array in arrays]
        self._iterations = self.optimizer.iterations
        self.half = min(sample.num_rows // 2, BLOCK_ROWS)  # as many rows judge a restart
        self._judging, self._others = np.split(sample.chosen, [self.half])

    def evidence(self, trial: Trial, better: Trial) -> dict[str, Any]:
        """Return what a trial shows, with a better one."""
        return {
            **vars(trial),
            "steps": STEPS,
            "batch_rows": self.batch_rows,
            "is_infinite": not math.isfinite(trial.loss_worst),
            "better_learning_rate": better.learning_rate,
            "better_loss_after": better.loss_after,
            "has_improved": better.loss_after < better.loss_before,
            "current_learning_rate": self.rate,
            "optimizer": type(self.optimizer).__name__,
            "schedule": self.schedule,
            "has_ended": self.schedule is not None and self._iterations > 0,
        }

    def highest_rate(self) -> float:
        """Return the highest rate that is still to come, looking further and further ahead."""
        if not isinstance(self.set_rate, Schedule):
            return self.rate
        ahead = [0, *(2**power for power in range(21))]
        return max(self.set_rate(self._iterations + steps) for steps in ahead)

    def run(self, rate: float | Schedule) -> Trial:
        """Make a trial at `rate`."""
        self._rewind(rate)
        first_rate = self.optimizer.current_learning_rate
        rows = self.sample.chosen
        losses, updates = [self._loss(rows)], []
        try:
            for number in range(1, STEPS + 1):
                updates.append(self._train(rows, number))
                if number in LOOKS:
                    losses.append(self._loss(rows))
        except FloatingPointError:
            losses.append(math.inf)
        known = [update for update in updates if not math.isnan(update)]
        median = float(np.median(known)) if known else None
        return Trial(
            first_rate, losses[0], max(losses), losses[-1], median, max(known, default=None)
        )

    def loss_of_trained(self) -> float:
        """Return the loss of the model as it is on the rows that judge a restart."""
        self._rewind(self.set_rate)
        return self._loss(self._judging)

    def restart(self, rate: float, steps: int) -> float:
        """Return the loss on the judging rows after `steps` on others, from the initial weights."""
        self._rewind(rate)
        model, vector = self.sample.model, self.step.vector
        for index, (layer, values) in enumerate(
            zip(model.layers, vector.views(vector.values), strict=True)
        ):
            assert layer.input_dim is not None
            kept = {name: values[name].copy() for name in layer.frozen}
            layer.initialize(values, layer.input_dim, model.entropy, index)
            for name, array in kept.items():
                values[name][...] = array
        for slot in self.optimizer.slots.values():
            slot.fill(0.0)
        self.optimizer.iterations = 0
        try:
            for number in range(steps):
                self._train(self._others, number)
        except FloatingPointError:
            return math.inf
        return self._loss(self._judging)

    def _rewind(self, rate: float | Schedule) -> None:
        """Go back to the model as it is, at `rate`."""
        self.optimizer.learning_rate, self.optimizer.iterations = rate, self._iterations
        for array, start in self._start:
            array[...] = start
        self.optimizer.forget_sizes()

    def _train(self, rows: Array, number: int) -> float:
        """Make step `number` on `rows` and return the largest ‖ΔW‖ / ‖W‖ of all layers."""
        indices = np.arange(self.batch_rows) + number * self.batch_rows
        if not math.isfinite(self._forward(rows.take(indices, mode="wrap"))):
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

    def _loss(self, rows: Array) -> float:
        loss = self._forward(rows[:BLOCK_ROWS])
        return loss if math.isfinite(loss) else math.inf

    def _forward(self, indices: Array) -> float:
        batch = self.sample.batch(indices)
        assert batch.y is not None
        return self.step.forward(batch.x, batch.y, batch.weight)

    def best_higher(self, trial: Trial) -> Trial:
        """Return the best of trials at higher and higher rates, until the loss rises."""
        # An update of 0 is one that is lost in rounding. Go at once to where something happens.
        smallest = float(np.finfo(self.step.vector.values.dtype).eps)
        first = max(1, round(math.log10(SMALL_UPDATE / max(trial.update_ratio or 0.0, smallest))))
        best = trial
        for power in range(first, first + 16):
            following = self.run(trial.learning_rate * 10.0**power)
            if following.loss_worst > trial.loss_before * (1.0 + RISE):
                break
            best = min(best, following, key=lambda tried: tried.loss_after)
        return best
