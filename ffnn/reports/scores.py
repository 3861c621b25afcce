"""Scores of each class or label: how well a yes-or-no question is answered, and means of these."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar
from ffnn.metrics.curves import area_under_roc, average_precision
from ffnn.reports.pieces import Table, rate

MOST_GROUPS = 60  # classes or labels that a table lists


class Scores(NamedTuple):
    """What is measured of a class or label, NaN where it is not defined.

    Attributes
    ----------
    name : str
        The class or label.
    precision : float
        The fraction right of the rows that are predicted as it.
    recall : float
        The fraction found of the rows that belong to it.
    f1 : float
        The harmonic mean of both.
    auc : float
        The area under the ROC curve of its score against all other rows.
    average_precision : float
        The mean precision over the recall.
    rows : int
        How many rows belong to it.
    """

    name: str
    precision: float
    recall: float
    f1: float
    auc: float
    average_precision: float
    rows: int


class Question(NamedTuple):
    """Does a row belong to a class or label: the truth, and how sure the model is that it does.

    Rows are in the order of falling values, which all curves begin with, and which sorts once.
    """

    scores: Scores
    actual: Array  # (rows,), booleans
    values: Array  # (rows,)


def ask_each(columns: Iterable[tuple[str, Array, Array, Array]], number: int) -> list[Question]:
    """Return the questions of some classes or labels, each given as the arguments of `ask`."""
    questions = list[Question]()
    with bar("Measuring", number, "class") as seen:
        for column in columns:
            questions.append(ask(*column))
            seen.update()
    return questions


def ask(name: str, actual: Array, predicted: Array, values: Array) -> Question:
    """Return the question of a class or label, with its scores.

    Parameters
    ----------
    name : str
        What it is called.
    actual, predicted : ndarray of bool, shape (rows,)
        Which rows belong to it, and which are predicted as it.
    values : ndarray of shape (rows,)
        How sure the model is that they do.

    Notes
    -----
    As scikit-learn's, a precision or recall among no rows counts as 0; all three are NaN where
    there is nothing at all, neither a row of the class nor one predicted as it.
    """
    hits, found, rows = (int(np.count_nonzero(m)) for m in (actual & predicted, predicted, actual))
    is_there = found + rows > 0

    def share(part: float, whole: float) -> float:
        return part / whole if whole else 0.0 if is_there else math.nan

    order = np.argsort(-values)
    actual, values = actual[order], values[order]
    scores = Scores(
        name,
        precision=share(hits, found),
        recall=share(hits, rows),
        f1=share(2 * hits, found + rows),
        auc=area_under_roc(actual, values),
        average_precision=average_precision(actual, values),
        rows=rows,
    )
    return Question(scores, actual, values)


def means(groups: Sequence[Scores]) -> tuple[Scores, Scores]:
    """Return the plain mean over classes or labels ("macro"), and that weighted by their rows.

    What is not defined is left out of a mean.
    """
    rows = np.array([group.rows for group in groups])
    values = np.array([group[1:6] for group in groups], dtype=np.float64)
    total = int(rows.sum())
    return (
        _mean("macro mean", values, np.ones(len(rows)), total),
        _mean("weighted mean", values, rows, total),
    )


def _mean(name: str, values: Array, weights: Array, rows: int) -> Scores:
    """Return the weighted mean of each column without its NaNs; NaN where nothing is left."""
    present = ~np.isnan(values)
    whole = weights @ present
    sums = weights @ np.where(present, values, 0.0)
    result = np.divide(sums, whole, out=np.full(5, math.nan), where=whole > 0)
    precision, recall, f1, auc, average = result.tolist()
    return Scores(name, precision, recall, f1, auc, average, rows)


def scores_table(kind: str, groups: Sequence[Scores], sums: Sequence[Scores]) -> Table:
    """Return the scores of all groups, or of the ones with the lowest F1, and their means."""
    chosen, text = list(groups), ""
    if len(groups) > MOST_GROUPS:
        chosen = sorted(groups, key=_by_f1)[:MOST_GROUPS]
        text = f"The {MOST_GROUPS} of {len(groups):,} with the lowest F1."
    rows = tuple((each.name, *map(rate, each[1:6]), f"{each.rows:,}") for each in (*chosen, *sums))
    header = (kind, "precision", "recall", "F1", "AUC", "avg. prec.", "rows")
    plural = "Classes" if kind == "class" else "Labels"
    return Table(plural, header, rows, "lrrrrrr", text, num_sums=len(sums))


def _by_f1(scores: Scores) -> float:
    return math.inf if math.isnan(scores.f1) else scores.f1
