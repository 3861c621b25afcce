"""Arrays whose bits are compared, and arrays that are hard to compute with."""

import numpy as np


def same_bits(one, other):
    """Tell whether two arrays are NaN in the same places, and equal to the last bit elsewhere."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    numbers = ~np.isnan(one)
    return bool(
        np.array_equal(numbers, ~np.isnan(other))
        and np.array_equal(one[numbers], other[numbers])
        and np.array_equal(np.signbit(one[numbers]), np.signbit(other[numbers]))
    )


def rough(rng, *shape, dtype, kind):
    """Return numbers: "plain" ones, "tiny" ones, many of which are denormal, or of "every" kind."""
    x = rng.standard_normal(shape)
    info = np.finfo(dtype)
    if kind == "tiny":
        x = x * float(info.tiny)
    elif kind == "every":
        x = x * 10.0 ** rng.integers(-30, 30, shape)
        odd = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, info.max, info.tiny, -info.tiny / 8])
        x = np.where(rng.random(shape) < 0.3, rng.choice(odd, shape), x)
    with np.errstate(over="ignore"):
        return x.astype(dtype)
