"""Formulas: each is written once, as a string, and read as text, as LaTeX and as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.expressions import NAME, find_symbols, parse, to_latex

_FORMULA = re.compile(r"(\S+) ([=←~]) (.+?)(?: if (.+?))?(?: with (.+))?")


@dataclass(frozen=True)
class Formulas:
    """The mathematics of a part; its class has it as ``formulas``.

    Attributes
    ----------
    forward, backward, update : tuple of str
        The formulas of each pass, in the order of computation.
    where : mapping of str to str
        Symbol → the part's attribute, of constants and of what it keeps; an entry of a mapping is
        written as ``"state.moving_mean"``, an attribute of a part of it as ``"activation.alpha"``.
    note : str
        A remark in words.
    scale : mapping of str to str
        Symbol → the factor by which what is kept has to be multiplied, as an expression.

    Examples
    --------
    >>> from ffnn.activations import ReLU
    >>> ReLU.formulas.forward, ReLU.formulas.backward
    (('y = max(x, 0)',), ('∂L/∂x = ∂L/∂y ∘ [x > 0]',))
    """

    forward: tuple[str, ...] = ()
    backward: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Formula:
    """An equation, an update, or a distribution that numbers are drawn from.

    Its text is a symbol, then ``=``, ``←`` or ``~``, and an expression (see
    `ffnn.core.expressions`), such as in ``"y = max(x, 0)"``. ``if a > b`` may follow, without which
    nothing changes, and ``with a = … and b = …``. ValueError is raised when a text that cannot be
    read is used.

    Examples
    --------
    >>> from ffnn.explanation import Formula
    >>> float(Formula("y = max(x, 0)").evaluate({"x": -2.0}))
    0.0
    """

    text: str

    @property
    def symbol(self) -> str:
        """What it gives, such as ``"z"`` or ``"∂L/∂W"``."""
        return self._parts[0]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it takes, such as ``("x", "W", "b")``."""
        _, _, right, condition, definitions = self._parts
        found = find_symbols(" ".join([right, condition, *definitions.values()]))
        return tuple(symbol for symbol in found if symbol not in definitions)

    @property
    def latex(self) -> str:
        """The whole formula in LaTeX's mathematics."""
        symbol, relation, right, condition, definitions = self._parts
        written = f"{to_latex(symbol)} {to_latex(relation)} {to_latex(right)}"
        ends = [("if", condition)] if condition else []
        for index, (name, text) in enumerate(definitions.items()):
            ends.append(("and" if index else "with", f"{name} = {text}"))
        return written + "".join(
            rf" \quad\mathrm{{{word}}} \quad {to_latex(text)}" for word, text in ends
        )

    def evaluate(self, arrays: Mapping[str, Any]) -> Array:
        """Return the value of the right side, given those of `symbols`.

        With an "if", the value of `symbol` is needed too.
        """
        _, _, right, condition, definitions = self._parts
        known = dict(arrays)
        for name, text in definitions.items():
            known[name] = parse(text).value(known)
        value = np.asarray(parse(right).value(known))
        if condition:
            value = np.where(parse(condition).value(known), value, known[self.symbol])
        return value

    def rename(self, names: Mapping[str, str]) -> Formula:
        """Return the formula with other names for some of its symbols."""
        return Formula(re.sub(NAME, lambda match: names.get(match[0], match[0]), self.text))

    def without(self, factor: str) -> Formula:
        """Return the formula without a symbol that stands before ``∘``."""
        return Formula(re.sub(rf"(?<!\w){factor} ∘ ", "", self.text))

    @cached_property
    def _parts(self) -> tuple[str, str, str, str, dict[str, str]]:
        """The symbol, the relation, the right side, the condition, and what "with" defines."""
        match = _FORMULA.fullmatch(self.text)
        if match is None:
            raise ValueError(f"formula {self.text!r}: expected a symbol, then =, ← or ~")
        symbol, relation, right, condition, ending = match.groups(default="")
        definitions = [each.partition(" = ") for each in ending.split(" and ") if each]
        return symbol, relation, right, condition, {name: text for name, _, text in definitions}
