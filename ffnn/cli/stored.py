"""Rows of DATA that stay in their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ffnn.data import Rows, open_rows
from ffnn.data.hdf5 import HDF5Rows
from ffnn.datasets import Arrays, load_h5
from ffnn.errors import DataError


def stored_arrays(path: str, *, targets: bool) -> Arrays:
    """Return what a file of rows on disk and its neighbours hold; only the targets are read."""
    if Path(path).suffix.lower() == ".npy":
        return _npy_arrays(Path(path), targets)
    x_train, y_train, x_test, y_test = load_h5(path, targets=targets)
    return Arrays(HDF5Rows(x_train), y_train, None if x_test is None else HDF5Rows(x_test), y_test)


def some_rows(x: Any, numbers: Any) -> Any:
    """Return the rows of these numbers, which ascend; those on disk stay there."""
    return x.select(numbers) if isinstance(x, Rows) else x[numbers]


def _npy_arrays(path: Path, targets: bool) -> Arrays:
    """Return the rows in x.npy with the targets in y.npy, and those of the test, if there are."""
    if not targets:
        return Arrays(open_rows(path), None, None, None)
    if not path.name.startswith("x"):
        raise DataError(
            f"{path}: expected rows in a file such as x.npy or x_train.npy, and their targets in "
            f"y.npy or y_train.npy beside it, got a file named {path.name}"
        )
    x, y = _pair(path)
    test = path.with_name(path.name.replace("train", "test"))
    if test == path or not test.exists():
        return Arrays(x, y, None, None)
    x_test, y_test = _pair(test)
    if x.shape[1] != x_test.shape[1]:
        raise DataError(
            f"{path}: expected as many columns as in {test.name}, {x_test.shape[1]}, got "
            f"{x.shape[1]}"
        )
    return Arrays(x, y, x_test, y_test)


def _pair(path: Path) -> tuple[Rows, Any]:
    """Return rows on disk, and their targets from the file beside it."""
    x, beside = open_rows(path), path.with_name(f"y{path.name[1:]}")
    y = np.asarray(open_rows(beside))
    if len(x) != len(y):
        raise DataError(
            f"{path}: expected as many rows as {os.fspath(beside)} has targets, {len(y)}, got "
            f"{len(x)}"
        )
    return x, y
