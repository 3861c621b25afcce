"""Excel workbooks: the table in the first sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ffnn._types import FilePath
from ffnn.core.progress import open_with_bar
from ffnn.core.text import counted, listed, shown
from ffnn.errors import DataError
from ffnn.tables.header import find_start, header_of, numbered_names
from ffnn.tables.raw import NumberedRows, RawColumn, number_text
from ffnn.tables.values import column_of

_SAMPLE = 1000  # rows, to find the header

Rows = list[tuple[int, Sequence[Any]]]  # each with its number in the sheet


def read_excel(
    path: FilePath, openpyxl: Any, has_header: bool | None
) -> tuple[list[RawColumn], list[str]]:
    """Return the columns of the first sheet as they stand, and notes on what was decided.

    Rows and columns without any entry are left out, as are titles before the table and notes below
    it, which are in its first column alone.
    """
    rows, notes = _read(path, openpyxl)
    lengths = [_length(row) for _, row in rows]
    width = Counter(lengths).most_common(1)[0][0] if rows else 0
    texts = [[*map(_text, row[:n])] for (_, row), n in zip(rows[:_SAMPLE], lengths, strict=False)]
    if skipped := find_start(texts, [number for number, _ in rows]) if rows else 0:
        notes.append(f"what precedes the table is left out: {counted(skipped, 'row')}")
    end = len(rows)
    while width > 2 and end > skipped and lengths[end - 1] == 1:
        end -= 1
    if end < len(rows):
        notes.append(f"what has a single field below the table is left out, row {rows[end][0]} on")
    rows, texts = rows[skipped:end], texts[skipped:end]
    width = max(map(len, (row for _, row in rows)), default=0)
    header = header_of(_filled_up(texts, width), width, has_header) if rows else []
    if header is None:
        header, note = numbered_names(width, has_header)
        notes.append(note)
    else:
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path}: expected a row of names and rows below it in the first sheet")
    place = NumberedRows("row", [number for number, _ in rows])
    columns = list[RawColumn]()
    for name, cells in zip(header, zip(*(row for _, row in rows), strict=True), strict=True):
        column = column_of(name.strip(), cells)
        column.place = place
        columns.append(column)
    empty = [column.name for column in columns if column.num_missing == len(column)]
    if empty and _has_formulas(path, openpyxl):
        notes.append(
            f"formulas are read as what Excel last saved of them, which may be nothing, as in "
            f"{listed((shown(name, 60) for name in empty), 3)}: open and save the file there"
        )
    return columns, notes


def _has_formulas(path: FilePath, openpyxl: Any) -> bool:
    """Tell whether there are formulas in the first sheet."""
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        return any(cell.data_type == "f" for row in book.worksheets[0] for cell in row)
    finally:
        book.close()


def _read(path: FilePath, openpyxl: Any) -> tuple[Rows, list[str]]:
    """Return the rows of the first sheet without those, and without columns, that are empty."""
    try:
        with open_with_bar(path) as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            rows = list(enumerate(book.worksheets[0].values, start=1))
            names = [sheet.title for sheet in book.worksheets]
            book.close()
    except Exception as error:  # openpyxl, zipfile and the XML parser have many of their own
        raise DataError(f"{path}: this is not an Excel file that can be read: {error}") from error
    rows = [(number, row) for number, row in rows if _length(row)]
    columns = zip(*(row for _, row in rows), strict=True)
    used = [i for i, column in enumerate(columns) if any(cell is not None for cell in column)]
    others = listed((shown(name, 60) for name in names[1:]), 3)
    notes = [f"the sheet {shown(names[0], 60)} is read, and not {others}"] if others else []
    return [(number, [row[i] for i in used]) for number, row in rows], notes


def _length(row: Sequence[Any]) -> int:
    """Return the number of a row's cells without the empty ones at its end."""
    return max((i for i, cell in enumerate(row, start=1) if cell is not None), default=0)


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return number_text(cell)
    return "" if cell is None else str(cell)


def _filled_up(rows: Sequence[list[str]], width: int) -> list[list[str]]:
    return [row + [""] * (width - len(row)) for row in rows]
