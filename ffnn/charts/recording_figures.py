"""Figures of what a `Recording` holds: statistics and distributions, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import GREY, layer_colour, layer_line, mark_epochs, new_figure, on_paper
from ffnn.core.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEGEND_WIDTH = 96  # letters that fit side by side
_LONGEST_NAME = 48
_MOST_ROWS = 10
_ROW_HEIGHT = 0.9
RULE_OF_THUMB = 1e-3


class RecordingLike(Protocol):
    """What is read of a `Recording`."""

    epochs: list[int]

    def names(self, kind: str) -> list[tuple[str, str]]:
        """Return the layer and the array of all that there are numbers of."""

    def series(self, kind: str, layer: str, array: str, statistic: str) -> Array:
        """Return one number per epoch."""

    def histogram(self, kind: str, layer: str, array: str) -> Any:
        """Return ``edges`` and ``counts``, a row for each epoch."""


class Panel(NamedTuple):
    """What a panel shows."""

    kind: str
    statistic: str
    title: str
    short: str
    is_logarithmic: bool


PANELS = (
    Panel("gradients", "norm", "norm of the gradient", "gradient norm", True),
    Panel(
        "updates",
        "ratio",
        "ratio of update to parameter (dotted: 1e-3)",
        "update / parameter",
        True,
    ),
    Panel("activations", "zero_fraction", "share of zero activations", "zero activations", False),
    Panel("weights", "std", "standard deviation of the parameter", "std of parameter", False),
)


def plot_recording(recording: RecordingLike) -> Figure:
    """Return a figure of how the inside of a network changed in training, a line for each layer.

    Four panels show the gradient's norm, the ratio of update to parameter with the rule of thumb
    1e-3, the share of activations that are 0 (of tanh and sigmoid: that are saturated), and the
    parameters' standard deviation, each of a layer's first parameter array: its weight or gain.
    """
    from matplotlib.lines import Line2D

    _check_epochs(recording)
    layers = [layer for layer, _ in recording.names("activations")]
    names = [shorten(layer, _LONGEST_NAME) for layer in layers]
    num_columns = min(len(names), max(1, _LEGEND_WIDTH // (max(map(len, names)) + 8)))
    figure = new_figure(9.0, 5.4 + 0.22 * math.ceil(len(names) / num_columns))
    grid = figure.subplots(2, 2, sharex=True)
    epochs = [epoch + 1 for epoch in recording.epochs]
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        for layer, array in first_arrays(recording, panel.kind).items():
            series = series_of(recording, panel, layer, array)
            axes.plot(epochs, series, **layer_line(layers.index(layer)))
        _finish(axes, panel, title_of(recording, panel))
    margin = 0.04 * (epochs[-1] - epochs[0]) or 0.5
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
        axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    handles = [Line2D([], [], **layer_line(place)) for place in range(len(layers))]
    legend = figure.legend(handles, names, loc="outside lower center", ncols=num_columns)
    for text in legend.get_texts():
        text.set_parse_math(False)  # names are text, never markup
    return figure


def _saturation(recording: RecordingLike, layer: str, array: str) -> Array | None:
    """Return the shares of a layer's outputs that are saturated; None if it does not saturate."""
    shares = recording.series("activations", layer, array, "saturated_fraction")
    return None if np.isnan(shares).all() else shares


def series_of(recording: RecordingLike, panel: Panel, layer: str, array: str) -> Array:
    """Return the numbers that a panel shows of a layer, one per epoch.

    Where outputs saturate, their share takes the place of the share of zeros.
    """
    shares = _saturation(recording, layer, array) if panel.kind == "activations" else None
    if shares is not None:
        return shares
    return recording.series(panel.kind, layer, array, panel.statistic)


def title_of(recording: RecordingLike, panel: Panel) -> str:
    """Return what a panel shows."""
    if panel.kind == "activations":
        names = recording.names("activations")
        if any(_saturation(recording, *name) is not None for name in names):
            return "share of zero activations; tanh, sigmoid: saturated"
    return panel.title


