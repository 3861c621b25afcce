"""The rows of a report: their targets, what the model answers, and how a row is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar
from ffnn.core.text import counted
from ffnn.data.batches import Examples
from ffnn.data.sources import Source
from ffnn.errors import DataError
from ffnn.models.decisions import decided, names_of, task_of
from ffnn.models.raw_rows import input_dtype, targets_for
from ffnn.models.trainable import Trainable
from ffnn.models.trained_rows import find_trained_rows
from ffnn.tables.kinds import find_kind

if TYPE_CHECKING:
    from ffnn.tables import Table

_DIGITS = re.compile(r"\d+")
MIN_SIDE = 8  # of a picture, in pixels: of fewer inputs a square number says little
MOST_COLUMNS = 60  # of a row that is shown
_BLOCK = 1 << 16  # rows predicted between two steps of the bar


class TableRows(NamedTuple):
    r"""Rows of a table, by their numbers in it, from 0.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,wood\n3,oak\n5,ash\n4,oak\n")
    >>> from ffnn.tables import read_table
    >>> table = read_table("wood.csv")
    >>> from ffnn.reports import TableRows
    >>> rows = TableRows(table, np.array([0, 2]))
    >>> rows.table.take(rows.numbers).num_rows
    2
    """

    table: Table
    numbers: Array


@dataclass(frozen=True, eq=False)
class Inputs:
    """Rows of inputs as they are shown: a table's entries, pictures, or numbers.

    A table's rows are numbered as in its file, from 1, those of an array from 0.
    """

    source: Source
    names: Sequence[str] | None = None
    origin: TableRows | None = None
    target: str | None = None  # a column that is not shown

    @property
    def counted_from(self) -> int:
        """The number of the first row."""
        return 0 if self.origin is None else 1

    def number(self, row: int) -> int:
        """Return what a row is called."""
        return row if self.origin is None else int(self.origin.numbers[row]) + 1

    @property
    def _all_names(self) -> list[str] | None:
        """The names of all columns but the target; None if they have none."""
        if self.origin is not None:
            return [name for name in self.origin.table.names if name != self.target]
        return None if self.names is None else list(self.names)

    @property
    def num_columns(self) -> int:
        """How many columns there are."""
        names = self._all_names
        return self.source.shape[1] if names is None else len(names)

    @property
    def columns(self) -> list[str]:
        """The names of the columns that are shown; none if there are too many without names."""
        names, size = self._all_names, self.source.shape[1]
        if names is None:
            names = [f"column {i}" for i in range(size)] if size <= MOST_COLUMNS else []
        return names[:MOST_COLUMNS]

    def cells(self, rows: Sequence[int]) -> list[tuple[str, ...]]:
        """Return the entries of some rows in the columns that are shown."""
        if self.origin is None:
            size = len(self.columns)
            return [tuple(f"{value:g}" for value in self._row(row)[:size]) for row in rows]
        columns = []
        for name in self.columns:
            raw = self.origin.table.raw(name)
            texts = raw.take(self.origin.numbers[list(rows)]).as_texts()
            assert texts.codes is not None
            columns.append([texts.texts[code] if code >= 0 else "" for code in texts.codes])
        return list(zip(*columns, strict=True)) if columns else [()] * len(rows)

    def pictures(self, rows: Sequence[int]) -> Array | None:
        """Return some rows as square pictures, or None if they are none.

        They are where the number of columns is a square, their names, if any, differ in numbers
        alone, as pixel0 and pixel1, and all entries are of one range: from 0 to 255, or -1 to 1.
        """
        names, size = self._all_names, self.num_columns
        side = math.isqrt(size)
        is_named = names is not None and len({_DIGITS.sub("0", name) for name in names}) > 1
        if side * side != size or side < MIN_SIDE or is_named or not len(rows):
            return None
        pixels = self._numbers(names, rows)
        if pixels is None or not np.isfinite(pixels).all():
            return None
        low, high = pixels.min(), pixels.max()
        if (low < 0 or high > 255) and (low < -1 or high > 1):
            return None
        return pixels.reshape(-1, side, side)

    def _numbers(self, names: Sequence[str] | None, rows: Sequence[int]) -> Array | None:
        """Return some rows as float64, of a table as they stand in it; None for other kinds."""
        if self.origin is None:
            return np.array([self._row(row) for row in rows], dtype=np.float64)
        numbers = self.origin.numbers[list(rows)]
        raws = (self.origin.table.raw(name).take(numbers) for name in names or ())
        try:
            columns = [find_kind(raw, asked="number").values for raw in raws]
        except ValueError:
            return None
        return np.column_stack([values for values in columns if values is not None])

    def _row(self, row: int) -> Array:
        row_copy: Array = self.source.read(row, row + 1)[0].copy()  # sources reuse their memory
        return row_copy


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answers on rows whose targets are known.

    `task` is "classes": targets are class numbers (rows,); "labels": booleans (rows, labels); or
    "numbers": float64 (rows, outputs). Outputs are (rows, units), one unit for two classes.
    """

    task: str
    target: Array
    output: Array
    names: tuple[str, ...]  # of classes, labels or outputs
    inputs: Inputs
    are_probabilities: bool
    note: str = ""  # on rows that were left out, and on those that the model was trained on


