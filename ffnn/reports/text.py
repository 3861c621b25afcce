"""A report as text of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ffnn.core.text import counted, printable
from ffnn.reports.pieces import Bars, Chart, Matrix, Pictures, Piece, Table, tally

WIDTH = 80
_LONGEST_CELL = 24
_SHORTEST_NAME = 8  # of a class, beside its row or above its column


def text(name: str, headline: str, note: str, pieces: Iterable[Piece]) -> str:
    """Return the headline, the note and the tables; charts are told by their numbers."""
    shown = filter(None, [_filled(note), *map(in_lines, pieces)])
    return "\n\n".join([_filled(f"{name}: {headline}"), *shown])


def _filled(paragraph: str) -> str:
    line = " ".join(paragraph.split())
    return textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def in_lines(piece: Piece) -> str:
    """Return a piece in lines, "" if it has none or they would be too long."""
    if isinstance(piece, Chart):
        return ""
    if isinstance(piece, (Bars, Pictures)):
        return in_lines(piece.table)
    table = _as_table(piece) if isinstance(piece, Matrix) else piece
    if table is None:
        return ""  # the most confused classes are told
    head = [table.title] if not table.text else [_filled(f"{table.title}. {table.text}")]
    return "\n".join([*head, *_lines(table)])


def _as_table(matrix: Matrix) -> Table | None:
    """Return a matrix as a table, its names cut as far as they must be; None if it is too wide."""
    for longest in range(_LONGEST_CELL, _SHORTEST_NAME - 1, -1):
        names = [printable(name, longest) for name in matrix.names]
        columns = [
            (name, *(tally(count) if count else "." for count in counts))
            for name, counts in zip(names, matrix.counts.T.tolist(), strict=True)
        ]
        room = WIDTH - sum(2 + max(map(len, column)) for column in columns)
        if room >= max(map(len, names)):
            break
    else:
        return None
    first = ("", *(printable(name, min(room, _LONGEST_CELL)) for name in matrix.names))
    header, *rows = zip(first, *columns, strict=True)
    return Table(matrix.title, header, tuple(rows), "l" + "r" * len(columns), matrix.text)


def _lines(table: Table) -> Iterator[str]:
    """Yield the lines of a table: as many columns as fit, and rows as are read."""
    body, sums = table.rows[: len(table.rows) - table.num_sums], table.rows[-table.num_sums :]
    sums = sums if table.num_sums else ()
    shown = body[: table.most_in_text]
    cells = [[_cell(text) for text in row] for row in (table.header, *shown, *sums)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    num_columns = len(widths)
    while num_columns > 1 and sum(widths[:num_columns]) + 2 * (num_columns - 1) > WIDTH:
        num_columns -= 1
    more = f"and {len(body) - len(shown):,} more"
    for place, row in enumerate(cells):
        if place == len(shown) + 1 and len(shown) < len(body):
            yield more
        yield _line(row[:num_columns], widths, table.alignments)
    if not sums and len(shown) < len(body):
        yield more
    if num_columns < len(widths):
        yield f"and {counted(len(widths) - num_columns, 'more column')}"


def _line(cells: Sequence[str], widths: Sequence[int], alignments: str) -> str:
    parts = [
        cell.rjust(width) if side == "r" else cell.ljust(width)
        for cell, width, side in zip(cells, widths, alignments, strict=False)
    ]
    return "  ".join(parts).rstrip()


def _cell(text: str) -> str:
    return printable(text, _LONGEST_CELL)
