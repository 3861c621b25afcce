"""`Program`: the operations on one batch, forward and back, with all arrays that they work on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import Workspace
from ffnn.kernels.chains.codes import COLUMNS, NUMBERS, Code
from ffnn.kernels.chains.routines import address_of, loop_of, product_of


class Program:
    """A list of operations; parts write it once for each number of rows.

    Parameters
    ----------
    memory : Workspace
        Where the arrays are made, a batch column by column.
    rows : int
        The number of rows of a batch.
    dtype : dtype
        In which all is computed.
    returns : bool, default True
        Whether the batch goes back, too, for which activations keep what they made.
    """

    def __init__(
        self, memory: Workspace, rows: int, dtype: np.dtype[Any], returns: bool = True
    ) -> None:
        self.memory, self.rows, self.dtype, self.returns = memory, rows, dtype, returns
        self.size = dtype.itemsize
        self._integers: list[list[int]] = []
        self._numbers: list[list[float]] = []
        self._used: list[Any] = []  # which keeps the arrays alive
        self._undoing: Program | None = None
        self.moving: dict[str, list[tuple[int, int]]] = {}  # where each batch's address stands
        self._names: dict[int, str] = {}
        self.guards: list[Array] = []  # sums of squares that must not be too large

    def __len__(self) -> int:
        return len(self._integers)

    def array(self, name: str, *columns: int) -> Array:
        """Return the array `name` with a row for each of the batch's."""
        made = self.memory.get(name, (self.rows, *columns), self.dtype)
        self._used.append(made)
        return made

    def beside(self, x: Array, name: str) -> Array:
        """Return the array `name` like x; x itself if it is ours, and nothing goes back."""
        if not self.returns and address_of(x) not in self._names:
            return x
        return self.like(x, name)

    def like(self, x: Array, name: str) -> Array:
        """Return the array `name`, which lies as x does.

        LookupError says that x is the batch, and does not lie column by column.
        """
        if x.flags.f_contiguous:
            return self.array(name, x.shape[1])
        if address_of(x) in self._names:
            raise LookupError("x lies row by row")
        return self.by_rows(name, x.shape[1])

    def by_rows(self, name: str, columns: int) -> Array:
        """Return the array `name` with a row for each of the batch's, one after another."""
        made: Array = self.array(name, columns).T.reshape(-1, columns)
        return made

    def by_columns(self, x: Array, name: str) -> Array:
        """Return x as the layers have it: column by column, but for the batch, which stays.

        Where x lies row by row, the array `name` gets its numbers.
        """
        if x.flags.f_contiguous or address_of(x) in self._names:
            return x
        y = self.array(name, x.shape[1])
        self.add(Code.RESCALE, *y.T.shape, x, y, numbers=(1.0, 0.0))
        return y

    def move(self, name: str, array: Array) -> Array:
        """Have the address of an array be that of another one at each batch; see `place`."""
        self._names[address_of(array)] = name
        self.moving[name] = []
        self._used.append(array)
        return array

    def arrays_but(self, batch: Array) -> list[Array]:
        """Return what has to be kept for as long as the operations run, which read other rows."""
        return [array for array in self._used if array is not batch]

    def keep(self, owner: Any) -> None:
        """Keep alive what owns memory that operations work on."""
        self._used.append(owner)

    def undo(self, code: Code, *integers: Any) -> None:
        """Append an operation to those that undo what a batch that is refused has left behind."""
        if self._undoing is None:
            self._undoing = Program(self.memory, self.rows, self.dtype)
        self._undoing.add(code, *integers)

    def undo_tables(self) -> tuple[Array, Array]:
        """Return the integers and the numbers of the operations that undo, the last one first."""
        integers, numbers = (self._undoing or Program(self.memory, 0, self.dtype)).tables()
        return integers[::-1].copy(), numbers[::-1].copy()

    def add(self, code: Code, *integers: Any, numbers: tuple[float, ...] = ()) -> None:
        """Append an operation; arrays among the integers stand for their addresses."""
        row = [int(code)]
        for each in integers:
            row.append(self._address(each, len(row)) if isinstance(each, np.ndarray) else int(each))
        self._integers.append(row + [0] * (COLUMNS - len(row)))
        self._numbers.append([*numbers, *[0.0] * (NUMBERS - len(numbers))])

    def _address(self, array: Array, column: int) -> int:
        """Return where an array of the next operation begins, and note if it may move."""
        self._used.append(array)
        address = address_of(array)
        if address in self._names:
            self.moving[self._names[address]].append((len(self), column))
        return address

    def extend_last(self, code: Code, *integers: Any) -> None:
        """Have the last operation be one that has these integers besides, and does more."""
        _, *known = self._integers.pop()
        width = known.index(0) if 0 in known else len(known)
        self._numbers.pop()
        self.add(code, *known[:width], *integers)

    def last(self) -> Code | None:
        """Return the code of the last operation."""
        return Code(self._integers[-1][0]) if self._integers else None

    def tables(self) -> tuple[Array, Array]:
        """Return the integers and the numbers of all operations."""
        integers: Array = np.array(self._integers, np.int64).reshape(-1, COLUMNS)
        numbers: Array = np.array(self._numbers, self.dtype).reshape(-1, NUMBERS)
        return integers, numbers

    def apply(self, function: np.ufunc, x: Array, y: Array) -> None:
        """Write f(x) into y by the loop of a NumPy function."""
        loop = loop_of(function, self.dtype.char)
        self.add(Code.APPLY, loop.address, loop.data, x.size, x, y, self.size)

    def sum(self, x: Array, into: Array) -> None:
        """Write the sum of all numbers of x as ``x.sum()`` makes it."""
        loop, step = loop_of(np.add, self.dtype.char), x.strides[0] if x.ndim == 1 else self.size
        self.add(Code.SUM, loop.address, loop.data, x.size, x, into, step)

    def sum_units(self, x: Array, into: Array) -> None:
        """Write the sums of x, which lies column by column, over its rows as NumPy does."""
        loop, shape = loop_of(np.add, self.dtype.char), x.T.shape
        self.add(Code.SUM_UNITS, loop.address, loop.data, *shape, x, into, self.size)

    def mean_units(self, x: Array, into: Array) -> None:
        """Write the means of x, which lies column by column, over its rows as NumPy does."""
        self.sum_units(x, into)
        self.add(Code.DIVIDE_SUMS, *x.T.shape, into)

    def guard(self, x: Array) -> None:
        """Have batches refused for which the sum of the squares of x is not safe."""
        square = self.memory.get(f"guard {len(self.guards)}", (1,), self.dtype)
        flat = x.ravel("K")
        self.dot(flat, flat, square)
        self.guards.append(square)

    def dot(self, x: Array, y: Array, out: Array) -> None:
        """Write the product of two vectors."""
        self.add(Code.DOT, product_of("dot", self.dtype.char), x.size, x, y, out)

    def product(self, a: Array, b: Array, out: Array) -> None:
        """Write a b of two matrices, or of a matrix and a vector, as ``a.dot(b, out)`` does.

        The same function is called for it, with the same arguments, as in NumPy's
        ``cblas_matrixproduct``. LookupError says that it would not be one of these.
        """
        kind = self.dtype.char
        m, k = a.shape
        n = b.shape[1] if b.ndim == 2 else 1
        if 1 in (a.size, b.size):
            raise LookupError("a product of a single number")
        if n == 1 and m == 1:
            self.dot(a, b, out)
        elif n == 1 and k > 1:
            by_rows = a.flags.c_contiguous
            stride = k if by_rows else m
            address = product_of("gemv", kind)
            self.add(Code.GEMV, address, by_rows, 0, m, k, a, stride, b, out)
        elif m == 1 and k > 1:
            by_rows = b.flags.c_contiguous
            stride = n if by_rows else k
            address = product_of("gemv", kind)
            self.add(Code.GEMV, address, by_rows, 1, k, n, b, stride, a, out)
        else:
            turned = [int(side.flags.f_contiguous) for side in (a, b)]
            strides = [
                side.shape[0] if turn else side.shape[1]
                for side, turn in zip((a, b), turned, strict=True)
            ]
            address = product_of("gemm", kind)
            sides = (a, strides[0], b, strides[1], out, out.shape[1])
            self.add(Code.GEMM, address, *turned, m, n, k, *sides)
