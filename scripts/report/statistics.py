"""Means with intervals, and paired tests, in NumPy alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean, and how far the ends of its 95 % interval lie from it (NaN for a single number)."""

    mean: float
    half_width: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width


class PairedTest(NamedTuple):
    """A t-test of the mean of differences.

    Attributes
    ----------
    difference : Interval
        The mean of the differences, with Student's interval.
    std : float
        The differences' standard deviation; NaN for a single one.
    p : float
        Two-sided; NaN for a single difference.
    """

    difference: Interval
    std: float
    p: float


def student_tail(t: float, degrees: int) -> float:
    """Return P(|T| > t) of Student's distribution, for an integer number of degrees of freedom.

    Parameters
    ----------
    t : float
        At least 0.
    degrees : int
        At least 1.

    References
    ----------
    Abramowitz, Stegun, "Handbook of mathematical functions", 1964, equations 26.7.3 and 26.7.4.
    """
    theta = math.atan2(t, math.sqrt(degrees))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(odd + 1, degrees, 2):  # the terms in cos^odd, cos^(odd + 2), ...
        total += term
        term *= cosine**2 * k / (k + 1)
    inside = 2.0 / math.pi * (theta + sine * total) if odd else sine * total
    return min(max(1.0 - inside, 0.0), 1.0)


def student_quantile(degrees: int, level: float = LEVEL) -> float:
    """Return the t with P(|T| ≤ t) = `level`."""
    low, high = 0.0, 1.0
    while student_tail(high, degrees) > 1.0 - level:
        high *= 2.0
    for _ in range(100):
        middle = (low + high) / 2.0
        if student_tail(middle, degrees) > 1.0 - level:
            low = middle
        else:
            high = middle
    return high


def mean_interval(values: ArrayLike) -> Interval:
    """Return the mean of independent numbers with Student's 95 % interval."""
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, math.nan)
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean, student_quantile(len(values) - 1) * error)


def paired_test(higher: ArrayLike, lower: ArrayLike, margin: float = 0.0) -> PairedTest:
    """Test whether the mean of `higher` - `lower` is other than -`margin`, pair by pair.

    Parameters
    ----------
    higher, lower : array-like of shape (pairs,)
        Paired by position.
    margin : float
        How much lower `higher` may be.
    """
    differences = np.subtract(higher, lower, dtype=np.float64)
    difference = mean_interval(differences)
    if len(differences) < 2:
        return PairedTest(difference, math.nan, math.nan)
    std = float(differences.std(ddof=1))
    distance = abs(difference.mean + margin)
    if std == 0.0:
        return PairedTest(difference, std, 0.0 if distance else 1.0)
    t = distance / (std / math.sqrt(len(differences)))
    return PairedTest(difference, std, student_tail(t, len(differences) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of tests that were made together, corrected for their number.

    NaN stays NaN and is not counted.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics, 1979.
    """
    places = [place for place in np.argsort(p_values) if not math.isnan(p_values[place])]
    corrected, largest = list(p_values), 0.0
    for rank, place in enumerate(places):
        largest = max(largest, min(1.0, (len(places) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def rows_interval(higher: ArrayLike, lower: ArrayLike) -> Interval:
    """Return the difference of two accuracies with its 95 % interval over test rows.

    The runs are fixed and the test rows are the sample. Each row's difference is that of the shares
    of runs that got it right; their mean is approximately normally distributed.

    Parameters
    ----------
    higher, lower : array-like of bool, shape (runs, test rows)
        Which rows were classified correctly.

    Returns
    -------
    Interval
        In points of accuracy.
    """
    differences = 100.0 * (np.mean(higher, axis=0) - np.mean(lower, axis=0))
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Interval(float(differences.mean()), 1.959964 * error)
