"""Sums over many rows, and numbers whose squares are too large, without loss of precision.

Float32 sums, one number after another, drift: of 10⁶ rows around 1000 the mean is off by 9. NumPy
adds pairwise along memory, which does not drift; elsewhere, batches of more than `BLOCK_ROWS` rows
are added in blocks or in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array

BLOCK_ROWS = 4096
_BLOCK = 1024


def sum_rows(x: Array, out: Array) -> None:
    """Write Σ over the rows of x, of shape (rows, units), into `out`."""
    if len(x) <= BLOCK_ROWS or x.strides[0] == x.itemsize:
        x.sum(axis=0, out=out)
    else:
        out[...] = x.sum(axis=0, dtype=np.float64)


def mean_rows(x: Array, out: Array) -> None:
    """Write the mean over the rows of x, of shape (rows, units), into `out` of shape (1, units)."""
    if len(x) <= BLOCK_ROWS or x.strides[0] == x.itemsize:
        x.mean(axis=0, keepdims=True, out=out)
    else:
        out[...] = x.mean(axis=0, keepdims=True, dtype=np.float64)


def dot(a: Array, b: Array, rows: int) -> Any:
    """Return the product of two vectors that have as many entries for each of `rows` rows."""
    if rows <= BLOCK_ROWS:
        return a.dot(b)
    blocks = range(0, a.size, _BLOCK)
    return sum(float(a[i : i + _BLOCK].dot(b[i : i + _BLOCK])) for i in blocks)


def has_huge(x: Array) -> bool:
    """Tell whether squares and sums of the numbers in x may overflow their dtype."""
    x_t = x.T  # contiguous, as batches lie column by column
    return not np.vdot(x_t, x_t) < _HUGE[x.dtype.char]  # which overflows without a warning


def shrinking(x: Array, axis: int) -> Array:
    """Return powers of two that bring the lines of x along `axis` below 1; 1 for harmless ones."""
    largest = np.abs(x).max(axis=axis, keepdims=True)
    exponents = np.frexp(largest)[1]
    exponents[largest < np.sqrt(_HUGE[x.dtype.char]) / x.size] = 0
    scale: Array = np.ldexp(np.ones_like(largest), -exponents)
    return scale


_HUGE = {"f": 1e36, "d": 1e300}
