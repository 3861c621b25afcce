"""`TableEncoder`: from columns of any kind to the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.checks import check_choice, check_int
from ffnn.core.problems import Problems
from ffnn.core.progress import bar
from ffnn.core.text import counted, shown
from ffnn.errors import DataError
from ffnn.tables.blocks import encode, evenly_spaced
from ffnn.tables.choice import choose
from ffnn.tables.clipping import SmoothClipping
from ffnn.tables.column import Column
from ffnn.tables.encoding import Encoding
from ffnn.tables.encodings import ENCODINGS
from ffnn.tables.features import Features
from ffnn.tables.frames import as_table, is_table
from ffnn.tables.one_row import OneRow
from ffnn.tables.read import check_reading
from ffnn.tables.table import Table
from ffnn.tables.target import Target

READING = ("delimiter", "encoding", "decimal", "header", "missing_values")


class TableEncoder(Features):
    """Turns rows of a table into rows of numbers, in the way that it has learned from other rows.

    - A number x becomes (x - μ) / σ, with mean and standard deviation of the rows that it was
      fitted on; a missing one becomes their median.
    - A boolean becomes 0 or 1, scaled alike.
    - A category becomes a 1 in a column of its own, among zeros ("one-hot"). Those of very few
      rows share a column, in which unseen ones are counted too; where there is none, an unseen
      category is a row of zeros.
    - A date becomes the days since the first one, scaled, and places on a circle for the month, the
      day of the week and the hour, where these differ.
    - Where entries were missing, a column tells which.

    Text and ignored columns are left out. Columns are found by their names, in any order; others
    than those fitted on are not looked at.

    Parameters
    ----------
    scaling : {"standard", "robust"}, default "standard"
        Whether that is all, or each feature that is not a code is then centred at its median,
        divided by the distance of its quartiles and softly clipped to ±3; see `SmoothClipping`.
    one_hot_max_size : int, optional
        A category that would take more columns than this becomes one column of whole numbers: 1, 2,
        ... for its values, a number of its own for missing ones, and 0 for all others. An
        `Embedding` reads such codes.

    Attributes
    ----------
    feature_names : list of str
        The names of the columns that `transform` returns, such as ``"age"`` or ``"wood=oak"``.
    target : Target or None
        What is to be learned, if `fit` was told a target.
    encodings : list of Encoding
        What became of each column.
    reading : dict
        How `transform` reads a file: those of the options `delimiter`, `encoding`, `decimal`,
        `header` and `missing_values` of `read_table` that were given for the file that was learned
        from.

    Examples
    --------
    >>> from ffnn.tables import TableEncoder
    >>> rows = [{"age": 1, "wood": "oak"}, {"age": 3, "wood": "ash"}] * 10
    >>> encoder = TableEncoder().fit(rows)
    >>> encoder.feature_names, encoder.transform([{"wood": "oak", "age": 3}]).tolist()
    (['age', 'wood=ash', 'wood=oak'], [[1.0, 0.0, 1.0]])
    """

    def __init__(self, scaling: str = "standard", one_hot_max_size: int | None = None) -> None:
        self.scaling = check_choice("TableEncoder", "scaling", scaling, ("standard", "robust"))
        if one_hot_max_size is not None:
            check_int("TableEncoder", "one_hot_max_size", one_hot_max_size, low=1)
        self.one_hot_max_size = one_hot_max_size
        self.clipping: SmoothClipping | None = None
        self.encodings: list[Encoding] = []
        self.target: Target | None = None
        self.left_out: list[tuple[str, str]] = []  # name and why
        self.reading: dict[str, Any] = {}

    def fit(
        self,
        table: Any,
        target: str | Target | None = None,
        *,
        task: str | None = None,
        exclude: Sequence[str] = (),
        only: Sequence[str] | None = None,
        rows: Array | None = None,
    ) -> TableEncoder:
        """Learn from the rows to train on how to encode each column.

        Parameters
        ----------
        table : Table, data frame or list of dict
            The rows.
        target : str or Target, optional
            The column to be learned. Rows without it are not looked at. A `Target` may know of
            classes that these rows lack.
        task : {"classification", "regression"}, optional
            What the target is; by default that follows from its entries.
        exclude : sequence of str
            Columns to leave out.
        only : sequence of str, optional
            The columns to use, if not all.
        rows : array of int, optional
            The numbers of the rows to learn from, if not all.

        Returns
        -------
        TableEncoder
            This object.

        Raises
        ------
        DataError
            A column does not exist, the target cannot be learned, or no column is left; all such
            problems are listed.
        """
        table = as_table(table, self.reading)
        problems = Problems(table.source)
        chosen = choose(table, target, task, exclude, only, problems)
        problems.check()
        if chosen.target is not None:
            known = chosen.target.rows_of(table)
            rows = known if rows is None else rows[np.isin(rows, known)]
        self.encodings = self._fitted(chosen.features, rows)
        if table.decimal is not None:  # which fewer rows may not tell
            self.reading.setdefault("decimal", table.decimal)
        self.left_out, self.target, self.clipping = chosen.left_out, chosen.target, None
        if self.scaling == "robust":
            some = evenly_spaced(table, rows)
            self.clipping = SmoothClipping.of(self.transform(table, rows=some)[:, self.scaled])
        vars(self).pop("_one_row", None)  # which knows what was before
        return self

    def _fitted(self, columns: Sequence[Column], rows: Array | None) -> list[Encoding]:
        """Return what becomes of columns, learned from some rows, or from all."""
        encodings = list[Encoding]()
        with bar("Fitting", len(columns), "column") as seen:
            for column in columns:
                taken = column if rows is None else column.take(rows)
                encodings.append(ENCODINGS[column.kind].of(taken, self.one_hot_max_size))
                seen.update()
        return encodings

    def transform(
        self, table: Any, *, rows: Array | None = None, dtype: DTypeLike = np.float64
    ) -> Array:
        """Return the rows of a table as numbers.

        Parameters
        ----------
        table : Table, data frame, list of dict, dict of columns, or path
            Rows with the columns that the encoder was fitted on, by name.
        rows : array of int, optional
            The numbers of the rows to return, if not all.
        dtype : dtype, default float64
            Of the numbers. They are computed in float64, a block of rows at a time.

        Returns
        -------
        ndarray of shape (rows, features)
            The numbers.

        Raises
        ------
        DataError
            Columns are missing, or hold what theirs cannot; all such problems are listed.
        MemoryError
            There is not enough memory for so many numbers.
        """
        if not self.encodings:
            raise RuntimeError("TableEncoder: call fit first")
        alone = self._one_row.encode(table, dtype) if rows is None else None
        return encode(self._parts, self.open(table), rows, dtype) if alone is None else alone

    @cached_property
    def _one_row(self) -> OneRow:
        return OneRow(self._parts)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_one_row"}

    def numbers_of(self, x: Any, dtype: DTypeLike = np.float64) -> Any:
        """Return the rows of a table as numbers, and anything else, such as an array, as it is."""
        return self.transform(x, dtype=dtype) if self.takes(x) else x

    def takes(self, x: Any) -> bool:
        """Tell whether `x` is something that `transform` takes, and not an array of numbers."""
        return is_table(x)

    def open(self, table: Any) -> Table:
        """Return the rows that `transform` takes in any form as a table."""
        return as_table(table, self.reading)

    def examples_of(
        self, table: Any, dtype: DTypeLike = np.float64
    ) -> tuple[Array, Array, Array, int]:
        """Return the rows of a table that have the target, and their targets.

        Parameters
        ----------
        table : Table, data frame, list of dict, dict of columns, or path
            As for `transform`, with the target's column.
        dtype : dtype, default float64
            Of the inputs.

        Returns
        -------
        inputs : ndarray of shape (rows, features)
            What `transform` returns of those rows.
        targets : ndarray of shape (rows,)
            Class numbers or numbers.
        rows : ndarray of int, shape (rows,)
            The rows' numbers in the table.
        lacking : int
            How many others there are.

        Raises
        ------
        DataError
            Columns are missing, or hold what theirs cannot; no row has the target.
        RuntimeError
            The encoder was fitted without a target.
        """
        target, table = self._require_target(), self.open(table)
        rows = target.rows_of(table)
        if not len(rows):
            raise DataError(f"{table.source}: every row lacks the target {shown(target.name, 60)}")
        targets, lacking = target.values_of(table, rows), table.num_rows - len(rows)
        return self.transform(table, rows=rows, dtype=dtype), targets, rows, lacking

    def targets_of(self, entries: Any) -> Array:
        """Return entries of the target, as they stand in a table, as class numbers or numbers.

        DataError says that one is missing, unknown or no number.
        """
        target = self._require_target()
        return target.values_of(as_table({target.name: entries}))

    def _require_target(self) -> Target:
        if self.target is None:
            raise RuntimeError("TableEncoder: fitted without a target; call fit(table, target=...)")
        return self.target

    def __repr__(self) -> str:
        columns, features = len(self.encodings), len(self.feature_names)
        return f"TableEncoder({counted(columns, 'column')}, {counted(features, 'feature')})"

    # -- plain data ----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return all that was learned as numbers, strings, lists and dicts."""
        return {
            "columns": [encoding.get_config() for encoding in self.encodings],
            "left_out": [list(pair) for pair in self.left_out],
            "target": None if self.target is None else self.target.get_config(),
            "reading": dict(self.reading),
            "one_hot_max_size": self.one_hot_max_size,
            "clipping": None if self.clipping is None else self.clipping.get_config(),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TableEncoder:
        """Return the encoder that `get_config` described; ValueError if there is none."""
        if not config["columns"] or any(len(pair) != 2 for pair in config["left_out"]):
            raise ValueError("encoder: expected columns, and pairs of names and reasons")
        reading = dict(config["reading"])
        if not reading.keys() <= set(READING):
            raise ValueError(f"encoder: unknown ways to read a file: {shown([*reading], 60)}")
        check_reading("encoder", **reading)
        encoder = cls(one_hot_max_size=config["one_hot_max_size"])
        encoder.reading = reading
        encoder.encodings = [ENCODINGS[c["kind"]].from_config(c) for c in config["columns"]]
        encoder.left_out = [(name, why) for name, why in config["left_out"]]
        if config["clipping"] is not None:
            encoder.scaling, encoder.clipping = "robust", SmoothClipping(**config["clipping"])
            if len(encoder.clipping.centers) != len(encoder.scaled):
                raise ValueError("encoder: the clipping is of another number of features")
        encoder.target = None if config["target"] is None else Target.from_config(config["target"])
        return encoder
