"""`Dropout`, whose random numbers are drawn in one loop, and whose mask and product are one pass.

NumPy draws each number by a call, which takes longer than all the rest. The loop makes the same
numbers as its default generator, and leaves that in the same state.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import Dropout

# By which PCG64 multiplies its state, and numbers of 64 bits, in which the state is kept by halves.
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_WORD = 1 << 64
_HALF, _LOW, _ONE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(1)
_WIDTH, _TOP = np.uint64(63), np.uint64(58)


@loop("qq")
def draw(numbers: Array, state: Array) -> None:
    """Fill a vector as PCG64 does, with s ← a s + c modulo 2¹²⁸ before each number.

    `state` has the upper and the lower half of s, of a and of c. A number is the exclusive or of
    the halves of s, rotated by its upper six bits.

    References
    ----------
    O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random
    number generation", Harvey Mudd College 2014, section 6.3.3 (XSL RR).
    """
    high, low, a_high, a_low, c_high, c_low = state
    a_0, a_1 = a_low & _LOW, a_low >> _HALF
    for i in range(numbers.size):
        s_0, s_1 = low & _LOW, low >> _HALF
        first = s_1 * a_0 + (s_0 * a_0 >> _HALF)  # products of 32 bits fit into 64
        second = s_0 * a_1 + (first & _LOW)
        carried = s_1 * a_1 + (first >> _HALF) + (second >> _HALF)
        high = high * a_low + low * a_high + carried + c_high
        low = low * a_low + c_low
        if low < c_low:
            high += _ONE
        mixed, turn = high ^ low, high >> _TOP
        numbers[i] = (mixed >> turn) | (mixed << (_WIDTH + _ONE - turn & _WIDTH))
    state[0], state[1] = high, low


@loop("vwvvss")
def mask_drawn(x: Array, drawn: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Make the mask of integers, whose upper 24 bits are a float's, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    unit = y.dtype.type(1.0 / 16777216.0)
    for i in range(x.size):
        number = y.dtype.type(np.int32(drawn[i] >> np.uint32(8))) * unit
        kept = one if number >= rate else zero
        m[i] = kept * factor
        y[i] = x[i] * m[i]


@loop("vvvss")
def mask(x: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Turn random numbers m into the mask, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(x.size):
        kept = one if m[i] >= rate else zero
        m[i] = kept * factor
        y[i] = x[i] * m[i]


@twin_for(Dropout)
class DropoutTwin(LayerTwin):
    """`Dropout` with fewer passes forward; back it is one already."""

    part: Dropout
    loops: ClassVar = {"draw": draw, "mask_drawn": mask_drawn, "mask": mask}
    saved = 0.9

    def run_forward(self, x: Array) -> Array:
        """Return x ∘ m."""
        part = self.part
        rate = part.begin(x)
        if not rate:
            return x
        flat, m, y = (array.T.reshape(-1) for array in (x, part.m, part.y))
        numbers = self.number(rate), self.number(1.0 / (1.0 - rate))
        (rng,) = part.random_generators()
        drawn = part.like("drawn", "uint32").T.reshape(-1)
        if self._draw(rng, drawn):
            self.mask_drawn(flat, drawn, m, y, *numbers)
        else:
            rng.random(dtype=x.dtype, out=part.m)
            self.mask(flat, m, y, *numbers)
        return part.y

    def _draw(self, rng: np.random.Generator, drawn: Array) -> bool:
        """Draw integers of 32 bits as `rng` does for float32; return whether the loop can."""
        state = rng.bit_generator.state
        if (
            state["bit_generator"] != "PCG64"
            or state["has_uint32"]  # half a number that was left over
            or drawn.size % 2
            or self.dtype.char != "f"
        ):
            return False
        known = state["state"]
        halves = [
            half
            for number in (known["state"], _MULTIPLIER, known["inc"])
            for half in divmod(number, _WORD)
        ]
        words = np.array(halves, np.uint64)
        self.draw(drawn.view(np.uint64), words)
        reached = {"state": int(words[0]) * _WORD + int(words[1]), "inc": known["inc"]}
        rng.bit_generator.state = {**state, "state": reached, "uinteger": int(drawn[-1])}
        return True

    def backward(self, grad: Array) -> Array:
        """Return grad ∘ m, with the mask of the last forward."""
        return self.part.backward(grad)
