"""Data to train on: which of its targets are classes, and the numbers that stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.errors import DataError

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.reports import TableRows
    from ffnn.tables import TableEncoder

_SMALLEST = 1e-18  # of a target's largest number, and 1 by it the largest
MOST_CLASSES = 20  # more distinct integers are taken as numbers, unless --task says otherwise


class TrainingData(NamedTuple):
    """Rows to train on and held-out rows, and of a table what is to be said of it.

    Inputs are arrays of shape (rows, columns), in memory or still in their file; targets are class
    numbers of shape (rows,), or numbers of shape (rows,) or (rows, units).
    """

    x_train: Any
    y_train: Array
    x_test: Any  # None where there is no test
    y_test: Array | None
    class_names: list[str] | None = None  # None for a target of numbers
    feature_names: list[str] | None = None
    target: str = "y"
    encoder: TableEncoder | None = None  # of a table
    tested: TableRows | None = None  # those of x_test, else of x_train, if they are to be shown
    account: tuple[str, ...] = ()  # paragraphs on its columns and rows


def number_classes(data: TrainingData, task: str, path: str) -> TrainingData:
    """Return the data with its classes numbered and named, if `task` and the targets have any.

    Classes given as text are numbered already. Numeric labels are numbered from 0 in ascending
    order; one-hot rows and numbers stay as they are.
    """
    names, target = data.class_names, data.target
    if names is not None and task == "regression":
        raise DataError(
            f"{path}: --task regression expects numbers in {target!r}, got text such as "
            f"{names[0]!r}"
        )
    if names is None:
        parts = [y for y in (data.y_train, data.y_test) if y is not None]
        if any(0 in y.shape for y in parts):
            raise DataError(f"{path}: expected rows to learn from, got no rows or no targets")
        both = np.concatenate(parts)
        if not (_look_like_classes(both) if task == "auto" else task == "classification"):
            return data
        if both.ndim > 1:
            return data._replace(class_names=[str(i) for i in range(both.shape[1])])
        labels = np.unique(both)
        if not _are_integers(both):
            raise DataError(
                f"{path}: --task classification expects text or integers in {target!r}, got "
                f"numbers such as {labels[0]!r}"
            )
        names = [str(int(label)) for label in labels]
        y_train, *y_test = (np.searchsorted(labels, y) for y in parts)
        data = data._replace(y_train=y_train, y_test=y_test[0] if y_test else None)
    if len(names) < 2:
        raise DataError(
            f"{path}: expected two or more classes in {target!r}, every row has {names[0]!r}; "
            "is it the right --target? To learn numbers use --task regression"
        )
    return data._replace(class_names=names)


def target_scale(data: TrainingData) -> tuple[float, float]:
    """Return the standard deviation (1 where it is 0) and the mean of the training targets."""
    y = np.asarray(data.y_train, dtype=np.float64)
    if not np.isfinite(y).all():
        return 1.0, 0.0  # fit says where
    largest = float(np.abs(y).max())
    if largest and not _SMALLEST < largest < 1.0 / _SMALLEST:
        raise DataError(
            f"target {data.target!r}: expected numbers of a size from {_SMALLEST:g} to "
            f"{1.0 / _SMALLEST:g}, whose squares float32 holds, got {largest:g}; multiply the "
            f"column by a power of ten"
        )
    return float(y.std()) or 1.0, float(y.mean())


def known_class_numbers(y: Array, names: list[str] | None, path: str) -> Array:
    """Return the index of each label among a model's class names, where these are numbers."""
    if names is None or not _are_numbers(names) or y.ndim > 1:
        return y
    labels = np.array([int(name) for name in names])
    unknown = y[~np.isin(y, labels)]
    if len(unknown):
        raise DataError(
            f"{path}: expected the classes that the model knows, {', '.join(names)}, "
            f"got {unknown[0]:g}"
        )
    order = np.argsort(labels)
    found: Array = order[np.searchsorted(labels, y, sorter=order)]
    return found


def _are_numbers(names: list[str]) -> bool:
    """Tell whether the class names are integers."""
    try:
        return bool(list(map(int, names)))
    except ValueError:
        return False


def _are_integers(y: Array) -> bool:
    return y.dtype.kind in "iub" or bool(np.isfinite(y).all() and (y == np.floor(y)).all())


def _look_like_classes(y: Array) -> bool:
    """Tell whether a target of numbers looks like class labels or one-hot rows."""
    if not _are_integers(y):
        return False
    if y.ndim > 1:
        return y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
    return len(np.unique(y)) <= MOST_CLASSES
