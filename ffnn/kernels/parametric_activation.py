"""`ParametricActivation`, whose formulas and those of its activation become one pass each way.

NumPy computes the exponential of the activation, and the sum over the rows for ∂L/∂α.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.activations import SELU, Mish
from ffnn.core.sums import sum_rows
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import ParametricActivation


@loop("mmvmss")
def selu_forward(x: Array, e: Array, alpha: Array, y: Array, s: float, s_a: float) -> None:
    """Write y = α h + (1 - α) x, with h = s max(x, 0) + s a e and e = e^min(x, 0) - 1."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(x.shape[0]):
        share, rest = alpha[i], one - alpha[i]
        for j in range(x.shape[1]):
            high = zero if x[i, j] < zero else x[i, j]
            h = high * s + e[i, j] * s_a
            y[i, j] = h * share + x[i, j] * rest


@loop("mmmvmmsss")
def selu_backward(
    x: Array,
    e: Array,
    power: Array,
    alpha: Array,
    grad: Array,
    product: Array,
    s: float,
    s_a: float,
    s_minus: float,
) -> None:
    """Write the summands of ∂L/∂α, and ∂L/∂x in place of ∂L/∂y; `power` is e^min(x, 0)."""
    zero, one = grad.dtype.type(0), grad.dtype.type(1)
    for i in range(x.shape[0]):
        share, rest = alpha[i], one - alpha[i]
        for j in range(x.shape[1]):
            high = zero if x[i, j] < zero else x[i, j]
            h = high * s + e[i, j] * s_a
            product[i, j] = (h - x[i, j]) * grad[i, j]
            positive = one if x[i, j] > zero else zero
            slope = power[i, j] * s_a + positive * s_minus
            grad[i, j] = grad[i, j] * rest + grad[i, j] * share * slope


@loop("mmvm")
def mish_forward(x: Array, n: Array, alpha: Array, y: Array) -> None:
    """Write y = α h + (1 - α) x, with h = x t, t = n (n + 2) / (n (n + 2) + 2) and n = e^x."""
    one, two = y.dtype.type(1), y.dtype.type(2)
    for i in range(x.shape[0]):
        share, rest = alpha[i], one - alpha[i]
        for j in range(x.shape[1]):
            t = (n[i, j] + two) * n[i, j]
            h = x[i, j] * (t / (t + two))
            y[i, j] = h * share + x[i, j] * rest


@loop("mmmvmm")
def mish_backward(
    x: Array, clipped: Array, n: Array, alpha: Array, grad: Array, product: Array
) -> None:
    """Write the summands of ∂L/∂α, and ∂L/∂x in place of ∂L/∂y."""
    one, two, four = grad.dtype.type(1), grad.dtype.type(2), grad.dtype.type(4)
    for i in range(x.shape[0]):
        share, rest = alpha[i], one - alpha[i]
        for j in range(x.shape[1]):
            t = (n[i, j] + two) * n[i, j]
            d = t + two
            t = t / d
            product[i, j] = (x[i, j] * t - x[i, j]) * grad[i, j]
            slope = (n[i, j] + one) * n[i, j] / d / d * clipped[i, j] * four + t
            grad[i, j] = grad[i, j] * rest + grad[i, j] * share * slope


class ParametricTwin(LayerTwin):
    """What twins of `ParametricActivation` share."""

    part: ParametricActivation
    activation: ClassVar[type]
    saved = 4.0

    @classmethod
    def suits(cls, part: ParametricActivation) -> bool:
        """Tell whether a layer has the activation of this twin."""
        return type(part.activation) is cls.activation

    @property
    def f(self) -> Any:
        """The activation, of the class that the twin is for."""
        return self.part.activation

    def keep(self, x: Array) -> None:
        """Have all arrays for a batch, and keep it."""
        part, f = self.part, self.f
        if len(x) != part.rows:
            part.allocate(len(x))
        if x.shape != f.shape or x.dtype != f.dtype:
            f.allocate_for(x)
        part.x = x

    def finish(self, grad: Array) -> Array | None:
        """Fill ∂L/∂α from its summands, and return ∂L/∂x if it is needed."""
        sum_rows(self.part.product, self.part.dalpha)
        return grad if self.part.needs_input_grad else None


@twin_for(ParametricActivation)
class SELUTwin(ParametricTwin):
    """`ParametricActivation` of `SELU`."""

    activation = SELU
    loops: ClassVar = {"run": selu_forward, "run_back": selu_backward}

    def run_forward(self, x: Array) -> Array:
        """Return α ∘ f(x) + (1 - α) ∘ x."""
        self.keep(x)
        part, f = self.part, self.f
        x.clip(f.low, f.zero, f.negative)
        np.expm1(f.negative, out=f.negative)
        s, s_a = self.number(f.scale), self.number(f.scale * f.alpha)
        self.run(x.T, f.negative.T, part.alpha, part.y.T, s, s_a)
        return part.y

    def run_backward(self, grad: Array) -> Array | None:
        """Fill the gradient of α and return ∂L/∂x."""
        part, f = self.part, self.f
        part.x.clip(f.low, f.zero, f.slope)
        np.exp(f.slope, out=f.slope)
        numbers = (f.scale, f.scale * f.alpha, f.scale - f.scale * f.alpha)
        arrays = (part.x, f.negative, f.slope)
        self.run_back(
            *(each.T for each in arrays),
            part.alpha,
            grad.T,
            part.product.T,
            *map(self.number, numbers),
        )
        return self.finish(grad)


@twin_for(ParametricActivation)
class MishTwin(ParametricTwin):
    """`ParametricActivation` of `Mish`."""

    activation = Mish
    loops: ClassVar = {"run": mish_forward, "run_back": mish_backward}

    def run_forward(self, x: Array) -> Array:
        """Return α ∘ f(x) + (1 - α) ∘ x."""
        self.keep(x)
        part, f = self.part, self.f
        x.clip(f.low, f.high, f.clipped)
        np.exp(f.clipped, out=f.n)
        self.run(x.T, f.n.T, part.alpha, part.y.T)
        return part.y

    def run_backward(self, grad: Array) -> Array | None:
        """Fill the gradient of α and return ∂L/∂x."""
        part, f = self.part, self.f
        self.run_back(part.x.T, f.clipped.T, f.n.T, part.alpha, grad.T, part.product.T)
        return self.finish(grad)
