"""`PiecewiseLinear`, whose outputs become one pass."""

from __future__ import annotations

from typing import ClassVar

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import PiecewiseLinear


@loop("mmmc")
def encode(x: Array, low: Array, slope: Array, y: Array) -> None:
    """Write x of each column, and for each bin (x - low) slope, kept between 0 and 1."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, 0, j] = x[i, j]
        for k in range(low.shape[1]):
            for j in range(x.shape[1]):
                e = (x[i, j] - low[i, k]) * slope[i, k]
                e = zero if e < zero else e
                y[i, k + 1, j] = one if e > one else e


@twin_for(PiecewiseLinear)
class PiecewiseTwin(LayerTwin):
    """`PiecewiseLinear` with fewer passes forward."""

    part: PiecewiseLinear
    loops: ClassVar = {"encode": encode}
    saved = 1.0

    def fits(self, x: Array) -> bool:
        """Tell whether a batch has the right dtype; its columns are copied first."""
        return x.dtype == self.dtype

    def run_forward(self, x: Array) -> Array:
        """Return x and e, column by column."""
        part = self.part
        part.take_rows(x)
        self.encode(part.own_x, part.low[:, :, 0], part.slope[:, :, 0], part.own_y)
        return part.y

    def backward(self, grad: Array) -> Array | None:
        """Return ∂L/∂x."""
        return self.part.backward(grad)
