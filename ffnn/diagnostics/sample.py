"""What is measured on: a copy of the model, and rows drawn from the data."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.core.text import listed
from ffnn.data import targets
from ffnn.data.batches import Examples
from ffnn.data.sources import BLOCK_ROWS, ArraySource, Source, open_source
from ffnn.diagnostics.report import PROBLEM, Finding
from ffnn.diagnostics.target_errors import rejected_targets
from ffnn.errors import DataError
from ffnn.layers.base import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ffnn._types import Array
    from ffnn.layers.base import Layer
    from ffnn.models.trainable import Trainable
    from ffnn.training.step import TrainStep

MAX_ROWS = 20_000  # looked at; of more rows as many are drawn, with a fixed seed


class Batch(NamedTuple):
    """Rows, with their targets and weights if there are such; valid until the next batch."""

    x: Array
    y: Array | None
    weight: Array | None


class Sample:
    """A copy of the model with the rows to measure it on.

    Whatever draws random numbers in training, such as `Dropout`, is switched off in the copy. All
    else acts as in training: `BatchNorm` takes the batch's statistics.

    Parameters
    ----------
    model : Trainable
        The copy, built.
    x, y, weight : Source
        The data; `y` and `weight` may be None.
    chosen : ndarray of int
        Which rows are looked at, in a random order.

    Attributes
    ----------
    stages, backward_stages : list of Stage
        What a batch passes forward, without the last activation where the loss takes its place,
        and back.
    step : TrainStep or None
        The copy's training step; None if the model is not compiled.
    """

    def __init__(
        self, model: Trainable, x: Source, y: Source | None, weight: Source | None, chosen: Array
    ) -> None:
        self.model = model
        self.x, self.y, self.weight = x, y, weight
        self.chosen = chosen
        self.step: TrainStep | None = None
        self.backward_stages: list[Stage] = []
        if model.loss is None:
            self.stages = _without_noise(model.stages)
            return
        self.step = model.step
        self.step.stages = self.stages = _without_noise(self.step.stages)
        self.step.backward_stages = self.backward_stages = _without_noise(self.step.backward_stages)

    @property
    def num_rows(self) -> int:
        """How many rows are looked at."""
        return len(self.chosen)

    @property
    def is_trained(self) -> bool:
        """Whether the optimizer has made updates."""
        return self.model.optimizer is not None and self.model.optimizer.iterations > 0

    def batches(self, most: int = BLOCK_ROWS) -> Iterator[Batch]:
        """Yield all rows in batches of nearly one size, at most `most`.

        A last batch of a single row would be all zeros behind a `BatchNorm`.
        """
        for indices in np.array_split(self.chosen, -(-self.num_rows // most)):
            yield self.batch(indices)

    def batch(self, indices: Array) -> Batch:
        """Return the rows at `indices` of the data."""
        x, y, weight = (
            None if source is None else source.take(indices)
            for source in (self.x, self.y, self.weight)
        )
        assert x is not None
        return Batch(x, y, weight)

    def dense_layers(self) -> list[Layer]:
        """Return the layers with a weight matrix."""
        return [layer for layer in self.model.layers if layer.is_dense]


def _without_noise(stages: Sequence[Stage]) -> list[Stage]:
    """Return stages of which none draws random numbers."""

    def quiet(stage: Stage) -> Stage:
        if not stage.layer.random_generators():
            return stage
        return stage._replace(forward=lambda x, training: stage.forward(x, False))

    return [quiet(stage) for stage in stages]


def open_sample(
    model: Trainable, x: Any, y: Any, sample_weight: Any
) -> tuple[Sample | None, list[Finding], int]:
    """Return a copy of the model with rows of the data, and what is wrong with the data.

    Rows with entries that are not finite are left out. Targets that the loss does not take are
    left out altogether.

    Parameters
    ----------
    model : Trainable
        The user's model, which stays as it is.
    x, y, sample_weight
        As `diagnose` takes them.

    Returns
    -------
    sample : Sample or None
        None if there is no finite row.
    findings : list of Finding
        About entries that are not finite, and about targets.
    num_given : int
        The number of finite rows, of which the sample's were drawn.

    Raises
    ------
    DataError
        `x` is not rows of the model's inputs, or there is not one target and one weight a row.
    """
    twin = copy.deepcopy(model)
    source, usable, findings = open_inputs(twin, x)
    target, weight = None, None
    if y is not None and twin.loss is not None:
        target, weight, rejected = _open_targets(twin, source, y, sample_weight)
        findings += rejected
    num_usable = usable if isinstance(usable, int) else len(usable)
    if num_usable == 0:
        return None, findings, 0
    twin.build(source.shape[1])
    chosen = np.random.default_rng(0).choice(usable, min(num_usable, MAX_ROWS), replace=False)
    return Sample(twin, source, target, weight, chosen), findings, num_usable


def open_inputs(twin: Trainable, x: Any) -> tuple[Source, Array | int, list[Finding]]:
    """Return the inputs, their finite rows, and what is wrong with the others.

    The rows are given by their indices, or by their number if all are finite.
    """
    try:
        source = twin.open_inputs(x)
        return source, len(source), []
    except DataError:
        source = open_source(x, None if twin.layers[0].takes_any_dtype else twin.dtype)
        first = source.find_non_finite(twin.dtype)
        if first is None or twin.input_dim not in (None, source.shape[1]):
            raise
    usable, bad_columns, entries = _finite_rows(source, twin)
    row, column, value = first
    count = len(source) - len(usable)
    finding = Finding(
        kind="non-finite-inputs",
        severity=PROBLEM,
        layer=None,
        message=f"{entries:,} entries of x are NaN, infinite or too large for {twin.dtype}, in "
        f"{count:,} of {len(source):,} rows and in columns {listed(bad_columns)}; the first "
        f"is {value} in row {row}, column {column}. fit takes none.",
        evidence={"entries": entries, "rows": count, "columns": len(bad_columns), "first": first},
        remedy="Fill these entries, or leave such rows out: keep = np.isfinite(x).all(axis=1), "
        "then x[keep] and y[keep]. All else here was measured on the rows without them.",
        units=tuple(bad_columns),
    )
    return source, usable, [finding]


def _finite_rows(source: Source, twin: Trainable) -> tuple[Array, list[int], int]:
    """Return the indices of finite rows, the columns of other entries, and how many these are."""
    bad_rows = np.zeros(len(source), bool)
    bad_columns = np.zeros(source.shape[1], bool)
    entries = 0
    for start in range(0, len(source), BLOCK_ROWS):
        with np.errstate(over="ignore", invalid="ignore"):
            block = source.slice(start, min(start + BLOCK_ROWS, len(source)))
            bad = ~np.isfinite(block.astype(twin.dtype, copy=False))
        bad_rows[start : start + len(bad)] = bad.any(axis=1)
        bad_columns |= bad.any(axis=0)
        entries += int(np.count_nonzero(bad))
    return np.flatnonzero(~bad_rows), np.flatnonzero(bad_columns).tolist(), entries


def _open_targets(
    twin: Trainable, source: Source, y: Any, sample_weight: Any
) -> tuple[Source | None, Source | None, list[Finding]]:
    """Return targets and weights, or what the loss has against the targets."""
    assert twin.loss is not None
    units = twin.compute_dims(source.shape[1])[-1]
    weight = None
    if sample_weight is not None:
        weight = ArraySource(targets.prepare_weights(sample_weight, len(source)), twin.dtype)
    prepare = partial(twin.loss.prepare, units=units)
    try:
        examples = Examples.open(source, y, prepare=prepare, dtype=twin.dtype)
    except DataError as error:
        if np.ndim(y) == 0 or len(y) != len(source):
            raise
        return None, weight, [rejected_targets(twin.loss, y, units, error)]
    return examples.y, weight, []
