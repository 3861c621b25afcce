"""Columns from values in memory: arrays, series of data frames, lists of numbers and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.tables.raw import EXACT, RawColumn, encoded, is_missing, number_text


def columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[RawColumn]:
    """Return the columns of rows given as dicts; a key that some lack is missing there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [column_of(str(name), [row.get(name) for row in rows]) for name in names]


def column_of(name: str, values: Any) -> RawColumn:
    """Return a column from an array, a series or a list.

    Where all entries are numbers, it is one of numbers; durations are so, in seconds. Others become
    texts: 3.0 is 3, a date is written as ISO 8601 has it, to the second. So do infinite numbers,
    and whole ones that float64 does not tell apart, as in a file.
    """
    array = _as_array(values)
    if array.dtype.kind == "m":
        array = array / np.timedelta64(1, "s")
    if array.dtype.kind in "iuf" and _are_plain(array):
        return RawColumn(name, numbers=array.astype(np.float64))
    if array.dtype.kind == "M":
        moments = array.astype("datetime64[s]")
        array = np.datetime_as_string(moments).astype(object)
        array[np.isnat(moments)] = None
    entries = array.tolist()
    if all(map(_is_number_or_absent, entries)) and not all(map(_is_absent, entries)):
        numbers = [np.nan if _is_absent(entry) else float(entry) for entry in entries]
        return RawColumn(name, numbers=np.array(numbers))
    index: dict[str, int] = {}
    return encoded(name, [_code(entry, index) for entry in entries], [*index])


def _are_plain(numbers: Array) -> bool:
    """Tell whether float64 holds numbers as what they are; infinite ones are none."""
    if numbers.dtype.kind == "f":
        return not bool(np.isinf(numbers).any())
    return not len(numbers) or -EXACT < int(numbers.min()) <= int(numbers.max()) < EXACT


def _as_array(values: Any) -> Array:
    """Return entries as numbers, dates or booleans if they are stored as such, else as objects."""
    array = values.to_numpy() if hasattr(values, "to_numpy") else values
    if isinstance(array, np.ma.MaskedArray):
        mask, array = np.ma.getmaskarray(array), array.data
        if mask.any():
            array = array.copy() if array.dtype.kind in "mM" else array.astype(object)
            array[mask] = None  # in dates and durations, that is NaT
    if isinstance(array, np.ndarray) and array.dtype.kind in "iufbmM":
        return array
    entries = np.empty(len(array), object)
    entries[:] = list(array)
    return entries


def _is_number_or_absent(entry: Any) -> bool:
    if isinstance(entry, (int, np.integer)) and not isinstance(entry, bool):
        return bool(-EXACT < entry < EXACT)
    is_number = isinstance(entry, (float, np.floating)) and not np.isinf(entry)
    return is_number or _is_absent(entry)


def _is_absent(entry: Any) -> bool:
    is_nan = isinstance(entry, (float, np.floating)) and np.isnan(entry)
    return entry is None or bool(is_nan) or type(entry).__name__ in ("NAType", "NaTType")


def _code(entry: Any, index: dict[str, int]) -> int:
    """Return the code of an entry, which is noted in `index`; -1 for a missing one."""
    if _is_absent(entry):
        return -1
    is_number = isinstance(entry, (float, np.floating))
    text = number_text(float(entry)) if is_number else str(entry).strip()
    return -1 if is_missing(text) else index.setdefault(text, len(index))
