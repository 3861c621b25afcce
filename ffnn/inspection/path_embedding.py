"""An embedding on the way from some categories to others."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.layers import Embedding


class PathEmbedding(Embedding):
    """An `Embedding` that has values between two categories: those of a straight line.

    A category is a point of a one-hot space, H, in which y = H E is linear. So where the input
    column goes from a category a to a category b, y goes straight from one vector to the other:

        y = E_a + (x - a) / (b - a) (E_b - E_a),    ∂L/∂x = (E_b - E_a) ∂L/∂y / (b - a).

    Where a = b, y is E_a, and ∂L/∂x = 0. Without `ends` it is the embedding itself.

    Attributes
    ----------
    ends : (ndarray, ndarray) or None
        a and b for each row of the next batches, each of shape (columns, rows), as `own_x`.
    """

    ends: tuple[Array, Array] | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return vectors on the lines between those of the ends, for x between them."""
        if self.ends is None:
            return super().forward(x, training)
        self.take(x)
        start, end = self.ends
        first, last = (self.E[(codes + self.starts).astype(np.intp)] for codes in self.ends)
        way = end - start
        self.slope = (last - first) / np.where(way, way, 1.0)[:, :, None]  # (columns, rows, units)
        y = first + self.slope * (self.own_x - start)[:, :, None]
        np.copyto(self.own_y, y.transpose(0, 2, 1))
        return self.y

    def backward(self, grad: Array) -> Array | None:
        """Return ∂L/∂x along the lines; the gradients of E are left alone."""
        if self.ends is None:
            return super().backward(grad)
        own, others = self.split(grad)
        return self.join(np.einsum("cur,cru->cr", own, self.slope), others)
