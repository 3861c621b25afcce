"""Curves of scores against decisions: ROC, precision and recall, calibration. Functions of arrays.

`y_true` is (rows,), 1 or True where the answer is yes and else 0, and `scores` (rows,), the larger
the surer: probabilities, or any numbers where only their order counts. Rows of equal scores are
decided together, so ties are exact. A row of weight 0 is as if it were not there.

What is not defined is NaN: a rate among no rows. Nothing is 0 for want of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int
from ffnn.data.numbers import as_numbers
from ffnn.data.targets import prepare_weights, refuse
from ffnn.errors import DataError


class RocCurve(NamedTuple):
    """Points of the receiver operating characteristic, from (0, 0) to (1, 1).

    Each array is (points,): at point i all rows with a score of at least ``thresholds[i]`` count as
    yes. The first threshold is infinite; then there is one for each score that occurs.

    Examples
    --------
    >>> from ffnn.metrics import roc_curve
    >>> curve = roc_curve([0, 1, 1], [0.2, 0.7, 0.6])
    >>> curve.true_positive_rate.tolist(), curve.false_positive_rate.tolist()
    ([0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0])
    """

    false_positive_rate: Array  # yes among the rows whose answer is no
    true_positive_rate: Array  # yes among the rows whose answer is yes
    thresholds: Array


class PrecisionRecallCurve(NamedTuple):
    """Points of precision against recall, from recall 0, where the precision counts as 1.

    Each array is (points,); `thresholds` are those of `RocCurve`.

    Examples
    --------
    >>> from ffnn.metrics import precision_recall_curve
    >>> curve = precision_recall_curve([0, 1, 1], [0.2, 0.7, 0.6])
    >>> curve.precision.round(2).tolist(), curve.recall.tolist()
    ([1.0, 1.0, 1.0, 0.67], [0.0, 0.5, 1.0, 1.0])
    """

    precision: Array  # answers that are yes among the rows that count as yes
    recall: Array  # the true positive rate
    thresholds: Array


class CalibrationCurve(NamedTuple):
    """Bins of predicted probabilities that have any rows, from low to high; arrays of (bins,).

    Examples
    --------
    >>> from ffnn.metrics import calibration_curve
    >>> curve = calibration_curve([0, 1, 1, 1], [0.1, 0.2, 0.9, 0.8], bins=2)
    >>> curve.fraction.tolist(), curve.rows.tolist()
    ([0.5, 1.0], [2, 2])
    """

    confidence: Array  # the mean probability of the bin's rows
    fraction: Array  # of these rows, those whose answer is yes
    rows: Array  # how many they are, or the sum of their weights


def roc_curve(y_true: Any, scores: Any, sample_weight: Any = None) -> RocCurve:
    """Return the true positive rate against the false positive rate.

    Parameters
    ----------
    y_true : array-like of shape (rows,)
        The answers, 0 or 1.
    scores : array-like of shape (rows,)
        What was predicted for them.
    sample_weight : array-like of shape (rows,), optional
        The rows' weights.

    Raises
    ------
    DataError
        Shapes differ, an answer is not 0 or 1, a score is NaN, or a weight is negative or not
        finite.

    References
    ----------
    Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), algorithm 1.

    Examples
    --------
    >>> from ffnn.metrics import roc_curve
    >>> roc_curve([0, 1, 1], [0.2, 0.7, 0.1]).true_positive_rate.tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    yes, no, thresholds = _counts_above(y_true, scores, sample_weight)
    return RocCurve(_share(no), _share(yes), thresholds)


