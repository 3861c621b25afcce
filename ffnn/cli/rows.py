"""Which rows of a table a command uses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ffnn.core.text import counted


class UsedRows(NamedTuple):
    """The numbers of the rows that are used, of how many, and why others are not."""

    rows: NDArray[np.intp]
    read: int
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        why = f": {', '.join(self.reasons)}" if self.reasons else ""
        return f"read {counted(self.read, 'row')}, used {len(self.rows):,}{why}"
