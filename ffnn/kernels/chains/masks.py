"""What `Dropout` writes into a program: masks, drawn from the layer's own generator."""

from __future__ import annotations

from typing import Any

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.parts import Writer, writes
from ffnn.kernels.chains.program import Program
from ffnn.kernels.dropout import numbers_for
from ffnn.kernels.generators import state_of
from ffnn.layers import Dropout
from ffnn.schedules import Schedule


@writes(Dropout)
class DropoutWriter(Writer):
    """`Dropout` at a rate that stays; the generator is where the layer's own way would leave it."""

    part: Dropout
    reads = ("rate",)

    @classmethod
    def settings(cls, part: Any) -> tuple[Any, ...]:
        """Return the rate and the generators, which may be replaced, too."""
        return *super().settings(part), *part.random_generators()

    def forward(self, program: Program, x: Array) -> Array:
        """Write m and y = x ∘ m; LookupError says that its random numbers are not known."""
        rate = self.part.rate
        if isinstance(rate, Schedule):
            raise LookupError("another rate for each batch")
        self._has_mask = rate != 0.0
        if not self._has_mask:
            return x
        (rng,) = self.part.random_generators()
        state, get = state_of(rng), program.memory.get
        if not x.flags.f_contiguous:  # the batch, whose numbers are drawn column by column, too
            given, x = x, program.array(f"{self.name} x", x.shape[1])
            program.add(Code.RESCALE, *x.T.shape, given, x, numbers=(1.0, 0.0))
        self.m, y = (program.array(f"{self.name} {each}", x.shape[1]) for each in "my")
        before = get(f"{self.name} before", (3,), "uint64")
        drawn = get(f"{self.name} drawn", (numbers_for(x.size, program.dtype),), "uint64")
        program.keep(state)
        place = (*x.T.shape, state.words, state.left, before)
        code = Code.DROP_HALVES if program.dtype.char == "f" else Code.DROP_NUMBERS
        program.add(code, *place, drawn, x, self.m, y, numbers=(rate, 1.0 / (1.0 - rate)))
        program.undo(Code.UNDRAW, *place)
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad ∘ m in place of grad."""
        if self._has_mask:
            program.add(Code.DROP_BACK, *grad.T.shape, self.m, grad)
        return grad
