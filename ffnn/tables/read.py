"""`read_table`: a table from a file of any of the known kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ffnn._types import FilePath
from ffnn.core.checks import check_bool, check_choice, check_items, check_path, check_text
from ffnn.core.free_memory import memory_for
from ffnn.core.problems import Problems
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.tables.duck import read_parquet
from ffnn.tables.excel import read_excel
from ffnn.tables.json_file import read_json, read_json_lines
from ffnn.tables.kinds import KINDS
from ffnn.tables.outline import TOO_LARGE
from ffnn.tables.raw import RawColumn
from ffnn.tables.source import check_encoding
from ffnn.tables.table import Table, make_table
from ffnn.tables.text_file import read_text_file
from ffnn.tables.values import column_of

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
PACKED_SUFFIXES = (".gz", ".zip")


def read_table(
    path: FilePath,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    missing_values: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Table:
    r"""Read a file with columns of any kind.

    Files of text may have any of the usual delimiters, runs of spaces too, a header or none, and
    comments before it; each may be packed with gzip or zip. What was found is in the table's notes.

    Parameters
    ----------
    path : str or path-like
        A file that ends in ``.csv``, ``.tsv``, ``.tab``, ``.txt``, ``.data``, ``.dat``, ``.json``
        or ``.jsonl``, each also with ``.gz`` or ``.zip`` behind it; with ``ffnn[tables]`` also
        ``.parquet`` or ``.xlsx``, of which the first sheet is read.
    delimiter : str, optional
        What separates the fields of a line. By default the one that cuts lines most evenly.
    encoding : str, optional
        By default UTF-8, or what a byte order mark says; else the one that fits best, with a note.
    decimal : {".", ","}, optional
        What marks decimals. By default a comma does where numbers cannot be read otherwise.
    header : bool, optional
        Whether the first row has the names. By default that follows from how it differs.
    missing_values : sequence of str, optional
        Entries that stand for missing values besides the usual ones, such as ``["-", "-200"]``, in
        every column.
    kinds : mapping of str to str, optional
        By column, one of ``"number"``, ``"category"``, ``"boolean"``, ``"date"``, ``"text"`` and
        ``"ignore"``, for columns that the rules (`ffnn.tables.kinds`) take for another kind.

    Returns
    -------
    Table
        The columns, with the kind of each, and notes.

    Raises
    ------
    DataError
        The file cannot be read, or a column cannot be of the kind asked for. All such columns are
        listed.
    ModuleNotFoundError
        A file of this kind needs ``ffnn[tables]``.
    MemoryError
        The columns need more memory than is free.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,wood\n3,oak\n5,ash\n4,oak\n")
    >>> import ffnn
    >>> [column.kind for column in ffnn.tables.read_table("wood.csv").columns]
    ['number', 'category']
    """
    problems = Problems(f"{path}")
    table = open_table(
        path,
        problems,
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
        header=header,
        missing_values=missing_values,
        kinds=kinds,
    )
    problems.check()
    return table


def open_table(
    path: FilePath,
    problems: Problems,
    *,
    decimal: str | None = None,
    missing_values: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    **layout: Any,
) -> Table:
    """Return what `read_table` does, and note where columns cannot be of the kinds asked for.

    These then are what the rules say.
    """
    check_path("read_table", "path", path, needs_name=False)
    check_reading("read_table", decimal=decimal, missing_values=missing_values, **layout)
    for kind in (kinds or {}).values():
        check_choice("read_table", "kinds", kind, KINDS)

    def made(
        columns: list[RawColumn], notes: list[str], decimal: str | None, problems: Problems
    ) -> Table:
        for column in columns:
            column.decimal = decimal
        table = make_table(columns, problems, kinds, notes, missing_values or ())
        return replace(table, decimal=decimal)

    with memory_for(f"{path}", TOO_LARGE):
        suffix, encoding = suffix_of(path), layout.get("encoding")
        if suffix in _READERS:
            found = _READERS[suffix](path, encoding, layout.get("header"))
            return made(*found, decimal, problems)
        read = partial(read_text_file, path, **layout)
        table = made(*read(decimal=decimal), decimal, problems)
        if decimal is None and any(column.has_comma for column in table.columns):
            other = made(*read(decimal=","), ",", Problems(f"{path}"))
            return _with_comma(table, other)
        return table


def _with_comma(table: Table, other: Table) -> Table:
    """Return a file's table in which commas mark decimals, unless points do so in some column.

    Where a comma does in one column, points before three digits separate thousands in the others.
    """
    pairs = zip(table.columns, other.columns, strict=True)
    if any(one.kind != another.kind for one, another in pairs):
        return table
    return replace(other, notes=(*other.notes, "a comma marks decimals"))


def check_reading(
    where: str,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    missing_values: Sequence[str] | None = None,
) -> None:
    """Raise ValueError or TypeError for options of `read_table` with which no file can be read."""
    if delimiter is not None and len(check_text(where, "delimiter", delimiter)) != 1:
        raise ValueError(f"{where}: delimiter must be one character, got {shown(delimiter, 60)}")
    if encoding is not None:
        check_encoding(where, check_text(where, "encoding", encoding))
    if decimal is not None:
        check_choice(where, "decimal", decimal, (".", ","))
    if header is not None:
        check_bool(where, "header", header)
    for text in check_items(where, "missing_values", missing_values or ()):
        check_text(where, "missing_values", text)


def suffix_of(path: FilePath) -> str:
    """Return the suffix that tells what is in a file, which may be packed."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _read_parquet(path: FilePath) -> tuple[list[RawColumn], list[str]]:
    duckdb = _module("duckdb", path)
    try:
        found = read_parquet(duckdb, path)
    except duckdb.Error as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"{path}: the file cannot be read: {problem}") from error
    return [column_of(name, values) for name, values in found.items()], []


def _module(name: str, path: FilePath) -> Any:
    """Return an optional library that reads files of this kind."""
    try:
        return __import__(name)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{path}: reading a {suffix_of(path)} file needs {name}: pip install 'ffnn[tables]'"
        ) from None


# What reads files that are no text with delimiters, given `encoding` and `header`.
_READERS: dict[
    str, Callable[[FilePath, str | None, bool | None], tuple[list[RawColumn], list[str]]]
] = {
    ".json": lambda path, encoding, _: read_json(path, encoding),
    ".jsonl": lambda path, encoding, _: read_json_lines(path, encoding),
    ".parquet": lambda path, *_: _read_parquet(path),
    ".xlsx": lambda path, _, header: read_excel(path, _module("openpyxl", path), header),
}
SUFFIXES = (*TEXT_SUFFIXES, *_READERS)
