"""Rows of a zarr array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.data.rows import Rows
from ffnn.errors import DataError

_MARKS = ("zarr.json", ".zarray", ".zgroup")  # in the folder of an array or a group


class ZarrRows(Rows):
    """Rows of a zarr array, whose chunks are decoded at each read."""

    def __init__(self, path: FilePath, array: Any) -> None:
        super().__init__(os.fspath(path), array.shape, np.dtype(array.dtype))
        self._array = array

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop`."""
        if stop > start:
            out[...] = np.asarray(self._array[start:stop]).reshape(out.shape)


def is_zarr(folder: Path) -> bool:
    """Tell whether a folder is an array or a group of zarr."""
    return any((folder / mark).is_file() for mark in _MARKS)


def zarr_arrays(path: FilePath) -> Any:
    """Return the array at a path, or the arrays of the group there by their names."""
    try:
        import zarr
    except ImportError as error:
        raise DataError(f"{path}: to read it install zarr: pip install 'ffnn[zarr]'") from error
    try:
        found = zarr.open(os.fspath(path), mode="r")
        return found if hasattr(found, "shape") else dict(found.arrays())
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: this zarr folder cannot be read: {error}") from error
