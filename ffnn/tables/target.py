"""What is to be learned from a table: classes or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.core.checks import nearest
from ffnn.core.text import counted, listed, shown
from ffnn.errors import DataError
from ffnn.tables.column import Column
from ffnn.tables.kinds import find_kind
from ffnn.tables.raw import RawColumn, named_by_numbers
from ffnn.tables.table import Table

MOST_CLASSES = 20  # more distinct whole numbers are numbers, unless the task says otherwise
_ROWS_A_CLASS = 10  # whole numbers of fewer rows each, on average, are numbers too


@dataclass(frozen=True)
class Target:
    """A column to be learned.

    Attributes
    ----------
    name : str
        The column's name.
    class_names : list of str or None
        The classes as they are written, sorted; None for numbers.
    are_numbers : bool
        Whether the classes are whole numbers, and not texts.
    """

    name: str
    class_names: list[str] | None
    are_numbers: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for classes that are not the numbers that they are said to be."""
        if self.are_numbers:
            _ = self.class_labels

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return "regression" if self.class_names is None else "classification"

    @property
    def class_labels(self) -> Array | None:
        """The classes as a column of the table has them: an array of int64 or str."""
        if self.class_names is None:
            return None
        return np.array(self.class_names, np.int64 if self.are_numbers else str)

    @classmethod
    def of(cls, column: Column, task: str | None, source: str) -> Target:
        """Return what a column is as a target, by its entries or as the `task` asked for.

        Text, booleans and codes are classes. So are whole numbers of two values, or of up to twenty
        with ten rows each on average. Others are numbers.
        """
        raw, where = column.raw, f"{source}: target {shown(column.name, 60)}"
        if not raw.num_distinct:
            raise DataError(f"{where} is empty")
        if raw.num_distinct == 1:
            raise DataError(
                f"{where} is {shown(raw.as_texts().texts[0], 60)} in every row: there is nothing "
                f"to learn"
            )
        numbers, problem = _numbers(raw)
        if task is None:
            is_plain = raw.numbers is not None  # without a unit, which numbers have and classes not
            are_classes = numbers is None or (is_plain and _are_classes(numbers))
            if numbers is None and column.note and raw.num_distinct > MOST_CLASSES:
                raise DataError(
                    f"{where} is mostly numbers, but {problem}; if they are classes, --task "
                    f"classification (task in Python) says so"
                )
            task = "classification" if are_classes else "regression"
        if task == "regression":
            if numbers is None:
                raise DataError(f"{where} has to be numbers for a regression, but {problem}")
            return cls(column.name, None)
        names = raw.as_texts().texts
        if len(names) == len(raw) - raw.num_missing:
            raise DataError(
                f"{where} is different in every row, such as {shown(names[0], 60)}; is it the "
                f"right column?"
            )
        are_whole = raw.numbers is not None and all(name.lstrip("-").isdigit() for name in names)
        key = _by_number if numbers is not None else None
        return cls(column.name, sorted(names, key=key), are_whole)

    def rows_of(self, table: Table) -> NDArray[np.intp]:
        """Return the numbers of the rows that have a target."""
        raw = table.raw(self.name)
        if self.class_names is None:
            return np.flatnonzero(~np.isnan(self._numbers_of(table)))
        codes = raw.as_texts().codes
        assert codes is not None
        return np.flatnonzero(codes >= 0)

    def values_of(self, table: Table, rows: Array | None = None) -> Array:
        """Return the target of all rows, or of those with the numbers `rows`.

        It is class numbers or numbers. Raises DataError for a row without one, for unknown classes,
        and for what is no number.
        """
        values = self._numbers_of(table) if self.class_names is None else self._codes_of(table)
        values = values if rows is None else values[rows]
        is_missing = np.isnan(values) if self.class_names is None else values < 0
        if is_missing.any():
            first = int(np.argmax(is_missing))
            place = table.raw(self.name).place(first if rows is None else int(rows[first]))
            raise DataError(
                f"{table.source}: target {shown(self.name, 60)} is missing in "
                f"{counted(int(is_missing.sum()), 'row')}, the first of them {place}"
            )
        return values

    def _numbers_of(self, table: Table) -> NDArray[np.float64]:
        try:
            return _values(table.raw(self.name))
        except ValueError as error:
            raise DataError(
                f"{table.source}: target {shown(self.name, 60)} is a number, but {error}"
            ) from None

    def _codes_of(self, table: Table) -> NDArray[np.int64]:
        """Return class numbers, -1 for a missing target."""
        assert self.class_names is not None
        raw, index = table.raw(self.name), {name: i for i, name in enumerate(self.class_names)}
        if raw.numbers is not None:
            index |= {n: index[code] for n, code in named_by_numbers(index).items()}
        texts = raw.as_texts()
        unknown = [text for text in texts.texts if text not in index]
        if unknown:
            raise DataError(
                f"{table.source}: target {shown(self.name, 60)} has the unknown class "
                f"{shown(unknown[0], 60)} in {texts.place_of(unknown[0])}"
                f"{nearest(unknown[0], self.class_names)}; "
                f"the classes are {listed((shown(n, 60) for n in self.class_names), 12)}"
            )
        return np.array([*(index[text] for text in texts.texts), -1], np.int64)[texts.codes]

    def get_config(self) -> dict[str, Any]:
        """Return the target as plain data."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Target:
        """Return the target of which `get_config` returned `config`."""
        return cls(**config)


def _numbers(raw: RawColumn) -> tuple[NDArray[np.float64] | None, str]:
    """Return the numbers that are there, or None and why the entries are no numbers."""
    try:
        values = _values(raw)
    except ValueError as error:
        return None, str(error)
    return values[~np.isnan(values)], ""


def _values(raw: RawColumn) -> NDArray[np.float64]:
    values: NDArray[np.float64] | None = find_kind(raw, asked="number").values
    assert values is not None
    return values


def _are_classes(numbers: NDArray[np.float64]) -> bool:
    distinct = len(np.unique(numbers))
    is_whole = bool((numbers == np.floor(numbers)).all())
    is_frequent = distinct == 2 or len(numbers) >= _ROWS_A_CLASS * distinct
    return is_whole and distinct <= MOST_CLASSES and is_frequent


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return 0.0, text
