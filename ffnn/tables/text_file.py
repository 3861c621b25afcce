"""Tables from files of text: CSV and its relatives."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

import numpy as np

from ffnn._types import FilePath
from ffnn.core.free_memory import require_memory
from ffnn.core.text import counted, listed
from ffnn.errors import DataError
from ffnn.tables import duck
from ffnn.tables.decimals import parse_decimals
from ffnn.tables.header import find_start, header_of, is_count, is_header, numbered_names
from ffnn.tables.layout import LONGEST_FIELD, SPACES, Layout, find_layout, sample, split
from ffnn.tables.outline import TOO_LARGE, Outline
from ffnn.tables.raw import (
    ColumnReader,
    NotNumbersError,
    RawColumn,
    are_plain,
    row_place,
    unquoted,
)
from ffnn.tables.source import find_encoding, open_text, text_size

_SAMPLE_SIZE, _LARGEST_SAMPLE = 1 << 17, 1 << 24  # characters of a file, to find its layout
_SAMPLE_LINES = 10  # at least, if these are not too long
_BLOCK_ROWS = 8192
_MOST_COLUMNS = 100_000


def read_text_file(
    path: FilePath,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> tuple[list[RawColumn], list[str]]:
    """Return the columns of a file as they stand, and notes on what was decided."""
    encoding, note = find_encoding(path, encoding)
    notes = [note] if note else []
    with open_text(path, encoding) as file:
        lines, is_cut = _sample(file)
    head = _find_head(path, lines, find_layout(lines, delimiter), header, is_cut)
    layout, names, start, rows = head.layout, head.header, head.start, head.rows
    outline = Outline.of(rows, lines, start, text_size(path))
    require_memory(outline.num_bytes, f"{path}: {outline}", TOO_LARGE)
    columns, more = _read_columns(path, encoding, layout, start, decimal, outline)
    notes += [*head.notes, *more]
    if names is None:
        names, note = numbered_names(layout.width, header)
        notes.append(note)
    place = LinesOfRows(path, encoding, layout, start)
    for column, name in zip(columns, unquoted([*map(str.strip, names)]), strict=True):
        column.name, column.place = name, place
    return columns, notes


class _Head(NamedTuple):
    """What is known of a table before it is read."""

    layout: Layout
    header: list[str] | None
    start: int  # the line of the first row
    rows: list[list[str]]  # the first ones
    notes: list[str]


def _find_head(
    path: FilePath, lines: list[str], layout: Layout, has_header: bool | None, is_cut: bool
) -> _Head:
    """Find the header of a file, if there is one, and the first row."""
    records = list(_records(path, iter(lines), layout, is_cut=is_cut))
    if not records:
        raise DataError(f"{path}: expected a table, got an empty file")
    notes = list[str]()
    if skipped := find_start([fields for _, fields in records], [line for line, _ in records]):
        notes.append(f"what precedes the table is left out: {counted(skipped, 'line')}")
    records = records[skipped:]
    header = None if has_header is False else _names_in_comment(lines, layout, records)
    if header is None:
        header = header_of([fields for _, fields in records], layout.width, has_header)
        if has_header is None and is_count(header, len(records)):
            notes.append("the first line has the number of rows, not names")
            header, records = None, records[1:]
        elif header is not None:
            layout, records = layout._replace(width=len(header)), records[1:]
    if layout.width > _MOST_COLUMNS:
        raise DataError(f"{path}: expected at most {_MOST_COLUMNS:,} columns, got {layout.width:,}")
    if not records:
        raise DataError(
            f"{path}: expected rows below the header line, got none; "
            f"if that line is a row, say that there is no header"
        )
    rows = [fields for _, fields in records if len(fields) == layout.width]
    return _Head(layout, header, records[0][0], rows, notes)


def _sample(file: IO[str]) -> tuple[list[str], bool]:
    """Return the first lines of a file, and whether there may be more."""
    lines, size = list[str](), 0
    for line in file:
        lines.append(line)
        size += len(line)
        if size > _SAMPLE_SIZE and (len(lines) > _SAMPLE_LINES or size > _LARGEST_SAMPLE):
            return lines, True
    return lines, False


def _records(
    path: FilePath, lines: Iterator[str], layout: Layout, start: int = 1, is_cut: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the fields of each record, of which the first is in line `start`."""
    line = 0
    try:
        for line, fields in split(lines, layout):
            yield start - 1 + line, fields
    except csv.Error as error:
        if is_cut and line:  # which may be within quotes
            return
        text, line = error.args
        problem = "a quote is opened that is never closed, or is followed by other text"
        if "limit" in text:
            problem = f"a field has more than {LONGEST_FIELD:,} characters; is a quote never closed"
        raise DataError(f"{path}, line {start - 1 + line:,}: {problem}") from error


def _names_in_comment(
    lines: Sequence[str], layout: Layout, records: Sequence[tuple[int, list[str]]]
) -> list[str] | None:
    """Return the names in a comment just before the rows, unless the first one has them."""
    before = lines[: records[0][0] - 1]
    if layout.comment is None or not before or not before[-1].startswith(layout.comment):
        return None
    names = next(iter(sample([before[-1][len(layout.comment) :]], layout)), [])
    rows = [fields for _, fields in records]
    if len(names) != layout.width or is_header(rows[0], rows[1:]):
        return None
    return names if is_header(names, rows) is not False else None


