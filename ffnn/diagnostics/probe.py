"""One pass over the rows, forward and back, that measures what the checks need."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ffnn.activations import ReLU, Sigmoid, Tanh
from ffnn.layers.chain import forget_batch, run_backward, run_forward

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.activations import ActivationFunction
    from ffnn.diagnostics.sample import Batch, Sample
    from ffnn.layers.base import Stage

END_SHARE = 0.01  # of an activation's range: so near its ends it counts as saturated
CONFIDENT = 0.99  # a probability from which on an answer counts as certain


class Columns:
    """Running statistics of what the first `Dense` gets, column by column, in float64.

    Attributes
    ----------
    layer : str
        The name of that `Dense`.
    low, high : ndarray of shape (columns,)
        The least and the greatest value.
    """

    def __init__(self, layer: str, size: int) -> None:
        self.layer = layer
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)
        self._rows = 0
        self._sum, self._squares = np.zeros(size), np.zeros(size)

    def update(self, x: Array) -> None:
        """Take in one batch."""
        block = x.astype(np.float64)
        np.minimum(self.low, block.min(axis=0), out=self.low)
        np.maximum(self.high, block.max(axis=0), out=self.high)
        self._rows += len(block)
        self._sum += block.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", block, block)

    @property
    def mean(self) -> Array:
        """The mean of each column."""
        return self._sum / self._rows

    @property
    def rms(self) -> Array:
        """The root mean square of each column."""
        return np.asarray(np.sqrt(self._squares / self._rows))

    @property
    def std(self) -> Array:
        """The standard deviation of each column."""
        return np.asarray(np.sqrt(np.maximum(self._squares / self._rows - self.mean**2, 0.0)))


@dataclass
class Measurements:
    """What one pass found.

    Attributes
    ----------
    num_rows : int
        The number of rows.
    columns : Columns or None
        Of the first `Dense`; None if there is none.
    active : dict of str to ndarray
        Layer → for each unit of its ReLU, the number of rows on which its output is above 0.
    saturated : dict of str to ndarray
        Layer → for each unit of its sigmoid or tanh, the number of rows on which it is saturated.
    gradients : dict of str to float
        `Dense` → the root mean square over the rows of ‖∂L_i/∂z‖, L_i being the loss of a row and
        z = x Wᵀ + b. From the last layer to the first; empty without targets.
    loss : float or None
        The mean loss without penalties; None without targets.
    predicted : ndarray or None
        For each class, how many rows the model takes for it; None if there are no classes.
    right, confident : int
        On how many rows it is right, and on how many its probability is near 1.
    non_finite : tuple of str and int, or None
        The first layer whose output is not finite, and how many entries of a batch are not; the
        layer is "" where only the loss is not. The pass then ends.
    """

    num_rows: int
    columns: Columns | None = None
    active: dict[str, Array] = field(default_factory=dict)
    saturated: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, float] = field(default_factory=dict)
    loss: float | None = None
    predicted: Array | None = None
    right: int = 0
    confident: int = 0
    non_finite: tuple[str, int] | None = None


def measure(sample: Sample) -> Measurements:
    """Send all rows of a sample through its model, and back if there are targets.

    Parameters
    ----------
    sample : Sample
        The copy of the model and its rows. Its gradients change.
    """
    return _Pass(sample).run()


class _Pass:
    """A pass in progress: stages that report what goes through them."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.found = Measurements(sample.num_rows)
        self.squares: dict[str, float] = {}
        self.first = next(iter(sample.dense_layers()), None)
        if self.first is not None:
            self.found.columns = Columns(self.first.name, self.first.input_dim or 0)
        last = sample.model.last_activation
        self.last = last if isinstance(last, (Sigmoid, Tanh)) else None
        self.stages = [self._watched_forward(stage) for stage in sample.stages]
        self.backward_stages = [self._watched_backward(s) for s in sample.backward_stages]

    def run(self) -> Measurements:
        """Return what all batches showed together."""
        found, total = self.found, 0.0
        for batch in self.sample.batches():
            loss = self._batch(batch)
            if not math.isfinite(loss):
                found.non_finite = self._locate(batch)
                break
            total += loss * len(batch.x)
        forget_batch(self.sample.stages)
        if self.sample.y is not None and found.non_finite is None:
            found.loss = total / found.num_rows
            found.gradients = {
                name: math.sqrt(square / found.num_rows) for name, square in self.squares.items()
            }
        return found

    def _batch(self, batch: Batch) -> float:
        """Return the loss of a batch; without targets, 0, or NaN if an output is not finite."""
        output = run_forward(self.stages, batch.x, training=True)
        step = self.sample.step
        if step is None or batch.y is None:
            return 0.0 if np.isfinite(output).all() else math.nan
        loss = step.loss.forward(output, batch.y, batch.weight)
        self._watch_answers(step.loss.output, batch.y)
        if math.isfinite(loss):
            self._rows = len(batch.x)
            run_backward(self.backward_stages, step.loss.backward())
        return loss

    def _watched_forward(self, stage: Stage) -> Stage:
        """Return the stage, reporting its input or output where a check needs it."""
        layer, name, found = stage.layer, stage.layer.name, self.found

        def forward(x: Array, training: bool) -> Array:
            if found.columns is not None and layer is self.first:
                found.columns.update(x)
            y = stage.forward(x, training)
            if isinstance(layer, ReLU):
                _add(found.active, name, y > 0.0)
            elif isinstance(layer, (Sigmoid, Tanh)) and layer is not self.last:
                _add(found.saturated, name, _at_an_end(layer, y))
            return y

        return stage._replace(forward=forward)

    def _watched_backward(self, stage: Stage) -> Stage:
        """Return the stage, reporting ∂L/∂z where it is the linear part of a `Dense`."""
        if not stage.layer.is_dense:
            return stage
        name = stage.layer.name

        def backward(grad: Array) -> Array | None:
            delta = grad.astype(np.float64) * self._rows  # the loss is a mean over the batch
            self.squares[name] = self.squares.get(name, 0.0) + float(np.vdot(delta, delta))
            return stage.backward(grad)

        return stage._replace(backward=backward)

    def _watch_answers(self, output: Array, target: Array) -> None:
        """Count predicted classes; for a sigmoid or tanh at the end, saturated wrong answers."""
        loss, units, found = self.sample.model.loss, output.shape[1], self.found
        assert loss is not None
        if loss.task == "numbers":
            if self.last is not None:
                low, high = self.last.output_range
                wrong = np.abs(output - target) > (high - low) / 2.0
                _add(found.saturated, self.last.name, _at_an_end(self.last, output) & wrong)
            return
        if loss.task == "probabilities" and units > 1:
            return  # several answers a row, no classes
        if units == 1:
            predicted, wanted = output[:, 0] > 0.5, target[:, 0] > 0.5
            certainty = np.maximum(output[:, 0], 1.0 - output[:, 0])
        else:
            predicted, certainty = output.argmax(axis=1), output.max(axis=1)
            wanted = target if target.ndim == 1 else target.argmax(axis=1)
        counts = np.bincount(predicted, minlength=max(units, 2))
        found.predicted = counts if found.predicted is None else found.predicted + counts
        found.right += int(np.count_nonzero(predicted == wanted))
        found.confident += int(np.count_nonzero(certainty > CONFIDENT))

    def _locate(self, batch: Batch) -> tuple[str, int]:
        """Return the first layer whose output is not finite, and how many of its entries."""
        x = batch.x
        for stage in self.sample.stages:
            x = run_forward([stage], x, training=True)
            entries = int(np.count_nonzero(~np.isfinite(x)))
            if entries:
                return stage.layer.name, entries
        return "", 0


