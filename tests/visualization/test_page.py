import base64
import errno
import hashlib
import json
import os
import re
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.visualization import page_states
from ffnn.visualization.page import save_page

HOSTILE = "</script><script>alert(1)</script><!--"


def network(sizes, *, seed=0, **options):
    activations = ["relu"] * (len(sizes) - 2) + ["softmax"]
    return ffnn.Sequential.from_sizes(sizes, activations=activations, seed=seed, **options)


def with_gradients(model):
    rng = np.random.default_rng(0)
    model.compile("sgd", "mse")
    x = rng.standard_normal((6, model.input_dim))
    model.compute_gradients(x, rng.standard_normal((6, model.output_dim)))
    return model


def save_and_read(model, tmp_path, **options):
    """Return the page's text and the data in it."""
    path = tmp_path / "net.html"
    save_page(model, path, **options)
    text = path.read_text("utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(data[1])


def vector_of(text, dtype="<f4"):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)


def cut(block, vector):
    values = vector[block["offset"] : block["offset"] + block["rows"] * block["columns"]]
    return values.reshape(block["rows"], block["columns"])


# -- the values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "kind"), [("float32", "<f4"), ("float64", "<f8")])
def test_the_page_holds_each_weight_and_gradient_to_the_bit(tmp_path, dtype, kind):
    model = with_gradients(network([4, 8, 3], dtype=dtype))
    _, data = save_and_read(model, tmp_path)

    (state,) = data["states"]
    assert data["single"] == (dtype == "float32")
    assert vector_of(state["weight"], kind).tobytes() == model.parameters.tobytes()
    assert vector_of(state["gradient"], kind).tobytes() == model.gradients.tobytes()


def test_gradients_never_computed_are_absent(tmp_path):
    _, data = save_and_read(network([4, 8, 3]), tmp_path)

    assert data["states"][0]["gradient"] is None
    assert "compute_gradients" in data["no_gradient"]


def test_edges_neurons_and_gains_know_where_their_values_are(tmp_path):
    layers = [BatchNorm(), Dense(3), LayerNorm(), RMSNorm(), Dropout(0.5), Dense(2, use_bias=False)]
    model = with_gradients(ffnn.Sequential(layers, input_dim=4, seed=0))
    _, data = save_and_read(model, tmp_path)
    batch_norm, first, layer_norm, rms_norm, _, second = model.layers
    weights = vector_of(data["states"][0]["weight"])

    def at(offset, size):
        return weights[offset : offset + size].tolist()

    connections = data["connections"]
    assert at(connections[0]["weight"], 12) == first.params["weight"].ravel().tolist()
    assert at(connections[0]["bias"], 3) == first.params["bias"].tolist()
    assert at(connections[1]["weight"], 6) == second.params["weight"].ravel().tolist()
    assert connections[1]["bias"] is None
    assert [connection["inputs"] for connection in connections] == [4, 3]
    inputs, hidden, outputs = data["columns"]
    assert (inputs["bias"], outputs["bias"]) == (None, None)
    assert hidden["bias"] == connections[0]["bias"]
    assert [gain["name"] for gain in inputs["gains"]] == ["batch_norm_1 gamma", "batch_norm_1 beta"]
    assert [gain["name"] for gain in hidden["gains"]] == [
        "layer_norm_1 gamma",
        "layer_norm_1 beta",
        "rms_norm_1 gamma",
    ]
    assert at(inputs["gains"][1]["offset"], 4) == batch_norm.params["beta"].tolist()
    assert at(hidden["gains"][0]["offset"], 3) == layer_norm.params["gamma"].tolist()
    assert at(hidden["gains"][2]["offset"], 3) == rms_norm.params["gamma"].tolist()


