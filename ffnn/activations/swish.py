"""Swish, also called SiLU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.activations.sigmoid import sigmoid
from ffnn.core.formulas import Formulas

if TYPE_CHECKING:
    from ffnn._types import Array


@ACTIVATIONS.register("swish", "silu")
class Swish(ActivationFunction):
    """Swish, y = x s with s = sigmoid(x),  y' = s + y (1 - s).

    References
    ----------
    Ramachandran, Zoph, Le, "Searching for activation functions", 2017, section 4
    (with β = 1; also Hendrycks, Gimpel 2016, where it is called SiLU).
    """

    formulas = Formulas(
        forward=("s = 1 / (1 + e^-x)", "y = x ∘ s"),
        backward=("∂L/∂x = ∂L/∂y ∘ (s + y ∘ (1 - s))",),
        where={"s": "_sigmoid"},
    )
    output_range = (-0.2784645427610738, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x · sigmoid(x)."""
        self._sigmoid = sigmoid(x, out=self._like("sigmoid", x))
        self._y = np.multiply(x, self._sigmoid, out=self._like("y", x))
        return self._y

    def backward(self, grad: Array) -> Array:
        """Return grad · (s + y (1 - s))."""
        slope = np.subtract(1.0, self._sigmoid, out=self._like("slope", self._y))
        slope *= self._y
        slope += self._sigmoid
        grad *= slope
        return grad
