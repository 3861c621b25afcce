"""The rows of the page: what the network makes of them, from closed forms and from the model."""

import base64
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.errors import DataError
from ffnn.layers import BatchNorm, Dense, Dropout, Rescaling
from ffnn.visualization.page import save_page
from ffnn.visualization.passes import open_rows, run_rows


def rows_in(path):
    text = path.read_text("utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(data[1])["rows"]


def unpack(text, columns, dtype="<f4"):
    values = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)
    return values.reshape(-1, columns)


def classifier(layers=None, inputs=4, dtype="float64"):
    layers = layers or [Dense(5, "tanh"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=inputs, seed=0, dtype=dtype)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def data(rows, inputs=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, inputs)), rng.integers(0, 3, rows)


# -- one pass ------------------------------------------------------------------------------------


def test_sums_outputs_and_slopes_are_those_of_the_formulas():
    model, (x, y) = classifier(), data(6)
    first, second = (layer.params for layer in model.layers)
    passes = run_rows(model.twin(), x, y)

    z1 = x @ first["weight"].T + first["bias"]
    z2 = np.tanh(z1) @ second["weight"].T + second["bias"]
    p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    slopes2 = p - np.eye(3)[y]
    slopes1 = slopes2 @ second["weight"] * (1 - np.tanh(z1) ** 2)
    np.testing.assert_allclose(passes.inputs, x)
    np.testing.assert_allclose(passes.sums, np.hstack([z1, z2]))
    np.testing.assert_allclose(passes.outputs, np.hstack([np.tanh(z1), p]))
    np.testing.assert_allclose(passes.slopes, np.hstack([slopes1, slopes2]))
    np.testing.assert_allclose(passes.losses, -np.log(p[np.arange(6), y]))


def test_dropout_and_batch_statistics_are_those_of_prediction():
    layers = [Rescaling(0.5), BatchNorm(), Dense(6, "relu"), Dropout(0.5), BatchNorm(), Dense(3)]
    model = ffnn.Sequential(layers, input_dim=4, seed=0, dtype="float64")
    model.compile("sgd", "mse")
    x, y = data(40)
    model.fit(x, np.eye(3)[y], epochs=3, verbose=0)
    passes = run_rows(model.twin(), x[:5], np.eye(3)[y[:5]])

    np.testing.assert_array_equal(passes.outputs[:, 6:], model.predict(x[:5]))
    step = 1e-6  # ∂L/∂z of the last layer is that of its bias, of each row alone
    bias, kept = model.layers[-1].params["bias"], passes.losses.copy()
    for unit in range(3):
        bias[unit] += step
        moved = run_rows(model.twin(), x[:5], np.eye(3)[y[:5]]).losses
        bias[unit] -= step
        np.testing.assert_allclose((moved - kept) / step, passes.slopes[:, 6 + unit], atol=1e-5)


def test_without_targets_nothing_goes_back():
    model, (x, _) = classifier(), data(3)
    passes = run_rows(model.twin(), *open_rows(model, x, None))

    assert passes.slopes is None
    assert passes.losses is None


# -- which rows ----------------------------------------------------------------------------------


def test_of_many_rows_some_are_taken_evenly():
    model, (x, y) = classifier(), data(1000)
    taken, targets = open_rows(model, x, y)

    places = np.round(np.linspace(0, 999, 36)).astype(int)
    np.testing.assert_array_equal(taken, x[places])
    np.testing.assert_array_equal(targets, y[places])


def test_a_recorder_keeps_rows_in_the_model_file(tmp_path):
    model, (x, y) = classifier(dtype="float32"), data(100)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Recorder(snapshots=1)])
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")

    places = np.round(np.linspace(0, 99, 36)).astype(int)
    for recording in (model.recording, loaded.recording):
        np.testing.assert_array_equal(recording.rows.x, x[places].astype(np.float32))
        np.testing.assert_array_equal(recording.rows.y, y[places])
    assert loaded.recording == model.recording
    loaded.save_graph(tmp_path / "net.html")
    assert rows_in(tmp_path / "net.html")["count"] == 36


@pytest.mark.parametrize("dtype", ["uint8", "int16", "bool", "float16", "float64"])
def test_rows_of_any_numbers_are_kept_as_they_are(tmp_path, dtype):
    model = classifier([Rescaling(0.5), Dense(3, "softmax")], dtype="float32")
    x = np.random.default_rng(0).integers(0, 2, (20, 4)).astype(dtype)
    model.fit(x, np.arange(20) % 3, epochs=1, verbose=0, callbacks=[Recorder()])
    model.save(tmp_path / "m.h5")
    kept = ffnn.load_model(tmp_path / "m.h5").recording.rows.x

    np.testing.assert_array_equal(kept, x)
    assert (kept.dtype == np.uint8) == (dtype == "uint8")


# -- what the page holds -------------------------------------------------------------------------


