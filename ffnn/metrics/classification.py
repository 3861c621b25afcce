"""Metrics of decisions: one class out of several, yes or no, or several labels a row."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_choice
from ffnn.core.formulas import Formulas
from ffnn.errors import DataError
from ffnn.metrics.base import METRICS, DenseMetric, Metric, count, ratio, rows_of

_SUM_TOLERANCE = 1e-3  # soft labels come rounded
_NUMBERS = "For numbers use 'mse', 'mae' or 'r2'."
_SIGMOIDS = "For several labels a row use loss='binary_crossentropy' after sigmoid units."


def check_entries(name: str, target: Array, task: str | None) -> None:
    """Raise DataError unless all entries are 0 or 1, or probabilities where the loss takes such."""
    if task == "numbers":
        wrong, expected = (target != 0) & (target != 1), "0 and 1"
    else:
        wrong, expected = ~((target >= 0) & (target <= 1)), "numbers from 0 to 1"
    places = np.argwhere(wrong)
    if len(places):
        row, column = places[0]
        raise DataError(
            f"metric {name!r} counts right decisions: expected targets of {expected}, got "
            f"{target[row, column]} in row {row}, column {column}. Code two classes as 0 and 1, or "
            f"use another metric. {_NUMBERS}"
        )


def _is_class_row(target: Array) -> Array:
    """Tell of each row whether its entries sum to 1."""
    return np.asarray(np.abs(target.sum(axis=1) - 1.0) <= _SUM_TOLERANCE)


class ClassificationMetric(Metric):
    """A metric of decisions.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide: one class out of several, the largest unit; or several labels,
        each where its unit is above 0.5. "auto" asks the model (`Loss.task_after`): labels with
        binary cross-entropy, else classes. Without a model it looks at the first batch: classes if
        each row of targets sums to 1.

    Examples
    --------
    >>> from ffnn.metrics import Accuracy  # is one
    >>> metric = Accuracy(task="labels")
    >>> metric.update([[1, 0], [1, 1]], [[0.9, 0.2], [0.4, 0.8]])  # the second lacks a label
    >>> metric.result()
    0.5
    """

    def __init__(self, task: str = "auto") -> None:
        self.task = check_choice(type(self).__name__, "task", task, ("auto", "classes", "labels"))
        self.first_seen: str | None = None

    def reset(self) -> None:
        """Discard all batches."""
        self.first_seen = None

    def check_target(self, target: Array) -> None:
        """Raise DataError unless targets are decisions of the kind that is measured."""
        if target.ndim == 1:
            if self.task == "labels":
                raise DataError(
                    f"metric {self.name!r} of task 'labels': expected a column for each label, "
                    f"got class numbers of shape {target.shape}"
                )
            return
        check_entries(self.name, target, self.loss_task)
        if target.shape[1] == 1 or self.means_labels(target):
            return
        wrong = np.flatnonzero(~_is_class_row(target))
        if len(wrong):
            raise DataError(
                f"metric {self.name!r} of one class out of several: expected rows that sum to 1, "
                f"got {target[wrong[0]].tolist()} in row {wrong[0]}. {self.if_labels} {_NUMBERS}"
            )

    @property
    def if_labels(self) -> str:
        """What to do if rows have several labels, and not one class."""
        metric = f"{type(self).__name__}(task='labels')"
        return f"{_SIGMOIDS} With another loss give the metric as {metric}."

    def means_labels(self, target: Array) -> bool:
        """Tell whether several units decide on a label each, and not on one class together."""
        if target.ndim == 1 or target.shape[1] == 1:
            return False
        if self.task != "auto":
            return self.task == "labels"
        if self.loss_task is not None:
            return self.loss_task == "probabilities"
        seen = "classes" if _is_class_row(target).all() else "labels"
        if self.first_seen is None:
            self.first_seen = seen
        if self.first_seen == "classes" and seen == "labels":
            raise DataError(
                f"metric {self.name!r}: rows with one class came first, then a row with several "
                f"labels; say what they are: {type(self).__name__}(task='labels')"
            )
        return self.first_seen == "labels"

    def classes(self, values: Array, name: str) -> Array:
        """Return the class number of each row of targets or outputs."""
        if values.ndim == 1:
            return values
        classes = self.array(name, len(values), dtype=np.intp)
        if values.shape[1] == 1:
            return np.greater(values[:, 0], 0.5, out=classes)
        rows = self.array(f"{name} rows", *values.shape[::-1], dtype=values.dtype).T
        np.copyto(rows, values)  # argmax would copy what does not lie row by row
        return np.argmax(rows, axis=1, out=classes)

    def labels(self, values: Array, name: str) -> Array:
        """Tell of each entry of targets or outputs whether it is above 0.5."""
        return np.greater(values, 0.5, out=self.array(f"{name}s", *values.shape, dtype=bool))


@METRICS.register("accuracy", "acc")
class Accuracy(ClassificationMetric):
    """The fraction of rows that are decided correctly.

    With one unit output and target are cut at 0.5. With several the largest unit counts, and
    targets may be class numbers, one-hot or soft rows. Of several labels a row is correct if all
    its labels are ("subset accuracy"); `BinaryAccuracy` counts each label for itself.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide, see `ClassificationMetric`.

    Examples
    --------
    >>> from ffnn.metrics import Accuracy
    >>> metric = Accuracy()
    >>> metric.update([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> metric.result()
    0.6666666666666666
    """

    formulas = Formulas(("A = mean(Σ_units c ∘ y) with c = [p = max_units(p)]",))
    name = "accuracy"
    higher_is_better = True

    def reset(self) -> None:
        """Discard all batches."""
        super().reset()
        self._right: float = 0
        self._rows: float = 0

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Count the correct rows."""
        target, output, weight = self.open_batch(target, output, weight)
        right = self.array("right", len(output), dtype=bool)
        if self.means_labels(target):
            found = self.labels(output, "output")
            np.all(np.equal(self.labels(target, "target"), found, out=found), axis=1, out=right)
        else:
            np.equal(self.classes(target, "target"), self.classes(output, "output"), out=right)
        self.add(count(right, weight), rows_of(right, weight))

    def add(self, right: float, rows: float) -> None:
        """Add so many rows, of which so many were decided correctly, or the sums of weights."""
        self._right += right
        self._rows += rows

    def result(self) -> float:
        """Return the fraction, from 0 to 1; NaN of no rows."""
        return ratio(self._right, self._rows)


@METRICS.register("binary_accuracy")
class BinaryAccuracy(DenseMetric):
    """The fraction of entries on the correct side of 0.5, for several yes-or-no labels per row.

    Examples
    --------
    >>> from ffnn.metrics import BinaryAccuracy
    >>> metric = BinaryAccuracy()
    >>> metric.update([[1, 0], [1, 1]], [[0.9, 0.2], [0.4, 0.8]])
    >>> metric.result()
    0.75
    """

    formulas = Formulas(("A = mean([[p > 0.5] = [y > 0.5]])",))
    name = "binary_accuracy"
    higher_is_better = True

    def check_target(self, target: Array) -> None:
        """Raise DataError unless all entries are decisions."""
        super().check_target(target)
        check_entries(self.name, target, self.loss_task)

    def reset(self) -> None:
        """Discard all batches."""
        self._right: float = 0
        self._entries: float = 0

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Count the correct entries."""
        target, output, weight = self.open_batch(target, output, weight)
        high = np.greater(output, 0.5, out=self.array("output", *output.shape, dtype=bool))
        wanted = np.greater(target, 0.5, out=self.array("target", *output.shape, dtype=bool))
        self._right += count(np.equal(high, wanted, out=high), weight)
        self._entries += rows_of(high, weight) * high.shape[1]

    def result(self) -> float:
        """Return the fraction, from 0 to 1; NaN of no rows."""
        return ratio(self._right, self._entries)


class _ConfusionMetric(ClassificationMetric):
    """The fraction hits / (α predicted + (1 - α) actual) of a class, from counts of its rows.

    With α = 1 it is the precision, with α = 0 the recall, and with α = 1/2 their harmonic mean, F1
    (van Rijsbergen, "Information Retrieval", 1979, chapter 7). With one unit the metric is that of
    class 1; with several it is the unweighted mean over the classes, or labels ("macro"). A class
    with no rows to divide by counts as 0.
    """

    higher_is_better = True
    _alpha: ClassVar[float]

    def reset(self) -> None:
        """Discard all batches."""
        super().reset()
        self._units = 0
        self._hits = self._predicted = self._actual = np.zeros(0)

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Count, per class or label, correct rows, rows predicted as it, and rows of it."""
        target, output, weight = self.open_batch(target, output, weight)
        classes = max(output.shape[1], 2)
        if self._units == 0:
            self._units = output.shape[1]
            self._hits, self._predicted, self._actual = np.zeros((3, classes))
        if self.means_labels(target):
            wanted, found = self.labels(target, "target"), self.labels(output, "output")
            self._count_labels(wanted, found, weight)
        else:
            wanted, found = self.classes(target, "target"), self.classes(output, "output")
            self._count_classes(wanted, found, self.exact(weight), classes)

    def _count_labels(self, wanted: Array, found: Array, weight: Array | None) -> None:
        self._actual += count(wanted, weight, axis=0)
        self._predicted += count(found, weight, axis=0)
        self._hits += count(np.logical_and(wanted, found, out=found), weight, axis=0)

    def _count_classes(
        self, wanted: Array, found: Array, weight: Array | None, classes: int
    ) -> None:
        right = np.equal(wanted, found, out=self.array("right", len(wanted), dtype=bool))
        hits = self.array("hits", len(wanted), dtype=np.intp)
        hits.fill(classes)  # an extra class, for the wrong rows
        np.copyto(hits, wanted, where=right)
        self._hits += np.bincount(hits, weight, classes + 1)[:classes]
        self._predicted += np.bincount(found, weight, classes)
        self._actual += np.bincount(wanted, weight, classes)

    def result(self) -> float:
        """Return that of class 1, or the mean over the classes, from 0 to 1; NaN of no rows."""
        if self._units == 0:
            return math.nan
        whole = self._alpha * self._predicted + (1.0 - self._alpha) * self._actual
        values = np.divide(self._hits, whole, out=np.zeros_like(whole), where=whole > 0)
        return float(values[1] if self._units == 1 else values.mean())


@METRICS.register("precision")
class Precision(_ConfusionMetric):
    """The fraction of rows predicted as a class that belong to it; macro mean over classes.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide, see `ClassificationMetric`.

    Examples
    --------
    >>> from ffnn.metrics import Precision
    >>> metric = Precision()
    >>> metric.update([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> metric.result()
    0.75
    """

    formulas = Formulas(("P = mean((Σ_rows c ∘ y) / Σ_rows c) with c = [p = max_units(p)]",))
    name = "precision"
    _alpha = 1.0


@METRICS.register("recall")
class Recall(_ConfusionMetric):
    """The fraction of a class's rows that are predicted as it; macro mean over classes.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide, see `ClassificationMetric`.

    Examples
    --------
    >>> from ffnn.metrics import Recall
    >>> metric = Recall()
    >>> metric.update([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> metric.result()
    0.75
    """

    formulas = Formulas(("R = mean((Σ_rows c ∘ y) / Σ_rows y) with c = [p = max_units(p)]",))
    name = "recall"
    _alpha = 0.0


@METRICS.register("f1", "f1_score")
class F1(_ConfusionMetric):
    """The harmonic mean of precision and recall, 2 hits / (predicted + actual); macro mean.

    Parameters
    ----------
    task : {"auto", "classes", "labels"}, default "auto"
        What several units decide, see `ClassificationMetric`.

    Examples
    --------
    >>> from ffnn.metrics import F1
    >>> metric = F1()
    >>> metric.update([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> metric.result()
    0.6666666666666666
    """

    formulas = Formulas(
        ("F = mean(2 (Σ_rows c ∘ y) / Σ_rows (c + y)) with c = [p = max_units(p)]",)
    )
    name = "f1"
    _alpha = 0.5
