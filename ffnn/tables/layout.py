"""How a file of text is laid out: what separates its columns, and which lines are not rows."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SPACES = " "  # stands for runs of spaces and tabs
_DELIMITERS = "\t;|,~^"
_TIME = re.compile(r"\d{1,2}:\d\d(:\d\d)?\b")
_COMMENTS = ("#", "%", "//")
_SEPARATOR = re.compile(r'("?sep=)(.)"?\r?\n?', re.IGNORECASE)  # as Excel writes it
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_SPACED_FIELD = re.compile(r'"[^"]*"|\S+')
LONGEST_FIELD = 1 << 24
_ENOUGH = 0.9  # of the lines, to have the same number of fields


class Layout(NamedTuple):
    """What separates fields, how many a row has, and which lines are not rows."""

    delimiter: str
    width: int
    comment: str | None = None  # lines that begin with it are left out
    has_spaced_quotes: bool = False  # spaces between a closing quote and the delimiter
    has_escapes: bool = False  # a quote within quotes is written \\"


def find_layout(lines: list[str], delimiter: str | None = None) -> Layout:
    """Return the layout of a file that begins with `lines`.

    Of the usual delimiters it is the one that cuts most lines into the same number of fields, two
    or more; then the one that cuts them into most. Runs of spaces delimit where no other one does,
    then colons if they do so in every line and not in times of day; commas between digits do not
    where semicolons do. A file that begins with ``#``, ``%`` or
    ``//`` has comments, unless most lines begin so; so does one with such lines that are cut into
    another number of fields than the others. A first line ``sep=;`` names the delimiter.
    """
    first = next((line for line in lines if line.strip()), "")
    comment = next((sign for sign in _COMMENTS if first.startswith(sign)), None)
    if comment and sum(line.startswith(comment) for line in lines) > len(lines) / 2:
        comment = None
    if separator := _SEPARATOR.fullmatch(first):
        comment, delimiter = separator[1], delimiter or separator[2]
    tried = [delimiter] if delimiter else [*_DELIMITERS, SPACES]
    layouts = {each: _measure(lines, Layout(each, 1, comment)) for each in tried}
    even = {each: found for each, found in layouts.items() if found[0] >= _ENOUGH}
    even = {each: found for each, found in even.items() if each != SPACES} or even
    if not even and delimiter is None and not any(map(_TIME.search, lines)):
        colons = _measure(lines, Layout(":", 1, comment))
        even = {":": colons} if colons[0] == 1.0 else {}
        layouts |= even
    most = {each: found for each, found in layouts.items() if found[0] > 0.5 and each != SPACES}
    chosen = even or most or layouts
    best = max(chosen, key=lambda each: chosen[each])
    if ";" in even and not any("," in _DECIMAL_COMMA.sub("", line) for line in lines):
        best = ";"
    width = layouts[best][1]
    if width < 2 and delimiter is None:
        best = ","
    comment = comment or _comment_within(lines, Layout(best, width))
    spaced = re.compile(rf'"[ \t]+{re.escape(best)}') if best not in SPACES + "\t" else None
    has_spaced = spaced is not None and any(map(spaced.search, lines))
    has_escapes = any('\\"' in line for line in lines)
    return Layout(best, width, comment, has_spaced, has_escapes)


def _comment_within(lines: list[str], layout: Layout) -> str | None:
    """Return the sign of comments among the rows, if no field has several lines."""
    records = sample(lines, layout)
    if len(records) < sum(1 for line in lines if line.strip()):
        return None
    uneven = [fields[0] for fields in records if len(fields) != layout.width]
    return next((s for s in _COMMENTS if any(field.startswith(s) for field in uneven)), None)


def split(lines: Iterable[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line and the fields of each record that is not empty or a comment.

    Raises `csv.Error`, with a message and the line of the record, for a quote that is never closed.
    """
    csv.field_size_limit(LONGEST_FIELD)
    if layout.comment:
        # Empty lines take their place, so that the others keep their numbers.
        lines = ("\n" if line.startswith(layout.comment) else line for line in lines)
    if layout.has_spaced_quotes:
        spaced = re.compile(rf'"[ \t]+(?={re.escape(layout.delimiter)}|\r?\n?$)')
        lines = (spaced.sub('"', line) for line in lines)
    if layout.delimiter == SPACES:
        for number, line in enumerate(lines, start=1):
            if fields := _SPACED_FIELD.findall(line) if '"' in line else line.split():
                yield number, [field.strip('"') for field in fields]
        return
    reader = csv.reader(
        lines,
        delimiter=layout.delimiter,
        skipinitialspace=True,
        strict=True,
        escapechar="\\" if layout.has_escapes else None,
    )
    number = 1
    try:
        for fields in reader:
            if fields:
                yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(str(error), number) from error


def sample(lines: list[str], layout: Layout) -> list[list[str]]:
    """Return the records of the first lines of a file, up to one that cannot be read."""
    records: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        records.extend(fields for _, fields in split(lines, layout))
    return records


def _measure(lines: list[str], layout: Layout) -> tuple[float, int]:
    """Return the share of records with the most frequent number of fields, and that number."""
    widths = Counter(len(fields) for fields in sample(lines, layout))
    if not widths:
        return 0.0, 1
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (count / widths.total(), width) if width > 1 else (0.0, 1)
