"""Pieces of what notebooks show: a heading with lines, tables, and pictures, as HTML.

The pictures are SVG inside the page. Text and lines take the colour of the text around them, so
both light and dark notebooks can be read. Every string of the user is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from ffnn.core.text import shorten
from ffnn.errors import visible

_MAX_ROWS = 30


def escape(text: str) -> str:
    """Return a text as HTML that shows it, what cannot be printed as an escape."""
    return html.escape(visible(text))


def block(title: str, lines: Iterable[str], content: str) -> str:
    """Return a ``div`` that stands alone: a heading, lines of text, and HTML that follows them."""
    head = "".join(f"<div>{escape(line)}</div>" for line in lines)
    return f"<div><b>{escape(title)}</b>{head}{content}</div>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], alignments: str) -> str:
    """Return a table of texts; `alignments` has an "l" or "r" for each column.

    The middle of a long table is left out.
    """
    sides = ["left" if letter == "l" else "right" for letter in alignments]

    def line(cells: Sequence[str], tag: str) -> str:
        inner = "".join(
            f'<{tag} style="text-align:{side};padding:2px 8px">{cell}</{tag}>'
            for cell, side in zip([escape(shorten(c, 100)) for c in cells], sides, strict=True)
        )
        return f"<tr>{inner}</tr>"

    body = [line(row, "td") for row in rows]
    if len(body) > _MAX_ROWS:
        hidden = len(body) - _MAX_ROWS
        fold = f'<tr><td colspan="{len(sides)}">… {hidden:,} more …</td></tr>'
        body[_MAX_ROWS - 5 : -5] = [fold]
    head = line(header, "th")
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def svg(width: float, height: float, label: str, content: Iterable[str]) -> str:
    """Return a picture, sized in pixels, of SVG elements."""
    return (
        f'<svg width="{width:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}" style="max-width:100%;margin:6px 12px 0 0" '
        f'fill="currentColor" font-family="sans-serif" font-size="11">{"".join(content)}</svg>'
    )


def svg_text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    """Return an SVG element that writes a text."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
