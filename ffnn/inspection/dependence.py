"""Partial dependence: what a model answers on average where a column has one entry in all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar

MOST_POINTS = 20
_ENDS = 0.05, 0.95  # quantiles between which numbers are looked at


def dependence(
    predict: Callable[[Array], Array], features: Array, places: Sequence[int], entries: Array
) -> Array:
    """Return the mean outputs with a column set to each of some entries in all rows.

    For a model f and n rows, of which x₋c are the other columns than c,

        f_c(v) = 1/n Σᵢ f(v, x₋c of row i).

    Parameters
    ----------
    predict : callable
        The outputs, (rows, units), of features.
    features : ndarray of shape (rows, features)
        The rows; they stay as they are.
    places : sequence of int
        The places of the column's features.
    entries : ndarray of shape (points, places)
        The features that each entry v becomes.

    Returns
    -------
    ndarray of shape (points, units)
        The means.

    References
    ----------
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics
    2001, section 8.2.
    """
    trial, means = features.copy(), list[Array]()
    with bar("Predicting", len(entries), "point") as seen:
        for entry in entries:
            trial[:, places] = entry
            means.append(predict(trial).mean(axis=0, dtype=np.float64))
            seen.update()
    return np.array(means)


def points_of_numbers(values: Array) -> Array:
    """Return the numbers of rows whose values are typical of all, ascending: each value once.

    Of more than 20 values these are the ones at quantiles from 5 to 95 %. NaN is none.
    """
    order = np.argsort(values, kind="stable")[: int(np.count_nonzero(~np.isnan(values)))]
    distinct = order[np.unique(values[order], return_index=True)[1]]
    if len(distinct) <= MOST_POINTS:
        return distinct
    shares = np.linspace(*_ENDS, MOST_POINTS)
    chosen = order[np.round(shares * (len(order) - 1)).astype(np.intp)]
    return chosen[np.unique(values[chosen], return_index=True)[1]]


def points_of_texts(texts: Sequence[str]) -> Array:
    """Return the number of a row for each of the entries, of many the most frequent ones first."""
    distinct, first, counts = np.unique(texts, return_index=True, return_counts=True)
    chosen = np.lexsort((distinct, -counts))[:MOST_POINTS]
    return first[chosen]
