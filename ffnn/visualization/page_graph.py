"""The graph in the page, as a Bokeh figure: captions, neurons, edges and a legend.

Colours and widths of the edges depend on what the reader chooses; the page's scripts fill them in.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import BLACK, GREY, KIND_COLOURS, LIGHT_GREY, NEGATIVE, POSITIVE
from ffnn.core.text import counted, printable
from ffnn.visualization.selection import View
from ffnn.visualization.structure import BIAS, Column

if TYPE_CHECKING:
    from bokeh.models import ColumnDataSource, GlyphRenderer
    from bokeh.plotting import figure as Figure  # noqa: N812 - Bokeh's class has no capital

FOLDED = -2  # stands for the node of all hidden neurons where a unit's number is expected
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
TEXT, QUIET = "#1F2933", "#52606D"  # of what is read first, and of what is read last
LONGEST_NAME = 18  # in characters; the details have the whole name
_HEIGHT, _DRAWN_HEIGHT, _DRAWN_WIDTH = 600, 470, 850  # in pixels
_CHARACTER = 7  # width in pixels
_ROOMY = 22.0  # pixels between neurons from which a number fits into one


def build_graph(views: Mapping[str, View]) -> Figure:
    """Return a figure with one set of nodes and edges for each view; the first is visible.

    A view is named after what its edges show, "weight" or "gradient", and its renderers are named
    ``"edges:weight"``, ``"nodes:weight"``, ``"names:weight"``, and so on. The sources of edges have
    the columns ``source``, ``target`` (units) and ``connection``, those of nodes ``column`` and
    ``unit``.
    """
    figure = _empty_figure(views)
    edges, nodes = [], []
    first = next(iter(views.values()))
    for name, view in views.items():
        pitch = _pitch(view)
        source = _node_source(view, pitch)
        edges.append(_draw_edges(figure, view, name))
        nodes.append(_draw_nodes(figure, source, pitch, f"nodes:{name}"))
        names = _write_names(figure, source, pitch, f"names:{name}")
        for renderer in (edges[-1], nodes[-1], names):
            renderer.visible = view is first
    _write_captions(figure, first)
    _write_legend(figure, first)
    _add_tools(figure, nodes, edges)
    return figure


def _empty_figure(views: Mapping[str, View]) -> Figure:
    from bokeh.models import Range1d
    from bokeh.plotting import figure

    heights = [y for view in views.values() for shown in view.columns for y in shown.heights]
    low, high = min(heights), max(heights)
    margin = 0.04 * (high - low) + 0.6
    columns = [shown.column for shown in next(iter(views.values())).columns]
    left, right = _room_for_names(columns[0]), _room_for_names(columns[-1])
    gap = (_DRAWN_WIDTH - left - right) / (len(columns) - 1)  # between columns, in pixels
    result = figure(
        name="graph",
        height=_HEIGHT,
        sizing_mode="stretch_width",
        x_range=Range1d(-left / gap, len(columns) - 1 + right / gap),
        y_range=Range1d(low - margin, high + margin),
        x_axis_location="above",
        tools="",
        toolbar_location="right",
        outline_line_color=None,
    )
    result.yaxis.visible = False
    result.grid.visible = False
    result.toolbar.logo = None
    return result


def _room_for_names(column: Column) -> int:
    """Return how many pixels the names beside an outer column take."""
    longest = max(len(drawn_name(column.label(unit))) for unit in range(column.size))
    return _CHARACTER * longest + 40


def _pitch(view: View) -> float:
    """Return the distance between two neurons in pixels, before any zoom."""
    heights = [y for shown in view.columns for y in shown.heights]
    return _DRAWN_HEIGHT / (max(heights) - min(heights) + 1.2)


def _draw_edges(figure: Figure, view: View, mode: str) -> GlyphRenderer:
    from bokeh.models import ColumnDataSource, Segment

    parts: dict[str, list[Array]] = {}
    for shown in view.edges:
        values = shown.gradient if mode == "gradient" else shown.weight
        assert values is not None
        order = np.argsort(np.abs(values), kind="stable")  # the strongest is drawn on top
        ones = np.ones(order.size, np.float32)
        for key, array in {
            "x0": shown.connection.source * ones,
            "y0": shown.source_y[order].astype(np.float32),
            "x1": shown.connection.target * ones,
            "y1": shown.target_y[order].astype(np.float32),
            "connection": np.full(order.size, shown.connection.source, np.int32),
            "source": shown.sources[order].astype(np.int32),
            "target": shown.targets[order].astype(np.int32),
        }.items():
            parts.setdefault(key, []).append(array)
    data: dict[str, Any] = {key: np.concatenate(arrays) for key, arrays in parts.items()}
    data["color"] = [GREY] * view.num_edges
    for key in ("width", "chosen_width", "opacity", "faded"):
        data[key] = np.zeros(view.num_edges, np.float32)
    ends = {"x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1", "line_color": "color"}
    return figure.add_glyph(
        ColumnDataSource(data),
        Segment(**ends, line_width="width", line_alpha="opacity"),
        selection_glyph=Segment(**ends, line_width="chosen_width"),
        nonselection_glyph=Segment(**ends, line_width="width", line_alpha="faded"),
        name=f"edges:{mode}",
    )


def _node_source(view: View, pitch: float) -> ColumnDataSource:
    from bokeh.models import ColumnDataSource

    last = len(view.columns) - 1
    rows: list[tuple[Any, ...]] = []
    for shown in view.columns:
        column, x = shown.column, shown.column.index
        side = "right" if x == 0 else "left" if x == last else "center"
        colour = KIND_COLOURS[column.kind]
        for unit, y in zip(shown.units.tolist(), shown.y.tolist(), strict=True):
            if side != "center":
                name = drawn_name(column.label(unit))
            else:
                name = str(unit) if pitch >= _ROOMY else ""
            rows.append((x, y, x, unit, colour, "circle", name, side))
        if shown.bias_y is not None:
            rows.append((x, shown.bias_y, x, BIAS, KIND_COLOURS["bias"], "square", "", side))
        if shown.folded_y is not None:
            name = f"+ {shown.num_hidden:,} more"
            rows.append((x, shown.folded_y, x, FOLDED, "#FFFFFF", "circle", name, side))
    keys = ("x", "y", "column", "unit", "color", "marker", "name", "side")
    data = dict(zip(keys, map(list, zip(*rows, strict=True)), strict=True))
    data["faded"] = [_fade(colour) for colour in data["color"]]
    # Beside the outer columns' nodes, inside the inner ones', under the folded ones.
    gap = _node_size(pitch) / 2 + 5
    data["dx"] = [{"right": -gap, "left": gap, "center": 0}[side] for side in data["side"]]
    data["dy"] = [
        gap + 5 if unit == FOLDED and side == "center" else 0
        for unit, side in zip(data["unit"], data["side"], strict=True)
    ]
    return ColumnDataSource(data)


def _fade(colour: str) -> str:
    """Return a colour mixed with white: a translucent node would show the edges under it."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - 0.35 * (255 - part)):02X}" for part in parts)


