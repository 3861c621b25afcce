"""The logistic function."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


def sigmoid(x: Array, out: Array) -> Array:
    """Write 1 / (1 + e^-x) into `out`, without overflow, and return it.

    -x is clipped at the largest z with a finite e^z; y is then below the smallest normal number.
    """
    largest = LARGEST_EXPONENT.get(out.dtype.char)
    if largest is None:
        raise TypeError(f"sigmoid: expected an array of float32 or float64, got {out.dtype}")
    np.negative(x, out=out)
    np.minimum(out, largest, out=out)
    np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


LARGEST_EXPONENT = {"f": 88.0, "d": 709.0}


@ACTIVATIONS.register("sigmoid", "logistic")
class Sigmoid(ActivationFunction):
    """The logistic function, y = 1 / (1 + e^-x),  y' = y (1 - y).

    References
    ----------
    Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature
    1986, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Sigmoid
    >>> y = Sigmoid().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[0.2689, 0.5, 0.8808]]
    """

    formulas = Formulas(("y = 1 / (1 + e^-x)",), ("∂L/∂x = ∂L/∂y ∘ y ∘ (1 - y)",))
    output_range = (0.0, 1.0)
    saturates = True

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return 1 / (1 + e^-x)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        return sigmoid(x, out=self.y)

    def express(self, x: Value) -> Value:
        """Return 1 / (1 + e^-x)."""
        return (1.0 / ((-x).minimum(LARGEST_EXPONENT[x.dtype.char]).exp() + 1.0)).known_as(
            "Sigmoid", x
        )

    def backward(self, grad: Array) -> Array:
        """Return grad · y (1 - y)."""
        np.subtract(1.0, self.y, out=self.slope)
        self.slope *= self.y
        grad *= self.slope
        return grad
