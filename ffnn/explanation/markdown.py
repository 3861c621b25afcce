"""An explanation as Markdown and as the body of a LaTeX document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ffnn.explanation.labels import heading_of, names_of, sections_of, signs_of, title_of
from ffnn.explanation.latex import Dialect, set_arrays, set_formulas
from ffnn.explanation.number_format import write_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn.explanation.explanation import Explanation
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


_LATEX = Dialect(r"\\", escape_latex)
_MARKDOWN = Dialect(r"\cr", _quote_in_mathematics)  # Markdown may halve a double backslash


def write_markdown(explanation: Explanation, precision: int) -> str:
    """Return an explanation as Markdown with mathematics between dollar signs.

    Parameters
    ----------
    explanation : Explanation
        What to write.
    precision : int
        Significant digits.
    """
    loss = write_number(explanation.loss, precision)
    parts = [f"## {title_of(explanation)}, loss {loss}"]
    parts += [
        f"{what}: {', '.join(map(code_span, names))}" for what, names in names_of(explanation)
    ]
    signs = [f"- ${sign.latex}$: {sign.meaning}" for sign in signs_of(explanation)]
    parts += ["\n".join(signs)] if signs else []
    for heading, steps in sections_of(explanation):
        parts.append(f"### {heading}")
        for step in steps:
            parts.append(f"#### {code_span(': '.join(heading_of(step)))}")
            parts += [f"$$\n{line}\n$$" for line in _mathematics(step, precision, _MARKDOWN)]
            parts += [escape_markdown(step.note)] if step.note else []
    return "\n\n".join(parts) + "\n"


def write_latex(explanation: Explanation, precision: int) -> str:
    """Return an explanation as the body of a LaTeX document, which needs the package amsmath.

    Parameters
    ----------
    explanation : Explanation
        What to write.
    precision : int
        Significant digits.
    """
    loss = write_number(explanation.loss, precision)
    parts = [rf"\section*{{{title_of(explanation)}, loss {loss}}}"]
    for what, names in names_of(explanation):
        parts.append(rf"\noindent {what}: {', '.join(map(escape_latex, names))}")
    signs = [rf"\noindent ${sign.latex}$: {sign.meaning}" for sign in signs_of(explanation)]
    parts += signs
    for heading, steps in sections_of(explanation):
        parts.append(rf"\subsection*{{{heading}}}")
        for step in steps:
            name, kind = map(escape_latex, heading_of(step))
            parts.append(rf"\subsubsection*{{\texttt{{{name}}}: {kind}}}")
            parts += [f"\\[\n{line}\n\\]" for line in _mathematics(step, precision, _LATEX)]
            parts += [rf"\noindent {escape_latex(step.note)}"] if step.note else []
    return "\n\n".join(parts) + "\n"


def _mathematics(step: Step, precision: int, dialect: Dialect) -> Iterator[str]:
    """Yield the displayed lines of a step: formulas, what is given, what comes out."""
    if step.formulas:
        yield set_formulas(step.formulas, dialect)
    for symbols in (step.given, step.results):
        yield from set_arrays({s: step.arrays[s] for s in symbols}, precision, dialect)
