"""Arrays as mathematics that LaTeX, MathJax and KaTeX can set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.core.formulas import to_tex
from ffnn.core.text import printable
from ffnn.explanation.number_format import write_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ffnn._types import Array
    from ffnn.core.formulas import Formula

_ROOM = 62  # digits of ten points in the width of an article, with some room to spare
_OWN = re.compile(r"[a-zA-Zβγδεηθλμρσ]|x̂|‖g‖|[βλ][₁₂]")
_DERIVED = re.compile(r"∂(.)/∂(.+)")
_REMEMBERED = re.compile(r"([msv])_(.+)")


class Dialect(NamedTuple):
    r"""How one kind of document wants its mathematics.

    Attributes
    ----------
    row_end : str
        What ends a row of a matrix.
    quote : callable
        Makes text out of a string of the user's, for use within ``\text{}``.
    """

    row_end: str
    quote: Callable[[str], str]


def set_symbol(symbol: str, dialect: Dialect) -> str:
    """Return the LaTeX of an array's symbol; a name that is no symbol is set as text."""
    if _OWN.fullmatch(symbol):
        return to_tex(symbol)
    if match := _DERIVED.fullmatch(symbol):
        return rf"\frac{{\partial {match[1]}}}{{\partial {set_symbol(match[2], dialect)}}}"
    if symbol.endswith("_new"):
        return set_symbol(symbol.removesuffix("_new"), dialect) + r"^{\mathrm{new}}"
    if match := _REMEMBERED.fullmatch(symbol):
        return f"{match[1]}_{{{set_symbol(match[2], dialect)}}}"
    return rf"\text{{{dialect.quote(printable(symbol))}}}"


def set_formulas(formulas: Sequence[Formula], dialect: Dialect) -> str:
    """Return formulas below each other, aligned at their signs."""
    lines = [re.sub(r" (=|\\leftarrow) ", r" &\1 ", formula.latex, count=1) for formula in formulas]
    return rf"\begin{{aligned}} {f' {dialect.row_end} '.join(lines)} \end{{aligned}}"


def set_arrays(arrays: dict[str, Array], precision: int, dialect: Dialect) -> list[str]:
    """Return lines of equations such as x = matrix, as many in a line as there is room for.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Symbol → numbers.
    precision : int
        Significant digits.
    dialect : Dialect
        How to write.
    """
    pieces = []
    for symbol, array in sorted(arrays.items(), key=lambda item: item[1].ndim > 0):
        name, texts = set_symbol(symbol, dialect), write_numbers(array, precision)
        if array.ndim:
            matrix = texts.reshape(1 if array.ndim == 1 else len(array), -1)
            for which, part, width in _cut_columns(matrix, len(symbol)):
                pieces.append((f"{name}{which} = {_set_rows(part, dialect)}", width))
        else:
            text = str(texts[()])
            pieces.append((f"{name} = {_set_number(text)}", len(symbol) + 3 + _width(text)))
    lines: list[list[str]] = []
    used = _ROOM
    for piece, width in pieces:
        if used + 4 + width > _ROOM:
            lines.append([])
            used = -4
        lines[-1].append(piece)
        used += 4 + width
    return [r" \qquad ".join(line) for line in lines]


def _cut_columns(texts: Array, left: int) -> Iterator[tuple[str, Array, int]]:
    """Yield which columns they are, as many columns as there is room for, and their width.

    `left` is the width of the name before them.
    """
    widths = 2 + np.array([[_width(text) for text in column] for column in texts.T]).max(axis=1)
    if left + 6 + widths.sum() <= _ROOM:
        yield "", texts, left + 6 + int(widths.sum())
        return
    label = left + 24
    step = max(1, (_ROOM - label) // int(widths.max()))
    for start in range(0, len(widths), step):
        part = texts[:, start : start + step]
        which = rf" \text{{ (columns {start} to {start + part.shape[1] - 1})}}"
        yield which, part, label + int(widths[start : start + step].sum())


def _set_rows(rows: Iterable[Sequence[str]], dialect: Dialect) -> str:
    lines = [" & ".join(map(_set_number, row)) for row in rows]
    columns = "r" * (lines[0].count("&") + 1)
    body = f" {dialect.row_end} ".join(lines)
    return rf"\left[\begin{{array}}{{{columns}}} {body} \end{{array}}\right]"


def _set_number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if e:
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{nan}"}.get(text, text)


def _width(text: str) -> int:
    return len(text) + 3 * ("e" in text)
