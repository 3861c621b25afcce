"""Which rows a network is trained on, and which tell when it is best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.errors import DataError
from ffnn.tabular.recipe import VALIDATION_SHARE

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


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
    is_alone = np.zeros(len(y), bool)
    if are_classes:
        order = order[np.argsort(y[order], kind="stable")]
        is_alone = np.bincount(y)[y] == 1
    order = order[~is_alone[order]]
    if len(order) < max(count, 2):
        rare = "; a class of one row is only trained on" if is_alone.any() else ""
        raise DataError(
            f"expected at least {max(count, 2)} rows to hold some out of, got {len(order)}{rare}"
        )
    fold = np.full(len(y), -1)
    fold[order] = np.arange(len(order)) % folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(count)]
