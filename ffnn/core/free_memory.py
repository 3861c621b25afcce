"""How much memory is left, and a clear error before more is asked for than there is."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator

from ffnn.core.text import byte_count

_LEAST = 64 << 20  # bytes; less than that is not worth looking
_GROUP = "/sys/fs/cgroup"
# The files of a control group with its limit and its use, and what of it can be given back.
_GROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


def require_memory(size: float, what: str, advice: str) -> None:
    """Raise MemoryError if less than `size` bytes are free for `what`, of which there are many."""
    free = free_memory() if size >= _LEAST else math.inf
    if size > free:
        raise MemoryError(
            f"{what} need {byte_count(int(size))} of memory, and {byte_count(int(free))} are free; "
            f"{advice}"
        )


@contextlib.contextmanager
def memory_for(what: str, advice: str) -> Iterator[None]:
    """Turn an error of memory that says nothing of its purpose into one that does."""
    try:
        yield
    except MemoryError as error:
        if type(error) is MemoryError and error.args:
            raise  # which says it already
        raise MemoryError(f"{what}: the memory is not enough; {advice}") from None


def free_memory() -> float:
    """Return the bytes that this process may still take, infinity where that is unknown."""
    return max(min(map(_known, (_of_process, _of_group, _of_machine))), 0.0)


def _known(find: Callable[[], float]) -> float:
    try:
        return find()
    except (ImportError, OSError, ValueError, KeyError, IndexError):
        return math.inf  # not on Linux, or not told


def _of_process() -> float:
    """Return what a limit of the address space leaves."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return math.inf
    pages = int(_text("/proc/self/statm").split()[0])
    return limit - float(pages * os.sysconf("SC_PAGE_SIZE"))


def _of_group() -> float:
    """Return what a container's limit leaves."""
    for limit, usage, spare in _GROUPS:
        if os.path.exists(f"{_GROUP}/{limit}") and (text := _text(f"{_GROUP}/{limit}")) != "max\n":
            folder = os.path.dirname(f"{_GROUP}/{limit}")
            cached = _table(f"{folder}/memory.stat")[spare]
            return float(text) - float(_text(f"{_GROUP}/{usage}")) + cached
    return math.inf


def _of_machine() -> float:
    return 1024.0 * _table("/proc/meminfo")["MemAvailable:"]


def _table(path: str) -> dict[str, float]:
    """Return the numbers of a file that has a name and a number a line."""
    lines = map(str.split, _text(path).splitlines())
    return {line[0]: float(line[1]) for line in lines}


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
