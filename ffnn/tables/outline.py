"""What the first rows of a file of text tell of all: how many there are, and how much they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ffnn.core.text import counted
from ffnn.tables.raw import ColumnReader, NotNumbersError, is_missing

TOO_LARGE = (
    "learn from fewer columns or rows, or from a .h5 file of numbers, which is read a batch at a "
    "time"
)


class Outline(NamedTuple):
    """Which columns begin with plain numbers, and about how many rows there are."""

    are_numbers: tuple[bool, ...]
    num_rows: int  # 0 where that is unknown
    size: int | None  # of the file's text in bytes, None if it is packed
    has_plain_head: bool  # what precedes the rows is one line, or has no quotes that span several

    @classmethod
    def of(
        cls, sample: Sequence[Sequence[str]], lines: Sequence[str], start: int, size: int | None
    ) -> Outline:
        """Return the outline of a file whose first `lines` hold `sample`, from line `start` on."""
        are_numbers = tuple(_is_number(column) for column in zip(*sample, strict=True))
        num_rows = int((size or 0) / sum(map(len, lines)) * len(sample))
        head = lines[: start - 1]
        return cls(are_numbers, num_rows, size, len(head) < 2 or '"' not in "".join(head))

    @property
    def num_bytes(self) -> int:
        """What the columns take at least: a number, or the code of a text, for each row."""
        return self.num_rows * sum(8 if is_number else 4 for is_number in self.are_numbers)

    def __str__(self) -> str:
        columns = counted(len(self.are_numbers), "column")
        rows = round(self.num_rows, 2 - len(str(self.num_rows)))
        return f"about {counted(rows, 'row')} of {columns}"


def _is_number(entries: Sequence[str]) -> bool:
    """Tell whether the first entries of a column are plain numbers."""
    reader = ColumnReader()
    try:
        reader.add(entries)
    except NotNumbersError:
        return False
    return not reader.is_text and not all(map(is_missing, map(str.strip, entries)))
