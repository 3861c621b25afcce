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


def _parser(
    expected: str, parse: Parser, is_valid: Callable[[Any], bool] = lambda value: True
) -> Parser:
    """Return `parse` with an error that says what was expected, also of values not valid."""

    def parser(text: str) -> Any:
        with contextlib.suppress(ValueError):
            value = parse(text)
            if is_valid(value):
                return value
        raise ArgumentTypeError(f"expected {expected}, got {text!r}")

    return parser


def integer(low: int) -> Parser:
    """Return a parser of integers of at least `low`."""
    return _parser(f"an integer of at least {low}", int, lambda value: value >= low)


def number_of_threads(text: str) -> int | str:
    """Read an integer of at least 1, or "auto"."""
    if text == "auto":
        return text
    found: int = _parser('an integer of at least 1 or "auto"', int, lambda value: value >= 1)(text)
    return found


def number(low: float, high: float = math.inf, low_open: bool = False) -> Parser:
    """Return a parser of finite numbers of at least `low` (or above it) and under `high`."""
    limits = f"above {low:g}" if low_open else f"of at least {low:g}"
    if low == -math.inf:
        limits = "that is finite"
    elif high != math.inf:
        limits += f" and under {high:g}"

    def is_valid(value: float) -> bool:
        above = low < value if low_open else low <= value
        return above and -math.inf < value < high

    return _parser(f"a number {limits}", float, is_valid)


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",")]


def is_file(data: str) -> bool:
    """Tell whether DATA names a file rather than a data set."""
    return data not in ("digits", "mnist")


def is_table(data: str) -> bool:
    """Tell whether DATA names a file of a table, which may be packed."""
    from ffnn.tables.read import PACKED_SUFFIXES, SUFFIXES, suffix_of  # which loads NumPy

    is_packed = Path(data).suffix.lower() in PACKED_SUFFIXES
    return suffix_of(data) in SUFFIXES or (is_packed and not suffix_of(data))


def is_text_table(data: str) -> bool:
    """Tell whether DATA names a table in lines of text."""
    from ffnn.tables.read import TEXT_SUFFIXES, suffix_of

    return is_table(data) and suffix_of(data) in (*TEXT_SUFFIXES, "")


def data(text: str) -> str:
    """Return DATA, if it names a data set or a file that can be read."""
    if not is_file(text) or Path(text).suffix.lower() in (".npz", ".h5", ".npy") or is_table(text):
        return text
    from ffnn.tables.read import SUFFIXES

    raise ArgumentTypeError(
        f"expected digits, mnist, or a path ending in {', '.join(SUFFIXES)}, each also with .gz or "
        f".zip, or in .npz, .npy or .h5, got {text!r}"
    )


def play_data(text: str) -> str:
    """Return DATA of ``ffnn play``, which may be made-up rows."""
    return text if is_made(text) else data(text)


def is_made(data: str) -> bool:
    """Tell whether DATA names made-up rows."""
    from ffnn.datasets.toys import TOYS  # which loads NumPy

    return data in TOYS


def out_file(text: str) -> str:
    """Return the path of a file to be written."""
    from ffnn.core.checks import check_path  # which loads NumPy

    with contextlib.suppress(ValueError):
        return check_path("", "", text)
    raise ArgumentTypeError(f"expected the path of a file, such as model.h5, got {text!r}")


def page_file(text: str) -> str:
    """Return the path of a page to be written."""
    if text.lower().endswith(".html"):
        return out_file(text)
    raise ArgumentTypeError(f"expected the path of a page, such as report.html, got {text!r}")


def kind(text: str) -> tuple[str, str]:
    """Return the column and the kind of NAME=KIND."""
    from ffnn.core.checks import nearest
    from ffnn.tables.kinds import KINDS

    name, sign, value = text.rpartition("=")
    if not sign:
        raise ArgumentTypeError(f"expected NAME=KIND, such as zip=category, got {text!r}")
    if value not in KINDS:
        raise ArgumentTypeError(
            f"unknown kind {value!r}{nearest(value, KINDS)}; known: {', '.join(KINDS)}"
        )
    return name, value


sizes = _parser(
    "integers of at least 1, such as 128,64, or none",
    lambda text: tuple(int(size) for size in text.split(",") if text != "none"),
    lambda sizes: min(sizes, default=1) >= 1,
)
indices = _parser("layer numbers, such as 0,2", lambda text: [int(i) for i in text.split(",")])
model = _parser("the path of a model file", str, bool)
folder = _parser("the path of a folder", str, bool)
delimiter = _parser(
    "one character, or tab",
    lambda text: "\t" if text in ("tab", "\\t") else text,
    lambda text: len(text) == 1,
)


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as error:
        raise ValueError from error
    return name


encoding = _parser("the name of an encoding, such as utf-8 or latin-1", _codec)
