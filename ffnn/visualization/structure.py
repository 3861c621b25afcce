"""A network as plain columns and connections; everything that draws a network reads it here.

Column 0 holds the inputs as neurons, or what embeddings make of them, column k the units of the
k-th `Dense`. A connection is that layer's weight and bias. Layers between two `Dense` have no
column: their activations and gains belong to the column before them. `selection` says which part of
a large network to show, and where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.layers.average import Average
from ffnn.layers.base import Layer
from ffnn.layers.columns import ColumnWise
from ffnn.models.network import Network

BIAS = -1  # stands for the bias node where a unit's number is expected


@dataclass(frozen=True, eq=False)
class Gain:
    """A normalisation layer's gain γ or shift β, one live value per neuron, and its gradient.

    The gradient is None before the first backward pass.
    """

    layer_name: str
    value: Array
    gradient: Array | None


@dataclass(frozen=True, eq=False)
class Column:
    """Neurons that stand side by side: the inputs, or the units of one `Dense`.

    The activation is the `Dense`'s own and those of the layers after it, such as ``"ReLU"``;
    ``"Linear"`` if there is none, and ``""`` for inputs. Gains are ``"gamma"`` and ``"beta"`` of
    the normalisation after the neurons; those of a second one on them, ``"gamma_2"``, ``"beta_2"``.
    """

    index: int  # 0 for the inputs, k for the k-th `Dense`
    layer_name: str  # or "input"
    kind: str  # "input", "neuron", or "output" for the last `Dense`
    size: int
    activation: str
    gains: dict[str, Gain]
    unit_names: tuple[str, ...] | None  # of the features or the classes
    place: int | None  # of the `Dense` among the model's layers

    def label(self, unit: int) -> str:
        """Return the neuron's name, or its id if it has none."""
        names = self.unit_names
        return node_id(self.layer_name, unit) if names is None else names[unit]


@dataclass(frozen=True, eq=False)
class Connection:
    """The live weight (units, inputs) and bias (units,) of one `Dense`, and their gradients.

    It leads from the column `source` to the next, `target`. The bias is None if the layer has none,
    the gradients are None before the first backward pass. `trainable` is the layer's.
    """

    source: int
    target: int
    layer_name: str
    weight: Array
    bias: Array | None
    weight_gradient: Array | None
    bias_gradient: Array | None
    trainable: bool

    @property
    def num_edges(self) -> int:
        """The number of entries of weight and bias."""
        return self.weight.size + (0 if self.bias is None else self.bias.size)

    def matrix(self, values: str) -> Array:
        """Return weight and bias, or their gradients, as one array; the bias is the last column.

        `values` is "weight" or "gradient". The entry [j, i] belongs to the edge from unit i to j.
        """
        weight, bias = self.weight, self.bias
        if values == "gradient":
            assert self.weight_gradient is not None
            weight, bias = self.weight_gradient, self.bias_gradient
        return weight if bias is None else np.column_stack([weight, bias])


@dataclass(frozen=True, eq=False)
class Structure:
    """A built network: the k-th connection leads from column k to column k + 1."""

    columns: list[Column]
    connections: list[Connection]
    has_gradients: bool

    @property
    def num_edges(self) -> int:
        """The number of edges of the whole network, biases included."""
        return sum(connection.num_edges for connection in self.connections)

    def incoming(self, column: Column) -> Connection | None:
        """Return the connection that leads to a column; None for the inputs."""
        return self.connections[column.index - 1] if column.index else None

    def outgoing(self, column: Column) -> Connection | None:
        """Return the connection that leads from a column; None for the outputs."""
        return self.connections[column.index] if column.index < len(self.connections) else None

    def caption(self, column: Column) -> list[str]:
        """Return what a column is: its layer, its size, and whether the layer is frozen."""
        incoming = self.incoming(column)
        still = "" if incoming is None or incoming.trainable else " · frozen"
        return [column.layer_name, f"{counted(column.size, column.kind)}{still}"]


def node_id(layer_name: str, unit: int) -> str:
    """Return a node's unique name: ``"input 3"``, ``"dense_1 5"``, or ``"dense_1 bias"``.

    The last one feeds the layer `dense_1`; its unit is `BIAS`.
    """
    return f"{layer_name} bias" if unit == BIAS else f"{layer_name} {unit}"


