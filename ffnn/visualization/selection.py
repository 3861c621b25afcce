"""Which part of a network to show, and where: the strongest neurons and edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_choice, check_int
from ffnn.visualization.structure import BIAS, Column, Connection, Structure, require_gradients

BIAS_DISTANCE = 1.2  # how far the bias node stands above its column's first neuron


@dataclass(frozen=True, eq=False)
class ShownColumn:
    """The part of a column that is shown, and where.

    All of it stands at x = `column.index`. Neurons stand one below the other, a unit of length
    apart, around y = 0. Hidden ones are folded into one node below them, and the bias node of the
    next connection is above them.
    """

    column: Column
    units: Array  # the neurons shown, in ascending order
    y: Array  # their heights
    num_hidden: int
    folded_y: float | None
    bias_y: float | None

    @property
    def heights(self) -> list[float]:
        """Of all nodes."""
        return [*self.y.tolist(), *(y for y in (self.bias_y, self.folded_y) if y is not None)]


@dataclass(frozen=True, eq=False)
class ShownEdges:
    """The edges of a connection that are shown, an entry of each array for each.

    They lead from x = `connection.source` to `connection.target`.
    """

    connection: Connection
    sources: Array  # units; `BIAS` for the bias node
    targets: Array
    source_y: Array
    target_y: Array
    weight: Array  # the entry of weight or bias
    gradient: Array | None  # None before the first backward pass


@dataclass(frozen=True, eq=False)
class View:
    """What is shown of a network, and where: of each column and of each connection."""

    structure: Structure
    columns: list[ShownColumn]
    edges: list[ShownEdges]

    @property
    def num_edges(self) -> int:
        """The number of edges shown."""
        return sum(edges.sources.size for edges in self.edges)

    @property
    def hidden(self) -> list[str]:
        """What is left out, such as ``"16 of 784 inputs"``."""
        parts = []
        for shown in self.columns:
            column = shown.column
            if shown.num_hidden:
                is_inner = column.kind == "neuron"
                noun = f"neurons of {column.layer_name}" if is_inner else f"{column.kind}s"
                parts.append(f"{shown.units.size:,} of {column.size:,} {noun}")
        if self.num_edges < self.structure.num_edges:
            parts.append(f"{self.num_edges:,} of {self.structure.num_edges:,} edges")
        return parts


def select(
    structure: Structure,
    max_units: int | None = None,
    max_edges: int | None = None,
    values: str = "weight",
) -> View:
    """Return the strongest neurons of each column and the strongest edges between those.

    A neuron's strength is the Euclidean norm of all weights that lead to it and from it, its bias
    included; an edge's is its weight without the sign. With ``values="gradient"`` the gradients
    take the weights' places. A value that is not a number counts as the strongest, to be seen.
    Neurons beyond `max_units` of a column are folded into one node; `max_edges` limits the edges of
    each connection, biases included. None stands for no limit.
    """
    check_choice("graph", "values", values, ("weight", "gradient"))
    for name, limit in (("max_units", max_units), ("max_edges", max_edges)):
        if limit is not None:
            check_int("graph", name, limit, low=1)
    if values == "gradient":
        require_gradients(structure.has_gradients)
    columns = [_show_column(structure, column, max_units, values) for column in structure.columns]
    edges = [_show_edges(each, columns, max_edges, values) for each in structure.connections]
    return View(structure, columns, edges)


def _show_column(
    structure: Structure, column: Column, max_units: int | None, values: str
) -> ShownColumn:
    if max_units is None or column.size <= max_units:
        units = np.arange(column.size)
    else:
        units = _strongest(_strengths(structure, column, values), max_units)
    num_hidden = column.size - units.size
    slots = units.size + (num_hidden > 0)
    y = (slots - 1) / 2 - np.arange(slots)
    outgoing = structure.outgoing(column)
    has_bias = outgoing is not None and outgoing.bias is not None
    return ShownColumn(
        column=column,
        units=units,
        y=y[: units.size],
        num_hidden=num_hidden,
        folded_y=float(y[-1]) if num_hidden else None,
        bias_y=float(y[0]) + BIAS_DISTANCE if has_bias else None,
    )


def _strengths(structure: Structure, column: Column, values: str) -> Array:
    """Return the sum of squares of all that leads to and from each neuron."""
    sums = np.zeros(column.size)
    if (incoming := structure.incoming(column)) is not None:
        sums += np.square(incoming.matrix(values), dtype=np.float64).sum(axis=1)
    if (outgoing := structure.outgoing(column)) is not None:
        weights = outgoing.matrix(values)[:, : column.size]
        sums += np.square(weights, dtype=np.float64).sum(axis=0)
    return sums


def _strongest(strengths: Array, number: int) -> Array:
    """Return the places of the `number` largest strengths, in ascending order of place."""
    # Negated, so that NaN, which sorts last, must be made the smallest.
    ranking = np.where(np.isnan(strengths), -np.inf, -strengths)
    return np.sort(np.argpartition(ranking, number - 1)[:number])


def _show_edges(
    connection: Connection, columns: list[ShownColumn], max_edges: int | None, values: str
) -> ShownEdges:
    source, target = columns[connection.source], columns[connection.target]
    sources, source_y = source.units, source.y
    if source.bias_y is not None:
        sources, source_y = np.append(sources, BIAS), np.append(source_y, source.bias_y)
    block = np.ix_(target.units, sources)  # BIAS is the last column of the matrix
    strengths = np.abs(connection.matrix(values)[block]).ravel()
    if max_edges is None or strengths.size <= max_edges:
        chosen = np.arange(strengths.size)
    else:
        chosen = _strongest(strengths, max_edges)
    rows, places = np.divmod(chosen, sources.size)
    gradient = None
    if connection.weight_gradient is not None:
        gradient = connection.matrix("gradient")[block].ravel()[chosen]
    return ShownEdges(
        connection=connection,
        sources=sources[places],
        targets=target.units[rows],
        source_y=source_y[places],
        target_y=target.y[rows],
        weight=connection.matrix("weight")[block].ravel()[chosen],
        gradient=gradient,
    )