def _add(counts: dict[str, Array], name: str, hits: Array) -> None:
    batch = np.count_nonzero(hits, axis=0)
    counts[name] = counts[name] + batch if name in counts else batch


def _at_an_end(activation: ActivationFunction, y: Array) -> Array:
    low, high = activation.output_range
    margin = END_SHARE * (high - low)
    return np.asarray((y < low + margin) | (y > high - margin))


def chance_loss(sample: Sample) -> float:
    """Return the loss of the best constant answer: the classes' shares, or the mean target.

    Parameters
    ----------
    sample : Sample
        With targets.
    """
    model = sample.model
    assert model.loss is not None
    loss, units = model.loss.clone(), model.output_dim or 0
    mean, total = np.zeros(units), 0.0
    for _, y, weight in sample.batches():
        assert y is not None
        weights = np.ones(len(y)) if weight is None else weight.astype(np.float64)
        total += float(weights.sum())
        mean += np.bincount(y, weights, minlength=units) if y.ndim == 1 else weights @ y
    if total == 0.0:
        return 0.0
    answer, result = (mean / total).astype(model.dtype), 0.0
    for _, y, weight in sample.batches():
        assert y is not None
        result += loss.forward(np.tile(answer, (len(y), 1)), y, weight) * len(y)
    return result / sample.num_rows
