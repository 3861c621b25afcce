"""What small functions of compiled loops share: how they are compiled, and arrays at addresses."""

from __future__ import annotations

import numba
from numba import carray

from ffnn.kernels.compiler import OPTIONS
from ffnn.kernels.native import calls

pass_over = numba.njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@pass_over
def vector(address, size, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Return the numbers at an address."""
    return carray(calls.pointer(address, one), (size,))


@pass_over
def matrix(address, rows, columns, one):  # type: ignore[no-untyped-def]
    """Return the numbers at an address, row by row."""
    return carray(calls.pointer(address, one), (rows, columns))
