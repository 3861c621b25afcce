"""A report as HTML: a page of its own, or a part of a notebook.

There is no script, and nothing is loaded. Every text that may come out of a file is escaped. The
part takes its colours from the page around it.
"""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterable, Sequence
from importlib import resources

from ffnn._types import Array
from ffnn.charts.html import escape
from ffnn.core.text import shorten
from ffnn.reports.pieces import Bars, Chart, Matrix, Pictures, Piece, Table
from ffnn.reports.svg import draw, draw_bars

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LONGEST_CELL = 60
_LONGEST_NAME = 24
_DEEPEST = 0.5  # opacity of a matrix's fullest cell, on which text can still be read


def page(title: str, headline: str, note: str, pieces: Iterable[Piece]) -> str:
    """Return a report as a page."""
    style = _read("page.css") + _read("report.css")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<main class="ffnn-report">\n<h1>{escape(title)}</h1>\n'
        f"{_content(headline, note, pieces)}</main>\n"
        "</body>\n</html>\n"
    )


def notebook_html(headline: str, note: str, pieces: Iterable[Piece]) -> str:
    """Return a report as a part of a page."""
    style = _read("report.css")
    return (
        f'<style>{style}</style><div class="ffnn-report">{_content(headline, note, pieces)}</div>'
    )


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _content(headline: str, note: str, pieces: Iterable[Piece]) -> str:
    """Return the pieces side by side where there is room; charts have rows of their own."""
    groups = itertools.groupby(pieces, key=lambda piece: isinstance(piece, (Bars, Chart)))
    shown = (f'<div class="pieces">{"".join(map(_section, group))}</div>\n' for _, group in groups)
    head = f"<p>{escape(headline[0].upper() + headline[1:])}</p>\n"
    head += f'<p class="quiet">{escape(note)}</p>\n' if note else ""
    return f"{head}{''.join(shown)}"


def _section(piece: Piece) -> str:
    """Return a piece under its heading."""
    title = f"<h2>{escape(piece.title)}</h2>"
    if isinstance(piece, (Bars, Chart)):
        note = f"<figcaption>{escape(piece.text)}</figcaption>" if piece.text else ""
        drawn = draw(piece) if isinstance(piece, Chart) else draw_bars(piece)
        return f"<figure>{title}{drawn}{note}</figure>\n"
    text = f'<p class="quiet">{escape(piece.text)}</p>' if piece.text else ""
    if isinstance(piece, Pictures):
        return f"<section>{title}{text}{_pictures(piece)}</section>\n"
    table = _matrix(piece) if isinstance(piece, Matrix) else _table(piece)
    box = f'<div class="box" role="region" tabindex="0" aria-label="{escape(piece.title)}">'
    return f"<section>{title}{text}{box}{table}</div></section>\n"


def _table(table: Table) -> str:
    """Return a table whose last rows may be sums."""
    head = "".join(map(_head, table.header, table.alignments))
    split = len(table.rows) - table.num_sums
    body = "".join(_row(row, table.alignments) for row in table.rows[:split])
    sums = "".join(_row(row, table.alignments, ' class="sum"') for row in table.rows[split:])
    foot = f"<tfoot>{sums}</tfoot>" if sums else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table>"


def _head(text: str, side: str) -> str:
    """Return the head of a column; one without a text is no head for a screen reader."""
    return _cell("th", text, side, ' scope="col"') if text else _cell("td", text, side)


def _row(cells: Sequence[str], sides: str, more: str = "") -> str:
    inner = "".join(_cell("td", cell, side) for cell, side in zip(cells, sides, strict=True))
    return f"<tr{more}>{inner}</tr>"


def _cell(tag: str, text: str, side: str, more: str = "") -> str:
    right = " class=r" if side == "r" else ""
    return f"<{tag}{right}{more}>{escape(shorten(text, _LONGEST_CELL))}</{tag}>"


def _matrix(matrix: Matrix) -> str:
    """Return counts on blue where right and on orange where wrong, deeper for larger shares."""
    names = [escape(shorten(name, _LONGEST_NAME)) for name in matrix.names]
    turned = ' class="turned"' if max(map(len, matrix.names)) > 5 else ""
    head = "".join(f'<th scope="col"{turned}><span>{name}</span></th>' for name in names)
    rows = []
    for true, name in enumerate(names):
        cells = "".join(_count(matrix, true, predicted) for predicted in range(len(names)))
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        f'<table class="matrix"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _count(matrix: Matrix, true: int, predicted: int) -> str:
    count = int(matrix.counts[true, predicted])
    if not count:
        return "<td></td>"
    colour = "0,114,178" if true == predicted else "213,94,0"
    depth = 0.08 + (_DEEPEST - 0.08) * float(matrix.shares[true, predicted])
    return f'<td style="background:rgba({colour},{depth:.2f})">{count:,}</td>'


def _pictures(pictures: Pictures) -> str:
    low, high = float(pictures.images.min()), float(pictures.images.max())
    items = (
        f'<li><img src="{_picture(image, low, high)}" alt="">{escape(caption)}</li>'
        for image, caption in zip(pictures.images, pictures.captions, strict=True)
    )
    return f'<ul class="pictures">{"".join(items)}</ul>'


def _picture(image: Array, low: float, high: float) -> str:
    """Return a picture, black at `low` and white at `high`, as a PNG in the page."""
    from matplotlib.image import imsave

    content = io.BytesIO()
    imsave(content, image, vmin=low, vmax=high, cmap="gray", format="png")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
