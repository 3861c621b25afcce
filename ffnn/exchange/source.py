"""What the writers of source code share: in which order values are computed, and as what.

A value that one other takes entry by entry is written into that one's expression; the others get a
variable of their own, an array of the row's numbers. A language is a subclass of `SourceWriter`,
and `function_of` makes of it the function that users call.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.core.files import replace_whole
from ffnn.core.operations import ENTRYWISE, Value, in_order
from ffnn.exchange.program import address, express
from ffnn.models.network import Network

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_DEEPEST = 8  # operations of one expression
_SECTIONS = """

Numbers that are infinite or NaN become what they do in the model's layers.

Parameters
----------
model : Sequential
    A built network.
path : str or path
    Where to write.

Raises
------
NotImplementedError
    A layer of the user's does not say what it computes.
OSError
    The file cannot be written; an old one is left as it was.
RuntimeError
    The model is not built.
ValueError
    A parameter is infinite or NaN.

Examples
--------
>>> import ffnn
>>> model = ffnn.Sequential([ffnn.layers.Dense(2, "tanh")], input_dim=3, seed=0)
>>> ffnn.exchange.{name}(model, "network{suffix}")
"""


def function_of(
    language: type[SourceWriter], name: str, suffix: str
) -> Callable[[Network, FilePath], None]:
    """Return the function that writes networks in a language, documented by its class."""

    def write(model: Network, path: FilePath) -> None:
        replace_whole(path, language(model).text().encode())

    write.__name__ = write.__qualname__ = name
    write.__module__ = language.__module__
    write.__doc__ = inspect.cleandoc(language.__doc__ or "")
    write.__doc__ += _SECTIONS.format(name=name, suffix=suffix)
    return write


class SourceWriter(ABC):
    """A network as source code; a subclass for each language.

    Parameters
    ----------
    model : Network
        What to write.
    """

    functions: ClassVar[dict[str, str]]  # operation → what is called
    tools: ClassVar[dict[str, str]]  # function → its source, which calls none but those before it

    def __init__(self, model: Network) -> None:
        self.model, self.program = model, express(model)
        self.order = in_order(self.program.result)
        self.uses = Counter(id(each) for value in self.order for each in value.inputs)
        self.constants: dict[str, Array] = {}
        self._constant_names: dict[int, str] = {}
        self.depth: dict[int, int] = {}
        self.variables = self._choose_variables()

    # -- what a language defines ---------------------------------------------------------------

    @abstractmethod
    def text(self) -> str:
        """Return the whole file."""

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

    def tools_for(self, text: str) -> str:
        """Return the functions that a text calls, with those that they call."""
        found = ""
        for name, tool in reversed(self.tools.items()):
            if re.search(rf"(?<![\w.]){name}\(", text + found):
                found = tool + found
        return found
