"""Columns of Parquet files, decoded by pyarrow or, where it is not installed, by DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ffnn._types import Array
from ffnn.data.npy import PlainFile
from ffnn.errors import DataError

_READ_BYTES = 1 << 14
_PAGE_BYTES = 1 << 21  # of a column, at most about that is decoded at a time
_AHEAD_BYTES = 1 << 28  # fetched by the system before they are decoded

NUMBERS = {  # the dtypes of columns, by what DuckDB and Arrow call them
    "BOOLEAN": "u1",
    **{
        f"{sign}{name}": f"{kind}{size}"
        for sign, kind in (("", "i"), ("U", "u"))
        for name, size in (("TINYINT", 1), ("SMALLINT", 2), ("INTEGER", 4), ("BIGINT", 8))
    },
    "FLOAT": "f4",
    "DOUBLE": "f8",
    "bool": "u1",
    **{f"int{8 * size}": f"i{size}" for size in (1, 2, 4, 8)},
    **{f"uint{8 * size}": f"u{size}" for size in (1, 2, 4, 8)},
    "halffloat": "f4",
    "float": "f4",
    "double": "f8",
}


class ParquetFile(Protocol):
    """A Parquet file, of which columns are decoded."""

    kinds: dict[str, str]  # of all columns, by name
    rows: int

    def memory(self, names: Sequence[str]) -> int:
        """Return about how many bytes of these columns are in memory while they are decoded."""

    def parts(self, names: Sequence[str], longest: int) -> Generator[list[Array], None, None]:
        """Yield columns, at most `longest` rows at a time; masked arrays where some are missing."""


def open_file(path: str) -> ParquetFile:
    """Open a Parquet file; DataError: it is damaged, or nothing can read it."""
    with contextlib.suppress(ImportError):
        return _ArrowFile(path)
    with contextlib.suppress(ImportError):
        return _DuckDBFile(path)
    raise DataError(
        f"{path}: to read it install pyarrow, or DuckDB: pip install 'ffnn[tables]'"
    ) from None


class _ArrowFile:
    """A file that pyarrow decodes."""

    def __init__(self, path: str) -> None:
        import pyarrow
        from pyarrow import parquet

        self._path, self._pyarrow, self._parquet = path, pyarrow, parquet
        with self._opened(None) as file:
            schema, self._about = file.schema_arrow, file.metadata
        self.kinds = {field.name: str(field.type) for field in schema}
        self.rows = self._about.num_rows
        if len(self.kinds) < len(schema):
            raise DataError(f"{path}: expected columns of different names, got {schema.names}")

    def memory(self, names: Sequence[str]) -> int:
        """Return about how many bytes of these columns are in memory while they are decoded."""
        wanted, groups = set(names), map(self._about.row_group, range(self._about.num_row_groups))
        largest = max(groups, key=lambda group: group.num_rows)
        columns = map(largest.column, range(largest.num_columns))
        sizes = (each.total_uncompressed_size for each in columns if each.path_in_schema in wanted)
        total: int = sum(min(size, _PAGE_BYTES) for size in sizes)
        return max(total, 1)

    def parts(self, names: Sequence[str], longest: int) -> Generator[list[Array], None, None]:
        """Yield columns, at most `longest` rows at a time."""
        plain = PlainFile(self._path)
        try:
            with self._opened(self._about) as file:
                for group in range(file.num_row_groups):
                    for soon in (group, group + 1):
                        plain.expect(*self._place(soon))
                    rows = self._about.row_group(group).num_rows
                    evenly = -(-rows // -(-rows // longest))
                    for batch in file.iter_batches(evenly, [group], [*names], use_threads=False):
                        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                        yield [_values(columns[name]) for name in names]
                        del batch, columns  # before the next ones are there
        finally:
            self._pyarrow.default_memory_pool().release_unused()

    def _place(self, group: int) -> tuple[int, int]:
        """Return where in the file a row group begins, and how many bytes of it to fetch early."""
        if group >= self._about.num_row_groups:
            return 0, 1
        found = self._about.row_group(group)
        first, last = found.column(0), found.column(found.num_columns - 1)
        start = first.dictionary_page_offset or first.data_page_offset
        return start, min(last.data_page_offset + last.total_compressed_size - start, _AHEAD_BYTES)

    @contextlib.contextmanager
    def _opened(self, about: Any) -> Iterator[Any]:
        """Open the file, whose errors name it."""
        settings = {"metadata": about, "pre_buffer": False, "buffer_size": _READ_BYTES}
        try:
            with self._parquet.ParquetFile(self._path, **settings) as file:
                yield file
        except (OSError, self._pyarrow.ArrowException) as error:
            raise _damaged(self._path, error) from error


def _values(column: Any) -> Array:
    """Return a column of Arrow as an array, masked where values are missing."""
    if not column.null_count:
        values: Array = column.to_numpy(zero_copy_only=False)
        return values
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return np.ma.array(column.fill_null(0).to_numpy(zero_copy_only=False), mask=missing)


class _DuckDBFile:
    """A file that DuckDB decodes."""

    def __init__(self, path: str) -> None:
        import duckdb

        self._path, self._duckdb = path, duckdb
        with self._connected() as db:
            found = db.execute("DESCRIBE FROM read_parquet(?)", [path]).fetchall()
            self.kinds = {name: kind for name, kind, *_ in found}
            groups = db.execute(
                "SELECT DISTINCT ON (row_group_id) row_group_num_rows FROM parquet_metadata(?) "
                "ORDER BY row_group_id",
                [path],
            ).fetchall()
            self._groups = [rows for (rows,) in groups]
        self.rows = sum(self._groups)

    def memory(self, names: Sequence[str]) -> int:
        """Return about how many bytes of these columns are in memory while they are decoded."""
        query = (
            "SELECT row_group_id, sum(least(total_uncompressed_size, ?)) FROM parquet_metadata(?) "
            "WHERE list_contains(?, path_in_schema) GROUP BY row_group_id"
        )
        with self._connected() as db:
            found = db.execute(query, [_PAGE_BYTES, self._path, [*names]]).fetchall()
        return max((int(size) for _, size in found), default=1)

    def parts(self, names: Sequence[str], longest: int) -> Generator[list[Array], None, None]:
        """Yield columns, at most `longest` rows at a time."""
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        query = (
            f"SELECT {columns} FROM read_parquet(?, file_row_number = true) "
            f"WHERE file_row_number >= ? AND file_row_number < ?"
        )
        first = 0
        with self._connected() as db:
            for rows in self._groups:
                for start in range(first, first + rows, longest):
                    stop = min(start + longest, first + rows)
                    found = db.execute(query, [self._path, start, stop]).fetchnumpy()
                    yield [*found.values()]
                first += rows

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        """Connect to DuckDB, whose errors name the file."""
        with contextlib.closing(self._duckdb.connect()) as db:
            db.execute("SET memory_limit = '512MB'")
            try:
                yield db
            except self._duckdb.Error as error:
                raise _damaged(self._path, error) from error


def _damaged(path: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"{path}: this Parquet file cannot be read, it may be damaged or cut short: {reason}"
    )
