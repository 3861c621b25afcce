"""What notebooks show of a learning-rate range test."""

from __future__ import annotations

import math

from ffnn.charts.html import block, svg, svg_text
from ffnn.charts.rate_figure import RateCurveLike, limits_of
from ffnn.charts.style import BLUE, VERMILION

_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 308.0, 24.0, 144.0  # of the curve in its picture, in pixels


def rate_html(curve: RateCurveLike) -> str:
    """Return what was found, and a picture of the smoothed loss over the rate, as HTML."""
    bottom, top = limits_of(curve)
    first, last = (math.log(rate) for rate in (curve.rates[0], curve.rates[-1]))

    def x(rate: float) -> float:
        return _LEFT + (math.log(rate) - first) / ((last - first) or 1.0) * (_RIGHT - _LEFT)

    def y(loss: float) -> float:
        share = (min(max(loss, bottom), top) - bottom) / (top - bottom)
        return _BOTTOM - share * (_BOTTOM - _TOP)

    points = [
        f"{x(rate):.4g} {y(loss):.4g}"
        for rate, loss in zip(curve.rates, curve.smoothed, strict=True)
    ]
    content = [
        svg_text(_LEFT, 12, "smoothed loss over learning rate", "start"),
        f'<path d="M{"L".join(points)}" fill="none" stroke="{BLUE}" stroke-width="2"/>',
        f'<path d="M{_LEFT:g} {_BOTTOM + 7:g}H{_RIGHT:g}" stroke="currentColor" opacity="0.3"/>',
        svg_text(_LEFT, _BOTTOM + 20, f"{curve.rates[0]:.2g}", "start"),
        svg_text(_RIGHT, _BOTTOM + 20, f"{curve.rates[-1]:.2g}", "end"),
    ]
    if curve.suggestion is not None:
        place = x(max(curve.suggestion, curve.rates[0]))
        content += [
            f'<path d="M{place:.4g} {_TOP:g}V{_BOTTOM:g}" stroke="{VERMILION}" '
            'stroke-dasharray="5 3"/>',
            svg_text(place, _BOTTOM + 20, f"{curve.suggestion:g}"),
        ]
    picture = svg(_RIGHT + 12, _BOTTOM + 26, "loss over learning rate", content)
    return block("Learning rate test", [curve.headline, curve.verdict], picture)