def test_each_neuron_has_an_id_and_its_name_and_activation(tmp_path):
    model = network([2, 3, 2])
    model.feature_names = ["length", "width"]
    model.class_names = ["yes", "no"]
    _, data = save_and_read(model, tmp_path)

    columns = data["columns"]
    assert [column["ids"] for column in columns] == [
        ["input 0", "input 1"],
        ["dense_1 0", "dense_1 1", "dense_1 2"],
        ["dense_2 0", "dense_2 1"],
    ]
    assert [column["names"] for column in columns] == [["length", "width"], None, ["yes", "no"]]
    assert [column["bias_node"] for column in columns] == ["dense_1 bias", "dense_2 bias", None]
    assert [column["kind"] for column in columns] == ["input", "neuron", "output"]
    assert [column["activation"] for column in columns] == ["", "ReLU", "Softmax"]


# -- heatmaps and pictures -----------------------------------------------------------------------


def test_each_layer_has_a_panel_with_all_its_values(tmp_path):
    layers = [BatchNorm(), Dense(5), RMSNorm(), Dense(2, use_bias=False)]
    model = with_gradients(ffnn.Sequential(layers, input_dim=4, seed=0))
    model.parameters[:] = np.arange(model.parameters.size)
    _, data = save_and_read(model, tmp_path)
    vector = vector_of(data["states"][0]["weight"])

    for panel, layer in zip(data["panels"], model.layers, strict=True):
        assert panel["layer"] == layer.name
        assert [block["name"] for block in panel["blocks"]] == list(layer.params)
        for block, array in zip(panel["blocks"], layer.params.values(), strict=True):
            expected = array.reshape(-1, 1) if block["name"] == "bias" else np.atleast_2d(array)
            np.testing.assert_array_equal(cut(block, vector), expected)
    assert [panel["title"] for panel in data["panels"]] == [
        "batch_norm_1: gamma and beta, 4 each",
        "dense_1: weight, 5 × 4, and bias, 5",
        "rms_norm_1: gamma, 5 each",
        "dense_2: weight, 2 × 5",
    ]


def test_rows_and_columns_of_a_heatmap_stand_for_neurons(tmp_path):
    _, data = save_and_read(network([4, 8, 3]), tmp_path)
    weight, bias = data["panels"][1]["blocks"]

    assert (weight["row_neurons"], weight["column_neurons"]) == (2, 1)
    assert (bias["row_neurons"], bias["column_neurons"]) == (2, None)


def test_gains_lie_one_under_the_other(tmp_path):
    model = ffnn.Sequential([LayerNorm(), Dense(2)], input_dim=4)
    _, data = save_and_read(model, tmp_path)
    gains, dense = data["panels"]

    assert (gains["is_stacked"], dense["is_stacked"]) == (True, False)
    assert [block["name"] for block in gains["blocks"]] == ["gamma", "beta"]
    assert [block["column_neurons"] for block in gains["blocks"]] == [0, 0]


def test_square_inputs_are_shown_as_pictures_of_the_strongest_units(tmp_path):
    model = network([64, 50, 3])
    model.layers[0].params["weight"][...] = 1.0
    model.layers[0].params["weight"][[7, 40]] = 2.0
    model.layers[0].params["weight"][:18] /= 4
    _, data = save_and_read(model, tmp_path)
    pictures = data["pictures"]

    assert (pictures["side"], pictures["total"]) == (8, 50)
    # Units 18 to 49 are 32, unit 7 with 2 / 4 is weaker than each of them.
    assert pictures["units"] == list(range(18, 50))


def test_a_unit_with_weights_that_are_no_numbers_is_among_the_pictures(tmp_path):
    model = network([64, 50, 3])
    model.layers[0].params["weight"][45, 0] = np.nan
    _, data = save_and_read(model, tmp_path)

    assert 45 in data["pictures"]["units"]


@pytest.mark.parametrize("inputs", [4, 49, 65])
def test_few_or_other_inputs_are_no_pictures(tmp_path, inputs):
    _, data = save_and_read(network([inputs, 5, 3]), tmp_path)

    assert data["pictures"] is None


# -- recorded epochs -----------------------------------------------------------------------------


