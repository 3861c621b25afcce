"""`PeriodicEmbedding`, whose angles become one pass; NumPy computes cosines, sines and products."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import PeriodicEmbedding


@loop("mmmcss")
def turn(x: Array, w: Array, phase: Array, angle: Array, limit: float, circle: float) -> None:
    """Write the angles 2π (x ω - their whole part) + φ of each column and frequency."""
    for i in range(angle.shape[0]):
        for k in range(angle.shape[1]):
            for j in range(angle.shape[2]):
                turns = x[i, j] * w[i, k]
                turns = -limit if turns < -limit else turns
                turns = limit if turns > limit else turns
                turns = turns - np.rint(turns)
                angle[i, k, j] = turns * circle + phase[i, k]


@twin_for(PeriodicEmbedding)
class PeriodicTwin(LayerTwin):
    """`PeriodicEmbedding` with fewer passes forward."""

    part: PeriodicEmbedding
    loops: ClassVar = {"turn_all": turn}
    saved = 1.5

    def fits(self, x: Array) -> bool:
        """Tell whether a batch has the right dtype; its columns are copied first."""
        return x.dtype == self.dtype

    def run_forward(self, x: Array) -> Array:
        """Return x and its mixed cosines, column by column."""
        part = self.part
        part.take(x)
        phase = part.phase[:, :, 0]
        self.turn_all(part.own_x, part.w, phase, part.angle, part.high[()], part.turn[()])
        return part.mix()

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of ω, φ, M and o and return ∂L/∂x."""
        return self.part.backward(grad)
