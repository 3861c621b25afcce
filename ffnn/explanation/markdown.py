"""An explanation as Markdown and as the body of a LaTeX document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ffnn.core.expressions import to_latex
from ffnn.explanation.labels import heading_of, sections_of, signs_of
from ffnn.explanation.latex import set_arrays, set_formulas
from ffnn.explanation.number_format import write_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ffnn.explanation.labels import Head
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
_WIDE = 0xFF01 - ord("!")  # from an ASCII sign to the same one in the width of Chinese characters


def escape_latex(text: str) -> str:
    """Return a text in which no sign is a command of LaTeX."""
    return "".join(_LATEX_SPECIALS.get(sign, sign) for sign in text)


def escape_markdown(text: str) -> str:
    """Return a text in which no sign is markup of Markdown or HTML."""
    escaped = re.sub(r"[\\`*_\[\]#~|!]", r"\\\g<0>", text.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")


def code_span(text: str) -> str:
    """Return a text as code in Markdown, where all signs stand for themselves."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _quote_in_mathematics(text: str) -> str:
    """Return a text for mathematics in Markdown, which may read it before or after Markdown does.

    A backslash before a sign may be lost on the way, so other signs than letters are replaced.
    """
    kept = " -.(),…"
    return "".join(
        chr(ord(sign) + _WIDE)
        if "!" <= sign <= "~" and not sign.isalnum() and sign not in kept
        else sign
        for sign in text
    )


class _Dialect(NamedTuple):
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


_MARKDOWN = _Dialect(
    title="## %s",
    section="### %s",
    display="$$\n%s\n$$",
    sign="- $%s$: %s",
    between_signs="\n",
    text="%s",
    heading=lambda name, kind: f"#### {code_span(f'{name}: {kind}')}",
    name=code_span,
    escape=escape_markdown,
    quote=_quote_in_mathematics,
    row_end=r"\cr",  # Markdown may halve a double backslash
)
_LATEX = _Dialect(
    title=r"\section*{%s}",
    section=r"\subsection*{%s}",
    display="\\[\n%s\n\\]",
    sign=r"\noindent $%s$: %s",
    between_signs="\n\n",
    text=r"\noindent %s",
    heading=lambda name, kind: (
        rf"\subsubsection*{{\texttt{{{escape_latex(name)}}}: {escape_latex(kind)}}}"
    ),
    name=escape_latex,
    escape=escape_latex,
    quote=escape_latex,
    row_end=r"\\",
)


def write_markdown(head: Head, steps: Sequence[Step], precision: int) -> str:
    """Return an explanation as Markdown with mathematics between dollar signs."""
    return _write(head, steps, precision, _MARKDOWN)


def write_latex(head: Head, steps: Sequence[Step], precision: int) -> str:
    """Return an explanation as the body of a LaTeX document, which needs the package amsmath."""
    return _write(head, steps, precision, _LATEX)


def _write(head: Head, steps: Sequence[Step], precision: int, dialect: _Dialect) -> str:
    parts = [dialect.title % f"{head.title}, loss {write_number(head.loss, precision)}"]
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


def _mathematics(step: Step, precision: int, dialect: _Dialect) -> Iterator[str]:
    """Yield the displayed lines of a step: formulas, what is given, what comes out."""
    if step.formulas:
        yield set_formulas(step.formulas, dialect.row_end)
    for symbols in (step.given, step.results):
        arrays = {symbol: step.arrays[symbol] for symbol in symbols}
        yield from set_arrays(arrays, precision, dialect.row_end, dialect.quote)
