"""Rows on disk: what every kind of file has in common, and views of several or of some."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array, DTypeLike

_GAP_BYTES = 1 << 14  # between rows that are wanted: less is read over, as that takes no longer
_SPAN_BYTES = 1 << 20  # read together where rows between are not wanted


class Rows:
    """Rows of numbers that stay on disk, of shape (rows, columns), and are read when asked for.

    They may stand for `x` in `fit`, `evaluate` and `predict`. Indexed by a number, a slice or an
    array of numbers they return ndarrays, as an array would; `numpy.asarray` reads all of them.

    Attributes
    ----------
    shape : tuple of int
        (rows, columns). What has more dimensions in its file, as pictures have, is flattened.
    dtype : dtype
        Of the numbers, in the machine's byte order.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> np.save("rows.npy", np.arange(6.0).reshape(3, 2))
    >>> rows = ffnn.data.open_rows("rows.npy")
    >>> rows.shape, rows[[2, 0]].tolist()
    ((3, 2), [[4.0, 5.0], [0.0, 1.0]])
    """

    ndim = 2

    def __init__(self, where: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.where = where  # what messages call them
        self.shape = (int(shape[0]), math.prod(map(int, shape[1:])))
        self.dtype = dtype.newbyteorder("=")

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"<{rows:,} rows of {columns:,} columns, {self.dtype}, in {self.where}>"

    def __getitem__(self, key: Any) -> Array:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                out = np.empty((max(stop - start, 0), self.shape[1]), self.dtype)
                self.read_into(out, start, max(stop, start))
                return out
            key = np.arange(start, stop, step)
        if isinstance(key, tuple):
            raise IndexError(f"expected a number of a row, a slice or an array, got {key!r}")
        numbers = np.arange(len(self))[key]  # which knows negative numbers, masks and errors
        if numbers.ndim == 0:
            row: Array = self[int(numbers) : int(numbers) + 1][0]
            return row
        wanted, places = np.unique(numbers, return_inverse=True)
        out = np.empty((len(wanted), self.shape[1]), self.dtype)
        self.gather_into(out, wanted)
        found: Array = out[places]
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        return self[:].astype(dtype or self.dtype, copy=False)

    def select(self, numbers: Array) -> Rows:
        """Return the rows of these numbers, which ascend; they stay on disk."""
        return SelectedRows(self, numbers)

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop` into a contiguous array of their dtype."""
        raise NotImplementedError

    def expect(self, start: int, stop: int) -> None:
        """Have the system fetch the rows from `start` to `stop`, which are read soon."""

    def gather_into(self, out: Array, numbers: Array) -> None:
        """Read the rows of these numbers, which ascend and differ, into such an array."""
        row_bytes = self.dtype.itemsize * self.shape[1]
        gap, longest = 1 + _GAP_BYTES // row_bytes, max(_SPAN_BYTES // row_bytes, 1)
        spans = [
            (first, last, int(numbers[first]), int(numbers[last - 1]) + 1)
            for first, last in _spans(numbers, gap)
        ]
        for first, last, start, stop in spans:
            if stop - start == last - first:
                self.expect(start, stop)
        for first, last, start, stop in spans:
            if stop - start == last - first:
                self.read_into(out[first:last], start, stop)
            else:
                self._pick(out[first:last], numbers[first:last], longest)

    def _pick(self, out: Array, numbers: Array, longest: int) -> None:
        """Read the rows of numbers between which there are few others."""
        done = 0
        while done < len(numbers):
            start = int(numbers[done])
            end = int(np.searchsorted(numbers, start + longest))
            span = self[start : int(numbers[end - 1]) + 1]
            span.take(numbers[done:end] - start, 0, out[done:end], "clip")
            done = end


def _spans(numbers: Array, gap: int) -> list[tuple[int, int]]:
    """Return the places from and to which ascending numbers are at most `gap` apart."""
    cuts = np.flatnonzero(np.diff(numbers) > gap) + 1
    return list(itertools.pairwise([0, *cuts.tolist(), len(numbers)]))


class SelectedRows(Rows):
    """Some of the rows of another one, in their order there."""

    def __init__(self, rows: Rows, numbers: Array) -> None:
        super().__init__(rows.where, (len(numbers), rows.shape[1]), rows.dtype)
        self._rows, self._numbers = rows, numbers

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read chosen rows, and what is between them where that is little."""
        self._rows.gather_into(out, self._numbers[start:stop])

    def gather_into(self, out: Array, numbers: Array) -> None:
        """Read some of the chosen rows."""
        self._rows.gather_into(out, self._numbers[numbers])


class JoinedRows(Rows):
    """The rows of several files, one after another."""

    def __init__(self, where: str, parts: Sequence[Rows]) -> None:
        rows = sum(map(len, parts))
        super().__init__(where, (rows, parts[0].shape[1]), parts[0].dtype)
        self._parts = parts
        self._starts = [0, *itertools.accumulate(map(len, parts))]

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read rows of one file after another."""
        done = 0
        for part, first, last in self._places(start, stop):
            part.read_into(out[done : done + last - first], first, last)
            done += last - first

    def expect(self, start: int, stop: int) -> None:
        """Have the system fetch rows of one file after another."""
        for part, first, last in self._places(start, stop):
            part.expect(first, last)

    def _places(self, start: int, stop: int) -> Iterator[tuple[Rows, int, int]]:
        """Yield the files in which rows are, each with the first and behind the last of it."""
        index = bisect.bisect_right(self._starts, start) - 1
        while start < stop:
            first, end = self._starts[index], min(self._starts[index + 1], stop)
            yield self._parts[index], start - first, end - first
            index, start = index + 1, end
