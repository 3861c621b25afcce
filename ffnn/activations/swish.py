"""Swish, also called SiLU."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.activations.sigmoid import Sigmoid, sigmoid
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("swish", "silu")
class Swish(ActivationFunction):
    """Swish, y = x s with s = sigmoid(x),  y' = s + y (1 - s).

    References
    ----------
    Ramachandran, Zoph, Le, "Searching for activation functions", 2017, section 4
    (with β = 1; also Hendrycks, Gimpel 2016, where it is called SiLU).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Swish
    >>> y = Swish().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.2689, 0.0, 1.7616]]
    """

    formulas = Formulas(
        forward=("s = 1 / (1 + e^-x)", "y = x ∘ s"),
        backward=("∂L/∂x = ∂L/∂y ∘ (s + y ∘ (1 - s))",),
        where={"s": "s"},
    )
    output_range = (-0.2784645427610738, math.inf)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope and s."""
        super().allocate(rows)
        self.s, self.lowest = self.like("s"), self.scalar(-1000.0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x · sigmoid(x)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        sigmoid(x, out=self.s)
        np.maximum(
            x, self.lowest, out=self.y
        )  # below, s is tiny but not 0, which x must not make up
        return np.multiply(self.y, self.s, self.y)

    def express(self, x: Value) -> Value:
        """Return x · sigmoid(x)."""
        return (x.maximum(-1000.0) * Sigmoid().express(x)).known_as("Swish", x)

    def backward(self, grad: Array) -> Array:
        """Return grad · (s + y (1 - s))."""
        np.subtract(1.0, self.s, out=self.slope)
        self.slope *= self.y
        self.slope += self.s
        grad *= self.slope
        return grad
