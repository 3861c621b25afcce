"""What notebooks show of a network and of a training: a table and a small picture, as HTML.

The pictures are SVG inside the page. Text and lines take the colour of the text around them, so
both light and dark notebooks can be read. Every string of the user is escaped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ffnn.core.text import counted, listed, shorten
from ffnn.visualization.learning_curves import is_logarithmic, read_curves
from ffnn.visualization.style import KIND_COLOURS, TRAINING, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ffnn.core.text import counted, listed, shorten
    from ffnn.layers.base import Layer
    from ffnn.models.network import Network
from ffnn.visualization.learning_curves import Curve, Record

_MAX_ROWS = 30
_MAX_COLUMNS = 8
_MAX_CIRCLES = 5
_MAX_NOTES = 3
_MAX_PANELS = 6
_MAX_POINTS = 100

_PITCH, _SPACING, _RADIUS, _LINE = 104, 18, 6, 15  # in the network's picture, in pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 190, 28, 96  # of a curve in its picture, in pixels


def network_html(model: Network) -> str:
    """Return a table of the layers and a picture of the columns of neurons, as HTML.

    Parameters
    ----------
    model : Network
        Built or not; what is not known yet is shown as "?".

    Returns
    -------
    str
        A ``div`` that stands alone: no scripts, no styles for other elements, no references. Of
        large networks the middle is left out.
    """
    rows = []
    for index, layer in enumerate(model.layers):
        size = sum(array.size for array in layer.params.values())
        count = _number(size if model.is_built else None)
        rows.append((str(index), layer.name, repr(layer), _number(layer.output_dim), count))
    lines = [_sum_up(model)]
    for what, names in (("inputs", model.feature_names), ("outputs", model.class_names)):
        if names:
            lines.append(f"{what}: {listed((shorten(name, 40) for name in names), 10)}")
    table = _table(("", "name", "layer", "outputs", "parameters"), rows, "rllrr")
    return _page(type(model).__name__, lines, table + _draw_network(model))


def history_html(history: Record) -> str:
    """Return a table of first, last and best numbers and small pictures of the curves, as HTML.

    Parameters
    ----------
    history : History
        With epochs or without.

    Returns
    -------
    str
        A ``div`` that stands alone: no scripts, no styles for other elements, no references.
    """
    name = type(history).__name__
    if not history.epoch:
        return _page(name, ["No epoch was trained yet."], "")
    line = counted(len(history.epoch), "epoch")
    if history.epoch[0] > 0:  # a training that went on from an earlier one
        line += f", the last is number {history.epoch[-1] + 1:,}"
    if history.interrupted:
        line += ", interrupted by Ctrl-C"
    curves = list(read_curves(history.history, history.epoch, history.growing).values())
    rows = []
    for curve in curves:
        rows.append(_row(curve.name, curve, curve.training))
        if curve.validation is not None:
            rows.append(_row(f"val_{curve.name}", curve, curve.validation))
    table = _table(("", "first", "last", "best", "in epoch"), rows, "lrrrr")
    pictures = "".join(_draw_curve(curve) for curve in curves[:_MAX_PANELS])
    return _page(name, [line], f"{table}{pictures}{_explain_colours(curves)}")


def _page(title: str, lines: Iterable[str], content: str) -> str:
    """Return a heading and lines, escaped, and what follows them."""
    head = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f"<div><b>{escape(title)}</b>{head}{content}</div>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], alignments: str) -> str:
    """Return a table of escaped cells; `alignments` has an "l" or "r" for each column."""
    sides = ["left" if letter == "l" else "right" for letter in alignments]

    def line(cells: Sequence[str], tag: str) -> str:
        inner = "".join(
            f'<{tag} style="text-align:{side};padding:2px 8px">{cell}</{tag}>'
            for cell, side in zip([escape(shorten(c, 100)) for c in cells], sides, strict=True)
        )
        return f"<tr>{inner}</tr>"

    body = [line(row, "td") for row in rows]
    if len(body) > _MAX_ROWS:
        hidden = len(body) - _MAX_ROWS
        fold = f'<tr><td colspan="{len(sides)}">… {hidden:,} more …</td></tr>'
        body[_MAX_ROWS - 5 : -5] = [fold]
    head = line(header, "th")
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _svg(width: float, height: float, label: str, content: Iterable[str]) -> str:
    return (
        f'<svg width="{width:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}" style="max-width:100%;margin:6px 12px 0 0" '
        f'fill="currentColor" font-family="sans-serif" font-size="11">{"".join(content)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


# -- networks ------------------------------------------------------------------------------------


def _sum_up(model: Network) -> str:
    if not model.is_built:
        return "Not built yet: sizes follow from the number of input columns."
    total = model.count_params()
    inputs = counted(model.input_dim or 0, "input")
    return f"{inputs}, {counted(total, 'trainable parameter')} ({model.dtype})"


@dataclass
class _Column:
    """What stands at one place of the network's picture.

    Attributes
    ----------
    name : str
        Its layer, or "input", or "…" for layers left out.
    size : int or None
        How many neurons; None if that is not known yet, 0 for layers left out.
    notes : list of str
        What acts on the neurons.
    """

    name: str
    size: int | None
    notes: list[str]

    @property
    def has_gap(self) -> bool:
        """Whether only the first and the last two neurons are shown."""
        return self.size is None or self.size > _MAX_CIRCLES

    @property
    def places(self) -> list[int]:
        """Which places from the top its circles take; a gap takes one in the middle."""
        if self.size is None or self.size > _MAX_CIRCLES:
            return [0, 1, _MAX_CIRCLES - 2, _MAX_CIRCLES - 1]
        return list(range(self.size))

    def y(self, middle: float) -> list[float]:
        """Return where its circles stand around the middle."""
        places = self.places
        return [middle + _SPACING * (place - places[-1] / 2) for place in places]


def _columns(model: Network) -> list[_Column]:
    """Return a column for the inputs and for each layer with units; of many the outer ones."""
    columns = [_Column("input", model.input_dim, [])]
    for layer in model.layers:
        units = _units(layer)
        if units is not None:
            columns.append(_Column(layer.name, units, []))
        part = getattr(layer, "activation", None if units else layer)
        if part is not None:
            columns[-1].notes.append(type(part).__name__)
    for column in columns:
        if len(column.notes) > _MAX_NOTES:
            column.notes[_MAX_NOTES - 1 :] = ["…"]
    hidden = len(columns) - _MAX_COLUMNS + 1
    if hidden > 1:
        columns[_MAX_COLUMNS - 3 : -2] = [_Column("…", 0, [f"{hidden:,} more layers"])]
    return columns


def _units(layer: Layer) -> int | None:
    """Return the number of a layer's own neurons; None if it works on those before it."""
    weight = layer.params.get("weight")
    if weight is not None and weight.ndim == 2:
        return len(weight)
    units = getattr(layer, "units", None)
    return units if isinstance(units, int) else None


