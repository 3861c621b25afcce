"""Numbers as text: the entries of an array in one form, cut into parts that fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array

_MOST_BEYOND = 2  # decimals beyond the precision, for the sake of the smallest entry
_LARGEST_EXPONENT = 6
GAP = 2  # spaces between columns


def write_numbers(array: Array, precision: int) -> Array:
    """Return the entries of an array as strings, with the same number of decimals.

    The largest entry has `precision` significant digits and the smallest at least two of them.
    Entries for which that takes too many digits are written with a power of ten, each by itself;
    where they are more than half, or nothing is large, all entries are. Where fewer decimals tell
    all entries fully, there are fewer. A zero is written as 0, and nothing else is.
    """
    values = [float(value) for value in array.ravel()]
    rounding = 4.0 * float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 0.0
    scale = _Scale(precision, rounding)
    finite = [v for v in values if v and math.isfinite(v)]
    common = [v for v in finite if scale.holds(v)]
    form = scale.decimals_for(common) if 2 * len(common) >= len(finite) else ""
    powers = scale.powers_for(finite)

    def write(value: float) -> str:
        if not value or not math.isfinite(value):
            return f"{value + 0.0:g}"
        if not form:
            return powers.format(value)
        return form.format(value) if scale.holds(value) else scale.alone(value)

    return np.array([*map(write, values)], dtype=object).reshape(array.shape)


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


class _Scale(NamedTuple):
    """How numbers are written to a precision; those within `rounding` of each other are equal."""

    precision: int
    rounding: float

    def _exponent(self, value: float) -> int:
        return int(f"{value:.{self.precision - 1}e}".split("e")[1])

    def holds(self, value: float) -> bool:
        """Tell whether a number can be written without a power of ten."""
        exponent = self._exponent(value)
        decimals = min(self.precision, 2) - 1 - exponent
        is_small = decimals > self.precision + _MOST_BEYOND
        return not is_small and exponent <= max(_LARGEST_EXPONENT, self.precision)

    def decimals_for(self, values: Sequence[float]) -> str:
        """Return the form of numbers that it holds, all with the same number of decimals.

        It is "" where the largest takes too many.
        """
        exponents = [*map(self._exponent, values)]
        high, low = max(exponents, default=0), min(exponents, default=0)
        if self.precision - 1 - high > self.precision + _MOST_BEYOND:
            return ""
        decimals = max(self.precision - 1 - high, min(self.precision, 2) - 1 - low, 0)
        return self._shortest("f", decimals, values)

    def powers_for(self, values: Sequence[float]) -> str:
        """Return the form of numbers that are all written with a power of ten."""
        return self._shortest("e", self.precision - 1, values)

    def alone(self, value: float) -> str:
        """Return one number with a power of ten; a small one among others has two digits."""
        digits = self.precision if abs(value) > 1.0 else min(self.precision, 2)
        return self._shortest("e", digits - 1, [value]).format(value)

    def _shortest(self, letter: str, decimals: int, values: Sequence[float]) -> str:
        """Return the form with as few decimals as tell all values; if none do, with `decimals`."""
        forms = [f"{{:.{fewer}{letter}}}" for fewer in range(decimals + 1)]
        return next((form for form in forms if self._tells(form, values)), forms[-1])

    def _tells(self, form: str, values: Sequence[float]) -> bool:
        return all(abs(float(form.format(v)) - v) <= self.rounding * abs(v) for v in values)
