"""Rates that change with the number of updates made so far.

A schedule may stand for an optimizer's learning rate, for the weight decay of `AdamW` and for the
rate of `Dropout`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from ffnn.core.checks import check_bool, check_int, check_items, check_number
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Guarded
from ffnn.core.registry import Configurable, Family


class Schedule(Guarded, Configurable):
    """A function η(t) of the number t of updates made so far, t = 0 at the first.

    Attributes
    ----------
    upper_bound : float
        What no η(t) is above; infinite if that is not known.
    """

    @property
    def upper_bound(self) -> float:
        """Not known, unless a class says it."""
        return math.inf

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of t."""
        return Formulas(("η = f(t)",))

    def numbers(self) -> dict[str, float]:
        """Return none: rates are Python floats, and may fall below what a dtype resolves."""
        return {}

    def __call__(self, step: float) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        raise NotImplementedError


SCHEDULES: Family[Schedule] = Family("schedule", Schedule)


def _step(schedule: Schedule, step: float) -> float:
    return check_number(type(schedule).__name__, "step", step, low=0.0)


def _rate(owner: str, name: str, value: float) -> float:
    return check_number(owner, name, value, low=0.0)


class _Decay(Schedule):
    """What the decays in time t / steps share."""

    _rate_may_be_zero: ClassVar[bool] = True

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        name = type(self).__name__
        self.initial_learning_rate = _rate(name, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_int(name, "decay_steps", decay_steps, low=1)
        self.decay_rate = check_number(
            name, "decay_rate", decay_rate, low=0.0, low_open=not self._rate_may_be_zero
        )
        self.staircase = check_bool(name, "staircase", staircase)

    def _formulas(self, rate: str) -> Formulas:
        """Return the formulas; in `rate` s stands for the time."""
        time = "⌊t / T⌋" if self.staircase else "t / T"
        where = {"η₀": "initial_learning_rate", "ρ": "decay_rate", "T": "decay_steps"}
        return Formulas((f"η = {rate} with s = {time}",), where=where)

    def _time(self, step: float) -> float:
        time = _step(self, step) / self.decay_steps
        return math.floor(time) if self.staircase else time


@SCHEDULES.register("exponential_decay")
class ExponentialDecay(_Decay):
    """η(t) = η₀ · rate^(t / steps), the exponent rounded down where `staircase` is set.

    Parameters
    ----------
    initial_learning_rate : float
        η₀, at least 0.
    decay_steps : int
        The number of updates after which η has been multiplied by `decay_rate` once.
    decay_rate : float
        The factor, above 0.
    staircase : bool, default False
        Whether η drops all at once every `decay_steps` updates.
    """

    _rate_may_be_zero = False

    @property
    def upper_bound(self) -> float:
        """η₀, unless the rate rises."""
        return self.initial_learning_rate if self.decay_rate <= 1.0 else math.inf

    @property
    def formulas(self) -> Formulas:
        """The rate η at update t."""
        return self._formulas("η₀ ρ^s")

    def __call__(self, step: float) -> float:
        """Return η₀ · rate^(step / steps)."""
        try:
            factor = math.pow(self.decay_rate, self._time(step))
        except OverflowError:  # of a rate that rises
            factor = math.inf
        return self.initial_learning_rate and self.initial_learning_rate * factor


@SCHEDULES.register("inverse_time_decay")
class InverseTimeDecay(_Decay):
    """η(t) = η₀ / (1 + rate · t / steps), the quotient t / steps rounded down with `staircase`.

    Parameters
    ----------
    initial_learning_rate : float
        η₀, at least 0.
    decay_steps : int
        The unit in which t is measured.
    decay_rate : float
        At least 0.
    staircase : bool, default False
        Whether η drops all at once every `decay_steps` updates.
    """

    @property
    def formulas(self) -> Formulas:
        """The rate η at update t."""
        return self._formulas("η₀ / (1 + ρ s)")

    @property
    def upper_bound(self) -> float:
        """η₀, from which the rate falls."""
        return self.initial_learning_rate

    def __call__(self, step: float) -> float:
        """Return η₀ / (1 + rate · step / steps)."""
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._time(step))


@SCHEDULES.register("piecewise_constant_decay")
class PiecewiseConstantDecay(Schedule):
    """η(t) = values[k], where k counts the boundaries that t is beyond: values[0] up to the first.

    Parameters
    ----------
    boundaries : sequence of int
        Ascending numbers of updates.
    values : sequence of float
        One more than there are boundaries, each at least 0.
    """

    formulas = Formulas(
        ("η = value(k) with k = Σ [t > b]",), where={"b": "boundaries", "value": "values"}
    )

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        name = type(self).__name__
        boundaries = check_items(name, "boundaries", boundaries)
        self.boundaries = [check_int(name, "boundaries", step, low=0) for step in boundaries]
        values = check_items(name, "values", values)
        self.values = [_rate(name, "values", value) for value in values]
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{name}: expected one value more than boundaries, got {len(self.values)} values "
                f"and {len(self.boundaries)} boundaries"
            )
        if self.boundaries != sorted(set(self.boundaries)):
            raise ValueError(
                f"{name}: boundaries must be strictly increasing, got {self.boundaries}"
            )

    @property
    def upper_bound(self) -> float:
        """The largest of the values."""
        return max(self.values)

    def __call__(self, step: float) -> float:
        """Return the value of the piece that `step` lies in."""
        step = _step(self, step)
        return self.values[sum(step > boundary for boundary in self.boundaries)]


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
        self.initial_learning_rate = _rate(name, "initial_learning_rate", initial_learning_rate)
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
        step = _step(self, step)
        if step < self.warmup_steps:
            return self.initial_learning_rate * step / self.warmup_steps
        progress = min((step - self.warmup_steps) / self.decay_steps, 1.0)
        cosine = (1.0 + math.cos(math.pi * progress)) / 2.0
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * cosine)


class _Course(Schedule):
    """What the schedules share that run from t = 0 to a last update."""

    def __init__(self, initial_learning_rate: float, decay_steps: int) -> None:
        name = type(self).__name__
        self.initial_learning_rate = _rate(name, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_int(name, "decay_steps", decay_steps, low=1)

    @property
    def upper_bound(self) -> float:
        """η₀, the largest rate."""
        return self.initial_learning_rate

    def _progress(self, step: float) -> float:
        """Return the share of the updates that are made, from 0 to 1."""
        return min(_step(self, step) / self.decay_steps, 1.0)


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
