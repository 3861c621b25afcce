"""The batches of an epoch, cut and shuffled as scikit-learn does it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.data.sources import ArraySource, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn._types import Array
    from ffnn.estimators.sklearn_losses import BatchPenalty


class EpochBatches:
    """Batches of rows, in a new order at each epoch.

    The order is shuffled from where the last epoch has left it, so the same generator gives the
    same batches as in scikit-learn. Weights come divided by their mean over the batch.

    Parameters
    ----------
    x, y : Source
        Inputs and targets.
    weight : ndarray of shape (rows,) or None
        The rows' weights.
    batch_size : int
        Rows in a batch; the last one may have fewer.
    random_state : numpy.random.RandomState or None
        Shuffles; None keeps the order.
    penalty : BatchPenalty or None
        Told of each batch's weight.
    """

    def __init__(
        self,
        x: Source,
        y: Source,
        weight: Array | None,
        batch_size: int,
        random_state: np.random.RandomState | None,
        penalty: BatchPenalty | None,
    ) -> None:
        self._x, self._y, self._weight = x, y, weight
        self._batch_size = batch_size
        self._random_state = random_state
        self._order = np.arange(len(x))
        self._penalty = penalty

    def __len__(self) -> int:
        return math.ceil(len(self._x) / self._batch_size)

    def __iter__(self) -> Iterator[tuple[Any, Array, Array | None]]:
        """Yield (x, y, weight) of each batch, valid until the next."""
        rows = len(self._x)
        if self._random_state is not None:
            moves = np.arange(rows)
            self._random_state.shuffle(moves)
            self._order = self._order[moves]
        for start in range(0, rows, self._batch_size):
            yield self._batch(start, min(start + self._batch_size, rows))

    def _batch(self, start: int, stop: int) -> tuple[Any, Array, Array | None]:
        chosen = self._order[start:stop]
        weight, total = None, float(stop - start)
        if self._weight is not None:
            weight, total = normalize(self._weight[chosen])
        if self._penalty is not None:
            self._penalty.batch_weight = total
        if self._random_state is None:
            return self._x.slice(start, stop), self._y.slice(start, stop), weight
        return self._x.take(chosen), self._y.take(chosen), weight


def normalize(weight: Array) -> tuple[Array, float]:
    """Return weights divided by their mean, and their sum.

    Raises
    ------
    ZeroDivisionError
        They sum to zero.
    """
    total = float(weight.sum())
    if total == 0.0:
        raise ZeroDivisionError(
            "sample_weight: the weights of a batch sum to zero, so that it has no mean loss. "
            "Leave out the rows that weigh nothing, or let batch_size be greater."
        )
    return weight * (len(weight) / total), total


def open_targets(target: Array, dtype: np.dtype[Any]) -> Source:
    """Return targets as a source of batches; class numbers, which are 1-D, stay integers."""
    return ArraySource(target, np.intp if target.ndim == 1 else dtype)
