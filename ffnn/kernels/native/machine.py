"""The machine: it runs a list of operations, which `ffnn.kernels.chains` writes, in one call.

An operation is a row of integers, whose meaning `Code` tells, and a row of numbers. Arrays are
given by their addresses. Small functions make the passes over them, as elsewhere in the package, in
the order of NumPy's operations; NumPy's own routines make products, exponentials and long sums.

numba keeps what it has compiled until this file changes; `BUILT_OF` changes with the others that it
is made of.
"""

from __future__ import annotations

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.compiler import loop
from ffnn.kernels.native import calls
from ffnn.kernels.native.activations import compute_activation
from ffnn.kernels.native.arrays import matrix, pass_over, vector
from ffnn.kernels.native.losses import compute_loss
from ffnn.kernels.native.masks import compute_mask
from ffnn.kernels.native.norms import compute_norm

BUILT_OF = "286e915a"  # a digest of its parts, down to the codes, which a test compares


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
def add_bias_clip(z: Array, b: Array) -> None:
    """Write max(z + b, 0) in place of z; with two arrays there, it would not be in vectors."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            shifted = z[i, j] + b[i]
            z[i, j] = zero if shifted <= zero else shifted


@pass_over
def shift(z: Array, b: Array) -> None:
    """Write z + b in place of z, which has a column for each unit."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = z[i, j] + b[j]


@pass_over
def shift_clip(z: Array, b: Array) -> None:
    """Write max(z + b, 0) in place of z, which has a column for each unit."""
    zero = z.dtype.type(0)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            shifted = z[i, j] + b[j]
            z[i, j] = zero if shifted <= zero else shifted


@pass_over
def divide(y: Array, row: Array) -> None:
    """Write y / row in place of y, each row of which is divided alike."""
    for i in range(y.shape[0]):
        for j in range(row.size):
            y[i, j] = y[i, j] / row[j]


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
    elif code == Code.SUM_UNITS:
        vector(o[6], o[3], one)[:] = 0
        for i in range(o[3]):
            total = o[6] + i * o[7]
            calls.ufunc(o[1], o[2], o[4], total, 0, o[5] + i * o[4] * o[7], o[7], total, 0)
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
    else:
        return False
    return True


@pass_over
def compute_prediction(o, one):  # type: ignore[no-untyped-def]
    """Make a pass that only predictions have; return whether the operation is one."""
    code, m, n = o[0], o[1], o[2]
    if code == Code.ADD_BIAS_CLIP:
        add_bias_clip(matrix(o[3], m, n, one), vector(o[4], m, one))
    elif code == Code.SHIFT:
        shift(matrix(o[3], n, m, one), vector(o[4], m, one))
    elif code == Code.SHIFT_CLIP:
        shift_clip(matrix(o[3], n, m, one), vector(o[4], m, one))
    elif code == Code.DIVIDE:
        divide(matrix(o[3], m, n, one), vector(o[4], n, one))
    else:
        return False
    return True


@loop("lmii")
def run(operations: Array, numbers: Array, start: int, stop: int) -> None:
    """Run the operations from `start` to `stop`."""
    one = numbers.dtype.type(1)
    for i in range(start, stop):
        o, f = operations[i], numbers[i]
        if not (
            compute(o, f, one)
            or compute_layer(o, f, one)
            or compute_activation(o, f, one)
            or compute_norm(o, f, one)
            or compute_mask(o, f, one)
            or compute_prediction(o, one)
        ):
            compute_loss(o, f, one)
