"""Networks as C."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn._version import __version__
from ffnn.core.operations import Value
from ffnn.exchange.source import SourceWriter, function_of
from ffnn.models.network import Network

_WIDTH = 100  # columns of a line
_TYPES = {"float32": "float", "float64": "double", "int64": "int"}
# C's own functions of these names leave NaN out.
_CHOICE = "static {kind} {name}({kind} a, {kind} b) {{ return a {sign} b || a != a ? a : b; }}\n\n"


def _head(model: Network) -> Iterator[str]:
    yield f"/* A neural network, written by ffnn {__version__}."
    for title, names in (("inputs", _inputs(model)), ("outputs", model.class_names)):
        if names is not None:
            yield f" * {title}:"
            yield from (f" *   {i}: {_comment(name)}" for i, name in enumerate(names))
    yield " */"


def _inputs(model: Network) -> list[str] | None:
    return model.feature_names if model.encoder is None else model.encoder.feature_names


def _comment(name: str) -> str:
    """Return a name that ends no comment, and no line."""
    return ascii(name)[1:-1].replace("*/", "* /").replace("\\", "\\ ").replace("??", "? ?")


def _array(name: str, array: Array) -> Iterator[str]:
    """Yield the lines that define an array of constants."""
    numbers = (
        map(str, array.ravel().tolist())
        if array.dtype.kind == "i"
        else (_number(n, array.dtype) for n in array.ravel().tolist())
    )
    yield f"static const {_TYPES[array.dtype.name]} {name}[{array.size}] = {{"
    yield from _filled(numbers)
    yield "};"
    yield ""


def _filled(items: Iterable[str]) -> Iterator[str]:
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > _WIDTH:
            yield line
            line = "   "
        line += f" {item},"
    yield line


def _number(number: float, dtype: np.dtype[np.floating]) -> str:
    return number.hex() + "f" * (dtype == np.float32)


# Four sums that do not wait for each other take an eighth of the time of one.
_DOT = """static double {name}(const {weight} *w, const {row} *x, int n)
{{
    double a = 0.0, b = 0.0, c = 0.0, d = 0.0;
    int j = 0;
    for (; j + 3 < n; j += 4) {{
        a += (double)w[j] * (double)x[j];
        b += (double)w[j + 1] * (double)x[j + 1];
        c += (double)w[j + 2] * (double)x[j + 2];
        d += (double)w[j + 3] * (double)x[j + 3];
    }}
    for (; j < n; j++) a += (double)w[j] * (double)x[j];
    return (a + b) + (c + d);
}}

