"""Columns as they stand in a file: numbers, or texts with a code for each row."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array

LONG_WHOLE = re.compile(r"(?<![\d.])\d{16,}(?![\d.eE])")
EXACT = 2.0**53  # from which on float64 does not tell whole numbers apart
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "<na>", "\\n"})  # \\N is of databases
MISSING |= {f"#{error}" for error in ("n/a", "null!", "div/0!", "value!", "ref!", "name?", "num!")}


def row_place(row: int) -> str:
    """Return where a row is, for messages, if that is all that is known."""
    return f"row {row + 1:,}"


@dataclass(frozen=True)
class NumberedRows:
    """Where rows are that have numbers of their own, such as those of lines."""

    label: str
    numbers: Sequence[int] | Array

    def __call__(self, row: int) -> str:
        """Return where a row is, given by its number."""
        return f"{self.label} {int(self.numbers[row]):,}"


@dataclass(frozen=True)
class TakenRows:
    """Where rows are that were taken out of others, by number or by a mask."""

    place: Callable[[int], str]
    rows: Array

    def __call__(self, row: int) -> str:
        """Return where a row is, given by its number."""
        rows = np.flatnonzero(self.rows) if self.rows.dtype == bool else self.rows
        return self.place(int(rows[row]))


@dataclass
class RawColumn:
    """The entries of a column: `numbers`, with NaN for missing ones, or `codes` of `texts`.

    Attributes
    ----------
    name : str
        Its name in the file.
    numbers : ndarray of float64, shape (rows,), or None
        Where every entry that is not missing is a plain number.
    codes : ndarray of int32, shape (rows,), or None
        Else the index of each row's entry in `texts`, -1 for a missing one.
    texts : list of str
        The distinct entries, in the order of their first rows.
    decimal : {".", ","} or None
        What marks decimals in `texts`, if that was said.
    date_format : str or None
        How dates in `texts` are written, if that is known: a format of `strptime`, "" for ISO 8601.
    place : callable
        Of the number of a row, where it is in its source: ``"line 7"``.
    """

    name: str
    numbers: NDArray[np.float64] | None = None
    codes: NDArray[np.int32] | None = None
    texts: list[str] = field(default_factory=list)
    decimal: str | None = None
    date_format: str | None = None
    place: Callable[[int], str] = row_place

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def _entries(self) -> Array:
        entries = self.numbers if self.numbers is not None else self.codes
        assert entries is not None
        return entries

    @cached_property
    def is_missing(self) -> NDArray[np.bool_]:
        """Which rows have no entry, of shape (rows,)."""
        missing: NDArray[np.bool_] = (
            np.isnan(self._entries) if self.codes is None else self._entries < 0
        )
        return missing

    @cached_property
    def num_missing(self) -> int:
        """The number of rows without an entry."""
        return int(self.is_missing.sum())

    @cached_property
    def num_distinct(self) -> int:
        """The number of different entries."""
        if self.codes is not None:
            return len(self.texts)
        return len(np.unique(self._entries[~self.is_missing]))

    @cached_property
    def is_constant(self) -> bool:
        """Whether all entries that are there are the same, or there is none."""
        if self.codes is not None:
            return len(self.texts) < 2
        known = self._entries[~self.is_missing] if self.num_missing else self._entries
        return not len(known) or bool(known.min() == known.max())

    def take(self, rows: Array) -> RawColumn:
        """Return the entries of some rows, given by number or by a mask."""
        place = TakenRows(self.place, rows)
        if self.codes is None:
            return replace(self, numbers=self._entries[rows], place=place)
        codes = self.codes[rows]
        used = np.unique(codes[codes >= 0])
        places = np.full(len(self.texts) + 1, -1, np.int32)
        places[used] = np.arange(len(used))
        texts = [self.texts[i] for i in used]
        return replace(self, codes=places[codes], texts=texts, place=place)

    def as_texts(self) -> RawColumn:
        """Return the column with texts for its numbers, if it has numbers."""
        if self.numbers is None:
            return self
        known = ~np.isnan(self.numbers)
        distinct, inverse = np.unique(self.numbers[known], return_inverse=True)
        codes = np.full(len(self), -1, np.int32)
        codes[known] = inverse
        texts = [number_text(value) for value in distinct.tolist()]
        return RawColumn(self.name, codes=codes, texts=texts, place=self.place)

    def without(self, missing: Collection[str]) -> RawColumn:
        """Return the column with some entries as missing ones; it may be one of numbers then."""
        if not missing:
            return self
        if self.numbers is not None:
            absent = np.isin(self.numbers, _plain_numbers(list(filter(_is_number, missing))) or [])
            return replace(self, numbers=np.where(absent, np.nan, self.numbers))
        kept = [text for text in self.texts if text not in missing]
        if len(kept) == len(self.texts):
            return self
        has_points = self.decimal == "," and any("." in text for text in kept)
        numbers = None if has_points or not kept else _plain_numbers(kept)
        places = {text: code for code, text in enumerate(kept)}
        codes = np.array([*(places.get(text, -1) for text in self.texts), -1], np.int32)[self.codes]
        if numbers is None:
            return replace(self, codes=codes, texts=kept)
        values = np.append(np.frombuffer(numbers, np.float64), np.nan)[codes]
        return replace(self, numbers=values, codes=None, texts=[])

    def place_of(self, text: str) -> str:
        """Return where an entry is found first."""
        texts = self.as_texts()
        return self.place(int(np.argmax(texts.codes == texts.texts.index(text))))


class NotNumbersError(Exception):
    """A column that began with numbers has other entries; `column` is its position."""

    column: int


class _Codes(dict[str, int]):
    """The code of each entry as it is written: -1 for a missing one, else that of its text.

    They are found when an entry first comes; looking up others is quick.
    """

    def __init__(self) -> None:
        self.num_texts = 0

    def __missing__(self, entry: str) -> int:
        text = entry.strip()
        if is_missing(text):
            code = -1
        elif text != entry:
            code = self[text]
        else:
            code = self.num_texts
            self.num_texts += 1
        self[entry] = code
        return code

    @property
    def texts(self) -> list[str]:
        """The texts in the order of their codes."""
        return [text for text, code in self.items() if code >= 0 and text == text.strip()]


class ColumnReader:
    """Collects a column's entries, block by block, as numbers for as long as it can.

    With a comma as `decimal`, what has a point is left as text: there it separates thousands.
    """

    def __init__(self, is_text: bool = False, decimal: str | None = None) -> None:
        self.is_text, self.decimal = is_text, decimal
        self._numbers, self._codes, self._known = array("d"), array("i"), _Codes()

    def add(self, texts: Sequence[str]) -> None:
        """Add the entries of some rows; NotNumbersError: all have to be read again, as text."""
        if not self.is_text:
            has_points = self.decimal == "," and any("." in text for text in texts)
            numbers = None if has_points else _plain_numbers(texts)
            if numbers is not None:
                self._numbers.extend(numbers)
                return
            if self._numbers:
                raise NotNumbersError
            self.is_text = True
        self._codes.extend(map(self._known.__getitem__, texts))

    def add_numbers(self, numbers: NDArray[np.float64]) -> None:
        """Add plain numbers."""
        self._numbers.frombytes(numbers.tobytes())

    def finish(self, name: str) -> RawColumn:
        """Return the column, once, and forget it."""
        numbers, codes, known = self._numbers, self._codes, self._known
        self._numbers, self._codes, self._known = array("d"), array("i"), _Codes()
        if not self.is_text:
            return RawColumn(name, numbers=np.frombuffer(numbers, np.float64))
        return encoded(name, np.frombuffer(codes, np.int32), known.texts)


def encoded(name: str, codes: Sequence[int] | Array, texts: Sequence[str]) -> RawColumn:
    """Return a column of texts from a code for each row."""
    texts, codes = unquoted(texts), np.asarray(codes, np.int32)
    index = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    if len(index) < len(texts):  # some are the same without the quotes
        codes = np.array([*map(index.__getitem__, texts), -1], np.int32)[codes]
    return RawColumn(name, codes=codes, texts=[*index])


def unquoted(texts: Sequence[str]) -> list[str]:
    """Return texts without the single quotes around them, if all have them: 'a', 'b'."""
    are_quoted = texts and all(len(t) > 1 and t[0] == t[-1] == "'" for t in texts)
    return [text[1:-1].strip() for text in texts] if are_quoted else list(texts)


def number_text(value: float) -> str:
    """Return a number as a text that names it: 1, not 1.0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def named_by_numbers(texts: Iterable[str]) -> dict[str, str]:
    """Return the texts that are codes such as 01234 by the numbers that others make of them: 1234.

    Spreadsheets and data frames do. Where two codes are one number, there is none.
    """
    codes = [text for text in texts if text.isdecimal() and len(text) < 16]
    counts = Counter(map(int, codes))
    return {str(int(code)): code for code in codes if counts[int(code)] == 1}


