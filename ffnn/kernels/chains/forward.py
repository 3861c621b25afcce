"""`Forward`: a network outside training, computed in one call for each block of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations import Softmax
from ffnn.core.memory import Workspace
from ffnn.kernels.chains.chain import multiplies_alike, run_for
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.norms import SAFE
from ffnn.kernels.chains.parts import WRITERS, LinearWriter, Writer
from ffnn.kernels.chains.program import Program
from ffnn.kernels.chains.routines import are_known
from ffnn.layers import Dropout
from ffnn.layers.base import Stage

_KEPT = 64  # programs, of blocks of so many sizes


class SoftmaxWriter(Writer):
    """`Softmax` where no loss takes its place."""

    def predict(self, program: Program, x: Array) -> Array:
        """Write y = e^(x - max x) / Σ e^(x - max x)."""
        if not x.flags.f_contiguous:
            raise LookupError("x lies row by row")
        y, row = program.array(f"{self.name} y", x.shape[1]), program.array("row")
        program.add(Code.BELOW_LARGEST, *y.T.shape, x, y, row)
        program.apply(np.exp, y, y)
        if program.rows > 1:
            program.add(Code.DIVIDE_BY_SUM, *y.T.shape, y, row)
        else:  # whose numbers lie one after another: NumPy adds them pairwise
            program.sum(y, row)
            program.add(Code.DIVIDE, *y.T.shape, y, row)
        return y


_PREDICTED: dict[type, type[Writer]] = {Softmax: SoftmaxWriter, Dropout: LinearWriter}


def _writer_for(stage: Stage) -> type[Writer] | None:
    kind = type(stage.layer)
    return _PREDICTED.get(kind) or WRITERS.get(kind)


class Forward:
    """Stages outside training, for all of which there are writers; see `suits`.

    Its arrays are its own, so that each thread has one; of the parts it reads parameters, states
    and settings. Nothing is kept for a way back.

    Parameters
    ----------
    stages : sequence of Stage
        Through which rows go.
    dtype : dtype
        In which all is computed.
    """

    @staticmethod
    def suits(stages: Sequence[Stage], dtype: np.dtype[Any]) -> bool:
        """Tell whether there are writers for just the classes of all parts, and a known width."""
        return (
            dtype.char in "fd"
            and all(_writer_for(stage) is not None for stage in stages)
            and any(stage.layer.is_dense for stage in stages)
            and stages[0].layer.input_dim is not None  # as it is of a bare activation
        )

    def __init__(self, stages: Sequence[Stage], dtype: np.dtype[Any]) -> None:
        self.stages, self.dtype = stages, dtype
        self._run, self._place = run_for(dtype), _place_for(dtype)
        first = stages[0].layer
        self._casts, self._columns = first.takes_any_dtype, first.input_dim or 0
        self._cast, self._memory, self._most = Workspace("C"), Workspace(), 0
        self._programs: dict[int, _Written | None] = {}

    def compute(self, x: Array) -> Array | None:
        """Return y in working memory, valid until the next call; None for rows it does not take."""
        written = self._find(x)
        if written is None:
            return None
        self._go(written, x)
        return written.y if written.is_safe else None

    def predict(self, x: Array, batch_size: int) -> Array | None:
        """Return y as an array of its own, from so many rows at a time.

        None says that it does not take x, or that a number is not finite: of x, perhaps.
        """
        if len(x) <= batch_size:
            written = self._find(x)
            if written is None or not self._go(written, x):
                return None
            return np.array(written.y)
        result: Array | None = None
        for start in range(0, len(x), batch_size):
            block = x[start : start + batch_size]
            written = self._find(block)
            if written is None or not self._go(written, block):
                return None
            if result is None:
                result = np.empty((len(x), written.y.shape[1]), self.dtype)
            result[start : start + len(block)] = written.y
        return result

    def _go(self, written: _Written, x: Array) -> bool:
        """Compute y, and tell whether it can be told at once that all of x was finite, and safe."""
        if x.dtype != self.dtype:
            given, x = x, self._cast.get("x", x.shape, self.dtype)
            np.copyto(x, given, casting="same_kind")
        operations = written.operations
        self._place(x, operations, written.places)
        self._run(operations, written.numbers, 0, len(operations))
        return written.shows_numbers and math.isfinite(written.total[0]) and written.is_safe

    def _find(self, x: Array) -> _Written | None:
        """Return the program for such rows; None if there can be none."""
        flags = x.flags
        if x.ndim != 2 or x.shape[1] != self._columns or not (flags.c_contiguous and flags.aligned):
            return None
        if x.dtype != self.dtype and not (self._casts and np.can_cast(x.dtype, self.dtype)):
            return None
        rows = len(x)
        if rows not in self._programs:
            self._programs[rows] = self._write(rows) if rows else None
        return self._programs[rows]

    def _write(self, rows: int) -> _Written | None:
        """Return the program for so many rows."""
        if rows > self._most or len(self._programs) >= _KEPT:
            self._programs.clear()
            self._memory, self._most = Workspace(), max(rows, self._most)
        program = Program(self._memory, rows, self.dtype, returns=False)
        try:
            return _Written(self.stages, program, self._columns)
        except LookupError:  # a product of a single number
            return None


class _Written:
    """A program in the form that the machine runs.

    Where a product comes first, z of its first unit is summed up. A number of x that is not finite
    makes it NaN or infinite, whatever the weights are.

    Attributes
    ----------
    y : ndarray of shape (rows, units)
        The outputs, once the program has run.
    places : ndarray of shape (operations,)
        The column in which each operation has the address of x; 0 for none.
    total : ndarray of shape (1,)
        The sum, if `shows_numbers`.
    """

    def __init__(self, stages: Sequence[Stage], program: Program, columns: int) -> None:
        like: Array = np.empty((program.rows, columns), program.dtype)
        y = program.move("x", like)
        made = []
        for i, stage in enumerate(stages):
            kind = _writer_for(stage)
            assert kind is not None
            if not kind.takes_rows:
                y = program.by_columns(y, f"{i} x")
            y = kind(stage.layer, f"{i}").predict(program, y)
            made.append(y)
        self.y, self.total = program.by_columns(y, "y"), np.zeros(1, program.dtype)
        self.operations, self.numbers = program.tables()
        self.places = np.zeros(len(program), np.int64)
        for row, column in program.moving["x"]:
            self.places[row] = column
        first = Code(self.operations[0, 0])
        self.shows_numbers = first in (Code.GEMM, Code.GEMV, Code.DOT)
        if self.shows_numbers:
            self._watch(made[0].T[0], program)
        self._held, self._guards = program.arrays_but(like), program.guards
        self._limit = SAFE[program.dtype.char]

    @property
    def is_safe(self) -> bool:
        """Whether no square may have overflowed, for which some layers have another way."""
        return all(square[0] < self._limit for square in self._guards)

    def _watch(self, z: Array, program: Program) -> None:
        """Have the numbers of z be added before another operation changes them."""
        watch = Program(program.memory, program.rows, program.dtype)
        watch.sum(z, self.total)
        operations, numbers = watch.tables()
        self.operations = np.insert(self.operations, 1, operations, axis=0)
        self.numbers = np.insert(self.numbers, 1, numbers, axis=0)
        self.places = np.insert(self.places, 1, 0)


def forward_of(stages: Sequence[Stage], dtype: np.dtype[Any]) -> Forward | None:
    """Return what computes stages outside training; None if there is none, or another NumPy.

    Raises whatever numba does where it fails to compile.
    """
    if not Forward.suits(stages, dtype) or not are_known(dtype.char):
        return None
    return Forward(stages, dtype) if multiplies_alike(dtype) else None


def _place_for(dtype: np.dtype[Any]) -> Callable[[Array, Array, Array], None]:
    """Return the loop that enters the address of rows; raises whatever numba does."""
    from ffnn.kernels.native.placing import place

    return place.compiled(dtype)
