"""Small made-up data of two inputs, on which one sees how a network learns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ffnn.core.checks import check_choice, check_int, check_number

Points = NDArray[np.float64]


def make_toy(
    name: str, rows: int = 400, noise: float = 0.1, seed: int = 0
) -> tuple[Points, NDArray[np.generic]]:
    """Make rows of two inputs with targets, in random order.

    Parameters
    ----------
    name : str
        Two classes: ``"circles"``, a disc within a ring; ``"xor"``, opposite quadrants;
        ``"gaussians"``, two clouds; ``"spiral"``, two arms; ``"moons"``, two crescents. A number:
        ``"plane"``, (x₀ + x₁) / 2; ``"hill"``, exp(-x₀² - x₁²).
    rows : int, default 400
        How many rows to make, at least 2; of two classes, half are of each.
    noise : float, default 0.1
        The standard deviation of what is added: to both inputs of classes, to the target of
        numbers.
    seed : int, default 0
        The same seed makes the same rows.

    Returns
    -------
    x : ndarray of shape (rows, 2), float64
        Inputs, most of them between -2 and 2.
    y : ndarray of shape (rows,)
        Classes 0 and 1 (int64), or numbers (float64).

    Raises
    ------
    TypeError, ValueError
        The name is unknown, or a number is out of range.

    Examples
    --------
    >>> import ffnn
    >>> x, y = ffnn.datasets.make_toy("spiral", rows=100)
    >>> x.shape, sorted(set(y.tolist()))
    ((100, 2), [0, 1])
    """
    name = check_choice("make_toy", "name", name, TOYS)
    rows = check_int("make_toy", "rows", rows, low=2)
    noise = check_number("make_toy", "noise", noise, low=0.0)
    rng = np.random.default_rng(check_int("make_toy", "seed", seed, low=0))
    if name in NUMBERS:
        x = rng.uniform(-2.0, 2.0, (rows, 2))
        return x, NUMBERS[name](x) + noise * rng.standard_normal(rows)
    y = rng.permutation(np.arange(rows) % 2)
    x = CLASSES[name](y, rng)
    return x + noise * rng.standard_normal((rows, 2)), y


def _circles(y: NDArray[np.int64], rng: np.random.Generator) -> Points:
    radius = np.where(y == 0, rng.uniform(0.0, 0.8, len(y)), rng.uniform(1.2, 1.8, len(y)))
    return _polar(radius, rng.uniform(0.0, 2.0 * np.pi, len(y)))


def _xor(y: NDArray[np.int64], rng: np.random.Generator) -> Points:
    size = rng.uniform(0.1, 1.8, (len(y), 2))
    side = rng.choice([-1.0, 1.0], len(y))
    quadrants: Points = size * np.column_stack([side, np.where(y == 0, side, -side)])
    return quadrants


def _gaussians(y: NDArray[np.int64], rng: np.random.Generator) -> Points:
    clouds: Points = np.where(y == 0, -0.8, 0.8)[:, None] + 0.3 * rng.standard_normal((len(y), 2))
    return clouds


def _spiral(y: NDArray[np.int64], rng: np.random.Generator) -> Points:
    along = np.sqrt(rng.uniform(0.01, 1.0, len(y)))
    return _polar(1.8 * along, 3.5 * np.pi * along + np.pi * y)


def _moons(y: NDArray[np.int64], rng: np.random.Generator) -> Points:
    upper = _polar(np.ones(len(y)), rng.uniform(0.0, np.pi, len(y)))
    lower = np.array([1.0, 0.5]) - upper
    moons: Points = np.where(y[:, None] == 0, upper, lower) - np.array([0.5, 0.25])
    return moons


def _polar(radius: Points, angle: Points) -> Points:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


CLASSES: dict[str, Callable[[NDArray[np.int64], np.random.Generator], Points]] = {
    "circles": _circles,
    "xor": _xor,
    "gaussians": _gaussians,
    "spiral": _spiral,
    "moons": _moons,
}
NUMBERS: dict[str, Callable[[Points], Points]] = {
    "plane": lambda x: x.mean(axis=1),
    "hill": lambda x: np.exp(-np.square(x).sum(axis=1)),
}
TOYS = (*CLASSES, *NUMBERS)
