"""Activation functions, each a layer with its own forward and hand-derived backward.

In all formulas x is the input, y the output, both (batch, units) in the model's float dtype, and L
the loss. An elementwise activation has ∂L/∂x = ∂L/∂y · f'(x); softmax mixes the units of a row and
has a full Jacobian.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ffnn.base import Layer
from ffnn.checks import check_number
from ffnn.registry import Family

if TYPE_CHECKING:
    from ffnn._types import Array


class ActivationFunction(Layer):
    """A layer without parameters whose output has the shape of its input.

    Attributes
    ----------
    output_range : tuple of float
        The least and the greatest value that y can take.
    kinks : tuple of float
        Inputs at which f' or f'' jumps, where finite differences say nothing.
    """

    output_range: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    kinks: ClassVar[tuple[float, ...]] = ()

    def backward(self, grad: Array) -> Array:
        """Return ∂L/∂x from ∂L/∂y, in the memory of `grad`."""
        raise NotImplementedError


ACTIVATIONS: Family[ActivationFunction] = Family("activation", ActivationFunction)


def sigmoid(x: Array, out: Array) -> Array:
    """Write 1 / (1 + e^-x) into `out`, without overflow, and return it.

    -x is cut off at the largest z with a finite e^z; what is cut differs from 0 by less than the
    smallest normal number.
    """
    largest = _LARGEST_EXPONENT.get(out.dtype.char)
    if largest is None:
        raise TypeError(f"sigmoid: expected an array of float32 or float64, got {out.dtype}")
    np.negative(x, out=out)
    np.minimum(out, largest, out=out)
    np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


_LARGEST_EXPONENT = {"f": 88.0, "d": 709.0}


@ACTIVATIONS.register("linear", "identity")
class Linear(ActivationFunction):
    """The identity, y = x,  y' = 1. It hands its input through."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x itself."""
        return x

    def backward(self, grad: Array) -> Array:
        """Return `grad` itself."""
        return grad


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

    output_range = (0.0, math.inf)
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


@ACTIVATIONS.register("leaky_relu")
class LeakyReLU(ActivationFunction):
    """ReLU that leaks, y = max(x, a x),  y' = 1 if x > 0 else a.

    Parameters
    ----------
    negative_slope : float, default 0.01
        The slope a for x ≤ 0, in [0, 1).

    Raises
    ------
    TypeError, ValueError
        `negative_slope` is out of its range.

    References
    ----------
    Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models",
    ICML 2013, section 2.
    """

    kinks = (0.0,)

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = check_number(
            "LeakyReLU", "negative_slope", negative_slope, low=0.0, high=1.0, high_open=True
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, a x)."""
        self._x = x
        y = np.multiply(x, self.negative_slope, out=self._like("y", x))
        return np.maximum(x, y, out=y)

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else a · grad."""
        slope = np.greater(self._x, 0.0, out=self._like("slope", self._x))
        np.maximum(slope, self.negative_slope, out=slope)
        grad *= slope
        return grad


