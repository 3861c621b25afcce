"""The rectified linear unit."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("relu")
class ReLU(ActivationFunction):
    """Rectified linear unit, y = max(x, 0),  y' = 1 if x > 0 else 0.

    References
    ----------
    Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import ReLU
    >>> y = ReLU().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[0.0, 0.0, 2.0]]
    """

    formulas = Formulas(("y = max(x, 0)",), ("∂L/∂x = ∂L/∂y ∘ [x > 0]",))
    output_range = (0.0, math.inf)
    can_die = True
    kinks = (0.0,)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, where it is 1, and zeros: NumPy compares two arrays fastest."""
        super().allocate(rows)
        self.positive, self.zeros = self.like("positive", bool), self.like("zeros")
        self.zeros.fill(0.0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, 0)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        return np.maximum(x, self.zeros, out=self.y)

    def express(self, x: Value) -> Value:
        """Return max(x, 0)."""
        return x.maximum(0.0).known_as("Relu", x)

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else 0."""
        np.greater(self.y, self.zeros, self.positive)  # y > 0 where x > 0
        self.slope[...] = self.positive
        return np.multiply(grad, self.slope, grad)
