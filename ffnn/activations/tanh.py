"""The hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


@ACTIVATIONS.register("tanh")
class Tanh(ActivationFunction):
    """The hyperbolic tangent, y = tanh x,  y' = 1 - y².

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import Tanh
    >>> y = Tanh().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.7616, 0.0, 0.964]]
    """

    formulas = Formulas(("y = tanh(x)",), ("∂L/∂x = ∂L/∂y ∘ (1 - y²)",))
    output_range = (-1.0, 1.0)
    saturates = True

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return tanh x."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        return np.tanh(x, out=self.y)

    def express(self, x: Value) -> Value:
        """Return tanh x."""
        return x.tanh()

    def backward(self, grad: Array) -> Array:
        """Return grad · (1 - y²)."""
        np.multiply(self.y, self.y, out=self.slope)
        np.subtract(1.0, self.slope, out=self.slope)
        grad *= self.slope
        return grad
