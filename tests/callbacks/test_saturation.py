"""The share of saturated outputs, epoch by epoch: recorded, kept, and drawn."""

import io

import numpy as np
import pytest

import ffnn
from ffnn.activations import ActivationFunction
from ffnn.callbacks import Recorder
from ffnn.callbacks.recording import Recording
from ffnn.initializers import Constant
from ffnn.layers import Activation, Dense, Dropout
from ffnn.optimizers import SGD

X = np.random.default_rng(0).normal(0.0, 3.0, (48, 2))
Y = X[:, 0]


def network(*layers, dtype="float64"):
    model = ffnn.Sequential([*layers, Dense(1)], input_dim=2, dtype=dtype, seed=0)
    model.compile(SGD(1e-12), "mse")  # parameters stay as they are
    return model


def record(model, epochs=2, **options):
    recorder = Recorder(**options)
    model.fit(X, Y, epochs=epochs, batch_size=16, callbacks=[recorder], verbose=0)
    return model.recording


def saturated(recording, layer="dense_1"):
    return recording.series("activations", layer, "output", "saturated_fraction")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "f", "low", "high"),
    [
        ("tanh", np.tanh, -0.98, 0.98),
        ("sigmoid", lambda z: 1.0 / (1.0 + np.exp(-z)), 0.01, 0.99),
    ],
)
def test_it_is_the_share_within_a_hundredth_of_the_range(name, f, low, high, dtype):
    model = network(Dense(5, name), dtype=dtype)
    weight = model.layers[0].params["weight"].copy()
    y = f(X @ weight.T.astype(np.float64))
    expected = np.mean((y < low) | (y > high))
    assert 0.0 < expected < 1.0
    np.testing.assert_allclose(saturated(record(model)), [expected] * 2, atol=1e-9)


def test_all_and_none():
    ends = Dense(3, "tanh", weight_initializer=Constant(0.0), bias_initializer=Constant(9.0))
    middle = Dense(3, "tanh", weight_initializer=Constant(0.0))
    recording = record(network(ends, middle))
    assert saturated(recording).tolist() == [1.0, 1.0]
    assert saturated(recording, "dense_2").tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["relu", "softmax", "gelu", "elu", None])
def test_what_does_not_saturate_has_none(name):
    assert np.isnan(saturated(record(network(Dense(3, name))))).all()


def test_the_last_part_of_a_layer_counts():
    layers = [Dense(4), Activation("tanh"), Dropout(0.5), Dense(4, "sigmoid")]
    recording = record(network(*layers))
    names = ["dense_1", "activation_1", "dropout_1", "dense_2", "dense_3"]
    found = [not np.isnan(saturated(recording, name)).any() for name in names]
    assert found == [False, True, False, True, False]


def test_an_activation_of_the_users_says_itself_that_it_saturates():
    class Clipped(ActivationFunction):
        output_range, saturates = (0.0, 2.0), True

        def forward(self, x, training=False):
            return np.clip(x, 0.0, 2.0)

        def backward(self, grad):
            return grad

    model = network(Dense(4), Clipped())
    z = np.clip(X @ model.layers[0].params["weight"].T, 0.0, 2.0)
    expected = np.mean((z < 0.02) | (z > 1.98))
    found = saturated(record(model), model.layers[1].name)
    np.testing.assert_allclose(found, [expected] * 2, atol=1e-9)


def test_only_watched_batches_count():
    model = network(Dense(5, "tanh"))
    y = np.tanh(X[:16] @ model.layers[0].params["weight"].T)
    recorder = Recorder(every=3)
    model.fit(X, Y, batch_size=16, callbacks=[recorder], verbose=0, shuffle=False)
    expected = np.mean(np.abs(y) > 0.98)
    np.testing.assert_allclose(saturated(model.recording), [expected], atol=1e-9)


# -- files -------------------------------------------------------------------------------------


def kept(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return ffnn.load_model(file)


def test_it_is_kept_with_the_model():
    model = network(Dense(5, "tanh"))
    record(model)
    again = kept(model)
    assert again.recording == model.recording
    np.testing.assert_array_equal(saturated(again.recording), saturated(model.recording))


def test_a_network_without_has_none_in_its_file():
    model = network(Dense(5, "relu"))
    assert "saturation" not in record(model).arrays()
    assert np.isnan(saturated(kept(model).recording)).all()


def test_a_recording_of_an_older_file_goes_on():
    model = network(Dense(5, "tanh"))
    recording = record(model)
    arrays = {name: a for name, a in recording.arrays().items() if name != "saturation"}
    older = Recording.restore(recording.get_config(), arrays)
    assert np.isnan(saturated(older)).all()
    older.append(2, {name: a[-1] for name, a in recording.arrays().items() if name != "epochs"})
    found = saturated(older)
    assert np.isnan(found).tolist() == [True, True, False]
    assert found[-1] == saturated(recording)[-1]
    older.plot()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:, :1], r"expected float64 of shape \(2, 2\), got float64 of shape \(2, 1\)"),
        (lambda a: a.astype("float32"), "got float32"),
        (lambda a: a + 1.5, "expected shares from 0 to 1"),
    ],
)
def test_what_no_recorder_writes_is_refused(change, message):
    recording = record(network(Dense(5, "tanh")))
    arrays = recording.arrays()
    arrays["saturation"] = change(arrays["saturation"])
    with pytest.raises(ValueError, match=f"^/recording/saturation: .*{message}"):
        Recording.restore(recording.get_config(), arrays)


# -- views -------------------------------------------------------------------------------------


def test_it_takes_the_place_of_the_zeros():
    recording = record(network(Dense(5, "tanh"), Dense(4, "relu")))
    axes = recording.plot().axes[2]
    assert axes.get_title(loc="left") == "share of zero activations; tanh, sigmoid: saturated"
    zeros = recording.series("activations", "dense_2", "output", "zero_fraction")
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), saturated(recording))
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), zeros)
    page = recording._repr_html_()
    first, last = saturated(recording)
    assert "zero or saturated activations" in page
    assert f">{first:.3g} → {last:.3g}</td>" in page


def test_without_it_the_panel_is_as_ever():
    recording = record(network(Dense(4, "relu")))
    assert recording.plot().axes[2].get_title(loc="left") == "share of zero activations"
    assert "saturated" not in recording._repr_html_()
