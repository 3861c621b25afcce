"""What activations with exponentials, and `LeakyReLU`, write into a program.

NumPy's own loops make exponentials and the like, with one pass before and one after. y has memory
of its own, as x is read again after them, and in training on the way back.
"""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations import ELU, GELU, SELU, Exponential, LeakyReLU, Mish, Softplus, Swish
from ffnn.activations.sigmoid import LARGEST_EXPONENT
from ffnn.core import gaussian
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.parts import ActivationWriter, Writer, writes
from ffnn.kernels.chains.program import Program


class ElementwiseWriter(Writer):
    """What those share whose derivatives need more than y."""

    takes_rows = True

    def begin(self, program: Program, x: Array, *names: str) -> list[Array]:
        """Return arrays like x; LookupError says that the batch does not lie column by column."""
        self.x = x
        return [program.like(x, f"{self.name} {name}") for name in names]


@writes(LeakyReLU)
class LeakyReLUWriter(ElementwiseWriter):
    """`LeakyReLU`."""

    part: LeakyReLU
    reads = ("negative_slope",)

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = max(x, a x)."""
        (y,) = self.begin(program, x, "y")
        program.add(Code.LEAKY_RELU, *x.T.shape, x, y, numbers=(self.part.negative_slope,))
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad where x > 0, else a grad, in place of grad."""
        numbers = (self.part.negative_slope,)
        program.add(Code.LEAKY_RELU_BACK, *grad.T.shape, self.x, grad, numbers=numbers)
        return grad


@writes(ELU)
class ELUWriter(ElementwiseWriter):
    """`ELU`."""

    part: ELU
    reads = ("alpha",)

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = max(x, 0) + a (e^min(x, 0) - 1)."""
        (y,) = self.begin(program, x, "y")
        program.add(Code.CLIP, *x.T.shape, x, y, numbers=(-math.inf, 0.0))
        program.apply(np.expm1, y, y)
        program.add(Code.ADD_POSITIVE, *x.T.shape, x, y, numbers=(1.0, self.part.alpha))
        self.y = y
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad where y > 0, else grad (y + a), in place of grad."""
        program.add(Code.ELU_BACK, *grad.T.shape, self.y, grad, numbers=(self.part.alpha,))
        return grad


@writes(SELU)
class SELUWriter(ElementwiseWriter):
    """`SELU`."""

    part: SELU

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = s max(x, 0) + s a (e^min(x, 0) - 1)."""
        (y,) = self.begin(program, x, "y")
        program.add(Code.CLIP, *x.T.shape, x, y, numbers=(-math.inf, 0.0))
        program.apply(np.expm1, y, y)
        numbers = self.part.scale, self.part.scale * self.part.alpha
        code = Code.SELU if clips_zeros_alike() else Code.ADD_POSITIVE
        program.add(code, *x.T.shape, x, y, numbers=numbers)
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write s grad where x > 0, else s a e^x grad, in place of grad."""
        s_a, power = self.part.scale * self.part.alpha, program.array("slope", grad.shape[1])
        program.add(Code.CLIP, *grad.T.shape, self.x, power, numbers=(-math.inf, 0.0))
        program.apply(np.exp, power, power)
        numbers = s_a, self.part.scale - s_a
        program.add(Code.SELU_BACK, *grad.T.shape, self.x, power, grad, numbers=numbers)
        return grad


def clips_zeros_alike() -> bool:
    """Tell whether NumPy's clip leaves -0 within [0, ∞) as it is, as it does since NumPy 2.1."""
    return bool(np.signbit(np.array([-0.0]).clip(0.0, math.inf))[0])


