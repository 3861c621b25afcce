"""Arrays as mathematics that LaTeX, MathJax and KaTeX can set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ffnn._types import Array
from ffnn.core.expressions import to_latex
from ffnn.core.formulas import Formula
from ffnn.core.text import printable
from ffnn.explanation.number_format import GAP, fill, write_matrix, write_number
from ffnn.explanation.steps import Step

_ROOM = 62  # digits of ten points in the width of an article, with some room to spare
_OWN = re.compile(r"[a-zA-Zα-ω]\u0302?[₀-₉]?|‖g‖")
_DERIVED = re.compile(r"∂(.)/∂(.+)")
_REMEMBERED = re.compile(r"([msv])_(.+)")


def set_symbol(symbol: str, quote: Callable[[str], str]) -> str:
    r"""Return the LaTeX of an array's symbol; a name that is no symbol is set as text.

    `quote` makes text for use within ``\text{}`` of what may be the user's.
    """
    if _OWN.fullmatch(symbol):
        return to_latex(symbol)
    if match := _DERIVED.fullmatch(symbol):
        return rf"\frac{{\partial {match[1]}}}{{\partial {set_symbol(match[2], quote)}}}"
    if symbol.endswith("_new"):
        return set_symbol(symbol.removesuffix("_new"), quote) + r"^{\mathrm{new}}"
    if match := _REMEMBERED.fullmatch(symbol):
        return f"{match[1]}_{{{set_symbol(match[2], quote)}}}"
    return rf"\text{{{quote(printable(symbol))}}}"


def set_formulas(formulas: Sequence[Formula], row_end: str) -> str:
    """Return formulas below each other, aligned at their signs; `row_end` ends a line."""
    lines = [re.sub(r" (=|\\leftarrow) ", r" &\1 ", formula.latex, count=1) for formula in formulas]
    return rf"\begin{{aligned}} {f' {row_end} '.join(lines)} \end{{aligned}}"


def set_arrays(
    step: Step,
    symbols: Iterable[str],
    precision: int,
    row_end: str,
    quote: Callable[[str], str],
) -> list[str]:
    """Return lines of equations such as x = matrix, as many in a line as there is room for.

    `row_end` ends a row of a matrix; `quote` is that of `set_symbol`. Where some of the rows or
    columns are shown, their numbers stand beside and above them.
    """
    pieces = []
    arrays = {symbol: step.arrays[symbol] for symbol in symbols}
    for symbol, array in sorted(arrays.items(), key=lambda item: item[1].ndim > 0):
        name, width = set_symbol(symbol, quote), len(symbol) + 3
        if symbol in step.indices:
            for table, more in _cut_numbered(step, symbol, precision, width, row_end):
                pieces.append((f"{name} = {table}", width + more))
        elif array.ndim:
            for which, part, more in _cut(write_matrix(array, precision), width):
                pieces.append((f"{name}{which} = {_set_rows(part, row_end)}", width + more))
        else:
            text = write_number(array, precision)
            pieces.append((f"{name} = {_set_number(text)}", width + _width(text)))
    lines = fill([width for _, width in pieces], _ROOM, gap=4)
    return [r" \qquad ".join(piece for piece, _ in pieces[line]) for line in lines]


def _cut(texts: Array, left: int) -> Iterator[tuple[str, Array, int]]:
    """Yield which columns they are, as many columns as there is room for, and their width.

    `left` is the width of the name before them.
    """
    brackets, label = 5, 23
    widths = np.array([[_width(text) for text in column] for column in texts.T]).max(axis=1)
    parts = fill(widths, _ROOM - left - brackets)
    if len(parts) > 1:
        parts = fill(widths, _ROOM - left - label)
    for part in parts:
        width = int((widths[part] + GAP).sum()) - GAP
        if len(parts) == 1:
            yield "", texts, brackets + width
        else:
            which = rf" \text{{ (columns {part.start} to {part.stop - 1})}}"
            yield which, texts[:, part], label + width


def _cut_numbered(
    step: Step, symbol: str, precision: int, left: int, row_end: str
) -> Iterator[tuple[str, int]]:
    """Yield tables with the numbers of rows and columns, as wide as there is room, and widths."""
    texts = write_matrix(step.arrays[symbol], precision)
    columns = [str(number) for number in step.numbers_of(symbol, -1)]
    has_rows = step.arrays[symbol].ndim > 1
    rows = [str(number) for number in step.numbers_of(symbol, 0)] if has_rows else []
    label = max(map(len, rows), default=-GAP) + GAP
    widths = [max(map(_width, [c, *texts[:, i]])) for i, c in enumerate(columns)]
    for part in fill(widths, _ROOM - left - label):
        cells = [[_set_number(text) for text in row] for row in texts[:, part]]
        lines = [columns[part], *cells]
        if has_rows:
            lines = [[head, *line] for head, line in zip(["", *rows], lines, strict=True)]
        head, *body = (" & ".join(line) for line in lines)
        form = ("r|" if has_rows else "") + "r" * (part.stop - part.start)
        inner = f" {row_end} ".join([head, rf"\hline {body[0]}", *body[1:]])
        width = label + sum(widths[part]) + GAP * (part.stop - part.start - 1)
        yield rf"\begin{{array}}{{{form}}} {inner} \end{{array}}", width


def _set_rows(rows: Iterable[Sequence[str]], row_end: str) -> str:
    lines = [" & ".join(map(_set_number, row)) for row in rows]
    columns = "r" * (lines[0].count("&") + 1)
    return rf"\left[\begin{{array}}{{{columns}}} {f' {row_end} '.join(lines)} \end{{array}}\right]"


def _set_number(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if e:
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{nan}"}.get(text, text)


def _width(text: str) -> int:
    return len(text) + 3 * ("e" in text)
