"""The exponential linear unit."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


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

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import ELU
    >>> y = ELU().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.6321, 0.0, 2.0]]
    """

    formulas = Formulas(
        forward=("y = max(x, 0) + a (e^min(x, 0) - 1)",),
        backward=("∂L/∂x = ∂L/∂y ∘ ([x > 0] + (y + a) ∘ [x ≤ 0])",),
        where={"a": "alpha"},
    )
    kinks = (0.0,)

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = check_number("ELU", "alpha", alpha, low=0.0, low_open=True)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, y's negative part and where x is positive."""
        super().allocate(rows)
        self.negative, self.positive = self.like("negative"), self.like("positive", bool)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, 0) + a (e^min(x, 0) - 1)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        np.minimum(x, 0.0, out=self.negative)
        np.expm1(self.negative, out=self.negative)
        self.negative *= self.alpha
        np.maximum(x, 0.0, out=self.y)
        self.y += self.negative
        return self.y

    def express(self, x: Value) -> Value:
        """Return max(x, 0) + a (e^min(x, 0) - 1)."""
        return x.maximum(0.0) + (x.minimum(0.0).exp() - 1.0) * self.alpha

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else grad · (y + a)."""
        # For x > 0 the negative part is 0, so `negative + a` has to be replaced by 1 there.
        np.add(self.negative, self.alpha, out=self.slope)
        np.greater(self.x, 0.0, out=self.positive)
        np.copyto(self.slope, 1.0, where=self.positive)
        grad *= self.slope
        return grad
