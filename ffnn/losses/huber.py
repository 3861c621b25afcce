"""Huber's loss."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, ElementwiseLoss


@LOSSES.register("huber")
class Huber(ElementwiseLoss):
    """Squared near 0, linear far from it: with r = p - y, ℓ = r²/2 if |r| ≤ δ else δ (|r| - δ/2).

    ∂ℓ/∂p = r clipped to [-δ, δ].

    Parameters
    ----------
    delta : float, default 1.0
        δ, where the straight part begins; above 0.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 1964.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import Huber
    >>> loss = Huber()
    >>> round(loss.forward(np.array([[1.0], [3.0]]), np.array([[1.5], [1.0]])), 4)
    0.8125
    >>> loss.backward().round(4).tolist()
    [[-0.25], [0.5]]
    """

    formulas = Formulas(
        forward=(
            "L = 1/(n u) Σ w ∘ (r² / 2 ∘ [|r| ≤ d] + d (|r| - d/2) ∘ [|r| > d]) with r = p - y",
        ),
        backward=("∂L/∂p = 1/(n u) w ∘ min(max(p - y, -d), d)",),
        where={"d": "delta"},
    )

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = check_number("Huber", "delta", delta, low=0.0, low_open=True)
        self.kinks = (-self.delta, self.delta)

    def _values(self, output: Array, target: Array) -> Array:
        residual = np.subtract(output, target, out=self.spare)
        np.clip(residual, -self.delta, self.delta, out=self.slopes)
        # With c = r clipped to [-δ, δ], both branches are c (r - c/2).
        np.multiply(self.slopes, -0.5, out=self.values)
        self.values += residual
        self.values *= self.slopes
        return self.values

    def _slopes(self, output: Array, target: Array) -> Array:
        return self.slopes
