"""What layer and batch normalisation share: standardising along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ffnn.initializers import Initializer, Ones, Zeros
from ffnn.layers.base import Layer

if TYPE_CHECKING:
    from ffnn._types import Array, Shape


# Symbol → attribute in the formulas of both.
WHERE = {"ε": "epsilon", "μ": "_mean", "v": "_variance", "σ": "_std", "x̂": "_x_hat"}


def standardization(mean: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the formulas of both passes, with ``mean_units`` or ``mean_rows`` for `mean`."""
    forward = (
        f"μ = {mean}(x)",
        f"v = {mean}((x - μ)²)",
        "σ = √(v + ε)",
        "x̂ = (x - μ) / σ",
        "y = γ ∘ x̂ + β",
    )
    slope = f"∂L/∂x = (g - {mean}(g) - x̂ ∘ {mean}(g ∘ x̂)) / σ with g = ∂L/∂y ∘ γ"
    return forward, ("∂L/∂γ = Σ_rows ∂L/∂y ∘ x̂", "∂L/∂β = Σ_rows ∂L/∂y", slope)


class Standardization(Layer):
    """What LayerNorm and BatchNorm share: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    They differ in what μ and the (population) variance are taken over: `axis` 1, the units of a
    row, or 0, the rows of the batch. With g = ∂L/∂y ∘ γ and means over that axis:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.
    """

    is_scale_invariant = True
    axis: ClassVar[int]
    epsilon: float

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shapes of the gain γ and the shift β."""
        return {"gamma": (input_dim,), "beta": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the first values: γ = 1, β = 0."""
        return {"gamma": Ones(), "beta": Zeros()}

    def _standardize(self, x: Array) -> Array:
        """Compute μ, σ and x̂ from the data and return y."""
        shape = (x.shape[0], 1) if self.axis == 1 else (1, x.shape[1])
        mean = self._buffer("mean", shape, x.dtype)
        variance = self._buffer("variance", shape, x.dtype)
        square = self._like("square", x)
        np.mean(x, axis=self.axis, keepdims=True, out=mean)
        x_hat = np.subtract(x, mean, out=self._like("x_hat", x))
        np.multiply(x_hat, x_hat, out=square)
        np.mean(square, axis=self.axis, keepdims=True, out=variance)
        std = np.add(variance, self.epsilon, out=self._buffer("std", shape, x.dtype))
        np.sqrt(std, out=std)
        x_hat /= std
        self._mean, self._variance, self._std = mean, variance, std
        return self._scale_and_shift(x_hat)

    def _scale_and_shift(self, x_hat: Array) -> Array:
        """Return γ ∘ x̂ + β."""
        self._x_hat = x_hat
        y = np.multiply(x_hat, self._params["gamma"], out=self._like("y", x_hat))
        y += self._params["beta"]
        return y

    def _parameter_gradients(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return g = ∂L/∂y ∘ γ."""
        product = np.multiply(grad, self._x_hat, out=self._like("product", grad))
        np.add.reduce(product, axis=0, out=self._grads["gamma"])
        np.add.reduce(grad, axis=0, out=self._grads["beta"])
        grad *= self._params["gamma"]
        return grad

    def backward(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return ∂L/∂x."""
        g = self._parameter_gradients(grad)
        product = np.multiply(g, self._x_hat, out=self._like("product", g))
        mean_product = self._buffer("mean_product", self._std.shape, g.dtype)
        mean_g = self._buffer("mean_g", self._std.shape, g.dtype)
        np.mean(product, axis=self.axis, keepdims=True, out=mean_product)
        np.mean(g, axis=self.axis, keepdims=True, out=mean_g)
        g -= mean_g
        g -= np.multiply(self._x_hat, mean_product, out=product)
        g /= self._std
        return g
