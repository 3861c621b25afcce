"""The figure of a learning-rate range test: the loss over the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import BLACK, BLUE, GREY, VERMILION, new_figure, on_paper

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RateCurveLike(Protocol):
    """What is read of a `LearningRateCurve`, which says what it means."""

    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float | None
    lowest: int

    @property
    def headline(self) -> str:
        """What was tried."""

    @property
    def verdict(self) -> str:
        """What was found."""


def limits_of(curve: RateCurveLike) -> tuple[float, float]:
    """Return the losses to show, from bottom to top: where it diverges they leave the picture."""
    low, start = float(curve.smoothed.min()), float(curve.smoothed[0])
    usual = float(np.median(curve.losses))
    height = max(start, usual) - low or abs(low) or 1.0
    return low - 0.15 * height, low + 1.5 * height


def plot_rates(curve: RateCurveLike) -> Figure:
    """Return a figure of the loss of each step and of the smoothed loss, and of the suggestion."""
    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    rates, smoothed = curve.rates, curve.smoothed
    axes.plot(rates, curve.losses, ".", color=GREY, label="loss of a step", markersize=4)
    axes.plot(rates, smoothed, color=BLUE, linewidth=2, label="smoothed")
    if curve.suggestion is not None:
        label = f"suggestion {curve.suggestion:g}"
        axes.axvline(curve.suggestion, color=VERMILION, linestyle="--", label=label)
        lowest = (rates[curve.lowest], smoothed[curve.lowest])
        look: dict[str, Any] = {"facecolors": "none", "edgecolors": on_paper(BLACK), "zorder": 3}
        axes.scatter(*lowest, s=70, label="lowest", **look)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.set_ylim(*limits_of(curve))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure
