"""Rates along cosines."""

from __future__ import annotations

import math

from ffnn.core.checks import check_int, check_number
from ffnn.core.formulas import Formulas
from ffnn.schedules.base import SCHEDULES, Schedule, check_rate, check_step


@SCHEDULES.register("cosine_decay")
class CosineDecay(Schedule):
    """A half cosine, η(t) = η₀ (α + (1 - α) (1 + cos(π t / steps)) / 2), constant after `steps`.

    With `warmup_steps` w the rate first rises linearly, η(t) = η₀ t / w; the cosine begins at w.

    Parameters
    ----------
    initial_learning_rate : float
        η₀, the largest rate, at least 0.
    decay_steps : int
        The length of the half cosine in updates.
    alpha : float, default 0.0
        α, the share of η₀ that remains at the end, in [0, 1].
    warmup_steps : int, default 0
        w above.

    References
    ----------
    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    equation 5, without restarts.

    Examples
    --------
    >>> from ffnn.schedules import CosineDecay
    >>> rate = CosineDecay(0.1, 100)
    >>> [round(rate(t), 4) for t in (0, 25, 50, 100)]
    [0.1, 0.0854, 0.05, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_steps: int = 0,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = check_rate(
            name, "initial_learning_rate", initial_learning_rate
        )
        self.decay_steps = check_int(name, "decay_steps", decay_steps, low=1)
        self.alpha = check_number(name, "alpha", alpha, low=0.0, high=1.0)
        self.warmup_steps = check_int(name, "warmup_steps", warmup_steps, low=0)

    @property
    def upper_bound(self) -> float:
        """η₀, the peak."""
        return self.initial_learning_rate

    @property
    def formulas(self) -> Formulas:
        """The rate η at update t, which a warm-up changes."""
        where = {"η₀": "initial_learning_rate", "T": "decay_steps", "α": "alpha"}
        rate, time = "(α + (1 - α) (1 + cos(π s)) / 2)", "t"
        if self.warmup_steps:
            where["w"] = "warmup_steps"
            rate, time = f"([t < w] t / w + [t ≥ w] {rate})", "(t - w)"
        return Formulas((f"η = η₀ {rate} with s = min({time} / T, 1)",), where=where)

    def __call__(self, step: float) -> float:
        """Return the warm-up's or the half cosine's rate."""
        step = check_step(self, step)
        if step < self.warmup_steps:
            return self.initial_learning_rate * step / self.warmup_steps
        progress = min((step - self.warmup_steps) / self.decay_steps, 1.0)
        cosine = (1.0 + math.cos(math.pi * progress)) / 2.0
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * cosine)


class _Course(Schedule):
    """What the schedules share that run from t = 0 to a last update."""

    def __init__(self, initial_learning_rate: float, decay_steps: int) -> None:
        name = type(self).__name__
        self.initial_learning_rate = check_rate(
            name, "initial_learning_rate", initial_learning_rate
        )
        self.decay_steps = check_int(name, "decay_steps", decay_steps, low=1)

    @property
    def upper_bound(self) -> float:
        """η₀, the largest rate."""
        return self.initial_learning_rate

    def _progress(self, step: float) -> float:
        """Return the share of the updates that are made, from 0 to 1."""
        return min(check_step(self, step) / self.decay_steps, 1.0)


@SCHEDULES.register("flat_cosine")
class FlatCosine(_Course):
    """Flat for the first half of the updates, then a half cosine down to 0.

    η(t) = η₀ (1 + cos(π max(2 t / steps - 1, 0))) / 2, and 0 after `steps`.

    Parameters
    ----------
    initial_learning_rate : float
        η₀, the largest rate, at least 0.
    decay_steps : int
        The number of updates after which η is 0, such as epochs times batches per epoch.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, for dropout and weight decay.

    Examples
    --------
    >>> from ffnn.schedules import FlatCosine
    >>> rate = FlatCosine(0.1, decay_steps=100)
    >>> rate(50), rate(100)
    (0.1, 0.0)
    """

    formulas = Formulas(
        ("η = η₀ (1 + cos(π max(2 s - 1, 0))) / 2 with s = min(t / T, 1)",),
        where={"η₀": "initial_learning_rate", "T": "decay_steps"},
    )

    def __call__(self, step: float) -> float:
        """Return η₀, or what the half cosine leaves of it."""
        angle = math.pi * max(2.0 * self._progress(step) - 1.0, 0.0)
        return self.initial_learning_rate * ((1.0 + math.cos(angle)) / 2.0)


@SCHEDULES.register("cosine_log")
class CosineLog(_Course):
    """Cosine waves from 0 to η₀ and back to 0, each twice as long as the one before.

    η(t) = η₀ (1 - cos(2 π log₂(1 + (2^c - 1) t / steps))) / 2 with c cycles, and 0 after `steps`.

    Parameters
    ----------
    initial_learning_rate : float
        η₀, the largest rate, at least 0; the first update has the rate 0.
    decay_steps : int
        The number of updates in which the cycles run, such as epochs times batches per epoch.
    cycles : int, default 4
        c, from 1 to 50.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024 (the schedule coslog₄).

    Examples
    --------
    >>> from ffnn.schedules import CosineLog
    >>> rate = CosineLog(0.1, decay_steps=100, cycles=1)
    >>> rate(0), round(rate(41.42), 4), rate(100)
    (0.0, 0.1, 0.0)
    """

    formulas = Formulas(
        ("η = η₀ (1 - cos(2 π log(1 + (2^c - 1) s) / log(2))) / 2 with s = min(t / T, 1)",),
        where={"η₀": "initial_learning_rate", "T": "decay_steps", "c": "cycles"},
    )

    def __init__(self, initial_learning_rate: float, decay_steps: int, cycles: int = 4) -> None:
        super().__init__(initial_learning_rate, decay_steps)
        self.cycles = check_int("CosineLog", "cycles", cycles, low=1, high=50)

    def __call__(self, step: float) -> float:
        """Return the wave's value."""
        waves = math.log2(1.0 + (2.0**self.cycles - 1.0) * self._progress(step))
        return self.initial_learning_rate * ((1.0 - math.cos(2.0 * math.pi * waves)) / 2.0)
