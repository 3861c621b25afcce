"""Examples, checked and ready for training, and the batches that they are cut into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import shown
from ffnn.data import targets
from ffnn.data.numbers import as_array
from ffnn.data.sources import ArraySource, Source, check_finite
from ffnn.data.windows import BLOCK, WindowReader, block_order, window_rows
from ffnn.errors import DataError


class Examples(NamedTuple):
    """Inputs with their targets and weights."""

    x: Source  # (rows, columns)
    y: Source  # prepared targets: (rows,) class numbers, or (rows, units)
    weight: Source | None  # (rows,)

    @classmethod
    def open(
        cls,
        x: Source,
        y: Any,
        sample_weight: Any = None,
        *,
        prepare: Callable[[Any], Array],
        dtype: np.dtype[Any],
    ) -> Examples:
        """Check targets and weights for the rows of `x`, which is checked already.

        `prepare` checks `y` and returns it in the form that the loss computes with. Numbers are
        cast to `dtype`; class numbers stay integers.
        """
        if hasattr(y, "tocsr"):
            raise DataError("y: expected an array, got a sparse one; use y.toarray()")
        y = as_array(y, "y")
        if np.ndim(y) == 0 or len(y) != len(x):
            count = shown(y[()]) if np.ndim(y) == 0 else len(y)
            raise DataError(f"y: expected one target for each of {len(x)} rows, got {count}")
        target = prepare(y)
        y = ArraySource(target, np.intp if target.ndim == 1 else dtype)
        check_finite(y, "y")
        return cls(x, y, open_weights(sample_weight, len(x), dtype))

    def weigh_classes(
        self, class_weight: Mapping[int, float], units: int, task: str, dtype: np.dtype[Any]
    ) -> Examples:
        """Return the examples with each row's weight multiplied by that of its class."""
        weight = targets.class_weights_of_rows(class_weight, self.y.data, units, task, dtype)
        if self.weight is not None:
            weight = weight * self.weight.data
        return self._replace(weight=open_weights(weight, len(self.x), dtype))

    def split(self, share: float) -> tuple[Examples, Examples]:
        """Return the examples without the last `share` of the rows, and those rows."""
        rows = len(self.x)
        kept = rows_kept(rows, share)
        if kept in (0, rows):
            raise DataError(
                f"fit: validation_split={share} of {rows} rows leaves none on one side; "
                f"give validation_data instead"
            )
        return self._part(0, kept), self._part(kept, rows)

    def _part(self, start: int, stop: int) -> Examples:
        weight = None if self.weight is None else self.weight.part(start, stop)
        return Examples(self.x.part(start, stop), self.y.part(start, stop), weight)


def open_weights(weight: Any, rows: int, dtype: np.dtype[Any]) -> Source | None:
    """Check rows' weights, if there are any, which are those of classes too.

    DataError says which of them is no finite number in `dtype`, or that all become 0 in it.
    """
    if weight is None:
        return None
    weight = targets.prepare_weights(weight, rows)
    source = ArraySource(weight, dtype)
    check_finite(source, "sample_weight")
    largest = weight.max(initial=0)
    if largest and not dtype.type(largest):
        raise DataError(
            f"sample_weight: the largest weight, {largest:g}, becomes 0 in {dtype}; multiply all "
            f"of them by a number"
        )
    return source


def leave_out_absent(x: Any, y: Array, weight: Array | None) -> tuple[Any, Array, Array | None]:
    """Return a batch without its rows of weight 0, which are as if they were not there.

    They have no part in the statistics of a `BatchNorm` or in metrics, and a number that overflows
    on their way spoils nothing. Only the number n of rows that a loss is divided by counts them:
    the other k weights are multiplied by k/n. A batch without such rows stays as it is.
    """
    if weight is None or (present := np.count_nonzero(weight)) == len(weight):
        return x, y, weight
    rows = np.flatnonzero(weight)
    return x[rows], y[rows], weight[rows] * (present / len(weight))


