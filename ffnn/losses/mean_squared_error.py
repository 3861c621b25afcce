"""The mean squared error."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss


@LOSSES.register("mean_squared_error", "mse")
class MeanSquaredError(ElementwiseLoss):
    """Mean squared error, ℓ = (p - y)²,  ∂ℓ/∂p = 2 (p - y).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import MeanSquaredError
    >>> loss = MeanSquaredError()
    >>> round(loss.forward(np.array([[1.0], [3.0]]), np.array([[1.5], [1.0]])), 4)
    2.125
    >>> loss.backward().round(4).tolist()
    [[-0.5], [2.0]]
    """

    formulas = Formulas(("L = 1/(n u) Σ w ∘ (p - y)²",), ("∂L/∂p = 2/(n u) w ∘ (p - y)",))

    def _values(self, output: Array, target: Array) -> Array:
        np.subtract(output, target, out=self.slopes)
        return np.multiply(self.slopes, self.slopes, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        self.slopes *= 2.0
        return self.slopes
