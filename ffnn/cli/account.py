"""What ``ffnn train`` says of a table: what becomes of each column, and what is worth knowing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ffnn.cli.output import WIDTH, filled
from ffnn.core.text import counted, listed, printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn._types import Array
    from ffnn.cli.rows import UsedRows
    from ffnn.tables import Table, TableEncoder

_FEW = 5  # rows of a class
_MOST_COLUMNS = 60  # that are shown
_LONGEST_NAME = 24
_REMEDY = "--kind NAME=KIND, such as number or category, takes in a column that is left out"


def account_of(
    table: Table, encoder: TableEncoder, training: Array, used: UsedRows
) -> tuple[str, ...]:
    """Return a table of the columns, and paragraphs on the rows.

    The encoder was fitted on the rows with the numbers `training`, some of those that are used.
    """
    notes = [*table.notes, *_notes(table), *_constant(table, encoder, training)]
    notes += [*_few(table, encoder, training, used.rows), *_remedy(encoder)]
    remarks = (str(used), *(f"note: {note}" for note in notes))
    return _columns(table, encoder), *map(filled, remarks)


def _columns(table: Table, encoder: TableEncoder) -> str:
    """Return a table of the columns: what each is, what is in it, and what becomes of it."""
    becomes = {each["name"]: each["becomes"] for each in encoder.describe()}
    if encoder.target is not None:
        becomes[encoder.target.name] = "the target"
    rows = [
        (
            printable(column.name, _LONGEST_NAME) or "(no name)",
            column.kind,
            f"{int(column.is_missing.sum()):,}",
            f"{column.raw.num_distinct:,}",
            becomes[column.name],
        )
        for column in table.columns[:_MOST_COLUMNS]
    ]
    rows.insert(0, ("column", "kind", "missing", "distinct", "becomes"))
    a, b, c, d, _ = (max(map(len, cells)) for cells in zip(*rows, strict=True))
    lines = list[str]()
    for name, kind, missing, distinct, text in rows:
        start = f"{name:<{a}}  {kind:<{b}}  {missing:>{c}}  {distinct:>{d}}  "
        parts = textwrap.wrap(text, WIDTH - len(start), max_lines=3, placeholder="…")
        lines += [start + parts[0], *(" " * len(start) + part for part in parts[1:])]
    if len(table.columns) > _MOST_COLUMNS:
        lines.append(f"and {counted(len(table.columns) - _MOST_COLUMNS, 'more column')}")
    return "\n".join(lines)


def _notes(table: Table) -> Iterator[str]:
    """Yield what was noted of single columns."""
    for column in table.columns:
        if column.note:
            yield f"column {shown(column.name, 60)}: {column.note}"


def _constant(table: Table, encoder: TableEncoder, training: Array) -> Iterator[str]:
    raws = (table.raw(encoding.name).take(training) for encoding in encoder.encodings)
    # Where only some rows lack the only entry, that may tell something.
    names = [r.name for r in raws if r.is_constant and r.num_missing in (0, len(r))]
    if names:
        yield f"constant in the training rows: {listed(shown(name, 60) for name in names)}"


def _few(table: Table, encoder: TableEncoder, training: Array, rows: Array) -> Iterator[str]:
    """Yield which classes have very few rows, and which of them none to train on."""
    target = encoder.target
    if target is None or target.class_names is None:
        return
    size = len(target.class_names)
    counts = np.bincount(target.values_of(table, rows), minlength=size)
    trained = np.bincount(target.values_of(table, training), minlength=size)
    texts = [
        f"class {shown(name, 60)} has {counted(int(count), 'row')}"
        + (", none of them to train on" if count and not known else "")
        for name, count, known in zip(target.class_names, counts, trained, strict=True)
        if count < _FEW or not known
    ]
    if texts:
        yield listed(texts)


def _remedy(encoder: TableEncoder) -> Iterator[str]:
    if any(why in ("identifier", "index", "free text") for _, why in encoder.left_out):
        yield _REMEDY
