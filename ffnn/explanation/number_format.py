"""Numbers as text: all entries of an array in the same form, cut into parts that fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array

_MOST_BEYOND = 2  # decimals beyond the precision, for the sake of the smallest entry
_LARGEST_EXPONENT = 6
GAP = 2  # spaces between columns


def write_numbers(array: Array, precision: int) -> Array:
    """Return the entries of an array as strings, all with the same number of decimals.

    The largest entry has `precision` significant digits and the smallest at least two of them; if
    that takes too many decimals, all entries are written with a power of ten. Where fewer decimals
    tell all entries fully, there are fewer. A zero is written as 0, and nothing else is.
    """
    values = [float(value) for value in array.ravel()]
    rounding = 4.0 * float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 0.0
    form = _choose_form([v for v in values if v and math.isfinite(v)], precision, rounding)
    texts = [form.format(v) if v and math.isfinite(v) else f"{v + 0.0:g}" for v in values]
    return np.array(texts, dtype=object).reshape(array.shape)


def write_matrix(array: Array, precision: int) -> Array:
    """Return the entries of an array as the rows of a matrix, which may be one."""
    return write_numbers(array, precision).reshape(len(array) if array.ndim > 1 else 1, -1)


def write_number(value: Any, precision: int) -> str:
    """Return one number as `write_numbers` writes it."""
    return str(write_numbers(np.asarray(value), precision)[()])


def fill(widths: Sequence[int], room: int, gap: int = GAP) -> list[slice]:
    """Return slices of things of these widths, as many in each as fit into `room` with gaps."""
    cuts, used = [0], -gap
    for index, width in enumerate(widths):
        if index > cuts[-1] and used + gap + width > room:
            cuts.append(index)
            used = -gap
        used += gap + width
    ends = [*cuts[1:], len(widths)]
    return [slice(start, end) for start, end in zip(cuts, ends, strict=True) if end]


def _choose_form(values: list[float], precision: int, rounding: float) -> str:
    """Return the format string for finite numbers, none of them zero."""
    exponents = [int(f"{value:.{precision - 1}e}".split("e")[1]) for value in values]
    high, low = max(exponents, default=0), min(exponents, default=0)
    decimals = max(precision - 1 - high, min(precision, 2) - 1 - low, 0)
    if decimals > precision + _MOST_BEYOND or high > max(_LARGEST_EXPONENT, precision):
        letter, decimals = "e", precision - 1
    else:
        letter = "f"
    forms = [f"{{:.{fewer}{letter}}}" for fewer in range(decimals + 1)]
    return next((form for form in forms if _tells_all(form, values, rounding)), forms[-1])


def _tells_all(form: str, values: list[float], rounding: float) -> bool:
    return all(abs(float(form.format(v)) - v) <= rounding * abs(v) for v in values)
