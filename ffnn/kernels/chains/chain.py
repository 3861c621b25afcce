"""`Chain`: a network and its loss, computed in one forward and one backward call."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from ffnn._types import Array
from ffnn.core.hints import is_ours
from ffnn.core.memory import Workspace
from ffnn.core.sums import BLOCK_ROWS
from ffnn.kernels.chains import activations, masks  # noqa: F401  # which enter their writers
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.losses import loss_writer
from ffnn.kernels.chains.norms import SAFE
from ffnn.kernels.chains.parts import WRITERS, Writer, settings_of
from ffnn.kernels.chains.program import Program
from ffnn.kernels.chains.routines import address_of, are_known
from ffnn.layers.base import Layer, Stage
from ffnn.losses import Loss

Table: TypeAlias = tuple[Array, Array]  # the integers and the numbers of operations

_KEPT = 4  # programs, of batches of so many sizes


class Chain:
    """Stages for all of which there are writers, and a loss; see `suits`.

    Any other loss of the library computes between both calls. The chain's arrays are its own; of
    the parts it reads parameters and settings, and it fills gradients.

    Parameters
    ----------
    stages : sequence of Stage
        Through which a batch goes.
    loss : Loss
        Behind them.
    dtype : dtype
        In which all is computed.
    """

    @staticmethod
    def saved(stages: Sequence[Stage], rows: int) -> float:
        """Return about how many seconds of a step it saves, with batches of so many rows."""
        layers = (stage.layer for stage in stages if WRITERS[type(stage.layer)].saves)
        return 15e-6 + 3.3e-9 * rows * sum(layer.output_dim or 0 for layer in layers)

    @staticmethod
    def suits(stages: Sequence[Stage], loss: Loss, dtype: np.dtype[Any]) -> bool:
        """Tell whether there are writers for just the classes of all stages."""
        return (
            dtype.char in "fd"
            and is_ours(type(loss))  # whose gradients lie column by column
            and all(type(stage.layer) in WRITERS for stage in stages)
            and any(stage.layer.params for stage in stages)
        )

    def __init__(self, stages: Sequence[Stage], loss: Loss, dtype: np.dtype[Any]) -> None:
        self.stages, self.loss, self.dtype = stages, loss, dtype
        self._run = run_for(dtype)
        self.memory, self.batches = Workspace(), Workspace("C")
        self.casts = stages[0].layer.takes_any_dtype
        self._programs: dict[tuple[Any, ...], Runnable | None] = {}
        self._batch: tuple[Array | None, ...] = (None, None, None)
        self._now: Runnable | None = None
        self._switched = Layer.switched
        self._find_settings = settings_of(
            (WRITERS[type(stage.layer)], stage.layer) for stage in stages
        )
        self._settings = self._find_settings()

    @property
    def is_whole(self) -> bool:
        """Whether the loss is computed in the same calls, too."""
        return loss_writer(self.loss).is_written

    def takes(self, x: Array, y: Array, weight: Array | None = None) -> bool:
        """Tell whether it takes a batch, none of whose weights is 0; it is the next one then."""
        if x.dtype != self.dtype and self.casts:
            given, x = x, self.batches.get("x", x.shape, self.dtype)
            np.copyto(x, given, casting="same_kind")
        if Layer.switched is not self._switched:  # some layers do something else while frozen
            self._switched = Layer.switched
            self._forget_programs()
        self.follow()
        batch = x, y, weight
        if not all(map(operator.is_, batch, self._batch)):
            self._now = self.find(*batch)
            self._batch = batch
            if self._now is not None:
                self._now.place(*batch)
        return self._now is not None

    def follow(self) -> tuple[Any, ...]:
        """Have programs written anew if settings of parts have changed, and return these."""
        settings = self._find_settings()
        if settings != self._settings:
            self._settings = settings
            self._forget_programs()
        return settings

    def _forget_programs(self) -> None:
        self._programs.clear()
        self._batch = None, None, None

    def forward(self) -> float | None:
        """Return the loss of the batch; None for one with numbers that need the layers' own way."""
        now = self._now
        assert now is not None
        self._run(now.operations, now.numbers, 0, now.middle)
        _, target, weight = self._batch
        loss: float = now.loss.value(target, weight)
        self.loss.output = now.loss.p
        if math.isnan(loss) and not now.is_safe:
            self._run(*now.undoing, 0, len(now.undoing[0]))
            return None
        for writer in now.following:
            writer.tell()
        return loss

    def backward(self) -> None:
        """Fill the gradients for the batch."""
        now = self._now
        assert now is not None
        now.loss.begin_backward()
        self._run(now.operations, now.numbers, now.middle, now.end)

    def release(self) -> None:
        """Let go of the batch."""
        self._batch = None, None, None

    def find(self, x: Array, y: Array, weight: Array | None = None) -> Runnable | None:
        """Return the program for such a batch; None if there can be none."""
        if x.ndim != 2 or x.dtype != self.dtype or not 1 < len(x) <= BLOCK_ROWS:
            return None
        if y.dtype != (np.intp if y.ndim == 1 else self.dtype) or not y.flags.c_contiguous:
            return None
        flags = x.flags
        if not (flags.aligned and (flags.c_contiguous or flags.f_contiguous)):
            return None
        if weight is not None and (weight.dtype != self.dtype or not weight.flags.c_contiguous):
            return None
        key = (*x.shape, flags.c_contiguous, *y.shape, weight is None)
        if key not in self._programs:
            if len(self._programs) >= _KEPT:
                self._programs.clear()
            try:
                self._programs[key] = Runnable(self, x, y, weight)
            except LookupError:  # a product of a single number, or a target of another kind
                self._programs[key] = None
        return self._programs[key]

    def write(
        self, program: Program, x: Array, y: Array, weight: Array | None
    ) -> tuple[Any, list[Writer], int]:
        """Write everything; return the writers, the loss's first, and where operations go back.

        Arrays of the same kind stand for those of the batch, which are entered by `place`: x and y
        may be one array.
        """
        writers = [
            WRITERS[type(stage.layer)](stage.layer, f"{i}") for i, stage in enumerate(self.stages)
        ]
        flowing: Array | None = program.move("x", np.empty_like(x))
        y = program.move("y", np.empty_like(y))
        if weight is not None:
            weight = program.move("weight", np.empty_like(weight))
        for writer in writers:
            assert flowing is not None
            flowing = writer.forward(program, flowing)
        assert flowing is not None
        loss = loss_writer(self.loss)(self.loss, program, weight)
        loss.forward(flowing, y)
        for square in program.guards:
            program.add(Code.REFUSE, 1, 1, square, loss.sums, numbers=(SAFE[self.dtype.char],))
        middle = len(program)
        flowing = loss.backward()
        for writer in reversed(writers):
            if flowing is None:
                break
            flowing = writer.backward(program, flowing)
        return loss, writers, middle