@ACTIVATIONS.register("sigmoid")
class Sigmoid(ActivationFunction):
    """The logistic function, y = 1 / (1 + e^-x),  y' = y (1 - y).

    References
    ----------
    Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature
    1986, equation 2.
    """

    output_range = (0.0, 1.0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return 1 / (1 + e^-x)."""
        self._y = sigmoid(x, out=self._like("y", x))
        return self._y

    def backward(self, grad: Array) -> Array:
        """Return grad · y (1 - y)."""
        slope = np.subtract(1.0, self._y, out=self._like("slope", self._y))
        slope *= self._y
        grad *= slope
        return grad


@ACTIVATIONS.register("tanh")
class Tanh(ActivationFunction):
    """The hyperbolic tangent, y = tanh x,  y' = 1 - y².

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.4.
    """

    output_range = (-1.0, 1.0)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return tanh x."""
        self._y = np.tanh(x, out=self._like("y", x))
        return self._y

    def backward(self, grad: Array) -> Array:
        """Return grad · (1 - y²)."""
        slope = np.multiply(self._y, self._y, out=self._like("slope", self._y))
        np.subtract(1.0, slope, out=slope)
        grad *= slope
        return grad


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


@ACTIVATIONS.register("swish", "silu")
class Swish(ActivationFunction):
    """Swish, y = x s with s = sigmoid(x),  y' = s + y (1 - s).

    References
    ----------
    Ramachandran, Zoph, Le, "Searching for activation functions", 2017, section 4
    (with β = 1; also Hendrycks, Gimpel 2016, where it is called SiLU).
    """

    output_range = (-0.2784645427610738, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x · sigmoid(x)."""
        self._sigmoid = sigmoid(x, out=self._like("sigmoid", x))
        self._y = np.multiply(x, self._sigmoid, out=self._like("y", x))
        return self._y

    def backward(self, grad: Array) -> Array:
        """Return grad · (s + y (1 - s))."""
        slope = np.subtract(1.0, self._sigmoid, out=self._like("slope", self._y))
        slope *= self._y
        slope += self._sigmoid
        grad *= slope
        return grad


@ACTIVATIONS.register("elu")
class ELU(ActivationFunction):
    """Exponential linear unit, y = x if x > 0 else a (e^x - 1),  y' = 1 if x > 0 else y + a.

    Parameters
    ----------
    alpha : float, default 1.0
        The scale a of the negative part, above 0.

    Raises
    ------
    TypeError, ValueError
        `alpha` is not a number above 0.

    References
    ----------
    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016, equation 15.
    """

    kinks = (0.0,)

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = check_number("ELU", "alpha", alpha, low=0.0, low_open=True)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, 0) + a (e^min(x, 0) - 1)."""
        negative = np.minimum(x, 0.0, out=self._like("negative", x))
        np.expm1(negative, out=negative)
        negative *= self.alpha
        y = np.maximum(x, 0.0, out=self._like("y", x))
        y += negative
        self._x, self._negative = x, negative
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else grad · (y + a)."""
        # For x > 0 the negative part is 0, so `negative + a` has to be replaced by 1 there.
        slope = np.add(self._negative, self.alpha, out=self._like("slope", self._x))
        positive = np.greater(self._x, 0.0, out=self._buffer("positive", self._x.shape, bool))
        np.copyto(slope, 1.0, where=positive)
        grad *= slope
        return grad


@ACTIVATIONS.register("gelu")
class GELU(ActivationFunction):
    """Gaussian error linear unit in its tanh form, y = x (1 + t) / 2 with t = tanh u.

    u = c (x + 0.044715 x³),  c = √(2/π),
    y' = (1 + t) / 2 + x (1 - t²) c (1 + 3 · 0.044715 x²) / 2.

    It differs from x Φ(x) by less than 5e-4.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, section 2.
    """

    output_range = (-0.17004070474025196, math.inf)
    _C = math.sqrt(2.0 / math.pi)
    _CUBIC = 0.044715

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x (1 + tanh u) / 2."""
        self._x = x
        t = np.multiply(x, x, out=self._like("t", x))
        t *= self._CUBIC
        t += 1.0
        t *= x
        t *= self._C
        self._t = np.tanh(t, out=t)
        y = np.add(t, 1.0, out=self._like("y", x))
        y *= x
        y *= 0.5
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad · y'."""
        x, t = self._x, self._t
        # Beyond ±30 y' is exactly 0 or 1; x² must not overflow on the way.
        du = np.clip(x, -30.0, 30.0, out=self._like("du", x))
        du *= du
        du *= 3.0 * self._CUBIC
        du += 1.0
        du *= self._C
        slope = np.multiply(t, t, out=self._like("slope", x))
        np.subtract(1.0, slope, out=slope)
        slope *= du
        slope *= x
        slope += t
        slope += 1.0
        slope *= 0.5
        grad *= slope
        return grad


@ACTIVATIONS.register("softplus")
class Softplus(ActivationFunction):
    """A smooth ReLU, y = log(1 + e^x),  y' = sigmoid(x).

    It is computed as max(x, 0) + log(1 + e^-|x|), which cannot overflow.

    References
    ----------
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
    NIPS 2000, section 3.
    """

    output_range = (0.0, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return log(1 + e^x)."""
        self._x = x
        tail = np.abs(x, out=self._like("tail", x))
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        y = np.maximum(x, 0.0, out=self._like("y", x))
        y += tail
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad · sigmoid(x)."""
        grad *= sigmoid(self._x, out=self._like("slope", self._x))
        return grad


@ACTIVATIONS.register("exponential", "exp")
class Exponential(ActivationFunction):
    """The exponential function, y = e^x,  y' = y. A rate, such as that of counts, is above 0.

    References
    ----------
    McCullagh, Nelder, "Generalized linear models", 1989, section 2.2.4 (the log link).
    """

    output_range = (0.0, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return e^x, infinite where that is too large for the dtype."""
        y = self._like("y", x)
        with np.errstate(over="ignore"):
            self._y = np.exp(x, out=y)
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad · y."""
        grad *= self._y
        return grad
