"""Networks as models of Keras, which Keras itself makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ffnn import activations, layers
from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.exchange.extras import require
from ffnn.exchange.keras_runtime import expressed
from ffnn.layers.base import Layer
from ffnn.models.network import Network

# Ours → the name that Keras knows the same function by.
ACTIVATION_NAMES: dict[type, str] = {
    activations.Exponential: "exponential",
    activations.Linear: "linear",
    activations.Mish: "mish",
    activations.ReLU: "relu",
    activations.SELU: "selu",
    activations.Sigmoid: "sigmoid",
    activations.Softmax: "softmax",
    activations.Softplus: "softplus",
    activations.Swish: "silu",
    activations.Tanh: "tanh",
}


def to_keras(model: Network) -> Any:
    """Return a network as a ``keras.Sequential``, which can be trained on and saved there.

    Layers that Keras has become its own; the others are one of a class of ours that Keras can save,
    too. The parameters are copies; frozen layers are frozen there. It computes what `predict` does.
    A `Normalization` becomes two of Keras, which keeps means in float32: the second one takes off
    what that leaves.

    Parameters
    ----------
    model : Sequential
        A built network. Of a model with an encoder, the model takes the encoded columns.

    Returns
    -------
    keras.Sequential
        A built model, not compiled, in the model's dtype.

    Raises
    ------
    ImportError
        Keras is not installed.
    NotImplementedError
        A layer of the user's does not say what it computes.
    RuntimeError
        The model is not built.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> x = np.array([[1.0, 2.0]], np.float32)
    >>> ffnn.exchange.to_keras(model).predict(x, verbose=0).shape
    (1, 2)
    """
    keras = require("keras", "a model of Keras")
    model.require_built()
    made = keras.Sequential([keras.Input((model.input_dim,), dtype=model.dtype.name)])
    for layer in model.layers:
        for each, weights in _layers(keras, layer, model.dtype.name):
            made.add(each)
            each.trainable = layer.trainable
            if weights:
                each.set_weights([np.array(array) for array in weights])
    return made


def _layers(keras: Any, layer: Layer, dtype: str) -> Iterator[tuple[Any, list[Array]]]:
    """Yield the layers of Keras that compute what one of ours does, with their weights."""
    kinds, params = keras.layers, layer.params
    if isinstance(layer, layers.Dense) and layer.weight_factor == 1.0:
        made = kinds.Dense(layer.units, use_bias=layer.use_bias, dtype=dtype)
        yield made, [params["weight"].T, *([params["bias"]] if layer.use_bias else [])]
        if layer.activation is not None:
            yield _activation(keras, layer.activation, dtype), []
    elif isinstance(layer, layers.Activation):
        yield _activation(keras, layer.activation, dtype), []
    elif isinstance(layer, ActivationFunction):
        yield _activation(keras, layer, dtype), []
    elif isinstance(layer, layers.BatchNorm):
        made = kinds.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon, dtype=dtype)
        yield made, [params["gamma"], params["beta"], *layer.state.values()]
    elif isinstance(layer, layers.LayerNorm):
        made = kinds.LayerNormalization(epsilon=layer.epsilon, dtype=dtype)
        yield made, [params["gamma"], params["beta"]]
    elif isinstance(layer, layers.RMSNorm):
        yield kinds.RMSNormalization(epsilon=layer.epsilon, dtype=dtype), [params["gamma"]]
    elif isinstance(layer, layers.PReLU):
        made = kinds.PReLU(shared_axes=[1] if layer.shared else None, dtype=dtype)
        yield made, [params["alpha"]]
    elif isinstance(layer, layers.Dropout):
        yield kinds.Dropout(layer.current_rate, dtype=dtype), []
    elif isinstance(layer, layers.Rescaling):
        yield kinds.Rescaling(layer.scale, layer.offset, dtype=dtype), []
    elif isinstance(layer, layers.Normalization):
        yield from _normalizations(kinds, layer, dtype)
    else:
        yield expressed(keras, layer, dtype)


def _normalizations(
    kinds: Any, layer: layers.Normalization, dtype: str
) -> Iterator[tuple[Any, list[Array]]]:
    """Yield the layers of Keras for one of ours.

    Keras keeps means in float32. What that cuts off is taken off by a second layer.
    """
    mean, std = layer.statistics["mean"], layer.statistics["std"]
    first = mean.astype(np.float32).astype(np.float64)
    if (first != mean).any():
        yield kinds.Normalization(mean=first, variance=np.ones_like(mean), dtype=dtype), []
        first = mean - first
    yield kinds.Normalization(mean=first, variance=std**2.0, dtype=dtype), []


def _activation(keras: Any, activation: ActivationFunction, dtype: str) -> Any:
    if isinstance(activation, activations.ELU):
        return keras.layers.ELU(activation.alpha, dtype=dtype)
    if isinstance(activation, activations.GELU) and activation.approximate == "none":
        return keras.layers.Activation("gelu", dtype=dtype)
    if isinstance(activation, activations.LeakyReLU):
        return keras.layers.LeakyReLU(activation.negative_slope, dtype=dtype)
    name = ACTIVATION_NAMES.get(type(activation))
    if name is not None:
        return keras.layers.Activation(name, dtype=dtype)
    return expressed(keras, activation, dtype)[0]
