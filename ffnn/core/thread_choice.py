"""How many threads products of a size take best, measured once on a machine and kept."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from ffnn.core.files import cache_folder, replace_whole

Shape = tuple[int, int, int]  # of a product: rows of the first side, inner size, columns

_ROUNDS = 7
_SAMPLE = 2e-3  # seconds of a measurement
_GAIN = 0.9  # more threads must take at most so much of the time of one


def kept_file() -> Path:
    """Return the file that keeps what was measured."""
    return cache_folder() / "threads.json"


def machine() -> str:
    """Return what the number depends on besides the size."""
    cores = available_cores()
    name = platform.processor() or platform.machine()
    return f"{platform.node()} {name}, {cores} cores, NumPy {np.__version__}"


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def size_class(shape: Shape, dtype: np.dtype[Any]) -> str:
    """Return the class of a product, such as "float32 2^22": its operations to a power of two."""
    return f"{dtype} 2^{round(math.log2(math.prod(shape)))}"


def read_kept() -> dict[str, int]:
    """Return class → number of threads, as far as they are known for this machine."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(kept_file().read_text(encoding="utf-8"))
        known = found.get(machine(), {}) if isinstance(found, dict) else {}
        return {
            str(name): number
            for name, number in known.items()
            if isinstance(number, int) and number >= 1
        }
    return {}


def choose(
    shape: Shape, dtype: np.dtype[Any], limit: Callable[[int], AbstractContextManager[Any]]
) -> int:
    """Return the number of threads for products of about this size.

    Parameters
    ----------
    shape : tuple of int
        Of a product.
    dtype : dtype
        Of its numbers.
    limit : callable
        Returns a context in which products use so many threads.
    """
    cores, name = available_cores(), size_class(shape, dtype)
    if cores == 1:
        return 1
    known = read_kept()
    if name not in known:
        known[name] = fastest(measure(shape, dtype, cores, limit))
        _keep(known)
    return min(known[name], cores)


def fastest(seconds: Mapping[int, float]) -> int:
    """Return the number of threads that takes the shortest time, 1 unless it clearly does."""
    best = min(seconds, key=lambda number: seconds[number])
    return best if seconds[best] < _GAIN * seconds[1] else 1


def measure(
    shape: Shape,
    dtype: np.dtype[Any],
    cores: int,
    limit: Callable[[int], AbstractContextManager[Any]],
) -> dict[int, float]:
    """Return number of threads → the median time of a product; the numbers take turns."""
    m, k, n = shape
    a, b, out = np.ones((m, k), dtype), np.ones((k, n), dtype), np.empty((m, n), dtype)
    numbers = [*(2**i for i in range(cores.bit_length()) if 2**i < cores), cores]
    with limit(1):
        calls = max(1, round(_SAMPLE / max(1e-7, _time(a, b, out, 2))))
    times: dict[int, list[float]] = {number: [] for number in numbers}
    for _ in range(_ROUNDS):
        for number in numbers:
            with limit(number):
                times[number].append(_time(a, b, out, calls))
    return {number: statistics.median(each) for number, each in times.items()}


def _time(a: Any, b: Any, out: Any, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        a.dot(b, out)
    return (time.perf_counter() - start) / calls


def _keep(known: Mapping[str, int]) -> None:
    """Write what is known of this machine, beside what others wrote, if that can be."""
    with contextlib.suppress(OSError, ValueError):
        file = kept_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        found: Any = {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(file.read_text(encoding="utf-8"))
        every = found if isinstance(found, dict) else {}
        every[machine()] = dict(known)
        replace_whole(file, (json.dumps(every, indent=1) + "\n").encode("utf-8"))
