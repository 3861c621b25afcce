"""Networks as JavaScript, for browsers and node."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from ffnn._types import Array
from ffnn.core import gaussian
from ffnn.core.operations import Value
from ffnn.exchange.encoder_source import JAVASCRIPT_ENCODER
from ffnn.exchange.script_source import ScriptWriter, packed
from ffnn.exchange.source import function_of

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

_TOOLS = {
    "check": """
function check(row) {
  if (row.length !== N_INPUTS) {
    throw new Error(`expected ${N_INPUTS} numbers in each row, got ${row.length}`);
  }
  return Array.from(row, Number);
}
""",
    "compute": """
function compute(width, entry) {
  const made = new Array(width);
  for (let i = 0; i < width; i++) made[i] = entry(i);
  return made;
}
""",
    "dot": """
function dot(weights, start, x, first, width) {
  let sum = 0.0;
  for (let j = 0; j < width; j++) sum += weights[start + j] * x[first + j];
  return sum;
}
""",
    "round": """
function round(x) {
  const nearest = Math.round(x);
  return Math.abs(x % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}
""",
    "erf": f"""
function erf(x) {{
  const z = Math.min(Math.abs(x) * Math.SQRT2, 40.0);
  const value = (coefficients) => coefficients.reduce((sum, each) => sum * z + each);
  const tail = (Math.exp(-0.5 * z * z) * value({[*gaussian.P]})) / value({[*gaussian.Q]});
  return Math.sign(x) * (1.0 - 2.0 * tail);
}}
""",
    "pick": """
function pick(table, code, units) {
  const vector = table.slice(code * units, (code + 1) * units);
  if (!Number.isInteger(code) || code < 0 || vector.length === 0) {
    throw new Error("expected the number of a category, got another one");
  }
  return vector;
}
""",
    "numbers": """
function numbers(kind, text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = kind === "Float32" ? 4 : 8;
  return compute(bytes.length / size, (i) =>
    kind === "Int64" ? Number(view.getBigInt64(8 * i, true)) : view[`get${kind}`](size * i, true),
  );
}
""",
}


class JavaScriptWriter(ScriptWriter):
    """Write a network as a JavaScript module that needs nothing, for browsers and node.

    It exports ``predict(rows)``, which returns for each row the array of its outputs, and
    ``N_INPUTS``, ``N_OUTPUTS``, ``INPUT_NAMES`` and ``CLASS_NAMES``. Rows are arrays of numbers; of
    a model with an encoder they are objects of entries by column, text, dates and missing values as
    they are, and the module holds the encoder's steps. It computes in float64.
    """

    functions: ClassVar[dict[str, str]] = {
        **{name: f"Math.{name}" for name in ("exp", "log", "tanh", "sqrt", "cos")},
        "erf": "erf",
        "maximum": "Math.max",
        "minimum": "Math.min",
        "round": "round",
    }
    tools = _TOOLS
    head = _HEAD
    rows = (
        "Each row is an array of N_INPUTS numbers.",
        "Each row is an object of entries by the columns' names; null or no entry is missing.",
    )
    row = ("check(row)", "encode(row)")
    encoder = JAVASCRIPT_ENCODER

    def forward(self, lines: list[str]) -> str:
        """Return the function that computes a row."""
        returned = f"return {self.whole(self.program.result)};"
        body = "\n".join(f"  {line}" for line in [*lines, returned])
        return f"function forward(x) {{\n{body}\n}}\n"

    def literal(self, value: Any) -> str:
        """Return plain data as it is written."""
        return json.dumps(value, allow_nan=False)

    def definition(self, name: str, value: str) -> str:
        """Return the line that gives a value a name."""
        return f"const {name} = {value};"

    def array(self, array: Array) -> str:
        """Return what makes an array of constants."""
        kind = "Int64" if array.dtype.kind == "i" else f"Float{8 * array.dtype.itemsize}"
        return f'numbers("{kind}", "{packed(array)}")'

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
        return f"{self.whole(value.inputs[0])}.flatMap((row) => pick({table}, row, {units}))"

    def _take(self, value: Value) -> str:
        return f"{self.constant(value.numbers)}.map((i) => {self.whole(value.inputs[0])}[i])"

    def _join(self, value: Value) -> str:
        return f"[].concat({', '.join(self.whole(each) for each in value.inputs)})"

    def _sum(self, value: Value) -> str:
        return f"[{self.whole(value.inputs[0])}.reduce((sum, entry) => sum + entry, 0.0)]"

    def _largest(self, value: Value) -> str:
        return f"[{self.whole(value.inputs[0])}.reduce((a, b) => Math.max(a, b))]"


to_javascript = function_of(JavaScriptWriter, "to_javascript", ".js")
