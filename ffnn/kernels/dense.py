"""`Dense` with ``parametrization="ntk"``, whose product is scaled and shifted in one pass."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import Dense


@loop("mvs")
def scale_and_shift(z: Array, b: Array, factor: float) -> None:
    """Write z / √inputs + b in place of z, which has a row for each unit."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = z[i, j] * factor + b[i]


class DenseTwin(LayerTwin):
    """The linear part of `Dense` with one pass less forward."""

    part: Dense
    loops: ClassVar = {"scale_and_shift": scale_and_shift}

    def run_forward(self, x: Array) -> Array:
        """Return z = x Wᵀ / √inputs + b."""
        part = self.part
        if len(x) != part.rows:
            part.allocate(len(x))
        part.x = x
        part.W.dot(x.T, part.z_t)  # zᵀ = W xᵀ
        self.scale_and_shift(part.z_t, part.b, self.number(part.weight_factor))
        return part.z

    def own_forward(self, x: Array, training: bool) -> Array:
        """Return the linear part's z."""
        return self.part.linear(x, training)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of W and b and return ∂L/∂x, from δ = ∂L/∂z."""
        return self.part.linear_backward(grad)


@twin_for(Dense)
def dense_twin(part: Dense, dtype: np.dtype[Any]) -> DenseTwin | None:
    """Return the twin of a layer that scales and shifts, which others do in one pass already."""
    return DenseTwin(part, dtype) if part.weight_factor != 1.0 and part.use_bias else None
