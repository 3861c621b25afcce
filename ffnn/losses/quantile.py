"""The quantile loss."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss


@LOSSES.register("quantile", "pinball")
class Quantile(ElementwiseLoss):
    """Pinball loss, whose minimum is a quantile: ℓ = max(q (y - p), (q - 1) (y - p)).

    ∂ℓ/∂p = 1 - q if p > y, -q if p < y, and 0 at p = y. With q = 0.9, say, an output learns the
    number that 90 % of the targets lie below; with 0.5 the median, by half the absolute error.

    Parameters
    ----------
    quantile : float, default 0.5
        q, in (0, 1).

    Raises
    ------
    TypeError, ValueError
        `quantile` is not a number in its range.

    References
    ----------
    Koenker, Bassett, "Regression quantiles", Econometrica 46, 1978, equation 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import Quantile
    >>> loss = Quantile()
    >>> round(loss.forward(np.array([[1.0], [3.0]]), np.array([[1.5], [1.0]])), 4)
    0.625
    >>> loss.backward().round(4).tolist()
    [[-0.25], [0.25]]
    """

    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ max(q (y - p), (q - 1) (y - p))",),
        backward=("∂L/∂p = 1/(n u) w ∘ ((1 - q) [p > y] - q [p < y])",),
        where={"q": "quantile"},
    )
    kinks = (0.0,)

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = check_number(
            "Quantile", "quantile", quantile, low=0.0, high=1.0, low_open=True, high_open=True
        )

    def numbers(self) -> dict[str, float]:
        """Return q and 1 - q, neither of which may be lost."""
        return {"quantile": self.quantile, "1 - quantile": 1.0 - self.quantile}

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self.slopes)
        np.multiply(residual, 1.0 - self.quantile, out=self.values)
        np.multiply(residual, -self.quantile, out=self.spare)
        return np.maximum(self.values, self.spare, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        # With s = sign(p - y) it is s (1/2 + (1/2 - q) s).
        sign = np.sign(self.slopes, out=self.slopes)
        np.multiply(sign, 0.5 - self.quantile, out=self.spare)
        self.spare += 0.5
        sign *= self.spare
        return sign
