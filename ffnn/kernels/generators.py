"""`state_of`: where NumPy's default generator keeps its state, from which compiled loops draw."""

from __future__ import annotations

import ctypes
import sys
from typing import NamedTuple

import numpy as np

from ffnn._types import Array

_WORD = 1 << 64


class State(NamedTuple):
    """The state of a generator, in its own place: what is written there, it draws from.

    `words` are the lower and the upper half of the state of PCG64 and those of its increment.
    `left` is one number: whether half a number was left over, and in its upper half the upper half
    of the last number.
    """

    words: Array  # 4 unsigned integers of 64 bits
    left: Array  # one
    owner: np.random.Generator  # which keeps the place

    @property
    def has_half(self) -> bool:
        """Whether the next integer of 32 bits is the half that was left over."""
        return bool(self.left[0] & np.uint64(1))


def state_of(rng: np.random.Generator) -> State:
    """Return the place of the state of a generator, once it was found to be there.

    A `PCG64` is a pointer to its words, then a flag and the half left over (numpy/random, pcg64.h).
    LookupError says that it is another generator, or that NumPy keeps it elsewhere.
    """
    known = rng.bit_generator.state
    if known["bit_generator"] != "PCG64" or sys.byteorder != "little" or sys.maxsize < _WORD >> 2:
        raise LookupError("another generator")
    place = rng.bit_generator.ctypes.state_address
    words = _integers(ctypes.c_void_p.from_address(place).value or 0, 4)
    left = _integers(place + ctypes.sizeof(ctypes.c_void_p), 1)
    low, high, c_low, c_high = map(int, words)
    found = low + high * _WORD, c_low + c_high * _WORD, int(left[0])
    inner = known["state"]
    expected = inner["state"], inner["inc"], known["has_uint32"] + (known["uinteger"] << 32)
    if found != expected:
        raise LookupError("NumPy keeps the states of its generators elsewhere")
    return State(words, left, rng)


def _integers(address: int, count: int) -> Array:
    """Return unsigned integers of 64 bits at an address."""
    return np.ctypeslib.as_array((ctypes.c_uint64 * count).from_address(address))
