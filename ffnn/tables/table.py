"""A table: named columns of as many rows, and what was noted when it was read."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ffnn._types import Array
from ffnn.core.checks import nearest
from ffnn.core.problems import Problems
from ffnn.core.text import counted, listed, printable, shown
from ffnn.errors import DataError
from ffnn.tables.column import Column
from ffnn.tables.kinds import find_kind
from ffnn.tables.raw import RawColumn


@dataclass(frozen=True)
class Table:
    r"""Rows of a file or a data frame, by columns.

    Attributes
    ----------
    columns : tuple of Column
        The columns in their order; `name`, `kind` and `array` of each are what was read.
    notes : tuple of str
        What was decided on the way, such as a delimiter or columns that got a name.
    source : str
        Where it comes from, for messages.
    decimal : {".", ","} or None
        What marks decimals in the file, if that was said or found out.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,wood\n3,oak\n5,ash\n4,oak\n")
    >>> from ffnn.tables import read_table
    >>> table = read_table("wood.csv")
    >>> table.num_rows, table["age"].array.tolist()
    (3, [3.0, 5.0, 4.0])
    """

    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    source: str = "table"
    decimal: str | None = None
    _positions: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._positions.update({column.name: i for i, column in enumerate(self.columns)})

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    def __getitem__(self, name: str) -> Column:
        """Return the column of a name; DataError if there is none."""
        self.require([name])
        return self.columns[self._positions[name]]

    def require(self, names: Iterable[str], option: str = "") -> None:
        """Raise DataError if there are no columns of some names, which an option may have given."""
        unknown = dict.fromkeys(name for name in names if name not in self._positions)
        if unknown:
            names = listed(
                (f"{shown(name, 60)}{nearest(name, self.names)}" for name in unknown), 20
            )
            known = listed((repr(printable(each)) for each in self.names), 12)
            only = f"there is only {known}; is the delimiter right?"
            what = "there is no column" if len(unknown) == 1 else "there are no columns"
            what = f"{option}: {what}" if option else what
            problems = Problems(self.source)
            problems.add(
                f"{what} {names}", f"the columns are {known}" if len(self.columns) > 1 else only
            )
            problems.check()

    def raw(self, name: str) -> RawColumn:
        """Return the entries of a column as they stand; DataError if there is none of the name."""
        return self[name].raw

    def take(self, rows: Array) -> Table:
        """Return a table of some rows, given by number or by a mask; kinds stay as they are."""
        return replace(self, columns=tuple(each.take(rows) for each in self.columns))

    def select(self, names: Iterable[str]) -> Table:
        """Return a table of the columns with some names."""
        return replace(self, columns=tuple(self[name] for name in names))

    def __str__(self) -> str:
        """One line a column: name, kind, missing, distinct, and what is to be said of it."""
        head = ("column", "kind", "missing", "distinct", "note")
        rows = [
            (
                printable(column.name) or "(no name)",
                column.kind + (f" ({column.reason})" if column.reason else ""),
                f"{int(column.is_missing.sum()):,}",
                f"{column.raw.num_distinct:,}",
                column.note,
            )
            for column in self.columns
        ]
        widths = [max(map(len, cells)) for cells in zip(head, *rows, strict=True)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
            for a, b, c, d, e in (head, *rows)
        ]
        title = f"{counted(self.num_rows, 'row')}, {counted(len(self.columns), 'column')}"
        return "\n".join([title, *lines, *(f"note: {note}" for note in self.notes)])


def make_table(
    raws: Sequence[RawColumn],
    problems: Problems,
    kinds: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    missing_values: Collection[str] = (),
) -> Table:
    """Return the table of columns as they stand, each by the rules or as the kind asked for.

    Entries that are one of `missing_values` are missing ones.
    Where a column cannot be of that kind, or does not exist, that is noted as a problem, and what
    the column is follows from the rules. Raises DataError where there is no row.
    """
    if not raws or not len(raws[0]):
        raise DataError(f"{problems.source}: expected rows, got none")
    kinds, columns, notes = kinds or {}, [], list(notes)
    named = (raw.without(missing_values) for raw in _named(raws, notes))
    for position, raw in enumerate(named):
        asked = kinds.get(raw.name)
        try:
            columns.append(find_kind(raw, position, asked))
        except ValueError as error:
            problems.add(f"column {shown(raw.name, 60)} is to be a {asked}, but {error}")
            columns.append(find_kind(raw, position))
    table = Table(tuple(columns), tuple(notes), problems.source)
    with problems.noted():
        table.require(kinds, "kind")
    return table


def _named(columns: Sequence[RawColumn], notes: list[str]) -> Sequence[RawColumn]:
    """Return columns with names that differ, without an empty one at the end that has no name.

    A first column may lack a name, as row numbers do; others are named by their position.
    """
    if len(columns) > 1 and not columns[-1].name and not columns[-1].num_distinct:
        columns = columns[:-1]
    for position, column in enumerate(columns[1:], start=2):
        if not column.name:
            column.name = f"column_{position}"
            notes.append(f"column {position} has no name; it is called {column.name}")
    names = _numbered([column.name for column in columns])
    for column, name in zip(columns, names, strict=True):
        if column.name != name:
            notes.append(
                f"several columns are named {shown(column.name, 60)}; one is now {shown(name, 60)}"
            )
            column.name = name
    return columns


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names that are all different: of two that are ``wood``, the second is ``wood_2``."""
    taken, numbers, result = set(names), dict[str, Iterator[int]](), list[str]()
    for name in names:
        if name not in numbers:
            numbers[name], new = itertools.count(2), name
        else:
            new = next(n for i in numbers[name] if (n := f"{name}_{i}") not in taken)
            taken.add(new)
        result.append(new)
    return result
