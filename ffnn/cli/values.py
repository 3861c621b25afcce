"""What the values of options mean: parsers that turn the text of one into a value."""

from __future__ import annotations

import contextlib
import math
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Parser = Callable[[str], Any]


def _parser(expected: str, parse: Parser) -> Parser:
    """Return `parse` with another message for its ValueErrors, which says what was expected."""

    def parser(text: str) -> Any:
        with contextlib.suppress(ValueError):
            return parse(text)
        raise ArgumentTypeError(f"expected {expected}, got {text!r}")

    return parser


def _check(value: Any, is_valid: bool) -> Any:
    if not is_valid:
        raise ValueError
    return value


def integer(low: int) -> Parser:
    """Return a parser of integers of at least `low`."""
    return _parser(
        f"an integer of at least {low}", lambda text: _check(int(text), int(text) >= low)
    )


def number(low: float, high: float = math.inf, low_open: bool = False) -> Parser:
    """Return a parser of finite numbers of at least `low` (or above it) and under `high`."""
    limits = f"above {low:g}" if low_open else f"of at least {low:g}"
    if low == -math.inf:
        limits = "that is finite"
    elif high != math.inf:
        limits += f" and under {high:g}"

    def parse(text: str) -> float:
        value = float(text)
        above = low < value if low_open else low <= value
        return float(_check(value, above and -math.inf < value < high))

    return _parser(f"a number {limits}", parse)


def _positive_integers(text: str) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in text.split(",") if text != "none")
    return tuple(_check(sizes, min(sizes, default=1) >= 1))


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",")]


data = _parser(
    "digits, mnist, or a path ending in .csv, .npz or .h5",
    lambda text: _check(
        text, text in ("digits", "mnist") or Path(text).suffix.lower() in (".csv", ".npz", ".h5")
    ),
)
sizes = _parser("integers of at least 1, such as 128,64, or none", _positive_integers)
indices = _parser("layer numbers, such as 0,2", lambda text: [int(i) for i in text.split(",")])
delimiter = _parser(
    "one character, or tab",
    lambda text: "\t" if text in ("tab", "\\t") else _check(text, len(text) == 1),
)
