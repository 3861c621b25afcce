"""What the command line reads: data sets and files, in the form that models take."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn import datasets
from ffnn.core.checks import nearest
from ffnn.errors import DataError, ModelFileError
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from ffnn._types import Array

MOST_CLASSES = 20  # more different whole numbers are read as numbers, unless --task says otherwise


class TrainingData(NamedTuple):
    """Rows to train on and rows kept apart.

    Parameters
    ----------
    x_train, y_train : array of shape (rows, columns), array of shape (rows,) or (rows, units)
        Inputs, in memory or still in their file, and class numbers or numbers.
    x_test, y_test : array or None
        The same for the test, None where there is none.
    class_names : list of str or None
        What the class numbers stand for; None for a target of numbers.
    feature_names : list of str or None
        What the columns are called, if they have names.
    target : str
        What the target is called.
    """

    x_train: Any
    y_train: Array
    x_test: Any
    y_test: Array | None
    class_names: list[str] | None
    feature_names: list[str] | None = None
    target: str = "y"


def training_data(args: argparse.Namespace) -> TrainingData:
    """Return what ``ffnn train`` learns from.

    Parameters
    ----------
    args : argparse.Namespace
        The command's options.

    Raises
    ------
    DataError
        The data cannot be read or does not fit the options.
    """
    if not is_file(args.data):
        (x_train, y_train), (x_test, y_test) = _pixels(args)
        return TrainingData(x_train, y_train, x_test, y_test, [str(i) for i in range(10)])
    if _suffix(args.data) == ".csv":
        table = datasets.load_csv(
            args.data,
            args.target,
            feature_names=_features_to_learn_from(args),
            missing=args.missing,
            delimiter=args.delimiter,
        )
        classes = None if table.class_names is None else list(table.class_names)
        names = list(table.feature_names)
        whole = TrainingData(table.x, table.y, None, None, classes, names, table.target_name)
    else:
        arrays = _load_arrays(args.data)
        x_test = None if arrays.x_test is None else _flat(arrays.x_test)
        whole = TrainingData(_flat(arrays.x_train), arrays.y_train, x_test, arrays.y_test, None)
    return _split(_with_task(whole, args), args.test_split, args.seed)


def evaluation_data(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    """Return the rows and targets to test `model` on: the test rows if there are any, else all.

    Parameters
    ----------
    args : argparse.Namespace
        The command's options.
    model : Sequential
        The model that the data must fit.

    Raises
    ------
    DataError
        The data cannot be read or does not fit the model.
    """
    if not is_file(args.data):
        _, (x, y) = _pixels(args)
        return x, y
    if _suffix(args.data) == ".csv":
        return _test_table(args, model)
    arrays = _load_arrays(args.data)
    x, y = arrays[:2] if arrays.x_test is None else arrays[2:]
    return _flat(x), _class_numbers(y, model.class_names, args.data)


def prediction_rows(args: argparse.Namespace, model: Sequential) -> Any:
    """Return the rows to predict from: the test rows if there are any, else all.

    Parameters
    ----------
    args : argparse.Namespace
        The command's options.
    model : Sequential
        The model that the rows must fit.

    Raises
    ------
    DataError
        The data cannot be read or does not fit the model.
    """
    if not is_file(args.data):
        return _pixels(args)[1][0]
    if _suffix(args.data) == ".csv":
        return datasets.load_csv_features(
            args.data, model.feature_names, missing=args.missing, delimiter=args.delimiter
        )
    arrays = _load_arrays(args.data, targets=False)
    return _flat(arrays.x_train if arrays.x_test is None else arrays.x_test)


def targets_for(model: Sequential, y: Array) -> Array:
    """Return `y` as the loss wants it: class numbers become one-hot rows where it needs them.

    Parameters
    ----------
    model : Sequential
        A compiled and built model.
    y : ndarray of shape (rows,) or (rows, units)
        Class numbers or numbers.
    """
    units = model.output_dim or 1
    takes_classes = model.loss is None or model.loss.task == "classes"
    if y.ndim > 1 or units == 1 or takes_classes or y.dtype.kind not in "iub":
        return y
    if y.size and not 0 <= y.min() <= y.max() < units:
        raise DataError(f"expected class numbers from 0 to {units - 1}, got {y.min()} to {y.max()}")
    return np.eye(units, dtype=np.float32)[y]


def load_compiled(path: str) -> Sequential:
    """Return a saved model that has a loss, with metrics that suit it.

    Raises
    ------
    ModelFileError
        The file is not a model, or the model was saved without a loss.
    """
    model = Sequential.load(path)
    if model.loss is None or not model.is_built:
        raise ModelFileError(
            f"{path}: this model was saved without compile(...), so its loss is not known"
        )
    if not model.metrics and model.optimizer is not None:
        metrics = ["mse", "r2"] if model.loss.task == "numbers" else ["accuracy"]
        model.compile(model.optimizer, model.loss, metrics)
    return model


def is_file(data: str) -> bool:
    """Tell whether DATA names a file rather than a data set."""
    return data not in ("digits", "mnist")


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _pixels(args: argparse.Namespace) -> Any:
    if args.data == "digits":
        return datasets.load_digits()
    return datasets.load_mnist(args.data_dir)


def _load_arrays(path: str, *, targets: bool = True) -> datasets.Arrays:
    load = datasets.load_npz if _suffix(path) == ".npz" else datasets.load_h5
    return load(path, targets=targets)


def _flat(x: Any) -> Any:
    """Make each image or the like in memory one row."""
    return x.reshape(len(x), -1) if isinstance(x, np.ndarray) and x.ndim != 2 else x


# -- tables ------------------------------------------------------------------------------------


def _header(args: argparse.Namespace) -> list[str]:
    """Return a CSV file's column names, or nothing if it has no readable header."""
    try:
        with open(args.data, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=args.delimiter, skipinitialspace=True)
            return [name.strip() for name in next((row for row in rows if row), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []  # whoever reads the file will say what is wrong with it


def _features_to_learn_from(args: argparse.Namespace) -> list[str] | None:
    header = _header(args)
    if not args.exclude or not header:
        return None
    for name in args.exclude:
        if name not in header:
            raise DataError(
                f"{args.data}: --exclude names no column {name!r}{nearest(name, header)}; "
                f"the columns are {', '.join(header)}"
            )
    target = args.target or header[-1]
    return [name for name in header if name != target and name not in args.exclude]


def _target_of(args: argparse.Namespace, model: Sequential) -> str | None:
    """Return the target column: the one that is named, or the one that the model does not read."""
    if args.target or model.feature_names is None:
        return None if args.target is None else str(args.target)
    header = _header(args)
    others = [name for name in header if name not in model.feature_names]
    if len(others) == 1 or not header:
        return others[0] if others else None
    choices = f"say so with --target: {', '.join(others)}" if others else "there is none"
    raise DataError(
        f"{args.data}: which column, besides those that the model reads, is the target? {choices}"
    )


def _test_table(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    target, names = _target_of(args, model), model.class_names

    def load(classes: list[str] | None) -> datasets.Table:
        return datasets.load_csv(
            args.data,
            target,
            feature_names=model.feature_names,
            class_names=classes,
            missing=args.missing,
            delimiter=args.delimiter,
        )

    if names is not None and _numbers_of(names) is None:
        table = load(names)
        return table.x, table.y
    table = load(None)
    if names is not None and table.class_names is not None:
        load(names)  # text instead of numbers: says which line
    return table.x, _class_numbers(table.y, names, args.data)


# -- classes -----------------------------------------------------------------------------------


def _with_task(data: TrainingData, args: argparse.Namespace) -> TrainingData:
    """Decide whether the target is classes or numbers, and number the classes from 0."""
    if data.class_names is not None:
        if args.task == "regression":
            raise DataError(
                f"{args.data}: --task regression expects numbers in {data.target!r}, got text "
                f"such as {data.class_names[0]!r}"
            )
        _check_classes(data.class_names, args.data, data.target)
        return data
    y_train, y_test = _column(data.y_train), None if data.y_test is None else _column(data.y_test)
    if 0 in y_train.shape or (y_test is not None and 0 in y_test.shape):
        raise DataError(f"{args.data}: expected rows to learn from, got no rows or no targets")
    both = y_train if y_test is None else np.concatenate([y_train, y_test])
    classes = _is_classes(both) if args.task == "auto" else args.task == "classification"
    names = None
    if classes and both.ndim > 1:
        names = [str(i) for i in range(both.shape[1])]
    elif classes:
        labels = np.unique(both)
        if not _is_whole(both):
            raise DataError(
                f"{args.data}: --task classification expects text or whole numbers in "
                f"{data.target!r}, got numbers such as {labels[0]!r}"
            )
        names = [str(int(label)) for label in labels]
        y_train = np.searchsorted(labels, y_train)
        y_test = None if y_test is None else np.searchsorted(labels, y_test)
        _check_classes(names, args.data, data.target)
    return data._replace(y_train=y_train, y_test=y_test, class_names=names)


def _column(y: Array) -> Array:
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _is_whole(y: Array) -> bool:
    return y.dtype.kind in "iub" or bool(np.isfinite(y).all() and (y == np.floor(y)).all())


def _is_classes(y: Array) -> bool:
    """Tell whether a target of numbers looks like class labels or one-hot rows."""
    if not _is_whole(y):
        return False
    if y.ndim > 1:
        return y.ndim == 2 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
    return len(np.unique(y)) <= MOST_CLASSES


def _check_classes(names: list[str], path: str, target: str) -> None:
    if len(names) < 2:
        raise DataError(
            f"{path}: expected two or more classes in {target!r}, every row has {names[0]!r}; "
            "is it the right --target? To learn numbers use --task regression"
        )


def _numbers_of(names: list[str]) -> Array | None:
    try:
        return np.array([int(name) for name in names])
    except ValueError:
        return None


def _class_numbers(y: Array, names: list[str] | None, path: str) -> Array:
    """Return the index of each label among the class names, where these are numbers."""
    y = _column(y)
    labels = None if names is None else _numbers_of(names)
    if labels is None or y.ndim > 1:
        return y
    unknown = y[~np.isin(y, labels)]
    if len(unknown):
        raise DataError(
            f"{path}: expected the classes that the model knows, {', '.join(names or ())}, "
            f"got {unknown[0]:g}"
        )
    order = np.argsort(labels)
    found: Array = order[np.searchsorted(labels, y, sorter=order)]
    return found


# -- rows kept apart ---------------------------------------------------------------------------


def _split(data: TrainingData, share: float, seed: int) -> TrainingData:
    """Keep a share of the rows, drawn at random, apart for the test, if none are."""
    rows = len(data.y_train)
    count = min(max(1, round(rows * share)), rows - 1)
    if data.x_test is not None or not share or count < 1:
        return data
    order = np.random.default_rng(seed).permutation(rows)
    x, y = data.x_train[...], data.y_train
    test, train = order[:count], order[count:]
    return data._replace(x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])
