"""Made-up rows: their formulas, by hand, and how they are drawn."""

import numpy as np
import pytest

from ffnn.datasets import make_toy
from ffnn.datasets.toys import CLASSES, NUMBERS, TOYS


@pytest.mark.parametrize("name", TOYS)
def test_rows_are_repeatable_and_differ_between_seeds(name):
    x, y = make_toy(name, rows=50, seed=3)
    again_x, again_y = make_toy(name, rows=50, seed=3)
    other, _ = make_toy(name, rows=50, seed=4)

    assert x.shape == (50, 2)
    assert y.shape == (50,)
    np.testing.assert_array_equal(x, again_x)
    np.testing.assert_array_equal(y, again_y)
    assert not np.array_equal(x, other)


@pytest.mark.parametrize("name", CLASSES)
def test_half_of_the_rows_are_of_each_class_in_random_order(name):
    _, y = make_toy(name, rows=200)

    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [100, 100]
    assert 0 < y[:100].sum() < 100


def test_circles_are_a_disc_within_a_ring():
    x, y = make_toy("circles", noise=0.0)
    radius = np.hypot(*x.T)

    assert radius[y == 0].max() <= 0.8
    assert 1.2 <= radius[y == 1].min() <= radius.max() <= 1.8


def test_xor_has_the_signs_of_exclusive_or():
    x, y = make_toy("xor", noise=0.0)

    np.testing.assert_array_equal(y == 1, (x[:, 0] > 0) != (x[:, 1] > 0))


def test_moons_lie_on_half_circles():
    x, y = make_toy("moons", noise=0.0)
    x += np.array([0.5, 0.25])

    np.testing.assert_allclose(np.hypot(*x[y == 0].T), 1.0)
    np.testing.assert_allclose(np.hypot(*(x[y == 1] - [1.0, 0.5]).T), 1.0)


def test_arms_of_the_spiral_lie_opposite_each_other():
    x, y = make_toy("spiral", noise=0.0)
    radius = np.hypot(*x.T)
    turned = np.arctan2(x[:, 1], x[:, 0]) - 3.5 * np.pi * radius / 1.8

    np.testing.assert_allclose(np.cos(turned), np.where(y == 0, 1.0, -1.0), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plane", lambda a, b: (a + b) / 2),
        ("hill", lambda a, b: np.exp(-(a**2)) * np.exp(-(b**2))),
    ],
)
def test_numbers_follow_their_formula(name, expected):
    x, y = make_toy(name, noise=0.0)

    np.testing.assert_allclose(y, expected(x[:, 0], x[:, 1]))
    assert set(NUMBERS) == {"plane", "hill"}


def test_noise_has_its_standard_deviation():
    clean, _ = make_toy("xor", rows=20_000, noise=0.0)
    noisy, _ = make_toy("xor", rows=20_000, noise=0.3)
    target = make_toy("plane", rows=20_000, noise=0.2)

    assert (noisy - clean).std() == pytest.approx(0.3, rel=0.02)
    assert (target[1] - target[0].mean(axis=1)).std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("ring",), ValueError, "make_toy: name must be one of circles, xor"),
        (("xor", 1), ValueError, "rows must be at least 2, got 1"),
        (("xor", 10, -0.1), ValueError, "noise must be"),
        (("xor", 10, 0.1, "x"), TypeError, "seed must be an integer"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        make_toy(*arguments)
