"""Root mean square normalisation."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import has_huge, shrinking
from ffnn.initializers import Initializer, Ones
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("rms_norm")
class RMSNorm(Layer):
    """Divide each row by its root mean square: y = γ ∘ x̂,  x̂ = x / r,  r = √(mean(x²) + ε).

    The mean runs over the row's units. With g = ∂L/∂y ∘ γ:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂x = (g - x̂ · mean(g ∘ x̂)) / r.

    Parameters
    ----------
    epsilon : float, default 1e-8
        ε above, greater than 0; it keeps a row of zeros finite.

    Raises
    ------
    TypeError, ValueError
        `epsilon` is not a number above 0.

    References
    ----------
    Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019, equation 4; ε is ours.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import RMSNorm
    >>> layer = RMSNorm().build(2, dtype="float64")
    >>> layer.forward(np.array([[3.0, 4.0]])).round(4).tolist()
    [[0.8485, 1.1314]]
    """

    formulas = Formulas(
        forward=("r = √(mean_units(x²) + ε)", "x̂ = x / r", "y = γ ∘ x̂"),
        backward=(
            "∂L/∂γ = Σ_rows ∂L/∂y ∘ x̂",
            "∂L/∂x = (g - x̂ ∘ mean_units(g ∘ x̂)) / r with g = ∂L/∂y ∘ γ",
        ),
        where={"ε": "epsilon", "r": "r", "x̂": "x_hat"},
    )
    is_scale_invariant = True

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = check_number("RMSNorm", "epsilon", epsilon, low=0.0, low_open=True)

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of the gain γ."""
        return {"gamma": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values: γ = 1."""
        return {"gamma": Ones()}

    def allocate(self, rows: int) -> None:
        """Allocate x̂, y and r, and room for g ∘ x̂ and its mean."""
        super().allocate(rows)
        self.gamma, self.dgamma = self._params["gamma"], self._grads["gamma"]
        self.x_hat, self.y = self.buffer("x_hat", self.input_dim), self.buffer("y", self.input_dim)
        self.product = self.buffer("product", self.input_dim)
        self.r, self.mean = self.buffer("r", 1), self.buffer("mean", 1)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x / r."""
        if len(x) != self.rows:
            self.allocate(len(x))
        if has_huge(x):
            self._divide_huge(x)
        else:
            self._divide(x, self.epsilon)
        return np.multiply(self.x_hat, self.gamma, out=self.y)

    def _divide(self, x: Array, epsilon: float | Array) -> None:
        """Compute r and x̂."""
        np.multiply(x, x, out=self.x_hat)
        self.x_hat.mean(axis=1, keepdims=True, out=self.r)
        self.r += epsilon
        np.sqrt(self.r, out=self.r)
        np.divide(x, self.r, out=self.x_hat)

    def _divide_huge(self, x: Array) -> None:
        """Do the same with numbers so large that their squares overflow."""
        scale = shrinking(x, axis=1)
        epsilon = np.maximum(self.epsilon * (scale * scale), np.finfo(self.dtype).tiny)
        self._divide(x * scale, epsilon)
        self.r /= scale

    def express(self, x: Value) -> Value:
        """Return γ ∘ x / r."""
        r = ((x * x).mean() + self.epsilon).sqrt()
        gamma = self.params["gamma"]
        return (x / r * gamma).known_as("RMSNormalization", x, epsilon=self.epsilon, scale=gamma)

    def backward(self, grad: Array) -> Array:
        """Fill the gradient of γ and return ∂L/∂x."""
        np.multiply(grad, self.x_hat, out=self.product)
        self.product.sum(axis=0, out=self.dgamma)
        self.product *= self.gamma
        self.product.mean(axis=1, keepdims=True, out=self.mean)
        grad *= self.gamma
        np.multiply(self.x_hat, self.mean, out=self.product)
        grad -= self.product
        grad /= self.r
        return grad
