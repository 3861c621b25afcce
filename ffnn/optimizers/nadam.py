"""Adam with Nesterov's momentum."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.optimizers.adam import Adam
from ffnn.optimizers.base import OPTIMIZERS
from ffnn.optimizers.groups import BLOCK_SIZE

_NOTE = "P is the product of μ₁ of this update and of all before it."


@OPTIMIZERS.register("nadam")
class Nadam(Adam):
    """`Adam` that looks ahead by Nesterov's momentum μ, which rises from β₁ / 2 towards β₁.

    m ← β₁ m + (1 - β₁) g,    v ← β₂ v + (1 - β₂) g²,
    w ← w - η ((1 - μₜ) / (1 - Pₜ) · g + μₜ₊₁ / (1 - Pₜ₊₁) · m) / (√(v / (1 - β₂ᵗ)) + ε)

    with μₜ = β₁ (1 - 0.96^(t / 250) / 2) and Pₜ = μ₁ μ₂ … μₜ. Arguments are `Adam`'s; ε stands
    beside the corrected root. What is stored is m / (1 - β₁) and v / (1 - β₂), as in `Adam`.

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, algorithm 2, with the
    schedule of μ that its experiments use; PyTorch has the same. In Keras 3 the exponent
    is t, so that μ is β₁ after a hundred updates.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.Nadam(0.01), "mean_squared_error")
    >>> model.optimizer
    Nadam(learning_rate=0.01)
    """

    _known: tuple[float, int, float] = (0.0, 0, 1.0)  # β₁, updates, the product for these

    @property
    def formulas(self) -> Formulas:
        """The two means and the update."""
        return Formulas(
            update=(
                "m ← β₁ m + (1 - β₁) g",
                "v ← β₂ v + (1 - β₂) g²",
                "w ← w - η ((1 - μ₁) / (1 - P) · g + μ₂ / (1 - P μ₂) · m) "
                "/ (√(v / (1 - β₂ᵗ)) + ε) with μ₁ = β₁ (1 - 0.96^(t / 250) / 2) "
                "and μ₂ = β₁ (1 - 0.96^((t + 1) / 250) / 2)",
            ),
            where={**super().formulas.where, "P": "momentum_product"},
            scale=super().formulas.scale,
            note=_NOTE,
        )

    @property
    def momentum_product(self) -> float:
        """P of the next update, the product of all μ up to it."""
        t = self.iterations + 1
        beta_1, first, product = self._known
        if beta_1 != self.beta_1 or first > t:
            first, product = 0, 1.0
        while first < t and product:
            first += 1
            product *= self._momentum(first)
        self._known = self.beta_1, t, product
        return product

    def _momentum(self, t: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * math.pow(0.96, t / 250.0))

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return the bound that follows from the formulas, with both factors of m and g below 1."""
        m, v = memory[0] + updates * norm, memory[1] + updates * norm * norm
        # The root's correction √((1 - β₂ᵗ) / (1 - β₂)) is at most 1 / √(1 - β₂).
        step = max(rate / math.sqrt(1.0 - self.beta_2), 1.0) * (m + norm)
        return w + updates * step * (1.0 + 1.0 / self.epsilon) + m + v

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply the formula, with M = m / (1 - β₁) and V = v / (1 - β₂) for m and v."""
        m, v = memory
        m *= self.beta_1
        m += g
        v *= self.beta_2
        v += np.multiply(g, g, out=scratch)
        epsilon, of_g, of_m = self.factors(rate)
        step = self.array("step", BLOCK_SIZE, dtype=w.dtype)[: w.size]
        np.multiply(m, of_m, out=step)
        step += np.multiply(g, of_g, out=scratch)
        np.sqrt(v, out=scratch)
        scratch += epsilon
        step /= scratch
        w -= step

    def factors(self, rate: float) -> tuple[float, float, float]:
        """Return ε c, which is added to √V, and the factors of g and M over that.

        With c² = (1 - β₂ᵗ) / (1 - β₂), √(v / (1 - β₂ᵗ)) + ε is (√V + ε c) / c.
        """
        t, product = self.iterations + 1, self.momentum_product
        c = math.sqrt((1.0 - self.beta_2**t) / (1.0 - self.beta_2))
        now, ahead = self._momentum(t), self._momentum(t + 1)
        of_g = rate * c * (1.0 - now) / (1.0 - product)
        of_m = rate * c * ahead * (1.0 - self.beta_1) / (1.0 - product * ahead)
        return self.epsilon * c, of_g, of_m
