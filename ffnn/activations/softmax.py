"""The softmax, which makes probabilities of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas

if TYPE_CHECKING:
    from ffnn._types import Array


@ACTIVATIONS.register("softmax")
class Softmax(ActivationFunction):
    """Probabilities out of a row of logits, y_j = e^(x_j) / Σ_k e^(x_k).

    Its Jacobian is ∂y_j/∂x_k = y_j (δ_jk - y_k), so with g = ∂L/∂y of the row

        ∂L/∂x_j = y_j (g_j - Σ_k g_k y_k).

    The row's maximum is subtracted first, which changes nothing but keeps e^x finite.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """

    formulas = Formulas(("y = e^x / Σ_units e^x",), ("∂L/∂x = y ∘ (∂L/∂y - Σ_units ∂L/∂y ∘ y)",))
    output_range = (0.0, 1.0)

    def compute_output_dim(self, input_dim: int) -> int:
        """Return `input_dim`, which must be at least 2."""
        if input_dim < 2:
            raise ValueError(
                "softmax of one unit is always 1 and learns nothing. For two classes use 2 units, "
                "or 1 unit with activation='sigmoid' and loss='binary_crossentropy'."
            )
        return input_dim

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the softmax of every row."""
        # Working memory lies column by column: along its transpose sums run over whole rows.
        y, row = self._like("y", x), self._buffer("row", x.shape[:1], x.dtype)
        x_t, y_t = x.T, y.T
        np.maximum.reduce(x_t, axis=0, out=row)
        np.subtract(x_t, row, y_t)
        np.exp(y_t, y_t)
        np.add.reduce(y_t, axis=0, out=row)
        np.divide(y_t, row, y_t)
        self._y = y
        return y

    def backward(self, grad: Array) -> Array:
        """Return y (g - Σ g y), row by row."""
        product = np.multiply(grad, self._y, out=self._like("product", self._y))
        row = self._buffer("row", (*grad.shape[:-1], 1), grad.dtype)
        grad -= np.add.reduce(product, axis=-1, keepdims=True, out=row)
        grad *= self._y
        return grad
