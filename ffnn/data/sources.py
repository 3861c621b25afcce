"""Rows out of arrays, memory maps, HDF5 datasets and sparse matrices.

A source leaves its data as it is, in its own dtype and place; rows are gathered a batch at a time
into a buffer that is reused.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.memory import Workspace
from ffnn.core.text import shown
from ffnn.data.hdf5 import HDF5Rows
from ffnn.data.numbers import as_numbers
from ffnn.data.rows import Rows
from ffnn.errors import DataError

BLOCK_ROWS = 1024  # rows read together when a whole data set is scanned

# What checks a batch: the source, its rows just read and cast, and their numbers in the source.
Check: TypeAlias = Callable[["Source", Array, "Array | range"], None]


class Source:
    """Rows that are read a batch at a time; a subclass says how, for its kind of data.

    Batches are cast to `dtype`; None leaves them in the data's. Rows on disk are not scanned before
    the work: their batches are checked as they are read.
    """

    is_stored = False  # on disk
    first = 0  # the number that messages give the first row, of a part

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        self.data = data
        self.shape: tuple[int, ...] = data.shape
        self.dtype = data.dtype if dtype is None else np.dtype(dtype)
        self._is_ready = data.dtype == self.dtype
        self._workspace: Workspace | None = None
        self._checks: tuple[Check, ...] = ()

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, indices: Array) -> Array:
        """Return the rows at `indices`, valid until the next call."""
        return self.finish(self._take(indices), indices)

    def slice(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop`, valid until the next call and read-only."""
        return self.finish(self._slice(start, stop), range(start, stop))

    def finish(self, rows: Array, numbers: Array | range) -> Array:
        """Return the rows of these numbers, just read, cast and checked; valid until the next."""
        if not self._checks:
            return rows if self._is_ready else self._cast(rows)
        with np.errstate(over="ignore", invalid="ignore"):  # of which the checks tell
            rows = rows if self._is_ready else self._cast(rows)
        for check in self._checks:
            check(self, rows, numbers)
        return rows

    def read(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop` as they are, in the data's own dtype."""
        return self._slice(start, stop)

    def gather(self, indices: Array) -> Array:
        """Return the rows at `indices` as they are, valid until the next call."""
        return self._take(indices)

    def gather_into(self, out: Array, indices: Array) -> None:
        """Read the rows at `indices`, which ascend and differ, as they are into an array."""
        out[...] = self._take(indices)

    def part(self, start: int, stop: int) -> Source:
        """Return a source of the rows from `start` to `stop`; rows on disk stay there."""
        part = self._part(start, stop)
        if self.is_stored:
            part.first, part._checks = self.first + start, self._checks
        return part

    def check_reads(self, check: Check) -> None:
        """Have each batch checked when it is read; `check` raises DataError."""
        self._checks = (*self._checks, check)

    def _part(self, start: int, stop: int) -> Source:
        return type(self)(self.data[start:stop], self.dtype)

    def _take(self, indices: Array) -> Array:
        raise NotImplementedError

    def _slice(self, start: int, stop: int) -> Array:
        raise NotImplementedError

    def _buffer(self, key: str, rows: int, dtype: DTypeLike) -> Array:
        if self._workspace is None:
            self._workspace = Workspace("C")  # rows, as they are read
        return self._workspace.get(key, (rows, *self.shape[1:]), dtype)

    def _cast(self, block: Array) -> Array:
        out = self._buffer("cast", len(block), self.dtype)
        np.copyto(out, block, casting="unsafe")
        return out

    def value(self, row: int, column: int) -> float:
        """Return an entry as it is."""
        return float(self._slice(row, row + 1).reshape(-1)[column])

    def find_non_finite(self, dtype: DTypeLike | None = None) -> tuple[int, int, float] | None:
        """Return row, column and value of the first entry that is NaN or infinite in `dtype`.

        None stands for the dtype of the batches.
        """
        if self.data.dtype.kind != "f":
            return None
        dtype = np.dtype(dtype or self.dtype)
        for start in range(0, len(self), BLOCK_ROWS):
            block = self._read_as(dtype, start, min(start + BLOCK_ROWS, len(self)))
            if math.isfinite(np.vdot(block, block)):  # NaN and infinity would show in the sum
                continue
            bad = np.argwhere(~np.isfinite(block))
            if len(bad):
                row, column = int(bad[0][0]), int(bad[0][-1]) if block.ndim > 1 else 0
                return start + row, column, self.value(start + row, column)
        return None

    def _read_as(self, dtype: np.dtype[Any], start: int, stop: int) -> Array:
        """Return rows as `dtype`; numbers too large for it become infinite."""
        if self.data.dtype == self.dtype == dtype:
            return self._slice(start, stop)
        with np.errstate(over="ignore", invalid="ignore"):
            return self.slice(start, stop).astype(dtype, copy=False)


class ArraySource(Source):
    """Rows of an ndarray or a memory map."""

    def __init__(self, data: Array, dtype: DTypeLike | None = None) -> None:
        if not (data.flags.c_contiguous and data.dtype.isnative):
            # np.take copies a whole array that is not contiguous, at every call.
            data = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
        super().__init__(data, dtype)
        self._gathered: Array | None = None

    def _take(self, indices: Array) -> Array:
        out = self._gathered
        if out is None or len(out) != len(indices):
            out = self._gathered = self._buffer("rows", len(indices), self.data.dtype)
        # mode="raise" would gather into a temporary and copy; the indices are our own.
        self.data.take(indices, 0, out, "clip")
        return out

    def _slice(self, start: int, stop: int) -> Array:
        block: Array = self.data[start:stop]
        return block


class MappedSource(ArraySource):
    """Rows of a memory map."""

    is_stored = True

    def gather_into(self, out: Array, indices: Array) -> None:
        """Read rows as they are into an array, while other threads run."""
        self.data.take(indices, 0, out, "clip")


class StoredSource(Source):
    """Rows on disk, read from their file batch by batch.

    `data` is an h5py dataset, or `Rows` of any other kind.
    """

    is_stored = True

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        self._rows = data if isinstance(data, Rows) else HDF5Rows(data)
        super().__init__(data, dtype)

    def gather_into(self, out: Array, indices: Array) -> None:
        """Read rows as they are into an array."""
        self._rows.gather_into(out, indices + self._start)

    _start = 0  # the row at which a part begins

    def _part(self, start: int, stop: int) -> Source:
        part = StoredSource(self.data, self.dtype)
        part._rows, part._start = self._rows, self._start + start
        part.shape = (stop - start, *self.shape[1:])
        return part

    def _take(self, indices: Array) -> Array:
        wanted, places = np.unique(indices, return_inverse=True)
        if len(wanted) < len(indices):
            return self._take(wanted)[places]
        gathered = self._buffer("gathered", len(wanted), self._rows.dtype)
        self.gather_into(gathered, wanted)
        out = self._buffer("rows", len(indices), self._rows.dtype)
        gathered.take(places, 0, out, "clip")
        return out

    def _slice(self, start: int, stop: int) -> Array:
        out = self._buffer("rows", stop - start, self._rows.dtype)
        self._rows.read_into(out, self._start + start, self._start + stop)
        return out


class SparseSource(Source):
    """Rows of a SciPy sparse matrix, made dense a batch at a time."""

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        super().__init__(data.tocsr(), dtype)

    def _take(self, indices: Array) -> Array:
        return self._dense(self.data[indices])

    def _slice(self, start: int, stop: int) -> Array:
        return self._dense(self.data[start:stop])

    def _dense(self, block: Any) -> Array:
        out = self._buffer("rows", block.shape[0], self.data.dtype)
        block.toarray(out=out)
        return out


def open_source(x: Any, dtype: DTypeLike | None, what: str = "x") -> Source:
    """Return the source that suits `x`, which messages call `what`.

    It is an array-like, memory map, h5py dataset or SciPy sparse matrix, (rows, columns). DataError
    says that it is not two-dimensional, is empty, or does not consist of numbers.
    """
    kind: type[Source] = ArraySource
    if (type(x) is np.ndarray and x.dtype.kind in "fiub") or isinstance(x, Rows):
        kind = ArraySource if type(x) is np.ndarray else StoredSource
    elif hasattr(x, "tocsr"):
        kind = SparseSource
    elif type(x).__module__.startswith("h5py"):
        kind = StoredSource
        if not hasattr(x, "dtype"):
            raise DataError(f"{what}: expected a dataset, such as file['x'], got {x!r}")
    else:
        _refuse_tables(x, what)
        _refuse_several(x, what)
        kind = MappedSource if is_mapped(x) else ArraySource
        x = as_numbers(x, what)
    if x.dtype.kind not in "fiub":
        raise DataError(f"{what}: expected numbers, got dtype {x.dtype}")
    if len(x.shape) != 2:
        raise DataError(_not_rows(tuple(x.shape), what))
    if 0 in x.shape:
        raise DataError(f"{what}: expected at least one row and one column, got shape {x.shape}")
    return kind(x, dtype)


def is_mapped(x: Any) -> bool:
    """Tell whether rows are those of a memory map, one after another as the machine reads them."""
    return isinstance(x, np.memmap) and bool(x.flags.c_contiguous and x.dtype.isnative)


def _refuse_tables(x: Any, what: str) -> None:
    """Raise DataError for a path and for rows with names, which only an encoder can take."""
    is_named = isinstance(x, list) and len(x) > 0 and isinstance(x[0], Mapping)
    if is_named or isinstance(x, (str, os.PathLike, Mapping)):
        raise DataError(
            f"{what}: expected numbers, got {shown(x, 60)}; a model without an encoder takes no "
            f"files and no rows with names: see ffnn.tables.TableEncoder"
        )


def _refuse_several(x: Any, what: str) -> None:
    """Raise DataError for a list of tables, as networks of several inputs take."""
    is_list = isinstance(x, (list, tuple)) and len(x) > 0
    if is_list and all(len(getattr(item, "shape", ())) == 2 for item in x):
        raise DataError(
            f"{what}: expected one array of shape (rows, columns), got {len(x)} arrays of two "
            f"dimensions. Join the columns of several inputs with np.hstack({what}); flatten "
            f"samples such as pictures with np.reshape({what}, (len({what}), -1))."
        )


def _not_rows(shape: tuple[int, ...], what: str) -> str:
    advice = f"For one row use {what}.reshape(1, -1), for one column {what}.reshape(-1, 1)."
    if not shape:
        advice = "Give an array or a list of rows."
    elif len(shape) > 2:
        advice = f"Flatten each sample with {what}.reshape(len({what}), -1)."
    return f"{what}: expected rows of shape (rows, columns), got shape {shape}. {advice}"


def check_finite(source: Source, what: str, dtype: DTypeLike | None = None) -> None:
    """Raise DataError with the row and column of the first entry that is not finite in `dtype`.

    Of rows on disk that happens at the batch in which such an entry is read.
    """
    dtype = np.dtype(dtype or source.dtype)
    if source.is_stored:
        if source.data.dtype.kind == "f":
            source.check_reads(partial(_check_batch, what, dtype))
        return
    found = source.find_non_finite(dtype)
    if found is not None:
        raise _not_finite(what, dtype, *found)


def _check_batch(
    what: str, dtype: np.dtype[Any], source: Source, rows: Array, numbers: Array | range
) -> None:
    """Raise DataError for the first entry of a batch that is not finite."""
    if rows.dtype != dtype:
        with np.errstate(over="ignore", invalid="ignore"):
            rows = rows.astype(dtype)
    if math.isfinite(np.vdot(rows, rows)):
        return
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        place, column = map(int, bad[0])
        row = int(numbers[place])
        raise _not_finite(what, dtype, source.first + row, column, source.value(row, column))


def _not_finite(what: str, dtype: np.dtype[Any], row: int, column: int, value: float) -> DataError:
    advice = "Remove or fill such values first."
    if np.isfinite(value):
        advice = f"It is too large for {dtype}; scale the column first."
    return DataError(f"{what}: got {value} in row {row}, column {column}. {advice}")
