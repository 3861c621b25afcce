"""The passes of activations over a batch, between NumPy's exponentials and hyperbolic tangents.

Each makes the operations of a layer's formula, in their order; see the layers in
`ffnn.activations`. The arrays of a pass lie alike, so all of them are vectors here.
"""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.native.arrays import pass_over, vector


@pass_over
def clip(x: Array, y: Array, low: float, high: float) -> None:
    """Write y = min(max(x, low), high), NaN where x is."""
    for i in range(x.size):
        raised = low if x[i] < low else x[i]
        y[i] = high if raised > high else raised


@pass_over
def add_positive(x: Array, y: Array, factor: float, share: float) -> None:
    """Write factor max(x, 0) + share y in place of y; max(-0, 0) is 0, as of NumPy's maximum."""
    zero = y.dtype.type(0)
    for i in range(x.size):
        positive = zero if x[i] <= zero else x[i]
        y[i] = positive * factor + y[i] * share


@pass_over
def selu(x: Array, y: Array, factor: float, share: float) -> None:
    """Write factor max(x, 0) + share y in place of y; max(-0, 0) is -0, as of NumPy's clip."""
    zero = y.dtype.type(0)
    for i in range(x.size):
        positive = zero if x[i] < zero else x[i]
        y[i] = positive * factor + y[i] * share


@pass_over
def selu_back(x: Array, power: Array, grad: Array, share: float, rest: float) -> None:
    """Write grad (share e^min(x, 0) + rest [x > 0]) in place of grad."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.size):
        positive = one if x[i] > zero else zero
        grad[i] = grad[i] * (power[i] * share + positive * rest)


@pass_over
def elu_back(y: Array, grad: Array, alpha: float) -> None:
    """Write grad where y > 0, as x then is, else grad (y + a), in place of grad."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.size):
        grad[i] = grad[i] * (one if y[i] > zero else y[i] + alpha)


@pass_over
def leaky_relu(x: Array, y: Array, slope: float) -> None:
    """Write y = max(x, a x)."""
    for i in range(x.size):
        low = x[i] * slope
        y[i] = x[i] if x[i] > low else low


