"""The mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss

if TYPE_CHECKING:
    from ffnn._types import Array


@LOSSES.register("mean_absolute_error", "mae")
class MeanAbsoluteError(ElementwiseLoss):
    """Mean absolute error, ℓ = |p - y|,  ∂ℓ/∂p = sign(p - y), 0 at p = y."""

    formulas = Formulas(("L = 1/(n u) Σ w ∘ |p - y|",), ("∂L/∂p = 1/(n u) w ∘ sign(p - y)",))
    kinks = (0.0,)

    def _values(self, output: Array, target: Array) -> Array:
        np.subtract(output, target, out=self.r)
        return np.abs(self.r, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.sign(self.r, out=self.r)
