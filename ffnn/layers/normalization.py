"""Normalisation layers: RMSNorm, LayerNorm and BatchNorm, each through its statistics.

In all formulas x, y and x̂ are (batch, units), the gain γ and the shift β are (units,), ∘ multiplies
entry by entry, and g = ∂L/∂y ∘ γ. The statistics depend on x, so ∂L/∂x has a term for each of them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ffnn.base import LAYERS, Layer
from ffnn.checks import check_number
from ffnn.initializers import Initializer, Ones, Zeros

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class _Standardization(Layer):
    """What LayerNorm and BatchNorm share: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    They differ in what μ and the (population) variance are taken over: `axis` 1, the units of a
    row, or 0, the rows of the batch. With g = ∂L/∂y ∘ γ and means over that axis:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.
    """

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


@LAYERS.register("layer_norm")
class LayerNorm(_Standardization):
    """Standardise each row over its units: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    μ and the (population) variance are the row's. With g = ∂L/∂y ∘ γ and means over the row:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.

    Parameters
    ----------
    epsilon : float, default 1e-3
        ε above, greater than 0.

    Raises
    ------
    TypeError, ValueError
        `epsilon` is not a number above 0.

    References
    ----------
    Ba, Kiros, Hinton, "Layer normalization", 2016, equations 3 and 4.
    """

    axis = 1

    def __init__(self, epsilon: float = 1e-3) -> None:
        self.epsilon = check_number("LayerNorm", "epsilon", epsilon, low=0.0, low_open=True)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x̂ + β."""
        return self._standardize(x)


@LAYERS.register("batch_norm")
class BatchNorm(_Standardization):
    """Standardise each unit over the batch: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    In training μ and the (population) variance are the batch's. With g = ∂L/∂y ∘ γ and means over
    the batch:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.

    After each training step the moving averages follow: m ← momentum · m + (1 - momentum) · batch.
    Outside training they stand for μ and the variance, and ∂L/∂x = g / σ.

    Parameters
    ----------
    momentum : float, default 0.99
        How slowly the moving averages follow, in [0, 1).
    epsilon : float, default 1e-3
        ε above, greater than 0.

    Raises
    ------
    TypeError, ValueError
        `momentum` or `epsilon` is out of its range.

    References
    ----------
    Ioffe, Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015, algorithm 1 and the equations of section 3. Where algorithm 2 takes
    the unbiased variance n / (n - 1) for inference, this layer, as Keras does, follows the
    population variance.
    """

    axis = 0

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        self.momentum = check_number(
            "BatchNorm", "momentum", momentum, low=0.0, high=1.0, high_open=True
        )
        self.epsilon = check_number("BatchNorm", "epsilon", epsilon, low=0.0, low_open=True)

    def bind(
        self,
        input_dim: int,
        dtype: np.dtype[Any],
        values: dict[str, Array],
        grads: dict[str, Array],
    ) -> None:
        """Learn the sizes and take the arrays; the moving averages start at 0 and 1."""
        super().bind(input_dim, dtype, values, grads)
        self._moving_mean = np.zeros(input_dim, dtype)
        self._moving_variance = np.ones(input_dim, dtype)
        self._from_batch = False

    @property
    def state(self) -> Mapping[str, Array]:
        """The ``moving_mean`` and ``moving_variance``, each of shape (input_dim,)."""
        if not self.is_built:
            return MappingProxyType({})
        return MappingProxyType(
            {"moving_mean": self._moving_mean, "moving_variance": self._moving_variance}
        )

    def update_state(self) -> None:
        """Move the averages towards the last training batch."""
        self._follow(self._moving_mean, self._mean[0])
        self._follow(self._moving_variance, self._variance[0])

    def _follow(self, moving: Array, batch: Array) -> None:
        moving *= self.momentum
        moving += np.multiply(batch, 1.0 - self.momentum, out=self._like("step", moving))

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x̂ + β, by the batch's statistics in training, else by the moving ones."""
        self._from_batch = training
        if training:
            return self._standardize(x)
        self._std = np.sqrt(self._moving_variance + self.epsilon)
        x_hat = np.subtract(x, self._moving_mean, out=self._like("x_hat", x))
        x_hat /= self._std
        return self._scale_and_shift(x_hat)

    def backward(self, grad: Array) -> Array:
        """Fill the gradients of γ and β and return ∂L/∂x."""
        if self._from_batch:
            return super().backward(grad)
        g = self._parameter_gradients(grad)
        g /= self._std
        return g
