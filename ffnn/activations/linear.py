"""The identity."""

from __future__ import annotations

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("linear", "identity")
class Linear(ActivationFunction):
    """The identity, y = x,  y' = 1. It passes its input through.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Linear
    >>> y = Linear().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-1.0, 0.0, 2.0]]
    """

    formulas = Formulas(("y = x",), ("∂L/∂x = ∂L/∂y",))
    is_affine = True

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x itself."""
        return x

    def express(self, x: Value) -> Value:
        """Return x itself."""
        return x

    def backward(self, grad: Array) -> Array:
        """Return `grad` itself."""
        return grad
