"""Rows out of arrays, memory maps, HDF5 datasets and sparse matrices.

A source leaves its data as it is, in its own dtype and place; rows are gathered a batch at a time
into a buffer that is reused.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.memory import Workspace
from ffnn.core.moments import Moments
from ffnn.core.text import shorten, shown
from ffnn.errors import DataError

BLOCK_ROWS = 1024  # rows read together when a whole data set is scanned


class Source:
    """Rows that are read a batch at a time; a subclass says how, for its kind of data.

    Batches are cast to `dtype`; None leaves them in the data's.
    """

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        self.data = data
        self.shape: tuple[int, ...] = data.shape
        self.dtype = data.dtype if dtype is None else np.dtype(dtype)
        self._is_ready = data.dtype == self.dtype
        self._workspace: Workspace | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, indices: Array) -> Array:
        """Return the rows at `indices`, valid until the next call."""
        rows = self._take(indices)
        return rows if self._is_ready else self._cast(rows)

    def slice(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop`, valid until the next call and read-only."""
        rows = self._slice(start, stop)
        return rows if self._is_ready else self._cast(rows)

    def read(self, start: int, stop: int) -> Array:
        """Return the rows from `start` to `stop` as they are, in the data's own dtype."""
        return self._slice(start, stop)

    def gather(self, indices: Array) -> Array:
        """Return the rows at `indices` as they are, valid until the next call."""
        return self._take(indices)

    def part(self, start: int, stop: int) -> Source:
        """Return a source of the rows from `start` to `stop`; rows on disk stay there."""
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
                found = self._slice(start + row, start + row + 1).reshape(-1)[column]
                return start + row, column, float(found)
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


class HDF5Source(Source):
    """Rows of an h5py dataset, read from the file batch by batch."""

    _first = 0  # the row of the dataset at which a part begins

    def part(self, start: int, stop: int) -> Source:
        """Return a source of the rows from `start` to `stop`, still in the file."""
        part = HDF5Source(self.data, self.dtype)
        part._first = self._first + start
        part.shape = (stop - start, *self.shape[1:])
        return part

    def _take(self, indices: Array) -> Array:
        order = np.argsort(indices)  # HDF5 reads rows in ascending order only
        out = self._buffer("rows", len(indices), self.data.dtype)
        out[order] = self.data[indices[order] + self._first]
        return out

    def _slice(self, start: int, stop: int) -> Array:
        block: Array = self.data[self._first + start : self._first + stop]
        return block


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
    if type(x) is np.ndarray and x.dtype.kind in "fiub":
        pass
    elif hasattr(x, "tocsr"):
        kind = SparseSource
    elif type(x).__module__.startswith("h5py"):
        kind = HDF5Source
        if not hasattr(x, "dtype"):
            raise DataError(f"{what}: expected a dataset, such as file['x'], got {x!r}")
    else:
        _refuse_tables(x, what)
        _refuse_several(x, what)
        x = as_numbers(x, what)
    if x.dtype.kind not in "fiub":
        raise DataError(f"{what}: expected numbers, got dtype {x.dtype}")
    if len(x.shape) != 2:
        raise DataError(_not_rows(tuple(x.shape), what))
    if 0 in x.shape:
        raise DataError(f"{what}: expected at least one row and one column, got shape {x.shape}")
    return kind(x, dtype)


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


def as_array(values: Any, what: str) -> Any:
    """Return `values` if they have a shape, else as an array; DataError: they are ragged."""
    if hasattr(values, "shape") and hasattr(values, "dtype") and not isinstance(values, type):
        return values
    try:
        return np.asarray(values)
    except ValueError:
        sizes = [len(row) if hasattr(row, "__len__") else 1 for row in values]
        other = next((row for row, size in enumerate(sizes) if size != sizes[0]), 0)
        found = f", got {sizes[0]} entries in row 0 and {sizes[other]} in row {other}"
        raise DataError(f"{what}: expected rows of one length{found if other else ''}") from None


def as_numbers(values: Any, what: str) -> Array:
    """Return `values` as an array of numbers, or raise DataError where `what` is not one."""
    if type(values).__module__.startswith("h5py"):
        values = values[()]
    if hasattr(values, "filled") and np.any(getattr(values, "mask", False)):
        raise DataError(
            f"{what}: some entries are masked; fill such entries or leave the rows out first"
        )
    array = np.asarray(as_array(values, what))
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind == "O" and not any(isinstance(v, (str, bytes)) for v in array.flat):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return array.astype(np.float64)
    if array.dtype.kind == "c":
        raise DataError(f"{what}: expected real numbers, got complex ones")
    hint = ""
    if what == "y" and array.dtype.kind in "OSU":
        hint = "; number classes from 0, as np.unique(y, return_inverse=True) does"
    raise DataError(f"{what}: expected numbers, got {_first_non_number(array)}{hint}")


def _first_non_number(array: Array) -> str:
    for position, value in np.ndenumerate(array):
        axes = zip(("row", "column"), position, strict=False)
        place = ", ".join(f"{axis} {i}" for axis, i in axes) or "a single value"
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{shorten(str(value), 60)!r} in {place}"
        except OverflowError:
            return f"an integer beyond the largest float in {place}"
    what = "numbers written as text" if array.dtype.kind in "SUO" else "not one of NumPy's numbers"
    return f"dtype {array.dtype}: {what}; convert them with .astype(float)"


def check_finite(source: Source, what: str, dtype: DTypeLike | None = None) -> None:
    """Raise DataError with the row and column of the first entry that is not finite in `dtype`."""
    dtype = np.dtype(dtype or source.dtype)
    found = source.find_non_finite(dtype)
    if found is not None:
        row, column, value = found
        advice = "Remove or fill such values first."
        if np.isfinite(value):
            advice = f"It is too large for {dtype}; scale the column first."
        raise DataError(f"{what}: got {value} in row {row}, column {column}. {advice}")


def column_statistics(x: Any) -> tuple[Array, Array]:
    """Return the mean and population variance of each column, in float64.

    The data, of any kind that `open_source` takes, is read block by block and never loaded whole.
    DataError says that it is empty or holds NaN or infinity, or that its squares do.
    """
    source = open_source(x, np.float64)
    check_finite(source, "x")
    origin = source.slice(0, 1)[0].copy()  # a column that never varies becomes exactly 0 around it
    moments = Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(source), BLOCK_ROWS):
            moments.add_rows(source.slice(start, min(start + BLOCK_ROWS, len(source))) - origin)
    too_large = np.flatnonzero(~np.isfinite(moments.deviations))
    if len(too_large):
        raise DataError(f"x: the numbers in column {too_large[0]} are too large to be squared")
    return origin + moments.mean, moments.variance
