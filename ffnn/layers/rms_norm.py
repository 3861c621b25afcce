"""Root mean square normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.initializers import Initializer, Ones
from ffnn.layers.base import LAYERS, Layer

if TYPE_CHECKING:
    from ffnn._types import Array, Shape


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
    """

    formulas = Formulas(
        forward=("r = √(mean_units(x²) + ε)", "x̂ = x / r", "y = γ ∘ x̂"),
        backward=(
            "∂L/∂γ = Σ_rows ∂L/∂y ∘ x̂",
            "∂L/∂x = (g - x̂ ∘ mean_units(g ∘ x̂)) / r with g = ∂L/∂y ∘ γ",
        ),
        where={"ε": "epsilon", "r": "_rms", "x̂": "_x_hat"},
    )
    is_scale_invariant = True

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = check_number("RMSNorm", "epsilon", epsilon, low=0.0, low_open=True)

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of the gain γ."""
        return {"gamma": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the first values: γ = 1."""
        return {"gamma": Ones()}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x / r."""
        x_hat = np.multiply(x, x, out=self._like("x_hat", x))
        rms = self._buffer("rms", (x.shape[0], 1), x.dtype)
        np.mean(x_hat, axis=1, keepdims=True, out=rms)
        rms += self.epsilon
        np.sqrt(rms, out=rms)
        np.divide(x, rms, out=x_hat)
        self._x_hat, self._rms = x_hat, rms
        return np.multiply(x_hat, self._params["gamma"], out=self._like("y", x))

    def backward(self, grad: Array) -> Array:
        """Fill the gradient of γ and return ∂L/∂x."""
        x_hat = self._x_hat
        product = np.multiply(grad, x_hat, out=self._like("product", x_hat))
        np.add.reduce(product, axis=0, out=self._grads["gamma"])
        product *= self._params["gamma"]
        mean = self._buffer("mean", self._rms.shape, grad.dtype)
        np.mean(product, axis=1, keepdims=True, out=mean)
        grad *= self._params["gamma"]
        grad -= np.multiply(x_hat, mean, out=product)
        grad /= self._rms
        return grad
