"""Columns of inputs that an `Embedding` reads as numbers of categories, checked before the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ffnn.data.sources import BLOCK_ROWS, Source
from ffnn.errors import DataError
from ffnn.layers.average import Average
from ffnn.layers.base import Layer
from ffnn.layers.columns import ColumnWise


def check_codes(layers: Sequence[Layer], source: Source) -> None:
    """Raise DataError for the first entry of such a column that is no number of a category."""
    first = layers[0]
    chains = first.members if isinstance(first, Average) else [layers]
    counts = {c: n for chain in chains for c, n in _counts(chain, source.shape[1]).items()}
    if not counts:
        return
    columns, last = list(counts), np.array([*counts.values()]) - 1
    for start in range(0, len(source), BLOCK_ROWS):
        block = source.slice(start, min(start + BLOCK_ROWS, len(source)))[:, columns]
        is_wrong = block != np.rint(block.clip(0, last))
        if is_wrong.any():
            row, place = np.argwhere(is_wrong)[0]
            raise DataError(
                f"x: got {block[row, place]:g} in row {start + row}, column {columns[place]}, "
                f"expected the number of a category, an integer from 0 to {last[place]}. Number "
                f"the categories, as TableEncoder does."
            )


def _counts(layers: Iterable[Layer], input_dim: int) -> dict[int, int]:
    """Return the columns of the inputs that are embedded → how many categories each has."""
    counts = dict[int, int]()
    origins: list[int | None] = list(range(input_dim))  # None: made by a layer
    for layer in layers:
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
