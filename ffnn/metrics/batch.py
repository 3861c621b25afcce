"""What a metric is given outside a model: checked as a model does before it begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.data.numbers import as_numbers
from ffnn.data.sources import ArraySource, check_finite
from ffnn.data.targets import prepare_weights, refuse
from ffnn.errors import DataError


def check_batch(target: Any, output: Any, weight: Any) -> tuple[Array, Array, Array | None]:
    """Return targets, outputs and weights of the same rows, as a metric takes them.

    Parameters
    ----------
    target : array-like of shape (rows, units) or (rows,)
        Numbers, or class numbers if there are several units.
    output : array-like of shape (rows, units) or (rows,)
        What was predicted for them. Of NaN and infinity a metric says what it finds.
    weight : array-like of shape (rows,), optional
        The rows' weights.

    Raises
    ------
    DataError
        Something is empty, not a number, of another shape, or a target that is not finite; the
        message names it.
    """
    output = _check_numbers(output, "output")
    target = _check_numbers(target, "target")
    check_finite(ArraySource(target), "target")
    if len(target) != len(output):
        raise DataError(
            f"expected as many rows of target as of output, got {len(target)} and {len(output)}"
        )
    output = output.reshape(len(output), -1)
    units = output.shape[1]
    if target.ndim == 1 and units == 1:
        target = target[:, None]
    elif target.ndim == 1:
        wrong = (target < 0) | (target >= units) | (target != np.floor(target))
        refuse(wrong, target, f"target: expected class numbers from 0 to {units - 1}")
        target = target.astype(np.intp)
    if target.ndim == 2 and target.shape != output.shape:
        raise DataError(f"target: expected shape {output.shape}, as output has, got {target.shape}")
    return target, output, None if weight is None else prepare_weights(weight, len(output))


def _check_numbers(values: Any, what: str) -> Array:
    array = as_numbers(values, what)
    if array.ndim not in (1, 2) or array.size == 0:
        raise DataError(
            f"{what}: expected shape (rows, units) or (rows,), with at least one row, got shape "
            f"{array.shape}"
        )
    return array
