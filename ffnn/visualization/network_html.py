"""What notebooks show of a network: a table of its layers and a small picture, as HTML."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ffnn.charts.html import block, svg, svg_text, table
from ffnn.charts.style import KIND_COLOURS, layer_colour
from ffnn.core.text import counted, listed, shorten
from ffnn.layers.base import Layer
from ffnn.layers.columns import ColumnWise
from ffnn.models.network import Network
from ffnn.models.summary import count_parameters

_MAX_COLUMNS = 8
_MAX_CIRCLES = 5
_MAX_NOTES = 3
_PITCH, _SPACING, _RADIUS, _LINE = 104, 18, 6, 15  # in the picture, in pixels


def network_html(model: Network) -> str:
    """Return a table of the layers and a picture of the columns of neurons, as HTML.

    What is not known yet is shown as "?"; of a large network the middle is left out.
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
    layers = table(("", "name", "layer", "outputs", "parameters"), rows, "rllrr")
    return block(type(model).__name__, lines, layers + _draw_network(model))


def _number(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _sum_up(model: Network) -> str:
    if not model.is_built:
        return "Not built yet: sizes follow from the number of input columns."
    inputs = counted(model.input_dim or 0, "input")
    return f"{inputs}, {count_parameters(model.layers)} ({model.dtype})"


@dataclass
class _Column:
    """A column of the network's picture."""

    name: str  # its layer, or "input", or "…" for layers left out
    colour: str
    size: int | None  # None if it is not known yet, 0 for layers left out
    notes: list[str]  # the activations and other layers that act on the neurons

    @property
    def has_gap(self) -> bool:
        """Whether only the first and the last two neurons are shown."""
        return self.size is None or self.size > _MAX_CIRCLES

    @property
    def places(self) -> list[int]:
        """The places from the top that its circles take; a gap takes one in the middle."""
        if self.has_gap:
            return [0, 1, _MAX_CIRCLES - 2, _MAX_CIRCLES - 1]
        return list(range(self.size or 0))

    def y(self, middle: float) -> list[float]:
        """Return the places of its circles around the middle."""
        places = self.places
        return [middle + _SPACING * (place - places[-1] / 2) for place in places]


def _columns(model: Network) -> list[_Column]:
    """Return a column for the inputs and for each layer with units; of many the outer ones."""
    columns = [_Column("input", KIND_COLOURS["input"], model.input_dim, [])]
    for place, layer in enumerate(model.layers):
        units = _units(layer)
        if units is not None:
            columns.append(_Column(layer.name, layer_colour(place), units, []))
        part = getattr(layer, "activation", None if units else layer)
        if part is not None:
            columns[-1].notes.append(type(part).__name__)
    for column in columns:
        if len(column.notes) > _MAX_NOTES:
            column.notes[_MAX_NOTES - 1 :] = ["…"]
    hidden = len(columns) - _MAX_COLUMNS + 1
    if hidden > 1:
        columns[_MAX_COLUMNS - 3 : -2] = [_Column("…", "", 0, [f"{hidden:,} more layers"])]
    return columns


def _units(layer: Layer) -> int | None:
    """Return the number of a layer's own neurons; None if it works on those before it."""
    if layer.is_dense or isinstance(layer, ColumnWise):
        return layer.output_dim
    units = getattr(layer, "units", None)
    return units if isinstance(units, int) else None


def _draw_network(model: Network) -> str:
    columns = _columns(model)
    space = _SPACING * max(1 + max(column.places, default=0) for column in columns)
    pairs = enumerate(itertools.pairwise(columns))
    content = [_draw_edges(place, *pair, space / 2) for place, pair in pairs]
    num_lines = 0
    for place, column in enumerate(columns):
        x = (place + 0.5) * _PITCH
        content += [
            f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}" fill="{column.colour}"/>'
            for y in column.y(space / 2)
        ]
        if column.has_gap:
            content.append(svg_text(x, space / 2 + 4, "⋮"))
        lines = [column.name, "" if column.size == 0 else _number(column.size), *column.notes]
        content += [
            svg_text(x, space + _LINE * number, shorten(line, 16))
            for number, line in enumerate(lines, start=1)
        ]
        num_lines = max(num_lines, len(lines))
    return svg(len(columns) * _PITCH, space + _LINE * num_lines + 5, "network", content)


def _draw_edges(place: int, source: _Column, target: _Column, middle: float) -> str:
    """Return the lines from a column to the next."""
    left, right = (place + 0.5) * _PITCH + _RADIUS, (place + 1.5) * _PITCH - _RADIUS
    ends = [(y, end) for y in source.y(middle) for end in target.y(middle)]
    path = "".join(f"M{left:g} {y:g}L{right:g} {end:g}" for y, end in ends)
    return f'<path d="{path}" stroke="currentColor" opacity="0.3"/>'
