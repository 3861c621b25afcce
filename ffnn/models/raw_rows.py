"""Rows of a table, as a model with an encoder takes them: inputs and targets out of one table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import nearest
from ffnn.core.console import warn
from ffnn.core.text import counted, listed, shown
from ffnn.data.numbers import as_array
from ffnn.errors import DataError


def with_targets(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights of `model`; without `y`, a table's own targets.

    Rows that lack the target are left out, and a warning says how many. Targets of a model with an
    encoder may be texts, as they stand in a table; those of one that knows its classes' names, too.
    """
    if y is not None:
        return x, _numbered(model, y), sample_weight
    encoder = model.encoder
    if encoder is None or encoder.target is None or not encoder.takes(x):
        return x, y, sample_weight  # which is refused later
    x, y, rows, lacking = encoder.examples_of(x, input_dtype(model) or np.float64)
    if lacking:
        name = shown(encoder.target.name, 60)
        verb = "lacks" if lacking == 1 else "lack"
        warn(
            f"{counted(lacking, 'row')} of {len(y) + lacking:,} {verb} the target {name}: left out"
        )
        if sample_weight is not None:
            sample_weight = _rows_of_weights(sample_weight, rows, len(y) + lacking)
    return x, targets_for(model, y), sample_weight


def with_targets_if_any(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Return what `with_targets` does, but no targets of a table that lacks their column.

    The inputs of a table are numbers already.
    """
    encoder, has_own = model.encoder, False
    if encoder is None:
        return x, y, sample_weight
    if encoder.takes(x):
        x = encoder.open(x)
        has_own = encoder.target is not None and encoder.target.name in x
    if y is not None or has_own:
        x, y, sample_weight = with_targets(model, x, y, sample_weight)
    return encoder.numbers_of(x, input_dtype(model) or np.float64), y, sample_weight


def input_dtype(model: Any) -> np.dtype[Any] | None:
    """Return the dtype of a model's inputs, None if its first layer takes them as they are."""
    return None if model.layers[0].takes_any_dtype else model.dtype


def _numbered(model: Any, y: Any) -> Any:
    """Return targets that are texts as the numbers that the encoder or the classes know them by."""
    entries = np.asarray(as_array(y, "y"))
    if entries.dtype.kind not in "OSU":
        return y
    encoder = model.encoder
    if encoder is not None and encoder.target is not None:
        return targets_for(model, encoder.targets_of(y))
    are_names = entries.ndim == 1 and all(isinstance(entry, str) for entry in entries)
    if model.class_names is None or not are_names:
        return y  # which is refused later, if these are no numbers
    index = {name: number for number, name in enumerate(model.class_names)}
    unknown = [(row, name) for row, name in enumerate(map(str, entries)) if name not in index]
    if unknown:
        row, name = unknown[0]
        raise DataError(
            f"y has the unknown class {shown(name, 60)} in row {row}{nearest(name, index)}; the "
            f"classes are {listed((shown(each, 60) for each in index), 12)}"
        )
    return targets_for(model, np.array([index[name] for name in map(str, entries)], np.int64))


def targets_for(model: Any, y: Array) -> Array:
    """Return `y` as the loss wants it: class numbers become one-hot rows where it needs them."""
    units = model.output_dim or 1
    takes_classes = model.loss is None or model.loss.task == "classes"
    if y.ndim > 1 or units == 1 or takes_classes or y.dtype.kind not in "iub":
        return y
    if y.size and not 0 <= y.min() <= y.max() < units:
        raise DataError(f"expected class numbers from 0 to {units - 1}, got {y.min()} to {y.max()}")
    return np.eye(units, dtype=np.float32)[y]


def _rows_of_weights(sample_weight: Any, rows: Array, number: int) -> Any:
    weights = np.asarray(as_array(sample_weight, "sample_weight"))
    return weights[rows] if weights.shape == (number,) else weights  # which is refused later
