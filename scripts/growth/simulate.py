"""Ranks that are late, and machines that fail: simulations, and what they tend to in closed form.

References
----------
J. W. Young, "A first order approximation to the optimum checkpoint interval", Communications of the
ACM 17(9), 530-531, 1974.

J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future
Generation Computer Systems 22(3), 303-312, 2006: equations 20 and 37.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]

_AT_A_TIME = 1 << 20  # numbers that are drawn together


def exponential(scale: float) -> Draw:
    """Return what draws 1 + E, E from an exponential distribution of the mean `scale`."""
    return lambda rng, shape: 1.0 + rng.exponential(scale, shape)


def lognormal(sigma: float) -> Draw:
    """Return what draws from a lognormal distribution of mean 1."""
    return lambda rng, shape: rng.lognormal(-0.5 * sigma * sigma, sigma, shape)


def slowest(draw: Draw, ranks: int, steps: int, rng: np.random.Generator) -> float:
    """Return the mean over steps of the time of the slowest rank, if one takes 1 undisturbed."""
    total, left, most = 0.0, steps, max(_AT_A_TIME // ranks, 1)
    while left:
        now = min(left, most)
        total += float(draw(rng, (now, ranks)).max(axis=1).sum())
        left -= now
    return total / steps


def slowest_exponential(scale: float, ranks: int) -> float:
    """Return the expected time of the slowest: 1 + scale · (1 + 1/2 + ... + 1/R)."""
    return 1.0 + scale * math.fsum(1.0 / number for number in range(1, ranks + 1))


def slowest_lognormal(sigma: float, ranks: int) -> float:
    """Return the expected time of the slowest: the integral of 1 - F(t)^R over t from 0 on."""
    z = np.linspace(-12.0, 12.0, 24_001)  # of the normal distribution, t = exp(σ z - σ²/2)
    below = np.array([0.5 * math.erfc(-each / math.sqrt(2.0)) for each in z])
    times = np.exp(sigma * z - 0.5 * sigma * sigma)
    above = 1.0 - below**ranks
    return float(times[0] + np.sum(0.5 * (above[1:] + above[:-1]) * np.diff(times)))


def wall_seconds(
    work: float,
    interval: float,
    saving: float,
    restart: float,
    between: float,
    rng: np.random.Generator,
) -> float:
    """Return the seconds after which a training has ended whose machines fail at random.

    Parameters
    ----------
    work : float
        The seconds that it takes without failures and checkpoints.
    interval, saving : float
        The seconds of work between checkpoints, and those that each of them takes.
    restart : float
        The seconds from a failure until the work begins again, at the last checkpoint.
    between : float
        The mean time between failures of the whole job, which are memoryless.
    """
    elapsed, done, pause = 0.0, 0.0, 0.0
    while done < work:
        now = min(interval, work - done)
        needed = pause + now + saving
        failure = rng.exponential(between)
        if failure < needed:
            elapsed, pause = elapsed + failure, restart
        else:
            elapsed, pause, done = elapsed + needed, 0.0, done + now
    return elapsed


def expected_seconds(
    work: float, interval: float, saving: float, restart: float, between: float
) -> float:
    """Return the expectation of `wall_seconds`, Daly's equation 20, for whole intervals."""
    each = between * math.exp(restart / between) * math.expm1((interval + saving) / between)
    return work / interval * each


def young(saving: float, between: float) -> float:
    """Return the seconds of work between checkpoints that lose least, by Young: √(2 δ M)."""
    return math.sqrt(2.0 * saving * between)


def daly(saving: float, between: float) -> float:
    """Return the same by Daly, who goes further in δ/M (equation 37)."""
    if saving >= 2.0 * between:
        return between
    ratio = saving / (2.0 * between)
    return young(saving, between) * (1.0 + math.sqrt(ratio) / 3.0 + ratio / 9.0) - saving