@writes(GELU)
class GELUWriter(ElementwiseWriter):
    """`GELU`, of both forms."""

    part: GELU
    reads = ("approximate",)

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = x Φ(x), or x (1 + tanh u) / 2."""
        if self.part.approximate == "tanh":
            return self._write_tanh(program, x)
        self.bell, self.tail, y = self.begin(program, x, "bell", "tail", "y")
        shape, far = x.T.shape, gaussian.FAR
        terms = program.memory.get("gelu", (15,), program.dtype)
        terms[...] = gaussian.P + gaussian.Q
        program.add(Code.GELU_EXPONENT, *shape, x, self.bell, numbers=(far,))
        program.apply(np.exp, self.bell, self.bell)
        arrays = x, self.bell, self.tail, y, terms
        program.add(Code.GELU, *shape, *arrays, numbers=(far,))
        return y

    def _write_tanh(self, program: Program, x: Array) -> Array:
        """Write t = tanh u and y = x (1 + t) / 2."""
        self.t, y = self.begin(program, x, "t", "y")
        numbers = self.part.cubic, self.part.factor
        program.add(Code.GELU_ARGUMENT, *x.T.shape, x, self.t, numbers=numbers)
        program.apply(np.tanh, self.t, self.t)
        program.add(Code.GELU_TANH, *x.T.shape, x, self.t, y)
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad y' in place of grad."""
        shape = grad.T.shape
        if self.part.approximate == "tanh":
            numbers = 3.0 * self.part.cubic, self.part.factor
            program.add(Code.GELU_TANH_BACK, *shape, self.x, self.t, grad, numbers=numbers)
        else:
            numbers = 1.0 / math.sqrt(2.0 * math.pi), gaussian.FAR
            arrays = self.x, self.bell, self.tail, grad
            program.add(Code.GELU_BACK, *shape, *arrays, numbers=numbers)
        return grad


@writes(Swish)
class SwishWriter(ElementwiseWriter):
    """`Swish`."""

    def forward(self, program: Program, x: Array) -> Array:
        """Write s = 1 / (1 + e^-x) and y = x s."""
        self.s, self.y = self.begin(program, x, "s", "y")
        largest = LARGEST_EXPONENT[program.dtype.char]
        program.add(Code.OPPOSE, *x.T.shape, x, self.s, numbers=(largest,))
        program.apply(np.exp, self.s, self.s)
        program.add(Code.SWISH, *x.T.shape, x, self.s, self.y, numbers=(-1000.0,))
        return self.y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad (s + y (1 - s)) in place of grad."""
        program.add(Code.SWISH_BACK, *grad.T.shape, self.s, self.y, grad)
        return grad


@writes(Softplus)
class SoftplusWriter(ElementwiseWriter):
    """`Softplus`."""

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = max(x, 0) + log(1 + e^-|x|)."""
        (y,) = self.begin(program, x, "y")
        program.add(Code.SOFTPLUS_EXPONENT, *x.T.shape, x, y)
        program.apply(np.exp, y, y)
        program.apply(np.log1p, y, y)
        program.add(Code.ADD_POSITIVE, *x.T.shape, x, y, numbers=(1.0, 1.0))
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad / (1 + e^-x) in place of grad."""
        power, largest = program.array("slope", grad.shape[1]), LARGEST_EXPONENT[program.dtype.char]
        program.add(Code.OPPOSE, *grad.T.shape, self.x, power, numbers=(largest,))
        program.apply(np.exp, power, power)
        program.add(Code.SOFTPLUS_BACK, *grad.T.shape, power, grad)
        return grad


@writes(Exponential)
class ExponentialWriter(ActivationWriter):
    """`Exponential`."""

    code = Code.EXPONENTIAL_BACK

    def forward(self, program: Program, x: Array) -> Array:
        """Write y = e^x."""
        y = self.make_y(program, x)
        program.apply(np.exp, x, y)
        return y


@writes(Mish)
class MishWriter(ElementwiseWriter):
    """`Mish`."""

    numbers = -1000.0, 25.0  # beyond which t and y' are exactly 0 or 1

    def forward(self, program: Program, x: Array) -> Array:
        """Write n = e^x and y = x tanh(log(1 + n))."""
        self.n, y = self.begin(program, x, "n", "y")
        program.add(Code.CLIP, *x.T.shape, x, self.n, numbers=self.numbers)
        program.apply(np.exp, self.n, self.n)
        program.add(Code.MISH, *x.T.shape, x, self.n, y)
        return y

    def backward(self, program: Program, grad: Array) -> Array:
        """Write grad y' in place of grad."""
        arrays = self.x, self.n, grad
        program.add(Code.MISH_BACK, *grad.T.shape, *arrays, numbers=self.numbers)
        return grad
