"""Softplus, a smooth ReLU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.activations.sigmoid import sigmoid
from ffnn.core.formulas import Formulas

if TYPE_CHECKING:
    from ffnn._types import Array


@ACTIVATIONS.register("softplus")
class Softplus(ActivationFunction):
    """A smooth ReLU, y = log(1 + e^x),  y' = sigmoid(x).

    It is computed as max(x, 0) + log(1 + e^-|x|), which cannot overflow.

    References
    ----------
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
    NIPS 2000, section 3.
    """

    formulas = Formulas(("y = log(1 + e^x)",), ("∂L/∂x = ∂L/∂y / (1 + e^-x)",))
    output_range = (0.0, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return log(1 + e^x)."""
        self._x = x
        tail = np.abs(x, out=self._like("tail", x))
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        y = np.maximum(x, 0.0, out=self._like("y", x))
        y += tail
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad · sigmoid(x)."""
        grad *= sigmoid(self._x, out=self._like("slope", self._x))
        return grad
