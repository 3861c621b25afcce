"""Large files of text by DuckDB, where it is installed: several times as fast as the core.

It reads what the core would read, or leaves the file to it: where a row, a number or an encoding is
not as plain as its first rows, `read_columns` returns None.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ffnn._types import FilePath
from ffnn.core.free_memory import free_memory, require_memory
from ffnn.core.progress import bar_of_file, following
from ffnn.core.text import counted
from ffnn.tables.layout import SPACES, Layout
from ffnn.tables.outline import TOO_LARGE, Outline
from ffnn.tables.raw import MISSING, RawColumn, encoded, is_missing
from ffnn.tables.source import packing

LEAST_BYTES = 4 << 20  # of smaller files the core is as fast
_UNPACKED = 5  # times the size of a packed file
_NUMBERS_HOLD, _TEXTS_HOLD = 5, 8  # times the size of a file, in memory
# Kinds of columns in Parquet that are read as texts: bytes, nested ones, numbers of many digits.
_TEXT = re.compile(r"BLOB|STRUCT|MAP|UNION|.*\]$|U?HUGEINT|DECIMAL\((1[6-9]|[23])\d*,", re.DOTALL)
_NUMBERS = ("BIGINT", "UBIGINT", "INTEGER", "UINTEGER", "FLOAT", "DOUBLE")  # 8 bytes in a table
_TOO_LARGE = (
    f"{TOO_LARGE}; in Python ffnn.data.open_rows reads columns of numbers of a .parquet file so"
)
_NULLS = sorted({form(text) for text in MISSING for form in (str, str.upper, str.title)})


def read_columns(
    path: FilePath, encoding: str, layout: Layout, start: int, outline: Outline
) -> list[RawColumn] | None:
    """Return the columns, without names, of the rows from line `start` on, None if that is unsafe.

    It is, too, where memory is short: DuckDB holds all rows, and each text of each row.
    """
    if not _is_plain(path, encoding, layout) or not outline.has_plain_head:
        return None
    if importlib.util.find_spec("duckdb") is None:
        return None
    are_numbers = outline.are_numbers
    size = max(outline.size or 0, os.path.getsize(path) * (_UNPACKED if packing(path) else 1))
    if size * (_NUMBERS_HOLD if all(are_numbers) else _TEXTS_HOLD) > free_memory():
        return None
    import duckdb

    kinds = ["DOUBLE" if is_number else "VARCHAR" for is_number in are_numbers]
    try:
        with connected(duckdb, path) as connection:
            found = connection.execute(*_query(path, layout, start, kinds)).fetchnumpy()
            columns = [_column(found[f"c{i}"]) for i in range(len(kinds))]
            known = [column for column in columns if column is not None]
            if len(known) < len(kinds) or not _reads_alike(connection, path, layout, start, known):
                return None
            return known
    except (duckdb.Error, UnicodeDecodeError):
        return None  # the core says what is wrong, or reads it all the same


@contextlib.contextmanager
def connected(duckdb: Any, path: FilePath) -> Iterator[Any]:
    """Connect to DuckDB, with a bar that shows how much of a file it has read."""
    with duckdb.connect() as connection:
        # Else it does not know how far it is, or draws a bar of its own.
        connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        with bar_of_file(path) as seen, following(seen, lambda: connection.query_progress() / 100):
            yield connection


def read_parquet(duckdb: Any, path: FilePath) -> dict[str, Any]:
    """Return the columns of a Parquet file; nested ones, and what floats do not hold, as texts."""
    with connected(duckdb, path) as connection:
        source = "FROM read_parquet(?)", [os.fspath(path)]
        columns = connection.execute(f"DESCRIBE {source[0]}", source[1]).fetchall()
        rows = connection.execute(
            "SELECT sum(num_rows) FROM parquet_file_metadata(?)", source[1]
        ).fetchone()[0]
        size = rows * sum(8 if kind in _NUMBERS else 4 for _, kind, *_ in columns)
        what = f"{path}: {counted(int(rows), 'row')} of {counted(len(columns), 'column')}"
        require_memory(size, what, _TOO_LARGE)
        quoted = ((name.replace('"', '""'), kind) for name, kind, *_ in columns)
        chosen = (
            f'"{name}"' if not _TEXT.match(kind) else f'CAST("{name}" AS VARCHAR) AS "{name}"'
            for name, kind in quoted
        )
        query = connection.execute(f"SELECT {', '.join(chosen)} {source[0]}", source[1])
        found: dict[str, Any] = query.fetchnumpy()
    return found


def _is_plain(path: FilePath, encoding: str, layout: Layout) -> bool:
    special = layout.comment or layout.has_spaced_quotes or layout.has_escapes
    is_text = encoding in ("utf-8", "utf-8-sig") and packing(path) != "zip"
    is_large = os.path.getsize(path) >= LEAST_BYTES
    return is_text and is_large and layout.delimiter != SPACES and not special


def _query(
    path: FilePath,
    layout: Layout,
    start: int,
    kinds: Sequence[str],
    what: str = "*",
    nulls: Sequence[str] = _NULLS,
) -> tuple[str, list[Any]]:
    columns = ", ".join(f"'c{i}': '{kind}'" for i, kind in enumerate(kinds))
    texts = ", ".join(f"'{text}'" for text in nulls)
    return (
        f"SELECT {what} FROM read_csv(?, auto_detect=false, header=false, skip=?, delim=?, "
        f"quote='\"', escape='\"', columns={{{columns}}}, nullstr=[{texts}], strict_mode=true, "
        f"compression=?)",
        [os.fspath(path), start - 1, layout.delimiter, packing(path) or "none"],
    )


def _reads_alike(
    connection: Any, path: FilePath, layout: Layout, start: int, columns: Sequence[RawColumn]
) -> bool:
    """Tell whether the core finds the same: no codes among numbers, no line of empty fields."""
    checks = [
        f"bool_or(regexp_matches(c{i}, '^\\s*[-+]?0[0-9]|_|[0-9]{{16}}'))"
        for i, column in enumerate(columns)
        if column.numbers is not None and _is_whole(column.numbers)
    ]
    width = len(columns)
    if width > 1 and np.logical_and.reduce([column.is_missing for column in columns]).any():
        is_empty = " AND ".join(f"coalesce(trim(c{i}), '') = ''" for i in range(width))
        checks.append(f"bool_or({is_empty})")
    if not checks:
        return True
    kinds = ["VARCHAR"] * width
    query = _query(path, layout, start, kinds, ", ".join(checks), nulls=["\x00"])
    return not any(connection.execute(*query).fetchone())


def _is_whole(numbers: Any) -> bool:
    return bool(((numbers == np.floor(numbers)) | np.isnan(numbers)).all())


def _column(values: Any) -> RawColumn | None:
    """Return a column; None for infinite numbers, which are none to the core."""
    mask, array = np.ma.getmaskarray(values), np.ma.getdata(values)
    if array.dtype.kind == "f":
        array[mask] = np.nan
        return None if np.isinf(array).any() else RawColumn("", numbers=array)
    index: dict[str, int] = {}
    codes = np.full(len(array), -1, np.int32)
    known = np.flatnonzero(~mask)
    codes[known] = [index.setdefault(text, len(index)) for text in array[known].tolist()]
    return _stripped(codes, index)


def _stripped(codes: Any, index: dict[str, int]) -> RawColumn:
    """Return a column whose texts have no spaces around them, and with missing ones as such."""
    merged: dict[str, int] = {}
    places = np.full(len(index) + 1, -1, np.int32)
    for text, code in index.items():
        entry = text.strip()
        places[code] = -1 if is_missing(entry) else merged.setdefault(entry, len(merged))
    return encoded("", places[codes], [*merged])
