"""Networks as Python that needs nothing but its standard library."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np

from ffnn._types import FilePath
from ffnn._version import __version__
from ffnn.core.files import replace_whole
from ffnn.core.operations import Value
from ffnn.exchange.encoder_source import PYTHON_ENCODER, encoder_data
from ffnn.exchange.program import express
from ffnn.exchange.source import SourceWriter, packed
from ffnn.models.network import Network

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

_TOOLS = """
def _check(row):
    row = [float(entry) for entry in row]
    if len(row) != N_INPUTS:
        raise ValueError(f"expected {N_INPUTS} numbers in each row, got {len(row)}")
    return row


def _exp(x):
    return math.exp(x) if x < 709.0 else math.inf


def _dot(weights, x):
    return sum(map(mul, weights, x))


def _numbers(kind, text):
    numbers = array(kind, base64.b64decode(text))
    if byteorder != "little":
        numbers.byteswap()
    return list(numbers)


def _rows(numbers, width):
    return [numbers[i : i + width] for i in range(0, len(numbers), width)]

"""


def to_python(model: Network, path: FilePath) -> None:
    """Write a network as a Python file that needs nothing but the standard library.

    It has ``predict(rows)``, which returns for each row the list of its outputs, and ``N_INPUTS``,
    ``N_OUTPUTS``, ``INPUT_NAMES`` and ``CLASS_NAMES``. Rows are sequences of numbers; of a model
    with an encoder they are dicts of entries by column, text, dates and missing values as they are,
    and the file holds the encoder's steps. It computes in float64.

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
    RuntimeError
        The model is not built.
    """
    writer = _Writer(express(model))
    lines = writer.statements()
    result = writer.program.result
    made = writer.expression(result, "i")
    if made == f"{writer.variables.get(id(result))}[i]":
        returned = f"return list({writer.variables[id(result)]})"
    else:
        returned = f"return [{made} for i in range({result.width})]"
    encoder = model.encoder
    head = _HEAD.format(
        version=__version__,
        rows="Each row is a sequence of N_INPUTS numbers."
        if encoder is None
        else "Each row is a dict of entries by the columns' names; None or no entry is missing.",
        inputs=writer.program.input.width,
        outputs=result.width,
        input_names=ascii(model.feature_names),
        class_names=ascii(model.class_names),
        row="_check(row)" if encoder is None else "_encode(row)",
    )
    parts = [head, _TOOLS]
    if encoder is not None:
        parts.append(f"\n_ENCODER = {json.loads(encoder_data(encoder))!a}\n{PYTHON_ENCODER}")
    body = "\n".join(f"    {line}" for line in [*lines, returned])
    parts.append(f"\ndef _forward(x):\n{body}\n\n")
    parts += [f"\n{name} = {_constant(array)}" for name, array in writer.constants.items()]
    replace_whole(path, ("".join(parts) + "\n").encode())


def _constant(array: np.ndarray) -> str:
    kind = {"i": "q", "f": "f" if array.dtype == np.float32 else "d"}[array.dtype.kind]
    numbers = f'_numbers("{kind}", "{packed(array)}")'
    for width in array.shape[:0:-1]:
        numbers = f"_rows({numbers}, {width})"
    return numbers


class _Writer(SourceWriter):
    functions: ClassVar[dict[str, str]] = {
        "exp": "_exp",
        "log": "math.log",
        "tanh": "math.tanh",
        "sqrt": "math.sqrt",
        "cos": "math.cos",
        "erf": "math.erf",
        "maximum": "max",
        "minimum": "min",
        "round": "round",
    }

    def number(self, number: float, dtype: np.dtype[np.floating]) -> str:
        return repr(number)

    def call(self, value: Value, inputs: list[str]) -> str:
        """Return the call of a function; all numbers have the same type."""
        return inputs[0] if value.operation == "cast" else super().call(value, inputs)

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
        return f"[n for row in {self._all(value.inputs[0])} for n in {table}[round(row)]]"

    def _take(self, value: Value) -> str:
        return f"[{self._all(value.inputs[0])}[i] for i in {self.constant(value.numbers)}]"

    def _join(self, value: Value) -> str:
        return " + ".join(self._all(each) for each in value.inputs)

    def _sum(self, value: Value) -> str:
        return f"[math.fsum({self._all(value.inputs[0])})]"

    def _largest(self, value: Value) -> str:
        return f"[max({self._all(value.inputs[0])})]"