def precision_recall_curve(
    y_true: Any, scores: Any, sample_weight: Any = None
) -> PrecisionRecallCurve:
    """Return the precision against the recall; parameters and errors are those of `roc_curve`.

    Examples
    --------
    >>> from ffnn.metrics import precision_recall_curve
    >>> precision_recall_curve([0, 1, 1], [0.2, 0.7, 0.6]).recall.tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    yes, no, thresholds = _counts_above(y_true, scores, sample_weight)
    precision = np.divide(yes, yes + no, out=np.ones_like(yes), where=yes + no > 0)
    return PrecisionRecallCurve(precision, _share(yes), thresholds)


def area_under_roc(y_true: Any, scores: Any, sample_weight: Any = None) -> float:
    """Return the area under the ROC curve, NaN if all answers are the same.

    It is the probability that a random row whose answer is yes has a higher score than a random one
    whose answer is no, where equal scores count half. Parameters and errors are those of
    `roc_curve`.

    Examples
    --------
    >>> from ffnn.metrics import area_under_roc
    >>> area_under_roc([0, 1, 1], [0.2, 0.7, 0.6])
    1.0
    """
    yes, no, _ = _counts_above(y_true, scores, sample_weight)
    whole = 2.0 * yes[-1] * no[-1]
    if whole == 0.0:
        return float("nan")
    return float(np.dot(np.diff(no), yes[1:] + yes[:-1]) / whole)  # whole numbers without weights


def average_precision(y_true: Any, scores: Any, sample_weight: Any = None) -> float:
    """Return Σ (R_i - R_(i-1)) P_i over precision P and recall R, NaN if no answer is yes.

    Nothing is interpolated between the points. Parameters and errors are those of `roc_curve`.

    Examples
    --------
    >>> from ffnn.metrics import average_precision
    >>> average_precision([0, 1, 1], [0.2, 0.7, 0.6])
    1.0
    """
    precision, recall, _ = precision_recall_curve(y_true, scores, sample_weight)
    return float(np.dot(np.diff(recall), precision[1:]))


def calibration_curve(
    y_true: Any, probabilities: Any, bins: int = 10, sample_weight: Any = None
) -> CalibrationCurve:
    """Return how often the answer is yes where a probability says how often it should be.

    Parameters
    ----------
    y_true : array-like of shape (rows,)
        The answers, 0 or 1.
    probabilities : array-like of shape (rows,)
        The predicted probabilities of yes, from 0 to 1.
    bins : int, default 10
        The number of bins of equal width. A probability on an edge is in the lower bin.
    sample_weight : array-like of shape (rows,), optional
        The rows' weights.

    Raises
    ------
    DataError
        As for `roc_curve`, or a probability is not from 0 to 1.

    Examples
    --------
    >>> from ffnn.metrics import calibration_curve
    >>> len(calibration_curve([0, 1, 1], [0.2, 0.7, 0.6]))
    3
    """
    bins = check_int("calibration_curve", "bins", bins, low=1, high=1_000_000)
    answers, p, weight = _check(y_true, probabilities, sample_weight)
    refuse((p < 0.0) | (p > 1.0), p, "probabilities: expected numbers from 0 to 1")
    places = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], p)
    count, sum_p, sum_yes = (
        np.bincount(places, weights=values, minlength=bins)
        for values in (weight, weight * p, weight * answers)
    )
    filled = count > 0
    count = count[filled]
    is_count = sample_weight is None
    return CalibrationCurve(
        sum_p[filled] / count, sum_yes[filled] / count, count.astype(np.intp) if is_count else count
    )


def _counts_above(y_true: Any, scores: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Return, for each threshold, the weights of the rows of at least it: yes, no, threshold."""
    answers, scores, weight = _check(y_true, scores, sample_weight)
    order = np.argsort(-scores, kind="stable")
    scores, answers, weight = scores[order], answers[order], weight[order]
    last_of_ties = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    yes, no = (
        np.append(0.0, np.cumsum(weight * side)[last_of_ties]) for side in (answers, 1.0 - answers)
    )
    return yes, no, np.append(np.inf, scores[last_of_ties])


def _share(counts: Array) -> Array:
    """Return cumulative counts as fractions of the last one, NaN if that is 0."""
    whole = counts[-1]
    return counts / whole if whole else np.full_like(counts, np.nan)


def _check(y_true: Any, scores: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Return answers, scores and weights in float64, without rows of weight 0, or raise."""
    answers, scores = _column(y_true, "y_true"), _column(scores, "scores")
    if len(answers) != len(scores):
        raise DataError(
            f"scores: expected one for each of {len(answers)} answers in y_true, got {len(scores)}"
        )
    refuse((answers != 0.0) & (answers != 1.0), answers, "y_true: expected answers of 0 and 1")
    refuse(np.isnan(scores), scores, "scores: expected numbers")
    if sample_weight is None:
        return answers, scores, np.ones(len(answers))
    weight = prepare_weights(sample_weight, len(answers))
    present = weight > 0
    return answers[present], scores[present], weight[present].astype(np.float64)


def _column(values: Any, name: str) -> Array:
    """Return numbers of shape (rows,) as float64."""
    column = as_numbers(values, name)
    if column.ndim != 1:
        raise DataError(
            f"{name}: expected one number for each row, shape (rows,), got {column.shape}"
        )
    return column.astype(np.float64)
