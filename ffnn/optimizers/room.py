"""Within which bounds updates cannot fail, so that none has to be looked at."""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """Updates of which none can make a number infinite.

    They are those before `until`, counted from the first of all, with η, times the factor of any
    parameters, of at most `rate`, and ‖g‖ of at most `norm`.
    """

    until: int
    rate: float
    norm: float


NO_ROOM = Room(0, 0.0, 0.0)  # nothing is known
FAR = 1024  # updates for which bounds are looked up at once


class Limits(NamedTuple):
    """The largest norm and update, then the largest bound on parameters and memory."""

    norm: float
    update: float
    number: float


# Norm and update, far from the ends of float32, 3e38, and float64, 2e308: squares of such gradients
# and sums of such updates are finite.
LIMITS = {"f": Limits(1e18, 1e30, 1e38), "d": Limits(1e150, 1e300, 1e307)}
