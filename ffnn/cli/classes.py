"""Which targets are classes, and the numbers that stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array
    from ffnn.sequential import Sequential

MOST_CLASSES = 20  # more distinct integers are taken as numbers, unless --task says otherwise


def check_text_classes(names: Sequence[str], task: str, path: str, target: str) -> list[str]:
    """Return the names of classes given as text, if the task allows for them."""
    if task == "regression":
        raise DataError(
            f"{path}: --task regression expects numbers in {target!r}, got text such as "
            f"{names[0]!r}"
        )
    return _check_several(list(names), path, target)


def number_classes(
    y_train: Array, y_test: Array | None, task: str, path: str, target: str
) -> tuple[Array, Array | None, list[str] | None]:
    """Return targets given as numbers, and the names of the classes if that is what they are.

    Class labels are numbered from 0 in ascending order; one-hot rows and numbers stay as they are.
    """
    y_train, y_test = _column(y_train), None if y_test is None else _column(y_test)
    if 0 in y_train.shape or (y_test is not None and 0 in y_test.shape):
        raise DataError(f"{path}: expected rows to learn from, got no rows or no targets")
    both = y_train if y_test is None else np.concatenate([y_train, y_test])
    if not (_look_like_classes(both) if task == "auto" else task == "classification"):
        return y_train, y_test, None
    if both.ndim > 1:
        return y_train, y_test, [str(i) for i in range(both.shape[1])]
    labels = np.unique(both)
    if not _are_integers(both):
        raise DataError(
            f"{path}: --task classification expects text or integers in {target!r}, got numbers "
            f"such as {labels[0]!r}"
        )
    names = _check_several([str(int(label)) for label in labels], path, target)
    test_numbers = None if y_test is None else np.searchsorted(labels, y_test)
    return np.searchsorted(labels, y_train), test_numbers, names


def known_class_numbers(y: Array, names: list[str] | None, path: str) -> Array:
    """Return the index of each label among a model's class names, where these are numbers."""
    y = _column(y)
    if names is None or not are_numbers(names) or y.ndim > 1:
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


def are_numbers(names: list[str]) -> bool:
    """Tell whether the class names are integers."""
    try:
        return bool([int(name) for name in names])
    except ValueError:
        return False


def targets_for(model: Sequential, y: Array) -> Array:
    """Return `y` as the loss wants it: class numbers become one-hot rows where it needs them."""
    units = model.output_dim or 1
    takes_classes = model.loss is None or model.loss.task == "classes"
    if y.ndim > 1 or units == 1 or takes_classes or y.dtype.kind not in "iub":
        return y
    if y.size and not 0 <= y.min() <= y.max() < units:
        raise DataError(f"expected class numbers from 0 to {units - 1}, got {y.min()} to {y.max()}")
    return np.eye(units, dtype=np.float32)[y]


def _column(y: Array) -> Array:
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _are_integers(y: Array) -> bool:
    return y.dtype.kind in "iub" or bool(np.isfinite(y).all() and (y == np.floor(y)).all())


def _look_like_classes(y: Array) -> bool:
    """Tell whether a target of numbers looks like class labels or one-hot rows."""
    if not _are_integers(y):
        return False
    if y.ndim > 1:
        return y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
    return len(np.unique(y)) <= MOST_CLASSES


def _check_several(names: list[str], path: str, target: str) -> list[str]:
    if len(names) < 2:
        raise DataError(
            f"{path}: expected two or more classes in {target!r}, every row has {names[0]!r}; "
            "is it the right --target? To learn numbers use --task regression"
        )
    return names
