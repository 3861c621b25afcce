"""Adam with decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ffnn._types import Array
from ffnn.core.checks import check_items, check_number, check_text
from ffnn.core.formulas import Formulas
from ffnn.optimizers.adam import Adam
from ffnn.optimizers.base import OPTIMIZERS
from ffnn.optimizers.groups import own_name
from ffnn.schedules import Schedule


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with weight decay separate from the gradient: first w ← w - η λ w, then `Adam`'s update.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        η, at least 0.
    weight_decay : float or Schedule, default 0.004
        λ, at least 0, or a schedule that gives it by the number of updates.
    beta_1, beta_2 : float, default 0.9 and 0.999
        β₁ and β₂, in [0, 1).
    epsilon : float, default 1e-7
        ε, above 0.
    clipnorm : float, optional
        The largest norm of the whole gradient.
    learning_rate_factors : mapping of str to float, optional
        Name of parameters → the factor of η for these, such as ``{"bias": 0.1}``; the decay has it
        too.
    decay_exclude : sequence of str, optional
        The names of parameters that do not decay, such as ``["bias", "gamma"]``; without it all do.
    clipvalue : float, optional
        The largest size of each entry of the gradient, in place of `clipnorm`.

    References
    ----------
    Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.AdamW(0.01, weight_decay=0.1), "mean_squared_error")
    >>> model.optimizer
    AdamW(learning_rate=0.01, weight_decay=0.1)
    """

    _excluded: list[str] | None = None

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float | Schedule = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        decay_exclude: Sequence[str] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, clipnorm, learning_rate_factors, clipvalue
        )
        self.decay_exclude = decay_exclude
        if not isinstance(weight_decay, Schedule):
            weight_decay = check_number("AdamW", "weight_decay", weight_decay, low=0.0)
        self.weight_decay = weight_decay

    @property
    def formulas(self) -> Formulas:
        """The decay and `Adam`'s; d is 1 for parameters that decay, else 0."""
        decay = "w ← (1 - η λ d) w" if self._excluded else "w ← (1 - η λ) w"
        adam = super().formulas
        where = {"λ": "current_weight_decay", **adam.where}
        return replace(adam, update=(decay, *adam.update), where=where)

    @property
    def decay_exclude(self) -> list[str] | None:
        """The names of parameters that do not decay, a copy; they may be set again."""
        return None if self._excluded is None else list(self._excluded)

    @decay_exclude.setter
    def decay_exclude(self, value: Sequence[str] | None) -> None:
        what = "decay_exclude"
        names = None if value is None else check_items("AdamW", what, value)
        names = names and [check_text("AdamW", f"a name in {what}", name) for name in names]
        self.check_set(what, names or ())
        self._excluded = names
        self.regroup()

    def own_numbers(self, name: str) -> dict[str, float]:
        """Return the factor of η and d, 1 for parameters that decay, else 0."""
        own = super().own_numbers(name)
        return own | {"d": float(own_name(name) not in self._excluded)} if self._excluded else own

    def named(self) -> dict[str, list[str]]:
        """Return argument → the names of parameters in it."""
        return {**super().named(), "decay_exclude": self._excluded or []}

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

    def update(
        self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array, d: float = 1.0
    ) -> None:
        """Shrink w, unless d is 0, then apply Adam's update."""
        if d:
            w *= 1.0 - rate * self.current_weight_decay
        super().update(rate, w, g, scratch, *memory)
