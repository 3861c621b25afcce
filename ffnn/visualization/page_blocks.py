"""What the page's heatmaps and its pictures of first-layer weights show.

The page holds each value once, in flat vectors like ``model.parameters``. A block says which of
them it shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ffnn._types import Array
from ffnn.visualization.structure import Column, Connection, Structure

MAX_PICTURES = 32
MIN_SIDE = 8  # of a picture, in pixels of the input; four inputs are a square number too


@dataclass(frozen=True)
class Block:
    """A rectangle of one parameter's values, which lie row after row from `offset` on.

    Its rows and columns are the neurons of a column of the network, if any.
    """

    name: str
    offset: int
    rows: int
    columns: int
    row_neurons: int | None = None
    column_neurons: int | None = None


@dataclass(frozen=True)
class Panel:
    """The heatmap of a layer: its blocks side by side, or one under the other if `is_stacked`."""

    layer: str
    title: str
    is_stacked: bool
    blocks: list[Block]


@dataclass(frozen=True)
class Pictures:
    """The inputs as a square image of `side` pixels, and the units whose weights are shown so.

    They are the strongest of the first `Dense`, `layer`, which has `total`.
    """

    layer: str
    side: int
    total: int
    units: list[int]


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
    blocks = [Block("weight", begin, rows, columns, target.index, source.index)]
    if connection.bias is not None:
        title += f", and bias, {rows:,}"
        blocks.append(Block("bias", offsets[id(connection.bias)], rows, 1, target.index))
    return Panel(target.layer_name, title, False, blocks)


def _gains_panel(layer_name: str, column: Column, offsets: Mapping[int, int]) -> Panel:
    gains = {
        gain_name(key): gain for key, gain in column.gains.items() if gain.layer_name == layer_name
    }
    blocks = [
        Block(name, offsets[id(gain.value)], 1, column.size, None, column.index)
        for name, gain in gains.items()
    ]
    title = f"{layer_name}: {' and '.join(gains)}, {column.size:,} each"
    return Panel(layer_name, title, True, blocks)


def gain_name(key: str) -> str:
    """Return the parameter's own name: the key of a neuron's second gain ends in a number."""
    return re.sub(r"_\d+$", "", key)


def describe_pictures(structure: Structure) -> Pictures | None:
    """Return how the inputs are an image, and the units whose weights are to be shown.

    None unless the inputs are a square number, as the pixels of an image often are.
    """
    connection = structure.connections[0]
    total, inputs = connection.weight.shape
    side = math.isqrt(inputs)
    if side * side != inputs or side < MIN_SIDE:
        return None
    return Pictures(connection.layer_name, side, total, _strongest_rows(connection.weight))


def _strongest_rows(weight: Array) -> list[int]:
    norms = np.linalg.norm(weight.astype(np.float64), axis=1)
    norms[np.isnan(norms)] = np.inf  # to be seen
    strongest: list[int] = np.argsort(-norms, kind="stable")[:MAX_PICTURES].tolist()
    return sorted(strongest)
