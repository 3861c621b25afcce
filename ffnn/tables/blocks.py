"""The numbers of a table's rows, computed block by block into one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.free_memory import memory_for, require_memory
from ffnn.core.problems import Problems
from ffnn.core.progress import bar
from ffnn.core.text import counted, shown
from ffnn.tables.clipping import SmoothClipping
from ffnn.tables.encoding import Encoding
from ffnn.tables.raw import RawColumn
from ffnn.tables.table import Table

_ROWS = 8192  # of a block
_MOST_MEASURED = 100_000  # rows that medians and quartiles of features are taken of
_TOO_LARGE = (
    "use fewer columns (--only or --exclude of the command, only or exclude of fit), fewer rows, "
    "or a .h5 file of numbers, which is read a batch at a time"
)


def evenly_spaced(table: Table, rows: Array | None) -> Array:
    """Return the numbers of the rows to measure features on: of very many, some of all parts."""
    numbers = np.arange(table.num_rows) if rows is None else rows
    return numbers[:: max(1, -(-len(numbers) // _MOST_MEASURED))]


def encode(
    encodings: Sequence[tuple[Encoding, SmoothClipping | None]],
    table: Table,
    rows: Array | None,
    dtype: DTypeLike,
) -> Array:
    """Return the numbers of all rows, or of those with the numbers `rows`.

    Each encoding comes with the clipping of its features, if there is one. Raises DataError, which
    lists all problems, and MemoryError.
    """
    count = table.num_rows if rows is None else len(rows)
    features = sum(len(encoding.feature_names) for encoding, _ in encodings)
    what = f"{table.source}: {counted(count, 'row')} of {counted(features, 'number')}"
    require_memory(count * features * np.dtype(dtype).itemsize, what, _TOO_LARGE)
    problems, start = Problems(table.source), 0
    with (
        memory_for(what, _TOO_LARGE),
        bar("Encoding", len(encodings), "column") as seen,
        np.errstate(over="ignore"),
    ):
        out = np.empty((count, features), dtype)
        for encoding, clipping in encodings:
            width = len(encoding.feature_names)
            try:
                if encoding.name in table:
                    raw = table.raw(encoding.name)
                    _write(encoding, clipping, raw, rows, out[:, start : start + width])
            except ValueError as error:
                problems.add(str(error))
            start += width
            seen.update()
    with problems.noted():
        table.require(encoding.name for encoding, _ in encodings)
    problems.check()
    return out


def _write(
    encoding: Encoding,
    clipping: SmoothClipping | None,
    raw: RawColumn,
    rows: Array | None,
    out: Array,
) -> None:
    """Write the numbers of a column; ValueError for what is none, or too large a one."""
    entries = encoding.read(raw)
    for start in range(0, len(out), _ROWS):
        part = slice(start, start + _ROWS)
        chosen, block = entries[part] if rows is None else entries[rows[part]], out[part]
        block[:] = encoding.finish(chosen, clipping)
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            first = int(np.argmin(is_finite))
            row = start + first if rows is None else int(rows[start + first])
            raise ValueError(
                f"column {shown(raw.name, 60)} has {chosen[first]:g} in {raw.place(row)}, which is "
                f"too far from the numbers that were learned from"
            )
