"""The confusion matrix: how often each class is taken for each other one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int
from ffnn.core.formulas import Formulas
from ffnn.data.numbers import as_numbers
from ffnn.data.targets import prepare_weights, refuse
from ffnn.errors import DataError
from ffnn.metrics.base import METRICS
from ffnn.metrics.classification import ClassificationMetric

MOST_CLASSES = 10_000  # of which a matrix takes 800 MB


def confusion_matrix(
    y_true: Any, y_pred: Any, sample_weight: Any = None, num_classes: int | None = None
) -> Array:
    """Count, for each class, what its rows are taken for.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (rows,), (rows, 1) or (rows, classes)
        Class numbers; or a column of probabilities that the class is 1, which is so above 0.5; or
        one-hot rows or scores, of which the largest counts.
    sample_weight : array-like of shape (rows,), optional
        The rows' weights.
    num_classes : int, optional
        The number of classes; if not given, one more than the largest class number, at least 2, and
        as many as `y_true` or `y_pred` have columns.

    Returns
    -------
    ndarray of shape (classes, classes)
        Entry [i, j] is the number of rows of class i that are taken for class j, an integer; with
        `sample_weight` the sum of their weights, a float64.

    Raises
    ------
    DataError
        The numbers of rows differ, a class number is not an integer from 0 to `num_classes` - 1, or
        a weight is negative or not finite.

    Examples
    --------
    >>> from ffnn.metrics import confusion_matrix
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    sides = [as_numbers(values, name) for values, name in ((y_true, "y_true"), (y_pred, "y_pred"))]
    true, predicted = (
        _classes(values, name) for values, name in zip(sides, ("y_true", "y_pred"), strict=True)
    )
    if len(true) != len(predicted):
        raise DataError(
            f"y_pred: expected a row for each of {len(true)} rows of y_true, got {len(predicted)}"
        )
    size = max([2, *(side.shape[1] for side in sides if side.ndim == 2)])
    size = max(size, 1 + max(true.max(initial=0), predicted.max(initial=0)))
    if num_classes is not None:
        size = check_int("confusion_matrix", "num_classes", num_classes, low=2, high=MOST_CLASSES)
        for name, classes in (("y_true", true), ("y_pred", predicted)):
            refuse(classes >= size, classes, f"{name}: expected classes from 0 to {size - 1}")
    weight = None if sample_weight is None else prepare_weights(sample_weight, len(true))
    counts = np.bincount(true * size + predicted, weights=weight, minlength=size * size)
    matrix: Array = counts.reshape(size, size)
    return matrix


def _classes(values: Array, name: str) -> Array:
    """Return the class number of each row."""
    if values.ndim == 2 and values.shape[1] > 1:
        return np.asarray(values.argmax(axis=1))
    if values.ndim == 2 and values.shape[1] == 1:
        return (values[:, 0] > 0.5).astype(np.intp)
    if values.ndim != 1:
        raise DataError(
            f"{name}: expected class numbers of shape (rows,), or (rows, classes), "
            f"got shape {values.shape}"
        )
    with np.errstate(invalid="ignore"):  # of NaN
        classes = values.astype(np.intp)
    wrong = (classes != values) | (values < 0) | (values >= MOST_CLASSES)
    expected = f"{name}: expected class numbers from 0 to {MOST_CLASSES - 1}"
    refuse(wrong, values, expected, "; give probabilities of class 1 as a column, (rows, 1)")
    return classes


@METRICS.register("confusion_matrix")
class ConfusionMatrix(ClassificationMetric):
    """How many rows of each class are taken for each class: a table, which `evaluate` returns.

    Entry [i, j] counts the rows of class i of which class j is the largest unit; with one unit, the
    classes are 0 and 1, cut at 0.5. In `weighted_metrics` it holds sums of weights. The function
    `confusion_matrix` is the same for arrays.

    Examples
    --------
    >>> from ffnn.metrics import ConfusionMatrix
    >>> metric = ConfusionMatrix()
    >>> metric.update([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> metric.result()
    array([[1, 0],
           [1, 1]])
    """

    formulas = Formulas(("C = yᵀ c with c = [p = max_units(p)]",))
    name = "confusion_matrix"
    higher_is_better = False  # which callbacks never ask of a table
    is_table = True
    if_labels = "Several labels a row have no confusion matrix; precision and recall take them."

    def __init__(self) -> None:
        super().__init__("classes")

    def reset(self) -> None:
        """Discard all batches."""
        super().reset()
        classes = 0 if self.units is None else max(self.units, 2)
        self._counts = np.zeros((classes, classes), np.intp)

    def check_target(self, target: Array) -> None:
        """Raise DataError unless targets are classes, of which there are not too many."""
        super().check_target(target)
        if self.units is not None and self.units > MOST_CLASSES:
            raise DataError(
                f"metric {self.name!r}: expected at most {MOST_CLASSES:,} classes, "
                f"got {self.units:,}, whose table would fill the memory"
            )

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Count the rows of each pair of classes."""
        target, output, weight = self.open_batch(target, output, weight)
        classes = max(output.shape[1], 2)
        if not len(self._counts):
            self._counts = np.zeros((classes, classes), np.intp)
        pairs = self.array("pairs", len(output), dtype=np.intp)
        np.multiply(self.classes(target, "target"), classes, out=pairs)
        np.add(pairs, self.classes(output, "output"), out=pairs)
        counts = np.bincount(pairs, self.exact(weight), classes * classes)
        self._counts = self._counts + counts.reshape(classes, classes)

    def result(self) -> Array:
        """Return the table, of shape (classes, classes)."""
        table: Array = self._counts.copy()
        return table
