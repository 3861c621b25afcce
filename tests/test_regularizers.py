"""Penalties and their gradients by hand, and that nothing but `grad` and `scratch` is written."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.regularizers import L1, L1L2, L2, REGULARIZERS

W = np.array([[1.0, -2.0], [0.0, 3.0]])


# Σ|w| = 6, Σw² = 14, sign(0) = 0
@pytest.mark.parametrize(
    ("regularizer", "value", "gradient"),
    [
        (L1(0.5), 3.0, [[0.5, -0.5], [0.0, 0.5]]),
        (L2(0.25), 3.5, [[0.5, -1.0], [0.0, 1.5]]),
        (L1L2(0.5, 0.25), 6.5, [[1.0, -1.5], [0.0, 2.0]]),
        (L1L2(0.5, 0.0), 3.0, [[0.5, -0.5], [0.0, 0.5]]),
        (L1L2(0.0, 0.25), 3.5, [[0.5, -1.0], [0.0, 1.5]]),
        (L1L2(0.0, 0.0), 0.0, [[0.0, 0.0], [0.0, 0.0]]),
    ],
    ids=repr,
)
def test_value_and_gradient_by_hand(regularizer, value, gradient):
    w, scratch = W.copy(), np.full_like(W, np.nan)
    grad = np.full_like(W, 10.0)
    assert regularizer.value(w, scratch) == pytest.approx(value, rel=1e-15)
    regularizer.add_gradient(w, grad, scratch)
    np.testing.assert_allclose(grad, 10.0 + np.array(gradient), rtol=1e-15)
    np.testing.assert_array_equal(w, W)


@pytest.mark.parametrize("seed", range(5))
def test_elastic_net_formula_on_random_arrays(seed):
    rng = np.random.default_rng(seed)
    l1, l2 = rng.uniform(0, 1, 2)
    w = rng.normal(size=(7, 3))
    rule, grad = L1L2(l1, l2), np.zeros_like(w)
    expected = l1 * sum(abs(v) for v in w.flat) + l2 * sum(v * v for v in w.flat)
    assert rule.value(w, np.empty_like(w)) == pytest.approx(expected, rel=1e-13)
    rule.add_gradient(w, grad, np.empty_like(w))
    np.testing.assert_allclose(grad, l1 * np.where(w > 0, 1, -1) + 2 * l2 * w, rtol=1e-13)


def test_gradient_of_float32_weights_stays_float32():
    w = W.astype(np.float32)
    grad = np.zeros_like(w)
    L1L2(0.1, 0.2).add_gradient(w, grad, np.empty_like(w))
    expected = np.float32(0.1) * np.sign(w) + np.float32(0.4) * w
    assert grad.dtype == np.float32
    np.testing.assert_array_equal(grad, expected)


def test_kinks_lie_at_zero_where_l1_acts():
    assert L1(0.1).kinks == (0.0,)
    assert L1L2(0.1, 0.2).kinks == (0.0,)
    assert L2(0.1).kinks == ()
    assert L1L2(0.0, 0.2).kinks == ()


def test_default_strengths():
    assert (L1().l1, L2().l2) == (0.01, 0.01)
    assert (L1L2().l1, L1L2().l2) == (0.01, 0.01)


@pytest.mark.parametrize(
    ("name", "cls"), [("l1", L1), ("l2", L2), ("l1l2", L1L2), ("l1_l2", L1L2), ("L2", L2)]
)
def test_names(name, cls):
    assert type(REGULARIZERS.get(name)) is cls


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: L1(-1), r"L1: l1 must be a finite number in \[0.0, inf\), got -1"),
        (lambda: L2(float("inf")), r"L2: l2 must be a finite number in .*got inf"),
        (lambda: L1L2(l1=-0.5), r"L1L2: l1 must be a finite number in .*got -0.5"),
        (lambda: L1L2(l2=float("nan")), r"L1L2: l2 must be a finite number in .*got nan"),
    ],
)
def test_strengths_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_strengths_of_another_type_are_refused():
    with pytest.raises(TypeError, match=r"L2: l2 must be a number, got '0\.1'"):
        L2("0.1")


@pytest.mark.parametrize("rule", [L1(0.3), L2(0.3)], ids=repr)
def test_penalties_of_millions_of_float32_weights_are_those_of_float64(rule):
    w = np.full((2048, 2048), 0.1, np.float32)
    exact = rule.value(w.astype(np.float64), np.empty(w.shape))
    assert rule.value(w, np.empty_like(w)) == pytest.approx(exact, rel=1e-6)