def fitted(sizes, epochs, **recorder):
    model = network(sizes)
    model.compile("sgd", "mse", metrics=[])
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, sizes[0])), rng.standard_normal((32, sizes[-1]))
    recorder = ffnn.callbacks.Recorder(**recorder)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[recorder])
    return model


def test_recorded_epochs_come_before_the_model_as_it_is(tmp_path):
    model = fitted([4, 8, 3], epochs=5, snapshots=2)
    _, data = save_and_read(model, tmp_path)

    assert [state["label"] for state in data["states"]] == [
        *("after epoch 1", "after epoch 3", "after epoch 5"),
        "the model as it is",
    ]
    for state, snapshot in zip(data["states"], model.recording.snapshots, strict=False):
        assert vector_of(state["weight"]).tobytes() == snapshot.weights.tobytes()
        assert vector_of(state["gradient"]).tobytes() == snapshot.gradients.tobytes()
    assert vector_of(data["states"][-1]["weight"]).tobytes() == model.parameters.tobytes()
    assert data["left_out"] == ""


def test_many_numbers_are_rounded_to_steps_of_the_largest_of_all_epochs(tmp_path, monkeypatch):
    model = fitted([4, 8, 3], epochs=4, snapshots=1)
    monkeypatch.setattr(page_states, "MAX_EXACT_BYTES", 100)
    _, data = save_and_read(model, tmp_path)
    sizes = [array.size for layer in model.layers for array in layer.params.values()]

    assert data["rounding"]["sizes"] == sizes
    for mode, number in (("weight", 1023), ("gradient", 63)):
        kept = np.array([getattr(each, f"{mode}s") for each in model.recording.snapshots])
        parts = np.split(kept, np.cumsum(sizes)[:-1], axis=1)
        steps = [np.abs(part).max() / number or 1.0 for part in parts]
        assert data["rounding"][mode] == pytest.approx(steps)
        found = np.zeros(kept.shape[1], np.int16)
        for state, expected in zip(data["states"], kept, strict=False):
            low, high = vector_of(state[mode], "u1").reshape(2, -1).astype(np.int16)
            found += low | high << 8
            off = np.abs(found * np.repeat(steps, sizes) - expected)
            assert (off <= 0.501 * np.repeat(steps, sizes)).all()
    assert vector_of(data["states"][-1]["weight"]).tobytes() == model.parameters.tobytes()


def test_a_large_network_with_twenty_epochs_is_below_six_megabytes(tmp_path):
    model = network([784, 128, 10])
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)  # random data: nothing is alike, and nothing compresses well
    x, y = rng.random((512, 784)), rng.integers(0, 10, 512)
    recorder = ffnn.callbacks.Recorder(snapshots=1)
    model.fit(x, y, epochs=20, verbose=0, callbacks=[recorder])
    save_page(model, tmp_path / "net.html")

    assert (tmp_path / "net.html").stat().st_size < 6e6
    _, data = save_and_read(model, tmp_path)
    assert len(data["states"]) == 21


def test_the_losses_are_those_of_the_history(tmp_path):
    model = fitted([4, 8, 3], epochs=3, snapshots=1)
    _, data = save_and_read(model, tmp_path)

    assert data["curves"] == {
        "epochs": [1, 2, 3],
        "losses": {"loss": model.history.history["loss"]},
    }


def test_a_recording_without_snapshots_adds_nothing(tmp_path):
    _, data = save_and_read(fitted([4, 8, 3], epochs=2), tmp_path)

    assert [state["label"] for state in data["states"]] == ["the model as it is"]


def test_of_too_many_epochs_some_are_taken_evenly_with_the_first_and_the_last(
    tmp_path, monkeypatch
):
    model = network([4, 8, 3])
    vector = np.zeros_like(model.parameters)
    snapshots = [SimpleNamespace(epoch=e, weights=vector, gradients=vector) for e in range(9)]
    model.recording = SimpleNamespace(snapshots=snapshots, rows=None)
    monkeypatch.setattr(page_states, "MAX_NUMBERS", 3 * 2 * vector.size)
    _, data = save_and_read(model, tmp_path)

    assert [state["label"] for state in data["states"][:-1]] == [
        *("after epoch 1", "after epoch 5", "after epoch 9"),
    ]
    assert data["left_out"] == "This page has 3 of the 9 recorded epochs."


