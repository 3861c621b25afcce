"""The network as a figure: layers in columns, neurons by kind, edges by sign and size."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import (
    BLACK,
    GREY,
    KIND_COLOURS,
    LIGHT_GREY,
    NEGATIVE,
    POSITIVE,
    layer_colour,
    letters_on,
    new_figure,
    on_paper,
    paper,
)
from ffnn.core.checks import check_int
from ffnn.core.text import counted, printable
from ffnn.models.network import Network
from ffnn.visualization.edge_labels import write_edge_labels
from ffnn.visualization.selection import ShownEdges, View, select
from ffnn.visualization.structure import Column, read_structure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NODE_SIZE = 20.0  # a node's diameter in points
THINNEST, THICKEST = 0.4, 3.6  # edges' widths in points
LONGEST_NAME = 24
SMALL = 7.5  # a font size in points


@dataclass(frozen=True, eq=False)
class _Edges:
    """All edges of the figure, the strongest last, so that it is drawn on top."""

    segments: Array  # (edges, 2, 2): start and end, as x and y
    weight: Array
    gradient: Array | None
    values: Array  # whichever of them is shown


def plot_graph(
    model: Network,
    values: str = "weight",
    max_units: int | None = 16,
    max_edges: int | None = 80,
    max_labels: int = 40,
) -> Figure:
    """Return a figure of the network as a graph.

    Neurons have the colour of their layer, as in all figures; the captions name them. Edges are
    blue where their value is above zero and vermilion below, and the wider the larger it
    is. In a network of at most `max_labels` edges the weight and its gradient are written on each,
    and gains and shifts under the neurons. Of a large network the neurons and edges strongest in
    `values` are shown, chosen by `select`, and the title says what is hidden. With `max_labels` of
    0 nothing is written on edges.
    """
    view = select(read_structure(model), max_units, max_edges, values)
    if not view.edges:
        raise ValueError("plot_graph: expected a network with a Dense layer, got one without")
    edges = _gather(view, values)
    is_small = len(edges.values) <= check_int("plot_graph", "max_labels", max_labels, low=0)
    figure, axes = _canvas(view, is_small)
    _draw_edges(axes, edges)
    _draw_nodes(axes, view)
    _write_captions(figure, axes, view)
    _write_title(figure, view, values, is_small)
    _write_legend(figure, axes, edges, values)
    if is_small:
        _write_gains(axes, view, values)
        if not write_edge_labels(axes, edges.segments, edges.weight, edges.gradient):
            _write_title(figure, view, values, is_labelled=False)
    return figure


def _gather(view: View, values: str) -> _Edges:
    segments = np.concatenate([_segments(shown) for shown in view.edges])
    weight = np.concatenate([shown.weight for shown in view.edges])
    gradients = [shown.gradient for shown in view.edges if shown.gradient is not None]
    gradient = np.concatenate(gradients) if gradients else None
    chosen = gradient if values == "gradient" and gradient is not None else weight
    order = np.argsort(np.abs(chosen), kind="stable")
    return _Edges(
        segments=segments[order],
        weight=weight[order],
        gradient=None if gradient is None else gradient[order],
        values=chosen[order],
    )


def _segments(shown: ShownEdges) -> Array:
    """Return start and end of each edge, as x and y."""
    edge = shown.connection
    ends = [(edge.source, shown.source_y), (edge.target, shown.target_y)]
    return np.stack([np.column_stack([np.full(y.size, x), y]) for x, y in ends], axis=1)


def _canvas(view: View, is_small: bool) -> tuple[Figure, Axes]:
    """Return a figure with room for all columns, and its empty axes."""
    low = min(min(shown.heights) for shown in view.columns)
    high = max(max(shown.heights) for shown in view.columns)
    num_gaps = len(view.columns) - 1
    row, gap = (0.7, 2.8) if is_small else (0.4, 2.4)
    gap = max(1.4, min(gap, 9.0 / num_gaps))
    figure = new_figure(max(6.0, gap * num_gaps + 2.4), row * (high - low) + 2.3)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.15, num_gaps + 0.15)
    axes.set_ylim(low - 0.4 / row, high + 0.2 / row)
    return figure, axes


def _draw_edges(axes: Axes, edges: _Edges) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(
        list(edges.segments),
        colors=_colours(edges.values).tolist(),
        linewidths=_widths(edges.values),
        alpha=0.8,
        zorder=1,
        label="edges",
    )
    axes.add_collection(lines, autolim=False)


def _colours(values: Array) -> Array:
    """Return a colour for each value: by its sign, grey for zero, black for NaN."""
    signs = [values > 0, values < 0, values == 0]
    return np.select(signs, [POSITIVE, NEGATIVE, GREY], on_paper(BLACK))


def _widths(values: Array) -> Array:
    """Return widths in points, proportional to the values' sizes; what is not finite is widest."""
    sizes = np.abs(values.astype(np.float64))
    finite = np.isfinite(sizes)
    largest = sizes[finite].max(initial=0.0) or 1.0
    shares = np.divide(sizes, largest, where=finite, out=np.ones_like(sizes))
    return THINNEST + (THICKEST - THINNEST) * shares


