"""Sums over many rows, and numbers whose squares are too large, without loss of precision.

Float32 sums, one number after another, drift: of 10⁶ rows around 1000 the mean is off by 9. NumPy
adds pairwise along memory, which does not drift; elsewhere, batches of more than `BLOCK_ROWS` rows
are added in blocks or in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import Workspace

BLOCK_ROWS = 4096
_MANY = 64 * BLOCK_ROWS  # numbers, from which on BLAS's own sum of squares drifts by more than 1e-6


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


def sum_of_squares(x: Array) -> float:
    """Return Σ x² over all entries of an array that is contiguous."""
    if x.size <= _MANY:
        return float(x.dot(x) if x.ndim == 1 else np.vdot(x, x))  # `dot` starts quicker
    size = 4 * BLOCK_ROWS
    whole = x.size - x.size % size
    blocks, rest = np.split(x.ravel("K"), [whole])
    blocks = blocks.reshape(-1, size)
    with np.errstate(over="ignore"):  # as `vdot` does; the result tells
        squares = np.matmul(blocks[:, None, :], blocks[:, :, None])
    return float(squares.sum(dtype=np.float64)) + float(np.vdot(rest, rest))


def dot_over(rows: int) -> Callable[..., Any]:
    """Return the function dot(a, b, out=None) for products a b that sum over `rows` rows."""
    return np.ndarray.dot if rows <= BLOCK_ROWS else _BlockwiseDot()


class _BlockwiseDot:
    """a b as the sum, in float64, of products over blocks of rows; its arrays serve every call."""

    def __init__(self) -> None:
        self._space = Workspace("C")

    def __reduce__(self) -> Any:
        return _BlockwiseDot, ()  # a copy makes arrays of its own

    def __call__(self, a: Array, b: Array, out: Array | None = None) -> Any:
        blocks = [slice(i, i + BLOCK_ROWS) for i in range(0, len(b), BLOCK_ROWS)]
        if out is None:
            return sum(float(a[block].dot(b[block])) for block in blocks)
        total, product, exact = (
            self._space.get(name, out.shape, dtype)
            for name, dtype in (("total", "d"), ("product", out.dtype), ("exact", "d"))
        )
        total.fill(0.0)
        for block in blocks:
            np.matmul(a[:, block], b[block], out=product)  # `dot` would copy such slices
            np.copyto(exact, product)  # an addition of both dtypes would convert in small pieces
            total += exact
        np.copyto(out, total, casting="same_kind")
        return out


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
