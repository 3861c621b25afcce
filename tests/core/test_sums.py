"""Sums over many rows: as NumPy's for ordinary batches, exact beyond them."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.core.sums import (
    dot_over,
    has_huge,
    mean_rows,
    shrinking,
    sum_of_squares,
    sum_rows,
)

MANY = 300_001


def rows(count, order, units=3):
    values = 1000.0 + np.random.default_rng(0).standard_normal((count, units))
    return np.asarray(values, np.float32, order=order)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("count", [1, 100, 128])
def test_ordinary_batches_get_numpys_own_sums(count, order):
    x, total, mean = rows(count, order), np.empty(3, np.float32), np.empty((1, 3), np.float32)
    sum_rows(x, total)
    mean_rows(x, mean)
    np.testing.assert_array_equal(total, x.sum(axis=0))
    np.testing.assert_array_equal(mean, x.mean(axis=0, keepdims=True))
    a, b = x.ravel("K"), x.ravel("K")[::-1].copy()
    assert dot_over(count)(a, b) == a.dot(b)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("count", [129, 1000, 3999, 4096, 4097, 8191, MANY])
@pytest.mark.parametrize("units", [1, 3, 64])
def test_sums_of_many_rows_are_those_of_float64(order, count, units):
    x = rows(count, order, units)
    total, mean = np.empty(units, np.float32), np.empty((1, units), np.float32)
    sum_rows(x, total)
    mean_rows(x, mean)
    np.testing.assert_allclose(total, x.sum(axis=0, dtype=np.float64), rtol=4e-7)
    np.testing.assert_allclose(mean[0], x.mean(axis=0, dtype=np.float64), rtol=4e-7)


@pytest.mark.parametrize("order", ["C", "F"])
def test_products_of_many_rows_are_those_of_float64(order):
    flat = np.full((MANY, 2), 0.1, np.float32, order).ravel("K")
    exact = np.float64(flat[0]) ** 2 * flat.size
    assert dot_over(MANY)(flat, flat) == pytest.approx(exact, rel=1e-6)
    assert abs(float(flat.dot(flat)) / exact - 1.0) > 1e-5  # what BLAS alone makes of it


@pytest.mark.parametrize("order", ["C", "F"])
def test_products_of_matrices_over_many_rows_are_those_of_float64(order):
    a, b = np.abs(rows(MANY, order, 2)).T, rows(MANY, order)
    out = np.empty((2, 3), np.float32)
    dot_over(MANY)(a, b, out)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(out, exact, rtol=5e-7)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("shape", "rtol"), [((0, 3), 0), ((7, 3), 1e-7), ((2000, 2000), 1e-6)])
def test_sums_of_squares_are_those_of_float64(shape, rtol, order):
    x = np.full(shape, 0.1, np.float32, order)
    assert sum_of_squares(x) == pytest.approx(np.float64(x.dtype.type(0.1)) ** 2 * x.size, rel=rtol)
    x *= 1e20
    assert sum_of_squares(x) == pytest.approx(np.inf if x.size else 0.0)


@pytest.mark.parametrize(("dtype", "huge"), [("float32", 1e19), ("float64", 1e155)])
def test_huge_numbers_are_told_from_others(dtype, huge):
    x = np.array([[1.0, -2.0], [0.0, 3.0]], dtype)
    assert not has_huge(x)
    assert has_huge(x * x.dtype.type(huge))
    np.testing.assert_array_equal(shrinking(x, axis=1), [[1.0], [1.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shrinking_brings_huge_lines_below_one_by_powers_of_two(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[1.0, -2.0], [largest, 1.0], [-largest / 3.0, 0.0]], dtype)
    scale = shrinking(x, axis=1)
    assert scale[0, 0] == 1.0
    assert (np.abs(x * scale)[1:].max(axis=1) < 1.0).all()
    assert (np.abs(x * scale)[1:].max(axis=1) >= 0.5).all()
    assert (np.frexp(scale)[0] == 0.5).all()
