"""Rows of a .npy file, and of any file in which they stand one after another as numbers."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from ffnn._types import Array, FilePath
from ffnn.data.rows import Rows
from ffnn.errors import DataError

_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


class PlainFile:
    """A file that is read at any place, by several threads at once."""

    def __init__(self, path: FilePath, file: Any = None) -> None:
        self.path = os.fspath(path)  # by which messages call it; else an open file is read
        self._file = open(path, "rb", buffering=0) if file is None else file  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()

    def read_into(self, out: Array, offset: int) -> None:
        """Fill a contiguous array with the bytes from `offset` on; DataError: the file ends."""
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        while view:
            count = self._read(view, offset)
            if not count:
                raise DataError(f"{self.path}: the file was cut short while it was read")
            view, offset = view[count:], offset + count

    def expect(self, offset: int, size: int) -> None:
        """Have the system fetch bytes that are read soon, many places at a time."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), offset, size, os.POSIX_FADV_WILLNEED)

    def _read(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.readinto(view) or 0


class NpyRows(Rows):
    """Rows of a .npy file, read at their places: nothing is mapped into memory."""

    def __init__(self, path: FilePath) -> None:
        self._file = PlainFile(path)
        with open(path, "rb") as file:
            shape, dtype = _read_header(file, path)
            self._offset = file.tell()
            size = file.seek(0, os.SEEK_END)
        super().__init__(os.fspath(path), shape, dtype)
        self._swapped = not dtype.isnative
        self._row_bytes = dtype.itemsize * self.shape[1]
        expected = self._offset + len(self) * self._row_bytes
        if size < expected:
            raise DataError(
                f"{path}: this .npy file is cut short: {len(self):,} rows take {expected:,} bytes, "
                f"it has {size:,}; write or copy it again"
            )

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop`."""
        if stop > start and self._row_bytes:
            self._file.read_into(out, self._offset + start * self._row_bytes)
            if self._swapped:
                out.byteswap(inplace=True)

    def expect(self, start: int, stop: int) -> None:
        """Have the system fetch rows that are read soon."""
        self._file.expect(self._offset + start * self._row_bytes, (stop - start) * self._row_bytes)


def _read_header(file: Any, path: FilePath) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of a .npy file of rows of numbers, or raise DataError."""
    try:
        version = npy_format.read_magic(file)
        shape, is_fortran, dtype = _HEADERS[version](file)
    except (ValueError, KeyError) as error:
        raise DataError(
            f"{path}: expected a .npy file, as numpy.save writes it, got another kind or a damaged "
            f"one"
        ) from error
    if dtype.kind not in "fiub" or not shape:
        raise DataError(
            f"{path}: expected an array of numbers, one row for each example, got {dtype} of shape "
            f"{shape}"
        )
    if is_fortran and len(shape) > 1:
        raise DataError(
            f"{path}: expected one row after another, got them column by column (Fortran order); "
            f"save numpy.ascontiguousarray(x) instead"
        )
    return shape, dtype
