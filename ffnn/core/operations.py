"""What becomes of one row, as elementary operations that any runtime can compute.

`Value` stands for some numbers of each row. Arithmetic on values makes values: an expression, such
as ``x.linear(weight) + bias``, is a graph of operations whose leaves are the row and constants.
Layers say in it what they compute outside training, once, and each way out of the library writes it
in its own language.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array


def erf(x: Any) -> Array:
    """Return the error function of numbers, in their dtype; it is slow."""
    return np.asarray(np.vectorize(math.erf, otypes=[np.asarray(x).dtype])(x))


# Name → the function of NumPy, entry by entry.
ENTRYWISE: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "negative": np.negative,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "cos": np.cos,
    "erf": erf,
    "round": np.rint,
}


class Native(NamedTuple):
    """A name that some runtimes have for a whole expression of one input."""

    name: str  # of the operator in ONNX
    input: Value
    arguments: Mapping[str, Any]  # by the names of the operator's attributes and inputs


class Value:
    """Some numbers of each row: the row itself, a constant, or what an operation makes of others.

    Attributes
    ----------
    operation : str
        ``"input"``, ``"constant"``, one of `ENTRYWISE`, or ``"linear"``, ``"lookup"``, ``"sum"``,
        ``"largest"``, ``"take"``, ``"join"``, ``"cast"``.
    inputs : tuple of Value
        What it is computed from. Entry by entry, an input of width 1 goes with each of the others.
    width : int
        How many numbers a row has.
    dtype : dtype
        In which they are computed.
    constant : ndarray or None
        Of a constant its numbers; of ``"linear"`` the weights, (units, inputs), or (groups, units,
        inputs), which takes the inputs in as many groups; of ``"lookup"`` the table, (rows, units);
        of ``"take"`` the columns.
    native : Native or None
        What runtimes that have it may compute in place of the expression.
    """

    native: Native | None = None

    def __init__(
        self,
        operation: str,
        inputs: Sequence[Value],
        width: int,
        dtype: Any,
        constant: Array | None = None,
    ) -> None:
        self.operation, self.inputs, self.width = operation, tuple(inputs), width
        self.dtype, self.constant = np.dtype(dtype), constant

    def __repr__(self) -> str:
        inputs = ", ".join(each.operation for each in self.inputs)
        return f"<{self.operation}({inputs}): {self.width} x {self.dtype}>"

    @property
    def numbers(self) -> Array:
        """The constant of a value that has one."""
        assert self.constant is not None
        return self.constant

    # -- entry by entry ------------------------------------------------------------------------

    def _with(self, operation: str, *others: Any, is_swapped: bool = False) -> Value:
        values = [self, *(self._as_value(other) for other in others)]
        widths = {value.width for value in values} - {1}
        if len(widths) > 1:
            raise ValueError(f"{operation}: widths {sorted(widths)} do not go together")
        width = widths.pop() if widths else 1
        return Value(operation, values[::-1] if is_swapped else values, width, self.dtype)

    def _as_value(self, number: Any) -> Value:
        return number if isinstance(number, Value) else self.same(number)

    def same(self, numbers: Any) -> Value:
        """Return a constant: numbers that are the same for each row, in the dtype of this value."""
        array = np.asarray(numbers, self.dtype).reshape(-1)
        return Value("constant", (), array.size, self.dtype, array)

    def __add__(self, other: Any) -> Value:
        return self._with("add", other)

    def __radd__(self, other: Any) -> Value:
        return self._with("add", other, is_swapped=True)

    def __sub__(self, other: Any) -> Value:
        return self._with("subtract", other)

    def __rsub__(self, other: Any) -> Value:
        return self._with("subtract", other, is_swapped=True)

    def __mul__(self, other: Any) -> Value:
        return self._with("multiply", other)

    def __rmul__(self, other: Any) -> Value:
        return self._with("multiply", other, is_swapped=True)

    def __truediv__(self, other: Any) -> Value:
        return self._with("divide", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._with("divide", other, is_swapped=True)

    def __neg__(self) -> Value:
        return self._with("negative")

    def maximum(self, other: Any) -> Value:
        """Return the larger of two numbers."""
        return self._with("maximum", other)

    def minimum(self, other: Any) -> Value:
        """Return the smaller of two numbers."""
        return self._with("minimum", other)

    def exp(self) -> Value:
        """Return e^x."""
        return self._with("exp")

    def log(self) -> Value:
        """Return the natural logarithm."""
        return self._with("log")

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        return self._with("tanh")

    def sqrt(self) -> Value:
        """Return the square root."""
        return self._with("sqrt")

    def cos(self) -> Value:
        """Return the cosine."""
        return self._with("cos")

    def erf(self) -> Value:
        """Return the error function."""
        return self._with("erf")

    def round(self) -> Value:
        """Return the nearest whole number, the even one of two."""
        return self._with("round")

    def cast(self, dtype: Any) -> Value:
        """Return the same numbers in another dtype."""
        return Value("cast", (self,), self.width, dtype)

    # -- whole rows ----------------------------------------------------------------------------

    def linear(self, weight: Array) -> Value:
        """Return x Wᵀ; with weights for groups, that of each group of columns, side by side."""
        return Value("linear", (self,), weight.size // weight.shape[-1], self.dtype, weight)

    def lookup(self, table: Array) -> Value:
        """Return the rows of a table that the numbers say, side by side."""
        return Value("lookup", (self,), self.width * table.shape[1], self.dtype, table)

    def sum(self) -> Value:
        """Return the sum of a row."""
        return Value("sum", (self,), 1, self.dtype)

    def mean(self) -> Value:
        """Return the mean of a row."""
        return self.sum() / float(self.width)

    def largest(self) -> Value:
        """Return the largest number of a row."""
        return Value("largest", (self,), 1, self.dtype)

    def take(self, columns: Sequence[int]) -> Value:
        """Return some columns, in this order; one may be taken twice."""
        places = np.array(columns, np.int64)
        return Value("take", (self,), len(places), self.dtype, places)

    def known_as(self, name: str, of: Value, **arguments: Any) -> Value:
        """Say by what name runtimes may have the whole expression from `of` on; return itself."""
        self.native = Native(name, of, arguments)
        return self


def row(width: int, dtype: Any) -> Value:
    """Return the value that stands for the row itself."""
    return Value("input", (), width, dtype)


def join(values: Sequence[Value]) -> Value:
    """Return values side by side; those of no width are left out."""
    kept = [value for value in values if value.width]
    if len(kept) == 1:
        return kept[0]
    return Value("join", kept, sum(value.width for value in kept), kept[0].dtype)


def in_order(result: Value) -> list[Value]:
    """Return all values that a result needs, each after those that it is computed from."""
    ordered: dict[int, Value] = {}
    waiting = [result]
    while waiting:
        value = waiting[-1]
        missing = [each for each in value.inputs if id(each) not in ordered]
        if missing:
            waiting += reversed(missing)
        else:
            waiting.pop()
            ordered.setdefault(id(value), value)
    return list(ordered.values())


class Runtime(ABC):
    """Something that computes operations; a subclass for each kind of arrays.

    All arrays are (rows, width); a constant has one row.
    """

    def compute(self, result: Value, rows: Any) -> Any:
        """Return what an expression says of some rows, operation by operation."""
        known: dict[int, Any] = {}
        for value in in_order(result):
            inputs = [known[id(each)] for each in value.inputs]
            if value.operation == "input":
                known[id(value)] = rows
            elif value.operation in ENTRYWISE:
                known[id(value)] = self.entrywise(value.operation, *inputs)
            else:
                known[id(value)] = getattr(self, value.operation)(value, *inputs)
        return known[id(result)]

    @abstractmethod
    def entrywise(self, operation: str, *inputs: Any) -> Any:
        """Return one of `ENTRYWISE`."""

    @abstractmethod
    def constant(self, value: Value) -> Any:
        """Return the numbers of a constant, with one row."""

    @abstractmethod
    def cast(self, value: Value, x: Any) -> Any:
        """Return numbers in the dtype of the value."""

    @abstractmethod
    def join(self, value: Value, *inputs: Any) -> Any:
        """Return numbers side by side."""

    @abstractmethod
    def sum(self, value: Value, x: Any) -> Any:
        """Return the sums of rows, (rows, 1)."""

    @abstractmethod
    def largest(self, value: Value, x: Any) -> Any:
        """Return the largest numbers of rows, (rows, 1)."""

    @abstractmethod
    def take(self, value: Value, x: Any) -> Any:
        """Return the columns that the value's constant says."""

    @abstractmethod
    def lookup(self, value: Value, x: Any) -> Any:
        """Return rows of the table that is the value's constant."""

    @abstractmethod
    def linear(self, value: Value, x: Any) -> Any:
        """Return x Wᵀ, W being the value's constant, which may have groups."""


