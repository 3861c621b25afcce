"""An explanation as plain text, for terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ffnn.core.text import printable
from ffnn.explanation.labels import Head, heading_of, pad, sections_of, signs_of, width_of
from ffnn.explanation.number_format import GAP, fill, write_matrix, write_number
from ffnn.explanation.steps import Step

WIDTH = 80
_INDENT = "    "
_BETWEEN = "     "  # arrays side by side
_LONGEST_SYMBOL = 24
_OF_ROWS = ("x", "y", "z", "p", "w", "m", "r", "s", "t", "v", "δ", "μ", "σ", "x̂")


def write_text(head: Head, steps: Sequence[Step], precision: int) -> str:
    """Return an explanation as text of at most 80 columns."""
    title = f"{head.title}, loss {write_number(head.loss, precision)}"
    lines = [*_wrap(title.split(), "", _INDENT), ""]
    lines += ["Numbers begin at 0. W has a row for each unit and a column for each input."]
    for what, names in head.numbered():
        lines += _wrap(f"{what}: {', '.join(names)}".split(), "", _INDENT)
    lines += [f"{pad(sign, 10)}  {meaning}" for sign, meaning in signs_of(steps).items()]
    for heading, members in sections_of(steps):
        lines += ["", f"── {heading} ".ljust(WIDTH, "─")]
        for step in members:
            lines += _write_step(step, precision)
    return "\n".join(lines) + "\n"


def _write_step(step: Step, precision: int) -> list[str]:
    name, kind = heading_of(step)
    lines = ["", f"{name}: {kind}"[:WIDTH]]
    for formula in step.formulas:
        lines += _wrap(formula.text.split(), _INDENT, _INDENT)
    for symbols in (step.given, step.results):
        written = _write_arrays(step, symbols, precision)
        lines += [*([""] if written else []), *written]
    if step.note:
        lines += ["", *_wrap(step.note.split(), _INDENT)]
    return lines


def _write_arrays(step: Step, symbols: Iterable[str], precision: int) -> list[str]:
    """Return single numbers in a line, then the arrays side by side."""
    arrays = {symbol: step.arrays[symbol] for symbol in symbols}
    numbers = [
        f"{_written(symbol)} = {write_number(array, precision)}"
        for symbol, array in arrays.items()
        if not array.ndim
    ]
    lines = _wrap(numbers, _INDENT, between="   ")
    matrices = [symbol for symbol, array in arrays.items() if array.ndim]
    blocks = [block for symbol in matrices for block in _write_array(step, symbol, precision)]
    widths = [width_of(block[0]) for block in blocks]
    for band in fill(widths, WIDTH - len(_INDENT), len(_BETWEEN)):
        lines += [*([""] if lines else []), *_side_by_side(blocks[band])]
    return lines


def _written(symbol: str) -> str:
    return printable(symbol, _LONGEST_SYMBOL)


def _write_array(step: Step, symbol: str, precision: int) -> list[list[str]]:
    """Return an array as blocks of lines of the same width, each as many columns as fit."""
    array, name = step.arrays[symbol], _written(symbol)
    texts = write_matrix(array, precision)
    word = _row_word(name)
    labels = [f"{word} {i}".strip() for i in step.numbers_of(symbol, 0)]
    if array.ndim == 1 or (len(array) == 1 and word != "unit"):
        labels = [""]
    left = max(map(width_of, [name, *labels]))
    numbers = step.numbers_of(symbol, -1) if array.ndim < 3 else range(texts.shape[1])
    columns = [[str(i), *column] for i, column in zip(numbers, texts.T, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    blocks = []
    for part in fill(widths, WIDTH - len(_INDENT) - left - GAP):
        lines = [pad(label, left) for label in (name, *labels)]
        for column, width in zip(columns[part], widths[part], strict=True):
            cells = [text.rjust(width + GAP) for text in column]
            lines = [line + cell for line, cell in zip(lines, cells, strict=True)]
        blocks.append(lines)
    return blocks


def _row_word(symbol: str) -> str:
    """Return what the rows of a matrix are, if it is known."""
    base = re.sub(r"^∂./∂|^[msv]_|_new$", "", symbol)
    if base == "W":
        return "unit"
    return "row" if base in _OF_ROWS else ""


def _side_by_side(blocks: Sequence[list[str]]) -> list[str]:
    height = max(map(len, blocks))
    filled = [block + [" " * width_of(block[0])] * (height - len(block)) for block in blocks]
    return [(_INDENT + _BETWEEN.join(lines)).rstrip() for lines in zip(*filled, strict=True)]


def _wrap(words: Sequence[str], indent: str, hanging: str = "", between: str = " ") -> list[str]:
    """Return lines of at most 80 columns; textwrap would count a hat as a column."""
    parts = fill([width_of(word) for word in words], WIDTH - len(indent + hanging), len(between))
    lines = [between.join(words[part]) for part in parts]
    return [indent + hanging * (index > 0) + line for index, line in enumerate(lines)]