def drawn_name(name: str) -> str:
    """Return a name short enough to be drawn."""
    return printable(name, LONGEST_NAME, "\ufffd")


def _node_size(pitch: float) -> float:
    return max(7.0, min(0.66 * pitch, 26.0))


def _draw_nodes(figure: Figure, source: ColumnDataSource, pitch: float, name: str) -> GlyphRenderer:
    from bokeh.models import Scatter

    common: Any = {"x": "x", "y": "y", "size": _node_size(pitch), "marker": "marker"}
    return figure.add_glyph(
        source,
        Scatter(**common, fill_color="color", line_color=GREY),
        selection_glyph=Scatter(**common, fill_color="color", line_color=BLACK, line_width=3),
        nonselection_glyph=Scatter(**common, fill_color="faded", line_color=LIGHT_GREY),
        name=name,
    )


def _write_names(
    figure: Figure, source: ColumnDataSource, pitch: float, name: str
) -> GlyphRenderer:
    from bokeh.core.properties import value
    from bokeh.models import Text

    glyph = Text(
        x="x",
        y="y",
        text="name",
        x_offset="dx",
        y_offset="dy",
        text_align="side",
        text_baseline="middle",
        text_color=TEXT,
        text_font=value(FONT),
        text_font_size=f"{max(9.0, min(0.7 * pitch, 12.0)):.0f}px",
    )
    return figure.add_glyph(
        source, glyph, selection_glyph=glyph, nonselection_glyph=glyph, name=name
    )