# -- the file ------------------------------------------------------------------------------------


def test_the_file_asks_for_nothing_from_outside(tmp_path):
    text, _ = save_and_read(with_gradients(network([64, 8, 3])), tmp_path)

    assert re.findall(r"<script[^>]*src=", text) == []
    frame = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r"src=|href=|@import|url\(|https?:", frame) == []


def test_its_policy_lets_its_own_scripts_run_and_no_others(tmp_path):
    text, _ = save_and_read(network([4, 8, 3]), tmp_path)

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{hashes[0]}' 'unsafe-eval';" in policy
    assert len(hashes) == 1


def test_names_and_title_are_never_markup(tmp_path):
    model = network([2, 3, 2])
    model.feature_names = [HOSTILE, "plain"]
    model.class_names = [HOSTILE, "plain"]
    text, data = save_and_read(model, tmp_path, title=HOSTILE)

    assert HOSTILE not in text
    assert "<script>alert" not in text
    assert text.count("<script") == 2
    assert data["title"] == HOSTILE
    assert data["columns"][0]["names"] == [HOSTILE, "plain"]
    assert re.search("<title>(.*?)</title>", text)[1].startswith("&lt;/script&gt;&lt;script&gt;")


def test_a_title_without_being_asked_for_is_the_sizes(tmp_path):
    text, data = save_and_read(network([4, 8, 3]), tmp_path)

    assert data["title"] == "Network 4-8-3"
    assert "<title>Network 4-8-3</title>" in text
    assert data["facts"] == "4 inputs → 8 ReLU → 3 Softmax · 67 parameters · float32"


def test_lone_surrogates_in_a_title_do_not_break_the_file(tmp_path):
    text, data = save_and_read(network([4, 8, 3]), tmp_path, title="odd \ud800")

    assert "<title>odd ?</title>" in text
    assert data["title"] == "odd \ud800"


@pytest.mark.parametrize(("sizes", "megabytes"), [((4, 8, 3), 0.2), ((784, 128, 10), 2.0)], ids=str)
def test_pages_are_small(tmp_path, sizes, megabytes):
    path = tmp_path / "net.html"
    save_page(with_gradients(network(list(sizes))), path)

    assert path.stat().st_size < megabytes * 1e6


def test_an_old_file_is_replaced_at_once_or_left_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "net.html"
    path.write_text("old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no room"):
            save_page(network([4, 8, 3]), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

    save_page(network([4, 8, 3]), path)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        save_page(network([4, 8, 3]), tmp_path / "nowhere" / "net.html")


# -- what cannot be shown ------------------------------------------------------------------------


def test_a_model_that_is_not_built_has_nothing_to_show(tmp_path):
    with pytest.raises(RuntimeError, match="no parameters yet"):
        save_page(ffnn.Sequential([Dense(3)]), tmp_path / "net.html")


def test_a_network_without_dense_layers_has_no_graph(tmp_path):
    with pytest.raises(ValueError, match="with a Dense layer"):
        save_page(ffnn.Sequential([LayerNorm()], input_dim=3), tmp_path / "net.html")


def test_a_title_must_be_a_string(tmp_path):
    with pytest.raises(TypeError, match="title must be a string, got 3"):
        save_page(network([4, 8, 3]), tmp_path / "net.html", title=3)


def test_saving_changes_nothing_in_the_model(tmp_path):
    model = with_gradients(network([4, 8, 3]))
    weights, gradients = model.parameters.copy(), model.gradients.copy()
    save_page(model, tmp_path / "net.html")

    np.testing.assert_array_equal(model.parameters, weights)
    np.testing.assert_array_equal(model.gradients, gradients)