def _draw_nodes(axes: Axes, view: View) -> None:
    """Draw one collection a kind, with the unit's number in each node and names beside them."""
    marks: dict[str, list[tuple[float, float, str, str]]] = {}
    for shown in view.columns:
        column = shown.column
        colour = _colour_of(column)
        for unit, y in zip(shown.units.tolist(), shown.y.tolist(), strict=True):
            marks.setdefault(column.kind, []).append((column.index, y, str(unit), colour))
            if column.unit_names is not None:
                side = (1, 0) if column.kind == "output" else (-1, 0)
                name = printable(column.unit_names[unit], LONGEST_NAME, "\ufffd")
                _write(axes, column.index, y, name, side)
        if shown.bias_y is not None:
            bias = (column.index, shown.bias_y, "b", KIND_COLOURS["bias"])
            marks.setdefault("bias", []).append(bias)
        if shown.folded_y is not None:
            folded = (column.index, shown.folded_y, "⋮", LIGHT_GREY)
            marks.setdefault("folded", []).append(folded)
            _write(axes, column.index, shown.folded_y, f"+ {shown.num_hidden:,} more", (0, -1))
    for kind in sorted(marks, key=[*KIND_COLOURS, "folded"].index):
        axes.scatter(
            [x for x, _, _, _ in marks[kind]],
            [y for _, y, _, _ in marks[kind]],
            s=NODE_SIZE**2,
            c=[colour for _, _, _, colour in marks[kind]],
            marker="s" if kind == "bias" else "o",
            edgecolors=paper(),
            zorder=2,
            label=kind,
        )
        for x, y, text, colour in marks[kind]:
            look: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 3}
            size = SMALL if len(text) < 4 else 0.8 * SMALL
            axes.text(x, y, text, size=size, color=letters_on(colour), **look)


def _colour_of(column: Column) -> str:
    """Return the colour of a column's nodes: that of its layer, which it has in all figures."""
    return KIND_COLOURS["input"] if column.place is None else on_paper(layer_colour(column.place))


def _write(axes: Axes, x: float, y: float, text: str, side: tuple[int, int]) -> None:
    """Write beside a node: `side` points away from it."""
    distance = NODE_SIZE / 2 + 3
    axes.annotate(
        text,
        (x, y),
        xytext=(side[0] * distance, side[1] * distance),
        textcoords="offset points",
        size=SMALL,
        ha=("center", "left", "right")[side[0]],
        va=("center", "bottom", "top")[side[1]],
        bbox={"boxstyle": "square,pad=0.1", "fc": paper(), "ec": "none", "alpha": 0.8},
        parse_math=False,
        zorder=3,
    )


def _write_captions(figure: Figure, axes: Axes, view: View) -> None:
    """Write under each column what it is."""
    low = min(min(shown.heights) for shown in view.columns)
    longest = int(11 * figure.get_figwidth() / len(view.columns))  # characters to a column
    for shown in view.columns:
        column = shown.column
        name, *lines = view.structure.caption(column)
        heading = textwrap.wrap(name, int(0.8 * longest))
        lines = [*heading, *lines]
        lines += textwrap.wrap(column.activation, longest)
        for number, line in enumerate(lines):
            axes.annotate(
                line,
                (column.index, low),
                xytext=(0, -NODE_SIZE - 8 - 13 * number),
                textcoords="offset points",
                size=9,
                weight="bold" if number < len(heading) else "normal",
                ha="center",
                va="top",
                parse_math=False,
            )


def _write_title(figure: Figure, view: View, values: str, is_labelled: bool) -> None:
    """Write what is shown and what is hidden."""
    sizes = "-".join(str(shown.column.size) for shown in view.columns)
    shown = f"all {counted(view.num_edges, 'edge')}"
    if view.hidden:
        shown = f"showing the strongest {', '.join(view.hidden)}"
    lines = [f"{values.capitalize()}s of the network {sizes}", shown]
    if not view.structure.has_gradients:
        lines.append("no gradient yet")
    elif is_labelled:
        lines.append("on each edge: weight ∇ gradient")
    width = int(10 * figure.get_figwidth())  # characters to a line
    wrapped = [part for line in lines for part in textwrap.wrap(line, width)]
    figure.suptitle("\n".join(wrapped), size=11, linespacing=1.4, parse_math=False)


def _write_legend(figure: Figure, axes: Axes, edges: _Edges, values: str) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], ls="", marker=marker, ms=9, color=KIND_COLOURS[kind], label=kind)
        for kind, marker in (("input", "o"), ("bias", "s"))
        if any(nodes.get_label() == kind for nodes in axes.collections)
    ]
    names = {
        POSITIVE: f"{values} above 0",
        NEGATIVE: f"{values} below 0",
        GREY: f"{values} 0",
        on_paper(BLACK): "not a number",
    }
    colours = set(_colours(edges.values).tolist())
    handles += [
        Line2D([], [], lw=2.5, color=colour, label=name)
        for colour, name in names.items()
        if colour in colours
    ]
    finite = np.abs(edges.values[np.isfinite(edges.values)])
    if finite.any():
        label = f"widest: ±{finite.max():.3g}"
        handles.append(Line2D([], [], lw=THICKEST, color=LIGHT_GREY, label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)


def _write_gains(axes: Axes, view: View, values: str) -> None:
    """Write gains and shifts, or their gradients, under their neurons."""
    for shown in view.columns:
        for unit, y in zip(shown.units.tolist(), shown.y.tolist(), strict=True):
            parts = []
            for name, gain in shown.column.gains.items():
                sign = name.replace("gamma", "γ").replace("beta", "β")
                if values == "weight":
                    parts.append(f"{sign}={gain.value[unit]:.3g}")
                elif gain.gradient is not None:
                    parts.append(f"∇{sign}={gain.gradient[unit]:.3g}")
            if parts:
                _write(axes, shown.column.index, y, " ".join(parts), (0, -1))
