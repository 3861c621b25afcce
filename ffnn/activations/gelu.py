"""The Gaussian error linear unit."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("gelu")
class GELU(ActivationFunction):
    """Gaussian error linear unit in its tanh form, y = x (1 + t) / 2 with t = tanh u.

    u = c (x + 0.044715 x³),  c = √(2/π),
    y' = (1 + t) / 2 + x (1 - t²) c (1 + 3 · 0.044715 x²) / 2.

    It differs from x Φ(x) by less than 5e-4.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, section 2.
    """

    formulas = Formulas(
        forward=("t = tanh(√(2/π) (x + 0.044715 x³))", "y = x ∘ (1 + t) / 2"),
        backward=("∂L/∂x = ∂L/∂y ∘ ((1 + t) / 2 + x ∘ (1 - t²) ∘ √(2/π) (1 + 0.134145 x²) / 2)",),
        where={"t": "t"},
    )
    output_range = (-0.17004070474025196, math.inf)
    _C = math.sqrt(2.0 / math.pi)
    _CUBIC = 0.044715

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, t and ∂u/∂x."""
        super().allocate(rows)
        self.t, self.du = self.like("t"), self.like("du")

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x (1 + tanh u) / 2."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        # x² may overflow: then t is ±1, which is right. A training ignores that by itself.
        if training:
            self._compute(x)
        else:
            with np.errstate(over="ignore"):
                self._compute(x)
        return self.y

    def _compute(self, x: Array) -> None:
        """Compute t and y."""
        np.multiply(x, x, out=self.t)
        self.t *= self._CUBIC
        self.t += 1.0
        self.t *= x
        self.t *= self._C
        np.tanh(self.t, out=self.t)
        np.add(self.t, 1.0, out=self.y)
        self.y *= 0.5  # first, as 2 x may overflow
        self.y *= x

    def express(self, x: Value) -> Value:
        """Return x (1 + tanh u) / 2."""
        t = ((x * x * self._CUBIC + 1.0) * x * self._C).tanh()
        return (x * 0.5 * (t + 1.0)).known_as("Gelu", x, approximate="tanh")

    def backward(self, grad: Array) -> Array:
        """Return grad · y'."""
        # Beyond ±30 y' is exactly 0 or 1; x² must not overflow on the way.
        np.clip(self.x, -30.0, 30.0, out=self.du)
        self.du *= self.du
        self.du *= 3.0 * self._CUBIC
        self.du += 1.0
        self.du *= self._C
        np.multiply(self.t, self.t, out=self.slope)
        np.subtract(1.0, self.slope, out=self.slope)
        self.slope *= self.du
        self.slope *= self.x
        self.slope += self.t
        self.slope += 1.0
        self.slope *= 0.5
        grad *= self.slope
        return grad
