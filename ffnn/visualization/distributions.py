"""Histograms of weights and of their gradients, a row of panels for each layer."""

from __future__ import annotations

import math
import numbers
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import BLACK, GREY, layer_colour, new_figure, on_paper
from ffnn.layers.base import Layer
from ffnn.models.network import Network
from ffnn.visualization.structure import require_gradients

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST = 1e150  # beyond it squares overflow: such an entry counts as not finite
MIN_BINS, MAX_BINS = 10, 50


def plot_weights(model: Network, layers: Sequence[int] | None = None) -> Figure:
    """Return a figure of how the weights, biases and gains of each layer are distributed.

    Each array has its own panel, in its layer's colour: a histogram of its entries, with their
    mean, standard deviation and the fraction of entries that are exactly 0. A dotted line marks
    zero where it is in view. Entries that are not finite are counted, and left out of the rest.
    """
    return _plot("plot_weights", model, layers, ("weights",))


def plot_gradients(model: Network, layers: Sequence[int] | None = None) -> Figure:
    """Return the figure of `plot_weights` for the gradients of the last backward pass."""
    model.require_built()
    require_gradients(model.has_gradients)
    return _plot("plot_gradients", model, layers, ("gradients",))


def plot_distributions(model: Network, layers: Sequence[int] | None = None) -> Figure:
    """Return a figure of weights and gradients, each array's beside each other.

    Before the first backward pass the gradients' panels say that there is no gradient yet.
    """
    return _plot("plot_distributions", model, layers, ("weights", "gradients"))


def _plot(
    owner: str, model: Network, layers: Sequence[int] | None, shown: tuple[str, ...]
) -> Figure:
    chosen = _choose_layers(owner, model, layers)
    columns = len(shown) * max(len(model.layers[index].params) for index in chosen)
    figure = new_figure(2.4 * max(columns, 2), 2.1 * len(chosen))
    grid = figure.add_gridspec(len(chosen), columns)
    for row, index in enumerate(chosen):
        layer = model.layers[index]
        panels = [(name, kind) for name in layer.params for kind in shown]
        for column, (name, kind) in enumerate(panels):
            axes = figure.add_subplot(grid[row, column])
            label = name if kind == "weights" else f"gradient of {name}"
            lines = (f"layer {index}, {layer.name}", f"{label} {layer.params[name].shape}")
            title = "\n".join(textwrap.fill(line, 32) for line in lines)  # as wide as a panel
            axes.set_title(title, loc="left", fontsize=8, parse_math=False)
            colour = on_paper(layer_colour(index))
            if kind == "weights":
                _plot_histogram(axes, layer.params[name], colour)
            elif model.has_gradients:
                _plot_histogram(axes, layer.grads[name], colour, is_pale=True)
            else:
                _write_alone(axes, "no gradient yet")
    return figure


def _choose_layers(owner: str, model: Network, layers: Sequence[int] | None) -> list[int]:
    """Return the indices of the layers to show, none of them negative."""
    model.require_built()
    valid = [index for index, layer in enumerate(model.layers) if layer.params]
    if layers is None:
        if not valid:
            raise ValueError(f"{owner}: no layer of this model has parameters")
        return valid
    known = ", ".join(f"{index} {model.layers[index].name}" for index in valid) or "none"
    if isinstance(layers, (str, bytes)) or not np.iterable(layers):
        raise TypeError(f"{owner}: layers must be a list of layer indices, got {layers!r}")
    chosen = [_check_index(owner, index, model.layers, known) for index in layers]
    if not chosen:
        raise ValueError(
            f"{owner}: layers is empty; leave it out to see all layers with parameters ({known})"
        )
    return chosen


def _check_index(owner: str, index: object, layers: Sequence[Layer], known: str) -> int:
    if isinstance(index, bool) or not isinstance(index, numbers.Integral):
        raise TypeError(f"{owner}: layers must hold integers, got {index!r}")
    count = len(layers)
    if not -count <= int(index) < count:
        raise IndexError(
            f"{owner}: there is no layer {index}; indices go from 0 to {count - 1}, or from "
            f"{-count} to -1 counted from the end; layers with parameters: {known}"
        )
    place = int(index) % count
    if not layers[place].params:
        raise ValueError(
            f"{owner}: layer {index}, {layers[place].name}, has no parameters; layers that have: "
            f"{known}"
        )
    return place


def _plot_histogram(axes: Axes, array: Array, colour: str, is_pale: bool = False) -> None:
    """Draw the entries of an array, and write what they are like above; gradients are pale."""
    from matplotlib.ticker import MaxNLocator

    entries = array.astype(np.float64).ravel()
    drawn = entries[np.abs(entries) <= LARGEST]  # NaN compares as False
    text = _describe(entries, drawn)
    if drawn.size == 0:
        _write_alone(axes, text)
        return
    edges = _bin_edges(drawn)
    counts, _ = np.histogram(drawn, edges)
    look: dict[str, Any] = {
        "facecolor": (colour, 0.35 if is_pale else 1.0),
        "edgecolor": colour,
        "linewidth": 0.6,
    }
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", **look)
    if len(edges) == 2:  # one bar, narrow to show that it is one value
        room = 5 * (edges[1] - edges[0])
        axes.set_xlim(edges[0] - room, edges[1] + room)
    below_text = 0.94 - 0.125 * len(text.splitlines())  # the bars' share of the height
    left, right = axes.get_xlim()
    if left <= 0.0 <= right:
        axes.axvline(0.0, ymax=below_text, color=on_paper(BLACK), linewidth=0.9, linestyle=":")
    axes.set_ylim(0.0, counts.max() / below_text)
    axes.text(0.03, 0.96, text, transform=axes.transAxes, va="top", fontsize=8)
    axes.set_ylabel("entries", fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(labelsize=8)
    axes.xaxis.get_offset_text().set_fontsize(8)


def _describe(entries: Array, drawn: Array) -> str:
    """Return the text of a panel; `drawn` are the `entries` that are finite."""
    lines = []
    if drawn.size:
        zeros = 100.0 * np.count_nonzero(entries == 0.0) / entries.size
        lines += [f"mean {drawn.mean():.3g}", f"std {drawn.std():.3g}", f"zeros {zeros:.3g}%"]
    if drawn.size < entries.size:
        lines += [f"not finite: {entries.size - drawn.size:,} of {entries.size:,}"]
    return "\n".join(lines)


def _bin_edges(values: Array) -> Array:
    """Return bins 2 IQR / n^(1/3) wide for n entries with the interquartile range IQR.

    There are 10 to 50 of them, but one for entries that are all the same. After Freedman, Diaconis,
    "On the histogram as a density estimator: L2 theory", Zeitschrift für Wahrscheinlichkeitstheorie
    und verwandte Gebiete, 1981.
    """
    low, high = values.min(), values.max()
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-12 * largest, 1e-300):  # all the same, but for rounding
        middle = (low + high) / 2
        half = 0.05 * largest if largest > 1e-300 else 0.05
        return np.array([middle - half, middle + half])
    quarters = np.percentile(values, [25, 75])
    width = 2.0 * (quarters[1] - quarters[0]) / values.size ** (1 / 3)
    wanted = (high - low) / width if width > 0 else math.inf
    return np.linspace(low, high, 1 + math.ceil(min(max(wanted, MIN_BINS), MAX_BINS)))


def _write_alone(axes: Axes, text: str) -> None:
    """Write a text where there is nothing to draw."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
