"""The numbers of a training as curves; everything that draws learning curves reads them here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Record(Protocol):
    """What is read of a `History`.

    Attributes
    ----------
    history : mapping of str to sequence of float
        Name → a number an epoch; a name with ``"val_"`` before it is about validation.
    epoch : sequence of int
        The epochs' numbers, counted from 0.
    growing : collection of str
        The names of the metrics of which more is better.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    @property
    def history(self) -> Mapping[str, Sequence[float]]: ...  # noqa: D102
    @property
    def epoch(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def growing(self) -> Collection[str]: ...  # noqa: D102
    @property
    def interrupted(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Curve:
    """The loss, or a metric, of one training.

    Attributes
    ----------
    name : str
        Its name in the history.
    epochs : list of int
        The epochs' numbers, counted from 1.
    training : sequence of float
        A number an epoch.
    validation : sequence of float, or None
        The same of validation, if there was any.
    grows : bool
        Whether more is better.
    """

    name: str
    epochs: list[int]
    training: Sequence[float]
    validation: Sequence[float] | None
    grows: bool

    @property
    def best(self) -> tuple[int, float] | None:
        """The best epoch and its number; None if no number is finite.

        Validation counts where there is one. Of equally good epochs the first is the best.
        """
        return self.best_of(self.training if self.validation is None else self.validation)

    def best_of(self, values: Sequence[float]) -> tuple[int, float] | None:
        """Return the best epoch of `training` or of `validation`, as `best` does."""
        finite = [pair for pair in zip(self.epochs, values, strict=True) if math.isfinite(pair[1])]
        pick = max if self.grows else min
        return pick(finite, key=lambda pair: pair[1], default=None)

    @property
    def finite(self) -> list[float]:
        """All finite numbers, of training and of validation."""
        return [v for v in (*self.training, *(self.validation or ())) if math.isfinite(v)]


def read_curves(
    history: Mapping[str, Sequence[float]], epochs: Sequence[int], growing: Collection[str]
) -> dict[str, Curve]:
    """Return the curve of the loss and of each metric, by name.

    Parameters
    ----------
    history : mapping of str to sequence of float
        Name → a number an epoch; a name with ``"val_"`` before it is about validation.
    epochs : sequence of int
        The epochs' numbers, counted from 0.
    growing : collection of str
        The names of the metrics of which more is better, without ``"val_"``.
    """
    validations = {f"val_{name}" for name in history}
    shown_epochs = [epoch + 1 for epoch in epochs]
    return {
        name: Curve(name, shown_epochs, values, history.get(f"val_{name}"), name in growing)
        for name, values in history.items()
        if name not in validations
    }


def is_logarithmic(curves: Sequence[Curve]) -> bool:
    """Tell whether curves of one name belong on a logarithmic axis: a loss of many magnitudes.

    Its finite numbers must all be positive, and the largest over 100 times the least.

    Parameters
    ----------
    curves : sequence of Curve
        Those of one panel, at least one.
    """
    finite = [value for curve in curves for value in curve.finite]
    spans_decades = bool(finite) and 0.0 < 100.0 * min(finite) < max(finite)
    return curves[0].name == "loss" and spans_decades
