"""Layers that Keras has not, computed by it operation by operation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.core.descriptions import describe, rebuild
from ffnn.core.operations import Runtime, Value, row
from ffnn.core.registry import family_of
from ffnn.exchange.program import address
from ffnn.layers import Clamp
from ffnn.layers.base import Layer


def expressed(keras: Any, layer: Layer, dtype: str) -> tuple[Any, list[Array]]:
    """Return a layer of Keras that computes what a layer's `express` says, and its weights.

    A class of the user's enters Keras's custom objects, by which its layers are found again.
    """
    layer.express(row(layer.input_dim or 1, dtype))  # an activation inside a layer has no width
    if not family_of(layer).is_registered(type(layer)):
        keras.saving.get_custom_objects()[type(layer).__name__] = type(layer)
    state = {name: array.tolist() for name, array in layer.state.items()}
    made = expressed_class(keras)(describe(layer), state, dtype=dtype)
    return made, list(layer.params.values())


@functools.cache
def expressed_class(keras: Any) -> Any:
    """Return the class of such layers, which Keras can save and load."""

    @keras.saving.register_keras_serializable(package="ffnn")
    class Expressed(keras.layers.Layer):  # type: ignore[misc]
        """A layer of ffnn, as it is described in model files, with its state."""

        def __init__(self, described: Any, state: Any, **options: Any) -> None:
            super().__init__(**options)
            self.described, self.kept_state = described, state

        def get_config(self) -> dict[str, Any]:
            own = {"described": self.described, "state": self.kept_state}
            return {**super().get_config(), **own}

        def build(self, shape: Any) -> None:
            layer = rebuild(self.described, keras.saving.get_custom_objects())
            if not isinstance(layer, ActivationFunction):
                layer.build(shape[-1], dtype=self.compute_dtype)
            if self.kept_state:
                layer.load_state({n: np.array(v) for n, v in self.kept_state.items()})
            self.own = {
                name: self.add_weight(
                    shape=array.shape, name=name.replace(".", "_"), dtype=self.compute_dtype
                )
                for name, array in layer.params.items()
            }
            self.inner, self.runtime = layer, _KerasRuntime(keras, self.own, layer)
            self.result = layer.express(row(shape[-1], self.compute_dtype))

        def compute_output_shape(self, shape: Any) -> Any:
            layer = rebuild(self.described, keras.saving.get_custom_objects())
            return (shape[0], layer.compute_output_dim(shape[-1]))

        def call(self, x: Any, training: bool = False) -> Any:
            if training and isinstance(self.inner, Clamp):
                return x
            return self.runtime.compute(self.result, x)

    return Expressed


class _KerasRuntime(Runtime):
    """Operations of Keras, in which parameters are the weights of a layer."""

    def __init__(self, keras: Any, weights: dict[str, Any], layer: Layer) -> None:
        self.ops = keras.ops
        self.weights = {address(array): weights[name] for name, array in layer.params.items()}

    def numbers(self, array: Array) -> Any:
        """Return constants, which may be a weight."""
        weight = self.weights.get(address(array))
        if weight is None:
            return self.ops.convert_to_tensor(np.array(array))
        return self.ops.reshape(weight, array.shape)

    def entrywise(self, operation: str, *inputs: Any) -> Any:
        return getattr(self.ops, operation)(*inputs)

    def constant(self, value: Value) -> Any:
        return self.numbers(value.numbers)[None]

    def cast(self, value: Value, x: Any) -> Any:
        return self.ops.cast(x, value.dtype.name)

    def join(self, value: Value, *inputs: Any) -> Any:
        return self.ops.concatenate(inputs, axis=1)

    def sum(self, value: Value, x: Any) -> Any:
        return self.ops.sum(x, axis=1, keepdims=True)

    def largest(self, value: Value, x: Any) -> Any:
        return self.ops.max(x, axis=1, keepdims=True)

    def take(self, value: Value, x: Any) -> Any:
        return self.ops.take(x, self.numbers(value.numbers), axis=1)

    def lookup(self, value: Value, x: Any) -> Any:
        rows = self.ops.take(self.numbers(value.numbers), self.ops.cast(x, "int32"), axis=0)
        return self.ops.reshape(rows, (-1, value.width))

    def linear(self, value: Value, x: Any) -> Any:
        weight = self.numbers(value.numbers)
        if value.numbers.ndim == 2:
            return self.ops.matmul(x, self.ops.transpose(weight))
        count, _, columns = value.numbers.shape
        groups = self.ops.reshape(x, (-1, count, 1, columns))
        made = self.ops.matmul(groups, self.ops.transpose(weight, (0, 2, 1)))
        return self.ops.reshape(made, (-1, value.width))
