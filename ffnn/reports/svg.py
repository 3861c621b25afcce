"""Charts as SVG, in the colour of the text around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ffnn._types import Array
from ffnn.charts.html import escape, svg_text
from ffnn.charts.style import BLUE, GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILION
from ffnn.core.text import printable
from ffnn.reports.pieces import Bars, Chart, Mark, ticks

PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY_BLUE)
DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 4")  # for whom the colours are alike
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 380, 62, 366, 12, 262
_LINE = 18  # of the legend
_BAR, _BARS = 18, (146, 312)  # the height of a bar, and between what it lies
_LONGEST_LABEL = 19

_Place = Callable[[float], float]


def draw(chart: Chart) -> str:
    """Return a chart as an SVG element that scales with the page."""
    (left, right), (low, high) = chart.limits()

    def x_of(value: float) -> float:
        return _LEFT + (value - left) / (right - left) * (_RIGHT - _LEFT)

    def y_of(value: float) -> float:
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    content = [*_grid(chart, x_of, y_of)]
    content += [_DRAW[mark.kind](mark, x_of, y_of) for mark in chart.marks]
    legend = [mark for mark in chart.marks if mark.label]
    for place, mark in enumerate(legend):
        content += _explain(mark, _BOTTOM + 58 + place * _LINE)
    height = _BOTTOM + 48 + len(legend) * _LINE
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(chart.alt)}" '
        f'fill="currentColor" font-size="12">{"".join(content)}</svg>'
    )


def draw_bars(bars: Bars) -> str:
    """Return bars, one below the other, as an SVG element: label, bar, value."""
    low, high = bars.limits
    left, right = _BARS

    def x_of(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    bottom = len(bars.labels) * _BAR + 4
    across = ticks(low, high, 3)
    lines = "".join(f"M{x_of(value):.1f} 0V{bottom}" for value, _ in across)
    content = [f'<path d="{lines}" stroke="currentColor" opacity=".15"/>']
    content += [svg_text(round(x_of(value), 1), bottom + 16, name) for value, name in across]
    content.append(svg_text((left + right) / 2, bottom + 36, bars.x_label))
    for place, (label, value, shown) in enumerate(
        zip(bars.labels, bars.values.tolist(), bars.shown, strict=True)
    ):
        y, colour = place * _BAR + 4, PALETTE[0] if value >= 0 else PALETTE[1]
        box = f"M{x_of(0.0):.1f} {y}H{x_of(value):.1f}v{_BAR - 6}H{x_of(0.0):.1f}z"
        content.append(f'<path d="{box}" fill="{colour}" opacity=".8"/>')
        if bars.spreads is not None:
            ends = (x_of(value + sign * float(bars.spreads[place])) for sign in (-1, 1))
            span = "H".join(f"{end:.1f}" for end in ends)
            content.append(f'<path d="M{span.replace("H", f" {y + 6}H")}" stroke="currentColor"/>')
        base = y + 11
        content.append(svg_text(left - 8, base, printable(label, _LONGEST_LABEL), "end"))
        content.append(svg_text(_WIDTH - 2, base, shown, "end"))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 44}" role="img" aria-label="{escape(bars.alt)}" '
        f'fill="currentColor" font-size="12">{"".join(content)}</svg>'
    )


def _grid(chart: Chart, x_of: _Place, y_of: _Place) -> Iterator[str]:
    """Yield lines at round numbers, these numbers, and the names of the axes."""
    (left, right), (low, high) = chart.limits()
    across, up = ticks(left, right), ticks(low, high)
    lines = [f"M{x_of(value):.1f} {_TOP}V{_BOTTOM}" for value, _ in across]
    lines += [f"M{_LEFT} {y_of(value):.1f}H{_RIGHT}" for value, _ in up]
    yield f'<path d="{"".join(lines)}" stroke="currentColor" opacity=".15"/>'
    for value, name in across:
        yield svg_text(round(x_of(value), 1), _BOTTOM + 16, name)
    for value, name in up:
        yield svg_text(_LEFT - 6, round(y_of(value) + 4, 1), name, "end")
    yield svg_text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, chart.x_label)
    middle = (_TOP + _BOTTOM) / 2
    yield (f'<g transform="rotate(-90 12 {middle:g})">{svg_text(12, middle, chart.y_label)}</g>')


def _stroke(mark: Mark) -> str:
    """Return the attributes of a line."""
    if mark.colour is None:
        return 'stroke="currentColor" opacity=".5" stroke-dasharray="3 3"'
    place = mark.colour % len(PALETTE)
    dashes = f' stroke-dasharray="{DASHES[place]}"' if DASHES[place] else ""
    return f'stroke="{PALETTE[place]}" stroke-width="2"{dashes}'


def _line(mark: Mark, x_of: _Place, y_of: _Place) -> str:
    points = _points(mark.x, mark.y, x_of, y_of)
    path = "L".join(f"{x} {y}" for x, y in points)
    return f'<path d="M{path}" fill="none" {_stroke(mark)}/>'


def _dots(mark: Mark, x_of: _Place, y_of: _Place) -> str:
    points = _points(mark.x, mark.y, x_of, y_of)
    path = "".join(f"M{x} {y}h0" for x, y in points)
    colour = PALETTE[(mark.colour or 0) % len(PALETTE)]
    is_dense = len(mark.x) > 50
    size, opacity = (5, ' opacity=".7"') if is_dense else (7, "")
    look = f'stroke="{colour}" stroke-width="{size}" stroke-linecap="round"{opacity}'
    return f'<path d="{path}" {look}/>'


def _bars(mark: Mark, x_of: _Place, y_of: _Place) -> str:
    colour = PALETTE[(mark.colour or 0) % len(PALETTE)]
    path = "".join(
        f"M{x_of(left):.1f} {y_of(0.0):.1f}V{y_of(height):.1f}H{x_of(right):.1f}V{y_of(0.0):.1f}z"
        for left, right, height in zip(mark.x[:-1], mark.x[1:], mark.y, strict=True)
    )
    return f'<path d="{path}" fill="{colour}" opacity=".8"/>'


_DRAW = {"line": _line, "points": _dots, "bars": _bars}


def _points(x: Array, y: Array, x_of: _Place, y_of: _Place) -> list[tuple[str, str]]:
    return [
        (f"{x_of(a):.1f}", f"{y_of(b):.1f}") for a, b in zip(x.tolist(), y.tolist(), strict=True)
    ]


def _explain(mark: Mark, y: float) -> list[str]:
    """Return a sample of the mark and what it is."""
    sample = f'<path d="M{_LEFT} {y - 4:g}h34" fill="none" {_stroke(mark)}/>'
    return [sample, svg_text(_LEFT + 42, y, mark.label, "start")]
