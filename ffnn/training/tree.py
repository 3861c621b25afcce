"""Sums in an order that follows from the number of parts alone, whoever computes which of them.

Floating-point addition rounds, so a sum depends on its order. The parts 0, 1, 2, ... are added by
pairs: 0 and 1, 2 and 3, then both pairs, and so on; a part without a partner stands for the pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield start and size of the sums of the tree that the parts from `first` to `last` make up.

    Examples
    --------
    >>> list(blocks(1, 7))
    [(1, 1), (2, 2), (4, 2), (6, 1)]
    """
    while first < last:
        size = first & -first or 1 << (last - first).bit_length()  # of the blocks that begin here
        while first + size > last:
            size //= 2
        yield first, size
        first += size


def add_up(
    start: int,
    size: int,
    parts: int,
    find: Callable[[int, int], T | None],
    add: Callable[[T, T], T],
) -> T:
    """Return the sum of the parts from `start` to `start + size`, of which `parts` is the end.

    Parameters
    ----------
    start, size, parts : int
        Which; `size` is a power of two.
    find : callable
        Returns the sum of a start and a size if it is known, as that of a size of 1 has to be.
    add : callable
        Adds two sums, the left and the right one.
    """
    known = find(start, size)
    if known is not None:
        return known
    half = size // 2
    left = add_up(start, half, parts, find, add)
    if start + half >= parts:
        return left
    return add(left, add_up(start + half, half, parts, find, add))


def whole(parts: int) -> tuple[int, int]:
    """Return start and size of the sum of all parts."""
    return 0, 1 << (parts - 1).bit_length()
