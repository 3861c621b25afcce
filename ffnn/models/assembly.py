"""From free layers to a chain: they are named, and get their places in one parameter vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import FloatDType
from ffnn.core.memory import ParameterVector
from ffnn.layers.base import Layer
from ffnn.layers.chain import name_layers


def take_layers(layers: Sequence[Any]) -> None:
    """Check that the layers are free, and name them by kind and number."""
    if not layers:
        raise ValueError("Sequential: expected at least one layer, got layers=[]")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: expected layers such as Dense(64), got {layer!r}")
        if layer.name:
            raise ValueError(
                f"Sequential: {layer!r} belongs to another model; make a new one, or take its "
                f"copy(), which has the same values"
            )
    if len({id(layer) for layer in layers}) < len(layers):
        raise ValueError(
            "Sequential: the same layer object appears in the list twice; make two, or take a "
            "copy() of it"
        )
    for layer, name in zip(layers, name_layers(layers), strict=True):
        layer.take_name(name)
        for stage in layer.stages():
            stage.layer.take_name(stage.layer.name or layer.name)


def free_layers(layers: Sequence[Layer]) -> None:
    """Let go of layers that were taken, for another try."""
    for layer in layers:
        layer.take_name("")


def assemble(
    layers: Sequence[Layer], dims: Sequence[int], dtype: FloatDType, entropy: Any
) -> ParameterVector:
    """Build layers for their numbers of inputs, and return the vector of their parameters.

    Layers that have values already, as a `Layer.copy` has, keep them and their states; others get
    initial ones. Whatever is refused leaves the layers as they were.
    """
    for layer, dim in zip(layers, dims, strict=True):
        layer.check_arguments()
        layer.check_numbers(dtype, layer.title)
        if layer.is_built:
            _check_fit(layer, dim, dtype)
    states = [{n: a.copy() for n, a in layer.state.items() if layer.is_built} for layer in layers]
    shapes = [layer.parameter_shapes(dim) for layer, dim in zip(layers, dims, strict=True)]
    vector = ParameterVector(shapes, dtype, [layer.title for layer in layers])
    values, grads = vector.views(vector.values), vector.views(vector.gradients)
    for index, layer in enumerate(layers):
        if not layer.is_built:
            layer.initialize(values[index], dims[index], entropy, index)
        for name, array in layer.params.items():
            values[index][name][...] = array
    # Nothing can fail from here on.
    for index, layer in enumerate(layers):
        layer.bind(dims[index], dtype, values[index], grads[index])
        if states[index]:
            layer.load_state(states[index])
    return vector


def _check_fit(layer: Layer, dim: int, dtype: FloatDType) -> None:
    """Raise ValueError if a layer with values cannot keep them for so many inputs, in a dtype."""
    layer.check_unchanged()
    if (layer.params or layer.state) and layer.input_dim != dim:
        raise ValueError(
            f"{layer.title} has values for {layer.input_dim} inputs, but gets {dim} here; put it "
            f"where it gets as many, or make a new layer"
        )
    for name, array in layer.params.items():
        with np.errstate(over="ignore"):
            if not np.isfinite(array.astype(dtype)).all():
                raise ValueError(
                    f"{layer.title}: {name} has numbers that are not finite in {dtype}"
                )