"""
_DOTS = {"dotf": ("float", "float"), "dot": ("double", "double"), "dot_row": ("double", "float")}


class CWriter(SourceWriter):
    """Write a network as a C file that needs nothing but the standard library.

    It has ``void predict(const float *x, float *y)`` for one row, and ``N_INPUTS`` and
    ``N_OUTPUTS``. It is C99, allocates nothing, and may be called from several threads. Numbers are
    written in hexadecimal, so that each keeps all its bits; products are summed in double. Of a
    model with an encoder, ``x`` has the encoded columns, which a comment names. The number of a
    category that an `Embedding` does not have gives NaN.
    """

    functions: ClassVar[dict[str, str]] = {
        **{name: name for name in ("exp", "log", "tanh", "sqrt", "cos", "erf")},
        "maximum": "larger",
        "minimum": "smaller",
        "round": "rint",
    }
    tools: ClassVar[dict[str, str]] = {
        name + suffix: _CHOICE.format(kind=kind, name=name + suffix, sign=sign)
        for name, sign in (("larger", ">"), ("smaller", "<"))
        for suffix, kind in (("", "double"), ("f", "float"))
    } | {
        name: _DOT.format(name=name, weight=weight, row=row)
        for name, (weight, row) in _DOTS.items()
    }

    def text(self) -> str:
        """Return the file: its sizes, the constants, and the function."""
        body = "\n".join(f"    {line}" for line in self.statements())
        result = self.program.result
        out = self.expression(result, "i")
        constants = (line for name, array in self.constants.items() for line in _array(name, array))
        lines = [
            *_head(self.model),
            "#include <math.h>",
            "",
            f"#define N_INPUTS {self.program.input.width}",
            f"#define N_OUTPUTS {result.width}",
            "",
            "void predict(const float *x, float *y);",
            "",
            *constants,
            f"{self.tools_for(body + out)}"
            "/* Computes the outputs y, N_OUTPUTS of them, of a row x of N_INPUTS. */",
            "void predict(const float *x, float *y)",
            "{",
            *(f"    {line}" for line in self.declarations()),
            *([body] if body else []),
            f"    for (int i = 0; i < {result.width}; i++) y[i] = (float)({out});",
            "}",
            "",
        ]
        return "\n".join(lines)

    def number(self, number: float, dtype: np.dtype[np.floating]) -> str:
        """Return a number with all its bits."""
        return _number(number, dtype)

    def call(self, value: Value, inputs: list[str]) -> str:
        """Return the call of the function for this dtype."""
        if value.operation == "cast":
            return f"(({_TYPES[value.dtype.name]}){inputs[0]})"
        suffix = "f" * (value.dtype == np.float32)
        return f"{self.functions[value.operation]}{suffix}({', '.join(inputs)})"

    def declarations(self) -> list[str]:
        """Return the lines that declare the variables."""
        by_id = {id(value): value for value in self.order}
        return [
            f"{_TYPES[by_id[key].dtype.name]} {name}[{by_id[key].width}];"
            for key, name in self.variables.items()
            if name != "x"
        ]

    def statement(self, value: Value) -> list[str]:
        """Return the lines that compute a value."""
        name = self.variables[id(value)]
        form = getattr(self, f"_{value.operation}", None)
        if form is not None:
            made: list[str] = form(value, name)
            return made
        return [f"for (int i = 0; i < {value.width}; i++) {name}[i] = {self.computed(value, 'i')};"]

    def _source(self, value: Value, index: str) -> str:
        return self.expression(value.inputs[0], index)

    def _linear(self, value: Value, name: str) -> list[str]:
        weight, x = value.numbers, value.inputs[0]
        columns, units = weight.shape[-1], weight.shape[-2]
        array = self.variables.get(id(x)) or self.constant(x.numbers)
        start = "" if weight.ndim == 2 else f" + i / {units} * {columns}"
        kind = _TYPES[value.dtype.name]
        dot = "dotf" if kind == "float" else "dot_row" if array == "x" else "dot"
        product = f"{dot}({self.constant(weight)} + i * {columns}, {array}{start}, {columns})"
        return [f"for (int i = 0; i < {value.width}; i++) {name}[i] = ({kind}){product};"]

    def _lookup(self, value: Value, name: str) -> list[str]:
        table = value.numbers
        rows, units = table.shape
        return [
            f"for (int i = 0; i < {value.inputs[0].width}; i++) {{",
            f"    double code = {self._source(value, 'i')};",
            f"    int row = code >= 0.0 && code < {rows}.0 ? (int)code : 0;",
            f"    for (int j = 0; j < {units}; j++)",
            f"        {name}[i * {units} + j] = "
            f"row == code ? {self.constant(table)}[row * {units} + j] : NAN;",
            "}",
        ]

    def _take(self, value: Value, name: str) -> list[str]:
        is_one = value.inputs[0].width == 1
        column = "0" if is_one else f"{self.constant(value.numbers)}[i]"
        copied = f"{name}[i] = {self._source(value, column)};"
        return [f"for (int i = 0; i < {value.width}; i++) {copied}"]

    def _join(self, value: Value, name: str) -> list[str]:
        lines, start = list[str](), 0
        for part in value.inputs:
            lines.append(
                f"for (int i = 0; i < {part.width}; i++) "
                f"{name}[{start} + i] = {self.expression(part, 'i')};"
            )
            start += part.width
        return lines

    def _sum(self, value: Value, name: str) -> list[str]:
        return [
            "{",
            "    double sum = 0.0;",
            f"    for (int i = 0; i < {value.inputs[0].width}; i++)",
            f"        sum += (double){self._source(value, 'i')};",
            f"    {name}[0] = ({_TYPES[value.dtype.name]})sum;",
            "}",
        ]

    def _largest(self, value: Value, name: str) -> list[str]:
        larger = "larger" + "f" * (value.dtype == np.float32)
        return [
            f"{name}[0] = {self._source(value, '0')};",
            f"for (int i = 1; i < {value.inputs[0].width}; i++)",
            f"    {name}[0] = {larger}({name}[0], {self._source(value, 'i')});",
        ]


to_c = function_of(CWriter, "to_c", ".c")
