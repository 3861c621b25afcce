"""What ``ffnn train`` says of a table: what becomes of each column, and what is worth knowing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ffnn.cli.output import WIDTH, filled
from ffnn.core.text import counted, listed, printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn.tables import Table, TableEncoder

_FEW = 5  # rows of a class
_MOST_COLUMNS = 60  # that are shown
_LONGEST_NAME = 24
_REMEDY = "to learn from a column that is left out by these rules, give its --kind NAME=KIND"


def account_of(
    table: Table, encoder: TableEncoder, training: Table, used: object
) -> tuple[str, ...]:
    """Return a table of the columns, and paragraphs on the rows.

    The encoder was fitted on the rows in `training`; `used` says which rows are used.
    """
    notes = [*table.notes, *_notes(table), *_constant(encoder, training)]
    notes += [*_few(table, encoder), *_remedy(encoder)]
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


def _constant(encoder: TableEncoder, training: Table) -> Iterator[str]:
    raws = [training.raw(encoding.name) for encoding in encoder.encodings]
    # Where only some rows lack the only entry, that may tell something.
    names = [r.name for r in raws if r.is_constant and r.num_missing in (0, len(r))]
    if names:
        yield f"constant in the training rows: {listed(shown(name, 60) for name in names)}"


def _few(table: Table, encoder: TableEncoder) -> Iterator[str]:
    """Yield which classes have very few rows."""
    target = encoder.target
    if target is None or target.class_names is None:
        return
    raw = table.raw(target.name).as_texts()
    assert raw.codes is not None
    counts = np.bincount(raw.codes[raw.codes >= 0], minlength=len(raw.texts))
    few = [(name, counts[raw.texts.index(name)]) for name in target.class_names]
    texts = [f"class {shown(n, 60)} has {counted(int(k), 'row')}" for n, k in few if k < _FEW]
    if texts:
        yield listed(texts)


def _remedy(encoder: TableEncoder) -> Iterator[str]:
    if any(why in ("identifier", "index", "free text") for _, why in encoder.left_out):
        yield _REMEDY