def test_the_page_holds_what_the_model_makes_of_each_row_at_each_epoch(tmp_path):
    model, (x, y) = classifier(dtype="float32"), data(60)
    model.class_names = ["red", "green", "blue"]
    model.fit(x, y, epochs=3, verbose=0, callbacks=[Recorder(snapshots=1)])
    model.save_graph(tmp_path / "net.html", x[:7], y[:7])
    rows = rows_in(tmp_path / "net.html")

    assert rows["count"] == 7
    assert rows["labels"] == [model.class_names[number] for number in y[:7]]
    assert rows["classes"] == y[:7].tolist()
    assert rows["are_shares"] is True
    np.testing.assert_array_equal(unpack(rows["inputs"], 4), x[:7].astype(np.float32))
    for passed, weights in zip(
        rows["passes"],
        [*(each.weights for each in model.recording.snapshots), model.parameters.copy()],
        strict=True,
    ):
        model.parameters[:] = weights
        hidden, output = np.split(unpack(passed["outputs"], 8), [5], axis=1)
        np.testing.assert_array_equal(output, model.forward(x[:7]))
        np.testing.assert_allclose(hidden, np.tanh(unpack(passed["sums"], 8)[:, :5]), rtol=1e-5)
        losses = [model.evaluate(x[[row]], y[[row]]) for row in range(7)]
        np.testing.assert_allclose(passed["losses"], losses, rtol=1e-5)


def normalised():
    return classifier([BatchNorm(), Dense(5), BatchNorm(), Dense(3, "softmax")], dtype="float32")


def test_past_epochs_have_the_statistics_of_batches_of_then(tmp_path):
    model, (x, y) = normalised(), data(60)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[Recorder(snapshots=1)])
    model.save(tmp_path / "m.h5")
    for path, shown in (("net.html", model), ("kept.html", ffnn.load_model(tmp_path / "m.h5"))):
        shown.save_graph(tmp_path / path, x[:7], y[:7])
        passes = rows_in(tmp_path / path)["passes"]
        assert len(passes) == 4
        for epochs, passed in zip((1, 2, 3, 3), passes, strict=True):
            then = normalised()
            then.fit(x, y, epochs=epochs, verbose=0)
            outputs = unpack(passed["outputs"], 8)[:, 5:]
            np.testing.assert_allclose(outputs, then.predict(x[:7]), rtol=1e-5)


def test_past_epochs_of_older_recordings_are_not_known(tmp_path):
    model, (x, y) = normalised(), data(60)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Recorder(snapshots=1)])
    first = model.recording.snapshots[0]
    model.recording.snapshots[0] = replace(first, statistics=None)
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")
    save_page(loaded, tmp_path / "net.html")

    assert loaded.recording == model.recording
    assert [each.statistics is None for each in loaded.recording.snapshots] == [True, False]
    passes = rows_in(tmp_path / "net.html")["passes"]
    assert [passed is None for passed in passes] == [True, False, False]


@pytest.mark.parametrize(
    ("loss", "target", "labels", "classes"),
    [
        ("mse", [[0.5], [2.25]], ["0.5", "2.25"], None),
        ("binary_crossentropy", [[0.0], [1.0]], ["0", "1"], [0, 1]),
    ],
)
def test_targets_of_one_output_have_a_name(tmp_path, loss, target, labels, classes):
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=4)
    model.compile("sgd", loss)
    model.save_graph(tmp_path / "net.html", data(2)[0], target)
    rows = rows_in(tmp_path / "net.html")

    assert (rows["labels"], rows["classes"]) == (labels, classes)


def test_without_rows_there_are_none(tmp_path):
    save_page(classifier(), tmp_path / "net.html")

    assert rows_in(tmp_path / "net.html") is None


def test_rows_without_targets_need_no_loss(tmp_path):
    model = ffnn.Sequential([Dense(2)], input_dim=4)
    model.save_graph(tmp_path / "net.html", data(3)[0])
    rows = rows_in(tmp_path / "net.html")

    assert (rows["count"], rows["labels"]) == (3, None)
    assert rows["passes"][0]["slopes"] is None


def test_recorded_targets_that_a_new_loss_does_not_take_are_left_out(tmp_path):
    model, (x, y) = classifier(), data(30)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[Recorder()])
    model.compile("sgd", "mse")
    model.save_graph(tmp_path / "net.html")
    rows = rows_in(tmp_path / "net.html")

    assert (rows["count"], rows["labels"]) == (30, None)


def test_the_model_stays_as_it_was(tmp_path):
    model, (x, y) = classifier(), data(30)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Recorder(snapshots=1)])
    before = model.parameters.copy(), model.gradients.copy(), model.predict(x)
    model.save_graph(tmp_path / "net.html", x, y)

    for array, kept in zip(
        (model.parameters, model.gradients, model.predict(x)), before, strict=True
    ):
        np.testing.assert_array_equal(array, kept)


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x", "y", "error", "message"),
    [
        ("net.html", None, [0], ValueError, "y was given without x"),
        ("net.svg", np.zeros((2, 4)), None, ValueError, r"rows are shown by \.html pages"),
        ("net.html", np.zeros((2, 5)), None, DataError, "expected input with 4 features"),
        ("net.html", np.zeros((2, 4)), [0], DataError, "one target for each of 2 rows"),
        ("net.html", np.full((2, 4), np.nan), [0, 1], DataError, "x"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_written(tmp_path, name, x, y, error, message):
    with pytest.raises(error, match=message):
        classifier().save_graph(tmp_path / name, x, y)
    assert list(tmp_path.iterdir()) == []


def test_targets_need_a_loss(tmp_path):
    model = ffnn.Sequential([Dense(3)], input_dim=4)
    with pytest.raises(RuntimeError, match="not compiled"):
        model.save_graph(tmp_path / "net.html", np.zeros((2, 4)), [0, 1])
