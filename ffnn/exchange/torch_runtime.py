"""Layers that PyTorch has not, computed by it operation by operation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.operations import Runtime, Value, row
from ffnn.exchange.program import address
from ffnn.layers import Clamp
from ffnn.layers.base import Layer


@functools.cache
def expressed_class(torch: Any) -> Any:
    """Return the class of modules that compute what a layer's `express` says."""

    class Expressed(torch.nn.Module):  # type: ignore[misc]
        """A layer of ffnn. Its parameters have their own names; training changes them."""

        def __init__(self, layer: Layer) -> None:
            super().__init__()
            self.layer = layer.replica()
            self.result = layer.express(row(layer.input_dim or 1, layer.dtype))
            self.runtime = _TorchRuntime(torch, self, layer)
            for name, array in layer.params.items():
                tensor = torch.nn.Parameter(torch.tensor(np.array(array)))
                self.register_parameter(own_name(name), tensor)

        def values(self) -> dict[str, Array]:
            """Return the parameters by the names that they have in the layer."""
            return {
                name: getattr(self, own_name(name)).detach().cpu().numpy()
                for name in self.layer.params
            }

        def needs_gradient(self, name: str) -> bool:
            """Tell whether training changes the parameter of a name in the layer."""
            return bool(self.get_parameter(own_name(name)).requires_grad)

        def extra_repr(self) -> str:
            return repr(self.layer)

        def forward(self, x: Any) -> Any:
            if self.training and isinstance(self.layer, Clamp):
                return x
            return self.runtime.compute(self.result, x)

    return Expressed


def own_name(name: str) -> str:
    """Return the name of a parameter in a module, which may have no dots."""
    return name.replace(".", "_")


class _TorchRuntime(Runtime):
    """Operations of PyTorch, in which parameters are those of a module."""

    def __init__(self, torch: Any, module: Any, layer: Layer) -> None:
        self.torch, self.module = torch, module
        self.names = {address(array): own_name(name) for name, array in layer.params.items()}

    def numbers(self, array: Array) -> Any:
        """Return constants, which may be a parameter."""
        name = self.names.get(address(array))
        if name is None:
            return self.torch.tensor(np.array(array))
        return getattr(self.module, name).reshape(array.shape)

    def entrywise(self, operation: str, *inputs: Any) -> Any:
        return getattr(self.torch, operation)(*inputs)

    def constant(self, value: Value) -> Any:
        return self.numbers(value.numbers)[None]

    def cast(self, value: Value, x: Any) -> Any:
        return x.to(getattr(self.torch, value.dtype.name))

    def join(self, value: Value, *inputs: Any) -> Any:
        return self.torch.cat(inputs, dim=1)

    def sum(self, value: Value, x: Any) -> Any:
        return x.sum(dim=1, keepdim=True)

    def largest(self, value: Value, x: Any) -> Any:
        return x.max(dim=1, keepdim=True).values

    def take(self, value: Value, x: Any) -> Any:
        return x[:, self.numbers(value.numbers)]

    def lookup(self, value: Value, x: Any) -> Any:
        return self.numbers(value.numbers)[x.long()].reshape(len(x), value.width)

    def linear(self, value: Value, x: Any) -> Any:
        weight = self.numbers(value.numbers)
        groups = x.reshape(len(x), -1, 1, weight.shape[-1])
        return (groups @ weight.transpose(-1, -2)).reshape(len(x), value.width)
