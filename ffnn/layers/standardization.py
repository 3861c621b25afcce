"""What layer and batch normalisation share: standardising along an axis."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.sums import has_huge, mean_rows, shrinking, sum_rows
from ffnn.initializers import Initializer, Ones, Zeros
from ffnn.layers.base import Layer


def standardization(mean: str, update: tuple[str, ...] = (), **where: str) -> Formulas:
    """Return the formulas, with ``mean_units`` or ``mean_rows`` for `mean`."""
    forward = (
        f"μ = {mean}(x)",
        f"v = {mean}((x - μ)²)",
        "σ = √(v + ε)",
        "x̂ = (x - μ) / σ",
        "y = γ ∘ x̂ + β",
    )
    slope = f"∂L/∂x = (g - {mean}(g) - x̂ ∘ {mean}(g ∘ x̂)) / σ with g = ∂L/∂y ∘ γ"
    backward = ("∂L/∂γ = Σ_rows ∂L/∂y ∘ x̂", "∂L/∂β = Σ_rows ∂L/∂y", slope)
    kept = {"ε": "epsilon", "μ": "mean", "v": "variance", "σ": "std", "x̂": "x_hat"}
    return Formulas(forward, backward, update, where={**kept, **where})


class Standardization(Layer):
    """What LayerNorm and BatchNorm share: all but what μ and the variance are taken over.

    That is `axis` 1, the units of a row, or 0, the rows of the batch.
    """

    is_scale_invariant = True
    axis: ClassVar[int]
    is_cut_off = False  # whether the last variance was larger than it says

    def __init__(self, epsilon: float = 1e-3) -> None:
        self.epsilon = check_number(type(self).__name__, "epsilon", epsilon, low=0.0, low_open=True)

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shapes of the gain γ and the shift β."""
        return {"gamma": (input_dim,), "beta": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values: γ = 1, β = 0."""
        return {"gamma": Ones(), "beta": Zeros()}

    def allocate(self, rows: int) -> None:
        """Allocate x̂, y, and what is one number for each row or for each column."""
        super().allocate(rows)
        self.gamma, self.dgamma = self._params["gamma"], self._grads["gamma"]
        self.beta, self.dbeta = self._params["beta"], self._grads["beta"]
        self.x_hat, self.y, self.product = (
            self.buffer(name, self.input_dim) for name in ("x_hat", "y", "product")
        )
        shape = (rows, 1) if self.axis == 1 else (1, self.input_dim)
        self.mean, self.variance, self.std = (
            self.array(name, *shape) for name in ("mean", "variance", "std")
        )
        self.mean_g, self.mean_product = self.array("g", *shape), self.array("g x̂", *shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x̂ + β, by the statistics of x itself."""
        if len(x) != self.rows:
            self.allocate(len(x))
        self.is_cut_off = False
        if has_huge(x):
            self._standardize_huge(x)
        else:
            self._standardize(x, self.epsilon)
        return self.scale_and_shift()

    def _standardize(self, x: Array, epsilon: float | Array) -> None:
        """Compute μ, the variance, σ and x̂."""
        self.average(x, self.mean)
        np.subtract(x, self.mean, out=self.x_hat)
        np.multiply(self.x_hat, self.x_hat, out=self.product)
        self.average(self.product, self.variance)
        np.add(self.variance, epsilon, out=self.std)
        np.sqrt(self.std, out=self.std)
        self.x_hat /= self.std

    def _standardize_huge(self, x: Array) -> None:
        """Do the same with numbers so large that their squares overflow.

        The variance itself is cut off at half the largest number of the dtype, which `is_cut_off`
        tells.
        """
        limits, scale = np.finfo(self.dtype), shrinking(x, self.axis)
        self._standardize(x * scale, np.maximum(self.epsilon * (scale * scale), limits.tiny))
        with np.errstate(over="ignore"):
            self.mean /= scale
            self.std /= scale
            self.variance /= scale
            self.variance /= scale
        self.is_cut_off = bool(self.variance.max() > limits.max / 2.0)
        np.minimum(self.variance, limits.max / 2.0, out=self.variance)

    def average(self, x: Array, out: Array) -> None:
        """Write the means along `axis` into `out`."""
        if self.axis == 0:
            mean_rows(x, out)
        else:
            x.mean(axis=1, keepdims=True, out=out)

    def scale_and_shift(self) -> Array:
        """Return γ ∘ x̂ + β."""
        np.multiply(self.x_hat, self.gamma, out=self.y)
        self.y += self.beta
        return self.y

    def fill_gradients(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return g = ∂L/∂y ∘ γ."""
        np.multiply(grad, self.x_hat, out=self.product)
        sum_rows(self.product, self.dgamma)
        sum_rows(grad, self.dbeta)
        grad *= self.gamma
        return grad

    def backward(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return ∂L/∂x."""
        g = self.fill_gradients(grad)
        np.multiply(g, self.x_hat, out=self.product)
        self.average(self.product, self.mean_product)
        self.average(g, self.mean_g)
        g -= self.mean_g
        np.multiply(self.x_hat, self.mean_product, out=self.product)
        g -= self.product
        g /= self.std
        return g
