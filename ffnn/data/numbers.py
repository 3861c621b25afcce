"""What the user gives, as arrays of numbers."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.text import shorten
from ffnn.errors import DataError


def as_array(values: Any, what: str) -> Any:
    """Return `values` if they have a shape, else as an array; DataError: they are ragged."""
    if hasattr(values, "shape") and hasattr(values, "dtype") and not isinstance(values, type):
        return values
    try:
        return np.asarray(values)
    except ValueError:
        sizes = [len(row) if hasattr(row, "__len__") else 1 for row in values]
        other = next((row for row, size in enumerate(sizes) if size != sizes[0]), 0)
        found = f", got {sizes[0]} entries in row 0 and {sizes[other]} in row {other}"
        raise DataError(f"{what}: expected rows of one length{found if other else ''}") from None


def as_numbers(values: Any, what: str) -> Array:
    """Return `values` as an array of numbers, or raise DataError where `what` is not one."""
    if type(values).__module__.startswith("h5py"):
        values = values[()]
    if hasattr(values, "filled") and np.any(getattr(values, "mask", False)):
        raise DataError(
            f"{what}: some entries are masked; fill such entries or leave the rows out first"
        )
    array = np.asarray(as_array(values, what))
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind == "O" and not any(isinstance(v, (str, bytes)) for v in array.flat):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return array.astype(np.float64)
    if array.dtype.kind == "c":
        raise DataError(f"{what}: expected real numbers, got complex ones")
    hint = ""
    if what == "y" and array.dtype.kind in "OSU":
        hint = "; number classes from 0, as np.unique(y, return_inverse=True) does"
    raise DataError(f"{what}: expected numbers, got {_first_non_number(array)}{hint}")


def _first_non_number(array: Array) -> str:
    for position, value in np.ndenumerate(array):
        axes = zip(("row", "column"), position, strict=False)
        place = ", ".join(f"{axis} {i}" for axis, i in axes) or "a single value"
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{shorten(str(value), 60)!r} in {place}"
        except OverflowError:
            return f"an integer beyond the largest float in {place}"
    what = "numbers written as text" if array.dtype.kind in "SUO" else "not one of NumPy's numbers"
    return f"dtype {array.dtype}: {what}; convert them with .astype(float)"
