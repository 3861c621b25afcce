"""Checks of arguments, made before any work begins.

Each check is told whose argument it is and what it is called, for its message, and returns the
value as a plain Python number: a float32 array that is multiplied by a NumPy float64 scalar would
be computed in float64 and allocated.
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from ffnn._types import DTypeLike
from ffnn.core.text import shown

_LONGEST_MISTYPED = 100  # characters
LARGEST = 2**63 - 1  # of integers that count, in files and in arrays


def check_int(owner: str, name: str, value: Any, low: int, high: int | None = LARGEST) -> int:
    """Return `value` as an int from `low` to `high`; booleans are not integers here."""
    is_int = type(value) is int  # as nearly always, and quick to tell
    if not is_int and (isinstance(value, bool) or not isinstance(value, numbers.Integral)):
        raise TypeError(f"{owner}: {name} must be an integer, got {shown(value)}")
    if value < low:
        raise ValueError(f"{owner}: {name} must be at least {low}, got {shown(value)}")
    if high is not None and int(value) > high:
        raise ValueError(f"{owner}: {name} must be at most {high}, got {shown(value)}")
    return int(value)


def check_number(
    owner: str,
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    low_open: bool = False,
    high_open: bool = False,
) -> float:
    """Return `value` as a finite float from `low` to `high`; an open end itself is excluded."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name} must be a number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond all floats
        number = math.inf
    too_low = number <= low if low_open else number < low
    too_high = number >= high if high_open else number > high
    if not math.isfinite(number) or too_low or too_high:
        left = "(" if low_open or low == -math.inf else "["
        right = ")" if high_open or high == math.inf else "]"
        raise ValueError(
            f"{owner}: {name} must be a finite number in {left}{low}, {high}{right}, "
            f"got {shown(value)}"
        )
    return number


def check_in_dtype(owner: str, name: str, value: float, dtype: DTypeLike) -> None:
    """Raise ValueError if a finite `value` is infinite in the dtype it is used in, or 0 only there.

    What is infinite or NaN by itself was meant so.
    """
    dtype = np.dtype(dtype)
    if dtype.itemsize >= 4 and (not value or 1e-37 < abs(value) < 1e37):
        return  # at once, as for nearly all numbers
    with np.errstate(over="ignore", under="ignore"):
        used = float(np.array(value, dtype))
    if not math.isfinite(value) or used == value or (used and math.isfinite(used)):
        return
    becomes, better = ("infinite", "one nearer to 0") if used else ("0", "a larger one")
    wider = "dtype='float64' or " if dtype.itemsize < 8 else ""
    raise ValueError(
        f"{owner}: {name}={value!r} becomes {becomes} in {dtype}; give {wider}{better}"
    )


def check_bool(owner: str, name: str, value: Any) -> bool:
    """Return `value` as a bool; nothing else is one, as "no" and "false" would mean yes."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner}: {name} must be True or False, got {shown(value)}")
    return bool(value)


def check_path(owner: str, name: str, value: Any, *, needs_name: bool = True) -> str:
    """Return a path as a string; the last part of a file to be written is the file's name."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{owner}: {name} must be a path, got {shown(value)}")
    path = os.fsdecode(value)
    names_none = os.path.basename(path) in ("", os.curdir, os.pardir) if needs_name else not path
    if names_none or "\0" in path or not _is_encodable(path):
        kind = "the path of a file" if needs_name else "a path"
        is_content = isinstance(value, bytes) and not needs_name
        hint = "; give the content of a file as io.BytesIO(...)" if is_content else ""
        raise ValueError(f"{owner}: {name} must be {kind}, got {shown(path)}{hint}")
    return path


def _is_encodable(path: str) -> bool:
    """Tell whether a file can be called so."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def check_choice(owner: str, name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`, else raise a ValueError that lists them."""
    valid = list(choices)
    if not isinstance(value, str) or value not in valid:
        raise ValueError(f"{owner}: {name} must be one of {', '.join(valid)}, got {shown(value)}")
    return str(value)


def check_seed(owner: str, seed: Any) -> int | None:
    """Return `seed` as an int of at least 0, or None."""
    return None if seed is None else check_int(owner, "seed", seed, low=0, high=None)


def check_text(owner: str, name: str, value: Any) -> str:
    """Return `value` if it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{owner}: {name} must be a string, got {shown(value)}")
    return str(value)


def check_items(owner: str, name: str, value: Any) -> list[Any]:
    """Return the items of `value`, such as a list, tuple or array; a text is none here."""
    if isinstance(value, (str, bytes, dict, set)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{owner}: {name} must be a list, got {shown(value)}")
    try:
        return list(value)
    except TypeError:  # an array without dimensions, or a class
        raise TypeError(f"{owner}: {name} must be a list, got {shown(value)}") from None


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``" (did you mean 'relu'?)"`` with the closest known name, or nothing.

    `cutoff` is the least resemblance, from 0 to 1.
    A long name, which a file may have, is near to none: comparing takes memory and time.
    """
    if len(name) > _LONGEST_MISTYPED:
        return ""
    folded = {other.casefold(): other for other in known if len(other) <= _LONGEST_MISTYPED}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
