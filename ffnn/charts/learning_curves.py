"""The numbers of a training as curves; everything that draws learning curves reads them here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class HistoryLike(Protocol):
    """What is read of a `History`, which says what it means."""

    history: dict[str, list[float]]
    epoch: list[int]
    higher_is_better: list[str]
    interrupted: bool


@dataclass(frozen=True)
class Curve:
    """The loss, or a metric, of one training: a number per epoch, and another of validation."""

    name: str
    epochs: list[int]  # counted from 1
    training: Sequence[float]
    validation: Sequence[float] | None
    higher_is_better: bool

    @property
    def best(self) -> tuple[int, float] | None:
        """The best epoch and its number; None if no number is finite.

        Validation counts where there is one. Of equally good epochs the first is the best.
        """
        return self.best_of(self.training if self.validation is None else self.validation)

    def best_of(self, values: Sequence[float]) -> tuple[int, float] | None:
        """Return the best epoch of `training` or of `validation`, as `best` does."""
        finite = [pair for pair in zip(self.epochs, values, strict=True) if math.isfinite(pair[1])]
        pick = max if self.higher_is_better else min
        return pick(finite, key=lambda pair: pair[1], default=None)

    @property
    def finite(self) -> list[float]:
        """All finite numbers, of training and of validation."""
        return [v for v in (*self.training, *(self.validation or ())) if math.isfinite(v)]


def read_curves(record: HistoryLike) -> dict[str, Curve]:
    """Return the curve of the loss and of each metric, by name."""
    history, better = record.history, record.higher_is_better
    validations = {f"val_{name}" for name in history}
    epochs = [epoch + 1 for epoch in record.epoch]
    return {
        name: Curve(name, epochs, values, history.get(f"val_{name}"), name in better)
        for name, values in history.items()
        if name not in validations
    }


def is_logarithmic(curves: Sequence[Curve]) -> bool:
    """Tell whether the curves of one panel belong on a logarithmic axis: a loss of many magnitudes.

    Its finite numbers must all be positive, and the largest over 100 times the smallest.
    """
    finite = [value for curve in curves for value in curve.finite]
    spans_decades = bool(finite) and 0.0 < 100.0 * min(finite) < max(finite)
    return curves[0].name == "loss" and spans_decades
