"""Permutation importance: how much worse a model answers where a column tells nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar


def permutation_drops(
    score: Callable[[Array], float],
    features: Array,
    groups: Sequence[Sequence[int]],
    orders: Sequence[Array],
) -> tuple[float, Array]:
    """Return the score of the rows, and how much it drops for each column and each order.

    With s the score on rows X, and X with the features of a column c in the order π of other rows,

        importance(c, π) = s(X) - s(X with X[:, c] ← X[π, c]).

    What the column has to do with the target, and with all other columns, is lost then; how its
    entries are distributed is not. All features of a column move together, and each order is that
    of every column.

    Parameters
    ----------
    score : callable
        The score of features of shape (rows, features).
    features : ndarray of shape (rows, features)
        The rows; they stay as they are.
    groups : sequence of sequence of int
        The places of each column's features.
    orders : sequence of ndarray of int, shape (rows,)
        The permutations.

    Returns
    -------
    baseline : float
        s(X).
    drops : ndarray of shape (columns, orders)
        The importances.

    References
    ----------
    Breiman, "Random forests", Machine Learning 2001, section 10. Fisher, Rudin, Dominici, "All
    models are wrong, but many are useful", JMLR 2019, section 3.
    """
    baseline, trial = score(features), features.copy()
    drops = np.empty((len(groups), len(orders)))
    with bar("Permuting", drops.size, "order") as seen:
        for row, places in enumerate(groups):
            column = features[:, places]
            for number, order in enumerate(orders):
                trial[:, places] = column[order]
                drops[row, number] = baseline - score(trial)
                seen.update()
            trial[:, places] = column
    return baseline, drops
