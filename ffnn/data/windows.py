"""Rows in an order that suits a disk, and the thread that reads them ahead.

Blocks of rows that stand one after another come in random order and fill windows; from each window
rows are drawn at random. A window is read at once, while the one before is trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import Source

BLOCK = 64  # rows that are read together: of sorted classes, 1,024 leave a window with few of them
WINDOW_BYTES = 1 << 25  # of which two are kept: the one in use, and the next
_FEWEST_BLOCKS = 4  # of a window, however long rows are


def window_rows(source: Source) -> int:
    """Return how many rows a window has: as many blocks as fit, which depends on the data alone."""
    row_bytes: int = source.data.dtype.itemsize * source.shape[1]
    return BLOCK * max(WINDOW_BYTES // (BLOCK * row_bytes), _FEWEST_BLOCKS)


def block_order(rows: int, window: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the order of rows, blocks shuffled and rows within each window, and where windows end.

    Every row comes once. All is drawn here, so the order follows from the generator alone.
    """
    blocks = rng.permutation(-(-rows // BLOCK))
    order, ends, done = np.empty(rows, np.intp), [], 0
    for first in range(0, len(blocks), window // BLOCK):
        chosen = np.sort(blocks[first : first + window // BLOCK])
        numbers = (chosen[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)
        numbers = numbers[: np.searchsorted(numbers, rows)]  # the last block may be short
        rng.shuffle(numbers)
        order[done : done + len(numbers)] = numbers
        done += len(numbers)
        ends.append(done)
    return order, np.array(ends)


def in_order(source: Source, batch_size: int) -> Iterator[Array]:
    """Yield all rows in their order, so many at a time; those on disk are read ahead."""
    rows, window = len(source), window_rows(source)
    ends = np.array([*range(window, rows, window), rows])
    reader = WindowReader(source, None, ends) if source.is_stored else None
    take = source.slice if reader is None else reader.take
    try:
        for start in range(0, rows, batch_size):
            yield take(start, min(start + batch_size, rows))
    finally:
        if reader is not None:
            reader.close()


class WindowReader:
    """Rows of a source in a given order, read a window at a time, and the next one ahead.

    Parameters
    ----------
    source : Source
        The rows, on disk.
    order : ndarray of int, or None
        The numbers of all rows as they are taken, None for their own order.
    ends : ndarray of int
        The places in the order at which windows end.
    """

    def __init__(self, source: Source, order: Array | None, ends: Array) -> None:
        self._source, self._order, self._ends = source, order, ends
        self._starts = np.concatenate([[0], ends[:-1]])
        longest = int((ends - self._starts).max())
        shape = (longest, source.shape[1])
        dtype = source.data.dtype.newbyteorder("=")
        self._buffers = [np.empty(shape, dtype) for _ in range(min(len(ends), 2))]
        self._out = np.empty((0, source.shape[1]), dtype)
        self._number, self._places = -1, np.empty(0, np.intp)  # of the window in use
        self._thread = ThreadPoolExecutor(1, "ffnn-rows")  # which ends with this object
        self._next: tuple[int, Future[Array]] | None = None

    def take(self, start: int, stop: int) -> Array:
        """Return the rows at these places of the order, valid until the next call."""
        if len(self._out) != stop - start:
            self._out = np.empty((stop - start, *self._out.shape[1:]), self._out.dtype)
        done = start
        while done < stop:
            number = int(np.searchsorted(self._ends, done, side="right"))
            if number != self._number:
                self._open(number)
            first, end = int(self._starts[number]), min(int(self._ends[number]), stop)
            places, out = self._places[done - first : end - first], self._out[done - start :]
            self._buffers[number % 2].take(places, 0, out[: end - done], "clip")
            done = end
        numbers = range(start, stop) if self._order is None else self._order[start:stop]
        return self._source.finish(self._out, numbers)

    def close(self) -> None:
        """Read no further."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _open(self, number: int) -> None:
        """Make a window the one in use, and have the one after it read."""
        ahead, self._next = self._next, None
        if ahead is None or ahead[0] != number:
            ahead = number, self._thread.submit(self._read, number)
        self._number, self._places = number, ahead[1].result()
        if number + 1 < len(self._ends):
            self._next = number + 1, self._thread.submit(self._read, number + 1)

    def _read(self, number: int) -> Array:
        """Read a window into its buffer; return where in it the rows of the order are."""
        start, end = int(self._starts[number]), int(self._ends[number])
        buffer = self._buffers[number % 2][: end - start]
        if self._order is None:
            self._source.gather_into(buffer, np.arange(start, end))
            return np.arange(end - start)
        by_number = np.argsort(self._order[start:end])
        self._source.gather_into(buffer, self._order[start:end][by_number])
        places = np.empty_like(by_number)
        places[by_number] = np.arange(end - start)
        return places
