"""Tables from JSON: lists of objects, objects of lists, an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ffnn._types import FilePath
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.tables.raw import NumberedRows, RawColumn
from ffnn.tables.source import find_encoding, open_text
from ffnn.tables.values import column_of, columns_of_rows


def read_json(path: FilePath, encoding: str | None) -> tuple[list[RawColumn], list[str]]:
    """Return the columns of a file as they stand, and notes on what was decided.

    It holds a list of objects, by itself or as the only one in an object; an object of lists, or of
    objects with the numbers of rows, as pandas writes it; or an object a line.
    """
    with open_text(path, find_encoding(path, encoding)[0]) as file:
        try:
            data = json.load(file)
        except (ValueError, RecursionError) as error:
            if _has_lines(path, encoding):
                return read_json_lines(path, encoding)
            raise DataError(f"{path}: this is not valid JSON: {error}") from error
    if isinstance(data, dict):
        return _columns_of_object(path, data)
    return _columns_of_objects(path, data), []


def read_json_lines(path: FilePath, encoding: str | None) -> tuple[list[RawColumn], list[str]]:
    """Return the columns of a file that has an object in each line, and no notes."""
    rows, numbers = list[Any](), list[int]()
    with open_text(path, find_encoding(path, encoding)[0]) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            numbers.append(number)
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{path}, line {number}: this is not valid JSON: {error}"
                ) from error
    columns, place = _columns_of_objects(path, rows), NumberedRows("line", numbers)
    for column in columns:
        column.place = place
    return columns, []


def _has_lines(path: FilePath, encoding: str | None) -> bool:
    """Tell whether the first line of a file is an object."""
    with open_text(path, find_encoding(path, encoding)[0]) as file:
        try:
            return isinstance(json.loads(file.readline()), dict)
        except (ValueError, RecursionError):
            return False


def _columns_of_object(
    path: FilePath, data: Mapping[str, Any]
) -> tuple[list[RawColumn], list[str]]:
    values = data.values()
    tables = [name for name, value in data.items() if value and _are_objects(value)]
    if len(tables) == 1:
        note = f"the rows are those of {shown(tables[0], 60)}"
        return _columns_of_objects(path, data[tables[0]]), [note]
    if data and all(isinstance(value, dict) for value in values):
        if all(name.isdecimal() for value in values for name in value):
            rows = dict.fromkeys(number for value in values for number in value)
            data = {name: [value.get(row) for row in rows] for name, value in data.items()}
        elif all(name.isdecimal() for name in data):
            return _columns_of_objects(path, list(values)), []
    if not all(isinstance(value, list) for value in data.values()):
        return _columns_of_objects(path, data), []
    if len({len(value) for value in data.values()}) > 1:
        raise DataError(f"{path}: expected columns of one length")
    _refuse_nested(path, data.items())
    return [column_of(name, entries) for name, entries in data.items()], []


def _are_objects(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _columns_of_objects(path: FilePath, rows: Any) -> list[RawColumn]:
    if not _are_objects(rows):
        raise DataError(f"{path}: expected a list of objects with names and values")
    _refuse_nested(path, ((name, [value]) for row in rows for name, value in row.items()))
    return columns_of_rows(rows)


def _refuse_nested(path: FilePath, columns: Iterable[tuple[str, list[Any]]]) -> None:
    for name, values in columns:
        if any(isinstance(value, (list, dict)) for value in values):
            raise DataError(
                f"{path}: {shown(name, 60)} holds a list or an object; expected single values, in "
                f"a list of objects or an object of lists"
            )
