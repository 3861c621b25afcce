"""A page as a list of parts, written as Markdown or as HTML.

Texts are plain but for code between backticks; everything else in them is taken as it is.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE = """
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: white; color: #1a1a1a;
       font: 1rem/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #d9d9d9; vertical-align: top; }
th { text-align: left; } td.number { text-align: right; white-space: nowrap; }
img { max-width: 100%; height: auto; } figure { margin: 1rem 0; }
figcaption, summary { color: #555; font-size: 0.9rem; } summary { cursor: pointer; }
code { background: #f2f2f2; padding: 0.1em 0.25em; }
"""


class Heading(NamedTuple):
    """A title; level 1 is the page's."""

    text: str
    level: int = 2


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Bullets(NamedTuple):
    """A list of sentences."""

    texts: Sequence[str]


class Table(NamedTuple):
    """Cells in rows below a line of titles."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]


class Picture(NamedTuple):
    """An image file in the page's folder of pictures, and what it shows."""

    file: str
    caption: str


class Fold(NamedTuple):
    """Parts that are hidden until opened."""

    title: str
    parts: Sequence[Part]


Part = Heading | Text | Bullets | Table | Picture | Fold


def to_markdown(parts: Sequence[Part], pictures: str) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    parts : sequence of Part
        The page.
    pictures : str
        The folder of pictures, as seen from the page.
    """
    return "\n\n".join(_markdown(part, pictures) for part in parts) + "\n"


def _markdown(part: Part, pictures: str) -> str:
    match part:
        case Heading(text, level):
            return f"{'#' * level} {_escape_markdown(text)}"
        case Text(text):
            return _escape_markdown(text)
        case Bullets(texts):
            return "\n".join(f"- {_escape_markdown(text)}" for text in texts)
        case Table(titles, rows):
            numeric = _numeric_columns(part)
            rule = ["---:" if is_number else "---" for is_number in numeric]
            lines = [titles, rule, *rows]
            cells = [
                [_escape_markdown(cell).replace("|", "\\|") for cell in line] for line in lines
            ]
            return "\n".join(f"| {' | '.join(line)} |" for line in cells)
        case Picture(file, caption):
            return f"![{_escape_markdown(caption)}]({pictures}/{file})"
        case Fold(title, inner):
            content = to_markdown(inner, pictures)
            return f"<details>\n<summary>{html.escape(title)}</summary>\n\n{content}\n</details>"


def _escape_markdown(text: str) -> str:
    """Escape the special characters of a text outside backticks."""
    pieces = text.split("`")
    pieces[::2] = [
        re.sub(r"([*<\[\]]|(?<![\w])_|_(?![\w]))", r"\\\1", piece) for piece in pieces[::2]
    ]
    return "`".join(pieces)


def to_html(parts: Sequence[Part], pictures: str) -> str:
    """Return the page as HTML that needs nothing but its pictures.

    Parameters
    ----------
    parts : sequence of Part
        The page.
    pictures : str
        The folder of pictures, as seen from the page.
    """
    title = next(html.escape(part.text) for part in parts if isinstance(part, Heading))
    body = "\n".join(_html(part, pictures) for part in parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html(part: Part, pictures: str) -> str:
    match part:
        case Heading(text, level):
            return f"<h{level}>{_inline_html(text)}</h{level}>"
        case Text(text):
            return f"<p>{_inline_html(text)}</p>"
        case Bullets(texts):
            return f"<ul>{''.join(f'<li>{_inline_html(text)}</li>' for text in texts)}</ul>"
        case Table():
            return _html_table(part)
        case Picture(file, caption):
            shown = html.escape(caption)
            return (
                f'<figure><img src="{html.escape(pictures)}/{html.escape(file)}" alt="{shown}">'
                f"<figcaption>{shown}</figcaption></figure>"
            )
        case Fold(title, inner):
            content = "\n".join(_html(each, pictures) for each in inner)
            return f"<details><summary>{html.escape(title)}</summary>\n{content}\n</details>"


def _html_table(table: Table) -> str:
    numeric = _numeric_columns(table)
    head = "".join(f"<th>{_inline_html(title)}</th>" for title in table.titles)
    lines = [
        "".join(
            f"<td{' class=number' if is_number else ''}>{_inline_html(cell)}</td>"
            for cell, is_number in zip(row, numeric, strict=True)
        )
        for row in table.rows
    ]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{body}\n</table></div>'


def _numeric_columns(table: Table) -> list[bool]:
    """Tell which columns hold numbers or dashes; the first column holds names."""
    numbers = re.compile(r"[<+−-]?[\d.,]+( ± .*)?|–")
    columns = list(zip(*table.rows, strict=True))
    return [False, *(all(numbers.fullmatch(cell) for cell in each) for each in columns[1:])]


def _inline_html(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
