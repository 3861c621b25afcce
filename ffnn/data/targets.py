"""Targets checked once, before training, and brought into the form that losses compute with."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.core.checks import check_number
from ffnn.data.sources import ArraySource, as_numbers, check_finite
from ffnn.errors import DataError

if TYPE_CHECKING:
    from ffnn._types import Array

_SUM_TOLERANCE = 1e-3  # soft labels come rounded, in float32 or from a text file


def prepare_dense(y: Array, units: int, loss: str) -> Array:
    """Return targets as (rows, units) finite numbers.

    Parameters
    ----------
    y : array-like of shape (rows, units), or (rows,) for one unit
        Targets.
    units : int
        The number of the network's outputs.
    loss : str
        Who needs them, for the message.

    Raises
    ------
    DataError
        The shape differs, or a value is not a finite number.
    """
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


def prepare_probabilities(y: Array, units: int) -> Array:
    """Return targets as (rows, units) numbers from 0 to 1.

    Parameters
    ----------
    y : array-like of shape (rows, units), or (rows,) for one unit
        Targets.
    units : int
        The number of the network's outputs.

    Raises
    ------
    DataError
        The shape differs, or a value lies outside [0, 1].
    """
    y = prepare_dense(y, units, "binary_crossentropy")
    outside = np.argwhere((y < 0) | (y > 1))
    if len(outside):
        row, column = outside[0]
        raise DataError(
            f"binary_crossentropy: expected y between 0 and 1, got {y[row, column]} in row {row}, "
            f"column {column}. Code the two classes as 0 and 1."
        )
    return y


def prepare_counts(y: Array, units: int) -> Array:
    """Return targets as (rows, units) numbers of at least 0.

    Parameters
    ----------
    y : array-like of shape (rows, units), or (rows,) for one unit
        Targets.
    units : int
        The number of the network's outputs.

    Raises
    ------
    DataError
        The shape differs, or a value is negative.
    """
    y = prepare_dense(y, units, "poisson")
    negative = np.argwhere(y < 0)
    if len(negative):
        row, column = negative[0]
        raise DataError(
            f"poisson: expected y of at least 0, such as counts, got {y[row, column]} in row "
            f"{row}, column {column}"
        )
    return y


def prepare_labels(y: Array, units: int) -> Array:
    """Return class numbers as (rows,) of dtype intp.

    Parameters
    ----------
    y : array-like of shape (rows,) or (rows, 1)
        Whole numbers from 0 to units - 1.
    units : int
        The number of classes.

    Raises
    ------
    DataError
        The shape differs, or a label is not a whole number in range.
    """
    y = as_numbers(y, "y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"expected class labels of shape (rows,), got y of shape {y.shape}. For one-hot rows "
            f"use loss='categorical_crossentropy'."
        )
    check_finite(ArraySource(y), "y")
    wrong = np.flatnonzero((y < 0) | (y >= units))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"expected class labels from 0 to {units - 1}, since the network has {units} outputs, "
            f"got {y[row]} in row {row}. Number the classes from 0, or give the last layer "
            f"more units."
        )
    labels: Array = y.astype(np.intp)
    fractional = np.flatnonzero(labels != y)
    if len(fractional):
        row = int(fractional[0])
        raise DataError(f"expected whole numbers as class labels, got {y[row]} in row {row}")
    return labels


def prepare_classes(y: Array, units: int) -> Array:
    """Return class numbers (rows,) of dtype intp, or rows of probabilities (rows, units).

    Parameters
    ----------
    y : array-like of shape (rows,), (rows, 1) or (rows, units)
        Class numbers, one-hot rows, or soft labels.
    units : int
        The number of classes, at least 2.

    Raises
    ------
    DataError
        The shape differs, a label is out of range, or a row is not a probability distribution.
    """
    y = as_numbers(y, "y")
    if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        return prepare_labels(y, units)
    y = prepare_dense(y, units, "categorical_crossentropy")
    sums = y.sum(axis=1)
    wrong = np.flatnonzero((np.abs(sums - 1.0) > _SUM_TOLERANCE) | (y.min(axis=1) < 0))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"categorical_crossentropy: expected each row of y to hold probabilities that sum to 1 "
            f"(one-hot or soft labels), got {y[row].tolist()} in row {row}. For several classes "
            f"at once use sigmoid outputs and loss='binary_crossentropy'."
        )
    return y


def class_weights_of_rows(class_weight: Mapping[int, float], target: Array, units: int) -> Array:
    """Return the weight of each row's class.

    Parameters
    ----------
    class_weight : mapping of int to float
        Class number → weight, at least 0; a class that is not named weighs 1.
    target : ndarray of shape (rows,) or (rows, units)
        Prepared class numbers, one-hot rows, or 0 and 1 for one unit.
    units : int
        The number of the network's outputs.

    Raises
    ------
    ValueError
        A key is not a class number, a weight is negative or not finite, or the targets are no
        class labels.
    TypeError
        `class_weight` is not a mapping.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight: expected a mapping such as {{0: 1.0, 1: 2.5}}, got {class_weight!r}"
        )
    num_classes = max(units, 2)
    table: Array = np.ones(num_classes)
    by_class: dict[Any, float] = dict(class_weight)
    for key, value in by_class.items():
        if (
            isinstance(key, bool)
            or not isinstance(key, Integral)
            or not 0 <= int(key) < num_classes
        ):
            raise ValueError(
                f"class_weight: expected class numbers from 0 to {num_classes - 1}, got {key!r}"
            )
        table[int(key)] = check_number("class_weight", f"weight of class {key}", value, low=0.0)
    classes = target
    if target.ndim == 2:
        labels = (target == 0) | (target == 1)
        if not (labels.all() if units == 1 else (target >= 0).all() and (target <= 1).all()):
            raise ValueError(
                "class_weight: the targets are not class labels; use sample_weight to weigh rows"
            )
        classes = target.argmax(axis=1) if units > 1 else (target[:, 0] > 0.5).astype(np.intp)
    weights: Array = table[classes]
    return weights


def prepare_weights(sample_weight: Array, rows: int) -> Array:
    """Return sample weights as (rows,) finite numbers of at least 0.

    Parameters
    ----------
    sample_weight : array-like of shape (rows,)
        The rows' weights.
    rows : int
        How many there must be.

    Raises
    ------
    DataError
        The shape differs, or a weight is negative or not finite.
    """
    weight = as_numbers(sample_weight, "sample_weight")
    if weight.shape != (rows,):
        raise DataError(
            f"sample_weight: expected one weight for each of {rows} rows, shape ({rows},), "
            f"got shape {weight.shape}"
        )
    check_finite(ArraySource(weight), "sample_weight")
    negative = np.flatnonzero(weight < 0)
    if len(negative):
        row = int(negative[0])
        raise DataError(f"sample_weight: expected at least 0, got {weight[row]} in row {row}")
    return weight
