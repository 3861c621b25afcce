"""What is measured on: a copy of the model, and rows drawn from the data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.data.batches import Examples
from ffnn.data.numbers import as_array, as_numbers
from ffnn.data.sources import BLOCK_ROWS, ArraySource, Source, open_source
from ffnn.data.targets import prepare_weights
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.report import Finding
from ffnn.errors import DataError
from ffnn.layers.base import Stage
from ffnn.models.trainable import Trainable
from ffnn.schedules import Schedule

MAX_ROWS = 20_000  # of more rows, as many are drawn with a fixed seed


class Batch(NamedTuple):
    """Rows, with their targets and weights if there are any; valid until the next batch."""

    x: Array
    y: Array | None
    weight: Array | None


class Sample:
    """A copy of the model, built, with the rows to measure it on.

    Whatever draws random numbers in training, such as `Dropout`, is switched off in the copy.
    Everything else acts as in training: `BatchNorm` takes the batch's statistics. The step is None
    if the model is not compiled; `chosen` are the rows' numbers, in random order. Of the layers
    whose names are in `frozen`, nothing is found that would keep them from learning.
    """

    def __init__(
        self, model: Trainable, x: Source, y: Source | None, weight: Source | None, chosen: Array
    ) -> None:
        self.model, self.x, self.y, self.weight = model, x, y, weight
        self.chosen, self.num_rows = chosen, len(chosen)
        self.dense_layers = [layer for layer in model.layers if layer.is_dense]
        self.frozen = {layer.name for layer in model.layers if not layer.trainable}
        self.is_trained = model.optimizer is not None and model.optimizer.iterations > 0
        self.step = step = None if model.loss is None else model.step
        # What a batch passes, without the last activation where the loss takes its place, and back.
        self.stages = _without_noise(model.stages if step is None else step.stages)
        self.backward_stages = _without_noise([] if step is None else step.backward_stages)
        if step is not None:
            step.stages, step.backward_stages = self.stages, self.backward_stages

    @property
    def rates(self) -> dict[str, float]:
        """The highest learning rate that the model was trained at, and a lower one to try.

        Nothing of a model that was not trained.
        """
        optimizer = self.model.optimizer
        if optimizer is None or not self.is_trained:
            return {}
        rate = optimizer.learning_rate
        if isinstance(rate, Schedule):
            steps = np.linspace(0, optimizer.iterations - 1, 100).astype(int).tolist()
            rate = max(map(rate, steps))
        return {"learning_rate": rate, "lower_rate": rate / 10.0} if rate > 0.0 else {}

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in batches of nearly the same size.

        A last batch of a single row would be all zeros after a `BatchNorm`.
        """
        for indices in np.array_split(self.chosen, -(-self.num_rows // BLOCK_ROWS)):
            yield self.batch(indices)

    def batch(self, indices: Array) -> Batch:
        """Return the rows at `indices` of the data."""
        y, weight = (None if part is None else part.take(indices) for part in (self.y, self.weight))
        return Batch(self.x.take(indices), y, weight)


def _without_noise(stages: Sequence[Stage]) -> list[Stage]:
    """Return stages of which none draws random numbers."""
    return [_quiet(stage) if stage.layer.random_generators() else stage for stage in stages]


def _quiet(stage: Stage) -> Stage:
    return stage._replace(forward=lambda x, training: stage.forward(x, False))


def open_sample(
    model: Trainable, x: Any, y: Any, sample_weight: Any
) -> tuple[Sample | None, list[Finding], int]:
    """Return a copy of the model with rows of the data, what is wrong with the data, and its size.

    Rows with entries that are not finite are left out; the size is the number of the others, and
    the sample is None if there are none. Targets that the loss does not accept are left out too.
    """
    twin = copy.deepcopy(model)
    source, usable, findings = _open_inputs(twin, x)
    target, weight = None, None
    if y is not None and twin.loss is not None:
        target, weight, errors = _open_targets(twin, source, y, sample_weight)
        findings += errors
    if weight is not None and weight.data[usable].any():  # else there is nothing to measure on
        present = np.intersect1d(usable, np.flatnonzero(weight.data))
        share = len(present) / len(usable)  # see `leave_out_absent`
        usable, weight = present, ArraySource(weight.data * share, twin.dtype)
    if len(usable) == 0:
        return None, findings, 0
    twin.build(source.shape[1])
    rng, size = np.random.default_rng(0), min(len(usable), MAX_ROWS)
    # The rows of a range are drawn without an array of all of them.
    chosen = rng.choice(usable.stop if isinstance(usable, range) else usable, size, replace=False)
    return Sample(twin, source, target, weight, chosen), findings, len(usable)


def _open_inputs(twin: Trainable, x: Any) -> tuple[Source, Array | range, list[Finding]]:
    """Return the inputs, the numbers of the finite rows, and what is wrong with the others."""
    try:
        source = twin.open_inputs(x)
        return source, range(len(source)), []
    except DataError:
        source = open_source(x, None if twin.layers[0].takes_any_dtype else twin.dtype)
        first = source.find_non_finite(twin.dtype)
        if first is None or twin.input_dim not in (None, source.shape[1]):
            raise
    is_bad_row, is_bad_column = np.zeros(len(source), bool), np.zeros(source.shape[1], bool)
    entries = 0
    for start in range(0, len(source), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(source))
        with np.errstate(over="ignore", invalid="ignore"):
            bad = ~np.isfinite(source.slice(start, stop).astype(twin.dtype, copy=False))
        is_bad_row[start:stop] = bad.any(axis=1)
        is_bad_column |= bad.any(axis=0)
        entries += int(np.count_nonzero(bad))
    columns, usable = np.flatnonzero(is_bad_column).tolist(), np.flatnonzero(~is_bad_row)
    counts = {"entries": entries, "rows": len(source) - len(usable), "columns": len(columns)}
    evidence = {**counts, "given_rows": len(source), "first": first, "dtype": str(twin.dtype)}
    evidence |= names_of_columns(twin, columns)
    return source, usable, [finding("non-finite-inputs", None, columns, **evidence)]


def names_of_columns(model: Trainable, columns: Sequence[int]) -> dict[str, list[str]]:
    """Return as evidence what columns of the inputs are called, if that is known."""
    names = model.feature_names
    if names is None or model.input_dim not in (None, len(names)):
        return {}
    return {"column_names": [names[column] for column in columns]}


def _open_targets(
    twin: Trainable, source: Source, y: Any, sample_weight: Any
) -> tuple[Source | None, Source | None, list[Finding]]:
    """Return targets and weights, or what the loss has against the targets."""
    assert twin.loss is not None
    outputs = twin.compute_dims(source.shape[1])[-1]
    weight = None
    if sample_weight is not None:
        weight = ArraySource(prepare_weights(sample_weight, len(source)), twin.dtype)
    prepare = partial(twin.loss.prepare, units=outputs)
    try:
        return Examples.open(source, y, prepare=prepare, dtype=twin.dtype).y, weight, []
    except DataError as error:
        rows = as_array(y, "y")
        if np.ndim(rows) == 0 or len(rows) != len(source):
            raise
        return None, weight, [_rejected_targets(twin.loss.task, y, outputs, error)]


def _rejected_targets(task: str, y: Any, outputs: int, error: DataError) -> Finding:
    """Return the finding that `fit` would raise `error` for these targets of a loss's `task`."""
    evidence: dict[str, Any] = {"error": str(error).rstrip(".")}
    try:
        values = as_numbers(y, "y")
    except DataError:
        return finding("targets-rejected", **evidence, not_numbers=True)
    evidence |= {"shape": values.shape, "outputs": outputs, "targets": values.size}
    non_finite = int(np.count_nonzero(~np.isfinite(values)))
    if non_finite:
        return finding("targets-rejected", **evidence, non_finite=non_finite)
    evidence |= {
        "min": float(values.min()),
        "max": float(values.max()),
        "distinct": len(np.unique(values)),
        "columns": 1 if values.ndim == 1 else values.shape[1],
        "needed_units": int(values.max()) + 1,
    }
    is_fractional = bool((values != np.round(values)).any())
    evidence[_cause_of(task, evidence, is_fractional)] = True
    return finding("targets-rejected", **evidence)


def _cause_of(task: str, evidence: dict[str, Any], is_fractional: bool) -> str:
    """Return the case of the catalogue that targets of finite numbers are."""
    columns, outputs = evidence["columns"], evidence["outputs"]
    if columns == 1 and (outputs == 1 or task != "probabilities"):
        if is_fractional:
            return "fractional"
        if task == "numbers":
            return "one_column"
        if task == "classes":
            return "misnumbered"
        return "two_values" if evidence["distinct"] <= 2 else "many_values"
    if columns != outputs:
        return "other_columns"
    return "several_classes" if task == "classes" else "out_of_range"
