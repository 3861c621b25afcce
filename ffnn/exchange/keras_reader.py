"""Networks out of models of Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ffnn import activations, layers
from ffnn.activations import ActivationFunction
from ffnn.core.descriptions import rebuild
from ffnn.exchange.extras import require
from ffnn.exchange.found import Found, model_of
from ffnn.exchange.keras_runtime import expressed_class
from ffnn.exchange.keras_writer import ACTIVATION_NAMES
from ffnn.sequential import Sequential


def from_keras(model: Any) -> Sequential:
    """Return the network of a Keras model that is a chain of layers.

    Parameters
    ----------
    model : keras.Model
        A built ``Sequential``, or a functional model in which each layer follows one other, of
        ``Dense``, activations, ``BatchNormalization``, ``LayerNormalization``,
        ``RMSNormalization``, ``Normalization``, ``Rescaling``, ``Dropout``, ``Flatten`` and
        ``Identity``, or what `to_keras` returned. Parameters are copied; layers that are frozen
        there are frozen here.

    Returns
    -------
    Sequential
        A built network, not compiled.

    Raises
    ------
    ImportError
        Keras is not installed.
    ValueError
        The model has branches or is not built, or a layer is none of these; it is named.

    Examples
    --------
    >>> import ffnn
    >>> import keras
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "tanh")])
    >>> [type(layer).__name__ for layer in ffnn.exchange.from_keras(network).layers]
    ['Dense']
    """
    keras = require("keras", "a model of Keras")
    if not isinstance(model, keras.Model):
        raise ValueError(f"from_keras: expected a keras.Model, got {type(model).__name__}")
    if not model.built or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError("from_keras: expected a built model with one input and one output")
    width = int(np.prod(model.inputs[0].shape[1:]))
    found = _joined(each for layer in _chain(keras, model) for each in _read(keras, layer))
    if not found:
        raise ValueError("from_keras: the model has no layers")
    dtype = str(model.inputs[0].dtype)
    return model_of(found, width, dtype)


def _chain(keras: Any, model: Any) -> list[Any]:
    """Return the layers of a model, from the first to the last; ValueError if it has branches."""
    if not isinstance(model, keras.Sequential):
        _check_chain(model.get_config())
    chain = list[Any]()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            chain += _chain(keras, layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            chain.append(layer)
    return chain


def _check_chain(config: Mapping[str, Any]) -> None:
    """Raise ValueError if not each layer of a functional model follows the one before it."""
    before: str | None = None
    for layer in config["layers"]:
        sources = [source for node in layer["inbound_nodes"] for source in _sources(node)]
        if sources != ([] if before is None else [before]):
            raise ValueError(
                f"from_keras: layer {layer['name']!r} follows "
                f"{', '.join(sources) or 'no other'}, not {before!r}: the model is no chain"
            )
        before = layer["name"]


def _sources(item: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs stand in a node of a config."""
    if isinstance(item, Mapping):
        if "keras_history" in item:
            yield item["keras_history"][0]
        else:
            for each in item.values():
                yield from _sources(each)
    elif isinstance(item, (list, tuple)):
        for each in item:
            yield from _sources(each)


def _read(keras: Any, layer: Any) -> Iterator[Found]:
    """Yield our layers for one of Keras."""
    readers = _readers(keras)
    reader = readers.get(type(layer))
    title = f"layer {layer.name!r} ({type(layer).__name__})"
    if reader is None:
        names = ", ".join(sorted(kind.__name__ for kind in readers))
        raise ValueError(f"from_keras: {title} is none of a chain of layers that ffnn has: {names}")
    try:
        for found in reader(keras, layer):
            if layer.weights and found.layer.trainable != layer.trainable:
                found.layer.trainable = layer.trainable
            yield found
    except (ValueError, TypeError) as error:
        raise ValueError(f"from_keras: {title}: {error}") from error


