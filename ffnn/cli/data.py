"""What the command line reads: data sets and files, in the form that models take."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn import datasets
from ffnn.cli import classes
from ffnn.core.checks import nearest
from ffnn.errors import DataError, ModelFileError
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    import argparse

    from ffnn._types import Array


class TrainingData(NamedTuple):
    """Rows to train on and held-out rows.

    Inputs are arrays of shape (rows, columns), in memory or still in their file; targets are class
    numbers of shape (rows,), or numbers of shape (rows,) or (rows, units).
    """

    x_train: Any
    y_train: Array
    x_test: Any  # None where there is no test
    y_test: Array | None
    class_names: list[str] | None  # None for a target of numbers
    feature_names: list[str] | None = None
    target: str = "y"


def training_data(args: argparse.Namespace) -> TrainingData:
    """Return what ``ffnn train`` learns from."""
    if _is_csv(args.data):
        table = _load_table(args, args.target, _features_to_learn_from(args))
        data = TrainingData(table.x, table.y, None, None, None, list(table.feature_names))
        data = data._replace(target=table.target_name)
        names = table.class_names
    else:
        data, names = TrainingData(*_load_arrays(args), None), None
    options = args.task, args.data, data.target
    if names is not None:
        data = data._replace(class_names=classes.check_text_classes(names, *options))
    else:
        y_train, y_test, found = classes.number_classes(data.y_train, data.y_test, *options)
        data = data._replace(y_train=y_train, y_test=y_test, class_names=found)
    return _split(data, args.test_split, args.seed)


def evaluation_data(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    """Return rows and targets to test `model` on: the test rows if there are any, else all."""
    if _is_csv(args.data):
        x, y = _test_table(args, model)
    else:
        arrays = _load_arrays(args)
        x, y = arrays[:2] if arrays.x_test is None else arrays[2:]
        y = classes.known_class_numbers(y, model.class_names, args.data)
    return x, classes.targets_for(model, y)


def prediction_rows(args: argparse.Namespace, model: Sequential) -> Any:
    """Return the rows to predict from: the test rows if there are any, else all."""
    if _is_csv(args.data):
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


def is_file(data: str) -> bool:
    """Tell whether DATA names a file rather than a data set."""
    return data not in ("digits", "mnist")


def _is_csv(data: str) -> bool:
    return Path(data).suffix.lower() == ".csv"


def _load_arrays(args: argparse.Namespace, *, targets: bool = True) -> datasets.Arrays:
    """Return what a data set or a file of arrays holds, each image or the like as one row."""
    if args.data == "digits":
        train, test = datasets.load_digits()
        return datasets.Arrays(*train, *test)
    if args.data == "mnist":
        train, test = datasets.load_mnist(args.data_dir)
        return datasets.Arrays(*train, *test)
    load = datasets.load_npz if Path(args.data).suffix.lower() == ".npz" else datasets.load_h5
    arrays = load(args.data, targets=targets)
    return arrays._replace(x_train=_flat(arrays.x_train), x_test=_flat(arrays.x_test))


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
        f"{args.data}: which column that the model does not read is the target? {choices}"
    )


def _test_table(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    target, names = _target_of(args, model), model.class_names
    if names is not None and not classes.are_numbers(names):
        table = _load_table(args, target, model.feature_names, names)
        return table.x, table.y
    table = _load_table(args, target, model.feature_names)
    if names is not None and table.class_names is not None:
        _load_table(args, target, model.feature_names, names)  # text, not numbers: names the line
    return table.x, classes.known_class_numbers(table.y, names, args.data)


def _split(data: TrainingData, share: float, seed: int) -> TrainingData:
    """Hold out a share of the rows, drawn at random, for the test, if there are no test rows."""
    rows = len(data.y_train)
    count = min(max(1, round(rows * share)), rows - 1)
    if data.x_test is not None or not share or count < 1:
        return data
    order = np.random.default_rng(seed).permutation(rows)
    x, y = data.x_train[...], data.y_train
    test, train = order[:count], order[count:]
    return data._replace(x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])
