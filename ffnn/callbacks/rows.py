"""A few rows of a training, kept with its recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ffnn._types import Array

MAX_ROWS, MAX_NUMBERS = 36, 1_000_000


def number_of_rows(columns: int) -> int:
    """Return how many rows of so many columns are few: fewer where they are very wide."""
    return max(1, min(MAX_ROWS, MAX_NUMBERS // columns))


@dataclass(frozen=True, eq=False)
class Rows:
    """A few rows of a data set, which views send through the network.

    Attributes
    ----------
    x : ndarray of shape (rows, input_dim)
        Inputs, as the model's first layer takes them.
    y : ndarray of shape (rows,) or (rows, units)
        Targets, as the loss takes them: class numbers, or numbers for each output.
    """

    x: Array
    y: Array

    @classmethod
    def keep(cls, x: Array, y: Array) -> Rows:
        """Return rows of dtypes that a model file holds, and of the same values."""
        return cls(_storable(x), _storable(y))

    @classmethod
    def restore(cls, x: Array, y: Array) -> Rows:
        """Return the rows of a file; ValueError if they are none that `keep` returns."""
        for name, array, dimensions in (("x", x, (2,)), ("y", y, (1, 2))):
            if array.ndim not in dimensions or not 0 < len(array) <= MAX_ROWS:
                raise ValueError(
                    f"/recording/rows/{name}: expected 1 to {MAX_ROWS} rows, got an array of shape "
                    f"{array.shape}"
                )
            if not np.isfinite(array).all():
                raise ValueError(f"/recording/rows/{name}: a number is not finite")
        if len(x) != len(y):
            raise ValueError(f"/recording/rows/y: expected {len(x)} targets, got {len(y)}")
        return cls(x, y)


def _storable(array: Array) -> Array:
    if array.dtype in (np.uint8, np.float32, np.float64):
        return array
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
