"""The passes of penalties on the size of parameters."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.native.arrays import pass_over, vector


@pass_over
def sizes(w: Array, size: Array) -> None:
    """Write |w|."""
    for i in range(w.size):
        size[i] = abs(w[i])


@pass_over
def add_signs(w: Array, grad: Array, factor: float) -> None:
    """Add sign(w) factor to the gradient; a sign is 1, 0, -1 or NaN."""
    zero, one = w.dtype.type(0), w.dtype.type(1)
    for i in range(w.size):
        sign = one if w[i] > zero else (-one if w[i] < zero else (zero if w[i] == zero else w[i]))
        grad[i] = grad[i] + sign * factor


@pass_over
def add_shares(w: Array, grad: Array, factor: float) -> None:
    """Add w factor to the gradient."""
    for i in range(w.size):
        grad[i] = grad[i] + w[i] * factor


@pass_over
def penalty(o, values, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Return λ₁ Σ |w| + λ₂ Σ w², in float64, of sums that are known."""
    l1, l2, total = values[o[1]], values[o[1] + 1], 0.0
    if l1:
        total += l1 * np.float64(vector(o[2], 1, one)[0])
    if l2:
        total += l2 * np.float64(vector(o[3], 1, one)[0])
    return total


@pass_over
def compute_penalty(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of a penalty; return whether the operation is one."""
    code, size = o[0], o[1]
    if code == Code.SIZES:
        sizes(vector(o[2], size, one), vector(o[3], size, one))
    elif code == Code.ADD_SIGNS:
        add_signs(vector(o[2], size, one), vector(o[3], size, one), f[0])
    elif code == Code.ADD_SHARES:
        add_shares(vector(o[2], size, one), vector(o[3], size, one), f[0])
    else:
        return False
    return True
