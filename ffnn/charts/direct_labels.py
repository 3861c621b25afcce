"""Labels at the ends of many lines, none above another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ffnn.charts.style import is_dark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 7.5  # points
_LINE = 1.3 * _SIZE / 72.0  # inches
_SHADES = "viridis"  # which readers of any colour vision can order


class End(NamedTuple):
    """Where a line ends, and what is written there."""

    x: float
    y: float
    label: str
    colour: str


def shades(count: int) -> list[str]:
    """Return as many colours, no two alike, beginning with those that stand out most."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    first, last = (1.0, 0.3) if is_dark() else (0.0, 0.9)
    steps = [first + (last - first) * number / max(count - 1, 1) for number in range(count)]
    return [to_hex(colormaps[_SHADES](step)) for step in steps]


def height_for(count: int) -> float:
    """Return the height in inches that so many labels take."""
    return count * _LINE


def label_ends(axes: Axes, ends: Sequence[End], height: float) -> None:
    """Write to the right of a panel what its lines are, and lead a line from each to its end.

    The scales of the axes must be set; `height` is about that of the panel, in inches.
    """
    seen = [end for end in ends if math.isfinite(end.y)]
    to_axes = axes.transScale + axes.transLimits
    places = [float(to_axes.transform((end.x, end.y))[1]) for end in seen]
    for end, place in zip(seen, spread(places, _LINE / height), strict=True):
        axes.annotate(
            end.label,
            (end.x, end.y),
            xytext=(1.06, place),
            textcoords="axes fraction",
            fontsize=_SIZE,
            verticalalignment="center",
            parse_math=False,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.colour,
                "linewidth": 0.6,
                "relpos": (0.0, 0.5),  # from the left of the text, not out of its middle
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return places in the same order, at least `gap` apart, as near to where they were as can be.

    Neighbours that are too near each other become a block around their mean; blocks that meet are
    joined. All are moved together to lie between 0 and 1 where there is room.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    blocks: list[tuple[float, int]] = []  # middle and number of each, from below
    for index in order:
        middle, count = places[index], 1
        while blocks and middle - count * gap / 2 < blocks[-1][0] + blocks[-1][1] * gap / 2:
            other, more = blocks.pop()
            middle = (middle * count + other * more) / (count + more)
            count += more
        blocks.append((middle, count))
    moved = [
        middle + (number - (count - 1) / 2) * gap
        for middle, count in blocks
        for number in range(count)
    ]
    if moved and moved[-1] - moved[0] < 1.0:
        shift = max(0.0 - moved[0], 0.0) - max(moved[-1] - 1.0, 0.0)
        moved = [place + shift for place in moved]
    result = [0.0] * len(places)
    for index, place in zip(order, moved, strict=True):
        result[index] = place
    return result
