"""A network as plain columns and connections.

Everything that draws a network reads it here. A column is a row of neurons: column 0 holds the
inputs, column k the units of the k-th `Dense`. A connection is that layer's weight and bias. Layers
between two `Dense` have no column: their activations and gains belong to the column before them.
`selection` says which part of a large network to show, and where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.layers.base import Layer
    from ffnn.models.network import Network

BIAS = -1  # stands for the bias node where a unit's number is expected


@dataclass(frozen=True, eq=False)
class Gain:
    """One value a neuron, of a normalisation layer: its gain γ or its shift β.

    Attributes
    ----------
    layer_name : str
        The normalisation layer's name.
    value : ndarray of shape (size,)
        The live values.
    gradient : ndarray of shape (size,), or None
        The loss's derivative by them; None before the first backward pass.
    """

    layer_name: str
    value: Array
    gradient: Array | None


@dataclass(frozen=True, eq=False)
class Column:
    """Neurons that stand side by side: the inputs, or the units of one `Dense`.

    Attributes
    ----------
    index : int
        0 for the inputs, k for the k-th `Dense`.
    layer_name : str
        ``"input"`` for the inputs, else the name of the `Dense`.
    layer_index : int or None
        Its place in `model.layers`; None for the inputs.
    kind : {"input", "neuron", "output"}
        What its nodes are; the last `Dense` has the outputs.
    size : int
        The number of neurons.
    activation : str
        What acts on them, such as ``"ReLU"``: the own activation of the `Dense` and of layers
        behind it. ``"Linear"`` if nothing does, and ``""`` for inputs.
    gains : dict of str to Gain
        ``"gamma"``, ``"beta"`` of the normalisation behind the neurons; a second one on the same
        neurons is ``"gamma_2"``.
    unit_names : tuple of str, or None
        What each neuron means: feature names of inputs, class names of outputs.
    """

    index: int
    layer_name: str
    layer_index: int | None
    kind: str
    size: int
    activation: str
    gains: dict[str, Gain]
    unit_names: tuple[str, ...] | None

    def label(self, unit: int) -> str:
        """Return what the neuron means, or its id if nobody said."""
        if self.unit_names is None:
            return node_id(self.layer_name, unit)
        return self.unit_names[unit]


@dataclass(frozen=True, eq=False)
class Connection:
    """The weight and the bias of one `Dense`, from a column to the next.

    Attributes
    ----------
    source, target : int
        Indices of the columns; `target` is `source` + 1.
    layer_name : str
        The name of the `Dense`.
    layer_index : int
        Its place in `model.layers`.
    weight : ndarray of shape (units, inputs)
        The live weight.
    bias : ndarray of shape (units,), or None
        The live bias; None if the layer has none.
    weight_gradient, bias_gradient : ndarray or None
        The loss's derivatives, in the same shapes; None before the first backward pass.
    """

    source: int
    target: int
    layer_name: str
    layer_index: int
    weight: Array
    bias: Array | None
    weight_gradient: Array | None
    bias_gradient: Array | None

    @property
    def num_edges(self) -> int:
        """The number of entries of weight and bias."""
        return self.weight.size + (0 if self.bias is None else self.bias.size)

    def matrix(self, values: str) -> Array:
        """Return weight and bias, or their gradients, as one array; the bias is the last column.

        Parameters
        ----------
        values : {"weight", "gradient"}
            Which. Gradients must have been computed.

        Returns
        -------
        ndarray of shape (units, inputs + 1), or (units, inputs) if there is no bias
            The entry [j, i] belongs to the edge from unit i to unit j.
        """
        weight, bias = self.weight, self.bias
        if values == "gradient":
            assert self.weight_gradient is not None
            weight, bias = self.weight_gradient, self.bias_gradient
        return weight if bias is None else np.column_stack([weight, bias])


@dataclass(frozen=True, eq=False)
class Structure:
    """A built network as columns and the connections between them.

    Attributes
    ----------
    columns : tuple of Column
        From the inputs to the outputs.
    connections : tuple of Connection
        The k-th leads from column k to column k + 1.
    has_gradients : bool
        Whether the gradients are there.
    """

    columns: tuple[Column, ...]
    connections: tuple[Connection, ...]
    has_gradients: bool

    @property
    def num_edges(self) -> int:
        """The number of edges of the whole network, biases included."""
        return sum(connection.num_edges for connection in self.connections)


def node_id(layer_name: str, unit: int) -> str:
    """Return the name of a node, unique in its network.

    Parameters
    ----------
    layer_name : str
        ``"input"``, or the name of a `Dense`.
    unit : int
        Counted from 0; `BIAS` for the bias node that feeds this `Dense`.

    Returns
    -------
    str
        Such as ``"input 3"``, ``"dense_1 5"`` or ``"dense_1 bias"``.
    """
    return f"{layer_name} bias" if unit == BIAS else f"{layer_name} {unit}"


def read_structure(model: Network) -> Structure:
    """Return the columns and connections of a built network; its arrays are not copied.

    Parameters
    ----------
    model : Network
        Built; trained or not.

    Raises
    ------
    RuntimeError
        The model is not built, so it has no weights.
    ValueError
        A layer other than `Dense` changes the number of columns.
    """
    if not model.is_built:
        raise RuntimeError(
            "this model has no weights to show yet: give Sequential an input_dim, call "
            "build(input_dim), or fit it"
        )
    groups: list[list[Layer]] = [[]]  # behind the inputs, then one from each Dense on
    for layer in model.layers:
        if layer.is_dense:
            groups.append([layer])
        elif layer.output_dim == layer.input_dim:
            groups[-1].append(layer)
        else:
            raise ValueError(
                f"{type(layer).__name__} {layer.name!r}: a graph can show a layer other than Dense "
                f"only if it keeps the number of columns, got {layer.input_dim} columns in and "
                f"{layer.output_dim} out"
            )
    columns, connections = [_input_column(model, groups[0])], []
    for index, group in enumerate(groups[1:], start=1):
        columns.append(_dense_column(model, index, group, is_last=index == len(groups) - 1))
        connections.append(_connection(model, index, group[0]))
    return Structure(tuple(columns), tuple(connections), model.has_gradients)


def _input_column(model: Network, group: list[Layer]) -> Column:
    """Return the inputs' column; `group` are the layers before the first `Dense`."""
    assert model.input_dim is not None
    return Column(
        index=0,
        layer_name="input",
        layer_index=None,
        kind="input",
        size=model.input_dim,
        activation=_activations(group),
        gains=_gains(model, group, model.input_dim),
        unit_names=_names(model.feature_names, model.input_dim),
    )


def _dense_column(model: Network, index: int, group: list[Layer], is_last: bool) -> Column:
    """Return the column of a `Dense`, the first of `group`, and of the layers behind it."""
    dense = group[0]
    size = len(dense.params["weight"])
    return Column(
        index=index,
        layer_name=dense.name,
        layer_index=model.layers.index(dense),
        kind="output" if is_last else "neuron",
        size=size,
        activation=_activations(group) or "Linear",
        gains=_gains(model, group[1:], size),
        unit_names=_names(model.class_names, size) if is_last else None,
    )


def _names(names: list[str] | None, size: int) -> tuple[str, ...] | None:
    """Return one name for each neuron, or None: two classes may share one output."""
    return None if names is None or len(names) != size else tuple(names)


def _activations(group: list[Layer]) -> str:
    """Return what acts on a column, one after the other; an identity is nothing."""
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
        layer_index=model.layers.index(dense),
        weight=dense.params["weight"],
        bias=dense.params.get("bias"),
        weight_gradient=grads.get("weight"),
        bias_gradient=grads.get("bias"),
    )
