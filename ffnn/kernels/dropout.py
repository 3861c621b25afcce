"""`Dropout`, whose mask and product become one pass; NumPy draws the random numbers."""

from __future__ import annotations

from typing import ClassVar

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import Dropout


@loop("mmmss")
def mask(x: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Turn random numbers m into the mask, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            kept = one if m[i, j] >= rate else zero
            m[i, j] = kept * factor
            y[i, j] = x[i, j] * m[i, j]


@twin_for(Dropout)
class DropoutTwin(LayerTwin):
    """`Dropout` with fewer passes forward; back it is one already."""

    part: Dropout
    loops: ClassVar = {"mask": mask}

    def run_forward(self, x: Array) -> Array:
        """Return x ∘ m."""
        part = self.part
        rate = part.draw(x)
        if not rate:
            return x
        self.mask(x.T, part.m.T, part.y.T, self.number(rate), self.number(1.0 / (1.0 - rate)))
        return part.y

    def backward(self, grad: Array) -> Array:
        """Return grad ∘ m, with the mask of the last forward."""
        return self.part.backward(grad)
