"""`open_rows`: a path becomes rows that are read as they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ffnn._types import FilePath
from ffnn.core.checks import check_path, check_text, nearest
from ffnn.core.text import listed, shown
from ffnn.data.hdf5 import HDF5Rows
from ffnn.data.npy import NpyRows
from ffnn.data.parquet import ParquetRows
from ffnn.data.rows import JoinedRows, Rows
from ffnn.data.zarr import ZarrRows, is_zarr, zarr_arrays
from ffnn.errors import DataError

_NAMES = ("x", "x_train")  # of the rows in a file of several arrays


def open_rows(path: FilePath, name: str | Sequence[str] | None = None) -> Rows:
    """Open rows of numbers on disk, of any size, for `fit`, `evaluate` and `predict`.

    Nothing but the file's description is read here.

    Parameters
    ----------
    path : str or path-like
        A file ending in ``.npy``, ``.h5``, ``.hdf5`` or ``.parquet`` (which needs pyarrow, or
        DuckDB: ``pip install 'ffnn[tables]'``), a folder of zarr (``pip install 'ffnn[zarr]'``), or
        a folder of such files, whose rows follow one another in the order of the files' names. Of a
        Parquet file, the first read decodes all rows into a temporary file (in ``$TMPDIR``).
    name : str or sequence of str, optional
        Which array of an HDF5 file or a group of zarr; by default ``"x"``, ``"x_train"`` or the
        only one. Which column or columns of a Parquet file; by default all.

    Returns
    -------
    Rows
        Of shape (rows, columns); what has more dimensions is flattened, row by row.

    Raises
    ------
    DataError
        The file is missing, damaged or cut short, holds no numbers, or not what `name` says.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> np.save("x.npy", np.zeros((1000, 20), "float32"))
    >>> ffnn.data.open_rows("x.npy")
    <1,000 rows of 20 columns, float32, in x.npy>
    """
    check_path("open_rows", "path", path, needs_name=False)
    if isinstance(name, (list, tuple)):
        name = [check_text("open_rows", "name", each) for each in name]
    elif name is not None:
        name = check_text("open_rows", "name", name)
    place = Path(path)
    if place.is_dir() and is_zarr(place):
        return _open_zarr(path, name)
    if place.is_dir():
        return _open_folder(place, name)
    if not place.is_file():
        raise DataError(f"{path}: there is no such file")
    opener = _OPENERS.get(place.suffix.lower())
    if opener is None:
        raise DataError(
            f"{path}: expected a file ending in {listed(_OPENERS)}, or a folder of such files"
        )
    try:
        return opener(path, name)
    except OSError as error:
        raise DataError(f"{path}: this file cannot be read: {error}") from error


def _open_folder(folder: Path, name: str | Sequence[str] | None) -> Rows:
    """Return the rows of all files in a folder, in the order of their names."""
    paths = sorted(each for each in folder.iterdir() if each.suffix.lower() in _OPENERS)
    if not paths:
        raise DataError(f"{folder}: expected files ending in {listed(_OPENERS)}, found none")
    parts = [open_rows(each, name) for each in paths]
    first = parts[0]
    for part in parts[1:]:
        if (part.shape[1], part.dtype) != (first.shape[1], first.dtype):
            raise DataError(
                f"{folder}: expected files of the same columns and dtype, got {first} and {part}"
            )
    return JoinedRows(os.fspath(folder), parts)


def _open_npy(path: FilePath, name: str | Sequence[str] | None) -> Rows:
    if name is not None:
        raise DataError(f"{path}: a .npy file holds one array, and no name {shown(name, 60)}")
    return NpyRows(path)


def _open_parquet(path: FilePath, name: str | Sequence[str] | None) -> Rows:
    return ParquetRows(path, [name] if isinstance(name, str) else name)


def _open_zarr(path: FilePath, name: str | Sequence[str] | None) -> Rows:
    found = zarr_arrays(path)
    array = _named(found, path, name) if isinstance(found, dict) else found
    _check_numbers(path, name or "the array", array)
    return ZarrRows(path, array)


def _open_hdf5(path: FilePath, name: str | Sequence[str] | None) -> Rows:
    import h5py

    file = h5py.File(path, "r")
    found: dict[str, Any] = {}
    file.visititems(lambda key, item: found.update({key: item}) if hasattr(item, "shape") else None)
    dataset = _named(found, path, name)
    _check_numbers(path, dataset.name[1:], dataset)
    return HDF5Rows(dataset)


def _check_numbers(path: FilePath, name: Any, array: Any) -> None:
    if getattr(array.dtype, "kind", "") not in ("f", "i", "u", "b") or not array.shape:
        raise DataError(
            f"{path}: expected {name} to be an array of numbers, one row for each example, got "
            f"{array.dtype} of shape {array.shape}"
        )


def _named(found: dict[str, Any], path: FilePath, name: str | Sequence[str] | None) -> Any:
    """Return the array that is meant, of those in a file."""
    if not isinstance(name, (str, type(None))):
        raise DataError(f"{path}: expected the name of one array, got {shown(name, 60)}")
    usual = next((each for each in _NAMES if each in found), None)
    if name is None:
        name = usual or (next(iter(found)) if len(found) == 1 else None)
    if name is None:
        raise DataError(
            f"{path}: expected an array x or x_train, or one alone; give name, one of "
            f"{listed(found) or 'none'}"
        )
    if name not in found:
        raise DataError(
            f"{path}: found no array {shown(name, 60)}{nearest(name, found)}; the file holds "
            f"{listed(found) or 'none'}"
        )
    return found[name]


_OPENERS: dict[str, Callable[[FilePath, str | Sequence[str] | None], Rows]] = {
    ".npy": _open_npy,
    ".h5": _open_hdf5,
    ".hdf5": _open_hdf5,
    ".parquet": _open_parquet,
}
