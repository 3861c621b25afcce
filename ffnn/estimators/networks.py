"""From an estimator's parameters to the layers of a `Sequential`, and from these to `coefs_`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex, TypeVar

import numpy as np

from ffnn.activations import ACTIVATIONS, ActivationFunction, Sigmoid
from ffnn.core.checks import check_int
from ffnn.core.descriptions import custom_objects, describe, rebuild
from ffnn.core.registry import family_of
from ffnn.estimators.parameters import NORMALIZATIONS, Estimator
from ffnn.layers import Activation, Average, BatchNorm, Dense, Dropout
from ffnn.layers.base import Layer
from ffnn.models.network import Network

T = TypeVar("T")

SKLEARN_NAMES = ("identity", "logistic", "tanh", "relu", "softmax", "exp")


class LiveArrays(list[Any]):
    """A list of arrays that are a network's own: an assigned entry is written into its array."""

    def __setitem__(self, index: SupportsIndex | slice, values: Any) -> None:
        if isinstance(index, slice):
            for own, new in zip(self[index], values, strict=True):
                own[...] = new
        else:
            self[index][...] = values


def hidden_sizes(value: int | Sequence[int]) -> list[int]:
    """Return the number of units of each hidden layer, or reject `value` as scikit-learn does."""
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    if np.ndim(sizes) != 1:
        raise TypeError(f"hidden_layer_sizes: expected one number for each layer, got {value!r}")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, as each layer needs a unit; got {value!r}"
        )
    return [check_int("hidden_layer_sizes", "each entry", size, low=1) for size in sizes]


def per_layer(name: str, value: T | Sequence[T], num_layers: int) -> list[T]:
    """Return an entry of parameter `name` for each hidden layer: `value` itself, or its entries."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value] * num_layers
    entries = list(value)
    if len(entries) != num_layers:
        raise ValueError(
            f"{name} has {len(entries)} entries, but hidden_layer_sizes makes {num_layers} hidden "
            f"layers: give one entry for each, or one value for all."
        )
    return entries


def name_activation(activation: ActivationFunction | None) -> str:
    """Return scikit-learn's name of what a network ends with, or the library's if it has none."""
    if activation is None:
        return "identity"
    names = {ACTIVATIONS.class_named(name): name for name in SKLEARN_NAMES}
    return names.get(type(activation)) or family_of(activation).name_of(activation)


def make_layers(estimator: Estimator) -> list[Layer]:
    """Return new layers as an estimator's parameters and its outputs describe them."""
    sizes = hidden_sizes(estimator.hidden_layer_sizes)
    activations: list[str | ActivationFunction]
    activations = per_layer("activation", estimator.activation, len(sizes))
    rates = per_layer("dropout", estimator.dropout, len(sizes))
    initializers = ("weight_initializer", "bias_initializer")
    given = {name: getattr(estimator, name) for name in initializers}
    options = {name: value for name, value in given.items() if value is not None}
    layers: list[Layer] = []
    for units, activation, rate in zip(sizes, activations, rates, strict=True):
        if estimator.normalization is None:
            layers.append(Dense(units, activation, **options))
        else:
            cls = NORMALIZATIONS[estimator.normalization]
            # Batches of 200 rows make few updates; the layer's own 0.99 still remembers its start.
            normalization = BatchNorm(momentum=0.9) if cls is BatchNorm else cls()
            layers += [Dense(units, **options), normalization, Activation(activation)]
        if rate:
            layers.append(Dropout(rate))
    last = None if estimator.out_activation_ == "identity" else estimator.out_activation_
    return [*layers, Dense(estimator.n_outputs_, last, **options)]


def copy_layers(network: Network) -> list[Layer]:
    """Return new, unbuilt layers like a network's; those that train nothing keep their state.

    Values of frozen layers are left for `keep_frozen`, once the new ones are built.
    """
    layers = []
    for layer in network.layers:
        twin: Layer = rebuild(describe(layer), custom_objects(layer))
        if layer.state and not layer.parameter_shapes(layer.input_dim or 1):
            twin.load_state(layer.state)
        layers.append(twin)
    return layers


def keep_frozen(model: Network, network: Network) -> None:
    """Write the values and states of a network's frozen layers into a model of its `copy_layers`.

    ValueError says which layer has values for another number of inputs.
    """
    for layer, known in zip(*map(_single_layers, (model, network)), strict=True):
        if known.trainable or not known.is_built:
            continue
        if layer.input_dim != known.input_dim:
            raise ValueError(
                f"network: {known.title} is frozen with values for {known.input_dim} inputs, but "
                f"gets {layer.input_dim} here"
            )
        for name, array in layer.params.items():
            array[...] = known.params[name]
        layer.load_state({name: array.copy() for name, array in known.state.items()})


def _single_layers(network: Network) -> list[Layer]:
    """Return the layers of a network, those of its averages' members one by one."""
    return [
        single
        for layer in network.layers
        for single in (
            dict(layer.named_layers()).values() if isinstance(layer, Average) else [layer]
        )
    ]


def architecture(estimator: Estimator) -> dict[str, str]:
    """Return by name, as texts, the parameters that an estimator's network is made by."""
    if estimator.network is not None:
        return {"network": repr(estimator.network.layers)}
    sizes = hidden_sizes(estimator.hidden_layer_sizes)
    activations: Any = estimator.activation
    rates = per_layer("dropout", estimator.dropout, len(sizes))
    return {
        "network": "None",
        "hidden_layer_sizes": repr(tuple(sizes)),
        "activation": repr(per_layer("activation", activations, len(sizes))),
        "dropout": repr([float(rate) for rate in rates]),
        **{
            name: repr(getattr(estimator, name))
            for name in ("normalization", "weight_initializer", "bias_initializer")
        },
    }


def dense_layers(network: Network) -> list[Dense]:
    """Return the fully connected layers, from the first to the last."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def draw_parameters(estimator: Estimator, random_state: np.random.RandomState) -> None:
    """Draw the initial values for which no initializer is given as scikit-learn does.

    Weights and biases of a layer come from U(±√(6 / (inputs + units))) or, if it is logistic, from
    U(±√(2 / (inputs + units))); the output layer goes by the last hidden one. They are drawn in
    scikit-learn's order, so the same generator gives the same numbers.
    """
    layers = dense_layers(estimator.model_)
    activation = estimator.activation
    if isinstance(activation, (list, tuple)):
        activations = [*activation, *(activation[-1:] or ["identity"])]
    else:
        activations = [activation] * len(layers)
    for layer, activation in zip(layers, activations, strict=True):
        is_logistic = isinstance(ACTIVATIONS.get(activation), Sigmoid)
        inputs, units = layer.input_dim or 0, layer.units
        bound = math.sqrt((2.0 if is_logistic else 6.0) / (inputs + units))
        weight = random_state.uniform(-bound, bound, (inputs, units))
        bias = random_state.uniform(-bound, bound, units)
        if estimator.weight_initializer is None:
            layer.params["weight"].T[...] = weight
        if estimator.bias_initializer is None:
            layer.params["bias"][...] = bias