def _draw_network(model: Network) -> str:
    columns = _columns(model)
    kinds = ["input", *("neuron" for _ in columns[2:]), "output"][: len(columns)]
    space = _SPACING * max(1 + max(column.places, default=0) for column in columns)
    content = [
        _draw_edges(k, columns[k], columns[k + 1], space / 2) for k in range(len(columns) - 1)
    ]
    num_lines = 0
    for place, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        x = (place + 0.5) * _PITCH
        content += [
            f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}" fill="{KIND_COLOURS[kind]}"/>'
            for y in column.y(space / 2)
        ]
        if column.has_gap:
            content.append(_text(x, space / 2 + 4, "⋮"))
        lines = [column.name, "" if column.size == 0 else _number(column.size), *column.notes]
        content += [
            _text(x, space + _LINE * number, shorten(line, 16))
            for number, line in enumerate(lines, start=1)
        ]
        num_lines = max(num_lines, len(lines))
    return _svg(len(columns) * _PITCH, space + _LINE * num_lines + 5, "network", content)


def _draw_edges(place: int, source: _Column, target: _Column, middle: float) -> str:
    """Return the lines from a column to the next."""
    left, right = (place + 0.5) * _PITCH + _RADIUS, (place + 1.5) * _PITCH - _RADIUS
    ends = [(y, end) for y in source.y(middle) for end in target.y(middle)]
    path = "".join(f"M{left:g} {y:g}L{right:g} {end:g}" for y, end in ends)
    return f'<path d="{path}" stroke="currentColor" opacity="0.3"/>'


