"""Dates and times of day, as people and programs write them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y"]
_DAYS += ["%m-%d-%Y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%b %d, %Y"]
_DAYS += ["%d %B %Y", "%B %d, %Y", "%a, %d %b %Y", "%A, %B %d, %Y", "%d-%b-%y", "%Y%m%d"]
_TIMES = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%H.%M.%S"]
_ZONES = ["", " %z"]
_MONTHS = ["%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%YM%m"]
_FORMATS = [*_DAYS, *_MONTHS, *_TIMES, "%d.%m.%y", "%a %b %d %H:%M:%S %z %Y"]
_FORMATS += map("".join, itertools.product(_DAYS, (" ", ", "), _TIMES, _ZONES))
_FORMATS += [f"{day}:%H:%M:%S %z" for day in _DAYS]  # as web servers have it

_PADDED = {*_TIMES, "%d.%m.%y"}  # 3:2 is a score and 1.2.3 a version, other than 3:02 and 01.02.03
_IS_PADDED = re.compile(r"\d{1,2}([:.])\d\d(\1\d\d)?(\.\d+)?( [AP]M)?", re.IGNORECASE)
_ZONE = re.compile(r"(?:GMT|UTC)(?:([-+])(\d\d?):?(\d\d)?)?$")
_QUARTER = re.compile(
    r"(?P<year>\d{4})[- :/]?[Qq](?P<q>[1-4])|[Qq](?P<q2>[1-4])[- /](?P<year2>\d{4})"
)
_WORD, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def _shape(text: str) -> str:
    """Return a text with one letter for each word and one digit for each number."""
    return _DIGITS.sub("0", _WORD.sub("a", re.sub(r"[-+](?=\d{4}$)", "+", text)))


_BY_SHAPE: dict[str, list[str]] = {}
for _format in _FORMATS:
    _example = datetime(2011, 11, 11, 11, 11).strftime(_format.replace("%z", "+0000"))
    _BY_SHAPE.setdefault(_shape(_example), []).append(_format)


class Dates(NamedTuple):
    """Entries as moments."""

    moments: NDArray[np.datetime64]  # to the second
    date_format: str  # one of `strptime`; "" is ISO 8601
    is_ambiguous: bool  # whether month and day may be the other way round


def is_date_format(text: str) -> bool:
    """Tell whether `parse_dates` finds a format."""
    return not text or text in _FORMATS


def parse_dates(texts: Sequence[str], known: str | None = None) -> Dates | None:
    """Return entries as moments, to the second; None if they are not all written in one format.

    ISO 8601 is one; then comes the one that is `known`, if any; of the others, a month comes before
    a day only if that can be read. Times of a day are of the first of January 1900; quarters such
    as 2020-Q1 are their first day.
    """
    if not texts:
        return None
    for form in _candidates(texts[0], known):
        moments = _read(texts, form)
        if moments is not None:
            swapped = form.replace("%m/%d", "%d/%m").replace("%d-%m", "%m-%d")
            is_ambiguous = known is None and swapped != form and _read(texts, swapped) is not None
            return Dates(moments, form, is_ambiguous)
    return None


def _candidates(text: str, known: str | None) -> Iterator[str]:
    """Yield the formats that the first entry may be written in."""
    yield ""
    found = _BY_SHAPE.get(_shape(_plain(text)), [])
    yield from sorted(found, key=lambda form: form != known)


def _read(texts: Sequence[str], form: str) -> NDArray[np.datetime64] | None:
    if form in _PADDED and not all(map(_IS_PADDED.fullmatch, texts)):
        return None
    read = _reader(form) if form else _iso
    try:
        return np.array([_in_utc(read(text)) for text in texts], "datetime64[s]")
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> datetime:
    if len(text) < 10:
        raise ValueError(text)
    return datetime.fromisoformat(text.replace("Z", "+00:00") if text.endswith("Z") else text)


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(_plain(text), form)


def _plain(text: str) -> str:
    """Return a text for `strptime`: with ``+0200`` for a ``GMT+2``, and a month for a quarter."""
    if quarter := _QUARTER.fullmatch(text):
        year, number = quarter[1] or quarter[4], quarter[2] or quarter[3]
        return f"{year}M{3 * int(number) - 2:02d}"
    found = _ZONE.search(text)
    if found is None:
        return text
    sign, hours, minutes = found.groups()
    return f"{text[: found.start()]}{sign or '+'}{int(hours or 0):02d}{minutes or '00'}"


def _in_utc(moment: datetime) -> datetime:
    return (moment - (moment.utcoffset() or moment - moment)).replace(tzinfo=None)
