"""`Dense` with ``parametrization="ntk"``, whose product is scaled and shifted in one pass."""

from __future__ import annotations

from typing import ClassVar

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


@twin_for(Dense)
class DenseTwin(LayerTwin):
    """The linear part of `Dense` with one pass less forward."""

    part: Dense
    loops: ClassVar = {"scale_and_shift": scale_and_shift}
    saved = 0.3

    @classmethod
    def suits(cls, part: Dense) -> bool:
        """Tell whether a layer scales and shifts; others do one of them, which is one pass."""
        return part.weight_factor != 1.0 and part.use_bias

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
