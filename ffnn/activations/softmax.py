"""The softmax, which turns logits into probabilities."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("softmax")
class Softmax(ActivationFunction):
    """Probabilities from a row of logits, y_j = e^(x_j) / Σ_k e^(x_k).

    Its Jacobian is ∂y_j/∂x_k = y_j (δ_jk - y_k), so with g = ∂L/∂y of the row

        ∂L/∂x_j = y_j (g_j - Σ_k g_k y_k).

    The row's maximum is subtracted first, which leaves y the same and keeps e^x finite.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Softmax
    >>> y = Softmax().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[0.042, 0.1142, 0.8438]]
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

    def allocate(self, rows: int) -> None:
        """Allocate y, and room for sums over its rows."""
        super().allocate(rows)
        self.y_t, self.row = self.y.T, self.buffer("row")
        self.product, self.column = self.slope, self.row[:, None]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the softmax of every row."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        # Working memory lies column by column: along its transpose sums run over whole rows.
        x_t = x.T
        x_t.max(axis=0, out=self.row)
        np.subtract(x_t, self.row, self.y_t)
        np.exp(self.y_t, self.y_t)
        self.y_t.sum(axis=0, out=self.row)
        np.divide(self.y_t, self.row, self.y_t)
        return self.y

    def express(self, x: Value) -> Value:
        """Return the softmax of the row."""
        powers = (x - x.largest()).exp()
        return (powers / powers.sum()).known_as("Softmax", x)

    def backward(self, grad: Array) -> Array:
        """Return y (g - Σ g y), row by row."""
        np.multiply(grad, self.y, out=self.product)
        self.product.sum(axis=1, out=self.row)
        grad -= self.column
        grad *= self.y
        return grad
