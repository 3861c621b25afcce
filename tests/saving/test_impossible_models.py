"""Files of models that cannot be: each is refused when it is loaded, by its place."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.callbacks import Recorder
from ffnn.layers import BatchNorm, Dense, Dropout

pytest.importorskip("h5py")


def trained():
    x = np.random.default_rng(0).standard_normal((12, 3))
    layers = [Dense(4, "relu"), BatchNorm(), Dropout(0.2), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, seed=1)
    model.compile(ffnn.optimizers.SGD(0.01, momentum=0.5), "mse", ["mae"])
    recorder = Recorder(snapshots=1, histograms=4)
    model.fit(x, x[:, 0], epochs=2, batch_size=4, verbose=0, callbacks=[recorder])
    return model


@pytest.fixture(scope="module")
def content():
    config, arrays = trained().capture()
    return config, {name: array.copy() for name, array in arrays.items()}


def config_with(place, value):
    """Return a change of the config: the entry at a place such as ``"layers/0/name"``."""

    def change(config, arrays):
        *parents, last = (int(key) if key.isdigit() else key for key in place.split("/"))
        for key in parents:
            config = config[key]
        config[last] = value

    return change


def array_with(name, value):
    """Return a change of an array to a value, or to what a function makes of it."""

    def change(config, arrays):
        arrays[name] = value(arrays[name]) if callable(value) else value

    return change


def negative(array):
    array = array.copy()
    array.flat[0] = -1
    return array


RECORDING = "recording/histograms/weights/counts"
IMPOSSIBLE = {
    "no numbers for epochs": (array_with("history/0", np.zeros(0)), "/history/0: expected a nu"),
    "a number too many": (array_with("history/1", np.zeros(3)), "/history/1: expected a number"),
    "numbers in two dimensions": (array_with("history/0", np.zeros((2, 1))), "/history/0: exp"),
    "numbers of float32": (array_with("history/0", np.zeros(2, np.float32)), "/history/0: expe"),
    "a negative epoch": (config_with("history/epoch", [-1, 0]), "/config/history/epoch: expe"),
    "an epoch twice": (config_with("history/epoch", [1, 1]), "/config/history/epoch: expected"),
    "epochs that fall": (config_with("history/epoch", [1, 0]), "/config/history/epoch: expected"),
    "a name twice": (config_with("history/names", ["loss", "loss"]), "/config/history/names"),
    "a negative entropy": (config_with("entropy", -5), "/config/entropy: expected at least 0"),
    "a negative seed": (config_with("seed", -5), "seed must be at least 0, got -5"),
    "negative bins": (config_with("recording/bins", -1), "/config/recording/bins: expected at l"),
    "no bins": (config_with("recording/bins", 0), "/config/recording/bins: expected at least 2"),
    "one bin": (config_with("recording/bins", 1), "/config/recording/bins: expected at least 2"),
    "a recorded layer that is not there": (
        config_with("recording/layers/0", "dense_7"),
        "/config/recording/layers: not those of this model",
    ),
    "a recorded parameter that is not there": (
        config_with("recording/parameters/0", ["dense_1", "gamma"]),
        "/config/recording/parameters: not those of this model",
    ),
    "recorded epochs that fall": (
        array_with("recording/epochs", np.array([1, 0])),
        "/recording/epochs: expected numbers from 0 that rise",
    ),
    "recorded epochs of two dimensions": (
        array_with("recording/epochs", np.array([[0], [1]])),
        "/recording/epochs: expected",
    ),
    "snapshots of negative epochs": (
        array_with("recording/snapshots/epochs", np.array([-1, 0])),
        "/recording/snapshots/epochs: expected numbers from 0 that rise",
    ),
    "snapshots of another size": (
        array_with("recording/snapshots/weights", np.zeros((2, 5), np.float32)),
        "/recording/snapshots/weights: expected float32 of shape",
    ),
    "negative counts": (array_with(RECORDING, negative), f"/{RECORDING}: expected counts"),
    "counts that are no integers": (array_with(RECORDING, np.float64), f"/{RECORDING}: expected i"),
    "statistics of float32": (
        array_with("recording/weights", np.float32),
        "/recording/weights: expected float64, got float32",
    ),
    "a negative variance": (
        array_with("state/1_batch_norm_1/moving_variance", negative),
        "/state/1_batch_norm_1/moving_variance: expected a variance",
    ),
    "a bias that is a word": (
        config_with("layers/0/config/use_bias", "no"),
        "use_bias must be True or False, got 'no'",
    ),
    "a bias that is a number": (
        config_with("layers/0/config/use_bias", 1),
        "use_bias must be True or False, got 1",
    ),
    "nesterov that is a word": (
        config_with("compile/optimizer/config/nesterov", "false"),
        "nesterov must be True or False, got 'false'",
    ),
    "negative iterations": (config_with("compile/iterations", -1), "/config/compile/iterations"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_model_that_cannot_be_is_refused_by_its_place(content, tmp_path, case):
    change, message = IMPOSSIBLE[case]
    config, arrays = copy.deepcopy(content)
    change(config, arrays)
    saving.write(tmp_path / "model.h5", config, arrays)

    with pytest.raises(ffnn.ModelFileError) as caught:
        ffnn.load_model(tmp_path / "model.h5")

    assert message in str(caught.value)


def test_the_model_that_all_are_made_from_is_loaded(content, tmp_path):
    saving.write(tmp_path / "model.h5", *content)

    assert ffnn.load_model(tmp_path / "model.h5").recording is not None
