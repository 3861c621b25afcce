"""Which rows a network is trained on, and which tell when it is best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.errors import DataError
from ffnn.tabular.recipe import FEW_ROWS, FEW_ROWS_NETWORKS, FEWEST_ROWS, VALIDATION_SHARE

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


def networks_for(y: Array, *, are_classes: bool) -> int:
    """Return how many networks learn from a table with the targets `y`: of few rows, five."""
    rows = int(np.count_nonzero(~_is_alone(y, are_classes)))
    return FEW_ROWS_NETWORKS if rows >= FEWEST_ROWS and len(y) < FEW_ROWS else 1


def _is_alone(y: Array, are_classes: bool) -> NDArray[np.bool_]:
    """Return which rows are the only ones of their class, which are never held out."""
    return np.bincount(y)[y] == 1 if are_classes else np.zeros(len(y), bool)


def splits(y: Array, count: int, rng: np.random.Generator, *, are_classes: bool) -> list[Split]:
    """Return for each of some networks the numbers of the rows to train on, and of those held out.

    One network gets a tenth of the rows to be validated on. Of several each is validated on one of
    as many folds. Each fold has the same share of each class; a class of a single row is always
    trained on.

    Parameters
    ----------
    y : array of shape (rows,)
        Class numbers or numbers.
    count : int
        How many networks.
    rng : Generator
        Draws the folds.
    are_classes : bool
        Whether `y` has class numbers.

    Raises
    ------
    DataError
        A fold would be empty.
    """
    folds = count if count > 1 else round(1.0 / VALIDATION_SHARE)
    order = rng.permutation(len(y))
    is_alone = _is_alone(y, are_classes)
    if are_classes:
        order = order[np.argsort(y[order], kind="stable")]
    order = order[~is_alone[order]]
    if len(order) < max(count, 2):
        rare = "; a class of one row is only trained on" if is_alone.any() else ""
        raise DataError(
            f"expected at least {max(count, 2)} rows to hold some out of, got {len(order)}{rare}"
        )
    fold = np.full(len(y), -1)
    fold[order] = np.arange(len(order)) % folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]
