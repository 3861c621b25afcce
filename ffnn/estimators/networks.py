"""From an estimator's parameters to a `Sequential`, and from its layers to `coefs_`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.activations import ACTIVATIONS, ActivationFunction, Sigmoid
from ffnn.core.checks import check_int
from ffnn.core.registry import custom_classes, describe, rebuild
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable

    from ffnn.layers.base import Layer

ACTIVATION_NAMES = {"identity": "linear", "logistic": "sigmoid", "exp": "exponential"}
NORMALIZATIONS: dict[str, Callable[[], Layer]] = {
    # Batches of 200 rows make few updates; the layer's own 0.99 would still remember its start.
    "batch": lambda: BatchNorm(momentum=0.9),
    "layer": LayerNorm,
    "rms": RMSNorm,
}


class LiveArrays(list[Any]):
    """A list of arrays that are a network's own: an assigned entry is written into its array."""

    def __setitem__(self, index: Any, values: Any) -> None:
        if isinstance(index, slice):
            for own, new in zip(self[index], values, strict=True):
                own[...] = new
        else:
            self[index][...] = values


def hidden_sizes(value: Any) -> list[int]:
    """Return the hidden layers' numbers of units.

    Raises
    ------
    ValueError
        A number is not above 0, or an entry is more than one number.
    TypeError
        A number is not whole, or the array has more than one axis.
    """
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    if np.ndim(sizes) != 1:
        raise TypeError(f"hidden_layer_sizes: expected one number for each layer, got {value!r}")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, as each layer needs a unit; got {value!r}"
        )
    return [check_int("hidden_layer_sizes", "each entry", size, low=1) for size in sizes]


def per_layer(name: str, value: Any, num_layers: int) -> list[Any]:
    """Return one entry of `value` for each hidden layer.

    Parameters
    ----------
    name : str
        What the parameter is called, for the message.
    value : object
        One value for all layers, or a sequence with one for each.
    num_layers : int
        The number of hidden layers.

    Raises
    ------
    ValueError
        The sequence has another length.
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value] * num_layers
    entries = list(value)
    if len(entries) != num_layers:
        raise ValueError(
            f"{name} has {len(entries)} entries, but hidden_layer_sizes makes {num_layers} hidden "
            f"layers: give one entry for each, or one value for all."
        )
    return entries


def activation_function(value: str | ActivationFunction) -> ActivationFunction:
    """Return the activation that scikit-learn or the library calls so."""
    if isinstance(value, str):
        value = ACTIVATION_NAMES.get(value, value)
    return ACTIVATIONS.get(value)


def make_layers(params: Any, num_outputs: int, out_activation: str) -> list[Layer]:
    """Return new layers as an estimator's parameters describe them.

    Parameters
    ----------
    params : estimator
        Has `hidden_layer_sizes`, `activation`, `dropout`, `normalization` and the initialisers.
    num_outputs : int
        The number of output units.
    out_activation : str
        What scikit-learn calls their activation.
    """
    sizes = hidden_sizes(params.hidden_layer_sizes)
    activations = per_layer("activation", params.activation, len(sizes))
    rates = per_layer("dropout", params.dropout, len(sizes))
    options = {
        name: getattr(params, name)
        for name in ("weight_initializer", "bias_initializer")
        if getattr(params, name) is not None
    }
    layers: list[Layer] = []
    for units, activation, rate in zip(sizes, activations, rates, strict=True):
        function = activation_function(activation)
        if params.normalization is None:
            layers.append(Dense(units, function, **options))
        else:
            normalization = NORMALIZATIONS[params.normalization]()
            layers += [Dense(units, **options), normalization, Activation(function)]
        if rate:
            layers.append(Dropout(rate))
    last = None if out_activation == "identity" else activation_function(out_activation)
    return [*layers, Dense(num_outputs, last, **options)]


def copy_layers(network: Sequential) -> list[Layer]:
    """Return new, unbuilt layers like a network's; those that train nothing keep their state."""
    layers = []
    for layer in network.layers:
        twin: Layer = rebuild(describe(layer), custom_classes(layer))
        if layer.state and not layer.parameter_shapes(layer.input_dim or 1):
            twin.load_state(layer.state)
        layers.append(twin)
    return layers


def dense_layers(network: Sequential) -> list[Dense]:
    """Return the fully connected layers, from the first to the last."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def draw_parameters(network: Sequential, params: Any, random_state: np.random.RandomState) -> None:
    """Draw first values as scikit-learn does, where the parameters name no initialisers.

    Weights and biases of a layer come from U(±√(6 / (inputs + units))), or, if it is logistic,
    from U(±√(2 / (inputs + units))); the output layer goes by the last hidden one. They are drawn
    in scikit-learn's order, so the same generator gives the same numbers.
    """
    layers = dense_layers(network)
    hidden = per_layer("activation", params.activation, len(layers) - 1)
    single = None if isinstance(params.activation, (list, tuple)) else params.activation
    hidden.append(hidden[-1] if hidden else single or "identity")
    functions = [activation_function(activation) for activation in hidden]
    for layer, function in zip(layers, functions, strict=True):
        inputs, units = layer.input_dim or 0, layer.units
        bound = math.sqrt((2.0 if isinstance(function, Sigmoid) else 6.0) / (inputs + units))
        weight = random_state.uniform(-bound, bound, (inputs, units))
        bias = random_state.uniform(-bound, bound, units)
        if params.weight_initializer is None:
            layer.params["weight"].T[...] = weight
        if params.bias_initializer is None:
            layer.params["bias"][...] = bias