class NumPyRuntime(Runtime):
    """Computes operations by NumPy, entry by entry as they are written."""

    def entrywise(self, operation: str, *inputs: Array) -> Array:
        """Return one of `ENTRYWISE`."""
        return ENTRYWISE[operation](*inputs)

    def constant(self, value: Value) -> Array:
        """Return the numbers of a constant, with one row."""
        return value.numbers[None]

    def cast(self, value: Value, x: Array) -> Array:
        """Return numbers in the dtype of the value."""
        return x.astype(value.dtype)

    def join(self, value: Value, *inputs: Array) -> Array:
        """Return numbers side by side."""
        return np.concatenate(inputs, axis=1)

    def sum(self, value: Value, x: Array) -> Array:
        """Return the sums of rows, (rows, 1)."""
        return np.asarray(x.sum(axis=1, keepdims=True))

    def largest(self, value: Value, x: Array) -> Array:
        """Return the largest numbers of rows, (rows, 1)."""
        return np.asarray(x.max(axis=1, keepdims=True))

    def take(self, value: Value, x: Array) -> Array:
        """Return the columns that the value's constant says."""
        return x[:, value.numbers]

    def lookup(self, value: Value, x: Array) -> Array:
        """Return rows of the table that is the value's constant."""
        return value.numbers[x.astype(np.int64)].reshape(len(x), value.width)

    def linear(self, value: Value, x: Array) -> Array:
        """Return x Wᵀ, W being the value's constant, which may have groups."""
        groups = x.reshape(len(x), -1, 1, value.numbers.shape[-1])
        return (groups @ np.swapaxes(value.numbers, -1, -2)).reshape(len(x), value.width)
