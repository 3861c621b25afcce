"""Sums over many rows, and numbers whose squares are too large, without loss of precision.

Float32 sums, one number after another, drift: of 10⁶ rows around 1000 the mean is off by 9, and of
4,096 by 2e-3. NumPy adds pairwise along memory, which does not drift; where rows lie one after
another, it does not, and they are added in blocks, whose sums are added in float64. Products of
more than `BLOCK_ROWS` rows are added in blocks as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import Workspace

BLOCK_ROWS = 4096
_ADDED = 128  # numbers that NumPy adds one after another also where it adds pairwise
_MANY = 64 * BLOCK_ROWS  # numbers, from which on BLAS's own sum of squares drifts by more than 1e-6


def sum_rows(x: Array, out: Array) -> None:
    """Write Σ over the rows of x, of shape (rows, units), into `out`."""
    if len(x) <= _ADDED or x.strides[0] == x.itemsize:
        x.sum(axis=0, out=out)
    else:
        out[...] = _sum_blocks(x)


def mean_rows(x: Array, out: Array) -> None:
    """Write the mean over the rows of x, of shape (rows, units), into `out` of shape (1, units)."""
    if len(x) <= _ADDED or x.strides[0] == x.itemsize:
        x.mean(axis=0, keepdims=True, out=out)
    else:
        out[...] = _sum_blocks(x) / len(x)


def _sum_blocks(x: Array) -> Array:
    """Return Σ over the rows in float64, of sums over blocks of them in the dtype of x.

    A block is added by a product with ones, for which BLAS takes less time than a sum.
    """
    whole = len(x) - len(x) % _ADDED
    blocks = np.ones(_ADDED, x.dtype) @ x[:whole].reshape(-1, _ADDED, x.shape[1])
    total: Array = blocks.sum(axis=0, dtype=np.float64)
    total += x[whole:].sum(axis=0)
    return total


def sum_of_squares(x: Array) -> float:
    """Return Σ x² over all entries of an array that is contiguous."""
    if is_summed_at_once(x):
        return float(x.dot(x) if x.ndim == 1 else np.vdot(x, x))  # `dot` starts quicker
    size = 4 * BLOCK_ROWS
    whole = x.size - x.size % size
    blocks, rest = np.split(x.ravel("K"), [whole])
    blocks = blocks.reshape(-1, size)
    with np.errstate(over="ignore"):  # as `vdot` does; the result tells
        squares = np.matmul(blocks[:, None, :], blocks[:, :, None])
    return float(squares.sum(dtype=np.float64)) + float(np.vdot(rest, rest))


def is_summed_at_once(x: Array) -> bool:
    """Tell whether `sum_of_squares` of an array is one product."""
    return x.size <= _MANY


def norm(x: Array) -> float:
    """Return ‖x‖ of a vector, also where its square overflows."""
    square = sum_of_squares(x)
    if math.isfinite(square):
        return math.sqrt(square)
    largest = float(np.abs(x).max())
    return largest * float(np.linalg.norm(x / largest)) if math.isfinite(largest) else largest


def row_blocks(rows: int) -> list[slice]:
    """Return the blocks of rows over which sums in float32 do not drift."""
    return [slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS)]


def dot_over(rows: int) -> Callable[..., Any]:
    """Return the function dot(a, b, out=None) for products a b that sum over `rows` rows."""
    return np.ndarray.dot if rows <= BLOCK_ROWS else _BlockwiseDot()


def matmul_over(rows: int) -> Callable[..., Any]:
    """Return the same for stacks of matrices, whose products take `out`, as ``np.matmul`` does."""
    return np.matmul if rows <= BLOCK_ROWS else _BlockwiseDot()


class _BlockwiseDot:
    """a b as the sum, in float64, of products over blocks of rows; its arrays serve every call."""

    def __init__(self) -> None:
        self._space = Workspace("C")

    def __reduce__(self) -> Any:
        return _BlockwiseDot, ()  # a copy makes arrays of its own

    def __call__(self, a: Array, b: Array, out: Array | None = None) -> Any:
        blocks = row_blocks(a.shape[-1])
        if out is None:
            return sum(float(a[block].dot(b[block])) for block in blocks)
        total, product, exact = (
            self._space.get(name, out.shape, dtype)
            for name, dtype in (("total", "d"), ("product", out.dtype), ("exact", "d"))
        )
        total.fill(0.0)
        for block in blocks:
            part = b[block] if b.ndim == 1 else b[..., block, :]
            np.matmul(a[..., block], part, out=product)  # `dot` would copy such slices
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
