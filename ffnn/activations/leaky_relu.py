"""The leaky rectified linear unit."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value


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

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import LeakyReLU
    >>> y = LeakyReLU().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.01, 0.0, 2.0]]
    """

    formulas = Formulas(
        forward=("y = max(x, a x)",),
        backward=("∂L/∂x = ∂L/∂y ∘ ([x > 0] + a [x ≤ 0])",),
        where={"a": "negative_slope"},
    )
    kinks = (0.0,)

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = check_number(
            "LeakyReLU", "negative_slope", negative_slope, low=0.0, high=1.0, high_open=True
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, a x)."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        np.multiply(x, self.negative_slope, out=self.y)
        np.maximum(x, self.y, out=self.y)
        return self.y

    def express(self, x: Value) -> Value:
        """Return max(x, a x)."""
        return x.maximum(x * self.negative_slope)

    def backward(self, grad: Array) -> Array:
        """Return grad where x > 0, else a · grad."""
        np.greater(self.x, 0.0, out=self.slope)
        np.maximum(self.slope, self.negative_slope, out=self.slope)
        grad *= self.slope
        return grad
