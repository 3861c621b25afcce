"""Networks as JavaScript, for browsers and node."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np

from ffnn._types import FilePath
from ffnn._version import __version__
from ffnn.core import gaussian
from ffnn.core.files import replace_whole
from ffnn.core.operations import Value
from ffnn.exchange.encoder_source import JAVASCRIPT_ENCODER, encoder_data
from ffnn.exchange.program import express
from ffnn.exchange.source import SourceWriter, packed
from ffnn.models.network import Network

_HEAD = """// A neural network, written by ffnn {version}: predict(rows) returns its outputs.
// {rows}

export const N_INPUTS = {inputs};
export const N_OUTPUTS = {outputs};
export const INPUT_NAMES = {input_names};
export const CLASS_NAMES = {class_names};

/** Returns for each of some rows the array of its N_OUTPUTS outputs. */
export function predict(rows) {{
  return Array.from(rows, (row) => forward({row}));
}}
"""

_TOOLS = """
function check(row) {
  if (row.length !== N_INPUTS) {
    throw new Error(`expected ${N_INPUTS} numbers in each row, got ${row.length}`);
  }
  return Array.from(row, Number);
}

function compute(width, entry) {
  const made = new Array(width);
  for (let i = 0; i < width; i++) made[i] = entry(i);
  return made;
}

function dot(weights, start, x, first, width) {
  let sum = 0.0;
  for (let j = 0; j < width; j++) sum += weights[start + j] * x[first + j];
  return sum;
}

function round(x) {
  const nearest = Math.round(x);
  return Math.abs(x % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

function erf(x) {
  const z = Math.min(Math.abs(x) * Math.SQRT2, 40.0);
  const value = (coefficients) => coefficients.reduce((sum, each) => sum * z + each);
  const tail = (Math.exp(-0.5 * z * z) * value([@P])) / value([@Q]);
  return Math.sign(x) * (1.0 - 2.0 * tail);
}

function numbers(kind, text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = kind === "Float32" ? 4 : 8;
  return compute(bytes.length / size, (i) =>
    kind === "Int64" ? Number(view.getBigInt64(8 * i, true)) : view[`get${kind}`](size * i, true),
  );
}
"""


def to_javascript(model: Network, path: FilePath) -> None:
    """Write a network as a JavaScript module that needs nothing, for browsers and node.

    It exports ``predict(rows)``, which returns for each row the array of its outputs, and
    ``N_INPUTS``, ``N_OUTPUTS``, ``INPUT_NAMES`` and ``CLASS_NAMES``. Rows are arrays of numbers; of
    a model with an encoder they are objects of entries by column, text, dates and missing values as
    they are, and the module holds the encoder's steps. It computes in float64.

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
    result, encoder = writer.program.result, model.encoder
    head = _HEAD.format(
        version=__version__,
        rows="Each row is an array of N_INPUTS numbers."
        if encoder is None
        else "Each row is an object of entries by the columns' names; null or no entry is missing.",
        inputs=writer.program.input.width,
        outputs=result.width,
        input_names=json.dumps(model.feature_names),
        class_names=json.dumps(model.class_names),
        row="check(row)" if encoder is None else "encode(row)",
    )
    parts = [head, _tools()]
    if encoder is not None:
        parts.append(f"\nconst ENCODER = {encoder_data(encoder)};\n{JAVASCRIPT_ENCODER}")
    returned = f"return {writer.whole(result)};"
    body = "\n".join(f"  {line}" for line in [*lines, returned])
    parts.append(f"\nfunction forward(x) {{\n{body}\n}}\n\n")
    parts += [
        f'const {name} = numbers("{_kind(array)}", "{packed(array)}");\n'
        for name, array in writer.constants.items()
    ]
    replace_whole(path, "".join(parts).encode())


def _tools() -> str:
    """Return what all files have, with the coefficients of the error function."""
    p, q = (", ".join(map(repr, numbers)) for numbers in (gaussian.P, gaussian.Q))
    return _TOOLS.replace("@P", p).replace("@Q", q)


def _kind(array: np.ndarray) -> str:
    return "Int64" if array.dtype.kind == "i" else f"Float{8 * array.dtype.itemsize}"


class _Writer(SourceWriter):
    functions: ClassVar[dict[str, str]] = {
        **{name: f"Math.{name}" for name in ("exp", "log", "tanh", "sqrt", "cos")},
        "erf": "erf",
        "maximum": "Math.max",
        "minimum": "Math.min",
        "round": "round",
    }

    def number(self, number: float, dtype: np.dtype[np.floating]) -> str:
        return repr(number)

    def call(self, value: Value, inputs: list[str]) -> str:
        """Return the call of a function; all numbers have the same type."""
        return inputs[0] if value.operation == "cast" else super().call(value, inputs)

    def statement(self, value: Value) -> list[str]:
        """Return the line that computes a value."""
        form = getattr(self, f"_{value.operation}", None)
        made = self._each(value.width, self.computed(value, "i")) if form is None else form(value)
        return [f"const {self.variables[id(value)]} = {made};"]

    def _each(self, width: int, entry: str) -> str:
        return f"compute({width}, (i) => {entry})"

    def whole(self, value: Value) -> str:
        """Return a value as an array."""
        name = self.variables.get(id(value))
        return self._each(value.width, self.expression(value, "i")) if name is None else name

    def _linear(self, value: Value) -> str:
        units, columns = value.numbers.shape[-2:]
        weight, x = self.constant(value.numbers), self.whole(value.inputs[0])
        first = "0" if value.numbers.ndim == 2 else f"Math.floor(i / {units}) * {columns}"
        return self._each(value.width, f"dot({weight}, i * {columns}, {x}, {first}, {columns})")

    def _lookup(self, value: Value) -> str:
        units, table = value.numbers.shape[1], self.constant(value.numbers)
        rows, start = self.whole(value.inputs[0]), f"round(row) * {units}"
        return f"{rows}.flatMap((row) => {table}.slice({start}, {start} + {units}))"

    def _take(self, value: Value) -> str:
        return f"{self.constant(value.numbers)}.map((i) => {self.whole(value.inputs[0])}[i])"

    def _join(self, value: Value) -> str:
        return f"[].concat({', '.join(self.whole(each) for each in value.inputs)})"

    def _sum(self, value: Value) -> str:
        return f"[{self.whole(value.inputs[0])}.reduce((sum, entry) => sum + entry, 0.0)]"

    def _largest(self, value: Value) -> str:
        return f"[{self.whole(value.inputs[0])}.reduce((a, b) => Math.max(a, b))]"
