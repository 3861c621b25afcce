"""The mean absolute error."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss


@LOSSES.register("mean_absolute_error", "mae")
class MeanAbsoluteError(ElementwiseLoss):
    """Mean absolute error, ℓ = |p - y|,  ∂ℓ/∂p = sign(p - y), 0 at p = y.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import MeanAbsoluteError
    >>> loss = MeanAbsoluteError()
    >>> round(loss.forward(np.array([[1.0], [3.0]]), np.array([[1.5], [1.0]])), 4)
    1.25
    >>> loss.backward().round(4).tolist()
    [[-0.5], [0.5]]
    """

    formulas = Formulas(("L = 1/(n u) Σ w ∘ |p - y|",), ("∂L/∂p = 1/(n u) w ∘ sign(p - y)",))
    kinks = (0.0,)

    def _values(self, output: Array, target: Array) -> Array:
        np.subtract(output, target, out=self.slopes)
        return np.abs(self.slopes, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.sign(self.slopes, out=self.slopes)
