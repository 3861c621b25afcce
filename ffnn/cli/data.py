"""What the command line reads: data sets and files, in the form that models take."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import datasets
from ffnn.cli.classes import TrainingData, known_class_numbers, number_classes
from ffnn.cli.output import say
from ffnn.cli.plan import plan_training
from ffnn.cli.stored import some_rows, stored_arrays
from ffnn.cli.tables import held_out, table_to_learn, table_to_predict, table_to_test
from ffnn.cli.values import is_file, is_table
from ffnn.core.console import complain
from ffnn.core.text import counted
from ffnn.errors import DataError, ModelFileError
from ffnn.inspection.rows import Rows, rows_of
from ffnn.models.raw_rows import targets_for
from ffnn.reports import TableRows
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    import argparse

    from ffnn._types import Array


def training_data(args: argparse.Namespace) -> TrainingData:
    """Return what ``ffnn train`` learns from."""
    if is_table(args.data):
        return table_to_learn(args)
    plan_training(args)
    data = number_classes(TrainingData(*_load_arrays(args)), args.task, args.data)
    if data.x_test is None:
        train, test = held_out(len(data.y_train), args.test_split, args.seed)
        if test is None:
            return data
        x, y = data.x_train, data.y_train
        if not isinstance(x, np.ndarray):  # but on disk: they are read in their order there
            train, test = np.sort(train), np.sort(test)
        x_train, x_test = some_rows(x, train), some_rows(x, test)
        return data._replace(x_train=x_train, y_train=y[train], x_test=x_test, y_test=y[test])
    if "--test-split" in args.given:
        raise DataError(
            f"--test-split holds out rows of a file without test rows; {args.data} has "
            f"{counted(len(data.x_test), 'test row')} of its own"
        )
    return data


def evaluation_data(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array]:
    """Return rows and targets to test `model` on: the test rows if there are any, else all.

    It is said if rows of a table are left out.
    """
    x, y, _ = shown_data(args, model)
    return x, y


def shown_data(args: argparse.Namespace, model: Sequential) -> tuple[Any, Array, TableRows | None]:
    """Return what `evaluation_data` does, and of a table which rows of it they are."""
    if is_table(args.data):
        x, y, used, table = table_to_test(args, model)
        if used.reasons:
            say(str(used))
        return x, targets_for(model, y), TableRows(table, used.rows)
    arrays = _load_arrays(args)
    x, y = arrays[:2] if arrays.x_test is None else arrays[2:]
    return x, targets_for(model, known_class_numbers(y, model.class_names, args.data)), None


def prediction_rows(args: argparse.Namespace, model: Sequential) -> Any:
    """Return the rows to predict from: the test rows if there are any, else all.

    It is said on stderr if rows of a table are left out.
    """
    if is_table(args.data):
        x, used, _ = table_to_predict(args, model)
        if used.reasons:
            complain(f"ffnn: note: {used}")
        return x
    arrays = _load_arrays(args, targets=False)
    return arrays.x_train if arrays.x_test is None else arrays.x_test


def explained_rows(args: argparse.Namespace, model: Sequential) -> Rows:
    """Return the rows that --row names, of those to predict from.

    Rows of a table are counted from 1, as in its file, others from 0.
    """
    table, numbers, first = None, None, 0
    if is_table(args.data):
        x, used, table = table_to_predict(args, model)
        numbers, first = used.rows, 1
    else:
        x = prediction_rows(args, model)
        numbers = np.arange(len(x))
    asked = np.array(args.row or [numbers[0] + first]) - first
    for number in asked:
        if number not in numbers:
            last = int(numbers[-1]) + first
            raise ArgumentTypeError(
                f"--row: {args.data} has no row {number + first} to explain; its rows are counted "
                f"from {first}, the last one is {last}"
            )
    places = np.searchsorted(numbers, asked)
    return rows_of(model, model.open_inputs(x), places, table, asked)


def load_compiled(path: str) -> Sequential:
    """Return a saved model that has a loss, with metrics that suit it."""
    model = Sequential.load(path)
    if model.loss is None or not model.is_built:
        raise ModelFileError(
            f"{path}: this model was saved without compile(...), so its loss is not known"
        )
    if not model.all_metrics and model.optimizer is not None:
        metrics = ["mse", "r2"] if model.loss.task == "numbers" else ["accuracy"]
        place, wanted = model.position, model.jit_compile
        model.compile(model.optimizer, model.loss, metrics)
        model.take_jit_compile(wanted)
        model.hold_position(place)  # which other metrics do not change
    return model


def _load_arrays(args: argparse.Namespace, *, targets: bool = True) -> datasets.Arrays:
    """Return what a data set or a file of arrays holds, each image or the like as one row."""
    if not is_file(args.data):
        is_mnist = args.data == "mnist"
        train, test = datasets.load_mnist(args.data_dir) if is_mnist else datasets.load_digits()
        return datasets.Arrays(*train, *test)
    load = datasets.load_npz if Path(args.data).suffix.lower() == ".npz" else stored_arrays
    x_train, y_train, x_test, y_test = load(args.data, targets=targets)
    return datasets.Arrays(_flat(x_train), _column(y_train), _flat(x_test), _column(y_test))


def _flat(x: Any) -> Any:
    return x.reshape(len(x), -1) if isinstance(x, np.ndarray) and x.ndim != 2 else x


def _column(y: Array | None) -> Array | None:
    return y[:, 0] if y is not None and y.ndim == 2 and y.shape[1] == 1 else y
