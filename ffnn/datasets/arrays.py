"""Arrays to learn from in npz and HDF5 files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.core.checks import check_bool, check_path
from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn._types import FilePath

# What reading a damaged archive raises; the last two are of one that says it needs more.
_DAMAGED: tuple[type[Exception], ...] = (
    *(OSError, EOFError, zlib.error, ValueError, zipfile.BadZipFile),
    *(NotImplementedError, RuntimeError),
)


class Arrays(NamedTuple):
    """What `load_npz` and `load_h5` found.

    Parameters
    ----------
    x_train : ndarray or h5py.Dataset, shape (rows, …)
        The rows to train on: what the file calls ``x_train``, or else ``x``.
    y_train : ndarray or None, shape (rows, …)
        Their targets: ``y_train`` or ``y``. None where no targets were asked for.
    x_test : ndarray, h5py.Dataset or None
        The rows to test on, None if the file has no ``x_test``.
    y_test : ndarray or None
        Their targets.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> np.savez("data.npz", x=np.ones((4, 2)), y=np.zeros(4))
    >>> arrays = ffnn.datasets.load_npz("data.npz")
    >>> arrays.x_train.shape, arrays.x_test is None
    ((4, 2), True)
    """

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any


def load_npz(path: FilePath, *, targets: bool = True) -> Arrays:
    """Load the arrays ``x_train y_train x_test y_test``, or ``x y``, of an npz file.

    Parameters
    ----------
    path : str or path-like
        The file, as `numpy.savez` writes it. Pickled objects in it are never loaded.
    targets : bool
        False reads only the rows, from a file that may have no targets.

    Returns
    -------
    Arrays
        ndarrays of the file's shapes and dtypes; ``x_test`` and ``y_test`` may be None.

    Raises
    ------
    DataError
        If the file cannot be read, lacks an array, or holds arrays that do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> np.savez("data.npz", x=np.ones((4, 2)), y=np.zeros(4))
    >>> ffnn.datasets.load_npz("data.npz").x_train.shape
    (4, 2)
    """
    _check_arguments("load_npz", path, targets)
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path}: expected an .npz file, as numpy.savez writes it, got another kind"
        )
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return _arrays(archive, path, targets)
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(f"{path}: this .npz file cannot be read: {error}") from error


def load_h5(path: FilePath, *, targets: bool = True) -> Arrays:
    """Open the datasets ``x_train y_train x_test y_test``, or ``x y``, of an HDF5 file.

    Parameters
    ----------
    path : str or path-like
        The file. It stays open, for reading, as long as one of the datasets returned is in use.
    targets : bool
        False reads only the rows, from a file that may have no targets.

    Returns
    -------
    Arrays
        The rows as h5py.Dataset, still on disk, and the targets as ndarray.

    Raises
    ------
    DataError
        As `load_npz` does.

    Examples
    --------
    >>> import h5py
    >>> import numpy as np
    >>> import ffnn
    >>> with h5py.File("data.h5", "w") as file:
    ...     file["x"], file["y"] = np.ones((4, 2)), np.zeros(4)
    >>> ffnn.datasets.load_h5("data.h5").x_train.shape
    (4, 2)
    """
    import h5py

    _check_arguments("load_h5", path, targets)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: this HDF5 file cannot be read: {error}") from error
    try:
        return _arrays(file, path, targets)
    except BaseException:
        file.close()
        raise


def _check_arguments(owner: str, path: FilePath, targets: bool) -> None:
    check_path(owner, "path", path, needs_name=False)
    check_bool(owner, "targets", targets)
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")


def _arrays(file: Mapping[str, Any], path: FilePath, targets: bool) -> Arrays:
    """Pick a file's arrays by their names."""
    suffix = "_train" if "x_train" in file or "y_train" in file else ""
    x_train, y_train = _rows_and_targets(file, suffix, path, targets)
    if "x_test" not in file and "y_test" not in file:
        return Arrays(x_train, y_train, None, None)
    x_test, y_test = _rows_and_targets(file, "_test", path, targets)
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"{path}: expected the rows of x{suffix} and x_test to have one shape, got arrays of "
            f"shapes {x_train.shape} and {x_test.shape}"
        )
    return Arrays(x_train, y_train, x_test, y_test)


def _rows_and_targets(
    file: Mapping[str, Any], suffix: str, path: FilePath, targets: bool
) -> tuple[Any, Any]:
    """Return one checked pair, with the targets in memory, or None where they are not wanted."""
    names = [f"x{suffix}", f"y{suffix}"] if targets else [f"x{suffix}"]
    absent = [name for name in names if name not in file]
    if absent:
        raise DataError(
            f"{path}: found no array {' and no '.join(absent)}; expected x_train and y_train, and "
            f"perhaps x_test and y_test, or x and y; the file holds {', '.join(file) or 'nothing'}"
        )
    pair = [file[name] for name in names]
    for name, entry in zip(names, pair, strict=True):
        kind = getattr(entry, "dtype", None)
        if kind is None or kind.kind not in "biuf" or not entry.shape:
            raise DataError(
                f"{path}: expected {name} to be an array of numbers, one row for each example, "
                f"got {type(entry).__name__ if kind is None else f'{kind} of shape {entry.shape}'}"
            )
    if not targets:
        return pair[0], None
    x, y = pair
    if len(x) != len(y):
        raise DataError(
            f"{path}: expected {names[0]} and {names[1]} to have equally many rows, got {len(x)} "
            f"and {len(y)}"
        )
    return x, y[...]
