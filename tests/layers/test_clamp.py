"""Clamp: by hand, in training and outside it."""

import numpy as np
import pytest

import ffnn
from ffnn.layers import Clamp, Dense

X = np.array([[-3.0, -0.5], [0.25, 2.0], [7.0, 0.0]])


def test_predictions_stay_within_the_range():
    layer = Clamp(-0.5, 2.0).build(2, dtype="float64")
    np.testing.assert_array_equal(layer.forward(X), [[-0.5, -0.5], [0.25, 2.0], [2.0, 0.0]])
    np.testing.assert_array_equal(layer.backward(np.ones((3, 2))), [[0, 0], [1, 0], [0, 1]])


def test_training_sees_what_is_beyond_the_range():
    layer = Clamp(-0.5, 2.0).build(2, dtype="float64")
    np.testing.assert_array_equal(layer.forward(X, training=True), X)
    np.testing.assert_array_equal(layer.backward(np.full((3, 2), 4.0)), np.full((3, 2), 4.0))


def test_a_network_learns_towards_the_range_from_outside_it():
    model = ffnn.Sequential([Dense(1), Clamp(0.0, 1.0)], input_dim=1, seed=0)
    model.compile(ffnn.optimizers.Adam(0.1), "mse")
    model.layers[0].params["bias"][...] = 50.0
    history = model.fit(np.zeros((8, 1)), np.full(8, 0.5), epochs=3, verbose=0)
    assert history.history["loss"][0] == pytest.approx(49.5**2, rel=0.02)
    assert model.predict(np.zeros((1, 1))) == 1.0
    assert model.layers[0].params["bias"][0] < 50.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2.0, 1.0), ValueError, "low must be at most high"),
        ((np.nan, 1.0), ValueError, "low"),
        ((0.0, np.inf), ValueError, "high"),
        (("0", 1.0), TypeError, "low"),
    ],
)
def test_other_ranges_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Clamp(*arguments)


def test_the_range_is_saved(tmp_path):
    model = ffnn.Sequential([Dense(1), Clamp(-1.0, 2.5)], input_dim=2, seed=0)
    model.save(tmp_path / "m.h5")
    layer = ffnn.load_model(tmp_path / "m.h5").layers[1]
    assert (layer.low, layer.high) == (-1.0, 2.5)
