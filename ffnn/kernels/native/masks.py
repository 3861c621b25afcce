"""The passes of dropout: masks that are drawn from a generator's own state, and their products."""

from __future__ import annotations

import numpy as np
from numba import carray

from ffnn.kernels import dropout
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.native import calls
from ffnn.kernels.native.arrays import pass_over, vector

draw, mask_halves, mask_numbers, mask_back = (
    pass_over(each.function)
    for each in (dropout.draw, dropout.mask_halves, dropout.mask_numbers, dropout.mask_back)
)


@pass_over
def integers(address, size):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Return the unsigned integers of 64 bits at an address."""
    return carray(calls.pointer(address, np.uint64(0)), (size,))


@pass_over
def draw_for(o, size, halves):  # type: ignore[no-untyped-def]
    """Draw what a mask needs, and keep the state as it was; return how many halves come first."""
    words, left, before = integers(o[3], 4), integers(o[4], 1), integers(o[5], 3)
    before[0], before[1], before[2] = words[0], words[1], left[0]
    draw(integers(o[6], size), words, left, halves)
    return 1 if before[2] & np.uint64(1) else 2


@pass_over
def compute_mask(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of a dropout; return whether the operation is one."""
    code, size = o[0], o[1] * o[2]
    if code == Code.DROP_HALVES:
        first = draw_for(o, 1 + (size + 1) // 2, size)
        halves = carray(calls.pointer(o[6] + 4 * first, np.uint32(0)), (size,))
        x, m, y = vector(o[7], size, one), vector(o[8], size, one), vector(o[9], size, one)
        mask_halves(x, halves, m, y, f[0], f[1])
    elif code == Code.DROP_NUMBERS:
        draw_for(o, 1 + size, 0)
        x, m, y = vector(o[7], size, one), vector(o[8], size, one), vector(o[9], size, one)
        mask_numbers(x, integers(o[6] + 8, size), m, y, f[0], f[1])
    elif code == Code.DROP_BACK:
        mask_back(vector(o[3], size, one), vector(o[4], size, one))
    elif code == Code.UNDRAW:
        words, left, before = integers(o[3], 4), integers(o[4], 1), integers(o[5], 3)
        words[0], words[1], left[0] = before[0], before[1], before[2]
    else:
        return False
    return True
