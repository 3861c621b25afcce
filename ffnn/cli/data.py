"""What the command line reads: data sets and files, in the form that models take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import datasets
from ffnn.cli.classes import (
    TrainingData,
    are_numbers,
    known_class_numbers,
    number_classes,
    targets_for,
)
from ffnn.cli.values import is_csv, is_file
from ffnn.core.checks import nearest
from ffnn.core.text import counted
from ffnn.datasets.csv import open_csv
from ffnn.errors import DataError, ModelFileError
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    import argparse

    from ffnn._types import Array


def training_data(args: argparse.Namespace) -> TrainingData:
    """Return what ``ffnn train`` learns from."""
    if is_csv(args.data):
        table = _load_table(args, args.target, _features_to_learn_from(args))
        names = None if table.class_names is None else list(table.class_names)
        features = list(table.feature_names)
        data = TrainingData(table.x, table.y, None, None, names, features, table.target_name)
    else:
        data = TrainingData(*_load_arrays(args))
    data = number_classes(data, args.task, args.data)
    if data.x_test is None:
        return _split(data, args.test_split, args.seed)
    if "--test-split" in args.given:
        raise DataError(
            f"--test-split holds out rows of a file without test rows; {args.data} has "
            f"{counted(len(data.x_test), 'test row')} of its own"
        )
    return data


def evaluation_data(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    """Return rows and targets to test `model` on: the test rows if there are any, else all."""
    if is_csv(args.data):
        x, y = _test_table(args, model)[:2]
    else:
        arrays = _load_arrays(args)
        x, y = arrays[:2] if arrays.x_test is None else arrays[2:]
    return x, targets_for(model, known_class_numbers(y, model.class_names, args.data))


def prediction_rows(args: argparse.Namespace, model: Sequential) -> Any:
    """Return the rows to predict from: the test rows if there are any, else all."""
    if is_csv(args.data):
        return datasets.load_csv_features(
            args.data, model.feature_names, missing=args.missing, delimiter=args.delimiter
        )
    arrays = _load_arrays(args, targets=False)
    return arrays.x_train if arrays.x_test is None else arrays.x_test


def load_compiled(path: str) -> Sequential:
    """Return a saved model that has a loss, with metrics that suit it."""
    model = Sequential.load(path)
    if model.loss is None or not model.is_built:
        raise ModelFileError(
            f"{path}: this model was saved without compile(...), so its loss is not known"
        )
    if not model.metrics and model.optimizer is not None:
        metrics = ["mse", "r2"] if model.loss.task == "numbers" else ["accuracy"]
        model.compile(model.optimizer, model.loss, metrics)
    return model


def _load_arrays(args: argparse.Namespace, *, targets: bool = True) -> datasets.Arrays:
    """Return what a data set or a file of arrays holds, each image or the like as one row."""
    if not is_file(args.data):
        is_mnist = args.data == "mnist"
        train, test = datasets.load_mnist(args.data_dir) if is_mnist else datasets.load_digits()
        return datasets.Arrays(*train, *test)
    load = datasets.load_npz if Path(args.data).suffix.lower() == ".npz" else datasets.load_h5
    x_train, y_train, x_test, y_test = load(args.data, targets=targets)
    return datasets.Arrays(_flat(x_train), _column(y_train), _flat(x_test), _column(y_test))


def _load_table(
    args: argparse.Namespace,
    target: str | None,
    features: list[str] | None,
    class_names: list[str] | None = None,
) -> datasets.Table:
    return datasets.load_csv(
        args.data,
        target,
        feature_names=features,
        class_names=class_names,
        missing=args.missing,
        delimiter=args.delimiter,
    )


def _flat(x: Any) -> Any:
    # Rows that are still in their file cannot be reshaped.
    return x.reshape(len(x), -1) if isinstance(x, np.ndarray) and x.ndim != 2 else x


def _column(y: Array | None) -> Array | None:
    return y[:, 0] if y is not None and y.ndim == 2 and y.shape[1] == 1 else y


# -- tables ------------------------------------------------------------------------------------


def _features_to_learn_from(args: argparse.Namespace) -> list[str] | None:
    if not args.exclude:
        return None
    header, _ = open_csv(args.data, args.delimiter)
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
    target: str | None = args.target
    if target or model.feature_names is None:
        return target
    header, _ = open_csv(args.data, args.delimiter)
    others = [name for name in header if name not in model.feature_names]
    if len(others) == 1:
        return others[0]
    choices = f"say so with --target: {', '.join(others)}" if others else "there is none"
    raise DataError(
        f"{args.data}: which column that the model does not read is the target? {choices}"
    )


def _test_table(args: argparse.Namespace, model: Sequential) -> datasets.Table:
    """Return the columns that the model knows; class names that are numbers are read as numbers."""
    options, names = (args, _target_of(args, model), model.feature_names), model.class_names
    if names is None or not are_numbers(names):
        return _load_table(*options, names)
    table = _load_table(*options)
    # Text among numbers is read again, as classes, for an error that names its line.
    return table if table.class_names is None else _load_table(*options, names)


def _split(data: TrainingData, share: float, seed: int) -> TrainingData:
    """Hold out a share of the rows, drawn at random, for the test."""
    rows = len(data.y_train)
    count = min(max(1, round(rows * share)), rows - 1)
    if not share or count < 1:
        return data
    order = np.random.default_rng(seed).permutation(rows)
    x, y = data.x_train[...], data.y_train
    test, train = order[:count], order[count:]
    return data._replace(x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])
