"""`Dropout`, whose random numbers are drawn in one loop, and whose mask and product are one pass.

NumPy draws each number by a call, which takes longer than all the rest. The loop makes the same
numbers as its default generator, and leaves that in the same state.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.generators import state_of
from ffnn.kernels.twins import LayerTwin, twin_for
from ffnn.layers import Dropout

# By which PCG64 multiplies its state, by halves.
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_A_HIGH, _A_LOW = (np.uint64(half) for half in divmod(_MULTIPLIER, 1 << 64))
_HALF, _LOW, _ONE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(1)
_WIDTH, _TOP = np.uint64(63), np.uint64(58)


@loop("qqqi")
def draw(numbers: Array, words: Array, left: Array, halves: int) -> None:
    """Fill a vector but for its first number as PCG64 does, which is left in the state reached.

    Before each number, s ← a s + c modulo 2¹²⁸; it is the exclusive or of the halves of s, rotated
    by its upper six bits. Where integers of 32 bits are asked for, `halves` of them, only as many
    numbers are drawn as they need. They follow one another: the lower and the upper half of each
    number, with the half left over before, if there was one, as the upper half of the first number.

    Parameters
    ----------
    numbers : ndarray of shape (1 + count,), unsigned integers of 64 bits
        What is filled.
    words, left : ndarray
        The state; see `ffnn.kernels.generators.State`.
    halves : int
        How many integers of 32 bits are asked for; 0 for numbers of 64 bits.

    References
    ----------
    O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random
    number generation", Harvey Mudd College 2014, section 6.3.3 (XSL RR).
    """
    low, high, c_low, c_high = words
    a_0, a_1 = _A_LOW & _LOW, _A_LOW >> _HALF
    rest = halves - np.int64(left[0] & _ONE)  # those that are not left over
    count = (rest + 1) // 2 if halves else numbers.size - 1
    numbers[0] = left[0]
    for i in range(1, count + 1):
        s_0, s_1 = low & _LOW, low >> _HALF
        first = s_1 * a_0 + (s_0 * a_0 >> _HALF)  # products of 32 bits fit into 64
        second = s_0 * a_1 + (first & _LOW)
        carried = s_1 * a_1 + (first >> _HALF) + (second >> _HALF)
        high = high * _A_LOW + low * _A_HIGH + carried + c_high
        low = low * _A_LOW + c_low
        if low < c_low:
            high += _ONE
        mixed, turn = high ^ low, high >> _TOP
        numbers[i] = (mixed >> turn) | (mixed << (_WIDTH + _ONE - turn & _WIDTH))
    words[0], words[1] = low, high
    if halves:
        left[0] = (numbers[count] >> _HALF << _HALF) | np.uint64(rest % 2)


@loop("vwvvss")
def mask_halves(x: Array, drawn: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Make the mask of integers, whose upper 24 bits are a float's, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    unit = y.dtype.type(1.0 / 16777216.0)
    for i in range(x.size):
        number = y.dtype.type(np.int32(drawn[i] >> np.uint32(8))) * unit
        kept = one if number >= rate else zero
        m[i] = kept * factor
        y[i] = x[i] * m[i]


@loop("vqvvss")
def mask_numbers(x: Array, drawn: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Make the mask of integers, whose upper 53 bits are a float's, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    unit = y.dtype.type(1.0 / 9007199254740992.0)
    for i in range(x.size):
        number = y.dtype.type(np.int64(drawn[i] >> np.uint64(11))) * unit
        kept = one if number >= rate else zero
        m[i] = kept * factor
        y[i] = x[i] * m[i]


@loop("vv")
def mask_back(m: Array, grad: Array) -> None:
    """Write grad m in place of grad."""
    for i in range(m.size):
        grad[i] = grad[i] * m[i]


@loop("vvvss")
def mask(x: Array, m: Array, y: Array, rate: float, factor: float) -> None:
    """Turn random numbers m into the mask, and write y = x m."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(x.size):
        kept = one if m[i] >= rate else zero
        m[i] = kept * factor
        y[i] = x[i] * m[i]


def numbers_for(size: int, dtype: np.dtype[Any]) -> int:
    """Return the size of the vector that `draw` fills for a mask."""
    return 1 + ((size + 1) // 2 if dtype.char == "f" else size)


@twin_for(Dropout)
class DropoutTwin(LayerTwin):
    """`Dropout` with fewer passes forward; back it is one already."""

    part: Dropout
    loops: ClassVar = {
        "draw": draw,
        "mask_halves": mask_halves,
        "mask_numbers": mask_numbers,
        "mask": mask,
    }
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
        try:
            state = state_of(rng)
        except LookupError:
            rng.random(dtype=x.dtype, out=part.m)
            self.mask(flat, m, y, *numbers)
            return part.y
        drawn = part.array("drawn", numbers_for(x.size, x.dtype), dtype="uint64")
        if x.dtype.char == "f":
            first = 1 if state.has_half else 2
            self.draw(drawn, state.words, state.left, x.size)
            self.mask_halves(flat, drawn.view(np.uint32)[first:], m, y, *numbers)
        else:
            self.draw(drawn, state.words, state.left, 0)
            self.mask_numbers(flat, drawn[1:], m, y, *numbers)
        return part.y

    def backward(self, grad: Array) -> Array:
        """Return grad ∘ m, with the mask of the last forward."""
        return self.part.backward(grad)
