"""A report as text of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from ffnn.core.text import counted, printable
from ffnn.reports.pieces import Chart, Matrix, Pictures, Piece, Table

WIDTH = 80
_LONGEST_CELL = 24


def text(headline: str, pieces: Iterable[Piece]) -> str:
    """Return the headline and the tables; what charts show is told by their numbers."""
    shown = filter(None, map(_show, pieces))
    return "\n\n".join([_filled(f"Report: {headline}"), *shown])


def _filled(paragraph: str) -> str:
    line = " ".join(paragraph.split())
    return textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _show(piece: Piece) -> str:
    """Return a piece in lines, "" if it has none."""
    if isinstance(piece, Chart):
        return ""
    if isinstance(piece, Pictures):
        return _show(piece.table)
    table = _as_table(piece) if isinstance(piece, Matrix) else piece
    lines = list(_lines(table))
    if isinstance(piece, Matrix) and max(map(len, lines)) > WIDTH:
        return ""  # the most confused classes are told
    head = [table.title] if not table.text else [_filled(f"{table.title}. {table.text}")]
    return "\n".join([*head, *lines])


def _as_table(matrix: Matrix) -> Table:
    names = tuple(printable(name, 8) for name in matrix.names)
    rows = tuple(
        (printable(name, _LONGEST_CELL), *(f"{count:,}" if count else "." for count in counts))
        for name, counts in zip(matrix.names, matrix.counts.tolist(), strict=True)
    )
    return Table(matrix.title, ("", *names), rows, "l" + "r" * len(names), matrix.text)


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
