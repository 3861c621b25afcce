"""How a loop is compiled: by numba, for one dtype, once for a machine.

What was compiled is kept on disk, beside this package or, where that cannot be written to, in the
user's cache folder. Without either it is compiled again in each process.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

OLDEST = (0, 61)  # the first one for NumPy 2.1 and Python 3.13
INSTALL = "pip install -U 'ffnn[fast]'"
MISSING = f"numba is not installed: {INSTALL}"

# `error_model`: a division by zero is infinite, as in NumPy, which lets loops run in vectors.
# Without `fastmath` no operation changes places, and no product is fused with a sum.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


@cache
def find_problem() -> str:
    """Return why no loop can be compiled here, and what to do, or "".

    This loads numba, for a third of a second.
    """
    try:
        numba = importlib.import_module("numba")
    except ModuleNotFoundError:
        return MISSING
    except Exception as error:  # it is for other versions of NumPy and Python
        return f"numba cannot be loaded: {error}"
    if tuple(map(int, numba.__version__.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"numba {numba.__version__} is older than {oldest}: {INSTALL}"
    if numba.config.DISABLE_JIT:  # Python itself would run the loops
        return "numba is switched off by NUMBA_DISABLE_JIT"
    return ""


class Loop:
    """A function on arrays and numbers of one dtype that numba compiles.

    Parameters
    ----------
    function : callable
        Which it compiles.
    kinds : str
        What its arguments are, a letter each: "v" for a vector, "m" for a matrix, "r" for one that
        may be read-only, "c" for a cube, each contiguous row by row, and "s" for a number; "w" and
        "q" for vectors of unsigned integers of 32 and of 64 bits, "l" for a matrix of integers, "n"
        for a vector of them and "i" for one, "d" for a vector of float64, whatever the dtype.
    """

    def __init__(self, function: Callable[..., None], kinds: str) -> None:
        self.function, self.kinds = function, kinds
        self._compiled: dict[str, Callable[..., None]] = {}

    def compiled(self, dtype: np.dtype[Any]) -> Callable[..., None]:
        """Return the compiled function, which takes arguments of `dtype` alone.

        Raises whatever numba does.
        """
        found = self._compiled.get(dtype.char)
        if found is None:
            found = self._compiled[dtype.char] = self._compile(dtype)
        return found

    def is_compiled(self, dtype: np.dtype[Any]) -> bool:
        """Tell whether this process has the compiled function."""
        return dtype.char in self._compiled

    def _compile(self, dtype: np.dtype[Any]) -> Callable[..., None]:
        numba = importlib.import_module("numba")
        number, array = numba.from_dtype(dtype), numba.types.Array
        types = {
            "s": number,
            "w": array(numba.uint32, 1, "C"),
            "q": array(numba.uint64, 1, "C"),
            "l": array(numba.int64, 2, "C"),
            "n": array(numba.int64, 1, "C"),
            "d": array(numba.float64, 1, "C"),
            "i": numba.int64,
            "r": array(number, 2, "C", readonly=True),
            **{kind: array(number, axes, "C") for axes, kind in enumerate("vmc", 1)},
        }
        signature = numba.types.void(*(types[kind] for kind in self.kinds))
        try:
            made: Callable[..., None] = numba.njit(signature, cache=True, **OPTIONS)(self.function)
        except (OSError, RuntimeError):  # no folder that can be written to
            made = numba.njit(signature, **OPTIONS)(self.function)
        return made


def loop(kinds: str) -> Callable[[Callable[..., None]], Loop]:
    """Return a decorator that makes a `Loop` of a function with arguments of these `kinds`."""
    return lambda function: Loop(function, kinds)