def read_structure(model: Network) -> Structure:
    """Return the columns and connections of a built network; its arrays are not copied.

    RuntimeError is raised if the model is not built, ValueError if a layer other than `Dense`, and
    than embeddings of the inputs, changes the number of columns.
    """
    model.require_built()
    groups: list[list[Layer]] = [[]]  # after the inputs, then one from each Dense on
    for layer in model.layers:
        if layer.is_dense:
            groups.append([layer])
        elif layer.output_dim == layer.input_dim or _embeds_inputs(layer, groups):
            groups[-1].append(layer)
        else:
            if isinstance(layer, Average):
                raise ValueError(
                    f"{layer.title}: a graph shows one chain of layers; draw the members, which "
                    f"ffnn.models.averaging.members_of(model) returns"
                )
            raise ValueError(
                f"{type(layer).__name__} {layer.name!r}: a graph can show a layer other than Dense "
                f"only if it keeps the number of columns or embeds the inputs, got "
                f"{layer.input_dim} columns in and {layer.output_dim} out"
            )
    columns = [_column(model, index, group, len(groups)) for index, group in enumerate(groups)]
    connections = [_connection(model, k, groups[k][0]) for k in range(1, len(groups))]
    return Structure(columns, connections, model.has_gradients)


def _embeds_inputs(layer: Layer, groups: list[list[Layer]]) -> bool:
    return isinstance(layer, ColumnWise) and len(groups) == 1


def require_gradients(has_gradients: bool) -> None:
    """Raise RuntimeError if no gradient was computed."""
    if not has_gradients:
        raise RuntimeError(
            "this model has no gradients to show yet: call compute_gradients(x, y), or fit it"
        )


def _column(model: Network, index: int, group: list[Layer], num_columns: int) -> Column:
    """Return the column of a `Dense` and the layers after it, or of those before any `Dense`."""
    is_last = index == num_columns - 1
    if index:
        size, names = len(group[0].params["weight"]), _output_names(model) if is_last else None
    else:
        size, names = _inputs(model, group)
    return Column(
        index=index,
        layer_name=group[0].name if index else "input",
        kind="input" if not index else "output" if is_last else "neuron",
        size=size,
        activation=_activations(group) or ("Linear" if index else ""),
        gains=_gains(model, group[1:] if index else group, size),
        unit_names=None if names is None or len(names) != size else tuple(names),
        place=model.layers.index(group[0]) if index else None,
    )


def _inputs(model: Network, group: list[Layer]) -> tuple[int, list[str] | None]:
    """Return how many inputs the first `Dense` takes, and their names if there are any."""
    size, names = model.input_dim or 0, model.feature_names
    for layer in group:
        if isinstance(layer, ColumnWise):
            size, names = (
                layer.output_dim or 0,
                None if names is None else layer.name_outputs(names),
            )
    return size, names


def _output_names(model: Network) -> list[str] | None:
    """Return the names of the classes, or of the column of a table that is learned as numbers.

    Two classes may share one output, which then has no name.
    """
    target = None if model.encoder is None else model.encoder.target
    if model.class_names is None and target is not None and target.class_names is None:
        return [target.name]
    return model.class_names


def _activations(group: list[Layer]) -> str:
    """Return the activations of a column, one after the other, without identities."""
    shown = []
    for layer in group:
        is_activation = hasattr(layer, "output_range")
        activation = layer if is_activation else getattr(layer, "activation", None)
        if activation is not None and repr(activation) != "Linear()":
            shown.append(repr(activation).removesuffix("()"))
    return ", ".join(shown)


def _gains(model: Network, group: list[Layer], size: int) -> dict[str, Gain]:
    """Return the parameters that hold one value for each neuron."""
    gains: dict[str, Gain] = {}
    normalizations = [layer for layer in group if layer.params]
    for number, layer in enumerate(normalizations, start=1):
        for name, value in layer.params.items():
            if value.shape == (size,):
                gradient = layer.grads[name] if model.has_gradients else None
                key = name if number == 1 else f"{name}_{number}"
                gains[key] = Gain(layer.name, value, gradient)
    return gains


def _connection(model: Network, index: int, dense: Layer) -> Connection:
    grads: Any = dense.grads if model.has_gradients else {}
    return Connection(
        source=index - 1,
        target=index,
        layer_name=dense.name,
        weight=dense.params["weight"],
        bias=dense.params.get("bias"),
        weight_gradient=grads.get("weight"),
        bias_gradient=grads.get("bias"),
        trainable=dense.trainable,
    )
