"""A row that comes alone, as for a prediction: its numbers without a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.tables.clipping import SmoothClipping
from ffnn.tables.encoding import Encoding

_LARGEST = float(np.finfo(np.float32).max) ** 2  # sum of squares, of numbers of any dtype


class OneRow:
    """What gives the numbers of a row, to the last bit as if it came in a table.

    Parameters
    ----------
    encodings : sequence of (Encoding, SmoothClipping or None)
        How each column becomes numbers.
    """

    def __init__(self, encodings: Sequence[tuple[Encoding, SmoothClipping | None]]) -> None:
        self._parts = [(each.name, each.for_one(clipping)) for each, clipping in encodings]

    def encode(self, table: Any, dtype: DTypeLike) -> Array | None:
        """Return the numbers of the only row of a list of dicts, of shape (1, features).

        None if `table` is none such, or it takes a table to tell them.
        """
        if not (isinstance(table, list) and len(table) == 1 and type(table[0]) is dict):
            return None
        row, numbers = table[0], list[float]()
        try:
            for name, numbers_of in self._parts:
                numbers += numbers_of(row[name])
        except (KeyError, TypeError, ValueError):
            return None
        out = np.array([numbers])
        # The sum is NaN or infinite if a number is; what may be too large for the dtype is told of
        # the long way.
        return out.astype(dtype, copy=False) if np.vdot(out, out) < _LARGEST else None
