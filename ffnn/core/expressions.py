"""Mathematical expressions as strings in the signs of this package: their LaTeX and their values.

Expressions are those of whole batches: x, y and their gradients have a row for each example. A
string such as ``"max(x, 0)"``, ``"δᵀ x"`` or ``"μ v - η g"`` may consist of

- factors side by side: the matrix product of two matrices, else the product with a number;
- ``∘`` and ``/``, entry by entry, which join factors side by side; ``1/n``, without spaces, is one
  of these;
- ``Σ``, ``Σ_rows``, ``Σ_units``, which reach as far as the next + or -; ``mean(…)`` and, over rows
  or units alone, ``mean_rows(…)``, ``max_units(…)`` and so on;
- ``ᵀ ² ³ ᵗ ^ √``, ``max(a, b)``, ``min(a, b)``, ``log``, ``tanh``, ``cos``, ``sin``, ``erf``,
  ``sign``, ``e^x``, π;
- ``join(a, b)``, columns side by side, ``head(a)``, the first of them, ``tail(a)``, the others;
- ``|a|``, the norm ``‖a‖``, ``⌊a⌋``, and ``[a > b]``, which is 1 where it holds, else 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from ffnn.core.operations import erf

NAME = r"[a-zA-Zα-ωℓΣ][a-zA-Z0-9_]*\u0302?[₀-₉]?"
_SYMBOL = rf"∂{NAME}/∂{NAME}|{NAME}"
_TAKEN = re.compile(rf"(?:{_SYMBOL})(?![a-zA-Z0-9_\u0302₀-₉(])")
_OPERAND = re.compile(rf"{_SYMBOL}|\d+(?:\.\d+)?|√")
_TOKEN = re.compile(rf"( *)({_OPERAND.pattern}|\S)")
_EXPONENTS = str.maketrans({"²": "^2", "³": "^3", "ᵗ": "^t"})


class Expression(NamedTuple):
    """An expression: its LaTeX without parentheses around it, and the function of its value.

    The function takes the values of the symbols by their names.
    """

    bare: str
    value: Callable[[Mapping[str, Any]], Any]
    is_enclosed: bool = False

    @property
    def latex(self) -> str:
        """Its LaTeX, with the parentheses that it stands in."""
        return _enclose("(", self.bare, ")") if self.is_enclosed else self.bare


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Return an expression; if it cannot be read, raise ValueError and say where."""
    reader = _Reader(text)
    expression = reader.read(0)
    reader.expect(not reader.next, "a sign")
    return expression


def to_latex(text: str) -> str:
    """Return an expression, or one of the signs in it, in LaTeX's mathematics."""
    is_sign = text in _LATEX or text in _SIGNS or text in _FUNCTIONS
    return _set(text) if is_sign else parse(text).latex


def find_symbols(text: str) -> list[str]:
    """Return the symbols of an expression that have no value of their own, each once."""
    known = {*_CONSTANTS, *_FUNCTIONS}
    found = dict.fromkeys(_TAKEN.findall(text.translate(_EXPONENTS)))
    return [name for name in found if name not in known]


# -- reading ---------------------------------------------------------------------------------------


