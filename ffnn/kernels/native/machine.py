"""The machine: it runs a list of operations, which `ffnn.kernels.chains` writes, in one call.

An operation is a row of integers, whose meaning `Code` tells, and a row of numbers. Arrays are
given by their addresses. Small functions make the passes over them, as elsewhere in the package, in
the order of NumPy's operations; NumPy's own routines make products, exponentials and long sums.

numba keeps what it has compiled until this file changes; `BUILT_OF` changes with the others that it
is made of.
"""

from __future__ import annotations

import numba
from numba import carray

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.compiler import OPTIONS, loop
from ffnn.kernels.native import calls

BUILT_OF = "1bc12fd8"  # a digest of `codes` and `calls`, which a test compares

pass_over = numba.njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@pass_over
def add_bias(z: Array, b: Array) -> None:
    """Write z + b in place of z, which has a row for each unit."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = z[i, j] + b[i]


@pass_over
def add_bias_relu(z: Array, b: Array, y: Array) -> None:
    """Write y = max(z + b, 0)."""
    zero = y.dtype.type(0)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            shifted = z[i, j] + b[i]
            y[i, j] = zero if shifted <= zero else shifted


@pass_over
def relu(x: Array, y: Array) -> None:
    """Write y = max(x, 0)."""
    zero = y.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] <= zero else x[i]


@pass_over
def relu_back(y: Array, grad: Array) -> None:
    """Write grad [y > 0] in place of grad."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.size):
        grad[i] = grad[i] * (one if y[i] > zero else zero)


@pass_over
def tanh_back(y: Array, grad: Array) -> None:
    """Write grad (1 - y²) in place of grad."""
    one = y.dtype.type(1)
    for i in range(y.size):
        grad[i] = grad[i] * (one - y[i] * y[i])


@pass_over
def scale(x: Array, factor: float) -> None:
    """Write factor x in place of x."""
    for i in range(x.size):
        x[i] = x[i] * factor


@pass_over
def oppose(x: Array, y: Array, largest: float) -> None:
    """Write y = min(-x, largest), whose exponential is finite."""
    for i in range(x.size):
        opposite = -x[i]
        y[i] = largest if opposite > largest else opposite


@pass_over
def invert(y: Array) -> None:
    """Write 1 / (1 + y) in place of y."""
    one = y.dtype.type(1)
    for i in range(y.size):
        y[i] = one / (y[i] + one)


@pass_over
def sigmoid_back(y: Array, grad: Array) -> None:
    """Write grad y (1 - y) in place of grad."""
    one = y.dtype.type(1)
    for i in range(y.size):
        grad[i] = grad[i] * ((one - y[i]) * y[i])


@pass_over
def rescale(x: Array, y: Array, factor: float, added: float) -> None:
    """Write factor x + added; the rows of x are columns of y."""
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = x[j, i] * factor
    if added != zero:
        for i in range(y.shape[0]):
            for j in range(y.shape[1]):
                y[i, j] = y[i, j] + added


@pass_over
def shift(z: Array, b: Array) -> None:
    """Write z + b in place of z, which has a column for each unit."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = z[i, j] + b[j]


@pass_over
def divide(y: Array, row: Array) -> None:
    """Write y / row in place of y, each row of which is divided alike."""
    for i in range(y.shape[0]):
        for j in range(row.size):
            y[i, j] = y[i, j] / row[j]


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
def vector(address, size, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Return the numbers at an address."""
    return carray(calls.pointer(address, one), (size,))


@pass_over
def matrix(address, rows, columns, one):  # type: ignore[no-untyped-def]
    """Return the numbers at an address, row by row."""
    return carray(calls.pointer(address, one), (rows, columns))


@pass_over
def compute(o, f, one):  # type: ignore[no-untyped-def]
    """Make a product or run a loop of NumPy's; return whether the operation is one of these."""
    code = o[0]
    if code == Code.GEMM:
        calls.gemm(o[1], one, o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9], o[10], o[11], o[12])
    elif code == Code.GEMV:
        calls.gemv(o[1], one, o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9])
    elif code == Code.DOT:
        vector(o[5], 1, one)[0] = calls.dot(o[1], one, o[2], o[3], o[4])
    elif code == Code.APPLY:
        step = o[6]
        calls.ufunc(o[1], o[2], o[3], o[4], step, o[5], step, o[5], step)
    elif code == Code.SUM:
        vector(o[5], 1, one)[0] = 0
        calls.ufunc(o[1], o[2], o[3], o[5], 0, o[4], o[6], o[5], 0)
    else:
        return False
    return True


@pass_over
def compute_layer(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of a layer; return whether the operation is one."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.ADD_BIAS:
        add_bias(matrix(o[3], m, n, one), vector(o[4], m, one))
    elif code == Code.ADD_BIAS_RELU:
        add_bias_relu(matrix(o[3], m, n, one), vector(o[4], m, one), matrix(o[5], m, n, one))
    elif code == Code.RELU:
        relu(vector(o[3], m * n, one), vector(o[4], m * n, one))
    elif code == Code.RELU_BACK:
        relu_back(vector(o[3], m * n, one), vector(o[4], m * n, one))
    elif code == Code.TANH_BACK:
        tanh_back(vector(o[3], m * n, one), vector(o[4], m * n, one))
    elif code == Code.SCALE:
        scale(vector(o[3], m * n, one), f[0])
    elif code == Code.OPPOSE:
        oppose(vector(o[3], m * n, one), vector(o[4], m * n, one), f[0])
    elif code == Code.INVERT:
        invert(vector(o[3], m * n, one))
    elif code == Code.SIGMOID_BACK:
        sigmoid_back(vector(o[3], m * n, one), vector(o[4], m * n, one))
    elif code == Code.RESCALE:
        rescale(matrix(o[3], n, m, one), matrix(o[4], m, n, one), f[0], f[1])
    elif code == Code.SHIFT:
        shift(matrix(o[3], n, m, one), vector(o[4], m, one))
    else:
        return False
    return True


@pass_over
def compute_loss(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of a loss."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.BELOW_LARGEST:
        below_largest(matrix(o[3], m, n, one), matrix(o[4], m, n, one), vector(o[5], n, one))
    elif code == Code.DIVIDE_BY_SUM:
        divide_by_sum(matrix(o[3], m, n, one), vector(o[4], n, one))
    elif code == Code.DIVIDE:
        divide(matrix(o[3], m, n, one), vector(o[4], n, one))
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


@loop("lmii")
def run(operations: Array, numbers: Array, start: int, stop: int) -> None:
    """Run the operations from `start` to `stop`."""
    one = numbers.dtype.type(1)
    for i in range(start, stop):
        o, f = operations[i], numbers[i]
        if not (compute(o, f, one) or compute_layer(o, f, one)):
            compute_loss(o, f, one)
