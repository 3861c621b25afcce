"""An update that is taken back where it leads to a number that is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ffnn._types import Array


def update_or_undo(
    arrays: Sequence[Array],
    kept: Sequence[Array],
    update: Callable[[], None],
    measure: Callable[[], Iterable[float]],
) -> None:
    """Call `update`; if a bound that `measure` then returns is not finite, put `arrays` back.

    Parameters
    ----------
    arrays : sequence of ndarray
        What `update` writes into: the weights, then the optimizer's memory.
    kept : sequence of ndarray
        Room for copies of them.
    update, measure : callable
        What makes the update, and what returns bounds on the numbers as they are.

    Raises
    ------
    FloatingPointError
        A number would have become infinite or NaN.
    """
    _copy(arrays, kept)
    try:
        with np.errstate(all="ignore"):
            update()
            is_finite = sum(measure()) < math.inf
    except BaseException:
        _copy(kept, arrays)
        raise
    if is_finite:
        return
    w = arrays[0]
    wrong = w.size - int(np.isfinite(w).sum())
    _copy(kept, arrays)
    what = f"{wrong} of {w.size} weights" if wrong else "the optimizer's memory"
    raise FloatingPointError(f"the update would have made {what} infinite or NaN")


def _copy(sources: Sequence[Array], targets: Sequence[Array]) -> None:
    """Copy arrays into others."""
    for source, target in zip(sources, targets, strict=True):
        np.copyto(target, source)
