"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.optimizers.base import OPTIMIZERS, Optimizer
from ffnn.schedules import Schedule


@OPTIMIZERS.register("rmsprop")
class RMSprop(Optimizer):
    """Steps divided by a running size of each gradient.

    s ← ρ s + (1 - ρ) g²,    w ← w - η g / (√s + ε).

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    rho : float, default 0.9
        ρ, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The largest norm of the whole gradient.
    learning_rate_factors : mapping of str to float, optional
        Name of parameters → the factor of η for these, such as ``{"bias": 0.1}``.
    clipvalue : float, optional
        The largest size of each entry of the gradient, in place of `clipnorm`.

    References
    ----------
    Tieleman, Hinton, "Lecture 6.5: rmsprop", Coursera, 2012. ε stands beside the root, as in
    PyTorch; Keras puts it under the root.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.RMSprop(0.01), "mean_squared_error")
    >>> model.optimizer
    RMSprop(learning_rate=0.01)
    """

    formulas = Formulas(
        update=("s ← ρ s + (1 - ρ) g²", "w ← w - η g / (√s + ε)"),
        where={"ρ": "rho", "ε": "epsilon", "s": "slots.square"},
    )
    slot_names = ("square",)

    non_negative = ("square",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm, learning_rate_factors, clipvalue)
        self.rho = check_number("RMSprop", "rho", rho, low=0.0, high=1.0, high_open=True)
        self.epsilon = check_number("RMSprop", "epsilon", epsilon, low=0.0, low_open=True)

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return the bound that follows from the formulas, with g / ε as the quotient."""
        return w + updates * max(rate, 1.0) * norm / self.epsilon + memory[0] + norm * norm

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g / (√s + ε)."""
        (square,) = memory
        np.multiply(g, g, out=scratch)
        scratch *= 1.0 - self.rho
        square *= self.rho
        square += scratch
        np.sqrt(square, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        w -= scratch
