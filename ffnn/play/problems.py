"""Rows to learn, with rows to test on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.generators import generator
from ffnn.datasets import load_digits, make_toy
from ffnn.datasets.toys import CLASSES
from ffnn.errors import DataError
from ffnn.models.decisions import names_of, task_of
from ffnn.play.settings import DIGITS, OWN, Settings
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from ffnn.tables import TableEncoder

MOST_ROWS = 20_000  # that a page keeps in memory


class Problem(NamedTuple):
    """What is to be learned.

    Inputs are arrays of shape (rows, columns), targets class numbers of shape (rows,), or numbers
    of shape (rows,) or (rows, units).
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    class_names: list[str] | None = None  # None for numbers
    feature_names: list[str] | None = None
    largest: float = 0.0  # of the pixels, if the inputs are whole numbers from 0 to this
    encoder: TableEncoder | None = None  # of a table
    is_measured: bool = True  # by the page; else the training's own numbers are shown

    @property
    def side(self) -> int:
        """The side of the picture that a row is, 0 if it is none."""
        side = round(self.x_train.shape[1] ** 0.5)
        return side if self.largest and side * side == self.x_train.shape[1] else 0

    @property
    def is_plane(self) -> bool:
        """Whether a row is a point of a plane, so that outputs are shown as maps."""
        return bool(self.x_train.shape[1] == 2)


def make_problem(settings: Settings, own: Problem | None = None) -> Problem:
    """Return the rows that the settings describe; `own` are those that were given."""
    if settings.data == OWN:
        if own is None:
            raise ValueError(
                "settings: data is 'own', but no rows were given; start with ffnn play DATA or "
                "model.play(x, y)"
            )
        return own
    if settings.data == DIGITS:
        return _digits()
    x, y = make_toy(settings.data, noise=settings.noise, seed=settings.seed)
    held_out = round(settings.test_share * len(x))
    names = ["0", "1"] if settings.data in CLASSES else None
    return Problem(x[held_out:], y[held_out:], x[:held_out], y[:held_out], names, ["x0", "x1"])


@lru_cache(1)
def _digits() -> Problem:
    (x, y), (x_test, y_test) = load_digits()
    return Problem(x, y, x_test, y_test, [str(digit) for digit in range(10)], largest=16.0)


def class_names_of(model: Sequential) -> list[str] | None:
    """Return a name for each class of a compiled model that chooses one, None of any other."""
    if task_of(model) != "classes":
        return None
    return list(names_of(model.class_names, model.output_dim or 0, "classes"))


def own_problem(x: Any, y: Any, test_share: float = 0.2, seed: int = 0) -> Problem:
    """Return rows that were given, of which a share is drawn to test on.

    Raises
    ------
    DataError
        The rows cannot be shown: they are no array of numbers, too few or too many.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 2 or x.dtype.kind not in "biuf" or y.ndim not in (1, 2) or len(x) != len(y):
        raise DataError(
            f"play: expected x of shape (rows, columns) and one target a row, as numbers, got "
            f"{x.dtype} of shape {x.shape} and {y.dtype} of shape {y.shape}"
        )
    if not 4 <= len(x) <= MOST_ROWS:
        raise DataError(
            f"play: expected 4 to {MOST_ROWS:,} rows, which a page can show, got {len(x):,}; give "
            f"some of them, and watch a training of all by the callback Watch()"
        )
    order = generator(seed, 0, 0).permutation(len(x))
    held_out = max(1, round(test_share * len(x)))
    train, test = order[held_out:], order[:held_out]
    largest = float(x.max()) if x.dtype.kind == "u" else 0.0
    return Problem(x[train], y[train], x[test], y[test], largest=largest)
