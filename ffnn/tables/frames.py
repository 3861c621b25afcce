"""Tables from what is in memory: data frames of pandas, polars and pyarrow, and lists of dicts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ffnn.core.problems import Problems
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.tables.raw import RawColumn
from ffnn.tables.read import read_table
from ffnn.tables.table import Table, make_table
from ffnn.tables.values import column_of, columns_of_rows


def as_table(data: Any, reading: Mapping[str, Any] | None = None) -> Table:
    """Return a table from rows in any of the forms that are known.

    Parameters
    ----------
    data : Table, path, data frame, list of dict, or dict of columns
        The rows. Of dicts, a key that is not in all of them is missing in the others.
    reading : mapping, optional
        How a file is read: options of `read_table`.

    Raises
    ------
    DataError
        It is none of these, or a file cannot be read.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, (str, os.PathLike)):
        return read_table(data, **(reading or {}))
    columns, known = _columns(data), reading or {}
    for column in columns:
        column.decimal = known.get("decimal")
    missing_values = known.get("missing_values") or ()
    return make_table(columns, Problems("table"), missing_values=missing_values)


def is_table(data: Any) -> bool:
    """Tell whether `data` is rows with names, and not an array of numbers."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(row, Mapping) for row in data)
    if hasattr(data, "tocsr"):  # a sparse array, which may be a mapping, too
        return False
    if isinstance(data, (Table, str, os.PathLike, Mapping)) or hasattr(data, "column_names"):
        return True
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def _columns(data: Any) -> list[RawColumn]:
    if not is_table(data):
        raise DataError(
            f"expected a table: a path, a data frame, a list of dicts or a dict of columns, got "
            f"{type(data).__name__}"
        )
    if isinstance(data, (list, tuple)):
        return columns_of_rows(data)
    entries: Iterable[tuple[Any, Any]]
    if isinstance(data, Mapping):
        single = [n for n, v in data.items() if isinstance(v, str) or not hasattr(v, "__len__")]
        if single:
            raise DataError(
                f"expected columns, got a single value for {shown(single[0], 60)}; a row is a dict "
                f"in a list: [{{...}}]"
            )
        entries = data.items()
    elif hasattr(data, "items"):  # of pandas, where several columns may have one name
        entries = data.items()
    else:  # polars has `columns`, pyarrow `column_names`, whose columns are arrays
        names = getattr(data, "column_names", None) or data.columns
        entries = ((name, data[name]) for name in names)
    columns = [column_of(str(name), values) for name, values in entries]
    if len({len(column) for column in columns}) > 1:
        raise DataError("expected columns of one length")
    return columns
