"""Words for messages, tables and pictures: counted nouns, lists, and texts cut to fit."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Return such as ``"1 row"``, ``"1,797 rows"``, ``"2 classes"`` or ``"3 entries"``."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x", "tch")):
        return f"{number:,} {noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}s"


def byte_count(number: int) -> str:
    """Return such as ``"512 bytes"``, ``"1.5 MiB"`` or ``"12 PiB"``."""
    if number < 1024:
        return counted(number, "byte")
    exponent = min((number.bit_length() - 1) // 10, 8)
    amount = f"{number / 1024**exponent:,.2f}".rstrip("0").rstrip(".")
    return f"{amount} {'KMGTPEZY'[exponent - 1]}iB"


def listed(items: Iterable[object], most: int = 8) -> str:
    """Return the first items and the number of the others: ``"0, 3, 5 and 12 more"``."""
    texts = list(map(str, items))
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most:,} more"


def shown(value: object, longest: int = 200) -> str:
    """Return what a message shows of a value that came: its `repr`, which may be cut off."""
    try:
        text = repr(value)
    except Exception:  # an integer of more digits than Python writes, or a fault of the user's
        text = f"an object of {type(value).__name__} that cannot be shown"
    return shorten(text, longest)


def shorten(text: str, longest: int) -> str:
    """Return a text, cut off with an ellipsis where it has more than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(name: str, longest: int = 40, replacement: str = " ") -> str:
    """Return a name on one line and shortened, with a replacement for what cannot be printed."""
    line = " ".join(name.split())
    shown = "".join(c if c.isprintable() else replacement for c in line)
    return shorten(" ".join(shown.split()), longest)
