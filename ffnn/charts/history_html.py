"""What notebooks show of a training: a table of its numbers and small pictures of the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ffnn.charts.html import block, svg, svg_text, table
from ffnn.charts.learning_curves import Curve, HistoryLike, is_logarithmic, read_curves
from ffnn.charts.style import TRAINING, VALIDATION
from ffnn.core.text import counted, shorten

_MAX_PANELS = 6
_MAX_POINTS = 100
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 190, 28, 96  # of a curve in its picture, in pixels


def history_html(history: HistoryLike) -> str:
    """Return a table of first, last and best numbers and small pictures of the curves, as HTML."""
    name = type(history).__name__
    if not history.epoch:
        return block(name, ["No epoch was trained yet."], "")
    line = counted(len(history.epoch), "epoch")
    if history.epoch[0] > 0:  # of a training that continued an earlier one
        line += f", the last is number {history.epoch[-1] + 1:,}"
    if history.interrupted:
        line += ", interrupted by Ctrl-C"
    curves = list(read_curves(history).values())
    rows = []
    for curve in curves:
        rows.append(_row(curve.name, curve, curve.training))
        if curve.validation is not None:
            rows.append(_row(f"val_{curve.name}", curve, curve.validation))
    numbers = table(("", "first", "last", "best", "in epoch"), rows, "lrrrr")
    pictures = "".join(_draw_curve(curve) for curve in curves[:_MAX_PANELS])
    return block(name, [line], f"{numbers}{pictures}{_explain_colours(curves)}")


def _row(name: str, curve: Curve, values: Sequence[float]) -> tuple[str, ...]:
    """Return the table's row of training or of validation."""
    best = curve.best_of(values)
    told = ("–", "–") if best is None else (f"{best[1]:.4g}", f"{best[0]:,}")
    return (name, f"{values[0]:.4g}", f"{values[-1]:.4g}", *told)


@dataclass(frozen=True)
class _Frame:
    """The axes of a curve's picture: epochs from left to right, numbers from bottom to top.

    If logarithmic, equal ratios and not equal differences are equally far apart.
    """

    first: int
    last: int
    low: float
    high: float
    logarithmic: bool

    def x(self, epoch: int) -> float:
        """Return the place of an epoch; a single one is in the middle."""
        span = self.last - self.first
        share = (epoch - self.first) / span if span else 0.5
        return _LEFT + share * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        """Return the place of a finite number; if all are the same, it is in the middle."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        # Halves, as the difference of two floats may be beyond all floats.
        share = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
        return _BOTTOM - share * (_BOTTOM - _TOP)


def _draw_curve(curve: Curve) -> str:
    """Return a picture of training and validation, with a ring around the best epoch."""
    content = [svg_text(_LEFT, 12, shorten(curve.name, 34), "start")]
    if curve.best is None:
        content.append(svg_text((_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2, "no finite number"))
        return svg(_RIGHT + 60, _BOTTOM + 22, curve.name, content)
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
    content += [svg_text(frame.x(e), _BOTTOM + 20, f"{e:,}") for e in {frame.first, frame.last}]
    content += [svg_text(_RIGHT + 10, frame.y(v) + 4, f"{v:.3g}", "start") for v in {low, high}]
    return svg(_RIGHT + 60, _BOTTOM + 22, curve.name, content)


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
