"""The network as a graph in memory and in files; the home of networkx."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn._types import Array, FilePath
from ffnn.charts.files import save_figure
from ffnn.core.checks import check_path
from ffnn.core.files import check_target, replace_whole
from ffnn.models.network import Network
from ffnn.models.trainable import Trainable
from ffnn.visualization.graph_figure import plot_graph
from ffnn.visualization.selection import ShownColumn, ShownEdges, select
from ffnn.visualization.structure import BIAS, Connection, node_id, read_structure

if TYPE_CHECKING:
    import networkx as nx

SUFFIXES = (".html", ".svg", ".png", ".graphml")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_networkx(model: Network) -> nx.DiGraph:
    """Return a directed graph with one edge for each entry of each `Dense` weight and bias.

    `Sequential.to_networkx` says what its nodes and edges hold. Besides, a node has ``layer_name``:
    ``"input"``, or the name of the `Dense`; of a bias node, the one it feeds. A bias node's unit is
    -1, and it is in the layer before the one that it feeds. Normalisation after a column of
    neurons or inputs gives them ``gamma``, ``gamma_gradient``, ``beta`` and ``beta_gradient``. A
    node of a `Dense`, and of its bias, has ``trainable``, which is the layer's.
    """
    import networkx as nx

    view = select(read_structure(model))
    graph = nx.DiGraph()
    for shown in view.columns:
        graph.add_nodes_from(_neurons(shown, view.structure.incoming(shown.column)))
    for shown in view.columns:
        outgoing = view.structure.outgoing(shown.column)
        if outgoing is not None and outgoing.bias is not None:
            name = node_id(outgoing.layer_name, BIAS)
            graph.add_node(
                name,
                kind="bias",
                layer=shown.column.index,
                layer_name=outgoing.layer_name,
                unit=BIAS,
                label=name,
                x=float(shown.column.index),
                y=shown.bias_y,
                trainable=outgoing.trainable,
            )
    for edges in view.edges:
        source_name = view.columns[edges.connection.source].column.layer_name
        graph.add_edges_from(_edges(edges, source_name))
    return graph


def _neurons(
    shown: ShownColumn, connection: Connection | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the nodes of a column; `connection` leads to it."""
    column = shown.column
    numbers: dict[str, Array | None] = {}
    if connection is not None and connection.bias is not None:
        numbers = {"bias": connection.bias, "bias_gradient": connection.bias_gradient}
    for name, gain in column.gains.items():
        numbers |= {name: gain.value, f"{name}_gradient": gain.gradient}
    lists = {name: _floats(array, column.size) for name, array in numbers.items()}
    common = {"kind": column.kind, "layer": column.index, "layer_name": column.layer_name}
    if connection is not None:
        common["trainable"] = connection.trainable
    if column.activation:
        common["activation"] = column.activation
    for unit, y in enumerate(shown.y.tolist()):
        yield (
            node_id(column.layer_name, unit),
            common
            | {"unit": unit, "label": _NOT_XML.sub("\ufffd", column.label(unit))}
            | {"x": float(column.index), "y": y}
            | {name: values[unit] for name, values in lists.items()},
        )


def _edges(edges: ShownEdges, source_name: str) -> Iterator[tuple[str, str, dict[str, float]]]:
    name = edges.connection.layer_name
    sources = {unit: node_id(source_name, unit) for unit in set(edges.sources.tolist())}
    sources[BIAS] = node_id(name, BIAS)
    targets = {unit: node_id(name, unit) for unit in set(edges.targets.tolist())}
    for source, target, weight, gradient in zip(
        edges.sources.tolist(),
        edges.targets.tolist(),
        edges.weight.tolist(),
        _floats(edges.gradient, edges.weight.size),
        strict=True,
    ):
        yield sources[source], targets[target], {"weight": weight, "gradient": gradient}


def _floats(array: Array | None, size: int) -> list[float]:
    """Return an array's values, NaN where there is none."""
    return [math.nan] * size if array is None else array.tolist()


def save_graph(model: Trainable, path: FilePath, x: Any = None, y: Any = None) -> None:
    """Write the network's graph into a file, in the format that the suffix names.

    ``.html`` is an interactive page, which shows rows `x` with targets `y`, ``.svg`` and ``.png``
    are the figure of `plot_graph`, and ``.graphml`` is the whole graph of `to_networkx`.
    """
    target = Path(check_path("save_graph", "path", path))
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"save_graph: expected a path that ends in {', '.join(SUFFIXES)}, got {str(target)!r}"
        )
    if x is None and y is not None:
        raise ValueError("save_graph: y was given without x, the rows that it belongs to")
    if x is not None and suffix != ".html":
        raise ValueError(f"save_graph: rows are shown by .html pages, got {str(target)!r}")
    check_target(target)
    if suffix == ".html":
        from ffnn.visualization.page import save_page

        save_page(model, target, x=x, y=y)
        return
    if suffix != ".graphml":
        save_figure(plot_graph(model), target)
        return
    import networkx as nx

    content = io.BytesIO()
    nx.write_graphml(to_networkx(model), content)
    replace_whole(target, content.getvalue())
