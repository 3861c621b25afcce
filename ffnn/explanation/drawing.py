"""An explanation as a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.formulas import Formula
from ffnn.core.text import printable
from ffnn.explanation.labels import Head, heading_of, pad, width_of
from ffnn.explanation.number_format import GAP, fill, write_matrix, write_number
from ffnn.explanation.steps import Step
from ffnn.visualization.computation_figure import Arrow, Box, plot_computation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 8  # rows or columns of an array
_ROOM = 40  # letters beside the chain
_WIDEST = 42  # letters of a formula in a box


def draw(head: Head, steps: Sequence[Step], precision: int) -> Figure:
    """Return a figure of the chain of layers with the data and the gradients at each."""
    chain = [s for s in steps if s.place is not None and s.direction in ("forward", "loss")]
    back = [[s for s in steps if s.direction == "backward" and s.place == c.place] for c in chain]
    boxes = [_box(step, back[place], precision) for place, step in enumerate(chain)]
    arrows = [_arrow(chain, back, place, precision) for place in range(len(chain))]
    return plot_computation(head.title, boxes, [*arrows, _end(head, steps, chain, back, precision)])


def _end(
    head: Head,
    steps: Sequence[Step],
    chain: Sequence[Step],
    back: Sequence[Sequence[Step]],
    precision: int,
) -> Arrow:
    """Return what flows out of the last box: the loss, or of a part what other layers take."""
    last = chain[-1]
    if last.direction == "loss":
        end = [f"L = {write_number(last.arrays['L'], precision)}"]
        if any("J" in step.results for step in steps):
            end.append(f"J = {write_number(head.loss, precision)}")
        return Arrow("\n".join(end))
    output = list(last.arrays)[-1]
    data = _below(output, last, output, precision)
    if not back[-1] or back[-1][0].layer == "loss":
        return Arrow(data)
    slope = _source(back[-1][0])
    return Arrow(data, _below(slope, back[-1][0], slope, precision))


def _source(step: Step) -> str:
    return next(iter(step.arrays))


def _box(step: Step, back: Sequence[Step], precision: int) -> Box:
    """Return the box of a forward step: all its arrays but what flows in and out."""
    inner = list(step.arrays)[1:-1]
    outgoing = f"∂L/∂{_source(step)}"
    gradients = [
        (each, symbol)
        for each in back
        for symbol in each.results
        if symbol != outgoing and not symbol.startswith("∂R")
    ]
    return Box(
        *heading_of(step),
        _lines(step.formulas),
        _lines(formula for each in back for formula in each.formulas),
        _beside([(step, symbol) for symbol in inner], precision),
        _beside(gradients, precision),
    )


def _arrow(
    chain: Sequence[Step], back: Sequence[Sequence[Step]], place: int, precision: int
) -> Arrow:
    """Return what flows into a box, called as it is above and below."""
    step = chain[place]
    source = _source(step)
    above = list(chain[place - 1].arrays)[-1] if place else source
    data, slope = _below(_both(above, source), step, source, precision), f"∂L/∂{source}"
    flowing = [each for each in back[place] if slope in each.results]
    if not flowing:
        return Arrow(data)
    taken = _source(back[place - 1][0]) if place and back[place - 1] else slope
    return Arrow(data, _below(_both(taken, slope), flowing[0], slope, precision))


def _both(above: str, below: str) -> str:
    return above if above == below else f"{above} = {below}"


def _lines(formulas: Iterable[Formula]) -> str:
    """Return formulas below each other, none too wide for a box."""
    texts = [formula.text.replace(" with ", "\nwith ") for formula in formulas]
    wrap = textwrap.TextWrapper(_WIDEST, break_on_hyphens=False, break_long_words=False)
    return "\n".join(wrap.fill(line) for text in texts for line in text.split("\n"))


def _beside(arrays: Iterable[tuple[Step, str]], precision: int) -> str:
    """Return arrays of steps below each other, with their symbols to the left."""
    parts = [
        (name or printable(symbol, 16), rows)
        for step, symbol in arrays
        for name, rows in _parts(step, symbol, precision)
    ]
    left = max((width_of(name) for name, _ in parts), default=0)
    lines = [
        f"{pad('' if index else name, left)}  {row}"
        for name, rows in parts
        for index, row in enumerate(rows)
    ]
    return "\n".join(lines)


def _below(name: str, step: Step, symbol: str, precision: int) -> str:
    """Return an array of a step below its name."""
    parts = _parts(step, symbol, precision)
    return "\n".join(line for which, rows in parts for line in (which or printable(name), *rows))


def _parts(step: Step, symbol: str, precision: int) -> list[tuple[str, list[str]]]:
    """Return an array's rows as lines of text, in parts of as many columns as there is room for.

    Before each part but the first stands the slice that it is. What is too much is left out. Where
    some of the columns are shown, their numbers stand above.
    """
    array = step.arrays[symbol]
    texts = write_matrix(array, precision)
    is_numbered = symbol in step.indices
    if is_numbered:
        numbers = [f"[{number}]" for number in step.numbers_of(symbol, -1)]
        texts = np.vstack([np.array(numbers, dtype=object), texts])
    if texts.shape[1] > _MOST:
        texts = np.hstack([texts[:, : _MOST - 1], np.full((len(texts), 1), "…")])
    if len(texts) > _MOST:
        texts = np.vstack([texts[: _MOST - 1], np.full((1, texts.shape[1]), "…")])
    widths = [max(map(len, column)) for column in texts.T]
    parts = []
    for part in fill(widths, _ROOM):
        columns = zip(texts.T[part], widths[part], strict=True)
        padded = [[text.rjust(width) for text in column] for column, width in columns]
        where = "" if is_numbered else f"[{':,' * (array.ndim > 1)}{part.start}:]"
        rows = [(" " * GAP).join(row) for row in zip(*padded, strict=True)]
        parts.append((where if part.start else "", rows))
    return parts
