"""Examples, checked and ready for training, and the batches that they are cut into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.core.checks import check_number
from ffnn.data import targets
from ffnn.data.sources import Rows, check_finite
from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ffnn._types import Array
    from ffnn.losses import Loss


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

    @classmethod
    def open(
        cls,
        x: Rows,
        y: Any,
        sample_weight: Any = None,
        *,
        loss: Loss,
        units: int,
        dtype: np.dtype[Any],
    ) -> Examples:
        """Check targets and weights for the rows of `x`.

        Parameters
        ----------
        x : Rows
            Checked inputs.
        y : array-like of shape (rows,) or (rows, units)
            Targets, as the loss wants them.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.
        loss : Loss
            Says what targets may be.
        units : int
            The number of the network's outputs.
        dtype : dtype
            What numbers are cast to; class numbers stay integers.

        Raises
        ------
        DataError
            Targets or weights do not fit.
        """
        if hasattr(y, "tocsr"):
            raise DataError("y: expected an array, got a sparse one; use y.toarray()")
        if np.ndim(y) == 0 or len(y) != len(x):
            count = repr(y) if np.ndim(y) == 0 else len(y)
            raise DataError(f"y: expected one target for each of {len(x)} rows, got {count}")
        target = loss.prepare(y, units)
        rows = Rows(target, np.intp if target.ndim == 1 else dtype)
        check_finite(rows, "y")
        if sample_weight is None:
            return cls(x, rows, None)
        weight = Rows(targets.prepare_weights(sample_weight, len(x)), dtype)
        check_finite(weight, "sample_weight")
        return cls(x, rows, weight)

    def weigh_classes(
        self, class_weight: Mapping[int, float], units: int, dtype: np.dtype[Any]
    ) -> Examples:
        """Return the examples with each row's weight multiplied by that of its class.

        Parameters
        ----------
        class_weight : mapping of int to float
            Class number → weight; a class that is not named weighs 1.
        units : int
            The number of the network's outputs.
        dtype : dtype
            What weights are cast to.

        Raises
        ------
        TypeError, ValueError
            A class is unknown, a weight is no number of at least 0, or targets are no classes.
        """
        weight = targets.class_weights_of_rows(class_weight, self.y.source, units)
        if self.weight is not None:
            weight = weight * self.weight.source
        return self._replace(weight=Rows(weight, dtype))

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


def rows_kept(rows: int, share: float) -> int:
    """Return how many of `rows` rows are left when the last `share` is cut off."""
    return int(rows * (1.0 - share) + 1e-9)  # of 10 rows, share 0.9: 1 row, not 0.999


class Batches:
    """A data set cut into batches, again for every epoch.

    Parameters
    ----------
    examples : Examples
        The data set.
    batch_size : int
        Rows in a batch; the last one of a pass over the rows may have fewer.
    rng : numpy.random.Generator, optional
        Shuffles the rows at each pass; None keeps their order.
    max_batches : int, optional
        Where an epoch ends at the latest. The next epoch goes on from there.
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
        self._batches_a_pass = -(-rows // batch_size)
        self._batches_an_epoch = min(max_batches or self._batches_a_pass, self._batches_a_pass)
        self._rng = rng
        self._order = None if rng is None else np.arange(rows)
        self._next_batch = 0  # of the pass
        self._left: int | None = None  # of an epoch that was left early
        self._shuffled_from: dict[str, Any] | None = None

    def __len__(self) -> int:
        return self._batches_an_epoch

    def __iter__(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield (x, y, weight) of each batch of an epoch, valid until the next.

        An epoch that was left early goes on where it stopped.
        """
        if self._left is None:
            self._left = self._batches_an_epoch
        while self._left:
            if self._next_batch == 0 and self._rng is not None:
                self._shuffle(self._rng)
            start = self._next_batch * self.batch_size
            self._next_batch = (self._next_batch + 1) % self._batches_a_pass
            self._left -= 1
            yield self._batch(start, min(start + self.batch_size, len(self.examples.x)))
        self._left = None

    def get_state(self) -> dict[str, Any]:
        """Return as plain data how far the batches have come, and what they are cut from."""
        return {
            "rows": len(self.examples.x),
            "batch_size": self.batch_size,
            "next_batch": self._next_batch,
            "left": self._left,
            "shuffled_from": self._shuffled_from if self._next_batch else None,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go to where `get_state` was called, for the same data.

        Parameters
        ----------
        state : mapping
            What `get_state` returned.

        Raises
        ------
        ValueError
            There is no such place.
        """
        next_batch, left = state["next_batch"], state["left"]
        if not 0 <= next_batch < self._batches_a_pass:
            raise ValueError(f"expected a batch from 0 to {self._batches_a_pass}, got {next_batch}")
        if left is not None and not 0 <= left <= self._batches_an_epoch:
            raise ValueError(f"expected 0 to {self._batches_an_epoch} batches left, got {left}")
        if (state["shuffled_from"] is not None) != (next_batch > 0 and self._rng is not None):
            raise ValueError("the rows' order is missing, or there is one too many")
        self._next_batch, self._left = next_batch, left
        if state["shuffled_from"] is not None:
            rng = np.random.default_rng()
            rng.bit_generator.state = state["shuffled_from"]
            self._shuffle(rng)

    def _shuffle(self, rng: np.random.Generator) -> None:
        assert self._order is not None
        self._shuffled_from = dict(rng.bit_generator.state)
        # From the same start each time, so the order follows from the generator's state alone.
        self._order[:] = np.arange(len(self._order))
        rng.shuffle(self._order)

    def _batch(self, start: int, stop: int) -> tuple[Array, Array, Array | None]:
        x, y, weight = self.examples
        if self._order is None:
            weights = None if weight is None else weight.slice(start, stop)
            return x.slice(start, stop), y.slice(start, stop), weights
        chosen = self._order[start:stop]
        weights = None if weight is None else weight.take(chosen)
        return x.take(chosen), y.take(chosen), weights
