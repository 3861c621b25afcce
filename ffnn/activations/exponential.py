"""The exponential function."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("exponential", "exp")
class Exponential(ActivationFunction):
    """The exponential function, y = e^x,  y' = y, for outputs above 0 such as rates.

    References
    ----------
    McCullagh, Nelder, "Generalized linear models", 1989, section 2.2.4 (the log link).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Exponential
    >>> y = Exponential().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[0.3679, 1.0, 7.3891]]
    """

    formulas = Formulas(("y = e^x",), ("∂L/∂x = ∂L/∂y ∘ y",))
    output_range = (0.0, math.inf)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return e^x, infinite where that is too large for the dtype."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        with np.errstate(over="ignore"):
            np.exp(x, out=self.y)
        return self.y

    def express(self, x: Value) -> Value:
        """Return e^x."""
        return x.exp()

    def backward(self, grad: Array) -> Array:
        """Return grad · y."""
        grad *= self.y
        return grad
