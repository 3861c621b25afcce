"""What a schedule is."""

from __future__ import annotations

import math

from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Guarded
from ffnn.core.registry import Configurable, Family


class Schedule(Guarded, Configurable):
    """A function η(t) of the number t of updates made so far, t = 0 at the first.

    Attributes
    ----------
    upper_bound : float
        What no η(t) is above; infinite if that is not known.

    Examples
    --------
    >>> from ffnn.schedules import Schedule
    >>> class Halving(Schedule):
    ...     def __call__(self, step):
    ...         return 0.1 / 2.0 ** (step // 100)
    >>> import ffnn
    >>> ffnn.optimizers.SGD(Halving()).learning_rate(250)
    0.025
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


SCHEDULES: Family[Schedule] = Family("schedule", Schedule, __package__)


def check_step(schedule: Schedule, step: float) -> float:
    """Return a number of updates, which is at least 0."""
    return check_number(type(schedule).__name__, "step", step, low=0.0)


def check_rate(owner: str, name: str, value: float) -> float:
    """Return a learning rate, which is at least 0."""
    return check_number(owner, name, value, low=0.0)
