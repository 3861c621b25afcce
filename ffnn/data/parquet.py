"""Rows of a Parquet file, decoded once into a temporary file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.core.checks import nearest
from ffnn.core.files import scratch_file
from ffnn.core.text import listed, shown
from ffnn.data.npy import PlainFile
from ffnn.data.rows import Rows
from ffnn.errors import DataError

_PART_BYTES = 1 << 26  # decoded together: a row group, or part of a larger one
_NUMBERS = {
    "BOOLEAN": "u1",
    **{
        f"{sign}{name}": f"{kind}{size}"
        for sign, kind in (("", "i"), ("U", "u"))
        for name, size in (("TINYINT", 1), ("SMALLINT", 2), ("INTEGER", 4), ("BIGINT", 8))
    },
    "FLOAT": "f4",
    "DOUBLE": "f8",
}


class ParquetRows(Rows):
    """The columns of a Parquet file as rows.

    Single rows cannot be read from it: values are packed by columns, thousands together. The first
    read decodes all rows into a temporary file, which is gone with this object.
    """

    def __init__(self, path: FilePath, names: Sequence[str] | None) -> None:
        self._path, self._lock = os.fspath(path), threading.Lock()
        self._decoded: PlainFile | None = None
        self._duckdb = _require_duckdb(path)
        with self._connected() as db:
            kinds = {
                name: kind
                for name, kind, *_ in db.execute(
                    "DESCRIBE FROM read_parquet(?)", [self._path]
                ).fetchall()
            }
            self._groups = [
                rows
                for (rows,) in db.execute(
                    "SELECT DISTINCT ON (row_group_id) row_group_num_rows FROM parquet_metadata(?) "
                    "ORDER BY row_group_id",
                    [self._path],
                ).fetchall()
            ]
        self.names = [*kinds] if names is None else [*names]
        dtypes = [_dtype_of(path, name, kinds, is_named=names is not None) for name in self.names]
        if not dtypes:
            raise DataError(f"{path}: expected columns of numbers, got none")
        super().__init__(self._path, (sum(self._groups), len(dtypes)), np.result_type(*dtypes))
        self._row_bytes = self.dtype.itemsize * len(dtypes)

    def read_into(self, out: Array, start: int, stop: int) -> None:
        """Read the rows from `start` to `stop`; the first call decodes the file."""
        if stop <= start:
            return
        with self._lock:
            if self._decoded is None:
                self._decoded = self._decode()
        self._decoded.read_into(out, start * self._row_bytes)

    def _decode(self) -> PlainFile:
        size = len(self) * self._row_bytes
        purpose = f"{self._path}: to read rows of a Parquet file at any place"
        decoded = PlainFile(self._path, scratch_file(size, purpose))
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in self.names)
        query = (
            f"SELECT {columns} FROM read_parquet(?, file_row_number = true) "
            f"WHERE file_row_number >= ? AND file_row_number < ?"
        )
        with self._connected() as db:
            for start, stop in self._parts():
                found = db.execute(query, [self._path, start, stop]).fetchnumpy()
                block = np.empty((stop - start, len(self.names)), self.dtype)
                for index, column in enumerate(found.values()):
                    self._fill(block, index, column, start)
                decoded.append(block)
        return decoded

    def _fill(self, block: Array, index: int, column: Array, start: int) -> None:
        """Put a column of decoded rows into its place; missing numbers become NaN."""
        if len(column) != len(block):
            raise DataError(f"{self._path}: the file has changed since it was opened")
        missing = np.flatnonzero(np.ma.getmaskarray(column))
        block[:, index] = np.ma.getdata(column)
        if len(missing) and self.dtype.kind == "f":
            block[missing, index] = np.nan
        elif len(missing):
            raise DataError(
                f"{self._path}: a number is missing in row {start + int(missing[0])}, column "
                f"{shown(self.names[index], 60)}; fill it, or leave the row out"
            )

    def _parts(self) -> Iterator[tuple[int, int]]:
        """Yield from and to which row to decode together."""
        longest, first = max(_PART_BYTES // self._row_bytes, 1), 0
        for rows in self._groups:
            for start in range(first, first + rows, longest):
                yield start, min(start + longest, first + rows)
            first += rows

    def _connected(self) -> _Connection:
        return _Connection(self._duckdb, self._path)


class _Connection:
    """A connection to DuckDB whose errors name the file."""

    def __init__(self, duckdb: Any, path: str) -> None:
        self._duckdb, self._path = duckdb, path

    def __enter__(self) -> Any:
        self._db = self._duckdb.connect()
        self._db.execute("SET memory_limit = '512MB'")
        return self._db

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._db.close()
        if isinstance(error, self._duckdb.Error):
            reason = str(error).splitlines()[0]
            raise DataError(
                f"{self._path}: this Parquet file cannot be read, it may be damaged or cut short: "
                f"{reason}"
            ) from error


def _require_duckdb(path: FilePath) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise DataError(f"{path}: to read it install DuckDB: pip install 'ffnn[tables]'") from error
    return duckdb


def _dtype_of(path: FilePath, name: str, kinds: dict[str, str], *, is_named: bool) -> np.dtype[Any]:
    """Return the dtype of a column, or raise DataError if it does not hold numbers."""
    if name not in kinds:
        raise DataError(
            f"{path}: found no column {shown(name, 60)}{nearest(name, kinds)}; the file has "
            f"{listed(kinds)}"
        )
    if kinds[name] not in _NUMBERS:
        advice = "" if is_named else "; name the columns to read: open_rows(path, ['a', 'b'])"
        raise DataError(
            f"{path}: expected numbers in column {shown(name, 60)}, got {kinds[name]}{advice}"
        )
    return np.dtype(_NUMBERS[kinds[name]])
