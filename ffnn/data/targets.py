"""Targets checked once, before training, and brought into the form that losses compute with.

Each check returns an array with a row for each example, or raises DataError with the first row that
does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.checks import check_in_dtype, check_number
from ffnn.core.text import shown
from ffnn.data.numbers import as_numbers
from ffnn.data.sources import ArraySource, check_finite
from ffnn.errors import DataError

_SUM_TOLERANCE = 1e-3  # soft labels come rounded, in float32 or from a text file


def refuse(wrong: Array, values: Array, expected: str, advice: str = "") -> None:
    """Raise DataError with the first row or entry of `values` for which `wrong` is true."""
    places = np.argwhere(wrong)
    if len(places):
        value = values[tuple(places[0])]
        if value.ndim:
            value = value.tolist()
        place = ", column ".join(map(str, places[0]))  # the row, and its column if it has several
        raise DataError(f"{expected}, got {value} in row {place}{advice}")


def prepare_dense(y: Array, units: int, loss: str) -> Array:
    """Return targets as finite numbers of shape (rows, units); one unit's may come flat."""
    y = as_numbers(y, "y")
    if y.ndim == 1 and units == 1:
        y = y.reshape(-1, 1)
    if y.ndim != 2 or y.shape[1] != units:
        hint = ""
        if y.ndim == 1 and y.dtype.kind in "iu":
            hint = " For class labels end in a softmax and use loss='categorical_crossentropy'."
        raise DataError(
            f"{loss}: expected y of shape (rows, {units}), one column for each output, "
            f"got shape {y.shape}.{hint}"
        )
    check_finite(ArraySource(y), "y")
    return y


def prepare_probabilities(y: Array, units: int, loss: str = "binary_crossentropy") -> Array:
    """Return targets of shape (rows, units) from 0 to 1."""
    y = prepare_dense(y, units, loss)
    expected = f"{loss}: expected y between 0 and 1"
    refuse((y < 0) | (y > 1), y, expected, ". Code the two classes as 0 and 1.")
    return y


def prepare_counts(y: Array, units: int) -> Array:
    """Return targets of shape (rows, units), each at least 0."""
    y = prepare_dense(y, units, "poisson")
    refuse(y < 0, y, "poisson: expected y of at least 0, such as counts")
    return y


def prepare_labels(y: Array, units: int) -> Array:
    """Return class numbers from 0 to units - 1, of shape (rows,) and dtype intp."""
    y = as_numbers(y, "y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"expected class labels of shape (rows,), got y of shape {y.shape}. For one-hot rows "
            f"use loss='categorical_crossentropy'."
        )
    check_finite(ArraySource(y), "y")
    refuse(
        (y < 0) | (y >= units),
        y,
        f"expected class labels from 0 to {units - 1}, since the network has {units} outputs",
        ". Number the classes from 0, or give the last layer more units.",
    )
    labels: Array = y.astype(np.intp)
    refuse(labels != y, y, "expected integers as class labels")
    return labels


def prepare_classes(y: Array, units: int, loss: str = "categorical_crossentropy") -> Array:
    """Return class numbers (rows,), or one-hot or soft labels (rows, units) that sum to 1."""
    y = as_numbers(y, "y")
    if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        return prepare_labels(y, units)
    y = prepare_dense(y, units, loss)
    check_sums(
        y,
        f"{loss}: expected each row of y",
        " (one-hot or soft labels)",
        ". For several classes at once use sigmoid outputs and loss='binary_crossentropy'.",
    )
    return y


def check_sums(rows: Array, expected: str, form: str = "", advice: str = "") -> None:
    """Raise DataError unless each row holds probabilities that sum to 1."""
    wrong = ~_sums_to_one(rows) | (rows.min(axis=1) < 0)
    refuse(wrong, rows, f"{expected} to hold probabilities that sum to 1{form}", advice)


def _sums_to_one(rows: Array) -> Array:
    return np.asarray(np.abs(rows.sum(axis=1) - 1.0) <= _SUM_TOLERANCE)


def prepare_predictions(y_pred: Array, domain: tuple[float, float], loss: str) -> Array:
    """Return predictions as finite float64 numbers from `domain`, of shape (rows, units)."""
    output = as_numbers(y_pred, "y_pred").astype(np.float64)
    if output.ndim not in (1, 2) or output.size == 0:
        raise DataError(
            f"{loss}: expected y_pred of shape (rows, units) or (rows,), got shape {output.shape}"
        )
    output = output.reshape(len(output), -1)
    check_finite(ArraySource(output), "y_pred")
    low, high = domain
    expected = "between 0 and 1" if high == 1.0 else f"of at least {low:g}"
    refuse((output < low) | (output > high), output, f"{loss}: expected y_pred {expected}")
    return output


def prepare_weights(sample_weight: Array, rows: int) -> Array:
    """Return sample weights as finite numbers of at least 0, of shape (rows,)."""
    weight = as_numbers(sample_weight, "sample_weight")
    if weight.shape != (rows,):
        raise DataError(
            f"sample_weight: expected one weight for each of {rows} rows, shape ({rows},), "
            f"got shape {weight.shape}"
        )
    check_finite(ArraySource(weight), "sample_weight")
    refuse(weight < 0, weight, "sample_weight: expected at least 0")
    return weight


def class_weights_of_rows(
    class_weight: Mapping[int, float],
    target: Array,
    units: int,
    task: str,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Return the weight of each row's class, of shape (rows,); a class that is not named weighs 1.

    `target` holds prepared class numbers, one-hot or soft rows, or 0 and 1 for one unit. Whether
    several units stand for classes says `task` (`Loss.task_after`), as for metrics. `dtype` is that
    of the model, in which no weight may become infinite or 0.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "class_weight: expected a mapping such as {0: 1.0, 1: 2.5}, "
            f"got {shown(class_weight)}"
        )
    num_classes = max(units, 2)
    table: Array = np.ones(num_classes)
    for key, value in dict[Any, float](class_weight).items():
        is_number = isinstance(key, Integral) and not isinstance(key, bool)
        if not is_number or not 0 <= int(key) < num_classes:
            raise ValueError(
                f"class_weight: expected class numbers from 0 to {num_classes - 1}, "
                f"got {shown(key)}"
            )
        table[int(key)] = check_weight_of_class(key, value, dtype)
    weights: Array = table[_classes_of_rows(target, units, task)]
    return weights


def check_weight_of_class(label: Any, weight: Any, dtype: DTypeLike) -> float:
    """Return the weight of a class as a float; ValueError if it is none in `dtype`."""
    name = f"weight of class {label!r}"
    number = check_number("class_weight", name, weight, low=0.0)
    check_in_dtype("class_weight", name, number, dtype)
    return number


def _classes_of_rows(target: Array, units: int, task: str) -> Array:
    if target.ndim == 1:
        return target
    if units > 1 and task == "probabilities":
        raise ValueError(
            "class_weight: several units with loss='binary_crossentropy' are labels of their own, "
            "not one class a row; use sample_weight, or a softmax for one class out of several"
        )
    is_label = (target == 0) | (target == 1) if units == 1 else (target >= 0) & (target <= 1)
    if not is_label.all() or (units > 1 and not _sums_to_one(target).all()):
        raise ValueError(
            "class_weight: the targets are not class labels, one class a row; "
            "use sample_weight to weigh rows"
        )
    return target.argmax(axis=1) if units > 1 else (target[:, 0] > 0.5).astype(np.intp)