def present_weights(weight: Array | None) -> Array | None:
    """Return the weights that are not 0 as they are: those of the rows that are not left out."""
    if weight is None or np.count_nonzero(weight) == len(weight):
        return weight
    return weight[np.flatnonzero(weight)]


def rows_kept(rows: int, share: float) -> int:
    """Return how many of `rows` rows are left when the last `share` is cut off."""
    return int(rows * (1.0 - share) + 1e-9)  # of 10 rows, share 0.9: 1 row, not 0.999


class Batches:
    """The batches of a data set, epoch by epoch; the last one of a pass over it may be smaller.

    A generator as `shuffle` shuffles the rows at each pass; the order follows from its state alone.
    A function is called at each pass with the previous order, an array of row numbers, and returns
    the next one. None keeps the data's order. An epoch ends after `max_batches` at the latest, and
    the next one continues there. A generator shuffles `by_blocks` where rows on disk are to be read
    fast (`ffnn.data.windows`).

    `share`, if set, returns from the number of a batch's rows those whose x is read, from the first
    to behind the last; y and the weights are always those of all rows.
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        shuffle: np.random.Generator | Callable[[Array], Array] | None = None,
        max_batches: int | None = None,
        by_blocks: bool = False,
    ) -> None:
        self.examples = examples
        self.batch_size, self.max_batches = batch_size, max_batches
        rows = len(examples.x)
        self._rows, self._batches_a_pass = rows, -(-rows // batch_size)
        self._batches_an_epoch = min(max_batches or self._batches_a_pass, self._batches_a_pass)
        self.share: Callable[[int], tuple[int, int]] | None = None
        self._shuffle, self._window = shuffle, window_rows(examples.x)
        self._by_blocks = by_blocks
        self._ends = np.array([*range(self._window, rows, self._window), rows])  # of windows
        self._reader: WindowReader | None = None  # of rows on disk
        self._own: Array | None = None  # the places that it reads, if not all
        self._order: Array = np.arange(0 if shuffle is None and examples.x.is_stored else rows)
        self._next_batch = 0  # of the pass
        self._left: int | None = None  # of an epoch that was left early
        self._shuffled_from: dict[str, Any] | None = None

    def __len__(self) -> int:
        return self._batches_an_epoch

    @property
    def largest(self) -> int:
        """The number of rows of every batch but the last of a pass."""
        return min(self.batch_size, self._rows)

    @property
    def shuffling(self) -> bool | str:
        """Whether the rows come in a new order at each pass, and in which kind of order if so."""
        if self._by_blocks and self._shuffle is not None:
            return f"blocks of {BLOCK} rows in windows of {self._window}"
        return self._shuffle is not None

    @property
    def is_slow(self) -> bool:
        """Whether rows on disk, more than a window of them, are read one by one."""
        is_random = self._shuffle is not None and not self._by_blocks
        return self.examples.x.is_stored and is_random and self._rows > self._window

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch has begun whose batches are not all done."""
        return self._left is not None

    def __iter__(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield (x, y, weight) of each batch of an epoch, valid until the next.

        An epoch that was left early continues where it stopped.
        """
        if self._left is None:
            self._left = self._batches_an_epoch
        while self._left:
            if self._next_batch == 0:
                self._begin_pass()
            start = self._next_batch * self.batch_size
            self._next_batch = (self._next_batch + 1) % self._batches_a_pass
            self._left -= 1
            yield self._batch(start, min(start + self.batch_size, self._rows))
        self._left = None

    @property
    def ahead(self) -> Array:
        """The numbers of the rows of the next batches, in order.

        They are those of the whole batches that are left of the epoch and of the pass, where the
        rows are in memory; else none.
        """
        first, is_elsewhere = self._next_batch, self.examples.x.is_stored or self.share is not None
        if not first or not self._left or is_elsewhere:
            return self._order[:0]
        last = min(first + self._left, self._rows // self.batch_size)
        return self._order[first * self.batch_size : last * self.batch_size]

    def skip(self, number: int) -> None:
        """Leave out so many of the batches that are `ahead`, which were trained on otherwise."""
        if number:
            self._next_batch = (self._next_batch + number) % self._batches_a_pass
            assert self._left is not None
            self._left -= number

    def close(self) -> None:
        """Read no rows ahead any more."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def sample(self, number: int) -> tuple[Array, Array]:
        """Return copies of inputs and targets of at most so many rows, evenly spaced."""
        places = np.linspace(0, self._rows - 1, min(number, self._rows)).round().astype(np.intp)
        return np.array(self.examples.x.take(places)), np.array(self.examples.y.take(places))

    def get_state(self) -> dict[str, Any]:
        """Return as plain data how far the batches have come, and the rows' order."""
        return {
            "rows": self._rows,
            "batch_size": self.batch_size,
            "next_batch": self._next_batch,
            "left": self._left,
            "shuffled_from": self._shuffled_from if self._next_batch else None,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from where `get_state` was called on the same data; ValueError if it was not."""
        next_batch, left = state["next_batch"], state["left"]
        if not 0 <= next_batch < self._batches_a_pass:
            raise ValueError(
                f"expected a batch from 0 to {self._batches_a_pass - 1}, got {next_batch}"
            )
        if left is not None and not 0 <= left <= self._batches_an_epoch:
            raise ValueError(f"expected 0 to {self._batches_an_epoch} batches left, got {left}")
        shuffled_from = state["shuffled_from"]
        is_shuffled = next_batch > 0 and isinstance(self._shuffle, np.random.Generator)
        if (shuffled_from is not None) != is_shuffled:
            raise ValueError("expected the rows' order where they are shuffled, and only there")
        self._next_batch, self._left = next_batch, left
        if shuffled_from is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = shuffled_from
            self._shuffle_by(rng)

    def _begin_pass(self) -> None:
        self.close()
        if isinstance(self._shuffle, np.random.Generator):
            self._shuffle_by(self._shuffle)
        elif self._shuffle is not None:
            self._order = np.ascontiguousarray(self._shuffle(self._order), np.intp)

    def _shuffle_by(self, rng: np.random.Generator) -> None:
        self._shuffled_from = dict(rng.bit_generator.state)
        if self._by_blocks:
            self._order, self._ends = block_order(self._rows, self._window, rng)
            return
        # From the same start each time, so the order follows from the generator's state alone.
        self._order[:] = np.arange(len(self._order))
        rng.shuffle(self._order)

    def _batch(self, start: int, stop: int) -> tuple[Array, Array, Array | None]:
        x, y, weight = self.examples
        first, last = (0, stop - start) if self.share is None else self.share(stop - start)
        first, last = start + first, start + last
        if self._shuffle is None:
            rows = self._read(first, last, stop) if x.is_stored else x.slice(first, last)
            return rows, y.slice(start, stop), None if weight is None else weight.slice(start, stop)
        chosen = self._order[start:stop]
        rows = self._read(first, last, stop) if x.is_stored else x.take(self._order[first:last])
        return rows, y.take(chosen), None if weight is None else weight.take(chosen)

    def _read(self, first: int, last: int, stop: int) -> Array:
        """Return rows on disk at places of this pass, of a batch that ends at `stop`.

        Those that follow, and are read here, are read ahead.
        """
        if self._reader is None:
            self._own = self._own_places()
            order = None if self._shuffle is None else self._order
            ends = self._ends
            if self._own is not None:
                order = self._own if order is None else order[self._own]
                ends = np.unique(np.searchsorted(self._own, ends))
            self._reader = WindowReader(self.examples.x, order, ends)
        if self._own is not None:
            first, last = map(int, np.searchsorted(self._own, (first, last)))
        rows = self._reader.take(first, last)
        if stop == self._rows:
            self.close()
        return rows

    def _own_places(self) -> Array | None:
        """Return the places of a pass whose x is read, None for all."""
        if self.share is None:
            return None
        places = []
        for start in range(0, self._rows, self.batch_size):
            first, last = self.share(min(self.batch_size, self._rows - start))
            places.append(np.arange(start + first, start + last))
        return np.concatenate(places)
