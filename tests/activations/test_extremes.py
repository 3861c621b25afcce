"""Activations at numbers near the end of their dtype: finite where y is, without a warning."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.activations import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    Softplus,
    Swish,
    Tanh,
)

S, A = 1.0507009873554805, 1.6732632423543773  # of SELU

# Activation → y and y' far on the right, then far on the left, by its limits
LIMITS = {
    ELU: ("x", 1.0, -1.0, 0.0),
    GELU: ("x", 1.0, 0.0, 0.0),
    LeakyReLU: ("x", 1.0, "0.01 x", 0.01),
    Linear: ("x", 1.0, "x", 1.0),
    Mish: ("x", 1.0, 0.0, 0.0),
    ReLU: ("x", 1.0, 0.0, 0.0),
    SELU: ("s x", S, -S * A, 0.0),
    Sigmoid: (1.0, 0.0, 0.0, 0.0),
    Softplus: ("x", 1.0, 0.0, 0.0),
    Swish: ("x", 1.0, 0.0, 0.0),
    Tanh: (1.0, 0.0, -1.0, 0.0),
}


@pytest.mark.parametrize("cls", LIMITS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 1e-3, 1e-10, 1e-20, 1e-30])
def test_far_from_zero_y_and_its_slope_are_the_limits(cls, dtype, share):
    x = np.array([[1.0, -1.0]], dtype) * np.finfo(dtype).max * np.dtype(dtype).type(share)
    layer = cls()
    y = layer.forward(x).copy()
    slopes = layer.backward(np.ones_like(x))

    right, right_slope, left, left_slope = LIMITS[cls]
    with np.errstate(over="ignore"):
        terms = {"x": x, "0.01 x": x * 0.01, "s x": x * S}
    expected = [
        [np.broadcast_to(terms.get(v, v), x.shape)[0, i] for i, v in enumerate((right, left))]
    ]
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(slopes, [[right_slope, left_slope]], rtol=1e-6, atol=1e-30)


def test_gelu_of_the_largest_numbers():
    x = np.array([[3e38, -3e38, 1e20]], np.float32)
    np.testing.assert_array_equal(GELU().forward(x), [[np.float32(3e38), 0.0, np.float32(1e20)]])
