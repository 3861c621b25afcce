"""An explanation as a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ffnn._types import Array
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
    back: list[list[Step]] = [[] for _ in chain]
    for step in steps:
        if step.place is not None and step.direction == "backward":
            back[step.place].append(step)
    boxes = [_box(step, back[place], precision) for place, step in enumerate(chain)]
    arrows = [_arrow(chain, back, place, precision) for place in range(len(chain))]
    end = [f"L = {write_number(chain[-1].arrays['L'], precision)}"]
    if any("J" in step.results for step in steps):
        end.append(f"J = {write_number(head.loss, precision)}")
    return plot_computation(head.title, boxes, [*arrows, Arrow("\n".join(end))])


def _source(step: Step) -> str:
    return next(iter(step.arrays))


def _box(step: Step, back: Sequence[Step], precision: int) -> Box:
    """Return the box of a forward step: all its arrays but what flows in and out."""
    inner = list(step.arrays)[1:-1]
    outgoing = f"∂L/∂{_source(step)}"
    gradients = {
        symbol: each.arrays[symbol]
        for each in back
        for symbol in each.results
        if symbol != outgoing and not symbol.startswith("∂R")
    }
    return Box(
        *heading_of(step),
        _lines(step.formulas),
        _lines(formula for each in back for formula in each.formulas),
        _beside({symbol: step.arrays[symbol] for symbol in inner}, precision),
        _beside(gradients, precision),
    )


def _arrow(
    chain: Sequence[Step], back: Sequence[Sequence[Step]], place: int, precision: int
) -> Arrow:
    """Return what flows into a box, called as it is above and below."""
    step = chain[place]
    source = _source(step)
    above = list(chain[place - 1].arrays)[-1] if place else source
    data, slope = _below(_both(above, source), step.arrays[source], precision), f"∂L/∂{source}"
    flowing = [each.arrays[slope] for each in back[place] if slope in each.results]
    if not flowing:
        return Arrow(data)
    taken = _source(back[place - 1][0]) if place and back[place - 1] else slope
    return Arrow(data, _below(_both(taken, slope), flowing[0], precision))


def _both(above: str, below: str) -> str:
    return above if above == below else f"{above} = {below}"


def _lines(formulas: Iterable[Formula]) -> str:
    """Return formulas below each other, none too wide for a box."""
    texts = [formula.text.replace(" with ", "\nwith ") for formula in formulas]
    wrap = textwrap.TextWrapper(_WIDEST, break_on_hyphens=False, break_long_words=False)
    return "\n".join(wrap.fill(line) for text in texts for line in text.split("\n"))


def _beside(arrays: dict[str, Array], precision: int) -> str:
    """Return arrays below each other, with their symbols to the left."""
    parts = [
        (name or printable(symbol, 16), rows)
        for symbol, array in arrays.items()
        for name, rows in _parts(array, precision)
    ]
    left = max((width_of(name) for name, _ in parts), default=0)
    lines = [
        f"{pad('' if index else name, left)}  {row}"
        for name, rows in parts
        for index, row in enumerate(rows)
    ]
    return "\n".join(lines)


def _below(symbol: str, array: Array, precision: int) -> str:
    """Return an array below its symbol."""
    parts = _parts(array, precision)
    return "\n".join(line for name, rows in parts for line in (name or printable(symbol), *rows))


def _parts(array: Array, precision: int) -> list[tuple[str, list[str]]]:
    """Return an array's rows as lines of text, in parts of as many columns as there is room for.

    Before each part but the first stands the slice that it is. What is too much is left out.
    """
    texts = write_matrix(array, precision)
    if texts.shape[1] > _MOST:
        texts = np.hstack([texts[:, : _MOST - 1], np.full((len(texts), 1), "…")])
    if len(texts) > _MOST:
        texts = np.vstack([texts[: _MOST - 1], np.full((1, texts.shape[1]), "…")])
    widths = [max(map(len, column)) for column in texts.T]
    parts = []
    for part in fill(widths, _ROOM):
        columns = zip(texts.T[part], widths[part], strict=True)
        padded = [[text.rjust(width) for text in column] for column, width in columns]
        where = f"[{':,' * (array.ndim > 1)}{part.start}:]"
        rows = [(" " * GAP).join(row) for row in zip(*padded, strict=True)]
        parts.append((where if part.start else "", rows))
    return parts
