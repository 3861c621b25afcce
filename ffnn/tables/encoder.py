"""`TableEncoder`: from columns of any kind to the numbers that a network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ffnn.core.text import counted, listed, shown
from ffnn.errors import DataError
from ffnn.tables.encodings import ENCODINGS, Encoding
from ffnn.tables.frames import as_table, is_table
from ffnn.tables.target import Target


class TableEncoder:
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

    Attributes
    ----------
    feature_names : list of str
        The names of the columns that `transform` returns, such as ``"age"`` or ``"wood=oak"``.
    target : Target or None
        What is to be learned, if `fit` was told a target.
    encodings : list of Encoding
        What became of each column.
    """

    def __init__(self) -> None:
        self.encodings: list[Encoding] = []
        self.target: Target | None = None
        self.left_out: list[tuple[str, str]] = []  # name and why

    def fit(
        self,
        table: Any,
        target: str | None = None,
        *,
        task: str | None = None,
        exclude: Sequence[str] = (),
        only: Sequence[str] | None = None,
    ) -> TableEncoder:
        """Learn from the rows to train on how to encode each column.

        Parameters
        ----------
        table : Table, data frame or list of dict
            The rows.
        target : str, optional
            The column to be learned. Rows without it are not looked at.
        task : {"classification", "regression"}, optional
            What the target is; by default that follows from its entries.
        exclude : sequence of str
            Columns to leave out.
        only : sequence of str, optional
            The columns to use, if not all.

        Returns
        -------
        TableEncoder
            This object.

        Raises
        ------
        DataError
            A column does not exist, the target cannot be learned, or no column is left.
        """
        table = as_table(table)
        new_target = None if target is None else Target.of(table[target], task, table.source)
        for name in (*exclude, *(only or ())):
            table[name]
        if new_target is not None:
            table = table.take(new_target.rows_of(table))
        encodings, left_out = list[Encoding](), list[tuple[str, str]]()
        for column in table.columns:
            if column.name == target:
                continue
            reason = column.reason or ("free text" if column.kind == "text" else "")
            if column.name in exclude or (only is not None and column.name not in only):
                reason = "excluded"
            if reason or column.kind not in ENCODINGS:
                left_out.append((column.name, reason or column.kind))
            else:
                encodings.append(ENCODINGS[column.kind].of(column))
        if not encodings:
            reasons = listed(f"{shown(name, 60)} ({why})" for name, why in left_out)
            raise DataError(
                f"{table.source}: no column is left to learn from: {reasons or 'there is none'}"
            )
        self.encodings, self.left_out, self.target = encodings, left_out, new_target
        return self

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns that `transform` returns."""
        return [name for encoding in self.encodings for name in encoding.feature_names]

    def transform(self, table: Any) -> NDArray[np.float64]:
        """Return the rows of a table as numbers.

        Parameters
        ----------
        table : Table, data frame, list of dict, dict of columns, or path
            Rows with the columns that the encoder was fitted on, by name.

        Returns
        -------
        ndarray of float64, shape (rows, features)
            The numbers.

        Raises
        ------
        DataError
            Columns are missing, or hold what theirs cannot; all such problems are listed.
        """
        if not self.encodings:
            raise RuntimeError("TableEncoder: call fit first")
        table = as_table(table)
        problems, blocks = list[str](), list[NDArray[np.float64]]()
        for encoding in self.encodings:
            try:
                blocks.append(encoding.transform(table.raw(encoding.name)))
            except (DataError, ValueError) as error:
                problems.append(str(error).removeprefix(f"{table.source}: "))
        if problems:
            raise DataError(f"{table.source}: " + "; ".join(problems))
        return np.concatenate(blocks, axis=1)

    def numbers_of(self, x: Any) -> Any:
        """Return the rows of a table as numbers, and anything else, such as an array, as it is."""
        return self.transform(x) if is_table(x) else x

    def describe(self) -> list[dict[str, str]]:
        """Return for each column its name, its kind, and what becomes of it."""
        own = [{"name": e.name, "kind": e.kind, "becomes": str(e)} for e in self.encodings]
        rest = [
            {"name": n, "kind": "ignore", "becomes": f"left out: {w}"} for n, w in self.left_out
        ]
        return own + rest

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
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TableEncoder:
        """Return the encoder that `get_config` described; ValueError if there is none."""
        if not config["columns"] or any(len(pair) != 2 for pair in config["left_out"]):
            raise ValueError("encoder: expected columns, and pairs of names and reasons")
        encoder = cls()
        encoder.encodings = [ENCODINGS[c["kind"]].from_config(c) for c in config["columns"]]
        encoder.left_out = [(name, why) for name, why in config["left_out"]]
        encoder.target = None if config["target"] is None else Target.from_config(config["target"])
        return encoder