def _check_epochs(recording: RecordingLike) -> None:
    if not recording.epochs:
        raise ValueError("there is nothing to plot: no epoch was recorded")


def first_arrays(recording: RecordingLike, kind: str) -> Mapping[str, str]:
    """Return each layer's first array of a kind."""
    first: dict[str, str] = {}
    for layer, array in recording.names(kind):
        first.setdefault(layer, array)
    return first


def _finish(axes: Axes, panel: Panel, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    mark_epochs(axes)
    if panel.kind == "updates":
        axes.axhline(RULE_OF_THUMB, color=GREY, linestyle=(0, (1, 2)), zorder=1)
    if panel.statistic == "zero_fraction":
        axes.set_ylim(-0.03, 1.03)
    drawn = [np.asarray(line.get_ydata()) for line in axes.lines]
    if panel.is_logarithmic and any((values > 0.0).any() for values in drawn):
        axes.set_yscale("log")


def plot_recorded_histograms(
    recording: RecordingLike, layer: str, array: str | None = None
) -> Figure:
    """Return a figure of how a layer's distributions changed, epoch by epoch.

    Panels show the values of a parameter array (by default the layer's first), its gradients and
    the layer's activations. Each has a histogram per epoch, from the first at the top to the
    last, at most ten of them, evenly spaced. A bin's height is the square root of its count, so
    that tails beside a tall peak can be seen, and the tallest bin of each epoch is equally tall.
    """
    _check_epochs(recording)
    array = array or first_arrays(recording, "weights").get(layer)
    output = first_arrays(recording, "activations").get(layer, "")
    panels = [("activations", output, "activations")]
    if array is not None:
        panels = [("weights", array, array), ("gradients", array, f"gradient of {array}"), *panels]
    histograms = [recording.histogram(kind, layer, name) for kind, name, _ in panels]
    names = [name for name, _ in recording.names("activations")]
    colour = on_paper(layer_colour(names.index(layer)))
    num_epochs = len(recording.epochs)
    places = np.unique(np.linspace(0, num_epochs - 1, _MOST_ROWS).round().astype(int))
    figure = new_figure(max(4.6, 3.2 * len(panels)), 1.6 + 0.4 * len(places))
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (_, _, label), histogram in zip(all_axes, panels, histograms, strict=True):
        for row, place in enumerate(places):
            _plot_row(axes, row, histogram.edges[place], histogram.counts[place], colour)
        _make_room(axes)
        axes.set_xlabel(label, parse_math=False)
        axes.grid(axis="x", alpha=0.3)
    all_axes[0].set_yticks(range(len(places)), [recording.epochs[place] + 1 for place in places])
    all_axes[0].set_ylabel("epoch")
    all_axes[0].set_ylim(len(places) - 0.8, -1.1)  # the first at the top
    title = f"{shorten(layer, _LONGEST_NAME)}\nheights are square roots of counts"
    figure.suptitle(title, fontsize=10, parse_math=False)
    return figure


def _make_room(axes: Axes) -> None:
    """Show a value that all have in common as a thin line, not as wide as the axes."""
    low, high = axes.get_xlim()
    middle = (low + high) / 2.0
    if high - low < max(1e-5 * abs(middle), 1e-25):
        room = 0.5 * abs(middle) if abs(middle) > 1e-20 else 1.0
        axes.set_xlim(middle - room, middle + room)


def _plot_row(axes: Axes, row: int, edges: Array, counts: Array, colour: str) -> None:
    """Draw a histogram standing on y = `row`, upwards on an axis that points downwards."""
    used = np.flatnonzero(counts)
    if not used.size:
        return
    first, last = used[0], used[-1] + 1
    heights = _ROW_HEIGHT * np.sqrt(counts[first:last] / counts.max())
    place: dict[str, Any] = {"edges": edges[first : last + 1], "baseline": row, "color": colour}
    axes.stairs(row - heights, fill=True, alpha=0.5, **place)
    axes.stairs(row - heights, linewidth=0.8, **place)