def _readers(keras: Any) -> dict[type, Callable[[Any, Any], Iterator[Found]]]:
    kinds = keras.layers
    return {
        kinds.Dense: _read_dense,
        kinds.Activation: lambda k, m: iter([Found(_named(k, m.activation), {})]),
        kinds.ReLU: _read_relu,
        kinds.LeakyReLU: lambda k, m: iter([Found(activations.LeakyReLU(m.negative_slope), {})]),
        kinds.ELU: lambda k, m: iter([Found(activations.ELU(float(m.alpha)), {})]),
        kinds.Softmax: lambda k, m: iter([Found(activations.Softmax(), {})]),
        kinds.BatchNormalization: _read_batch_norm,
        kinds.LayerNormalization: _read_layer_norm,
        kinds.RMSNormalization: _read_rms_norm,
        kinds.Normalization: _read_normalization,
        kinds.Rescaling: lambda k, m: iter([Found(layers.Rescaling(m.scale, float(m.offset)), {})]),
        kinds.PReLU: _read_prelu,
        kinds.Dropout: lambda k, m: iter([Found(layers.Dropout(m.rate), {})]),
        kinds.Identity: lambda k, m: iter(()),
        kinds.Flatten: lambda k, m: iter(()),
        expressed_class(keras): _read_expressed,
    }


def _named(keras: Any, function: Any) -> ActivationFunction:
    """Return our activation for a function of Keras."""
    name = keras.activations.serialize(function)
    name = {"swish": "silu"}.get(name, name)
    for kind, known in ACTIVATION_NAMES.items():
        if name == known:
            made: ActivationFunction = kind()
            return made
    if name == "gelu":  # which is exact where Keras knows it by its name
        return activations.GELU()
    if name == "elu":
        return activations.ELU()
    if name == "leaky_relu":
        return activations.LeakyReLU(0.2)
    raise ValueError(f"ffnn has no activation that computes {name!r} of Keras")


def _read_dense(keras: Any, layer: Any) -> Iterator[Found]:
    weights = layer.get_weights()
    values = {"weight": weights[0].T, **({"bias": weights[1]} if layer.use_bias else {})}
    activation = _named(keras, layer.activation)
    linear = isinstance(activation, activations.Linear)
    yield Found(layers.Dense(layer.units, None if linear else activation, layer.use_bias), values)


def _read_relu(keras: Any, layer: Any) -> Iterator[Found]:
    if layer.max_value is not None or layer.threshold or layer.negative_slope:
        raise ValueError("expected no max_value, negative_slope or threshold")
    yield Found(activations.ReLU(), {})


def _read_batch_norm(keras: Any, layer: Any) -> Iterator[Found]:
    if not layer.center or not layer.scale:
        raise ValueError("expected center=True and scale=True")
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    values = dict(zip(names, layer.get_weights(), strict=True))
    yield Found(layers.BatchNorm(layer.momentum, layer.epsilon), values)


def _read_layer_norm(keras: Any, layer: Any) -> Iterator[Found]:
    if not layer.center or not layer.scale:
        raise ValueError("expected center=True and scale=True")
    values = dict(zip(("gamma", "beta"), layer.get_weights(), strict=True))
    yield Found(layers.LayerNorm(layer.epsilon), values)


def _read_prelu(keras: Any, layer: Any) -> Iterator[Found]:
    alpha = layer.get_weights()[0].reshape(-1)
    yield Found(layers.PReLU(shared=bool(layer.shared_axes)), {"alpha": alpha})


def _read_rms_norm(keras: Any, layer: Any) -> Iterator[Found]:
    yield Found(layers.RMSNorm(layer.epsilon), {"gamma": layer.get_weights()[0]})


def _read_normalization(keras: Any, layer: Any) -> Iterator[Found]:
    made = layers.Normalization()
    mean, variance = (np.ravel(np.asarray(each)) for each in (layer.mean, layer.variance))
    made.load_state({"mean": mean, "variance": variance})
    yield Found(made, {})


def _joined(found: Iterable[Found]) -> list[Found]:
    """Return layers with one `Normalization` for two, of which the first takes off a mean alone."""
    chain = list[Found]()
    for each in found:
        last: Any = chain[-1].layer if chain else None
        layer: Any = each.layer
        kind = layers.Normalization
        is_pair = isinstance(last, kind) and isinstance(layer, kind)
        if is_pair and (last.state["variance"] == 1.0).all():
            mean = last.state["mean"] + layer.state["mean"]
            made = kind()
            made.load_state({"mean": mean, "variance": layer.state["variance"]})
            chain[-1] = Found(made, {})
        else:
            chain.append(each)
    return chain


def _read_expressed(keras: Any, layer: Any) -> Iterator[Found]:
    made = rebuild(layer.described)
    if layer.kept_state:
        made.load_state({name: np.array(each) for name, each in layer.kept_state.items()})
    yield Found(made, dict(zip(layer.own, layer.get_weights(), strict=True)))
