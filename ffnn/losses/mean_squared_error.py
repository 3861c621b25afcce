"""The mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss

if TYPE_CHECKING:
    from ffnn._types import Array


@LOSSES.register("mean_squared_error", "mse")
class MeanSquaredError(ElementwiseLoss):
    """Mean squared error, ℓ = (p - y)²,  ∂ℓ/∂p = 2 (p - y)."""

    formulas = Formulas(("L = 1/(n u) Σ w ∘ (p - y)²",), ("∂L/∂p = 2/(n u) w ∘ (p - y)",))

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self._like("residual", output))
        return np.multiply(residual, residual, out=self._like("values", output))

    def _slopes(self, output: Array, target: Array) -> Array:
        residual = self._like("residual", output)
        residual *= 2.0
        return residual
