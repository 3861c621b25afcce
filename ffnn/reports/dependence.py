"""Partial dependence as a chart, or of categories as bars."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted, printable, shorten, shown
from ffnn.data.sources import ArraySource
from ffnn.errors import DataError
from ffnn.inspection.dependence import dependence, points_of_numbers, points_of_texts
from ffnn.inspection.rows import MOST_ROWS, Rows, columns_of, find_column, open_rows
from ffnn.models.trainable import Trainable
from ffnn.reports.base import Shown
from ffnn.reports.outputs import Outputs, outputs_of
from ffnn.reports.pieces import Bars, Chart, Mark, Piece, Table, strokes

MOST_LINES = 6


class PartialDependence(Shown):
    """What a model answers on average where a column has one entry in all rows.

    Attributes
    ----------
    column : str
        The column.
    entries : tuple of str
        The entries that it was set to.
    points : ndarray of shape (entries,) or None
        The same as numbers, dates as years; None for categories.
    values : ndarray of shape (entries, outputs)
        The mean outputs.
    output_names : tuple of str
        What the outputs are; one output of two classes is the probability of the second one.
    num_rows : int
        Over how many rows the means are.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ffnn.Sequential([Dense(1)], seed=0)
    >>> model.compile("adam", "mean_squared_error")
    >>> history = model.fit(x, x.sum(axis=1), verbose=0)
    >>> dependences = ffnn.reports.report(model, x, x.sum(axis=1)).dependences
    >>> sorted(each.column for each in dependences)
    ['column 0', 'column 1']
    """

    title: ClassVar[str] = "Partial dependence"

    def __init__(
        self,
        column: str,
        entries: tuple[str, ...],
        points: Array | None,
        values: Array,
        outputs: Outputs,
        num_rows: int,
    ) -> None:
        self.column, self.entries, self.points, self.values = column, entries, points, values
        self.output_names = outputs.names[-outputs.units :]
        self.num_rows, self._outputs = num_rows, outputs
        self.pieces = self.charts()
        if points is not None:
            self.pieces.append(self._table(self._drawn()))

    def _drawn(self) -> list[int]:
        """Return the outputs that are drawn: of two classes the second, of many the liveliest."""
        if self._outputs.task == "classes" and len(self._outputs.names) == 2:
            return [self.values.shape[1] - 1]
        spans = self.values.max(axis=0) - self.values.min(axis=0)
        return sorted(np.argsort(-spans, kind="stable")[:MOST_LINES].tolist())

    def _quantity(self, unit: int) -> str:
        place = len(self._outputs.names) - self._outputs.units + unit
        return self._outputs.quantity(place)

    @property
    def span(self) -> tuple[str, str, str, str, str]:
        """The output that varies the most, its smallest mean and where, its largest and where."""
        unit = max(self._drawn(), key=lambda unit: float(np.ptp(self.values[:, unit])))
        column = self.values[:, unit]
        low, high = int(column.argmin()), int(column.argmax())
        first, last = (self._outputs.text(float(column[place])) for place in (low, high))
        return self._quantity(unit), first, self.entries[low], last, self.entries[high]

    @property
    def headline(self) -> str:
        """Between which entries the mean output varies the most."""
        quantity, first, low, last, high = self.span
        return (
            f"over {counted(self.num_rows, 'row')}, the mean of {quantity} is {first} where "
            f"{shorten(self.column, 40)} is {shorten(low, 24)}, and {last} where it is "
            f"{shorten(high, 24)}"
        )

    def charts(self) -> list[Piece]:
        """Return what is drawn: lines of numbers, bars of categories."""
        drawn, title = self._drawn(), f"Partial dependence on {shorten(self.column, 40)}"
        few = f" The {len(drawn)} outputs that vary the most." if self._is_cut(drawn) else ""
        text = f"The mean over all rows, with {shorten(self.column, 40)} set to one entry.{few}"
        if self.points is None:
            return [self._bars(unit, title, text) for unit in drawn]
        marks = list[Mark]()
        for colour, unit in enumerate(drawn):
            label = printable(self.output_names[unit], 20) if len(drawn) > 1 else ""
            marks.append(Mark("line", self.points, self.values[:, unit], label, colour))
            if len(drawn) == 1:
                marks.append(Mark("points", self.points, self.values[:, unit]))
        what = self._quantity(drawn[0]) if len(drawn) == 1 else "mean output"
        y_label = f"mean of {what.removeprefix('the ')}" if len(drawn) == 1 else what
        alt = f"partial dependence: {self.headline}"
        y_label, x_label = shorten(y_label, 44), shorten(self.column, 44)
        return [Chart(title, x_label, y_label, tuple(marks), alt, text=text)]

    def _is_cut(self, drawn: list[int]) -> bool:
        return 1 < len(drawn) < len(self.output_names)

    def _bars(self, unit: int, title: str, text: str) -> Bars:
        values, outputs = self.values[:, unit], self._outputs
        texts = tuple(outputs.text(value) for value in values.tolist())
        name = self._quantity(unit).removeprefix("the ")
        rows = tuple(zip(self.entries, texts, strokes(values), strict=True))
        of = f", {shorten(self.output_names[unit], 24)}" if self.values.shape[1] > 2 else ""
        header = (self.column, "mean", "")
        table = Table(f"{title}{of}", header, rows, "lrl", text)
        alt = f"partial dependence: {self.headline}"
        x_label = shorten(f"mean of {name}", 44)
        return Bars(f"{title}{of}", self.entries, values, texts, x_label, alt, table, text=text)

    def _table(self, drawn: list[int]) -> Table:
        header = (self.column, *(self.output_names[unit] or "mean" for unit in drawn))
        rows = tuple(
            (entry, *(self._outputs.text(float(values[unit])) for unit in drawn))
            for entry, values in zip(self.entries, self.values, strict=True)
        )
        what = "mean probability" if self._outputs.are_probabilities else "mean answer"
        return Table(
            f"Partial dependence on {shorten(self.column, 40)}: {what}",
            header,
            rows,
            "r" * len(header),
        )


def partial_dependence(model: Trainable, x: Any, column: str | int) -> PartialDependence:
    """Return the partial dependence on a column; `Sequential.partial_dependence` says more."""
    model.require_compiled()
    model.require_built()
    name = find_column("partial_dependence", columns_of(model), column)
    return dependence_on(model, open_rows(model, x, MOST_ROWS), name)


def dependence_on(model: Trainable, rows: Rows, column: str) -> PartialDependence:
    """Return the partial dependence on a column of some rows."""
    if column in rows.encodings and rows.table is None:
        raise DataError(
            f"partial_dependence: the entries of {shown(column, 60)} are not known; give the rows "
            f"of a table, which the model's encoder reads"
        )
    values = rows.values(column)
    if values is None:
        texts = rows.texts(column)
        chosen = points_of_texts(texts)
        entries = tuple(texts[row] for row in chosen)
    else:
        chosen = points_of_numbers(values)
        if not len(chosen):
            raise DataError(
                f"partial_dependence: column {shown(column, 60)} is missing in all rows"
            )
        values, entries = values[chosen], tuple(rows.take(chosen).texts(column))
    places, stages = rows.columns[column], model.replicas()

    def predict(features: Array) -> Array:
        return model.compute(ArraySource(features), stages)

    means = dependence(predict, rows.features, places, rows.features[chosen][:, places])
    return PartialDependence(column, entries, values, means, outputs_of(model), len(rows))
