"""Learning curves: how loss and metrics went, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue and vermilion out of the colour-blind-safe palette of Okabe and Ito.
TRAINING, VALIDATION = "#0072B2", "#D55E00"


def plot_curves(history: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> Figure:
    """Return a figure with a panel for the loss and for each metric, training and validation.

    Parameters
    ----------
    history : mapping of str to sequence of float
        Name → a number an epoch; a name with ``"val_"`` before it is drawn in its panel.
    epochs : sequence of int
        The epochs' numbers, counted from 0; they are shown counted from 1.

    Returns
    -------
    matplotlib.figure.Figure
        Not attached to any window.

    Raises
    ------
    ValueError
        There is no epoch to show.
    """
    from matplotlib.figure import Figure

    if not epochs:
        raise ValueError("there is nothing to plot: no epoch was trained")
    names = [name for name in history if not name.startswith("val_")]
    figure = Figure(figsize=(4.8 * len(names), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _plot_panel(axes, name, history, [epoch + 1 for epoch in epochs])
    return figure


def _plot_panel(
    axes: Axes, name: str, history: Mapping[str, Sequence[float]], epochs: Sequence[int]
) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(epochs, history[name], color=TRAINING, marker=".", label="training")
    if f"val_{name}" in history:
        validation = history[f"val_{name}"]
        axes.plot(epochs, validation, color=VALIDATION, marker=".", ls="--", label="validation")
    axes.set_xlabel("epoch")
    axes.set_ylabel(name.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
