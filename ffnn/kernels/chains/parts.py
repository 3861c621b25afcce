"""What layers and activations write into a program: their formulas, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, ClassVar, TypeVar

import numpy as np

from ffnn._types import Array
from ffnn.activations import Linear, ReLU, Sigmoid, Tanh
from ffnn.activations.sigmoid import LARGEST_EXPONENT
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.program import Program
from ffnn.layers import Dense, Rescaling


class Writer:
    """What writes the operations of a part into one program.

    LookupError says that NumPy would compute with one of the settings in another dtype: a float64
    scalar of its own, where a Python number takes the dtype of the arrays.

    Parameters
    ----------
    part : layer
        Whose parameters the operations read and whose gradients they fill.
    name : str
        What the arrays of the part are called in the program's memory.
    """

    saves: ClassVar[bool] = True  # whether it takes less time than the part, by its entries of y
    takes_rows: ClassVar[bool] = False  # in `predict`, whether x may lie row by row
    follows: ClassVar[bool] = False  # whether a state of the part follows each batch

    reads: ClassVar[tuple[str, ...]] = ()  # settings of the part, which may change at any time

    @classmethod
    def settings(cls, part: Any) -> tuple[Any, ...]:
        """Return what of a part is written down, so that it is written anew where that changes."""
        return tuple(getattr(part, name) for name in cls.reads)

    def __init__(self, part: Any, name: str) -> None:
        self.part, self.name = part, name
        if any(isinstance(each, np.generic) for each in self.settings(part)):
            raise LookupError("a scalar of NumPy's")

    def forward(self, program: Program, x: Array) -> Array:
        """Write what makes y from x, and return y."""
        raise NotImplementedError

    def predict(self, program: Program, x: Array) -> Array:
        """Write what makes y from x outside training, and return y; a part may say otherwise."""
        return self.forward(program, x)

    def backward(self, program: Program, grad: Array) -> Array | None:
        """Write what makes ∂L/∂x from ∂L/∂y, in the memory of `grad` or not, and return it."""
        raise NotImplementedError

    def follow(self, program: Program) -> None:
        """Write what makes the state follow the batch, if it `follows`."""

    def tell(self) -> None:
        """Tell the part what its state is to follow, if it `follows`."""


_Class = TypeVar("_Class", bound=type[Writer])
WRITERS: dict[type, type[Writer]] = {}


def writes(cls: type) -> Callable[[_Class], _Class]:
    """Return a decorator that enters the writer of the parts of a class."""

    def enter(writer: _Class) -> _Class:
        WRITERS[cls] = writer
        return writer

    return enter


def settings_of(parts: Iterable[tuple[type[Writer], Any]]) -> Callable[[], tuple[Any, ...]]:
    """Return a function that returns the settings that writers read of their parts."""
    finders = [partial(writer.settings, part) for writer, part in parts if writer.reads]
    return lambda: tuple(each for find in finders for each in find())


MANY_ROWS = 128  # from which on it pays to compare two ways of a product


def suits_rows(rows: int, units: int, columns: int, dtype: np.dtype[Any]) -> bool:
    """Tell whether z = x Wᵀ is made faster than zᵀ = W xᵀ, and has the same bits.

    A library copies the side that it turns, and that of float32 slowly. Here it is W, which has to
    be the smaller one.
    """
    is_fast = dtype.char == "f" and rows >= max(MANY_ROWS, 2 * units)
    return is_fast and _multiplies_alike(rows, units, columns, dtype)


@lru_cache(1024)
def _multiplies_alike(rows: int, units: int, columns: int, dtype: np.dtype[Any]) -> bool:
    """Tell whether both products of such sides have the same bits, however x lies.

    In each row the second half of the terms takes away nearly all of the first, so that sums in
    another order would hardly ever agree, not even the few that the last rows have.
    """
    rng, half = np.random.default_rng(0), columns // 2
    for _ in range(1 + 60 // units):
        x, w = (rng.random((count, columns), dtype) - dtype.type(0.5) for count in (rows, units))
        x[:, half : 2 * half] = x[:, :half]
        w[:, half : 2 * half] *= dtype.type(1e-3)
        w[:, half : 2 * half] -= w[:, :half]
        x[:, 2 * half :] *= dtype.type(1e-3)
        z, turned = x.dot(w.T), (w.dot(each.T).T for each in (x, np.asfortranarray(x)))
        if not all(np.array_equal(z, each) for each in turned):
            return False
    return True


@writes(Dense)
class DenseWriter(Writer):
    """The linear part of `Dense`."""

    part: Dense
    takes_rows = True

    def forward(self, program: Program, x: Array) -> Array:
        """Write z = x Wᵀ + b."""
        self.x, part = x, self.part
        z = program.array(f"{self.name} z", part.units)
        program.product(part.params["weight"], x.T, z.T)
        if part.weight_factor != 1.0:
            program.add(Code.SCALE, *z.T.shape, z, numbers=(part.weight_factor,))
        if part.use_bias:
            program.add(Code.ADD_BIAS, *z.T.shape, z, part.params["bias"])
        return z

    def predict(self, program: Program, x: Array) -> Array:
        """Write z = x Wᵀ + b, row by row where rows are many: x is then the side as it is."""
        part, units = self.part, self.part.units
        lies_by_rows = x.flags.c_contiguous
        if not (lies_by_rows and suits_rows(program.rows, units, x.shape[1], program.dtype)):
            return self.forward(program, program.by_columns(x, f"{self.name} x"))
        z = program.by_rows(f"{self.name} z", units)
        program.product(x, part.params["weight"].T, z)
        if part.weight_factor != 1.0:
            program.add(Code.SCALE, *z.T.shape, z, numbers=(part.weight_factor,))
        if part.use_bias:
            program.add(Code.SHIFT, *z.T.shape, z, part.params["bias"])
        return z

    def backward(self, program: Program, grad: Array) -> Array | None:
        """Write ∂L/∂b = Σ δ, ∂L/∂W = δᵀ x and, if it is needed, ∂L/∂x = δ W."""
        part = self.part
        if part.use_bias:
            ones = program.array("ones")
            ones.fill(1.0)
            program.product(grad.T, ones, part.grads["bias"])
        if part.weight_factor != 1.0:
            program.add(Code.SCALE, *grad.T.shape, grad, numbers=(part.weight_factor,))
        program.product(grad.T, self.x, part.grads["weight"])
        if not part.needs_input_grad:
            return None
        dx = program.array(f"{self.name} dx", self.x.shape[1])
        program.product(part.params["weight"].T, grad.T, dx.T)
        return dx


@writes(Rescaling)
class RescalingWriter(Writer):
    """`Rescaling`; as the first layer it is given a batch that lies row by row."""

    part: Rescaling
    reads = "scale", "offset"
    saves = False
    takes_rows = True

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = scale · x + offset."""
        y = program.array(f"{self.name} y", x.shape[1])
        shape = (y.size, 1) if x.flags.f_contiguous else y.T.shape
        program.add(Code.RESCALE, *shape, x, y, numbers=(self.part.scale, self.part.offset))
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write scale · ∂L/∂y in place of it."""
        program.add(Code.SCALE, *grad.T.shape, grad, numbers=(self.part.scale,))
        return grad


class ActivationWriter(Writer):
    """What activations share: their derivatives follow from y, in one pass."""

    code: ClassVar[Code]
    takes_rows = True

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad ∘ y' in place of grad."""
        program.add(self.code, *self.y.T.shape, self.y, grad)
        return grad

    def make_y(self, program: Program, x: Array) -> Array:
        """Return the array for y; LookupError says that x does not lie column by column."""
        self.y = program.beside(x, f"{self.name} y")
        return self.y


