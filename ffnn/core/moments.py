"""Mean and variance of values that arrive in parts, in one pass."""

from __future__ import annotations

from typing import Any

from ffnn._types import Array


class Moments:
    """Count, mean and `deviations` Σ (x - mean)² of all values so far.

    They are numbers for one list of values, and arrays of shape (columns,) for rows.

    References
    ----------
    Chan, Golub, LeVeque, "Algorithms for computing the sample variance", The American
    Statistician 1983, equations 2.1.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.deviations: Any = 0.0

    def merge(self, count: int, mean: Any, deviations: Any) -> None:
        """Add `count` values with these moments."""
        together = self.count + count
        step = mean - self.mean
        between = step * step * (self.count * count / together)
        self.deviations = self.deviations + (deviations + between)
        self.mean = self.mean + step * (count / together)
        self.count = together

    def add_rows(self, rows: Array) -> None:
        """Add float64 rows, column by column."""
        self.merge(len(rows), rows.mean(axis=0), rows.var(axis=0) * len(rows))

    @property
    def variance(self) -> Any:
        """The population variance."""
        return self.deviations / self.count
