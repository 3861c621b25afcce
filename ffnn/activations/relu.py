"""The rectified linear unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas

if TYPE_CHECKING:
    from ffnn._types import Array


class _ReLUBatch(NamedTuple):
    """A batch and its working memory; it serves as long as `x` is the same array."""

    x: Array
    y: Array
    slope: Array
    zero: Array  # 0 in the batch's dtype, which needs no conversion at each call


@ACTIVATIONS.register("relu")
class ReLU(ActivationFunction):
    """Rectified linear unit, y = max(x, 0),  y' = 1 if x > 0 else 0.

    References
    ----------
    Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    formulas = Formulas(("y = max(x, 0)",), ("∂L/∂x = ∂L/∂y ∘ [x > 0]",))
    output_range = (0.0, math.inf)
    can_die = True
    kinks = (0.0,)
    _batch: _ReLUBatch | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, 0)."""
        batch = self._batch
        if batch is None or batch.x is not x:
            y, slope = self._like("y", x), self._like("slope", x)
            batch = self._batch = _ReLUBatch(x, y, slope, np.zeros((), x.dtype))
        return np.maximum(x, batch.zero, out=batch.y)

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else 0."""
        if self._batch is None:
            raise RuntimeError("ReLU: call forward before backward")
        _, y, slope, zero = self._batch
        np.greater(y, zero, slope)
        return np.multiply(grad, slope, grad)
