"""Bounds on the gradient that an update uses: on the norm of the whole, or on each entry."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number


def check_bounds(
    owner: str, clipnorm: float | None, clipvalue: float | None
) -> tuple[float | None, float | None]:
    """Return both as floats above 0 or None; raise ValueError if both are given."""
    if clipnorm is not None:
        clipnorm = check_number(owner, "clipnorm", clipnorm, low=0.0, low_open=True)
    if clipvalue is not None:
        clipvalue = check_number(owner, "clipvalue", clipvalue, low=0.0, low_open=True)
    if clipnorm is not None and clipvalue is not None:
        raise ValueError(
            f"{owner}: expected clipnorm or clipvalue, got clipnorm={clipnorm:g} and "
            f"clipvalue={clipvalue:g}; leave one of them out"
        )
    return clipnorm, clipvalue


def clip(
    g: Array, norm: float, clipnorm: float | None, clipvalue: float | None, out: Array
) -> float:
    """Write g within its bound into `out`, and return a bound on the norm of that.

    Parameters
    ----------
    g : ndarray of shape (size,)
        The gradient, finite.
    norm : float
        ‖g‖, above the bound.
    clipnorm, clipvalue : float or None
        The bound on ‖g‖, or on each |g|; one of them is None.
    out : ndarray of shape (size,)
        Takes the result.
    """
    if clipvalue is not None:
        np.clip(g, -clipvalue, clipvalue, out=out)
        return min(norm, clipvalue * math.sqrt(g.size))
    assert clipnorm is not None
    np.multiply(g, clipnorm / norm, out=out)
    return clipnorm
