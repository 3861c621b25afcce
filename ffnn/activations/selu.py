"""The scaled exponential linear unit."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value

_SCALE = 1.0507009873554804934193349852946
_ALPHA = 1.6732632423543772848170429916717


@ACTIVATIONS.register("selu")
class SELU(ActivationFunction):
    """Scaled exponential linear unit, y = s x if x > 0 else s a (e^x - 1).

    y' = s if x > 0 else s a e^x, with s = 1.0507009873554805 and a = 1.6732632423543773: numbers of
    mean 0 and variance 1 then keep these from layer to layer. The weights should begin with
    variance 1 / inputs, as ``"lecun_normal"`` draws them.

    References
    ----------
    Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NeurIPS 2017,
    equations 2 and 14.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import SELU
    >>> y = SELU().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-1.1113, 0.0, 2.1014]]
    """

    formulas = Formulas(
        forward=("y = s max(x, 0) + s a (e^min(x, 0) - 1)",),
        backward=("∂L/∂x = ∂L/∂y ∘ (s [x > 0] + s a e^min(x, 0) ∘ [x ≤ 0])",),
        where={"s": "scale", "a": "alpha"},
    )
    output_range = (-_SCALE * _ALPHA, math.inf)
    kinks = (0.0,)
    scale, alpha = _SCALE, _ALPHA

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, y's negative part and where x is positive."""
        super().allocate(rows)
        self.negative, self.positive = self.like("negative"), self.like("positive")
        self.zero, self.low, self.high = map(self.scalar, (0.0, -math.inf, math.inf))
        self.s, self.s_a = self.scalar(self.scale), self.scalar(self.scale * self.alpha)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return s max(x, 0) + s a (e^min(x, 0) - 1), infinite where the dtype ends."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        x.clip(self.low, self.zero, self.negative)  # several times as fast as minimum
        np.expm1(self.negative, out=self.negative)
        self.negative *= self.s_a
        x.clip(self.zero, self.high, self.y)
        with np.errstate(over="ignore"):
            self.y *= self.s
        self.y += self.negative
        return self.y

    def express(self, x: Value) -> Value:
        """Return s max(x, 0) + s a (e^min(x, 0) - 1)."""
        negative = (x.minimum(0.0).exp() - 1.0) * (self.scale * self.alpha)
        return x.maximum(0.0) * self.scale + negative

    def backward(self, grad: Array) -> Array:
        """Return s grad where x > 0, else s a e^x grad."""
        self.x.clip(self.low, self.zero, self.slope)
        np.exp(self.slope, out=self.slope)  # y + s a would cancel far out
        self.slope *= self.s_a
        np.greater(self.x, 0.0, out=self.positive)  # 1 or 0; where=... would take 5 times as long
        self.positive *= self.scale - self.scale * self.alpha
        self.slope += self.positive
        grad *= self.slope
        return grad
