"""Rows of a Parquet file, decoded once into a temporary file."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.core.checks import nearest
from ffnn.core.scratch import ScratchFile
from ffnn.core.text import listed, shown
from ffnn.data.npy import PlainFile
from ffnn.data.parquet_files import NUMBERS, ParquetFile, open_file
from ffnn.data.rows import Rows
from ffnn.errors import DataError

_PART_BYTES = 1 << 25  # of rows that are decoded together
_MOST_BYTES = 1 << 26  # held while they are decoded; of more, one share comes after another
_THREADS = 2  # that decode; a third one writes
_TILE = 16  # columns that become rows together: float32 numbers of a cache line


class ParquetRows(Rows):
    """The columns of a Parquet file as rows.

    Single rows cannot be read from it: values are packed by columns, thousands together. The first
    read decodes all rows into a temporary file, which is gone with this object.
    """

    def __init__(self, path: FilePath, names: Sequence[str] | None) -> None:
        self._path, self._lock = os.fspath(path), threading.Lock()
        self._decoded: PlainFile | None = None
        file = open_file(self._path)
        self.names = [*file.kinds] if names is None else [*names]
        is_named = names is not None
        dtypes = [_dtype_of(path, each, file.kinds, is_named=is_named) for each in self.names]
        if not dtypes:
            raise DataError(f"{path}: expected columns of numbers, got none")
        super().__init__(self._path, (file.rows, len(dtypes)), np.result_type(*dtypes))
        self._row_bytes = self.dtype.itemsize * len(dtypes)

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop`; the first call decodes the file."""
        if stop > start:
            self._plain_file().read_into(out, start * self._row_bytes)

    def expect(self, start: int, stop: int) -> None:
        """Have the system fetch rows that are read soon."""
        self._plain_file().expect(start * self._row_bytes, (stop - start) * self._row_bytes)

    def _plain_file(self) -> PlainFile:
        with self._lock:
            if self._decoded is None:
                self._decoded = self._decode()
        return self._decoded

    def _decode(self) -> PlainFile:
        with self._scratch() as scratch:
            file = open_file(self._path)
            count = -(-file.memory(self.names) // _MOST_BYTES)
            write = self._write_rows if count == 1 else self._write_shares
            write(scratch, [_Share(file, self, each) for each in self._cut(max(count, _THREADS))])
            return PlainFile(self._path, scratch.finish())

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[ScratchFile]:
        """Make a file for all rows, which is closed if that fails."""
        size = len(self) * self._row_bytes
        scratch = ScratchFile(size, f"{self._path}: to read rows of a Parquet file at any place")
        try:
            yield scratch
        except BaseException:
            scratch.close()
            raise

    def _cut(self, count: int) -> list[slice]:
        """Return shares of the columns, whole tiles of them."""
        tiles = -(-len(self.names) // _TILE)
        cuts = sorted({_TILE * (tiles * each // count) for each in range(count + 1)})
        return [slice(*cut) for cut in itertools.pairwise(cuts)]

    def _write_rows(self, scratch: ScratchFile, shares: Sequence[_Share]) -> None:
        """Decode all rows, each share in a thread, and meanwhile write those before."""
        rows, done = np.empty((shares[0].longest, len(self.names)), self.dtype), 0
        part = rows[:0]
        with ThreadPoolExecutor(len(shares), "ffnn-parquet") as threads:
            while done < len(self):
                decoded = threads.map(_Share.decode, shares)
                scratch.append(part)
                columns = [*decoded]
                part = rows[: len(columns[0][0])]
                places = [part[:, share.columns] for share in shares]
                [*threads.map(_Share.fill, shares, places, columns)]
                done += len(part)
                del decoded, columns  # before the next ones are there
        scratch.append(part)

    def _write_shares(self, scratch: ScratchFile, shares: Sequence[_Share]) -> None:
        """Decode one share after another into a file of its own, and put rows together from them.

        So less of a row group is in memory, where it has many columns of many rows.
        """
        longest, size = shares[0].longest, self.dtype.itemsize
        with self._scratch() as apart:
            for share in shares:
                part, done = np.empty((longest, share.width), self.dtype), 0
                while done < len(self):
                    columns = share.decode()
                    filled = part[: len(columns[0])]
                    share.fill(filled, columns)
                    apart.append(filled)
                    done += len(filled)
            file = PlainFile(self._path, apart.finish())
        rows = np.empty((longest, len(self.names)), self.dtype)
        for start in range(0, len(self), longest):
            count = min(longest, len(self) - start)
            for share in shares:
                part = np.empty((count, share.width), self.dtype)
                file.read_into(part, size * (len(self) * share.columns.start + start * share.width))
                rows[:count, share.columns] = part
            scratch.append(rows[:count])


class _Share:
    """Some columns of a file, which are decoded together."""

    def __init__(self, file: ParquetFile, rows: ParquetRows, columns: slice) -> None:
        self.columns, self._names, self._where = columns, rows.names[columns], rows.where
        self.width, self._rows, self._decoded = len(self._names), len(rows), 0
        row_bytes = rows.dtype.itemsize * rows.shape[1]
        self.longest = min(max(_PART_BYTES // row_bytes, 1), len(rows))
        self._parts = file.parts(self._names, self.longest)
        self._tile = np.empty((_TILE, self.longest), rows.dtype)

    def decode(self) -> list[Array]:
        """Return the columns of the next rows; DataError: there are others than there were."""
        columns = next(self._parts, [np.empty(0)])
        count = len(columns[0])
        if not count or len(columns) != self.width or self._decoded + count > self._rows:
            raise DataError(f"{self._where}: the file has changed since it was opened")
        self._decoded += count
        if self._decoded == self._rows:
            self._parts.close()  # which gives its memory back
        return columns

    def fill(self, rows: Array, columns: Sequence[Array]) -> None:
        """Make rows of decoded columns; missing numbers become NaN, in integers DataError."""
        for first in range(0, self.width, _TILE):
            some = columns[first : first + _TILE]
            tile = self._tile[: len(some), : len(rows)]
            for index, column in enumerate(some):
                tile[index] = np.ma.getdata(column)
            rows[:, first : first + _TILE] = tile.T
        for index, column in enumerate(columns):
            mask = np.ma.getmask(column)
            if mask is not np.ma.nomask:
                self._fill_missing(rows[:, index], index, np.flatnonzero(mask))

    def _fill_missing(self, values: Array, index: int, missing: Array) -> None:
        if len(missing) and values.dtype.kind != "f":
            start = self._decoded - len(values)
            raise DataError(
                f"{self._where}: a number is missing in row {start + int(missing[0])}, column "
                f"{shown(self._names[index], 60)}; fill it, or leave the row out"
            )
        if len(missing):
            values[missing] = np.nan


def _dtype_of(path: FilePath, name: str, kinds: dict[str, str], *, is_named: bool) -> np.dtype[Any]:
    """Return the dtype of a column, or raise DataError if it does not hold numbers."""
    if name not in kinds:
        raise DataError(
            f"{path}: found no column {shown(name, 60)}{nearest(name, kinds)}; the file has "
            f"{listed(kinds)}"
        )
    if kinds[name] not in NUMBERS:
        advice = "" if is_named else "; name the columns to read: open_rows(path, ['a', 'b'])"
        raise DataError(
            f"{path}: expected numbers in column {shown(name, 60)}, got {kinds[name]}{advice}"
        )
    return np.dtype(NUMBERS[kinds[name]])
