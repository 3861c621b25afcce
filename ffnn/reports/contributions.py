"""What each column of a row contributes to a model's answer, as tables and bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted, listed, shorten, shown
from ffnn.errors import DataError
from ffnn.inspection.gradients import LARGEST_ERROR, integrate
from ffnn.inspection.rows import Rows, columns_of, open_rows
from ffnn.models.trainable import Trainable
from ffnn.reports.base import Shown
from ffnn.reports.outputs import decide, outputs_of
from ffnn.reports.pieces import Bars, Table, strokes

MOST_SHOWN = 12  # rows
MOST_BARS = 12
_NAMED = 3


class Baseline(NamedTuple):
    """What rows are compared with: features of some rows, the entries, and what it is."""

    features: Array  # (rows, features)
    entries: Mapping[str, str]
    words: str


class Contributions(Shown):
    """What each column contributes to an output, row by row: integrated gradients.

    Attributes
    ----------
    columns : tuple of str
        The columns.
    values : ndarray of shape (rows, columns)
        The contributions. Those of a row add up to the difference of `outputs` and
        `baseline_outputs`.
    outputs, baseline_outputs : ndarray of shape (rows,)
        The output that is explained, and what it is for the baseline.
    output_names : tuple of str
        Which output that is, of each row: the predicted class, unless another was asked for.
    errors : ndarray of shape (rows,)
        By how much the sum misses the difference, relative to it.
    steps : ndarray of int, shape (rows,)
        The number of gradients that the integral of each row is made of.
    entries : list of tuple of str
        The entries of the columns, of each row.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ffnn.Sequential([Dense(1)], seed=0)
    >>> model.compile("adam", "mean_squared_error")
    >>> history = model.fit(x, x.sum(axis=1), verbose=0)
    >>> found = ffnn.reports.report(model, x, x.sum(axis=1)).contributions
    >>> change = found.outputs - found.baseline_outputs
    >>> bool(np.allclose(found.values.sum(axis=1), change, atol=1e-3))
    True
    """

    title: ClassVar[str] = "Contributions"

    def __init__(self, model: Trainable, rows: Rows, baseline: Baseline, places: Array) -> None:
        outputs = outputs_of(model)
        pairs = [outputs.unit(place) for place in places.tolist()]
        found = integrate(model, rows.features, baseline.features, np.array([u for u, _ in pairs]))
        flipped = np.array([is_other for _, is_other in pairs])
        self.columns = tuple(rows.columns)
        by_column = [found.values[:, each].sum(axis=1) for each in rows.columns.values()]
        self.values: Array = np.column_stack(by_column) * np.where(flipped, -1.0, 1.0)[:, None]
        self.outputs: Array = np.where(flipped, 1.0 - found.outputs, found.outputs)
        self.baseline_outputs: Array = np.where(flipped, 1.0 - found.starts, found.starts)
        self.output_names = tuple(outputs.names[place] for place in places)
        self.errors, self.steps = found.errors, found.steps
        self.entries = list(zip(*map(rows.texts, self.columns), strict=True))
        first = 0 if rows.table is None else 1  # as in a file
        self.row_names = [f"{number + first:,}" for number in rows.numbers.tolist()]
        self.note = " ".join(filter(None, [f"Compared with {baseline.words}.", self._complaint()]))
        self._baseline, self._outputs, self._places = baseline, outputs, places
        self.pieces = [self._bars(row) for row in range(min(len(places), MOST_SHOWN))]

    @property
    def is_complete(self) -> bool:
        """Whether the contributions of each row add up to the difference within 1 %."""
        return bool((self.errors <= LARGEST_ERROR).all())

    def _complaint(self) -> str:
        if self.is_complete:
            return ""
        worst = int(self.errors.argmax())
        return (
            f"The contributions to row {self.row_names[worst]} miss the difference by "
            f"{100 * self.errors[worst]:.3g} %, even with {self.steps[worst]:,} steps."
        )

    @property
    def headline(self) -> str:
        """What contributes the most to the first row, and how well the sums fit."""
        more = len(self.outputs) - 1
        others = f" (and {counted(more, 'more row')})" if more else ""
        named = ", ".join(
            f"{shorten(self.columns[i], 24)} {self.change(0, i)}" for i in self.order(0)[:_NAMED]
        )
        worst = max(100.0 * float(self.errors.max()), 0.01)
        return (
            f"row {self.row_names[0]}{others}: {self._story(0)}: {named}; all columns add up to "
            f"the difference within {worst:.3g} %"
        )

    def order(self, row: int) -> list[int]:
        """Return the places of the columns, the one that contributes the most to a row first."""
        places: list[int] = np.argsort(-np.abs(self.values[row]), kind="stable").tolist()
        return places

    def change(self, row: int, column: int) -> str:
        """Return a contribution as it is shown, with its sign."""
        return self._outputs.change(float(self.values[row, column]))

    def _story(self, row: int) -> str:
        """Return from what to what the output of a row goes."""
        text = self._outputs.text
        return (
            f"{self._outputs.quantity(int(self._places[row]))} is "
            f"{text(float(self.outputs[row]))} instead of "
            f"{text(float(self.baseline_outputs[row]))}"
        )

    def _bars(self, row: int) -> Bars:
        """Return the contributions to one row, the largest first, and what the others add up to."""
        order, values, change = self.order(row), self.values[row], self._outputs.change
        chosen, others = order[:MOST_BARS], order[MOST_BARS:]
        shown_values = values[chosen]
        cells = [
            (self.columns[i], self.entries[row][i], self._baseline.entries.get(self.columns[i], ""))
            for i in chosen
        ]
        if others:
            cells.append((f"{len(others)} others", "", ""))
            shown_values = np.append(shown_values, values[others].sum())
        texts = [change(value) for value in shown_values.tolist()]
        marks = strokes(shown_values, 16)
        rows = [(*c, text, mark) for c, text, mark in zip(cells, texts, marks, strict=True)]
        total = float(values.sum())
        header = ("column", "entry", "compared with", "contribution", "")
        title = f"Row {self.row_names[row]}"
        table = Table(
            title, header, (*rows, ("sum", "", "", change(total), "")), "lllrl",
            f"{self._story(row)[0].upper()}{self._story(row)[1:]}.", num_sums=1,
        )  # fmt: skip
        labels = tuple(f"{name} = {entry}" if entry else name for name, entry, _ in cells)
        alt = f"contributions to row {self.row_names[row]}: {self._story(row)}"
        x_label = shorten(f"contribution to {self._outputs.quantity(int(self._places[row]))}", 44)
        return Bars(title, labels, shown_values, tuple(texts), x_label, alt, table, text=table.text)


def contributions(
    model: Trainable, x: Any, baseline: Any = None, output: str | int | None = None
) -> Contributions:
    """Return what columns contribute; `Sequential.contributions` says more."""
    model.require_compiled()
    rows = open_rows(model, x)
    return Contributions(
        model, rows, find_baseline(model, baseline), choose_outputs(model, rows, output)
    )


def choose_outputs(model: Trainable, rows: Rows, output: str | int | None) -> Array:
    """Return the place of the output that is looked at for each row: the predicted class."""
    outputs = outputs_of(model)
    if output is not None:
        return np.full(len(rows), outputs.find("contributions", output))
    if outputs.task == "classes":
        return decide(outputs, model.predict(rows.features))
    if outputs.units > 1:
        names = listed((shown(name, 60) for name in outputs.names), 12)
        raise ValueError(
            f"contributions: the model has {outputs.units} outputs; choose one by output: {names}"
        )
    return np.zeros(len(rows), np.intp)


def find_baseline(model: Trainable, baseline: Any = None) -> Baseline:
    """Return what rows are compared with: the rows given, the encoder's typical row, or zeros."""
    columns, encoder, dtype = columns_of(model), model.encoder, model.dtype
    if baseline is not None:
        try:
            rows = open_rows(model, baseline)
        except DataError as error:
            raise DataError(f"baseline: {error}") from None
        if len(rows) > 1:
            return Baseline(rows.features, {}, f"the {len(rows):,} rows given, on average")
        entries = {name: rows.texts(name)[0] for name in columns}
        return Baseline(rows.features, entries, "the row given")
    if encoder is not None and list(columns) == list(encoder.columns):
        features = encoder.encode_typical()[None].astype(dtype)
        words = "the typical row of the training: medians and most frequent entries"
        return Baseline(features, encoder.typical, words)
    zeros = np.zeros((1, model.input_dim or 0), dtype)
    return Baseline(zeros, dict.fromkeys(columns, "0"), "a row of zeros")