class Runnable:
    """A program in the form that the machine runs.

    Attributes
    ----------
    loss : LossWriter
        Which knows what the loss is.
    following : list of Writer
        Those of parts with a state that follows each batch.
    operations, numbers : ndarray
        Of the machine, of which those from `middle` to `end` go back.
    undoing : tuple of ndarray
        The same of what undoes a pass forward whose batch is refused.
    """

    def __init__(self, chain: Chain, x: Array, y: Array, weight: Array | None) -> None:
        program = self._program = Program(chain.memory, len(x), chain.dtype)
        self.loss, writers, self.middle = chain.write(program, x, y, weight)
        self.following = [writer for writer in writers if writer.follows]
        self.operations, self.numbers = program.tables()
        self.undoing = program.undo_tables()
        self.end = len(program)
        self._places = program.moving

    @property
    def is_safe(self) -> bool:
        """Whether all sums of squares are such that no number of the last batch overflowed."""
        limit = SAFE[self._program.dtype.char]
        return all(square[0] < limit for square in self._program.guards)

    def place(self, x: Array, y: Array, weight: Array | None) -> None:
        """Have the operations work on this batch."""
        self._put(self.operations, x, y, weight)

    def on(self, x: Array, y: Array, weight: Array | None) -> tuple[Table, Table]:
        """Return copies of the operations forward and back that work on other arrays alike."""
        operations, middle = self.operations.copy(), self.middle
        self._put(operations, x, y, weight)
        forward, back = slice(None, middle), slice(middle, None)
        return (operations[forward], self.numbers[forward]), (operations[back], self.numbers[back])

    def _put(self, operations: Array, x: Array, y: Array, weight: Array | None) -> None:
        """Write the addresses of a batch."""
        for name, array in (("x", x), ("y", y), ("weight", weight)):
            if array is not None:
                address = address_of(array)
                for row, column in self._places[name]:
                    operations[row, column] = address


def chain_of(stages: Sequence[Stage], loss: Loss, dtype: np.dtype[Any]) -> Chain | None:
    """Return the chain of stages and loss, or None if there is none, or NumPy is another one.

    Raises whatever numba does where it fails to compile.
    """
    if not Chain.suits(stages, loss, dtype) or not are_known(dtype.char):
        return None
    return Chain(stages, loss, dtype) if multiplies_alike(dtype) else None


@cache
def multiplies_alike(dtype: np.dtype[Any]) -> bool:
    """Tell whether the machine's products have the bits of NumPy's, each kind of them once."""
    run = run_for(dtype)
    for m, n in ((17, 9), (17, 1), (1, 9), (1, 1)):
        a = np.sin(np.arange(m * 33, dtype=dtype)).reshape(m, 33)
        b = np.cos(np.arange(33 * n, dtype=dtype)).reshape(33, n)
        made, program = np.zeros((m, n), dtype), Program(Workspace(), n, dtype)
        program.product(a, b, made)
        run(*program.tables(), 0, 1)
        if not np.array_equal(made, a.dot(b)):
            return False
    return True


def run_for(dtype: np.dtype[Any]) -> Callable[[Array, Array, int, int], None]:
    """Return the machine for numbers of a dtype; raises whatever numba does."""
    from ffnn.kernels.native.machine import run

    return run.compiled(dtype)
