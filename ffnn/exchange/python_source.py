"""Networks as Python that needs nothing but its standard library."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.operations import Value
from ffnn.exchange.encoder_source import PYTHON_ENCODER
from ffnn.exchange.script_source import ScriptWriter, packed
from ffnn.exchange.source import function_of

_HEAD = '''"""A neural network, written by ffnn {version}: predict(rows) returns its outputs.

{rows}
"""

import base64
import math
from array import array
from operator import mul
from sys import byteorder

N_INPUTS, N_OUTPUTS = {inputs}, {outputs}
INPUT_NAMES = {input_names}
CLASS_NAMES = {class_names}


def predict(rows):
    """Return for each of some rows the list of its N_OUTPUTS outputs."""
    return [_forward({row}) for row in rows]

'''

_TOOLS = {
    "_check": """
def _check(row):
    row = [float(entry) for entry in row]
    if len(row) != N_INPUTS:
        raise ValueError(f"expected {N_INPUTS} numbers in each row, got {len(row)}")
    return row

""",
    "_larger": """
def _larger(a, b):
    return a if a > b or a != a else b

""",
    "_smaller": """
def _smaller(a, b):
    return a if a < b or a != a else b

""",
    "_largest": """
def _largest(x):
    largest = x[0]
    for entry in x:
        largest = _larger(largest, entry)
    return largest

""",
    "_divide": """
def _divide(a, b):
    return a / b if b else a * math.copysign(math.inf, b)

""",
    "_exp": """
def _exp(x):
    return math.inf if x > 709.78 else math.exp(x)

""",
    "_log": """
def _log(x):
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan

""",
    "_sqrt": """
def _sqrt(x):
    return math.sqrt(x) if x >= 0.0 else math.nan

""",
    "_cos": """
def _cos(x):
    return math.cos(x) if math.isfinite(x) else math.nan

""",
    "_round": """
def _round(x):
    return float(round(x)) if math.isfinite(x) else x

""",
    "_sum": """
def _sum(x):
    try:
        return math.fsum(x)
    except (OverflowError, ValueError):
        return sum(x)

""",
    "_dot": """
def _dot(weights, x):
    return sum(map(mul, weights, x))

""",
    "_pick": """
def _pick(table, code):
    if not (0.0 <= code < len(table) and code == int(code)):
        raise ValueError("expected the number of a category, got another one")
    return table[int(code)]

""",
    "_numbers": """
def _numbers(kind, text):
    numbers = array(kind, base64.b64decode(text))
    if byteorder != "little":
        numbers.byteswap()
    return list(numbers)

""",
    "_rows": """
def _rows(numbers, width):
    return [numbers[i : i + width] for i in range(0, len(numbers), width)]

""",
}


class PythonWriter(ScriptWriter):
    """Write a network as a Python file that needs nothing but the standard library.

    It has ``predict(rows)``, which returns for each row the list of its outputs, and ``N_INPUTS``,
    ``N_OUTPUTS``, ``INPUT_NAMES`` and ``CLASS_NAMES``. Rows are sequences of numbers; of a model
    with an encoder they are dicts of entries by column, text, dates and missing values as they are,
    and the file holds the encoder's steps. It computes in float64.
    """

    functions: ClassVar[dict[str, str]] = {
        **{name: f"_{name}" for name in ("exp", "log", "sqrt", "cos", "round")},
        "tanh": "math.tanh",
        "erf": "math.erf",
        "maximum": "_larger",
        "minimum": "_smaller",
    }
    tools = _TOOLS
    head = _HEAD
    rows = (
        "Each row is a sequence of N_INPUTS numbers.",
        "Each row is a dict of entries by the columns' names; None or no entry is missing.",
    )
    row = ("_check(row)", "_encode(row)")
    encoder = PYTHON_ENCODER

    def forward(self, lines: list[str]) -> str:
        """Return the function that computes a row."""
        body = "\n".join(
            f"    {line}" for line in [*lines, f"return {self._all(self.program.result)}"]
        )
        return f"def _forward(x):\n{body}\n\n"

    def literal(self, value: Any) -> str:
        """Return plain data as it is written."""
        return ascii(value)

    def definition(self, name: str, value: str) -> str:
        """Return the line that gives a value a name."""
        return f"{name} = {value}"

    def array(self, array: Array) -> str:
        """Return what makes lists of an array of constants."""
        kind = {"i": "q", "f": "f" if array.dtype == np.float32 else "d"}[array.dtype.kind]
        numbers = f'_numbers("{kind}", "{packed(array)}")'
        for width in array.shape[:0:-1]:
            numbers = f"_rows({numbers}, {width})"
        return numbers

    def computed(self, value: Value, index: str) -> str:
        """Return the entry of a value; Python itself does not divide by 0."""
        if value.operation == "divide":
            divisor = value.inputs[1]
            if divisor.operation != "constant" or not divisor.numbers.all():
                inputs = [self.expression(each, index) for each in value.inputs]
                return f"_divide({', '.join(inputs)})"
        return super().computed(value, index)

    def statement(self, value: Value) -> list[str]:
        """Return the line that computes a value."""
        name = self.variables[id(value)]
        form = getattr(self, f"_{value.operation}", None)
        made = self.computed(value, "i") if form is None else form(value)
        return [f"{name} = {made}" if form else f"{name} = [{made} for i in range({value.width})]"]

    def _all(self, value: Value) -> str:
        name = self.variables.get(id(value))
        if name is not None:
            return name
        return f"[{self.expression(value, 'i')} for i in range({value.width})]"

    def _linear(self, value: Value) -> str:
        x, weight = self._all(value.inputs[0]), self.constant(value.numbers)
        if value.numbers.ndim == 2:
            return f"[_dot(weights, {x}) for weights in {weight}]"
        columns = value.numbers.shape[-1]
        parts = f"zip({weight}, _rows({x}, {columns}))"
        return f"[_dot(weights, part) for group, part in {parts} for weights in group]"

    def _lookup(self, value: Value) -> str:
        table = self.constant(value.numbers)
        return f"[n for row in {self._all(value.inputs[0])} for n in _pick({table}, row)]"

    def _take(self, value: Value) -> str:
        return f"[{self._all(value.inputs[0])}[i] for i in {self.constant(value.numbers)}]"

    def _join(self, value: Value) -> str:
        return " + ".join(self._all(each) for each in value.inputs)

    def _sum(self, value: Value) -> str:
        return f"[_sum({self._all(value.inputs[0])})]"

    def _largest(self, value: Value) -> str:
        return f"[_largest({self._all(value.inputs[0])})]"


to_python = function_of(PythonWriter, "to_python", ".py")
