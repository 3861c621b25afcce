"""Examples, checked and ready for training, and the batches that they are cut into."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.checks import check_number
from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn._types import Array
    from ffnn.data import Rows


class Examples(NamedTuple):
    """Inputs with their targets and weights.

    Attributes
    ----------
    x : Rows
        Inputs, (rows, columns).
    y : Rows
        Prepared targets, (rows,) class numbers or (rows, units).
    weight : Rows or None
        The rows' weights, (rows,).
    """

    x: Rows
    y: Rows
    weight: Rows | None

    def split(self, share: float) -> tuple[Examples, Examples]:
        """Cut off the last rows, before any shuffling.

        Parameters
        ----------
        share : float
            Which part of the rows is cut off, in [0, 1).

        Returns
        -------
        first, last : Examples
            Neither is empty.

        Raises
        ------
        DataError
            There are too few rows for that share.
        """
        check_number("fit", "validation_split", share, low=0.0, high=1.0, high_open=True)
        rows = len(self.x)
        kept = int(rows * (1.0 - share) + 1e-9)  # 10 rows, share 0.9: 1 row, not 0.999
        if kept in (0, rows):
            raise DataError(
                f"fit: validation_split={share} of {rows} rows leaves none on one side; "
                f"give validation_data instead"
            )
        return self._part(0, kept), self._part(kept, rows)

    def _part(self, start: int, stop: int) -> Examples:
        weight = None if self.weight is None else self.weight.part(start, stop)
        return Examples(self.x.part(start, stop), self.y.part(start, stop), weight)


class Batches:
    """A data set cut into batches, again for every epoch.

    Parameters
    ----------
    examples : Examples
        The data set.
    batch_size : int
        Rows in a batch; the last one may have fewer.
    rng : numpy.random.Generator, optional
        Shuffles the rows at each epoch; None keeps their order.
    max_batches : int, optional
        Where an epoch ends at the latest.
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        rng: np.random.Generator | None = None,
        max_batches: int | None = None,
    ) -> None:
        self.examples = examples
        self.batch_size = batch_size
        rows = len(examples.x)
        batches = -(-rows // batch_size)
        self.num_batches = batches if max_batches is None else min(batches, max_batches)
        self._rng = rng
        self._order = np.arange(rows) if rng is not None else None

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield (x, y, weight) of each batch, valid until the next."""
        if self._order is not None and self._rng is not None:
            # From the same start each time, so the order follows from the generator's state alone.
            self._order[:] = np.arange(len(self._order))
            self._rng.shuffle(self._order)
        x, y, weight = self.examples
        for start in range(0, self.num_batches * self.batch_size, self.batch_size):
            stop = min(start + self.batch_size, len(x))
            if self._order is None:
                xs, ys = x.slice(start, stop), y.slice(start, stop)
                yield xs, ys, None if weight is None else weight.slice(start, stop)
            else:
                chosen = self._order[start:stop]
                xs, ys = x.take(chosen), y.take(chosen)
                yield xs, ys, None if weight is None else weight.take(chosen)
