"""The OpenBLAS that comes with NumPy's wheels: its threads, and where its functions are."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

_PREFIXES, _SUFFIXES = ("scipy_openblas", "openblas"), ("64_", "")


class OpenBLAS:
    """What `threadpoolctl.ThreadpoolController` is, for this one library.

    Parameters
    ----------
    path : Path
        The library's file.
    get : callable
        Returns the number of threads.
    put : callable
        Sets it.
    """

    def __init__(self, path: Path, get: Callable[[], int], put: Callable[[int], Any]) -> None:
        self.path, self._get, self._put = path, get, put

    def info(self) -> list[dict[str, Any]]:
        """Return its name and its number of threads, in a list as there may be several."""
        return [{"internal_api": "openblas", "version": None, "num_threads": self._get()}]

    def limit(self, limits: int) -> contextlib.AbstractContextManager[None]:
        """Set the number of threads, and return what restores the one from before."""
        before = self._get()
        self._put(limits)
        return self._restoring(before)

    @contextlib.contextmanager
    def _restoring(self, before: int) -> Iterator[None]:
        try:
            yield
        finally:
            self._put(before)


def library_folders() -> set[Path]:
    """Return where NumPy's wheels keep their libraries: in the package, or beside it."""
    package = Path(np.__file__).resolve().parent
    return {package, package / ".dylibs", package.with_name("numpy.libs")}


def find_openblas() -> OpenBLAS | None:
    """Return the OpenBLAS that came with NumPy; None if there is none that is known."""
    paths = (path for folder in library_folders() for path in folder.glob("*openblas*"))
    for path, prefix, suffix in itertools.product(paths, _PREFIXES, _SUFFIXES):
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(str(path))  # which NumPy has loaded already
            get = getattr(library, f"{prefix}_get_num_threads{suffix}")
            put = getattr(library, f"{prefix}_set_num_threads{suffix}")
            get.argtypes, get.restype = [], ctypes.c_int
            put.argtypes, put.restype = [ctypes.c_int], None
            return OpenBLAS(path, get, put)
    return None


def find_routine(name: str) -> int | None:
    """Return the address of a function that takes 64-bit integers, such as ``cblas_sgemm``."""
    found = find_openblas()
    if found is None:
        return None
    library = ctypes.CDLL(str(found.path))
    for symbol in (f"scipy_{name}64_", f"{name}64_"):
        if hasattr(library, symbol):
            return ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value
    return None
