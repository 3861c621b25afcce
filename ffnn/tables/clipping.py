"""`SmoothClipping`: features brought to one scale on which no number is far out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ffnn._types import Array

LIMIT = 3.0  # what no result reaches


@dataclass(frozen=True)
class SmoothClipping:
    """Features centred at their medians, divided by the distance of their quartiles, and clipped.

    A feature x becomes u / √(1 + (u / 3)²) with u = (x - median) / (q₃ - q₁): almost u itself
    between the quartiles, and never beyond ±3. Where the quartiles are equal, half the range of the
    feature stands for their distance; a feature that never varies becomes 0.

    Attributes
    ----------
    centers : list of float
        The median of each feature.
    factors : list of float
        What (x - median) is multiplied by, at least 0.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, section 3 and appendix A (robust scaling and smooth clipping).
    """

    centers: list[float]
    factors: list[float]

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no features lead to, as in a damaged file."""
        numbers = [*self.centers, *self.factors]
        if len(self.centers) != len(self.factors) or not np.isfinite(numbers).all():
            raise ValueError("encoder: the numbers of the clipping are impossible")
        if min(self.factors, default=0.0) < 0.0:
            raise ValueError("encoder: the numbers of the clipping are impossible")

    @classmethod
    def of(cls, features: Array) -> SmoothClipping:
        """Measure the medians and quartiles of features, of shape (rows, features)."""
        low, median, high = np.quantile(features, (0.25, 0.5, 0.75), axis=0)
        half_range = (features.max(axis=0) - features.min(axis=0)) / 2.0
        distance = np.where(high > low, high - low, half_range)
        is_constant = distance < np.finfo(float).tiny
        factors = np.where(is_constant, 0.0, 1.0 / np.where(is_constant, 1.0, distance))
        return cls(median.tolist(), factors.tolist())

    def split(self, widths: Sequence[int]) -> list[SmoothClipping | None]:
        """Return the clippings of so many features each, None for those of no feature."""
        ends = list(itertools.accumulate(widths))
        return [
            SmoothClipping(self.centers[end - n : end], self.factors[end - n : end]) if n else None
            for n, end in zip(widths, ends, strict=True)
        ]

    def apply(self, features: Array) -> Array:
        """Return features clipped, of shape (rows, features)."""
        u = (features - self.centers) * self.factors
        clipped: Array = u / np.hypot(1.0, u / LIMIT)
        return clipped

    def for_one(self, feature: int) -> Callable[[float], float]:
        """Return what clips one number of a feature, to the last bit as `apply` does."""
        center, factor = self.centers[feature], self.factors[feature]

        def clip(number: float) -> float:
            u = (number - center) * factor
            return u / abs(complex(1.0, u / LIMIT))  # math.hypot rounds otherwise than np.hypot

        return clip

    def get_config(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return asdict(self)
