"""What single entries of a table mean: numbers with signs and units, booleans."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ffnn.tables.raw import EXACT, LONG_WHOLE, has_codes

_GROUP = "['\u2019\u00a0\u202f\u2009 ]"  # between thousands, as "." and "," may be
_CODES = "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|RUB|SEK|SGD"
_CURRENCY = (
    rf"(?:US|CA|AU|NZ|HK|R|A|C|S)?\$|[€£¥₹₩₽₺₪]|"
    rf"(?:Rs|kr|Fr|{_CODES}|TRY|USD|ZAR)(?![A-Za-z])\.?"
)
_NUMBER = re.compile(
    rf"""(?![-+\u2212].*[-\u2212]$)(?P<minus>\()?          # (12) and 12- are -12 in bookkeeping
    (?P<sign>[-+\u2212]?)\s*(?P<currency>{_CURRENCY})?\s*(?P<sign2>[-+\u2212]?)
    (?P<digits>(?:\d(?:[\d.,]|{_GROUP})*|[.,]\d+)(?:[eE][-+]?\d+)?)
    (?:(?P<behind>[-\u2212])|
    (?P<unit>\s*[^\d\s.,;:/()+-](?:[^\d,;:/()]|(?<=[^\W\d_])[23](?!\d)|/(?=[^\W\d_]))*)?\)?)""",
    re.VERBOSE,
)
_LEADING_ZERO = re.compile(r"[-+]?0\d")
# Which of "." and "," mark decimals: what an entry has to look like for one of them, or for both.
_POINT = re.compile(
    rf"\d+(\.\d*)?|\.\d+|[1-9]\d{{0,2}}(,\d{{3}})+(\.\d*)?|[1-9]\d?(,\d\d)+,\d{{3}}(\.\d*)?|"
    rf"\d{{1,3}}({_GROUP}\d{{3}})+(\.\d*)?"
)
_COMMA = re.compile(
    rf"\d+(,\d*)?|,\d+|[1-9]\d{{0,2}}(\.\d{{3}})+(,\d*)?|\d{{1,3}}({_GROUP}\d{{3}})+(,\d*)?"
)
_EXPONENT = re.compile(r"[eE][-+]?\d+$")

# Also missing where the other entries of a column are numbers.
NO_NUMBER = frozenset({"-", "--", ".", "..", "none", "nil", "missing", "unknown", "n.a.", "*"})


class Numbers(NamedTuple):
    """Entries as numbers."""

    values: NDArray[np.float64]  # NaN for what stands for no number, such as "-"
    unit: str  # that they share, such as "%" or "$"
    decimal: str


def parse_numbers(texts: Sequence[str], decimal: str | None = None) -> Numbers | None:
    """Return entries as numbers; None if one of them is none, or too large for one.

    Signs of currencies before them, one unit behind them and thousands separators are left out.
    A comma marks decimals where it is asked for, or where the entries cannot be read otherwise.
    """
    found = [None if text.casefold() in NO_NUMBER else _NUMBER.fullmatch(text) for text in texts]
    matches = [match for match in found if match is not None]
    if len(matches) < sum(text.casefold() not in NO_NUMBER for text in texts) or not matches:
        return None
    units = {(match["unit"] or "").strip() for match in matches}
    digits = [match["digits"].strip() for match in matches]
    currencies = {match["currency"] for match in matches if match["currency"]}
    if max(len(units), len(currencies)) > 1 or any(map(_LEADING_ZERO.match, digits)):
        return None
    mantissas = [_EXPONENT.sub("", text) for text in digits]
    marks = [decimal] if decimal else [".", ","]
    forms = {".": _POINT, ",": _COMMA}
    mark = next((m for m in marks if all(map(forms[m].fullmatch, mantissas))), None)
    if mark is None:
        return None
    values = np.full(len(texts), np.nan)
    places = [i for i, match in enumerate(found) if match is not None]
    values[places] = [_value(match, mark) for match in matches]
    if np.isinf(values).any():
        return None
    is_long = np.abs(values) >= EXACT
    if is_long.any() and any(map(LONG_WHOLE.search, itertools.compress(texts, is_long))):
        return None  # float64 does not tell them apart
    return Numbers(values, "".join(currencies or units), mark)


def are_numbers(texts: Sequence[str]) -> bool:
    """Tell whether `parse_numbers` takes entries; the usual ones are told without it, and fast."""
    try:
        values = np.array([*map(float, texts)])
    except ValueError:
        values = np.array([np.nan])
    text = ",".join(texts)
    if texts and (np.abs(values) < EXACT).all() and "_" not in text and not has_codes(text, ","):
        return True
    return parse_numbers(texts) is not None


def _value(match: re.Match[str], decimal: str) -> float:
    digits = re.sub(_GROUP, "", match["digits"])
    digits = digits.replace(",", "") if decimal == "." else digits.replace(".", "")
    value = float(digits.replace(",", "."))
    signs = match["sign"] + match["sign2"] + ("-" if match["minus"] or match["behind"] else "")
    return -value if signs.strip("+") else value


_PAIRS = [("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on")]
WORDS = {word: float(value) for pair in [*_PAIRS, ("0", "1")] for value, word in enumerate(pair)}


def parse_booleans(texts: Iterable[str]) -> dict[str, bool] | None:
    """Return the meaning of each entry, if they are the two words of one pair, such as no, yes."""
    words = {text: text.casefold() for text in texts}
    if not any(set(words.values()) == set(pair) for pair in _PAIRS):
        return None
    return {text: WORDS[word] == 1.0 for text, word in words.items()}
