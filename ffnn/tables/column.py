"""A column of a table, with what was made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.tables.raw import RawColumn


@dataclass(frozen=True)
class Column:
    r"""A column of a table, with what was made of it.

    Attributes
    ----------
    raw : RawColumn
        Its entries as they stand.
    kind : {"number", "category", "boolean", "date", "text", "ignore"}
        What it is taken for.
    values : ndarray of float64 or datetime64, shape (rows,), or None
        Of numbers, booleans (0 and 1) and dates; NaN and NaT for missing ones.
    reason : str
        Why it is ignored: "index", "identifier", "constant", "empty" or "asked for".
    note : str
        What there is to say of it, such as a unit that was left out.
    has_comma : bool
        Whether a comma marks decimals in its numbers.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,wood\n3,oak\n5,ash\n4,oak\n")
    >>> from ffnn.tables import read_table
    >>> table = read_table("wood.csv")
    >>> [(column.name, column.kind) for column in table.columns]
    [('age', 'number'), ('wood', 'category')]
    """

    raw: RawColumn
    kind: str
    values: Array | None = None
    reason: str = ""
    note: str = ""
    has_comma: bool = False

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def name(self) -> str:
        """Its name, "" if it has none."""
        return self.raw.name

    @property
    def array(self) -> Array:
        """The entries of all rows: numbers, dates, or an array of str and None."""
        if self.values is not None:
            return self.values
        texts = self.raw.as_texts()
        array: Array = np.array([*texts.texts, None], object)[texts.codes]
        return array

    def take(self, rows: Array) -> Column:
        """Return the entries of some rows, given by number or by a mask, as the same kind."""
        raw = self.raw.take(rows)
        if self.values is None:
            return replace(self, raw=raw)
        is_shared = self.values is self.raw.numbers  # as that of most large columns is
        return replace(self, raw=raw, values=raw.numbers if is_shared else self.values[rows])

    @cached_property
    def is_missing(self) -> NDArray[np.bool_]:
        """Which rows have no entry, of shape (rows,)."""
        if self.values is None:
            return self.raw.is_missing
        missing: NDArray[np.bool_] = np.isnan(self.values)
        return missing