class _Reader:
    """A reader by precedence: a sign of a higher rank binds what is beside it first."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = _TOKEN.finditer(text.translate(_EXPONENTS))
        self.tokens = [*((match[2], not match[1]) for match in found), ("", False)]
        self.closing = ""  # what ends the innermost bracket

    @property
    def next(self) -> str:
        return self.tokens[0][0]

    def take(self) -> str:
        return self.tokens.pop(0)[0]

    def expect(self, is_right: bool, wanted: str) -> str:
        """Take the next token if it is what is wanted."""
        if not is_right:
            got = repr(self.next) if self.next else "the end"
            raise ValueError(f"formula {self.text!r}: expected {wanted}, got {got}")
        return self.take()

    def read(self, rank: int) -> Expression:
        """Read on as long as signs are of a higher rank."""
        left = self.operand(rank)
        while (higher := _SIGNS[sign := self.sign()][0]) > rank:
            if sign != " ":
                self.take()
            left = _transpose(left) if sign == "ᵀ" else _join(left, sign, self.read(higher))
        return left

    def sign(self) -> str:
        """Return the sign that is next: a space between factors side by side, nothing at an end."""
        if self.next in _SIGNS:
            return "//" if self.tokens[0] == ("/", True) else self.next
        return " " if self.begins_operand() and self.next != self.closing else ""

    def begins_operand(self) -> bool:
        return self.next in _BRACKETS or _OPERAND.fullmatch(self.next) is not None

    def operand(self, rank: int) -> Expression:
        """Read a number, a symbol, a function of something, or what stands in brackets."""
        is_right = self.next == "-" or self.begins_operand()
        name = self.expect(is_right, "a symbol or a number")
        if name == "-":
            inner = self.read(max(rank, _SIGNS["-"][0]))
            return Expression(f"-{inner.latex}", lambda arrays: -inner.value(arrays))
        if name in _BRACKETS:
            return _group(name, self.until(_BRACKETS[name][0])[0])
        if self.tokens[0] == ("(", True):
            self.take()
            return _call(name, self.until(")", ","), is_enclosed=True)
        if name in _FUNCTIONS:
            reach = _SIGNS["-" if name.startswith("Σ") else "^"][0]
            return _call(name, [self.read(reach)])
        return Expression(_set(name), partial(_look_up, name))

    def until(self, closing: str, separator: str | None = None) -> list[Expression]:
        """Read an expression, or several, and the end of their bracket."""
        outer, self.closing = self.closing, closing
        found = [self.read(0)]
        while self.next == separator:
            self.take()
            found.append(self.read(0))
        self.closing = outer
        self.expect(self.next == closing, repr(closing))
        return found


# -- what an expression is made of -----------------------------------------------------------------


def _look_up(name: str, arrays: Mapping[str, Any]) -> Any:
    if name in arrays:
        return np.asarray(arrays[name])
    return float(name) if name[0].isdigit() else _CONSTANTS[name]


def _call(name: str, arguments: Sequence[Expression], is_enclosed: bool = False) -> Expression:
    inside = ", ".join(argument.latex for argument in arguments)
    latex = _set(name) + (_enclose("(", inside, ")") if is_enclosed else f" {inside}")
    if name == "√":
        latex = rf"\sqrt{{{arguments[0].bare}}}"

    def value(arrays: Mapping[str, Any]) -> Any:
        function = _FUNCTIONS.get(name) or arrays[name]
        return function(*(argument.value(arrays) for argument in arguments))

    return Expression(latex, value)


def _group(left: str, inner: Expression) -> Expression:
    right, function = _BRACKETS[left]
    latex = inner.latex if left == "(" else _enclose(left, inner.latex, right)
    return Expression(latex, lambda arrays: function(inner.value(arrays)), left == "(")


def _join(left: Expression, sign: str, right: Expression) -> Expression:
    between = {" ": " ", "//": " / "}.get(sign, f" {_set(sign)} ")
    latex = left.latex + between + right.latex
    if sign == "^":
        latex = left.latex + (f"^{right.bare}" if len(right.bare) == 1 else f"^{{{right.bare}}}")
    elif "/" in sign and r"\frac" not in latex:
        latex = rf"\frac{{{left.bare}}}{{{right.bare}}}"
    function = _SIGNS[sign][1]
    return Expression(latex, lambda arrays: function(left.value(arrays), right.value(arrays)))


def _transpose(inner: Expression) -> Expression:
    return Expression(rf"{inner.latex}^\top", lambda arrays: inner.value(arrays).T)


def _multiply(a: Any, b: Any) -> Any:
    if np.ndim(a) == 2 == np.ndim(b):
        return a @ b
    if np.ndim(a) and np.ndim(b):
        raise ValueError("arrays side by side must be matrices; write ∘ to multiply their entries")
    return a * b


def _set(name: str) -> str:
    """Return a sign, a symbol, a number or a function's name in LaTeX; words are upright."""
    above, _, below = name.partition("/∂")
    if below:
        return rf"\frac{{\partial {_set(above[1:])}}}{{\partial {_set(below)}}}"
    if name in _LATEX or len(name) == 1 or name[0].isdigit():
        return _LATEX.get(name, name)
    if name[-1] == "\u0302":
        return rf"\hat{{{_set(name[:-1])}}}"
    if name[-1] in _BELOW:
        return f"{_set(name[:-1])}_{_BELOW.index(name[-1])}"
    word, _, over = name.partition("_")
    if name in _FUNCTIONS and over:
        over = rf"{{\mathrm{{{over}}}}}"
        return rf"\sum_{over}" if word == "Σ" else rf"\underset{over}{{{_set(word)}}}"
    return rf"\text{{{name.replace('_', ' ')}}}" if over else rf"\mathrm{{{name}}}"