def answer(model: Trainable, x: Any, y: Any, origin: TableRows | None = None) -> Answers:
    """Check rows and targets as `evaluate` does, and predict; the model stays as it is.

    Rows of a table that has the target of the model's encoder need no `y`: those without a target
    are left out. Where `x` was made from rows of a table, `origin` says which, to show them.
    """
    model.require_compiled()
    model.require_built()
    encoder, lacking = model.encoder, 0
    if encoder is not None and encoder.takes(x):
        table = x = encoder.open(x)
        numbers = np.arange(table.num_rows)
        if y is None and encoder.target is not None:
            dtype = input_dtype(model) or np.float64
            x, y, numbers, lacking = encoder.examples_of(table, dtype)
            y = targets_for(model, y)
        origin = TableRows(table, numbers)
    examples = model.open_examples(x, y, measured=False)
    target = decided(model, examples.y.data)
    output = _predict(model, examples.x)
    task, names = task_of(model), model.class_names
    if task == "numbers":
        names = [f"output {i}" for i in range(output.shape[1])] if output.shape[1] > 1 else [""]
    span = getattr(model.last_activation, "output_range", (-math.inf, math.inf))
    return Answers(
        task=task,
        target=target,
        output=output,
        names=names_of(names, output.shape[1], task),
        inputs=Inputs(examples.x, model.feature_names, origin, _target_name(model)),
        are_probabilities=span[0] >= 0.0 and span[1] <= 1.0,
        note="; ".join(_notes(model, examples, lacking)),
    )


def _notes(model: Trainable, examples: Examples, lacking: int) -> Iterator[str]:
    """Yield what there is to say of the rows."""
    known = find_trained_rows(model, examples)
    if known is not None:
        yield known.note
    if lacking:
        yield f"{counted(lacking, 'row')} without a target left out"


def _target_name(model: Trainable) -> str | None:
    target = None if model.encoder is None else model.encoder.target
    return None if target is None else target.name


def _predict(model: Trainable, source: Source) -> Array:
    """Return the outputs for all rows; DataError if one is not finite."""
    output, stages = np.empty((len(source), model.output_dim or 0), model.dtype), model.replicas()
    with (
        bar("Predicting", len(source), "row") as seen,
        np.errstate(over="ignore", invalid="ignore"),
    ):
        for start in range(0, len(source), _BLOCK):
            stop = min(start + _BLOCK, len(source))
            output[start:stop] = model.compute(source.part(start, stop), stages)
            seen.update(stop - start)
    wrong = np.argwhere(~np.isfinite(output))
    if len(wrong):
        row, unit = wrong[0]
        raise DataError(
            f"report: output {unit} of the model is {output[row, unit]} in row {row}; diagnose "
            f"looks for the cause"
        )
    return output
