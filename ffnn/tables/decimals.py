"""Blocks of plain decimal numbers, read by NumPy as a whole: three times as fast as one by one.

A number such as -12.75 is an integer, 1275, divided by a power of ten. Both are exact in float64
as long as there are at most 15 digits, so that the division rounds once: the result has the bits
that `float` has. Eight digits are eight bytes of one integer of 64 bits, which three
multiplications turn into their value.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ffnn.tables.raw import EXACT

Places = NDArray[np.int64]
_MOST_DIGITS = 15  # 10¹⁵ < 2⁵³
_TENS = 10.0 ** np.arange(_MOST_DIGITS + 1)
_NEWLINE, _MINUS, _POINT, _ZERO = b"\n-.0"
_OTHER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][-+]?\d+)?")  # read by `float`
_LARGEST_SHARE = 0.05  # of the numbers that may be such


class _Entries(NamedTuple):
    """Where entries lie among the characters."""

    starts: Places
    points: Places  # the ends of the whole parts
    ends: Places
    is_negative: NDArray[np.bool_]
    others: Places  # which of them have other characters than digits, a minus and a point


def parse_decimals(text: str, delimiter: str | None, width: int) -> NDArray[np.float64] | None:
    """Return the numbers of lines, of shape (lines, width), None unless all are plain ones.

    Plain are digits with at most one point and a minus before them. Codes such as 01204 are not,
    nor entries that are empty or have spaces around them. Without a delimiter there are none.
    """
    if delimiter is None or len(delimiter) > 1 or delimiter in "-.eE":
        return None
    if not text.isascii() or not text.endswith("\n"):
        return None
    characters = np.frombuffer(text.encode(), np.uint8)
    found = _entries(characters, ord(delimiter), width)
    if found is None:
        return None
    whole = found.points - found.starts - found.is_negative
    fraction = np.maximum(found.ends - found.points - 1, 0)
    digits = whole + fraction
    first = characters[found.starts + found.is_negative]
    others = np.union1d(found.others, np.flatnonzero(digits > _MOST_DIGITS))
    is_code = (whole > 1) & (first == _ZERO)
    if digits.min() < 1 or is_code.any() or len(others) > _LARGEST_SHARE * len(digits):
        return None
    padded = np.concatenate([np.zeros(16, np.uint8), characters])
    values = _digits(padded, found.points, whole)
    tens = _TENS[np.minimum(fraction, _MOST_DIGITS)]
    values *= tens
    values += _digits(padded, found.ends, fraction)
    values /= tens
    values *= 1.0 - 2.0 * found.is_negative
    for i in others.tolist():
        entry = text[found.starts[i] : found.ends[i]]
        if not _OTHER.fullmatch(entry) or not abs(float(entry)) < EXACT:
            return None
        values[i] = float(entry)
    return values.reshape(-1, width)


def _entries(characters: NDArray[np.uint8], delimiter: int, width: int) -> _Entries | None:
    """Return the places of entries, None if one has two points or lines differ in their number."""
    is_end = (characters == delimiter) | (characters == _NEWLINE)
    is_mark = is_end | (characters == _POINT)
    marks = np.flatnonzero(is_mark)
    of_ends = np.flatnonzero(is_end[marks])
    ends, count = marks[of_ends], np.diff(of_ends, prepend=-1)  # of marks in each entry
    is_last = characters[ends] == _NEWLINE
    are_even = len(ends) % width == 0 and is_last[width - 1 :: width].all()
    if count.max() > 2 or not are_even or np.count_nonzero(is_last) * width != len(ends):
        return None
    starts = np.zeros_like(ends)
    np.add(ends[:-1], 1, starts[1:])
    is_known = (characters - _ZERO) < 10  # what lies below wraps around
    is_known |= is_mark
    is_minus = characters == _MINUS
    is_known[0] |= is_minus[0]
    is_known[1:] |= is_minus[1:] & is_end[:-1]
    others = np.searchsorted(ends, np.flatnonzero(~is_known))
    return _Entries(starts, marks[of_ends - count + 1], ends, is_minus[starts], others)


def _digits(padded: NDArray[np.uint8], ends: Places, count: Places) -> NDArray[np.float64]:
    """Return the values of so many digits, up to 15, before the ends; 16 bytes are padding."""
    words = np.ndarray(len(padded) - 7, "<u8", padded, strides=(1,))
    values = _eight_digits(words[ends + 8], np.minimum(count, 8))
    if count.max() > 8:
        values += 1e8 * _eight_digits(words[ends], np.clip(count - 8, 0, 8))
    return values


def _eight_digits(word: NDArray[np.uint64], count: Places) -> NDArray[np.float64]:
    """Return the values of the last digits of words of eight characters, the first one lowest."""
    shift = (64 - 8 * count).astype(np.uint64)
    word ^= np.uint64(0x3030303030303030)  # from characters to digits
    word >>= shift
    word <<= shift  # what lies before the digits is 0
    for bits, mask in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0xFFFFFFFF)):
        higher = word >> np.uint64(bits)
        word *= np.uint64(10 ** (bits // 8))
        word += higher
        word &= np.uint64(mask)
    return word.astype(np.float64)
