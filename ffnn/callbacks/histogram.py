"""Histograms, and those that need not know beforehand how far values reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.running_statistics import Block

_FINEST = -100  # the narrowest bins are 2 to this power wide, which float32 can divide by


class RunningHistogram:
    """Counts of values in bins of one width, the smallest power of two at which all values fit.

    The bins' edges are whole multiples of their width, so that when a value arrives that does not
    fit, bins are joined in pairs, the width doubles, and no count is lost or moved: the result is
    the same whatever the order of the values. The first bin holds the smallest value. Bins are
    never narrower than the difference of neighbouring numbers, nor than 2^-100.

    Parameters
    ----------
    num_bins : int
        The number of bins, at least 2.

    Attributes
    ----------
    counts : ndarray of shape (num_bins,)
        The numbers of finite values; a bin holds its lower edge and not its upper one.
    """

    def __init__(self, num_bins: int) -> None:
        self.counts = np.zeros(num_bins, np.int64)
        self._low, self._high = math.inf, -math.inf
        self._exponent = _FINEST
        self._first = 0  # the first bin's lower edge, in widths

    @property
    def grid(self) -> tuple[float, float]:
        """The first bin's lower edge and the bins' width; NaN without any value."""
        if self._low > self._high:
            return math.nan, math.nan
        return math.ldexp(self._first, self._exponent), math.ldexp(1.0, self._exponent)

    def add(self, blocks: Sequence[Block]) -> None:
        """Count the values of a vector cut by `Scratch.cut`; infinities and NaN are left out."""
        for values, _, _, double in blocks:
            finite = values
            low, high = float(values.min()), float(values.max())
            if not (math.isfinite(low) and math.isfinite(high)):
                finite = values[np.isfinite(values)]
                if not finite.size:
                    continue
                low, high = float(finite.min()), float(finite.max())
            if low < self._low or high > self._high:
                self._reach(low, high, np.finfo(values.dtype).nmant - 1)
            # Powers of two divide exactly, and bins' numbers are small enough to be exact.
            places = double.view(values.dtype)[: finite.size]
            np.multiply(finite, math.ldexp(1.0, -self._exponent), out=places)
            np.floor(places, out=places)
            places -= float(self._first)
            self.counts += np.bincount(places.astype(np.intp), minlength=len(self.counts))

    def _reach(self, low: float, high: float, digits: int) -> None:
        """Widen the bins until they reach from `low` to `high`; numbers have `digits` bits."""
        self._low, self._high = min(low, self._low), max(high, self._high)
        exponent, largest = self._exponent, max(-self._low, self._high)
        if largest > 0.0:
            exponent = max(exponent, math.frexp(largest)[1] - digits)
        while True:
            first = math.floor(math.ldexp(self._low, -exponent))
            last = math.floor(math.ldexp(self._high, -exponent))
            if last - first < len(self.counts):
                break
            exponent += 1
        self._move(exponent, first)

    def _move(self, exponent: int, first: int) -> None:
        """Take bins of a width of 2 to `exponent`, the first of them at `first` widths."""
        used = np.flatnonzero(self.counts)
        places = ((self._first + used) >> (exponent - self._exponent)) - first
        counts = np.zeros_like(self.counts)
        np.add.at(counts, places, self.counts[used])
        self.counts, self._exponent, self._first = counts, exponent, first


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values fell into each bin, epoch by epoch.

    Attributes
    ----------
    edges : ndarray of shape (epochs, bins + 1)
        The bins' edges; a bin holds its lower edge and not its upper one. They are NaN in an epoch
        without any finite value.
    counts : ndarray of shape (epochs, bins)
        The number of values in each bin.
    """

    edges: Array
    counts: Array
