"""What the values of options mean: each function turns the text of one into a value."""

from __future__ import annotations

import contextlib
import math
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def data(text: str) -> str:
    """Return the name of a data set, or a path with the suffix of a data file."""
    if text in ("digits", "mnist") or Path(text).suffix.lower() in (".csv", ".npz", ".h5"):
        return text
    raise ArgumentTypeError(
        f"expected digits, mnist, or a path ending in .csv, .npz or .h5, got {text!r}"
    )


def sizes(text: str) -> tuple[int, ...]:
    """Return the numbers of units in ``128,64``; ``none`` is no layer."""
    if text == "none":
        return ()
    try:
        return tuple(integer(1)(size) for size in text.split(","))
    except ArgumentTypeError:
        raise ArgumentTypeError(
            f"expected integers of at least 1, such as 128,64, or none, got {text!r}"
        ) from None


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",")]


def indices(text: str) -> list[int]:
    """Return the numbers of layers in ``0,2``."""
    try:
        return [int(index) for index in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected layer numbers, such as 0,2, got {text!r}") from None


def delimiter(text: str) -> str:
    """Return one character; ``tab`` is a tab."""
    character = "\t" if text in ("tab", "\\t") else text
    if len(character) != 1:
        raise ArgumentTypeError(f"expected one character, or tab, got {text!r}")
    return character


def integer(low: int) -> Callable[[str], int]:
    """Return a parser of integers of at least `low`."""

    def parse(text: str) -> int:
        with contextlib.suppress(ValueError):
            if int(text) >= low:
                return int(text)
        raise ArgumentTypeError(f"expected an integer of at least {low}, got {text!r}")

    return parse


def integer_or_all(text: str) -> int | None:
    """Return an integer of at least 1; ``all`` is None."""
    return None if text == "all" else integer(1)(text)


def number(low: float, high: float = math.inf, low_open: bool = False) -> Callable[[str], float]:
    """Return a parser of finite numbers of at least `low` (or above it) and under `high`."""
    limits = f"above {low:g}" if low_open else f"of at least {low:g}"
    if low == -math.inf:
        limits = "that is finite"
    elif high != math.inf:
        limits += f" and under {high:g}"

    def parse(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = float(text)
            if (low < value if low_open else low <= value) and -math.inf < value < high:
                return value
        raise ArgumentTypeError(f"expected a number {limits}, got {text!r}")

    return parse
