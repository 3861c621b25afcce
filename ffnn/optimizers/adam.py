"""Adam."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.optimizers.base import OPTIMIZERS, Optimizer
from ffnn.schedules import Schedule


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    """Running mean of the gradient over the root of its running square, corrected for their start.

    m ← β₁ m + (1 - β₁) g,    v ← β₂ v + (1 - β₂) g²,
    w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε).

    This is the paper's second, equivalent form, in which ε stands beside √v before the correction.
    What is stored is M = m / (1 - β₁) and V = v / (1 - β₂), as M ← β₁ M + g and V ← β₂ V + g² need
    two passes fewer over the numbers.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        β₁ and β₂, in [0, 1).
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
    Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1 in the order
    of computation at the end of section 2.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.Adam(0.01), "mean_squared_error")
    >>> model.optimizer
    Adam(learning_rate=0.01)
    """

    slot_names = ("m", "v")
    non_negative = ("v",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm, learning_rate_factors, clipvalue)
        name = type(self).__name__
        self.beta_1 = check_number(name, "beta_1", beta_1, low=0.0, high=1.0, high_open=True)
        self.beta_2 = check_number(name, "beta_2", beta_2, low=0.0, high=1.0, high_open=True)
        self.epsilon = check_number(name, "epsilon", epsilon, low=0.0, low_open=True)

    @property
    def formulas(self) -> Formulas:
        """The two means and the update."""
        names = {"β₁": "beta_1", "β₂": "beta_2", "ε": "epsilon", "m": "slots.m", "v": "slots.v"}
        return Formulas(
            update=(
                "m ← β₁ m + (1 - β₁) g",
                "v ← β₂ v + (1 - β₂) g²",
                "w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)",
            ),
            where=names,
            scale={"m": "1 - β₁", "v": "1 - β₂"},
        )

    def numbers(self) -> dict[str, float]:
        """Return the numbers that the update uses, among them ε / √(1 - β₂) in place of ε."""
        own = super().numbers()
        own.pop("epsilon", None)
        return own | {"epsilon / sqrt(1 - beta_2)": self.epsilon / math.sqrt(1.0 - self.beta_2)}

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return the bound that follows from the formulas, with M / (ε / √(1 - β₂)) as quotient."""
        m, v = memory[0] + updates * norm, memory[1] + updates * norm * norm
        root = math.sqrt(1.0 - self.beta_2)
        quotient = m * root / self.epsilon
        # √(1 - β₂ᵗ) / (1 - β₁ᵗ) is at most 1 / (1 - β₁), so w moves by at most η / root quotients.
        return w + updates * max(rate / root, 1.0) * quotient + m + v

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε), with M and V for m and v."""
        m, v = memory
        m *= self.beta_1
        m += g
        v *= self.beta_2
        v += np.multiply(g, g, out=scratch)
        epsilon, step = self.quotient_factors(rate)
        np.sqrt(v, out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= step
        w -= scratch

    def quotient_factors(self, rate: float) -> tuple[float, float]:
        """Return ε / √(1 - β₂), which is added to √V, and what M is multiplied by besides.

        m / (√v + ε) is (1 - β₁) / √(1 - β₂) · M / (√V + ε / √(1 - β₂)).
        """
        root, t = math.sqrt(1.0 - self.beta_2), self.iterations + 1
        correction = math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        return self.epsilon / root, rate * correction * (1.0 - self.beta_1) / root
