"""Where a table begins in a file, and whether its first row has the names of the columns."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from ffnn.tables.entries import are_numbers
from ffnn.tables.raw import is_missing

Rows = Sequence[Sequence[str]]
_YEARS = range(1800, 2101)
_MOST_TITLES = 50


def find_start(rows: Rows, lines: Sequence[int] = ()) -> int:
    """Return the number of the first row that is no title or the like; `lines` are where rows are.

    Titles have fewer fields than most rows, without empty ones at the end. So may a header: it may
    lack the name of the row numbers before it; then the row below it is none. What an empty line
    separates from the first line that looks like a header precedes the table, too.
    """
    lengths = [_length(row) for row in rows]
    width = Counter(lengths).most_common(1)[0][0] if rows else 0
    start = next((i for i, length in enumerate(lengths) if length >= width), 0)
    for i in range(start + 1, min(len(lines), _MOST_TITLES)):
        is_apart = lines[i] > lines[i - 1] + 1 and lengths[i] >= width
        if is_apart and _heads(rows, i) and not is_header(rows[start], rows[start + 1 :]):
            return i
    if not start or lengths[start - 1] != width - 1 or is_header(rows[start], rows[start + 1 :]):
        return start
    return start - 1 if is_header(rows[start - 1], rows[start:]) is not False else start


def _heads(rows: Rows, number: int) -> bool:
    """Tell whether a row without numbers is a header of those below it."""
    has_numbers = any(map(_is_number_or_missing, rows[number]))
    return not has_numbers and is_header(rows[number], rows[number + 1 :]) is True


def _length(row: Sequence[str]) -> int:
    """Return the number of a row's fields without the empty ones at its end."""
    return max((i for i, field in enumerate(row, start=1) if field.strip()), default=0)


def header_of(rows: Rows, width: int, has_header: bool | None) -> list[str] | None:
    """Return the names in the first row, None if it is a row like the others."""
    first, others = rows[0], rows[1:]
    if has_header is None:
        has_header = not others or names_columns(first, others)
    if not has_header:
        return None
    if len(first) == width - 1 and others:
        is_last_empty = all(not row[-1].strip() for row in others if len(row) == width)
        return [*first, ""] if is_last_empty else ["", *first]
    return list(first) if any(map(str.strip, first[width:])) else list(first[:width])


def numbered_names(width: int, has_header: bool | None) -> tuple[list[str], str]:
    """Return names for columns without any, and a note on them."""
    names = [f"column_{i}" for i in range(1, width + 1)]
    why = "" if has_header is False else "the first row looks like the others, so "
    return names, f"{why}there is no header: the columns are named {names[0]} to {names[-1]}"


def names_columns(first: Sequence[str], others: Rows) -> bool:
    """Tell whether the first row is a header; where nothing tells, unless it has but numbers."""
    found = is_header(first, others)
    return found if found is not None else not all(map(_is_number_or_missing, first))


def is_header(first: Sequence[str], others: Rows) -> bool | None:
    """Tell whether the first row differs from the others as names do; None if nothing tells.

    A name is no number where the others are, unless it is one of the years in a row, and is not
    found among them.
    """
    for_header = against = 0
    others = [row for row in others if row != first]  # which files put together repeat
    columns = list(itertools.zip_longest(*others, fillvalue=""))
    shift, have_years = len(columns) - len(first), _are_years(first)
    for cell, column in zip(first, columns[max(shift, 0) :], strict=False):
        name, entries = cell.strip(), {entry.strip() for entry in column}
        known = sorted(entry for entry in entries if not is_missing(entry))
        if is_missing(name) or not known:
            continue
        if are_numbers(known):
            is_name = have_years or not are_numbers([name])
            for_header += is_name
            against += not is_name
        else:
            against += name in entries
    return for_header > against if for_header or against else None


def is_count(header: Sequence[str] | None, num_records: int) -> bool:
    """Tell whether what looks like a header begins with the number of the rows below it."""
    is_number = header is not None and header[0].strip() == str(num_records - 1)
    return is_number and num_records > 2


def _are_years(names: Sequence[str]) -> bool:
    """Tell whether the numbers among names are three years or more, one after another."""
    numbers = [int(name) for name in map(str.strip, names) if name.isdecimal()]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(numbers) > 2 and steps in ({1}, {-1}) and numbers[0] in _YEARS


def _is_number_or_missing(cell: str) -> bool:
    return is_missing(cell.strip()) or are_numbers([cell.strip()])
