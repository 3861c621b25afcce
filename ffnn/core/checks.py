"""Checks of arguments, made before any work begins.

Each check returns the value as a plain Python number, so that float32 arrays are never
multiplied by NumPy float64 scalars (which would compute in float64 and allocate).
"""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_int(owner: str, name: str, value: Any, low: int) -> int:
    """Return `value` as an int of at least `low`.

    Parameters
    ----------
    owner, name : str
        Whose argument it is and what it is called, for the message.
    value : object
        What came.
    low : int
        The least value allowed.

    Raises
    ------
    TypeError
        `value` is not an integer (booleans are not integers here).
    ValueError
        `value` is under `low`.
    """
    if type(value) is int and value >= low:
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{owner}: {name} must be an integer, got {value!r}")
    if value < low:
        raise ValueError(f"{owner}: {name} must be at least {low}, got {value!r}")
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
    """Return `value` as a finite float in the interval from `low` to `high`.

    Parameters
    ----------
    owner, name : str
        Whose argument it is and what it is called, for the message.
    value : object
        What came.
    low, high : float
        The interval's ends.
    low_open, high_open : bool
        Whether that end itself is left out.

    Raises
    ------
    TypeError
        `value` is not a real number.
    ValueError
        `value` is not finite or lies outside the interval.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r}")
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
            f"{owner}: {name} must be a finite number in {left}{low}, {high}{right}, got {value!r}"
        )
    return number


def check_choice(owner: str, name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`.

    Parameters
    ----------
    owner, name : str
        Whose argument it is and what it is called, for the message.
    value : object
        What came.
    choices : iterable of str
        What is allowed.

    Raises
    ------
    ValueError
        `value` is something else; the message lists the choices.
    """
    valid = list(choices)
    if value not in valid:
        raise ValueError(f"{owner}: {name} must be one of {', '.join(valid)}, got {value!r}")
    return str(value)


def check_seed(owner: str, seed: Any) -> int | None:
    """Return `seed` as None or a non-negative int.

    Parameters
    ----------
    owner : str
        Whose seed it is, for the message.
    seed : int or None
        What came.

    Raises
    ------
    TypeError, ValueError
        It is neither.
    """
    return None if seed is None else check_int(owner, "seed", seed, low=0)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is closest: ``" (did you mean 'relu'?)"``, or nothing.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str
        The valid ones.
    """
    import difflib

    folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
