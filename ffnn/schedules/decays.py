"""Rates that fall with the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from ffnn.core.checks import check_bool, check_int, check_items, check_number
from ffnn.core.formulas import Formulas
from ffnn.schedules.base import SCHEDULES, Schedule, check_rate, check_step


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
        self.initial_learning_rate = check_rate(
            name, "initial_learning_rate", initial_learning_rate
        )
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
        time = check_step(self, step) / self.decay_steps
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

    Examples
    --------
    >>> from ffnn.schedules import ExponentialDecay
    >>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)(200)
    0.025
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

    Examples
    --------
    >>> from ffnn.schedules import InverseTimeDecay
    >>> InverseTimeDecay(0.1, decay_steps=100, decay_rate=1.0)(100)
    0.05
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

    Examples
    --------
    >>> from ffnn.schedules import PiecewiseConstantDecay
    >>> PiecewiseConstantDecay([100], [0.1, 0.01])(101)
    0.01
    """

    formulas = Formulas(
        ("η = value(k) with k = Σ [t > b]",), where={"b": "boundaries", "value": "values"}
    )

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        name = type(self).__name__
        boundaries = check_items(name, "boundaries", boundaries)
        self.boundaries = [check_int(name, "boundaries", step, low=0) for step in boundaries]
        values = check_items(name, "values", values)
        self.values = [check_rate(name, "values", value) for value in values]
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
        step = check_step(self, step)
        return self.values[sum(step > boundary for boundary in self.boundaries)]