def is_missing(text: str) -> bool:
    """Tell whether an entry stands for a value that is not there."""
    return text.casefold() in MISSING


def _is_number(text: str) -> bool:
    return bool(_plain_numbers([text]))


def _plain_numbers(texts: Sequence[str]) -> array[float] | None:
    """Return entries as numbers, NaN for missing ones; None if some are not plain numbers.

    Not plain are such as 01204, which is a code, and 1_000, which only Python takes for a number.
    """
    try:
        numbers = array("d", map(float, texts))
    except ValueError:
        try:
            pairs = ((text, text.strip()) for text in texts)
            numbers = array("d", (math.nan if is_missing(t) else float(t) for _, t in pairs))
        except ValueError:
            return None
        if all(map(is_missing, map(str.strip, texts))):
            return None if texts else numbers
    values = np.frombuffer(numbers, np.float64)
    if np.isnan(values).any() and any(
        math.isnan(v) and not is_missing(t.strip()) for v, t in zip(values, texts, strict=True)
    ):
        return None
    return numbers if are_plain(values[:, None], ",".join(texts), ",") else None


def are_plain(numbers: NDArray[np.float64], text: str, delimiter: str | None) -> bool:
    """Tell whether numbers, of shape (rows, columns), are all that the text says that they are.

    Infinite ones are not, nor 1_000, nor codes such as 01204, nor whole numbers of so many digits
    that float64 does not tell them apart.
    """
    if np.isinf(numbers).any() or "_" in text:
        return False
    if (np.abs(numbers) >= EXACT).any() and LONG_WHOLE.search(text):
        return False
    is_whole = ((numbers == np.floor(numbers)) | np.isnan(numbers)).all(axis=0)
    if not is_whole.any():
        return True
    return not has_codes(text, delimiter)


def has_codes(text: str, delimiter: str | None) -> bool:
    """Tell whether an entry of a text begins with 0 and another digit, as 01204 does."""
    text = f"\n{text}"
    before = r"\s" if delimiter is None else rf"\s{re.escape(delimiter)}"
    code = re.compile(rf"[{before}][-+]?0\d")
    if not text.isascii():
        return code.search(text) is not None
    # NumPy finds the few places that are worth a look, thirty times as fast as the expression.
    characters = np.frombuffer(text.encode(), np.uint8)
    is_digit = (characters - ord("0")) < 10  # what lies below wraps around
    is_inside = is_digit if delimiter == "." else is_digit | (characters == ord("."))
    zeros = (characters[1:-1] == ord("0")) & is_digit[2:] & ~is_inside[:-2]
    places = np.flatnonzero(zeros).tolist()  # each of the character before a zero
    return any(code.match(text, i) or (i and code.match(text, i - 1)) for i in places)