def _enclose(left: str, latex: str, right: str) -> str:
    """Return LaTeX in brackets that are as high as it is."""
    left, right = _set(left), _set(right)
    if r"\frac" in latex:
        left, right = rf"\left{left}", rf"\right{right}"
    return left + " " * left[-1].isalpha() + latex + right


# -- the signs -------------------------------------------------------------------------------------

_SIGNS: Mapping[str, tuple[int, Callable[[Any, Any], Any]]] = {  # rank and meaning
    "": (0, np.add),
    ">": (1, np.greater),
    "<": (1, np.less),
    "≤": (1, np.less_equal),
    "≥": (1, np.greater_equal),
    "=": (1, np.equal),
    "+": (2, np.add),
    "-": (2, np.subtract),
    "·": (3, np.multiply),
    "∘": (4, np.multiply),
    "/": (4, np.divide),
    " ": (5, _multiply),
    "//": (6, np.divide),  # which is a / without spaces
    "^": (7, np.power),
    "ᵀ": (7, np.matmul),
}
_REDUCTIONS: Mapping[str, Callable[..., Any]] = {"Σ": np.sum, "mean": np.mean, "max": np.max}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_REDUCTIONS,
    **{f"{name}_rows": partial(function, axis=0) for name, function in _REDUCTIONS.items()},
    **{
        f"{name}_units": partial(function, axis=1, keepdims=True)
        for name, function in _REDUCTIONS.items()
    },
    "max": np.maximum,
    "min": np.minimum,
    "√": np.sqrt,
    "log": np.log,
    "tanh": np.tanh,
    "cos": np.cos,
    "sin": np.sin,
    "erf": erf,
    "join": lambda a, b: np.concatenate([a, b], axis=1),
    "head": lambda a: a[:, :1],
    "tail": lambda a: a[:, 1:],
    "sign": np.sign,
}
_BRACKETS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "(": (")", np.asarray),
    "[": ("]", np.float64),
    "|": ("|", np.abs),
    "‖": ("‖", np.linalg.norm),
    "⌊": ("⌋", np.floor),
}
_CONSTANTS = {"e": math.e, "π": math.pi}
_BELOW = "₀₁₂₃₄₅₆₇₈₉"
_GREEK = "α β γ δ ε ζ η θ ι κ λ μ ν ξ π ρ σ τ υ φ χ ψ ω"
_WORDS = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon varphi chi psi omega"
)
_LATEX = {
    **{letter: rf"\{word}" for letter, word in zip(_GREEK.split(), _WORDS.split(), strict=True)},
    **{name: rf"\{name}" for name in ("max", "min", "log", "tanh", "cos", "sin")},
    "erf": r"\mathrm{erf}",
    "ℓ": r"\ell",
    "Σ": r"\sum",
    "∘": r"\odot",
    "·": r"\cdot",
    "←": r"\leftarrow",
    "~": r"\sim",
    "≤": r"\leq",
    "≥": r"\geq",
    "‖": r"\Vert",
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
}
