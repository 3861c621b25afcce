"""Where NumPy's own routines are: the products of its BLAS library, and the loops of its functions.

`are_known` compares what some of them compute with NumPy's own results before any is used.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.openblas import find_routine

# Behind the head of a Python object, `PyUFuncObject` begins with the numbers of inputs, outputs and
# arguments and the identity; the pointers to loops and to their data; the number of loops; the
# name and the types. They are public since the first NumPy (numpy/ufuncobject.h).
_HEAD = object.__basicsize__
_FUNCTIONS, _DATA, _COUNT, _NAME, _TYPES = (_HEAD + place for place in (16, 24, 32, 40, 48))


_USED = np.exp, np.expm1, np.log, np.log1p, np.tanh, np.add


class Loop(NamedTuple):
    """The loop of a NumPy function for one dtype."""

    address: int
    data: int


def _pointer(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


@cache
def loop_of(function: np.ufunc, kind: str) -> Loop:
    """Return the loop of a function for numbers of the dtype of this character.

    Raises
    ------
    LookupError
        There is none, or NumPy keeps it elsewhere.
    """
    place = id(function)
    count = ctypes.c_int.from_address(place + _COUNT).value
    if sys.maxsize < 2**32 or count != len(function.types):
        raise LookupError("NumPy keeps its loops elsewhere")
    name = ctypes.string_at(_pointer(place + _NAME)).decode()
    types = ctypes.string_at(_pointer(place + _TYPES), count * function.nargs)
    wanted = bytes([np.dtype(kind).num]) * function.nargs
    rows = [types[i : i + function.nargs] for i in range(0, len(types), function.nargs)]
    if name != function.__name__ or wanted not in rows:
        raise LookupError(f"NumPy keeps the loops of {function.__name__} elsewhere")
    index = 8 * rows.index(wanted)
    functions, data = _pointer(place + _FUNCTIONS), _pointer(place + _DATA)
    address = _pointer(functions + index)
    if not address:
        raise LookupError(f"NumPy has no such loop of {function.__name__}")
    return Loop(address, _pointer(data + index) if data else 0)


@cache
def product_of(name: str, kind: str) -> int:
    """Return the address of a product of NumPy's BLAS, such as "gemm", for a dtype's character.

    LookupError says that it is not known.
    """
    address = find_routine(f"cblas_{'s' if kind == 'f' else 'd'}{name}")
    if address is None:
        raise LookupError("NumPy multiplies by a library without the names of its wheels' OpenBLAS")
    return address


def address_of(array: Any) -> int:
    """Return where an array begins."""
    address: int = array.__array_interface__["data"][0]
    return address


@cache
def are_known(kind: str) -> bool:
    """Tell whether all routines for a dtype are found, and compute what NumPy does."""
    try:
        products = [product_of(name, kind) for name in ("gemm", "gemv", "dot")]
        loops = {f: loop_of(f, kind) for f in _USED}
    except (LookupError, OSError, ValueError):
        return False
    x = np.linspace(0.1, 3.0, 35, dtype=kind)
    results = [(_run(loop, x), f(x)) for f, loop in loops.items() if f.nin == 1]
    return all(products) and all(map(np.array_equal, *zip(*results, strict=True)))


def _run(loop: Loop, x: Array) -> Array:
    """Return what a loop makes of a vector."""
    y = np.zeros_like(x)
    places = (ctypes.c_void_p * 2)(address_of(x), address_of(y))
    steps = (ctypes.c_ssize_t * 2)(x.itemsize, x.itemsize)
    count = ctypes.c_ssize_t(x.size)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
    kind(loop.address)(places, ctypes.byref(count), steps, loop.data)
    return y