@pass_over
def leaky_relu_back(x: Array, grad: Array, slope: float) -> None:
    """Write grad where x > 0, else a grad, in place of grad; y may be NaN where x is infinite."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.size):
        grad[i] = grad[i] * (one if x[i] > zero else slope)


@pass_over
def gelu_exponent(x: Array, bell: Array, far: float) -> None:
    """Write -z²/2 with z = min(|x|, far)."""
    half = x.dtype.type(-0.5)
    for i in range(x.size):
        z = far if abs(x[i]) > far else abs(x[i])
        bell[i] = z * z * half


@pass_over
def gelu(x: Array, bell: Array, tail: Array, y: Array, terms: Array, far: float) -> None:
    """Write Φ(-z) = e^(-z²/2) P(z) / Q(z) and y = max(x, 0) - z Φ(-z), with z = min(|x|, far)."""
    zero = y.dtype.type(0)
    p0, p1, p2, p3, p4 = terms[0], terms[1], terms[2], terms[3], terms[4]
    p5, p6, q0, q1, q2 = terms[5], terms[6], terms[7], terms[8], terms[9]
    q3, q4, q5, q6, q7 = terms[10], terms[11], terms[12], terms[13], terms[14]
    for i in range(x.size):
        z = far if abs(x[i]) > far else abs(x[i])
        p = (((((z * p0 + p1) * z + p2) * z + p3) * z + p4) * z + p5) * z + p6
        q = ((((((z * q0 + q1) * z + q2) * z + q3) * z + q4) * z + q5) * z + q6) * z + q7
        tail[i] = p / q * bell[i]
        y[i] = (zero if x[i] <= zero else x[i]) - z * tail[i]


@pass_over
def gelu_back(x: Array, bell: Array, tail: Array, grad: Array, factor: float, far: float) -> None:
    """Write grad (1/2 ± (1/2 - Φ(-z) + z φ(z))), with the sign of x, in place of grad."""
    half = x.dtype.type(0.5)
    for i in range(x.size):
        z = far if abs(x[i]) > far else abs(x[i])
        part = z * bell[i] * factor - tail[i] + half
        grad[i] = grad[i] * (np.copysign(part, x[i]) + half)


@pass_over
def gelu_argument(x: Array, t: Array, cubic: float, factor: float) -> None:
    """Write c (1 + b x²) x, whose hyperbolic tangent is t."""
    one = x.dtype.type(1)
    for i in range(x.size):
        t[i] = (x[i] * x[i] * cubic + one) * x[i] * factor


@pass_over
def gelu_tanh(x: Array, t: Array, y: Array) -> None:
    """Write y = x (1 + t) / 2."""
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    for i in range(x.size):
        y[i] = (t[i] + one) * half * x[i]


@pass_over
def gelu_tanh_back(x: Array, t: Array, grad: Array, cubic: float, factor: float) -> None:
    """Write grad ((1 - t²) c (1 + 3 b x²) x + t + 1) / 2 in place of grad, x² of x within ±30."""
    half, one, far = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(30)
    for i in range(x.size):
        raised = -far if x[i] < -far else x[i]
        near = far if raised > far else raised
        inner = (near * near * cubic + one) * factor
        grad[i] = grad[i] * (((one - t[i] * t[i]) * inner * x[i] + t[i] + one) * half)


@pass_over
def swish(x: Array, s: Array, y: Array, lowest: float) -> None:
    """Write s = 1 / (1 + s) in place of s, which is e^-x, and y = max(x, lowest) s."""
    one = y.dtype.type(1)
    for i in range(x.size):
        s[i] = one / (s[i] + one)
        y[i] = (lowest if x[i] < lowest else x[i]) * s[i]


@pass_over
def swish_back(s: Array, y: Array, grad: Array) -> None:
    """Write grad ((1 - s) y + s) in place of grad."""
    one = y.dtype.type(1)
    for i in range(y.size):
        grad[i] = grad[i] * ((one - s[i]) * y[i] + s[i])


@pass_over
def softplus_exponent(x: Array, y: Array) -> None:
    """Write -|x|."""
    for i in range(x.size):
        y[i] = -abs(x[i])


@pass_over
def softplus_back(power: Array, grad: Array) -> None:
    """Write grad / (1 + e^-x), by the product with the reciprocal, in place of grad."""
    one = grad.dtype.type(1)
    for i in range(grad.size):
        grad[i] = grad[i] * (one / (power[i] + one))


@pass_over
def exponential_back(y: Array, grad: Array) -> None:
    """Write grad y in place of grad."""
    for i in range(y.size):
        grad[i] = grad[i] * y[i]


@pass_over
def mish(x: Array, n: Array, y: Array) -> None:
    """Write y = x t with t = n (n + 2) / (n (n + 2) + 2), of n = e^x."""
    two = y.dtype.type(2)
    for i in range(x.size):
        t = (n[i] + two) * n[i]
        y[i] = x[i] * (t / (t + two))


@pass_over
def mish_back(x: Array, n: Array, grad: Array, low: float, high: float) -> None:
    """Write grad (t + 4 x n (n + 1) / d²), with d = n (n + 2) + 2, in place of grad."""
    one, two, four = x.dtype.type(1), x.dtype.type(2), x.dtype.type(4)
    for i in range(x.size):
        raised = low if x[i] < low else x[i]
        near = high if raised > high else raised
        t = (n[i] + two) * n[i]
        d = t + two
        grad[i] = grad[i] * ((n[i] + one) * n[i] / d / d * near * four + t / d)


@pass_over
def compute_forward(o, f, one):  # type: ignore[no-untyped-def]  # in terms of the compiler alone
    """Make a pass of an activation forward; return whether the operation is one."""
    code, size = o[0], o[1] * o[2]
    x, y, z = vector(o[3], size, one), vector(o[4], size, one), vector(o[5], size, one)
    if code == Code.CLIP:
        clip(x, y, f[0], f[1])
    elif code == Code.ADD_POSITIVE:
        add_positive(x, y, f[0], f[1])
    elif code == Code.SELU:
        selu(x, y, f[0], f[1])
    elif code == Code.LEAKY_RELU:
        leaky_relu(x, y, f[0])
    elif code == Code.GELU_EXPONENT:
        gelu_exponent(x, y, f[0])
    elif code == Code.GELU:
        gelu(x, y, z, vector(o[6], size, one), vector(o[7], 15, one), f[0])
    elif code == Code.GELU_ARGUMENT:
        gelu_argument(x, y, f[0], f[1])
    elif code == Code.GELU_TANH:
        gelu_tanh(x, y, z)
    elif code == Code.SWISH:
        swish(x, y, z, f[0])
    elif code == Code.SOFTPLUS_EXPONENT:
        softplus_exponent(x, y)
    elif code == Code.MISH:
        mish(x, y, z)
    else:
        return False
    return True


@pass_over
def compute_backward(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of an activation back; return whether the operation is one."""
    code, size = o[0], o[1] * o[2]
    x, y, z = vector(o[3], size, one), vector(o[4], size, one), vector(o[5], size, one)
    if code == Code.SELU_BACK:
        selu_back(x, y, z, f[0], f[1])
    elif code == Code.ELU_BACK:
        elu_back(x, y, f[0])
    elif code == Code.LEAKY_RELU_BACK:
        leaky_relu_back(x, y, f[0])
    elif code == Code.GELU_BACK:
        gelu_back(x, y, z, vector(o[6], size, one), f[0], f[1])
    elif code == Code.GELU_TANH_BACK:
        gelu_tanh_back(x, y, z, f[0], f[1])
    elif code == Code.SWISH_BACK:
        swish_back(x, y, z)
    elif code == Code.SOFTPLUS_BACK:
        softplus_back(x, y)
    elif code == Code.EXPONENTIAL_BACK:
        exponential_back(x, y)
    elif code == Code.MISH_BACK:
        mish_back(x, y, z, f[0], f[1])
    else:
        return False
    return True


@pass_over
def compute_activation(o, f, one):  # type: ignore[no-untyped-def]
    """Make a pass of an activation; return whether the operation is one."""
    if o[0] < Code.CLIP:  # the first of them: others are not compared with each
        return False
    return compute_forward(o, f, one) or compute_backward(o, f, one)
