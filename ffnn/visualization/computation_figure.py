"""A computation as a figure: boxes from top to bottom, numbers beside the arrows between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ffnn.charts.style import BLACK, BLUE, GREY, PALE, VERMILION, new_figure, on_paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

DATA, GRADIENT = BLUE, VERMILION

_SIZE, _TITLE_SIZE = 8.0, 9.0  # of letters, in points, as all lengths here
_MARGIN, _GAP, _PADDING, _LINE_GAP = 14.0, 10.0, 7.0, 3.0
_MIN_ARROW, _MIN_BOX = 24.0, 110.0
_APART = 5.0  # from the middle to each of two arrows


class Box(NamedTuple):
    """An operation, in lines of text: what it computes, its own numbers and their gradients."""

    title: str
    kind: str
    forward: str  # from top to bottom
    backward: str = ""
    data: str = ""
    gradients: str = ""


class Arrow(NamedTuple):
    """The numbers that flow from one box to the next, and those that flow back, if any do."""

    data: str
    gradient: str = ""


class _Row:
    """An arrow, or a box with texts in it; data stands to its left, gradients to its right."""

    def __init__(self, axes: Axes, data: str, gradients: str, middle: Sequence[Text] = ()) -> None:
        self.left = _write_beside(axes, data, DATA, "right")
        self.middle = middle
        self.right = _write_beside(axes, gradients, GRADIENT, "left")

    @property
    def is_box(self) -> bool:
        return bool(self.middle)

    @property
    def height(self) -> float:
        inside = sum(_size_of(text)[1] + _LINE_GAP for text in self.middle) - _LINE_GAP
        beside = max(_size_of(text)[1] for text in (self.left, self.right))
        if self.is_box:
            return max(inside + 2 * _PADDING, beside)
        return max(_MIN_ARROW, beside + 2 * _PADDING)


def plot_computation(title: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Figure:
    """Return a figure of a chain of operations, as large as its texts need.

    Data is blue, with arrows down, and stands on the left; gradients are vermilion, with arrows
    up, and stand on the right. There is one more arrow than boxes: the first leads into the first
    box, the last out of the last.
    """
    if len(arrows) != len(boxes) + 1:
        raise ValueError(
            f"plot_computation: expected {len(boxes) + 1} arrows for {len(boxes)} boxes, "
            f"got {len(arrows)}"
        )
    figure = new_figure(8.0, 8.0)
    figure.set_layout_engine("none")  # places are computed here
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    heading = _write(axes, title, on_paper(BLACK), size=_TITLE_SIZE + 1.0, weight="bold")
    rows = [_Row(axes, "data ↓", "gradients ↑"), _Row(axes, *arrows[0])]
    for box, arrow in zip(boxes, arrows[1:], strict=True):
        rows += [_box_row(axes, box), _Row(axes, *arrow)]
    _lay_out(axes, heading, rows)
    return figure


def _write(axes: Axes, text: str, colour: str, **options: Any) -> Text:
    """Return a text that is yet to be placed; a dollar sign in a name begins no mathematics."""
    common: dict[str, Any] = {"size": _SIZE, "ha": "center", "va": "center", "linespacing": 1.25}
    return axes.text(0.0, 0.0, text, color=colour, parse_math=False, **{**common, **options})


def _write_beside(axes: Axes, text: str, colour: str, aligned: str) -> Text | None:
    """Return numbers beside the chain, `aligned` to it; None if there are none."""
    if not text:
        return None
    return _write(axes, text, colour, ha=aligned, multialignment="left", family="monospace")


def _box_row(axes: Axes, box: Box) -> _Row:
    inside = [_write(axes, box.title, on_paper(BLACK), size=_TITLE_SIZE, weight="bold")]
    lines = ((box.kind, on_paper(BLACK)), (box.forward, DATA), (box.backward, GRADIENT))
    inside += [_write(axes, text, colour) for text, colour in lines if text]
    return _Row(axes, box.data, box.gradients, inside)


def _size_of(text: Text | None) -> tuple[float, float]:
    """Return width and height in points."""
    if text is None:
        return 0.0, 0.0
    extent, figure = text.get_window_extent(), cast("Any", text.get_figure())
    scale = 72.0 / figure.dpi
    return extent.width * scale, extent.height * scale


def _lay_out(axes: Axes, heading: Text, rows: Sequence[_Row]) -> None:
    """Place all texts, draw boxes and arrows, and give the figure the size that they take."""
    inside = [_size_of(text)[0] for row in rows for text in row.middle]
    half_box = max([_MIN_BOX, *(width + 2 * _PADDING for width in inside)]) / 2
    left = max(_reach(row, half_box) + _size_of(row.left)[0] for row in rows)
    right = max(_reach(row, half_box) + _size_of(row.right)[0] for row in rows)
    half_title, title_height = _size_of(heading)[0] / 2, _size_of(heading)[1]
    left, right = max(left, half_title) + _MARGIN, max(right, half_title) + _MARGIN
    heights = [row.height for row in rows]
    height = title_height + sum(heights) + 2 * _MARGIN
    figure: Any = axes.get_figure()
    figure.set_size_inches((left + right) / 72.0, height / 72.0)
    axes.set_xlim(-left, right)
    axes.set_ylim(height, 0.0)
    heading.set_position((0.0, _MARGIN + title_height / 2))
    top = _MARGIN + title_height
    for index, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        reach = _reach(row, half_box)
        for text, x in ((row.left, -reach), (row.right, reach)):
            if text is not None:
                text.set_position((x, top + tall / 2))
        if row.is_box:
            _draw_box(axes, row, half_box, top, tall)
        elif index:  # the first row is the legend
            _draw_arrows(axes, row, top, tall)
        top += tall


def _reach(row: _Row, half_box: float) -> float:
    """Return how far from the middle the texts beside a row begin."""
    return _GAP + (half_box if row.is_box else _APART)


def _draw_box(axes: Axes, row: _Row, half_box: float, top: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    corner, width = (-half_box, top), 2 * half_box
    axes.add_patch(Rectangle(corner, width, height, facecolor=on_paper(PALE), edgecolor=GREY))
    heights = [_size_of(text)[1] for text in row.middle]
    y = top + (height - sum(heights) - _LINE_GAP * (len(heights) - 1)) / 2
    for text, tall in zip(row.middle, heights, strict=True):
        text.set_position((0.0, y + tall / 2))
        y += tall + _LINE_GAP


def _draw_arrows(axes: Axes, row: _Row, top: float, height: float) -> None:
    bottom = top + height
    flows = [(DATA, 0.0, top, bottom)]
    if row.right is not None:
        flows = [(DATA, -_APART, top, bottom), (GRADIENT, _APART, bottom, top)]
    look = {"arrowstyle": "-|>", "linewidth": 1.4, "shrinkA": 0.0, "shrinkB": 0.0}
    for colour, x, start, end in flows:
        axes.annotate("", (x, end), (x, start), arrowprops={**look, "color": colour})
