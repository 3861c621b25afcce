"""Metrics of how classes, or rows, are ordered by their scores."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.checks import check_int
from ffnn.core.console import warn
from ffnn.core.formulas import Formulas
from ffnn.core.text import counted
from ffnn.errors import DataError
from ffnn.metrics.base import METRICS, count, ratio, rows_of
from ffnn.metrics.classification import ClassificationMetric
from ffnn.metrics.curves import area_under_roc
from ffnn.metrics.rows import RowsMetric

DEFAULT_K = 5


@METRICS.register("auc", "roc_auc")
class AUC(RowsMetric, ClassificationMetric):
    """The area under the ROC curve: how often a row of a class has a higher score than another row.

    It is exact, ties counting half, as scikit-learn's ``roc_auc_score``, and does not depend on the
    batch size. One unit is the score of class 1, of two classes the second unit. Of more classes it
    is the unweighted mean of each class against all others ("macro", one-vs-rest), and of several
    labels that of each label.

    The scores of all rows are kept until the epoch ends, see `RowsMetric`. Where a class or label
    has no rows, or no others, the area is not defined: it is NaN then, with a warning.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide, see `ClassificationMetric`.

    References
    ----------
    Hanley, McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143 (1982).

    Examples
    --------
    >>> from ffnn.metrics import AUC
    >>> metric = AUC()
    >>> metric.update([0, 1, 1], [0.2, 0.7, 0.6])
    >>> metric.result()
    1.0
    """

    formulas = Formulas(("A = yᵀ ([p > pᵀ] + 1/2 [p = pᵀ]) (1 - y) / (Σ y Σ (1 - y))",))
    name = "auc"
    higher_is_better = True

    def reset(self) -> None:
        """Discard all rows."""
        ClassificationMetric.reset(self)
        RowsMetric.reset(self)

    def of_rows(self, target: Array, output: Array, weight: Array | None) -> float:
        """Return the area, from 0 to 1, or the mean of several."""
        ClassificationMetric.reset(self)  # all rows are here, and say what they are
        if np.isnan(output).any():
            return math.nan
        answers = self._answers(target, output)
        scores = output[:, -1:] if answers.shape[1] == 1 else output
        areas = [
            area_under_roc(column, score, weight)
            for column, score in zip(answers.T, scores.T, strict=True)
        ]
        undefined = np.flatnonzero(np.isnan(areas))
        if len(undefined):
            self._warn(int(undefined[0]), answers, weight, labels=self.means_labels(target))
        return float(np.mean(areas))

    def _answers(self, target: Array, output: Array) -> Array:
        """Return the truth of each question that a score answers, as columns."""
        if target.ndim == 2 and (target.shape[1] == 1 or self.means_labels(target)):
            return np.asarray(target > 0.5)
        classes = target if target.ndim == 1 else target.argmax(axis=1)
        known = [1] if output.shape[1] <= 2 else range(output.shape[1])
        return np.asarray(classes[:, None] == np.array(known))

    def _warn(self, column: int, answers: Array, weight: Array | None, *, labels: bool) -> None:
        """Warn that the area of a class or label is not defined."""
        present = answers if weight is None else answers[weight > 0]
        rows, found = counted(len(present), "row"), bool(present[:, column].any())
        if len(present) < len(answers):
            rows += " that weigh more than 0"
        if answers.shape[1] == 1:
            what = f"all are of class {int(found)}"
        elif labels:
            what = f"label {column} is {int(found)} in all"
        else:
            what = f"{'all are' if found else 'none is'} of class {column}"
        warn(
            f"metric {self.name!r} is not defined, and nan: of {rows}, {what}; the area under the "
            f"ROC curve needs rows of a class and others"
        )


@METRICS.register("top_k_accuracy")
class TopKAccuracy(ClassificationMetric):
    """The fraction of rows whose class is among the k units with the largest outputs.

    Of equal outputs the later unit comes first, as in scikit-learn's ``top_k_accuracy_score``. Its
    name in histories is ``"top_k_accuracy"`` for the default k, and ``"top_3_accuracy"`` for 3.

    Parameters
    ----------
    k : int, default 5
        How many units count, at least 1 and fewer than there are classes.

    Examples
    --------
    >>> from ffnn.metrics import TopKAccuracy
    >>> metric = TopKAccuracy(2)
    >>> metric.update([0, 2], [[0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])
    >>> metric.result()
    0.5
    """

    formulas = Formulas(
        ("A = mean([k > Σ_units [p > s]]) with s = Σ_units (p ∘ y)",), where={"k": "k"}
    )
    name = "top_k_accuracy"
    higher_is_better = True
    if_labels = "Rows with several labels have no one class to be found."

    def __init__(self, k: int = DEFAULT_K) -> None:
        super().__init__("classes")
        self.k = check_int("TopKAccuracy", "k", k, low=1)
        if self.k != DEFAULT_K:
            self.name = f"top_{self.k}_accuracy"

    def reset(self) -> None:
        """Discard all batches."""
        super().reset()
        self._right: float = 0
        self._rows: float = 0

    def check_target(self, target: Array) -> None:
        """Raise DataError unless targets are classes, more than k of them."""
        super().check_target(target)
        if self.units is not None:
            self._check_units(self.units)

    def _check_units(self, units: int) -> None:
        if units == 1:
            raise DataError(
                f"metric {self.name!r}: expected a unit for each class, got one unit; "
                f"use 'accuracy'"
            )
        if self.k >= units:
            raise DataError(
                f"metric {self.name!r}: expected more than {self.k} classes, got {units}, of which "
                f"the first {self.k} are always right; give TopKAccuracy(k) with k below {units}"
            )

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Count the rows whose class is among the first k."""
        target, output, weight = self.open_batch(target, output, weight)
        rows, units = output.shape
        self._check_units(units)
        classes = self.classes(target, "target")
        right = np.less(
            self._places(classes, output), self.k, out=self.array("right", rows, dtype=bool)
        )
        self._right += count(right, weight)
        self._rows += rows_of(right, weight)

    def _places(self, classes: Array, output: Array) -> Array:
        """Return how many units come before that of each row's class; NaN comes before all."""
        before, tied, units = (
            self._table("before", output, bool),
            self._table("tied", output, bool),
            self.counting("unit", output.shape[1]),
        )
        own, places = (
            self.array("own", len(output), dtype=output.dtype),
            self.array("places", len(output), dtype=np.intp),
        )
        scores = self._table("scores", output)
        np.copyto(scores, output)
        np.equal(units, classes[:, None], out=before)
        np.add.reduce(scores, axis=1, where=before, out=own)
        np.equal(scores, own[:, None], out=tied)
        np.logical_and(tied, np.greater(units, classes[:, None], out=before), out=tied)
        np.logical_not(np.less_equal(scores, own[:, None], out=before), out=before)
        np.add.reduce(np.logical_or(before, tied, out=before), axis=1, out=places)
        return places

    def _table(self, name: str, output: Array, dtype: DTypeLike | None = None) -> Array:
        """Return an array of the output's shape that lies row by row."""
        table: Array = self.array(name, *output.shape[::-1], dtype=dtype or output.dtype).T
        return table

    def result(self) -> float:
        """Return the fraction, from 0 to 1."""
        return ratio(self._right, self._rows)
