"""The encoding of text that is not UTF-8, by what its bytes would say in each of some encodings."""

from __future__ import annotations

import codecs
import contextlib
import unicodedata
from collections.abc import Callable

# In the order in which they are taken where they fit equally well.
LABELS = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "mac_roman": "Mac Roman",
    "cp850": "code page 850",
    "koi8_r": "KOI8-R",
    "cp932": "Shift JIS",
    "cp949": "EUC-KR",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "latin-1": "Latin-1",
}
_USUAL = frozenset("°€£¥§©®µ²³¹·«»“”„‘’‚–—…½¼¾¡¿×±ºª\u00a0")  # symbols in data of any country
_HANDICAP = 0.1  # of others than the most frequent one


def detect(sample: bytes) -> list[str]:
    """Return the encodings in which a sample of a file can be read, the best first.

    Each character that is odd in an encoding counts against it: a symbol that is seldom seen, or in
    the middle of a word; a capital after a small letter; a letter of another script than the one
    beside it; a Chinese, Japanese or Korean character that is rare. Two Latin letters with accents
    in a row count half.
    """
    found = dict[str, float]()
    for encoding in LABELS:
        with contextlib.suppress(UnicodeDecodeError):  # the last character may be cut off
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
            found[encoding] = _oddness(text, encoding)
    return sorted(found, key=lambda each: found[each] + _HANDICAP * (each != "cp1252"))


def _oddness(text: str, encoding: str) -> float:
    """Return the share of characters beyond ASCII that are odd."""
    is_common = _COMMON.get(encoding)
    odds = [
        _oddness_of(before, here, after) if is_common is None else float(not is_common(here))
        for before, here, after in zip("\n" + text, text, text[1:] + "\n", strict=False)
        if here > "\x7f"
    ]
    return sum(odds) / max(len(odds), 1)


def _oddness_of(before: str, here: str, after: str) -> float:
    if here in _USUAL:
        return float(here != "’" and before.isalpha() and after.isalpha())
    if not here.isalpha() or (here.isupper() and before.islower()):
        return 1.0
    script = _script(here)
    if any(each.isalpha() and each != "µ" and _script(each) != script for each in (before, after)):
        return 1.0
    return 0.5 * (script == "LATIN" and before > "\x7f" and before.isalpha())


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _leads(encoding: str, first: int, last: int) -> Callable[[str], bool]:
    """Return what tells whether a character is of the frequent ones, by its first byte."""

    def is_common(here: str) -> bool:
        if _script(here) in ("HIRAGANA", "KATAKANA") or unicodedata.category(here)[0] in "PSNZ":
            return True
        try:
            code = here.encode(encoding)
        except UnicodeEncodeError:
            return False
        return len(code) == 2 and first <= code[0] <= last

    return is_common


_COMMON = {
    "cp932": _leads("cp932", 0x88, 0x97),
    "cp949": _leads("euc_kr", 0xB0, 0xC8),
    "gb18030": _leads("gb2312", 0xB0, 0xD7),
    "big5": _leads("big5", 0xA4, 0xC6),
}
