"""Adam with decoupled weight decay."""

from __future__ import annotations

import math
from dataclasses import replace

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.optimizers.adam import Adam
from ffnn.optimizers.base import OPTIMIZERS
from ffnn.schedules import Schedule


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with weight decay separate from the gradient: first w ← w - η λ w, then `Adam`'s update.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    weight_decay : float or Schedule, default 0.004
        λ, at least 0, or a schedule that gives it by the number of updates; it acts on all
        parameters, biases and gains included.
    beta_1, beta_2 : float, default 0.9 and 0.999
        β₁ and β₂, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The largest norm of the whole gradient.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """

    formulas = replace(
        Adam.formulas,
        update=("w ← (1 - η λ) w", *Adam.formulas.update),
        where={"λ": "current_weight_decay", **Adam.formulas.where},
    )

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float | Schedule = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, clipnorm)
        if not isinstance(weight_decay, Schedule):
            weight_decay = check_number("AdamW", "weight_decay", weight_decay, low=0.0)
        self.weight_decay = weight_decay

    @property
    def current_weight_decay(self) -> float:
        """λ of the next update."""
        decay = self.weight_decay
        return float(decay(self.iterations)) if isinstance(decay, Schedule) else decay

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Those of η and of λ."""
        decay = self.weight_decay
        return super().schedules | ({"λ": decay} if isinstance(decay, Schedule) else {})

    def numbers(self) -> dict[str, float]:
        """Return `Adam`'s numbers; of λ only 1 - η λ is used."""
        own = super().numbers()
        own.pop("weight_decay", None)
        return own

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return `Adam`'s bound; weights that the decay lets grow are followed by one update."""
        decay = self.current_weight_decay
        if updates > 1 and isinstance(self.weight_decay, Schedule):
            decay = self.weight_decay.upper_bound
        factor = max(1.0, abs(1.0 - rate * decay))
        w *= factor if factor == 1.0 or updates == 1 else math.inf
        return super().bound(updates, rate, norm, w, *memory)

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Shrink w, then apply Adam's update."""
        w *= 1.0 - rate * self.current_weight_decay
        super().update(rate, w, g, scratch, *memory)
