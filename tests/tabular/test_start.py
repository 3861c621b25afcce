"""Where weights begin: sums of variance 1, and kinks amid the rows."""

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense, ParametricActivation
from ffnn.tabular.start import start_from_rows

X = np.random.default_rng(1).normal(size=(300, 6)) * [1, 5, 0.1, 2, 3, 1] + 4.0


def started(x=X, seed=0):
    layers = [Dense(40, parametrization="ntk"), ParametricActivation("selu"), Dense(3)]
    network = ffnn.Sequential(layers, input_dim=x.shape[1], dtype="float64", seed=0)
    start_from_rows(network, x, np.random.default_rng(seed))
    return network


def linear_parts(network, x):
    """Return x W of both layers by their definition, without biases."""
    first, shares, second = network.layers
    z = x @ first.params["weight"].T / np.sqrt(x.shape[1])
    h = z + first.params["bias"]
    selu = 1.0507009873554805 * np.where(h > 0, h, 1.6732632423543773 * np.expm1(h))
    assert (shares.params["alpha"] == 1.0).all()
    return z, selu @ second.params["weight"].T


def test_sums_of_each_unit_have_variance_one():
    for sums in linear_parts(started(), X):
        np.testing.assert_allclose(sums.std(axis=0), 1.0, rtol=1e-12)


def test_biases_are_convex_combinations_of_the_sums_of_rows():
    network = started()
    for layer, sums in zip(network.layers[::2], linear_parts(network, X), strict=True):
        kink = -layer.params["bias"]
        assert (sums.min(axis=0) <= kink).all()
        assert (kink <= sums.max(axis=0)).all()
    # Of five rows with weights from the simplex: E[Σ w²] = 5 · 2 / (5 · 6) = 1/3 of the variance.
    wide = ffnn.Sequential([Dense(4000)], input_dim=6, dtype="float64", seed=0)
    start_from_rows(wide, X, np.random.default_rng(0))
    sums = X @ wide.layers[0].params["weight"].T
    spread = -wide.layers[0].params["bias"] - sums.mean(axis=0)
    assert np.mean(spread**2) == pytest.approx(1 / 3, rel=0.1)


def test_directions_stay_those_of_the_initial_weights():
    layers = [Dense(40, parametrization="ntk"), ParametricActivation("selu"), Dense(3)]
    before = ffnn.Sequential(layers, input_dim=6, dtype="float64", seed=0)
    ratio = started().layers[0].params["weight"] / before.layers[0].params["weight"]
    np.testing.assert_allclose(ratio, np.repeat(ratio[:, :1], 6, axis=1), rtol=1e-12)


def test_it_is_repeatable_and_drawn():
    first, again, other = (started(seed=seed).parameters for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_rows_that_are_all_alike_lead_to_finite_weights():
    assert np.isfinite(started(np.full((10, 6), 2.0)).parameters).all()
    assert np.isfinite(started(np.zeros((1, 6))).parameters).all()


def test_of_many_rows_some_are_looked_at():
    many = np.random.default_rng(0).normal(size=(20_000, 6))
    z, _ = linear_parts(started(many), many)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=0.05)
