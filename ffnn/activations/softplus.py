"""Softplus, a smooth ReLU."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.activations.sigmoid import sigmoid
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("softplus")
class Softplus(ActivationFunction):
    """A smooth ReLU, y = log(1 + e^x),  y' = sigmoid(x).

    It is computed as max(x, 0) + log(1 + e^-|x|), which cannot overflow.

    References
    ----------
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
    NIPS 2000, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Softplus
    >>> y = Softplus().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[0.3133, 0.6931, 2.1269]]
    """

    formulas = Formulas(("y = log(1 + e^x)",), ("∂L/∂x = ∂L/∂y / (1 + e^-x)",))
    output_range = (0.0, math.inf)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope and log(1 + e^-|x|)."""
        super().allocate(rows)
        self.tail = self.like("tail")

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return log(1 + e^x)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        np.abs(x, out=self.tail)
        np.negative(self.tail, out=self.tail)
        np.exp(self.tail, out=self.tail)
        np.log1p(self.tail, out=self.tail)
        np.maximum(x, 0.0, out=self.y)
        self.y += self.tail
        return self.y

    def express(self, x: Value) -> Value:
        """Return max(x, 0) + log(1 + e^-|x|)."""
        return x.maximum(0.0) + ((-x.maximum(-x)).exp() + 1.0).log()

    def backward(self, grad: Array) -> Array:
        """Return grad · sigmoid(x)."""
        grad *= sigmoid(self.x, out=self.slope)
        return grad
