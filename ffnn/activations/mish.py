"""Mish."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("mish")
class Mish(ActivationFunction):
    """Mish, y = x t with t = tanh(log(1 + e^x)),  y' = t + x (1 - t²) / (1 + e^-x).

    With n = e^x and d = n (n + 2) + 2 the same is t = n (n + 2) / d and
    y' = t + 4 x n (n + 1) / d², which takes one exponential and nowhere cancels.

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, equations 2
    and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Mish
    >>> y = Mish().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.3034, 0.0, 1.944]]
    """

    formulas = Formulas(
        forward=("t = tanh(log(1 + e^x))", "y = x ∘ t"),
        backward=("∂L/∂x = ∂L/∂y ∘ (t + x ∘ (1 - t²) / (1 + e^-x))",),
        where={"t": "t"},
    )
    output_range = (-0.30884341301725115, math.inf)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, t, and the clipped x, n and d."""
        super().allocate(rows)
        self.t, self.clipped = self.like("t"), self.like("clipped")
        self.n, self.d = self.like("n"), self.like("d")
        self.low, self.high = self.scalar(-1000.0), self.scalar(25.0)
        self.two = self.scalar(2.0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x tanh(log(1 + e^x))."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        x.clip(self.low, self.high, self.clipped)  # beyond, t and y' are exactly 0 or 1
        np.exp(self.clipped, out=self.n)
        np.add(self.n, self.two, out=self.t)
        self.t *= self.n
        np.add(self.t, self.two, out=self.d)
        self.t /= self.d
        return np.multiply(x, self.t, out=self.y)

    def express(self, x: Value) -> Value:
        """Return x t with t = n (n + 2) / (n (n + 2) + 2) and n = e^x."""
        n = x.minimum(25.0).exp()
        t = n * (n + 2.0)
        return x * (t / (t + 2.0))

    def backward(self, grad: Array) -> Array:
        """Return grad · y'."""
        np.add(self.n, 1.0, out=self.slope)
        self.slope *= self.n
        self.slope /= self.d
        self.slope /= self.d
        self.slope *= self.clipped
        self.slope *= 4.0
        self.slope += self.t
        grad *= self.slope
        return grad
