"""Weight and gradient on each edge of a small network, so that no two labels overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ffnn._types import Array
from ffnn.charts.style import paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

GROWTH = 1.15  # of a figure in which the labels do not fit
MAX_TRIES = 6  # a figure of twice the size is too large to read
MARGIN = 4.0  # pixels between two labels
LABEL = "edge label"  # the artists' gid
# Shares of an edge, the middle first, then outwards to both sides.
_SHARES = np.array(sorted(np.linspace(0.1, 0.9, 65), key=lambda share: abs(share - 0.5)))


def write_edge_labels(axes: Axes, segments: Array, weight: Array, gradient: Array | None) -> bool:
    """Write the weight, and after it the gradient if there is one, along each edge.

    `segments` are the edges' starts and ends, of shape (edges, 2, 2), each start to the left of its
    end; all nodes and what stands beside them must be drawn already. The figure grows until all
    labels fit. If it would become too large to read, it keeps its size and there are none. Returns
    whether the labels fit.
    """
    figure = cast("Figure", axes.get_figure())
    others = list(axes.texts)
    labels = [f"{value:.3g}" for value in weight]
    if gradient is not None:
        labels = [f"{w}  ∇ {g:.3g}" for w, g in zip(labels, gradient, strict=True)]
    middles = segments.mean(axis=1)
    texts = [_write_label(axes, *each) for each in zip(labels, middles, strict=True)]
    width, height = figure.get_size_inches().tolist()
    for tries in range(MAX_TRIES):
        figure.set_size_inches(width * GROWTH**tries, height * GROWTH**tries)
        figure.draw_without_rendering()  # lays the figure out
        pixels = axes.transData.transform(segments.reshape(-1, 2)).reshape(-1, 2, 2)
        frames = [cast("Any", text.get_bbox_patch()) for text in texts]
        sizes = np.array([frame.get_window_extent().size for frame in frames]) + MARGIN
        centres = place_labels(pixels, sizes, _obstacles(axes, others))
        if centres is not None:
            _move(axes, texts, pixels, centres)
            return True
    figure.set_size_inches(width, height)
    for text in texts:
        text.remove()
    return False


def _write_label(axes: Axes, label: str, middle: Array) -> Text:
    x, y = middle.tolist()
    return axes.text(
        x,
        y,
        label,
        size=6.5,
        ha="center",
        va="center",
        rotation_mode="anchor",
        bbox={"boxstyle": "square,pad=0.2", "fc": paper(), "ec": "none", "alpha": 0.9},
        gid=LABEL,
        zorder=4,
    )


def _move(axes: Axes, texts: list[Text], pixels: Array, centres: Array) -> None:
    """Write each text around its centre along its edge."""
    points = axes.transData.inverted().transform(centres)
    directions = pixels[:, 1] - pixels[:, 0]
    angles = np.degrees(np.arctan2(directions[:, 1], directions[:, 0]))
    for text, point, angle in zip(texts, points.tolist(), angles.tolist(), strict=True):
        text.set_position(point)
        text.set_rotation(angle)


def _obstacles(axes: Axes, texts: list[Text]) -> Array:
    """Return the corners of all nodes and of what is written beside them, in pixels."""
    from matplotlib.collections import PathCollection

    boxes = [text.get_window_extent().extents for text in texts]
    for nodes in axes.collections:
        if isinstance(nodes, PathCollection):  # made by scatter
            centres = axes.transData.transform(nodes.get_offsets())
            radius = np.sqrt(nodes.get_sizes()[0]) / 2 * cast("Figure", axes.get_figure()).dpi / 72
            boxes.extend(np.hstack([centres - radius, centres + radius]))
    extents = np.reshape(boxes, (-1, 4))
    return extents[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]


# -- geometry --------------------------------------------------------------------------------------


def place_labels(segments: Array, sizes: Array, obstacles: Array) -> Array | None:
    """Return a point on each edge around which its label fits, or None if one fits nowhere.

    Labels are rectangles of `sizes` (edges, 2), length and height, along their edges `segments`
    (edges, 2, 2). They are placed one after the other, each as near to the middle of its edge as
    it is free. Obstacles are rectangles, by their corners in turn (obstacles, 4, 2).
    """
    taken = list(obstacles)
    centres = np.empty((len(segments), 2))
    for index, (start, end) in enumerate(segments):
        points = start + _SHARES[:, None] * (end - start)
        boxes = label_corners(points, sizes[index], end - start)
        free = ~overlaps(boxes, np.reshape(taken, (-1, 4, 2))).any(axis=1)
        if not free.any():
            return None
        place = free.argmax()
        centres[index] = points[place]
        taken.append(boxes[place])
    return centres


def label_corners(centres: Array, size: Array, direction: Array) -> Array:
    """Return the corners (rectangles, 4, 2) of rectangles of one size and direction, in turn.

    The size is a length along the direction, which may have any length but 0, and a height.
    """
    along = direction / np.linalg.norm(direction) * size[0] / 2
    across = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction) * size[1] / 2
    steps = np.array([-along - across, along - across, along + across, across - along])
    corners: Array = centres[:, None, :] + steps
    return corners


def overlaps(rectangles: Array, others: Array) -> Array:
    """Tell which of m rectangles overlap which of n others, as an array of shape (m, n).

    Each is given by its corners in turn; the first are all of one direction. A common border is no
    overlap. By the separating axis theorem two rectangles are apart if and only if their
    projections on a side of one of them are.
    """
    own = np.broadcast_to(rectangles[0, [1, 3]] - rectangles[0, 0], (len(others), 2, 2))
    axes = np.concatenate([own, others[:, [1, 3]] - others[:, [0]]], axis=1)
    left = np.einsum("mcd,nad->mnac", rectangles, axes)
    right = np.einsum("ncd,nad->nac", others, axes)
    apart = (left.max(axis=3) <= right.min(axis=2)) | (right.max(axis=2) <= left.min(axis=3))
    overlapping: Array = ~apart.any(axis=2)
    return overlapping
