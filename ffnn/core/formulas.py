"""Formulas in plain text and in LaTeX."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKENS = {
    "∘": r"\odot",
    "Σ_rows": r"\sum_{\mathrm{rows}}",
    "Σ_units": r"\sum_{\mathrm{units}}",
    "Σ": r"\sum",
    "mean_rows": r"\underset{\mathrm{rows}}{\mathrm{mean}}",
    "mean_units": r"\underset{\mathrm{units}}{\mathrm{mean}}",
    "_new": r"^{\mathrm{new}}",
    "x̂": r"\hat{x}",
    "ᵀ": r"^\top",
    "ᵗ": "^t",
    "²": "^2",
    "³": "^3",
    "₁": "_1",
    "₂": "_2",
    "·": r"\cdot",
    "←": r"\leftarrow",
    "≤": r"\leq",
    "‖": r"\Vert",
    "max(": r"\max(",
    "min(": r"\min(",
    "tanh(": r"\tanh(",
    "log": r"\log",
    "sign(": r"\mathrm{sign}(",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "θ": r"\theta",
    "λ": r"\lambda",
    "μ": r"\mu",
    "π": r"\pi",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "ℓ": r"\ell",
}
_TOKEN = re.compile("|".join(map(re.escape, _TOKENS)))
_DERIVATIVE = re.compile(r"∂(\w)/∂([\w@%])")


def to_tex(text: str) -> str:
    """Return a formula in LaTeX's mathematics.

    Parameters
    ----------
    text : str
        Plain text in this package's signs; what is LaTeX already stays as it is.
    """
    text = _DERIVATIVE.sub(r"\\frac{\\partial \1}{\\partial \2}", text)
    return _tidy(_TOKEN.sub(lambda match: f"{_TOKENS[match[0]]} ", text))


def _tidy(latex: str) -> str:
    """Leave out the spaces that are not needed; one that ends a command is."""
    return re.sub(r" +", " ", re.sub(r" +(?=[_^)}|,])|(?<=[(^]) +", "", latex)).strip()


class Formula(NamedTuple):
    """An equation, or what an update does.

    Attributes
    ----------
    symbol : str
        What it gives, such as ``"z"`` or ``"∂L/∂W"``.
    text : str
        The whole formula as plain text, such as ``"z = x Wᵀ + b"``.
    latex : str
        The whole formula in LaTeX's mathematics.
    """

    symbol: str
    text: str
    latex: str

    def fill(self, at: str = "@", percent: str = "%") -> Formula:
        """Return the formula with ``@`` and ``%`` replaced."""
        symbol, text = (s.replace("@", at).replace("%", percent) for s in self[:2])
        latex = self.latex.replace("@", f"{to_tex(at)} ").replace("%", f"{to_tex(percent)} ")
        return Formula(symbol, text, _tidy(latex))


def equation(symbol: str, right: str, latex: str | None = None) -> Formula:
    """Return a formula.

    Parameters
    ----------
    symbol : str
        Its left side.
    right : str
        Its right side.
    latex : str, optional
        The right side where LaTeX is not `right` sign by sign: with fractions, roots, exponents.
    """
    return _formula(symbol, "=", right, latex)


def assignment(symbol: str, right: str, latex: str | None = None) -> Formula:
    """Return the formula of an update, in which `symbol` stands for its value before and after.

    Parameters
    ----------
    symbol : str
        Its left side.
    right : str
        Its right side.
    latex : str, optional
        The right side where LaTeX is not `right` sign by sign.
    """
    return _formula(symbol, "←", right, latex)


def _formula(symbol: str, sign: str, right: str, latex: str | None) -> Formula:
    text = f"{symbol} {sign} {right}"
    return Formula(symbol, text, to_tex(text if latex is None else f"{symbol} {sign} {latex}"))