@writes(Linear)
class LinearWriter(Writer):
    """`Linear`, which leaves everything as it is."""

    takes_rows = True

    def forward(self, program: Program, x: Array) -> Array:
        """Return x."""
        return x

    def backward(self, program: Program, grad: Array) -> Array:
        """Return grad."""
        return grad


@writes(ReLU)
class ReLUWriter(ActivationWriter):
    """`ReLU`, forward in one pass with the bias before it."""

    code = Code.RELU_BACK

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = max(x, 0)."""
        y = self.make_y(program, x)
        if program.last() is Code.ADD_BIAS:
            program.extend_last(Code.ADD_BIAS_RELU, y)
        else:
            program.add(Code.RELU, *y.T.shape, x, y)
        return y

    def predict(self, program: Program, x: Array) -> Array:
        """Write y = max(x, 0), in place of z with the bias before it."""
        fused = {Code.ADD_BIAS: Code.ADD_BIAS_CLIP, Code.SHIFT: Code.SHIFT_CLIP}
        last = program.last()
        if last not in fused:
            return self.forward(program, x)
        program.extend_last(fused[last])
        return x


@writes(Tanh)
class TanhWriter(ActivationWriter):
    """`Tanh`."""

    code = Code.TANH_BACK

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = tanh x."""
        y = self.make_y(program, x)
        program.apply(np.tanh, x, y)
        return y


@writes(Sigmoid)
class SigmoidWriter(ActivationWriter):
    """`Sigmoid`."""

    code = Code.SIGMOID_BACK

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = 1 / (1 + e^-x)."""
        y = self.make_y(program, x)
        largest = LARGEST_EXPONENT[program.dtype.char]
        program.add(Code.OPPOSE, *y.T.shape, x, y, numbers=(largest,))
        program.apply(np.exp, y, y)
        program.add(Code.INVERT, *y.T.shape, y)
        return y
