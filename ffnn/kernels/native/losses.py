"""The passes of losses over a batch; see `ffnn.kernels.native.machine`."""

from __future__ import annotations

from numba import carray

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.native import calls
from ffnn.kernels.native.arrays import matrix, pass_over, vector


@pass_over
def below_largest(x: Array, z: Array, row: Array) -> None:
    """Write z = x - max x, the maximum over the units, which are the rows of x."""
    for j in range(row.size):
        row[j] = x[0, j]
    for i in range(1, x.shape[0]):
        for j in range(row.size):
            row[j] = x[i, j] if x[i, j] > row[j] or x[i, j] != x[i, j] else row[j]
    for i in range(x.shape[0]):
        for j in range(row.size):
            z[i, j] = x[i, j] - row[j]


@pass_over
def divide_by_sum(p: Array, row: Array) -> None:
    """Write p / Σ p in place of p, and the sums over the units into `row`."""
    for j in range(row.size):
        row[j] = p[0, j]
    for i in range(1, p.shape[0]):
        for j in range(row.size):
            row[j] = row[j] + p[i, j]
    for i in range(p.shape[0]):
        for j in range(row.size):
            p[i, j] = p[i, j] / row[j]


@pass_over
def one_hot(labels: Array, y: Array, off: float, on: float) -> None:
    """Write a row for each class: `on` where it is a label, else `off`."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = on if labels[j] == i else off


@pass_over
def shares(target: Array, y: Array, kept: float, added: float) -> None:
    """Write the rows of a target as columns, multiplied and shifted unless `kept` is 1."""
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            share = target[j, i]
            y[i, j] = share if kept == y.dtype.type(1) else share * kept + added


@pass_over
def differences(p: Array, y: Array, factor: float) -> None:
    """Write (p - y) factor in place of p."""
    for i in range(p.size):
        p[i] = (p[i] - y[i]) * factor


@pass_over
def square_errors(p: Array, target: Array, error: Array, square: Array) -> None:
    """Write p - y and its square; the rows of `target` are columns of the others."""
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            error[i, j] = p[i, j] - target[j, i]
            square[i, j] = error[i, j] * error[i, j]


@pass_over
def double(error: Array, factor: float) -> None:
    """Write 2 e times factor in place of e."""
    two = error.dtype.type(2)
    for i in range(error.size):
        error[i] = error[i] * two * factor


@pass_over
def logit_errors(z: Array, target: Array, value: Array, tail: Array, p: Array, top: float) -> None:
    """Write max(z, 0) - z y, -|z| and min(-z, top); the rows of `target` are columns of z."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            high = zero if z[i, j] <= zero else z[i, j]
            value[i, j] = high - z[i, j] * target[j, i]
            tail[i, j] = -abs(z[i, j])
            p[i, j] = top if -z[i, j] > top else -z[i, j]


@pass_over
def add(x: Array, y: Array) -> None:
    """Write x + y in place of x."""
    for i in range(x.size):
        x[i] = x[i] + y[i]


@pass_over
def target_errors(p: Array, target: Array, error: Array, factor: float) -> None:
    """Write (p - y) factor; the rows of `target` are columns of p."""
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            error[i, j] = (p[i, j] - target[j, i]) * factor


@pass_over
def weigh_rows(x: Array, weight: Array) -> None:
    """Write x w in place of x, whose columns are rows of the batch."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = x[i, j] * weight[j]


@pass_over
def take_right(z: Array, y: Array, row: Array) -> None:
    """Subtract Σ z y over the units, added one after another, from `row`; z becomes these sums."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = z[i, j] * y[i, j]
    for i in range(1, z.shape[0]):
        for j in range(z.shape[1]):
            z[0, j] = z[0, j] + z[i, j]
    for j in range(row.size):
        row[j] = row[j] - z[0, j]


@pass_over
def compute_weights(o, one):  # type: ignore[no-untyped-def]
    """Make a pass with the rows' weights."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.WEIGH_ROWS:
        weigh_rows(matrix(o[3], m, n, one), vector(o[4], n, one))
    elif code == Code.TAKE_RIGHT:
        z, y = matrix(o[3], m, n, one), matrix(o[4], m, n, one)
        take_right(z, y, vector(o[5], n, one))


@pass_over
def compute_loss(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of a loss."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.BELOW_LARGEST:
        below_largest(matrix(o[3], m, n, one), matrix(o[4], m, n, one), vector(o[5], n, one))
    elif code == Code.DIVIDE_BY_SUM:
        divide_by_sum(matrix(o[3], m, n, one), vector(o[4], n, one))
    elif code == Code.ONE_HOT:
        labels = carray(calls.pointer(o[3], n), (n,))
        one_hot(labels, matrix(o[4], m, n, one), f[0], f[1])
    elif code == Code.SHARES:
        shares(matrix(o[3], n, m, one), matrix(o[4], m, n, one), f[0], f[1])
    elif code == Code.DIFFERENCES:
        differences(vector(o[3], m * n, one), vector(o[4], m * n, one), f[0])
    elif code == Code.SQUARE_ERRORS:
        square_errors(
            matrix(o[3], m, n, one),
            matrix(o[4], n, m, one),
            matrix(o[5], m, n, one),
            matrix(o[6], m, n, one),
        )
    elif code == Code.DOUBLE:
        double(vector(o[3], m * n, one), f[0])
    elif code == Code.LOGIT_ERRORS:
        logit_errors(
            matrix(o[3], m, n, one),
            matrix(o[4], n, m, one),
            matrix(o[5], m, n, one),
            matrix(o[6], m, n, one),
            matrix(o[7], m, n, one),
            f[0],
        )
    elif code == Code.ADD:
        add(vector(o[3], m * n, one), vector(o[4], m * n, one))
    elif code == Code.TARGET_ERRORS:
        target_errors(
            matrix(o[3], m, n, one), matrix(o[4], n, m, one), matrix(o[5], m, n, one), f[0]
        )
    else:
        compute_weights(o, one)
