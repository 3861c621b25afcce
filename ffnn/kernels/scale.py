"""`Scale`, whose gradients become one pass; NumPy sums over the rows."""

from __future__ import annotations

from typing import ClassVar

from ffnn._types import Array
from ffnn.core.sums import sum_rows
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import Scale


@loop("mvmm")
def scale_back(x: Array, gamma: Array, grad: Array, product: Array) -> None:
    """Write the summands ∂L/∂y ∘ x of ∂L/∂γ, and ∂L/∂x in place of ∂L/∂y."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            product[i, j] = grad[i, j] * x[i, j]
            grad[i, j] = grad[i, j] * gamma[i]


@twin_for(Scale)
class ScaleTwin(LayerTwin):
    """`Scale` with fewer passes back; forward it is one already."""

    part: Scale
    loops: ClassVar = {"scale_back": scale_back}
    saved = 0.5

    def run_forward(self, x: Array) -> Array:
        """Return γ ∘ x."""
        return self.part.forward(x, True)

    def run_backward(self, grad: Array) -> Array | None:
        """Fill the gradient of γ and return ∂L/∂x."""
        part = self.part
        self.scale_back(part.x.T, part.gamma, grad.T, part.product.T)
        sum_rows(part.product, part.dgamma)
        return grad if part.needs_input_grad else None