def _read_columns(
    path: FilePath,
    encoding: str,
    layout: Layout,
    start: int,
    decimal: str | None,
    outline: Outline,
) -> tuple[list[RawColumn], list[str]]:
    """Return the columns of the rows from line `start` on, without names, and notes."""
    if decimal != ",":
        columns = duck.read_columns(path, encoding, layout, start, outline)
        if columns is not None:
            return columns, []
    is_text = [False] * layout.width
    while True:
        readers = [ColumnReader(each, decimal) for each in is_text]
        try:
            notes = _read_rows(path, encoding, layout, start, readers)
            return [reader.finish("") for reader in readers], notes
        except NotNumbersError as error:  # which is rare: the file is read again
            is_text[error.column] = True


def _read_rows(
    path: FilePath, encoding: str, layout: Layout, start: int, readers: Sequence[ColumnReader]
) -> list[str]:
    """Add all rows from line `start` on to the readers of their columns, and return notes."""
    width, uneven = layout.width, _Uneven()
    with open_text(path, encoding) as file:
        lines: Iterator[str] = itertools.islice(file, start - 1, None)
        if not any(reader.is_text or reader.decimal == "," for reader in readers):
            start, lines = _read_numbers(lines, layout, start, readers)
        records = _records(path, lines, layout, start)
        while block := list(itertools.islice(records, _BLOCK_ROWS)):
            rows = [fields for _, fields in block]
            if not all(len(fields) == width and fields[0] for fields in rows):
                fitted = [uneven.fit(line, each, width) for line, each in block]
                rows = [fields for fields in fitted if fields is not None]
            for position, column in enumerate(zip(*rows, strict=True)):
                try:
                    readers[position].add(column)
                except NotNumbersError as error:
                    error.column = position
                    raise
    if uneven.longer:
        places = listed((f"line {line} has {count}" for line, count in uneven.longer), 3)
        raise DataError(
            f"{path}: expected {counted(width, 'field')} in each row, but {places}; quote fields "
            f"that hold the delimiter {layout.delimiter!r}, or give the right delimiter"
        )
    return uneven.notes(width)


def _read_numbers(
    lines: Iterator[str], layout: Layout, start: int, readers: Sequence[ColumnReader]
) -> tuple[int, Iterator[str]]:
    """Add rows for as long as blocks of them hold nothing but plain numbers, which NumPy reads.

    Returns the line from which other rows follow, and the lines from there on.
    """
    delimiter = None if layout.delimiter == SPACES else layout.delimiter
    are_decimals = True
    while block := list(itertools.islice(lines, _BLOCK_ROWS)):
        text = "".join(block)
        numbers = parse_decimals(text, delimiter, layout.width) if are_decimals else None
        if numbers is None:
            are_decimals = False
            try:
                numbers = np.loadtxt(block, delimiter=delimiter, comments=None, ndmin=2)
            except ValueError:
                return start, itertools.chain(block, lines)
            if numbers.shape[1] != layout.width or not are_plain(numbers, text, delimiter):
                return start, itertools.chain(block, lines)
        for reader, column in zip(readers, numbers.T, strict=True):
            reader.add_numbers(column)
        start += len(block)
    return start, lines


@dataclass(frozen=True)
class LinesOfRows:
    """In which lines of a file rows are: it is read again, as that is seldom asked."""

    path: FilePath
    encoding: str
    layout: Layout
    start: int  # the line of the first row

    def __call__(self, row: int) -> str:
        """Return where a row is, given by its number."""
        width, uneven = self.layout.width, _Uneven()
        with contextlib.suppress(DataError, OSError), open_text(self.path, self.encoding) as file:
            lines = itertools.islice(file, self.start - 1, None)
            records = _records(self.path, lines, self.layout, self.start, is_cut=True)
            found = (line for line, each in records if uneven.fit(line, each, width) is not None)
            line = next(itertools.islice(found, row, None), None)
            if line is not None:
                return f"line {line:,}"
        return row_place(row)


class _Uneven:
    """The lines that have another number of fields than the rows."""

    def __init__(self) -> None:
        self.longer = list[tuple[int, int]]()
        self.shorter, self.single, self.blank = list[int](), list[int](), list[int]()

    def fit(self, line: int, fields: list[str], width: int) -> list[str] | None:
        """Return a row's fields, filled up with missing ones; None for a line that is no row."""
        if width > 1 and not any(map(str.strip, fields)):
            self.blank.append(line)
            return None
        if len(fields) == width:
            return fields
        if len(fields) > width:
            if any(map(str.strip, fields[width:])):
                self.longer.append((line, len(fields)))
            return fields[:width]
        if len(fields) == 1 and width > 2:
            self.single.append(line)
            return None
        self.shorter.append(line)
        return fields + [""] * (width - len(fields))

    def notes(self, width: int) -> list[str]:
        """Return what there is to say of these lines."""
        found = []
        if self.blank:
            found.append(
                f"what has empty fields alone is left out: {counted(len(self.blank), 'line')}, the "
                f"first of them line {self.blank[0]}"
            )
        if self.single:
            found.append(
                f"what has a single field is left out: {counted(len(self.single), 'line')}, the "
                f"first of them line {self.single[0]}"
            )
        if self.shorter:
            found.append(
                f"{counted(len(self.shorter), 'row')} with fewer than {width} fields, the first in "
                f"line {self.shorter[0]}: the last ones are missing there"
            )
        return found
