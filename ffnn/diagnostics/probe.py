"""One pass over the rows, forward and back, that measures what the checks need."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.core.moments import Moments
from ffnn.diagnostics.chance import constant_loss
from ffnn.diagnostics.sample import Batch, Sample
from ffnn.layers.base import Stage
from ffnn.layers.chain import run_backward, run_forward, tap

CONFIDENT = 0.99  # a probability above which an answer counts as confident


class Columns(Moments):
    """Running statistics of what the first `Dense` receives, column by column, in float64."""

    def __init__(self, layer: str, size: int) -> None:
        super().__init__()
        self.layer = layer
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)

    def add_rows(self, rows: Array) -> None:
        """Take in one batch."""
        rows = rows.astype(np.float64)
        super().add_rows(rows)
        np.minimum(self.low, rows.min(axis=0), out=self.low)
        np.maximum(self.high, rows.max(axis=0), out=self.high)

    @property
    def std(self) -> Array:
        """The standard deviation of each column."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def rms(self) -> Array:
        """The root mean square of each column."""
        return np.asarray(np.sqrt(self.variance + self.mean**2))


class Probe:
    """One pass of all rows through a sample's model, and back if there are targets.

    It measures what the checks need; counts are of rows.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample, self.num_rows = sample, sample.num_rows
        first, last = next(iter(sample.dense_layers), None), sample.model.last_activation
        self.columns = None if first is None else Columns(first.name, first.input_dim or 0)
        # Layer → for each unit that can die, how often it is active; for each unit that saturates,
        # how often it does, in the last layer only where the answer is wrong.
        self.active: dict[str, Array] = {}
        self.saturated: dict[str, Array] = {}
        # `Dense` → the root mean square over the rows of ‖∂L_i/∂z‖, where L_i is the loss of a row
        # and z = x Wᵀ + b. From the last layer to the first; empty without targets.
        self.gradients: dict[str, float] = {}
        self.loss: float | None = None  # the mean, without penalties; None without targets
        # How often each class is predicted, and how often it is right; None without classes.
        self.predicted: Array | None = None
        self.wanted: Array | None = None
        self.right = self.confident = 0
        # The first layer whose output is not finite, and in how many entries of a batch; the layer
        # is "" where only the loss is not. The pass then ends.
        self.non_finite: tuple[str, int] | None = None
        self._first, self._last = first, last if last is not None and last.saturates else None
        self._squares: dict[str, float] = defaultdict(float)
        self._stages = tap(sample.stages, self._before, self._after)
        self._backward_stages = tap(sample.backward_stages, self._before)
        self._run()

    def _run(self) -> None:
        total = 0.0
        for batch in self.sample.batches():
            self._batch_rows = len(batch.x)
            loss = self._pass(batch)
            if not math.isfinite(loss):
                self.non_finite = self._locate(batch)
                return
            total += loss * len(batch.x)
        if self.sample.y is not None:
            self.loss = total / self.num_rows
            for name, square in self._squares.items():
                self.gradients[name] = math.sqrt(square / self.num_rows)

    def _pass(self, batch: Batch) -> float:
        """Return the loss of a batch; without targets, 0, or NaN if an output is not finite."""
        output = run_forward(self._stages, batch.x, training=True)
        step = self.sample.step
        if step is None or batch.y is None:
            return 0.0 if np.isfinite(output).all() else math.nan
        loss = step.loss.forward(output, batch.y, batch.weight)
        self._watch_answers(step.loss.output, batch.y)
        if math.isfinite(loss):
            run_backward(self._backward_stages, step.loss.backward())
        return loss

    def _locate(self, batch: Batch) -> tuple[str, int]:
        """Return the first layer whose output is not finite, and in how many entries."""
        x = batch.x
        for stage in self.sample.stages:
            x = stage.forward(x, True)
            entries = int(np.count_nonzero(~np.isfinite(x)))
            if entries:
                return stage.layer.name, entries
        return "", 0

    def _before(self, stage: Stage, direction: str, array: Array) -> None:
        """Watch the inputs of the first `Dense`, and ∂L/∂z of each."""
        if direction == "forward":
            if stage.layer is self._first and self.columns is not None:
                self.columns.add_rows(array)
        elif stage.layer.is_dense:
            delta = array.astype(np.float64) * self._batch_rows  # the loss is a mean over the batch
            self._squares[stage.layer.name] += float(np.vdot(delta, delta))

    def _after(self, stage: Stage, direction: str, y: Array) -> None:
        """Watch the outputs of activations."""
        layer = stage.layer
        if direction == "forward" and isinstance(layer, ActivationFunction):
            if layer.can_die:
                _add(self.active, layer.name, y > layer.output_range[0])
            if layer.saturates and layer is not self._last:
                _add(self.saturated, layer.name, _at_an_end(layer, y))

    def _watch_answers(self, output: Array, target: Array) -> None:
        """Count predicted classes; of numbers, saturated wrong answers."""
        loss, units = self.sample.model.loss, output.shape[1]
        assert loss is not None
        if loss.task == "numbers":
            if self._last is not None:
                low, high = self._last.output_range
                wrong = np.abs(output - target) > (high - low) / 2.0
                _add(self.saturated, self._last.name, _at_an_end(self._last, output) & wrong)
            return
        if loss.task == "probabilities" and units > 1:
            return  # several answers a row, no classes
        if units == 1:
            predicted, wanted = output[:, 0] > 0.5, target[:, 0] > 0.5
            certainty = np.maximum(output[:, 0], 1.0 - output[:, 0])
        else:
            predicted, certainty = output.argmax(axis=1), output.max(axis=1)
            wanted = target if target.ndim == 1 else target.argmax(axis=1)
        for name, classes in (("predicted", predicted), ("wanted", wanted)):
            known, counts = getattr(self, name), np.bincount(classes, minlength=max(units, 2))
            setattr(self, name, counts if known is None else known + counts)
        self.right += int(np.count_nonzero(predicted == wanted))
        self.confident += int(np.count_nonzero(certainty > CONFIDENT))


def _add(counts: dict[str, Array], name: str, hits: Array) -> None:
    counts[name] = counts.get(name, 0) + np.count_nonzero(hits, axis=0)


def _at_an_end(activation: ActivationFunction, y: Array) -> Array:
    low, high = activation.saturation_limits
    return np.asarray((y < low) | (y > high))


def chance_loss(sample: Sample) -> float:
    """Return the loss of the best constant answer to the rows of a sample."""
    assert sample.y is not None
    weight = None if sample.weight is None else sample.weight.take(sample.chosen)
    return constant_loss(sample.model, sample.y.take(sample.chosen), weight)
