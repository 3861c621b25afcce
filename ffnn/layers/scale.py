"""A learned factor for each column."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import sum_rows
from ffnn.initializers import Initializer, Ones
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("scale")
class Scale(Layer):
    """Multiply each column by a learned factor: y = γ ∘ x.

    x and y are (batch, columns), γ is (columns,) and begins at 1:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x,    ∂L/∂x = ∂L/∂y ∘ γ.

    In front of the first `Dense` it learns how much each input counts; a larger learning rate for
    it, ``learning_rate_factors={"gamma": 6.0}`` of the optimizer, lets it do so quickly.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, section 3 (the scaling layer).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Scale
    >>> layer = Scale().build(2, dtype="float64")
    >>> layer.forward(np.array([[3.0, 4.0]])).round(4).tolist()
    [[3.0, 4.0]]
    """

    formulas = Formulas(
        forward=("y = γ ∘ x",), backward=("∂L/∂γ = Σ_rows ∂L/∂y ∘ x", "∂L/∂x = ∂L/∂y ∘ γ")
    )
    is_affine = True

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of the factors γ."""
        return {"gamma": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values: γ = 1."""
        return {"gamma": Ones()}

    def allocate(self, rows: int) -> None:
        """Allocate y, and room for ∂L/∂y ∘ x."""
        super().allocate(rows)
        self.gamma, self.dgamma = self._params["gamma"], self._grads["gamma"]
        self.y = self.buffer("y", self.input_dim)
        self.product = self.buffer("product", self.input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x."""
        if len(x) != self.rows:
            self.allocate(len(x))
        self.x = x
        return np.multiply(x, self.gamma, out=self.y)

    def express(self, x: Value) -> Value:
        """Return γ ∘ x."""
        return x * self.params["gamma"]

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradient of γ and return ∂L/∂x."""
        np.multiply(grad, self.x, out=self.product)
        sum_rows(self.product, self.dgamma)
        if not self.needs_input_grad:
            return None
        grad *= self.gamma
        return grad
