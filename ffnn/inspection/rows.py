"""Rows to inspect a model on, by column: of a table, or of an array of features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import nearest
from ffnn.core.text import listed, shown
from ffnn.data.sources import Source
from ffnn.models.trainable import Trainable
from ffnn.tables.encoding import Encoding
from ffnn.tables.encodings import MISSING
from ffnn.tables.table import Table

MOST_ROWS = 10_000  # of which averages are taken; of more, as many are drawn
_YEAR = 365.2425  # days


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as a model reads them, and which features are made of which column.

    Attributes
    ----------
    features : ndarray of shape (rows, features)
        What the first layer gets.
    columns : mapping of str to list of int
        The name of each column → the places of its features. Without an encoder each feature is a
        column.
    numbers : ndarray of int, shape (rows,)
        The numbers of the rows in `table`, or in what was given.
    table : Table or None
        The rows as they stand, among others, if they are those of a table.
    encodings : mapping of str to Encoding
        How the encoder reads each column.
    """

    features: Array
    columns: Mapping[str, list[int]]
    numbers: Array
    table: Table | None = None
    encodings: Mapping[str, Encoding] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)

    def take(self, places: Array) -> Rows:
        """Return some of the rows."""
        return replace(self, features=self.features[places], numbers=self.numbers[places])

    def texts(self, column: str) -> list[str]:
        """Return the entries of a column as they are shown, "" where they are not known."""
        if self.table is not None and column in self.encodings:
            raw = self.table.raw(column).take(self.numbers).as_texts()
            assert raw.codes is not None
            return [raw.texts[code] if code >= 0 else MISSING for code in raw.codes]
        values = self.values(column)
        return [""] * len(self) if values is None else [f"{value:.6g}" for value in values]

    def values(self, column: str) -> Array | None:
        """Return the entries of a column as float64, NaN for missing ones; None for other kinds.

        Dates are years, such as 2024.5.
        """
        encoding, places = self.encodings.get(column), self.columns[column]
        if encoding is None:
            return self.features[:, places[0]].astype(np.float64) if len(places) == 1 else None
        if self.table is None or encoding.kind not in ("number", "date"):
            return None
        entries = encoding.read(self.table.raw(column).take(self.numbers))
        if encoding.kind == "number":
            return entries.astype(np.float64)
        days = (entries - np.datetime64("1970-01-01", "s")) / np.timedelta64(86400, "s")
        return np.where(np.isnat(entries), np.nan, 1970.0 + days / _YEAR)


def open_rows(model: Trainable, x: Any, most: int | None = None) -> Rows:
    """Return checked rows for a model; of a table, by the columns that its encoder reads.

    Of more than `most` rows that many are drawn, always the same ones.
    """
    model.require_built()
    encoder, table = model.encoder, None
    if encoder is not None and encoder.takes(x):
        x = table = encoder.open(x)
    source = model.open_inputs(x)
    chosen = draw(len(source), most)
    return rows_of(model, source, chosen, table, chosen)


def draw(count: int, most: int | None = None) -> Array:
    """Return the numbers of rows: all, or as many as `most`, always the same ones."""
    if most is None or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def rows_of(
    model: Trainable, source: Source, chosen: Array, table: Table | None, numbers: Array
) -> Rows:
    """Return the chosen rows of those that a model has opened, with their `numbers` in a table."""
    features, encoder = source.take(chosen).copy(), model.encoder
    encodings = {} if encoder is None else {each.name: each for each in encoder.encodings}
    return Rows(features, columns_of(model), numbers, table, encodings)


def columns_of(model: Trainable) -> dict[str, list[int]]:
    """Return the columns that a model reads → the places of the features made of each."""
    size = model.input_dim or 0
    if model.encoder is not None:
        columns = model.encoder.columns
        if sum(map(len, columns.values())) == size:
            return columns
    names = model.feature_names
    if names is None or len(set(names)) != size:
        names = [f"column {place}" for place in range(size)]
    return {name: [place] for place, name in enumerate(names)}


def find_column(owner: str, columns: Iterable[str], column: Any) -> str:
    """Return the name of a column that is given by its name or its number, counted from 0."""
    names = list(columns)
    is_number = isinstance(column, (int, np.integer)) and not isinstance(column, bool)
    if is_number and 0 <= column < len(names):
        return str(names[column])
    if isinstance(column, str) and column in names:
        return column
    if not isinstance(column, str) and not is_number:
        raise TypeError(f"{owner}: column must be a name or a number, got {shown(column)}")
    if is_number:
        raise ValueError(f"{owner}: column {column} of {len(names)}, counted from 0")
    raise ValueError(
        f"{owner}: there is no column {shown(column, 60)}{nearest(column, names)}; the columns are "
        f"{listed((shown(name, 60) for name in names), 12)}"
    )
