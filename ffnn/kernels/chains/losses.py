"""What losses write into a program: their values, and their gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations.sigmoid import LARGEST_EXPONENT
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.program import Program
from ffnn.losses import Loss, MeanSquaredError
from ffnn.losses.binary_crossentropy import SigmoidCrossentropy
from ffnn.losses.categorical_crossentropy import SoftmaxCrossentropy


class LossWriter:
    """What writes the operations of a loss into one program.

    Parameters
    ----------
    loss : Loss
        Whose formulas they are.
    program : Program
        Into which they are written.
    weight : ndarray of shape (rows,), optional
        The rows' weights, none of which is 0.

    Attributes
    ----------
    p : ndarray of shape (rows, units)
        What the network predicts for the batch, once the program has run forward.
    """

    p: Array
    is_written = True  # whether all of it is in the program

    @classmethod
    def suits(cls, loss: Any) -> bool:
        """Tell whether it writes such a loss of its class."""
        return True

    def __init__(self, loss: Any, program: Program, weight: Array | None) -> None:
        self.loss, self.program, self.weight = loss, program, weight
        name = "sums" if weight is None else "weighted sums"  # of which only the first is used
        self.sums = program.memory.get(name, (2,), program.dtype)
        self.sums.fill(0.0)

    def forward(self, output: Array, target: Array) -> None:
        """Write what the value needs; LookupError says that such a target is not known."""
        raise NotImplementedError

    @property
    def divisor(self) -> int:
        """What the difference of the two sums is divided by."""
        return self.program.rows

    def value(self, target: Array, weight: Array | None) -> float:
        """Return L of the batch, once the program has run forward."""
        return float(self.sums[0] - self.sums[1]) / self.divisor

    def backward(self) -> Array:
        """Write what makes ∂L/∂output, and return it."""
        raise NotImplementedError

    def begin_backward(self) -> None:
        """Make what the program needs to run back and does not make itself."""

    def weigh(self, x: Array) -> Array:
        """Write what multiplies the rows of x by their weights, if they have any; return x."""
        if self.weight is not None:
            self.program.add(Code.WEIGH_ROWS, *x.T.shape, x, self.weight)
        return x


class SoftmaxLossWriter(LossWriter):
    """`SoftmaxCrossentropy`."""

    def forward(self, output: Array, target: Array) -> None:
        """Write p, y, and the two sums of L."""
        program, shape = self.program, output.T.shape
        units = output.shape[1]
        row, ones = program.array("row"), program.array("ones")
        z, self.p, self.y = (program.array(f"loss {name}", units) for name in "zpy")
        ones.fill(1.0)
        program.add(Code.BELOW_LARGEST, *shape, output, z, row)
        program.apply(np.exp, z, self.p)
        program.add(Code.DIVIDE_BY_SUM, *shape, self.p, row)
        s = self.loss.label_smoothing
        if target.ndim == 1:
            off_on = np.array([0.0, 1.0], program.dtype)
            if s:
                off_on *= 1.0 - s
                off_on += s / units
            program.add(Code.ONE_HOT, *shape, target, self.y, numbers=tuple(off_on))
        else:
            kept, added = 1.0 - s, s / units
            program.add(Code.SHARES, *shape, target, self.y, numbers=(kept, added))
        program.apply(np.log, row, row)
        if self.weight is not None:
            program.add(Code.TAKE_RIGHT, *shape, z, self.y, row)
            program.dot(row, self.weight, self.sums[:1])
            return
        for place, (a, b) in enumerate([(row, ones), (z, self.y)]):
            flat = a.ravel("K"), b.ravel("K")
            program.dot(*flat, self.sums[place : place + 1])

    def backward(self) -> Array:
        """Write w (p - y) / n in place of p."""
        numbers = (1.0 / self.program.rows,)
        self.program.add(Code.DIFFERENCES, *self.p.T.shape, self.p, self.y, numbers=numbers)
        return self.weigh(self.p)


class ElementwiseLossWriter(LossWriter):
    """What losses that are a mean over all elements share."""

    p: Array

    @property
    def divisor(self) -> int:
        """The number of elements."""
        return self.p.size

    @property
    def share(self) -> float:
        """1/(n u)."""
        return 1.0 / self.p.size


class SquaredLossWriter(ElementwiseLossWriter):
    """`MeanSquaredError`."""

    def forward(self, output: Array, target: Array) -> None:
        """Write p - y and the sum of its squares."""
        program, self.p = self.program, output
        self.errors, values = (program.array(f"loss {i}", output.shape[1]) for i in range(2))
        program.add(Code.SQUARE_ERRORS, *output.T.shape, output, target, self.errors, values)
        program.sum(self.weigh(values), self.sums)

    def backward(self) -> Array:
        """Write 2 w (p - y) / (n u)."""
        program, numbers = self.program, (self.share,)
        program.add(Code.DOUBLE, *self.p.T.shape, self.errors, numbers=numbers)
        return self.weigh(self.errors)


class SigmoidLossWriter(ElementwiseLossWriter):
    """`SigmoidCrossentropy`."""

    @classmethod
    def suits(cls, loss: SigmoidCrossentropy) -> bool:
        """Tell whether the targets are not smoothed."""
        return not loss.label_smoothing

    def forward(self, output: Array, target: Array) -> None:
        """Write p, and the sum of max(z, 0) - z y + log(1 + e^-|z|)."""
        program, self.target, shape = self.program, target, output.T.shape
        values, tail, self.p, self.errors = (
            program.array(f"loss {i}", output.shape[1]) for i in range(4)
        )
        largest = LARGEST_EXPONENT[program.dtype.char]
        arrays = output, target, values, tail, self.p
        program.add(Code.LOGIT_ERRORS, *shape, *arrays, numbers=(largest,))
        program.apply(np.exp, tail, tail)
        program.apply(np.log1p, tail, tail)
        program.add(Code.ADD, *shape, values, tail)
        program.sum(self.weigh(values), self.sums)
        program.apply(np.exp, self.p, self.p)
        program.add(Code.INVERT, *shape, self.p)

    def backward(self) -> Array:
        """Write w (p - y) / (n u)."""
        program, arrays = self.program, (self.p, self.target, self.errors)
        program.add(Code.TARGET_ERRORS, *self.p.T.shape, *arrays, numbers=(self.share,))
        return self.weigh(self.errors)


class OutsideLossWriter(LossWriter):
    """Any other loss, which computes between both calls, as it does behind layers."""

    is_written = False

    def forward(self, output: Array, target: Array) -> None:
        """Write nothing, and remember the output."""
        self.output = self.p = output

    def value(self, target: Array, weight: Array | None) -> float:
        """Return L of the batch, or NaN where the program refused it."""
        if math.isnan(self.sums[0]):
            self.sums[0] = 0.0
            return math.nan
        value = self.loss.forward(self.output, target, weight)
        self.p = self.loss.output
        return float(value)

    def backward(self) -> Array:
        """Return the array in which ∂L/∂output will be."""
        self.grad = self.program.array("loss grad", self.output.shape[1])
        return self.grad

    def begin_backward(self) -> None:
        """Have the loss compute ∂L/∂output."""
        np.copyto(self.grad, self.loss.backward())


LOSS_WRITERS: dict[type, type[LossWriter]] = {
    SoftmaxCrossentropy: SoftmaxLossWriter,
    MeanSquaredError: SquaredLossWriter,
    SigmoidCrossentropy: SigmoidLossWriter,
}


def loss_writer(loss: Loss) -> type[LossWriter]:
    """Return the class of the writer of a loss."""
    found = LOSS_WRITERS.get(type(loss))
    return found if found is not None and found.suits(loss) else OutsideLossWriter
