"""Columns of inputs that an `Embedding` reads as numbers of categories, checked before the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import BLOCK_ROWS, Source
from ffnn.errors import DataError
from ffnn.layers.average import Average
from ffnn.layers.base import Layer
from ffnn.layers.columns import ColumnWise


class CodeCheck:
    """What finds the first entry of such a column that is no number of a category.

    Parameters
    ----------
    layers : sequence of Layer
        Of the network.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._counts: dict[int, int] | None = None  # once the layers are built

    @property
    def is_needless(self) -> bool:
        """Whether no column has numbers of categories; False for as long as that is not known."""
        return self._counts == {}

    def check(self, source: Source) -> None:
        """Raise DataError for the first such entry of inputs; on disk, once it is read."""
        counts = self._counts
        if counts is None:
            counts = _counts(self._layers, range(source.shape[1]))
            self._counts = counts if self._layers[0].is_built else None
        if not counts:
            return
        check = partial(_check_batch, counts)
        if source.is_stored:
            source.check_reads(check)
            return
        for start in range(0, len(source), BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, len(source))
            check(source, source.slice(start, stop), range(start, stop))


def _check_batch(
    counts: Mapping[int, int], source: Source, rows: Array, numbers: Array | range
) -> None:
    """Raise DataError for the first entry of a batch that is no number of a category."""
    columns, last = list(counts), np.array([*counts.values()]) - 1
    block = rows[:, columns]
    is_wrong = block != np.rint(block.clip(0, last))
    if is_wrong.any():
        place, column = np.argwhere(is_wrong)[0]
        row = source.first + int(numbers[place])
        raise DataError(
            f"x: got {block[place, column]:g} in row {row}, column {columns[column]}, "
            f"expected the number of a category, an integer from 0 to {last[column]}. "
            f"Number the categories, as TableEncoder does."
        )


def _counts(layers: Sequence[Layer], origins: Sequence[int | None]) -> dict[int, int]:
    """Return the columns of the inputs that are embedded → how many categories each has.

    `origins` are the columns that reach the first layer, None for one that a layer made.
    """
    counts = dict[int, int]()
    for layer in layers:
        if isinstance(layer, Average):
            for member in layer.members:
                counts |= _counts(member, origins)
        if not isinstance(layer, ColumnWise):
            break
        own = layer.own_columns(len(origins))
        for column, count in zip(own, layer.category_counts, strict=False):
            origin = origins[column]
            if origin is not None:
                counts[origin] = count
        made = [None] * (len(own) * layer.width)
        origins = [*made, *(o for column, o in enumerate(origins) if column not in set(own))]
    return counts
