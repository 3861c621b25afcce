"""Rows of a dataset in an HDF5 file."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.data.npy import PlainFile
from ffnn.data.rows import Rows


class HDF5Rows(Rows):
    """Rows of an h5py dataset.

    One that lies in its file in one piece is read past the HDF5 library, which would let nothing
    else run meanwhile.
    """

    def __init__(self, dataset: Any) -> None:
        super().__init__(f"{dataset.file.filename}{dataset.name}", dataset.shape, dataset.dtype)
        self._dataset, self._inner = dataset, dataset.shape[1:]
        self._row_bytes = self.dtype.itemsize * self.shape[1]
        self._file, self._offset = _plain_place(dataset)

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop`."""
        if stop <= start:
            return
        if self._file is not None:
            self._file.read_into(out, self._offset + start * self._row_bytes)
        else:
            self._dataset.read_direct(out.reshape(-1, *self._inner), np.s_[start:stop])

    def expect(self, start: int, stop: int) -> None:
        """Have the system fetch rows that are read soon, where their place is known."""
        if self._file is not None:
            place = self._offset + start * self._row_bytes
            self._file.expect(place, (stop - start) * self._row_bytes)


def _plain_place(dataset: Any) -> tuple[PlainFile | None, int]:
    """Return the file and the place in it of a dataset that is one piece there; None otherwise."""
    offset = dataset.id.get_offset()
    is_plain = dataset.chunks is None and dataset.external is None and not dataset.is_virtual
    if offset is None or not is_plain or dataset.file.mode != "r" or not dataset.dtype.isnative:
        return None, 0
    if 0 in dataset.shape or dataset.file.driver not in ("sec2", "stdio"):
        return None, 0
    with contextlib.suppress(OSError):
        file, first = PlainFile(dataset.file.filename), np.empty(dataset.shape[1:], dataset.dtype)
        file.read_into(first, offset)
        if first.tobytes() == np.asarray(dataset[0]).tobytes():
            return file, offset
    return None, 0
