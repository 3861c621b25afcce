"""What the page's heatmaps and its pictures of first-layer weights show, and where.

The page holds each value once, in flat vectors like ``model.parameters``. A block says which of
them it shows, and where their image lies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ffnn._types import Array
from ffnn.visualization.page_graph import drawn_name
from ffnn.visualization.structure import Column, Connection, Structure

MAX_PICTURES = 32
MIN_SIDE = 8  # of a picture, in pixels of the input; four inputs are a square number too
_WIDE = 64  # columns from which a heatmap is given the page's whole width
MAX_NAMES = 24  # rows or columns up to which each has its name on the axis
PICTURES_A_ROW = 8


@dataclass(frozen=True)
class Block:
    """A rectangle of one parameter's values and the image that shows it.

    The values lie row after row in ``model.parameters``, from `offset` on. The image's rows and
    columns are the neurons of a column of the network, if any, or it shows the weights of a unit.
    """

    name: str
    offset: int
    rows: int
    columns: int
    x: float  # where the image lies in its figure
    y: float
    width: float
    height: float
    row_neurons: int | None = None
    column_neurons: int | None = None
    unit: int | None = None


@dataclass(frozen=True)
class Panel:
    """What the heatmaps of a layer show, side by side."""

    layer: str
    title: str
    rows: int  # neurons along the axes
    columns: int
    height: int  # of the drawing, in pixels
    is_wide: bool  # whether it needs the page's whole width
    row_label: str
    column_label: str
    row_names: list[str] | None  # short ones to write at the axes; None for numbers
    column_names: list[str] | None
    blocks: list[Block]


@dataclass(frozen=True)
class Pictures:
    """Rows of the first weight as square images of `side` pixels: those of its strongest units.

    The layer has `total` units.
    """

    layer: str
    side: int
    total: int
    blocks: list[Block]


def describe_panels(structure: Structure, offsets: Mapping[int, int]) -> list[Panel]:
    """Return the heatmaps, layer by layer in the network's order.

    `offsets` are the ``id`` of each parameter array → where it begins in ``model.parameters``.
    """
    panels = []
    for column in structure.columns:
        connection = structure.incoming(column)
        if connection is not None:
            source = structure.columns[connection.source]
            panels.append(_dense_panel(connection, source, column, offsets))
        names = dict.fromkeys(gain.layer_name for gain in column.gains.values())
        panels.extend(_gains_panel(name, column, offsets) for name in names)
    return panels


def _dense_panel(
    connection: Connection, source: Column, target: Column, offsets: Mapping[int, int]
) -> Panel:
    rows, columns = connection.weight.shape
    title = f"{connection.layer_name}: weight, {rows:,} × {columns:,}"
    begin = offsets[id(connection.weight)]
    blocks = [
        Block("weight", begin, rows, columns, -0.5, -0.5, columns, rows, target.index, source.index)
    ]
    if connection.bias is not None:
        title += f", and bias, {rows:,}"
        begin = offsets[id(connection.bias)]
        strip = max(1.0, columns / 40)  # wide enough to be seen and pointed at
        x = columns - 0.5 + strip / 2
        blocks.append(Block("bias", begin, rows, 1, x, -0.5, strip, rows, target.index))
    return _panel(target.layer_name, title, blocks, rows, _axis_names(target), source)


def _gains_panel(layer_name: str, column: Column, offsets: Mapping[int, int]) -> Panel:
    gains = {
        gain_name(key): gain for key, gain in column.gains.items() if gain.layer_name == layer_name
    }
    size = column.size
    blocks = [
        Block(name, offsets[id(gain.value)], 1, size, -0.5, row - 0.5, size, 1, None, column.index)
        for row, (name, gain) in enumerate(gains.items())
    ]
    title = f"{layer_name}: {' and '.join(gains)}, {size:,} each"
    return _panel(layer_name, title, blocks, len(gains), list(gains), column)


def _panel(
    layer_name: str,
    title: str,
    blocks: list[Block],
    rows: int,
    row_names: list[str] | None,
    column: Column,
) -> Panel:
    """Return the panel of a layer, along whose x axis are the neurons of `column`."""
    return Panel(
        layer=layer_name,
        title=title,
        rows=rows,
        columns=column.size,
        height=min(400, max(100, 24 * rows)),  # few can be told apart, and many fit on a screen
        is_wide=column.size > _WIDE,
        row_label=layer_name,
        column_label=column.layer_name,
        row_names=row_names,
        column_names=_axis_names(column),
        blocks=blocks,
    )


def gain_name(key: str) -> str:
    """Return the parameter's own name: the key of a neuron's second gain ends in a number."""
    return re.sub(r"_\d+$", "", key)


def _axis_names(column: Column) -> list[str] | None:
    """Return a short name for each neuron, or None if the axis has numbers."""
    if column.size > MAX_NAMES or column.unit_names is None:
        return None
    return [drawn_name(name) for name in column.unit_names]


def describe_pictures(structure: Structure, offsets: Mapping[int, int]) -> Pictures | None:
    """Return the strongest units of the first `Dense`, each with its weights as an image.

    None unless the inputs are a square number, as the pixels of an image often are.
    """
    connection = structure.connections[0]
    total, inputs = connection.weight.shape
    side = math.isqrt(inputs)
    if side * side != inputs or side < MIN_SIDE:
        return None
    begin = offsets[id(connection.weight)]
    blocks = []
    for place, unit in enumerate(_strongest_rows(connection.weight)):
        row, column = divmod(place, PICTURES_A_ROW)
        x, y = 1.15 * column, 1.3 * row
        blocks.append(Block("weight", begin + unit * inputs, side, side, x, y, 1, 1, unit=unit))
    return Pictures(connection.layer_name, side, total, blocks)


def _strongest_rows(weight: Array) -> list[int]:
    norms = np.linalg.norm(weight.astype(np.float64), axis=1)
    norms[np.isnan(norms)] = np.inf  # to be seen
    strongest: list[int] = np.argsort(-norms, kind="stable")[:MAX_PICTURES].tolist()
    return sorted(strongest)
