"""What the writers of source code share: in which order values are computed, and as what.

A value that one other takes entry by entry is written into that one's expression; the others get a
variable of their own, an array of the row's numbers.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections import Counter
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.operations import ENTRYWISE, Value, in_order
from ffnn.exchange.program import Program, address

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_DEEPEST = 8  # operations of one expression


class SourceWriter(ABC):
    """A program as source code; a subclass for each language.

    Parameters
    ----------
    program : Program
        What to write.
    """

    functions: ClassVar[dict[str, str]]  # operation → what is called

    def __init__(self, program: Program) -> None:
        self.program = program
        self.order = in_order(program.result)
        self.uses = Counter(id(each) for value in self.order for each in value.inputs)
        self.constants: dict[str, Array] = {}
        self._constant_names: dict[int, str] = {}
        self.depth: dict[int, int] = {}
        self.variables = self._choose_variables()

    # -- what a language defines ---------------------------------------------------------------

    @abstractmethod
    def number(self, number: float, dtype: np.dtype[np.floating]) -> str:
        """Return a number as it is written."""

    @abstractmethod
    def statement(self, value: Value) -> list[str]:
        """Return the lines that compute a value that has a variable."""

    # -- what they share -----------------------------------------------------------------------

    def _choose_variables(self) -> dict[int, str]:
        """Return the names of the values that get a variable."""
        wide_users = {
            id(each)
            for value in self.order
            for each in value.inputs
            if value.operation not in ENTRYWISE and value.operation != "cast"
        }
        chosen = dict[int, str]()
        for value in self.order:
            inner = [self.depth.get(id(each), 0) for each in value.inputs]
            self.depth[id(value)] = 1 + max(inner, default=0)
            if value.operation == "constant":
                continue
            is_inline = value.operation in {*ENTRYWISE, "cast"}
            is_own = (
                not is_inline
                or self.uses[id(value)] != 1
                or id(value) in wide_users
                or self.depth[id(value)] > _DEEPEST
                or (value.width == 1 and self.program.result.width > 1)
            )
            if is_own:
                name = "x" if value is self.program.input else f"v{len(chosen)}"
                chosen[id(value)] = name
                self.depth[id(value)] = 0
        return chosen

    def expression(self, value: Value, index: str) -> str:
        """Return the entry of a value at an index, as an expression."""
        name = self.variables.get(id(value))
        if name is not None:
            return f"{name}[{index if value.width > 1 else 0}]"
        if value.operation == "constant":
            if value.width == 1:
                return self.number(float(value.numbers[0]), value.dtype)
            return f"{self.constant(value.numbers)}[{index}]"
        return self.computed(value, index)

    def computed(self, value: Value, index: str) -> str:
        """Return the entry of a value, computed from its inputs."""
        inputs = [self.expression(each, index) for each in value.inputs]
        if value.operation in _SIGNS:
            return f"({inputs[0]} {_SIGNS[value.operation]} {inputs[1]})"
        if value.operation == "negative":
            return f"(-{inputs[0]})"
        return self.call(value, inputs)

    def call(self, value: Value, inputs: list[str]) -> str:
        """Return the call of a function."""
        return f"{self.functions[value.operation]}({', '.join(inputs)})"

    def constant(self, array: Array) -> str:
        """Return the name of an array of constants."""
        name = self._constant_names.get(address(array))
        if name is None:
            known = self.program.names.get(address(array))
            name = f"c{len(self.constants)}" if known is None else known.replace(".", "_")
            self._constant_names[address(array)] = name
            self.constants[name] = array
        return name

    def statements(self) -> list[str]:
        """Return the lines that compute all that has a variable, but the input."""
        lines = list[str]()
        for value in self.order:
            if id(value) in self.variables and value is not self.program.input:
                lines += self.statement(value)
        return lines


def packed(array: Array) -> str:
    """Return the numbers of an array, in little-endian order, as base64."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(ordered.tobytes()).decode()
