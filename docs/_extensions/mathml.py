"""Formulas as MathML, which browsers set themselves: no script, no font, nothing to download."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import SphinxError

_FUNCTION = re.compile(r"(<mi>(?:log|exp|sin|cos|tanh|sinh|cosh|erf|sign)</mi>)(?!\s*<mo)")


def to_mathml(latex, *, is_block):
    """Return LaTeX as MathML, or raise SphinxError if some of it is not known."""
    try:
        written = tex2mathml(latex, as_block=is_block)
    except MathError as error:
        raise SphinxError(f"formula {latex!r}: {error}") from None
    written = _FUNCTION.sub(r'\1<mspace width="0.17em"/>', written)
    return written.replace("<mo>|</mo>", '<mo stretchy="false" lspace="0" rspace="0">|</mo>')


def visit_inline(translator, node):
    """Write a formula in a line."""
    translator.body.append(to_mathml(node.astext(), is_block=False))
    raise nodes.SkipNode


def visit_block(translator, node):
    """Write a formula of its own; a wide one scrolls by itself, so that the page need not."""
    formula = to_mathml(node.astext(), is_block=True)
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Make MathML the way in which HTML shows mathematics."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
