"""An explanation as Markdown and as the body of a LaTeX document."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ffnn.core.expressions import to_latex
from ffnn.explanation.labels import Head, heading_of, sections_of, signs_of
from ffnn.explanation.latex import set_arrays, set_formulas
from ffnn.explanation.number_format import write_number
from ffnn.explanation.steps import Step

_LATEX_SPECIALS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "#$%&_{}"},
}
_MARKDOWN_SPECIALS = {
    **{sign: f"\\{sign}" for sign in r"\`*_[]#~|!"},
    **{sign: f"&#{ord(sign)};" for sign in "&<>$"},
}
# Mathematics in Markdown may be read before or after Markdown is: a backslash before a sign may be
# lost on the way, so signs are written in the width of Chinese characters instead.
_WIDE_SIGNS = {
    sign: chr(ord(sign) + 0xFF01 - ord("!")) for sign in string.punctuation if sign not in "-.(),"
}


def _code_span(text: str) -> str:
    """Return a text as code in Markdown, where all signs stand for themselves."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _replacing(signs: Mapping[str, str]) -> Callable[[str], str]:
    table = str.maketrans(dict(signs))
    return lambda text: text.translate(table)


_escape_latex = _replacing(_LATEX_SPECIALS)


class Dialect(NamedTuple):
    """A kind of document: templates, and how texts that may be the user's get into it."""

    title: str
    section: str
    display: str  # of mathematics
    sign: str  # and its meaning
    between_signs: str
    text: str
    heading: Callable[[str, str], str]  # of a step's name and kind
    name: Callable[[str], str]  # of a column
    escape: Callable[[str], str]  # of a note
    quote: Callable[[str], str]  # of text in mathematics
    row_end: str  # of a matrix


MARKDOWN = Dialect(
    title="## %s",
    section="### %s",
    display="$$\n%s\n$$",
    sign="- $%s$: %s",
    between_signs="\n",
    text="%s",
    heading=lambda name, kind: f"#### {_code_span(f'{name}: {kind}')}",
    name=_code_span,
    escape=_replacing(_MARKDOWN_SPECIALS),
    quote=_replacing(_WIDE_SIGNS),
    row_end=r"\cr",  # Markdown may halve a double backslash
)
LATEX = Dialect(
    title=r"\section*{%s}",
    section=r"\subsection*{%s}",
    display="\\[\n%s\n\\]",
    sign=r"\noindent $%s$: %s",
    between_signs="\n\n",
    text=r"\noindent %s",
    heading=lambda name, kind: (
        rf"\subsubsection*{{\texttt{{{_escape_latex(name)}}}: {_escape_latex(kind)}}}"
    ),
    name=_escape_latex,
    escape=_escape_latex,
    quote=_escape_latex,
    row_end=r"\\",
)


def write_document(head: Head, steps: Sequence[Step], precision: int, dialect: Dialect) -> str:
    """Return an explanation as Markdown or as the body of a LaTeX document."""
    title = f"{head.title}, loss {write_number(head.loss, precision)}"
    parts = [dialect.title % dialect.escape(title)]
    for what, names in head.numbered():
        parts.append(dialect.text % f"{what}: {', '.join(map(dialect.name, names))}")
    signs = [dialect.sign % (to_latex(sign), word) for sign, word in signs_of(steps).items()]
    parts += [dialect.between_signs.join(signs)] if signs else []
    for heading, members in sections_of(steps):
        parts.append(dialect.section % heading)
        for step in members:
            parts.append(dialect.heading(*heading_of(step)))
            parts += [dialect.display % line for line in _mathematics(step, precision, dialect)]
            parts += [dialect.text % dialect.escape(step.note)] if step.note else []
    return "\n\n".join(parts) + "\n"


def _mathematics(step: Step, precision: int, dialect: Dialect) -> Iterator[str]:
    """Yield the displayed lines of a step: formulas, what is given, what comes out."""
    if step.formulas:
        yield set_formulas(step.formulas, dialect.row_end)
    for symbols in (step.given, step.results):
        yield from set_arrays(step, symbols, precision, dialect.row_end, dialect.quote)


def stand_alone(body: str) -> str:
    """Return a LaTeX document with this body, which any engine compiles without warnings of signs.

    A sign that pdfTeX's fonts lack becomes its number there.
    """
    rare = sorted({sign for sign in body if not sign.isascii()})
    lines = [r"\documentclass{article}", r"\usepackage{amsmath}"]
    if rare:
        lines += [
            r"\newcommand{\numbered}[2]{\ifcsname u8:\detokenize{#1}\endcsname\else"
            r"\DeclareUnicodeCharacter{#2}{U+#2}\fi}",
            r"\ifdefined\pdftexversion",
            *(rf"\numbered{{{sign}}}{{{ord(sign):04X}}}" for sign in rare),
            r"\fi",
        ]
    return "\n".join([*lines, r"\begin{document}", "", body + r"\end{document}", ""])
