"""A model as plain data."""

import json

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.models.trainable import Trainable


def trained(*callbacks):
    layers = [Dense(3, "tanh"), BatchNorm(), Dropout(0.2), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile("adam", "mse", ["mae"])
    x = np.random.default_rng(0).standard_normal((20, 2))
    model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=callbacks)
    return model


def test_config_is_plain_data_and_arrays_are_live_by_name():
    model = trained()

    config, arrays = model.capture()

    assert json.loads(json.dumps(config)) == config
    assert arrays["layers/0_dense_1/weight"] is model.layers[0].params["weight"]
    params = ["0_dense_1/weight", "0_dense_1/bias", "1_batch_norm_1/gamma", "1_batch_norm_1/beta"]
    params += ["3_dense_2/weight", "3_dense_2/bias"]
    assert set(arrays) == {
        *(f"layers/{name}" for name in params),
        *(f"gradients/{name}" for name in params),
        "state/1_batch_norm_1/moving_mean",
        "state/1_batch_norm_1/moving_variance",
        "optimizer/m",
        "optimizer/v",
        "history/0",
        "history/1",
    }
    np.testing.assert_array_equal(arrays["history/0"], model.history.history["loss"])


def test_a_restored_model_trains_like_the_original():
    model = trained()
    config, arrays = model.capture()
    twin = ffnn.Sequential.restore(config, {name: a.copy() for name, a in arrays.items()})

    x = np.random.default_rng(1).standard_normal((20, 2))
    for each in (model, twin):
        each.fit(x, x[:, 1], epochs=2, verbose=0)

    np.testing.assert_array_equal(twin.parameters, model.parameters)
    assert twin.optimizer.iterations == model.optimizer.iterations


@pytest.mark.parametrize("change", ["missing", "shape", "dtype"])
def test_arrays_that_do_not_match_are_refused(change):
    config, arrays = trained().capture()
    arrays = {name: array.copy() for name, array in arrays.items()}
    name = "layers/3_dense_2/weight"
    if change == "missing":
        del arrays[name]
    elif change == "shape":
        arrays[name] = np.zeros((1, 4), np.float32)
    else:
        arrays[name] = np.zeros((1, 3), np.float64)

    with pytest.raises(ValueError, match=name):
        ffnn.Sequential.restore(config, arrays)


def test_a_state_that_its_layer_refuses_is_named():
    config, arrays = trained().capture()
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays["state/1_batch_norm_1/moving_variance"][1] = -1.0

    with pytest.raises(
        ValueError, match=r"^/state/1_batch_norm_1/moving_variance: expected a variance"
    ):
        ffnn.Sequential.restore(config, arrays)


def test_a_model_that_is_not_built_has_no_state_to_refuse():
    config, arrays = ffnn.Sequential([Dense(2), BatchNorm()]).capture()

    assert not ffnn.Sequential.restore(config, dict(arrays)).is_built


def test_the_double_computes_in_float64_from_the_same_values():
    model = trained()

    double = model.as_double()

    assert double.parameters.dtype == np.float64
    np.testing.assert_array_equal(double.parameters, model.parameters)
    np.testing.assert_allclose(double.predict(np.eye(2)), model.predict(np.eye(2)), rtol=1e-5)


def test_a_double_needs_no_face():
    double = trained().as_double()

    assert type(double) is Trainable
    assert double.fit(np.eye(2), np.ones(2), verbose=0).epoch == [0]


class Passing(ffnn.layers.Layer):
    def forward(self, x, training=False):
        return x


def test_classes_from_outside_are_recognised():
    assert trained().parts().custom_objects() == {}
    assert ffnn.Sequential([Passing()]).parts().custom_objects() == {"Passing": Passing}


def test_a_recording_is_kept_as_names_and_arrays():
    model = trained(Recorder(snapshots=1, histograms=4))

    config, arrays = model.capture()

    assert json.loads(json.dumps(config, allow_nan=False)) == config
    assert len(json.dumps(config["recording"])) < 400
    assert {name for name in arrays if name.startswith("recording/")} == {
        *(f"recording/{kind}" for kind in ("weights", "gradients", "updates", "activations")),
        "recording/epochs",
        "recording/saturation",  # of tanh
        *(
            f"recording/histograms/{kind}/{part}"
            for kind in ("weights", "gradients", "activations")
            for part in ("counts", "grids")
        ),
        *(f"recording/snapshots/{part}" for part in ("epochs", "weights", "gradients")),
        "recording/snapshots/statistics",  # of layers such as BatchNorm
        *("recording/rows/x", "recording/rows/y"),
    }
    copies = {name: array.copy() for name, array in arrays.items()}
    assert ffnn.Sequential.restore(config, copies).recording == model.recording


def test_the_double_goes_without_a_recording():
    model = trained(Recorder(snapshots=1, histograms=4))

    assert model.as_double().recording is None
    assert model.recording is not None
    assert ffnn.gradient_check(model, np.eye(2), np.ones(2)).max_error < 1e-6