# -- trainings -----------------------------------------------------------------------------------


def _row(name: str, curve: Curve, values: Sequence[float]) -> tuple[str, ...]:
    """Return the table's row of training or of validation."""
    best = curve.best_of(values)
    told = ("–", "–") if best is None else (f"{best[1]:.4g}", f"{best[0]:,}")
    return (name, f"{values[0]:.4g}", f"{values[-1]:.4g}", *told)


@dataclass(frozen=True)
class _Frame:
    """Where in a curve's picture a number of an epoch stands.

    Attributes
    ----------
    first, last : int
        The epochs at the left and at the right.
    low, high : float
        The numbers at the bottom and at the top.
    logarithmic : bool
        Whether equal ratios, not equal differences, are equally far apart.
    """

    first: int
    last: int
    low: float
    high: float
    logarithmic: bool

    def x(self, epoch: int) -> float:
        """Return where an epoch stands; a single one stands in the middle."""
        span = self.last - self.first
        share = (epoch - self.first) / span if span else 0.5
        return _LEFT + share * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        """Return where a finite number stands; if all are the same, in the middle."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        # Halves, as the difference of two floats may be beyond all floats.
        share = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
        return _BOTTOM - share * (_BOTTOM - _TOP)


def _draw_curve(curve: Curve) -> str:
    """Return a picture of training and validation, with a ring around the best epoch."""
    content = [_text(_LEFT, 12, shorten(curve.name, 34), "start")]
    if curve.best is None:
        content.append(_text((_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2, "no finite number"))
        return _svg(_RIGHT + 60, _BOTTOM + 22, curve.name, content)
    low, high = min(curve.finite), max(curve.finite)
    frame = _Frame(curve.epochs[0], curve.epochs[-1], low, high, is_logarithmic([curve]))
    content.append(_path(curve, curve.training, frame, TRAINING, ""))
    if curve.validation is not None:
        content.append(_path(curve, curve.validation, frame, VALIDATION, ' stroke-dasharray="5 3"'))
    x, y = frame.x(curve.best[0]), frame.y(curve.best[1])
    content.append(
        f'<circle cx="{x:.4g}" cy="{y:.4g}" r="5" fill="none" stroke="currentColor"/>'
        f'<path d="M{_LEFT} {_BOTTOM + 7}H{_RIGHT}" stroke="currentColor" opacity="0.3"/>'
    )
    content += [_text(frame.x(e), _BOTTOM + 20, f"{e:,}") for e in {frame.first, frame.last}]
    content += [_text(_RIGHT + 10, frame.y(v) + 4, f"{v:.3g}", "start") for v in {low, high}]
    return _svg(_RIGHT + 60, _BOTTOM + 22, curve.name, content)


def _path(curve: Curve, values: Sequence[float], frame: _Frame, colour: str, style: str) -> str:
    """Return a line with gaps where numbers are not finite; of many epochs it shows every n-th."""
    step = math.ceil(len(values) / _MAX_POINTS)
    pairs = list(zip(curve.epochs, values, strict=True))
    pieces: list[list[str]] = [[]]
    for epoch, value in [*pairs[:-1:step], pairs[-1]]:
        if math.isfinite(value):
            pieces[-1].append(f"{frame.x(epoch):.4g} {frame.y(value):.4g}")
        else:
            pieces.append([])
    lines = "".join(f"M{'L'.join(piece)}" for piece in pieces if len(piece) > 1)
    dots = "".join(f"M{piece[0]}h0" for piece in pieces if len(piece) == 1)  # round ends alone
    return (
        f'<path d="{lines}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'
        f'<path d="{dots}" stroke="{colour}" stroke-width="5" stroke-linecap="round"/>'
    )


def _explain_colours(curves: Sequence[Curve]) -> str:
    """Return which line is which, if there are two kinds."""
    if all(curve.validation is None for curve in curves):
        return ""
    return (
        f'<div><span style="color:{TRAINING}">━━</span> training '
        f'<span style="color:{VALIDATION}">╍╍</span> validation</div>'
    )