def _write_captions(figure: Figure, view: View) -> None:
    """Write over each column what it is; captions stay in sight when the reader zooms in."""
    from bokeh.models import FixedTicker, PlainText

    width = _DRAWN_WIDTH // len(view.columns)
    is_narrow = width < 12 * _CHARACTER
    captions = {}
    for shown in view.columns:
        column = shown.column
        lines = [column.layer_name, counted(column.size, column.kind)]
        if is_narrow:
            captions[column.index] = [" · ".join(filter(None, [*lines, column.activation]))]
        else:
            captions[column.index] = lines + textwrap.wrap(column.activation, width // _CHARACTER)
    axis = figure.xaxis
    if is_narrow:
        axis.major_label_orientation = math.pi / 4
    tallest = max(map(len, captions.values()))
    axis.ticker = FixedTicker(ticks=list(captions))
    axis.major_label_overrides = {
        # A space, as a line without any would have no height.
        index: PlainText("\n".join(lines + [" "] * (tallest - len(lines))))
        for index, lines in captions.items()
    }
    axis.major_label_text_font = FONT
    axis.major_label_text_font_size = "12px"
    axis.major_label_text_color = TEXT
    axis.major_label_text_line_height = 1.25
    axis.axis_line_color = axis.major_tick_line_color = None


def _write_legend(figure: Figure, view: View) -> None:
    from bokeh.models import Legend, LegendItem

    kinds = {shown.column.kind for shown in view.columns}
    if any(shown.bias_y is not None for shown in view.columns):
        kinds.add("bias")
    nowhere = [float("nan")]
    items = []
    for kind in sorted(kinds, key=list(KIND_COLOURS).index):
        sample = figure.scatter(
            nowhere,
            nowhere,
            size=12,
            marker="square" if kind == "bias" else "circle",
            fill_color=KIND_COLOURS[kind],
            line_color=GREY,
        )
        items.append(LegendItem(label=kind, renderers=[sample]))
    for colour, label in ((POSITIVE, "above zero"), (NEGATIVE, "below zero")):
        sample = figure.line(nowhere, nowhere, line_color=colour, line_width=4)
        items.append(LegendItem(label=label, renderers=[sample]))
    legend = Legend(
        items=items,
        orientation="horizontal",
        location="center",
        border_line_color=None,
        label_text_font=FONT,
        label_text_font_size="12px",
        label_text_color=TEXT,
        glyph_width=22,
        spacing=14,
        margin=0,
    )
    figure.add_layout(legend, "below")


def _add_tools(figure: Figure, nodes: list[GlyphRenderer], edges: list[GlyphRenderer]) -> None:
    from bokeh import models

    wheel = models.WheelZoomTool()
    zooms = [models.BoxZoomTool(), models.ZoomInTool(), models.ZoomOutTool()]
    # Neurons first: an edge ends in one, and where both are hit the neuron is meant.
    hit = [*nodes, *edges]
    tap = models.TapTool(renderers=hit, mode="replace")
    policies = {"line_policy": "interp", "point_policy": "follow_mouse"}
    hover = models.HoverTool(renderers=hit, tooltips=None, **policies)
    figure.add_tools(models.PanTool(), wheel, *zooms, models.ResetTool(), tap, hover)
    figure.toolbar.active_scroll = wheel
