"""A report's charts, confusion matrix and pictures as a figure of matplotlib."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.charts.style import BLACK, new_figure, on_paper
from ffnn.core.text import printable
from ffnn.reports.pieces import Bars, Chart, Mark, Matrix, Pictures, Piece
from ffnn.reports.svg import DASHES, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 2
_PANEL = (4.8, 4.0)  # inches
_MOST_PICTURES, _PICTURES_A_ROW = 12, 4
_MOST_NAMED = 12  # classes whose counts are written


def plot(headline: str, pieces: Iterable[Piece]) -> Figure:
    """Return a figure with a panel for each piece that is drawn."""
    drawn = [p for p in pieces if isinstance(p, (Bars, Chart, Matrix, Pictures))]
    rows = math.ceil(len(drawn) / _COLUMNS)
    figure = new_figure(_PANEL[0] * _COLUMNS, 0.6 + _PANEL[1] * rows)
    figure.suptitle(textwrap.fill(headline, 100), fontsize=10, parse_math=False)
    grid = figure.add_gridspec(max(rows, 1), _COLUMNS)
    for place, piece in enumerate(drawn):
        cell = grid[divmod(place, _COLUMNS)]
        if isinstance(piece, Pictures):
            _show_pictures(figure, cell, piece)
            continue
        axes = figure.add_subplot(cell)
        axes.set_title(textwrap.fill(piece.title, 50), fontsize=10, loc="left", parse_math=False)
        if isinstance(piece, Matrix):
            _show_matrix(axes, piece)
        elif isinstance(piece, Bars):
            _show_bars(axes, piece)
        else:
            _show_chart(axes, piece)
    return figure


def _show_bars(axes: Axes, bars: Bars) -> None:
    labels = [printable(label, 28) for label in bars.labels]
    colours = [PALETTE[0] if value >= 0 else PALETTE[1] for value in bars.values]
    places = range(len(labels))
    look: dict[str, Any] = {"color": colours, "ecolor": on_paper(BLACK), "alpha": 0.8}
    axes.barh(places, bars.values, xerr=bars.spreads, **look)
    axes.set_yticks(places, labels, fontsize=7, parse_math=False)
    axes.invert_yaxis()  # the first at the top
    axes.axvline(0.0, color=on_paper(BLACK), linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(bars.x_label, fontsize=9, parse_math=False)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)


def _show_chart(axes: Axes, chart: Chart) -> None:
    for mark in chart.marks:
        _MARKS[mark.kind](axes, mark)
    (left, right), (low, high) = chart.limits()
    margins = (right - left) / 50, (high - low) / 50
    axes.set_xlim(left - margins[0], right + margins[0])
    axes.set_ylim(low - margins[1], high + margins[1])
    axes.set_xlabel(chart.x_label, fontsize=9, parse_math=False)
    axes.set_ylabel(chart.y_label, fontsize=9, parse_math=False)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if any(mark.label for mark in chart.marks):
        for text in axes.legend(fontsize=8).get_texts():
            text.set_parse_math(False)


def _draw_line(axes: Axes, mark: Mark) -> None:
    if mark.colour is None:
        axes.plot(
            mark.x, mark.y, color=on_paper(BLACK), alpha=0.5, linestyle="dotted", label=mark.label
        )
        return
    place = mark.colour % len(PALETTE)
    dashes = tuple(map(int, DASHES[place].split()))
    style = (0, tuple(d / 2 for d in dashes)) if dashes else "solid"
    axes.plot(mark.x, mark.y, color=PALETTE[place], linestyle=style, label=mark.label)


def _draw_points(axes: Axes, mark: Mark) -> None:
    size, opacity = (10, 0.5) if len(mark.x) > 50 else (22, 1.0)
    axes.scatter(mark.x, mark.y, s=size, color=PALETTE[0], alpha=opacity, linewidths=0)


def _draw_bars(axes: Axes, mark: Mark) -> None:
    axes.bar(mark.x[:-1], mark.y, np.diff(mark.x), align="edge", color=PALETTE[0], alpha=0.8)


_MARKS = {"line": _draw_line, "points": _draw_points, "bars": _draw_bars}


def _show_matrix(axes: Axes, matrix: Matrix) -> None:
    axes.imshow(matrix.shares, cmap="Blues", vmin=0.0, vmax=1.5)
    names = [printable(name, 12) for name in matrix.names]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
    axes.set_xlabel("predicted", fontsize=9)
    axes.set_ylabel("true", fontsize=9)
    if len(names) > _MOST_NAMED:
        return
    for (true, predicted), count in np.ndenumerate(matrix.counts):
        if count:
            axes.text(
                predicted, true, f"{count:,}", ha="center", va="center", fontsize=7, color=BLACK
            )


def _show_pictures(figure: Figure, cell: Any, pictures: Pictures) -> None:
    """Draw the first pictures, four in a row."""
    rows = _MOST_PICTURES // _PICTURES_A_ROW
    inner = cell.subgridspec(1 + rows, _PICTURES_A_ROW, height_ratios=[0.05] + [1] * rows)
    top = figure.add_subplot(inner[0, :])
    top.set_title(pictures.title, fontsize=10, loc="left", parse_math=False)
    top.set_axis_off()
    low, high = pictures.images.min(), pictures.images.max()
    shown = zip(pictures.images[:_MOST_PICTURES], pictures.captions, strict=False)
    for place, (image, caption) in enumerate(shown):
        row, column = divmod(place, _PICTURES_A_ROW)
        axes = figure.add_subplot(inner[1 + row, column])
        axes.imshow(image, cmap="gray", vmin=low, vmax=high)
        axes.set_axis_off()
        axes.set_title(textwrap.fill(caption, 18), fontsize=6, parse_math=False)
