"""What a column is: a number, a boolean, a category, a date, text, or nothing to learn from.

The rules, in this order; the first that fits decides. `kinds` overrides them for a column.

| a column whose entries                                                  | is                  |
|-------------------------------------------------------------------------|---------------------|
| are all missing                                                         | ignored: empty      |
| are all the same                                                        | ignored: constant   |
| number the rows, in a column without a name                             | ignored: index      |
| are different texts, in a first column without a name                   | ignored: index      |
| are different whole numbers or texts, in a column named like an id      | ignored: identifier |
| are different and numbered, as in "visitor 1", in 20 rows or more       | ignored: identifier |
| are numbers, also with currency, one unit or thousands separators       | a number            |
| are two words such as yes and no                                        | a boolean           |
| are dates or times of day, all in one format                            | a date              |
| are texts that are long, or of which most are different                 | text, left out      |
| are other texts, or numbers with leading zeros                          | a category          |
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ffnn.core.text import listed, shorten
from ffnn.tables.column import Column
from ffnn.tables.dates import parse_dates
from ffnn.tables.entries import NO_NUMBER, parse_booleans, parse_numbers
from ffnn.tables.raw import RawColumn

_ID_NAME = re.compile(
    r"(?i:(.*[^a-z])?(ids?|uid|uuid|guid|key|nr|no|name)\.?|#|№|(row.?)?index|row|rownames?)|"
    r"(?i:(user|customer|client|patient|passenger|person|member|student|employee|account|order|"
    r"invoice|product|item|record|session|device|sample|subject|case|respondent)id)|.*[a-z]I[dD]"
)
_UNNAMED = re.compile(r"(Unnamed: \d+)?")  # as pandas calls its index in a file
_NUMBERED = re.compile(r"\D*\d+\D*")
_FEW_ROWS = 20  # in which all entries may be different by chance
_SAMPLE, _FEW = 1000, 0.1  # texts, and the share of those that are exceptions
_FEW_NUMBERS = 3  # with which a text may well be a category, such as 36, 38 and L
_MOST_STRAYS = 3  # different texts among numbers for which the option that helps is written out
_CODE = re.compile(r"0\d+")
_LONG = 60  # characters of a text that nobody would use as the name of a category


def find_kind(raw: RawColumn, position: int = 1, asked: str | None = None) -> Column:
    """Return a column by the rules, or as the kind that is asked for.

    Raises ValueError, which begins with what is wrong, if it cannot be that.
    """
    if asked is not None:
        return _AS[asked](raw)
    parsed = _as_number(raw)
    return (
        _nothing(raw)
        or _identifier(raw, parsed, position)
        or parsed
        or _as_boolean(raw)
        or _as_date(raw)
        or _as_words(raw)
    )


# -- what nothing can be learned from ----------------------------------------------------------


def _nothing(raw: RawColumn) -> Column | None:
    if raw.num_missing == len(raw):
        return _ignored(raw, "empty")
    # Where some rows lack the only entry, that it is there or not may tell something.
    return _ignored(raw, "constant") if raw.is_constant and not raw.num_missing else None


def _identifier(raw: RawColumn, parsed: Column | None, position: int) -> Column | None:
    """Return a column that tells the rows apart and nothing else; None if it is none."""
    rows = len(raw)
    is_named = _ID_NAME.fullmatch(raw.name.strip()) is not None
    values = None if parsed is None else parsed.values
    is_whole = values is not None and bool((values == np.floor(values)).all())
    if raw.num_missing or (values is not None and not is_whole) or raw.num_distinct < rows:
        return None
    if values is not None:
        counts = bool((np.diff(values) == 1.0).all()) and values[0] in (0.0, 1.0)
        if counts and _UNNAMED.fullmatch(raw.name):
            return _ignored(raw, "index")
        return _ignored(raw, "identifier") if is_named else None
    if position == 0 and not raw.name:
        return _ignored(raw, "index")
    if rows < _FEW_ROWS:
        return None
    is_numbered = all(map(_NUMBERED.fullmatch, raw.texts)) and parse_dates(raw.texts) is None
    return _ignored(raw, "identifier") if is_named or is_numbered else None


def _ignored(raw: RawColumn, reason: str) -> Column:
    return Column(raw, "ignore", reason=reason)


# -- what can be learned from ------------------------------------------------------------------


def _as_number(raw: RawColumn) -> Column | None:
    if raw.numbers is not None:
        return Column(raw, "number", raw.numbers, note=_sentinels(raw.numbers))
    found = parse_numbers(raw.texts, raw.decimal)
    if found is None:
        return None
    values = np.append(found.values, np.nan)[raw.codes]
    notes = [f"in {found.unit}"] if found.unit else []
    notes += [each for each in (_sentinels(values),) if each]
    return Column(raw, "number", values, note="; ".join(notes), has_comma=found.decimal == ",")


def _as_boolean(raw: RawColumn) -> Column | None:
    if raw.numbers is not None:
        is_one = bool(np.isin(raw.numbers[~np.isnan(raw.numbers)], (0.0, 1.0)).all())
        return Column(raw, "boolean", raw.numbers) if is_one else None
    meanings = parse_booleans(raw.texts)
    if meanings is None:
        return None
    values = np.array([*(float(meanings[text]) for text in raw.texts), np.nan])[raw.codes]
    return Column(raw, "boolean", values)


def _as_date(raw: RawColumn) -> Column | None:
    texts = raw.as_texts()
    found = parse_dates(texts.texts, raw.date_format)
    if found is None:
        return None
    moments = np.append(found.moments, np.datetime64("NaT", "s"))[texts.codes]
    note = ""
    if found.is_ambiguous:
        month_first = found.date_format.index("%m") < found.date_format.index("%d")
        order = "month before day" if month_first else "day before month"
        note = f"dates such as {texts.texts[0]} are read with the {order}, which may be wrong"
    return Column(replace(raw, date_format=found.date_format), "date", moments, note=note)


def _as_words(raw: RawColumn) -> Column:
    """Return texts as categories, unless they are too long or too different for that."""
    distinct, rows = raw.num_distinct, len(raw) - raw.num_missing
    lengths = np.array([len(text) for text in raw.texts])
    is_text = lengths.mean() > _LONG or (distinct > _FEW_ROWS and distinct > rows / 2)
    return Column(raw, "text" if is_text else "category", note=_almost_numbers(raw))


def _almost_numbers(raw: RawColumn) -> str:
    """Return what is to be said of texts of which all but a few are numbers."""
    sample = raw.texts[:_SAMPLE]
    wrong = [text for text in sample if parse_numbers([text], raw.decimal) is None]
    if not wrong or len(wrong) > max(_FEW * len(sample), 1) or _CODE.fullmatch(wrong[0]):
        return ""
    return _misfits(raw, _as_number, "numbers") if len(sample) > _FEW_NUMBERS else ""


_SENTINELS = (-9999.0, -999.0, -200.0, -99.0, -9.0, 99.0, 999.0, 9999.0, 99999.0)


def _sentinels(values: NDArray[np.float64]) -> str:
    """Return what is to be said of numbers that may stand for missing ones: far from all others."""
    known = values[~np.isnan(values)]
    for sign in {known.min(initial=np.inf), known.max(initial=-np.inf)} & set(_SENTINELS):
        others = known[known != sign]
        if len(others) < 2:
            continue
        low, high = others.min(), others.max()
        if not low - (high - low) <= sign <= high + (high - low):
            count = len(known) - len(others)
            rows = f"{sign:g} in {count:,} of {len(known):,} rows"
            return f"{rows} may stand for a missing value: {_as_missing([f'{sign:g}'])}"
    return ""


# -- what is asked for -------------------------------------------------------------------------


def _asked(
    kind: str,
    find: Callable[[RawColumn], Column | None],
    what: str,
    missing: float | np.datetime64 = np.nan,
    blank: frozenset[str] = frozenset(),
) -> Callable[[RawColumn], Column]:
    """Return a function that reads a column as `kind`, also where all entries are missing."""

    def read(raw: RawColumn) -> Column:
        column = find(raw)
        if (
            column is None
            and raw.numbers is None
            and blank.issuperset(map(str.casefold, raw.texts))
        ):
            column = Column(raw, kind, np.full(len(raw), missing))
        if column is None:
            raise ValueError(_misfits(raw, find, what))
        return column

    return read


def _misfits(raw: RawColumn, find: Callable[[RawColumn], Column | None], what: str) -> str:
    """Return which entries are not what was asked for, or some if only together they are not."""
    texts = raw.as_texts()
    assert texts.codes is not None
    alone = (
        RawColumn(raw.name, codes=np.zeros(1, np.int32), texts=[text], decimal=raw.decimal)
        for text in texts.texts
    )
    is_wrong = [find(each) is None for each in alone]
    other = _OTHER.get(raw.decimal or "")
    if find is _as_number and other and parse_numbers(texts.texts, other) is not None:
        return (
            f"its values are not numbers where {_MARKS[raw.decimal or '']} marks decimals: "
            f"{_examples(texts.texts)}; --decimal {other} (decimal in Python) reads them"
        )
    if all(is_wrong) or not any(is_wrong):
        form = "" if all(is_wrong) else " of one form"
        return f"its values are not {what}{form}: {_examples(texts.texts)}"
    rows = np.flatnonzero(np.array([*is_wrong, False])[texts.codes])
    wrong = list(itertools.compress(texts.texts, is_wrong))
    first = texts.texts[texts.codes[rows[0]]]
    return (
        f"{len(rows):,} of {len(raw) - raw.num_missing:,} values are not {what}, the first "
        f"{shorten(first, 40)!r} in {raw.place(int(rows[0]))}; "
        f"{_as_missing(wrong if len(wrong) <= _MOST_STRAYS else [first])}"
    )


_MARKS = {".": "a point", ",": "a comma"}
_OTHER = {".": ",", ",": "."}


def _examples(texts: Sequence[str]) -> str:
    return listed((repr(shorten(each, 40)) for each in texts), 3)


def _as_missing(texts: Sequence[str]) -> str:
    """Return the option that takes entries as missing ones."""
    options = " ".join(f"--missing-value {shorten(text, 40)!r}" for text in texts)
    return f"{options} (missing_values in Python) takes such as missing"


_AS: dict[str, Callable[[RawColumn], Column]] = {
    "number": _asked("number", _as_number, "numbers", blank=NO_NUMBER),
    "boolean": _asked("boolean", _as_boolean, "a pair such as no and yes, or 0 and 1"),
    "date": _asked("date", _as_date, "dates", np.datetime64("NaT", "s")),
    "category": lambda raw: Column(raw, "category"),
    "text": lambda raw: Column(raw, "text"),
    "ignore": lambda raw: _ignored(raw, "asked for"),
}

KINDS = tuple(_AS)
