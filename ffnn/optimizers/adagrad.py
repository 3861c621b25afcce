"""Adagrad."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.optimizers.base import OPTIMIZERS, Optimizer
from ffnn.schedules import Schedule


@OPTIMIZERS.register("adagrad")
class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far, of each parameter.

    s ← s + g²,    w ← w - η g / (√(s + s₀) + ε).

    The steps become smaller and smaller, so η is larger than for other rules, up to 1.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    initial_accumulator_value : float, default 0.1
        s₀, at least 0: the larger, the smaller the first steps.
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
    Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011, figure 1 with diagonal matrices and no regularizer: s₀ is 0 there,
    and ε is its δ. It stands beside the root, as in PyTorch; Keras puts it under the root.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.Adagrad(0.1), "mean_squared_error")
    >>> model.optimizer
    Adagrad(learning_rate=0.1)
    """

    formulas = Formulas(
        update=("s ← s + g²", "w ← w - η g / (√(s + s₀) + ε)"),
        where={"s₀": "initial_accumulator_value", "ε": "epsilon", "s": "slots.square_sum"},
    )
    slot_names = ("square_sum",)
    non_negative = ("square_sum",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm, learning_rate_factors, clipvalue)
        self.initial_accumulator_value = check_number(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, low=0.0
        )
        self.epsilon = check_number("Adagrad", "epsilon", epsilon, low=0.0, low_open=True)

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return the bound that follows from the formulas, with g / ε as the quotient."""
        total = memory[0] + updates * norm * norm + self.initial_accumulator_value
        return w + updates * max(rate, 1.0) * norm / self.epsilon + total

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g / (√(s + s₀) + ε)."""
        (square_sum,) = memory
        square_sum += np.multiply(g, g, out=scratch)
        np.add(square_sum, self.initial_accumulator_value, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        w -= scratch
