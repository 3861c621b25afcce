"""Statistics of all values that an array takes over many batches, in memory that does not grow.

A batch's values are summed in their own dtype, a block at a time, and the batches' results are
merged in float64. Where float32 would lose the digits that matter, because the values are far from
zero for their standard deviation or so small that their squares vanish, the batch is summed in
float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.memory import aligned_empty
from ffnn.core.moments import Moments

# A block, its ones and its marks stay in a core's cache from pass to pass.
_BLOCK_SIZE = 32_768

# The sum of squares is split into the mean's part and the deviations'. Where the deviations' is a
# smaller share than this, too many of its digits are lost.
_SMALLEST_SHARE = 0.125


class Block(NamedTuple):
    """A piece of a vector, with working memory of the same length."""

    values: Array
    ones: Array
    is_zero: Array
    double: Array


class Scratch:
    """Working memory for sums over vectors of one dtype, float32 or float64."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        ones, is_zero, double = (
            aligned_empty(_BLOCK_SIZE, each) for each in (self.dtype, np.bool_, np.float64)
        )
        ones.fill(1.0)
        self._memory = ones, is_zero, double

    def cut(self, vector: Array) -> list[Block]:
        """Return `vector` in blocks, without copying it."""
        ones, is_zero, double = self._memory
        blocks = []
        for start in range(0, vector.size, _BLOCK_SIZE):
            values = vector[start : start + _BLOCK_SIZE]
            size = values.size
            blocks.append(Block(values, ones[:size], is_zero[:size], double[:size]))
        return blocks


class RunningStatistics:
    """Mean, standard deviation, norm and fraction of zeros over all batches that were added.

    Mean and standard deviation (the population's) are those of all values as one long list; the
    norm is the mean of the batches' Euclidean norms. All are NaN before the first batch.
    """

    def __init__(self) -> None:
        self._moments = Moments()
        self._num_batches = self._zeros = 0
        self._norms = 0.0

    @property
    def count(self) -> int:
        """The number of values."""
        return self._moments.count

    @property
    def mean(self) -> float:
        """The mean of all values."""
        return float(self._moments.mean) if self.count else math.nan

    @property
    def std(self) -> float:
        """The standard deviation of all values."""
        return math.sqrt(self._moments.variance) if self.count else math.nan

    @property
    def norm(self) -> float:
        """The mean of the batches' norms."""
        return self._norms / self._num_batches if self.count else math.nan

    @property
    def zero_fraction(self) -> float:
        """The fraction of values that are exactly 0."""
        return self._zeros / self.count if self.count else math.nan

    def add(self, blocks: Sequence[Block]) -> None:
        """Add the values of one batch, cut by `Scratch.cut`."""
        count, zeros, total, square = 0, 0, 0.0, 0.0
        for values, ones, is_zero, _ in blocks:
            count += values.size
            total += float(values.dot(ones))
            square += float(values.dot(values))
            np.equal(values, _ZERO[values.dtype.char], out=is_zero)
            zeros += int(np.count_nonzero(is_zero))
        mean = total / count
        deviations = square - total * mean
        exact = _is_exact(square, count, blocks) and deviations >= _SMALLEST_SHARE * square
        if not (exact or zeros == count):
            mean, deviations = _moments_in_double(blocks, count)
            square = deviations + count * mean * mean
        self._moments.merge(count, mean, deviations)
        self._zeros += zeros
        self._norms += math.sqrt(square)
        self._num_batches += 1


class UpdateStatistics:
    """The mean norm of a parameter's updates, and the mean ratio to the parameter's own norm."""

    def __init__(self) -> None:
        self._norms = self._ratios = 0.0
        self._num_updates = self._num_ratios = 0

    @property
    def norm(self) -> float:
        """The mean of the updates' norms."""
        return self._norms / self._num_updates if self._num_updates else math.nan

    @property
    def ratio(self) -> float:
        """The mean of ‖update‖ / ‖parameter before it‖, where that is not 0."""
        return self._ratios / self._num_ratios if self._num_ratios else math.nan

    def add(self, norm: float, before: float) -> None:
        """Add the norm of one update, and that of the parameter before it."""
        self._norms += norm
        self._num_updates += 1
        if before:
            self._ratios += norm / before
            self._num_ratios += 1


def euclidean_norm(blocks: Sequence[Block]) -> float:
    """Return the norm of a vector that `Scratch.cut` cut."""
    count, square = 0, 0.0
    for values, _, _, _ in blocks:
        count += values.size
        square += float(values.dot(values))
    if not _is_exact(square, count, blocks):
        square = 0.0
        for values, _, _, double in blocks:
            np.copyto(double, values)
            square += float(double.dot(double))
    return math.sqrt(square)


def count_outside(blocks: Sequence[Block], low: float, high: float) -> int:
    """Return how many values of a vector that `Scratch.cut` cut are below `low` or above `high`."""
    count = 0
    for values, _, marks, _ in blocks:
        for compare, limit in ((np.less, low), (np.greater, high)):
            compare(values, limit, out=marks)
            count += int(np.count_nonzero(marks))
    return count


def _is_exact(square: float, count: int, blocks: Sequence[Block]) -> bool:
    """Tell whether a sum of squares is finite and too large to have lost any that vanished."""
    return _SMALLEST_SQUARE[blocks[0].values.dtype.char] * count <= square < math.inf


def _moments_in_double(blocks: Sequence[Block], count: int) -> tuple[float, float]:
    """Return the mean and Σ (x - mean)², in two passes over float64 copies."""
    total, deviations = 0.0, 0.0
    for values, _, _, double in blocks:
        np.copyto(double, values)
        total += float(np.add.reduce(double))
    mean = total / count
    for values, _, _, double in blocks:
        np.subtract(values, mean, out=double, dtype=np.float64)
        deviations += float(double.dot(double))
    return mean, deviations


_ZERO = {char: np.zeros((), char) for char in "fd"}  # needs no conversion at each call

# A square that is smaller than the smallest normal number then counts less than a rounding error.
_SMALLEST_SQUARE = {char: float(np.finfo(char).tiny) / float(np.finfo(char).eps) for char in "fd"}
