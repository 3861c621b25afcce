"""What a report consists of, as plain data that text, page and figure each show in their way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ffnn._types import Array

MOST_IN_MATRIX = 30  # classes; of more, nobody reads a matrix


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header; `alignments` has an "l" or "r" for each column.

    The last `num_sums` rows are set apart, as they sum up the others. Text has the first
    `most_in_text` of these.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alignments: str
    text: str = ""
    num_sums: int = 0
    most_in_text: int = 30


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts of true classes, which are the rows, and of predicted ones, the columns."""

    title: str
    names: tuple[str, ...]
    counts: Array  # (classes, classes)
    text: str = ""

    @property
    def shares(self) -> Array:
        """The counts as fractions of their row, 0 where the class has no rows."""
        whole = self.counts.sum(axis=1, keepdims=True)
        shares: Array = np.divide(
            self.counts, whole, out=np.zeros(self.counts.shape), where=whole > 0
        )
        return shares


@dataclass(frozen=True, eq=False)
class Mark:
    """Something drawn in a chart: a "line" through points, the "points" alone, or "bars".

    Bars stand between edges, of which there is one more than heights. One without a colour is an
    aid to the eye, such as the diagonal.
    """

    kind: str
    x: Array
    y: Array
    label: str = ""
    colour: int | None = 0  # place in the palette


@dataclass(frozen=True, eq=False)
class Chart:
    """Marks between two axes; `alt` says in words what they show."""

    title: str
    x_label: str
    y_label: str
    marks: tuple[Mark, ...]
    alt: str
    x_range: tuple[float, float] | None = None  # by default that of the marks
    y_range: tuple[float, float] | None = None
    text: str = ""

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return what the axes span, each of some length."""
        spans = []
        for given, values in (
            (self.x_range, [mark.x for mark in self.marks]),
            (self.y_range, [mark.y for mark in self.marks]),
        ):
            joined = np.concatenate(values)
            low, high = given or (float(joined.min()), float(joined.max()))
            if low == high:
                width = abs(low) / 10 or 1.0
                low, high = low - width, high + width
            spans.append((low, high))
        return spans[0], spans[1]


@dataclass(frozen=True, eq=False)
class Bars:
    """A bar for each of some labels, to the right of 0 or to the left; `alt` says what they show.

    Where there are only words, `table` stands for them.
    """

    title: str
    labels: tuple[str, ...]
    values: Array  # (labels,)
    shown: tuple[str, ...]  # the values as texts
    x_label: str
    alt: str
    table: Table
    spreads: Array | None = None  # standard deviations, (labels,)
    text: str = ""

    @property
    def limits(self) -> tuple[float, float]:
        """What the axis spans: 0 and all bars, with their standard deviations."""
        reach = np.zeros(len(self.values)) if self.spreads is None else self.spreads
        low, high = float(min((self.values - reach).min(), 0)), float((self.values + reach).max())
        high = max(high, 0.0)
        return (low, high) if low < high else (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Rows of inputs as pictures, (pictures, side, side), with a caption each.

    Where there are only words, `table` stands for them.
    """

    title: str
    images: Array
    captions: tuple[str, ...]
    table: Table
    text: str = ""


Piece = Table | Matrix | Chart | Bars | Pictures


def rate(value: float) -> str:
    """Return a fraction as a text, "–" where it is not defined."""
    if math.isnan(value):
        return "–"
    return f"{round(value, 4) + 0.0:.4f}" if abs(value) < 1e4 else f"{value:.4g}"  # no -0


def tally(count: float) -> str:
    """Return a number of rows, or the sum of their weights, as a text."""
    return f"{count:,}" if isinstance(count, (int, np.integer)) else f"{count:,.4g}"


def number(value: float) -> str:
    """Return a number in a target's own unit as a text."""
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:,.6g}"


def strokes(values: Array, longest: int = 24) -> list[str]:
    """Return a bar of plus or minus signs for each of some numbers, for a table in text."""
    largest = float(np.abs(values).max(initial=0.0))
    if not largest:
        return [""] * len(values)
    lengths = np.rint(longest * np.abs(values) / largest).astype(int)
    return [("+" if v > 0 else "-") * n for v, n in zip(values, lengths.tolist(), strict=True)]


def ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Return round numbers between two limits, about as many as asked for, and how they read.

    Thousands and millions take little room: 20k, 1.5M.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [step * i for i in range(first, last + 1)]
    largest = max(map(abs, values), default=0.0)
    unit, letter = next((u[1:] for u in _UNITS if largest >= u[0]), (1.0, ""))
    return [(v, f"{v / unit:.4g}{letter}" if v else "0") for v in values]


_UNITS = ((1e10, 1.0, ""), (1e6, 1e6, "M"), (1e4, 1e3, "k"))  # from which number on, each
