import base64
import errno
import hashlib
import json
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import ffnn
from ffnn.charts.style import KIND_COLOURS, NEGATIVE, POSITIVE
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.visualization import page
from ffnn.visualization.page import save_page
from ffnn.visualization.page_graph import FOLDED, build_graph
from ffnn.visualization.page_heatmaps import build_heatmap
from ffnn.visualization.selection import select
from ffnn.visualization.structure import BIAS, read_structure

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
    return np.frombuffer(base64.b64decode(text), dtype)


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
    assert [list(panel["figures"]) for panel in data["panels"]] == [["weight"], ["weight"]]
    assert list(data["shown"]) == ["weight"]


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


# -- the graph -----------------------------------------------------------------------------------


def graph_of(model, *limits):
    views = {"weight": select(read_structure(model), *limits)}
    return views["weight"], build_graph(views)


def source_of(figure, name):
    (renderer,) = [each for each in figure.renderers if each.name == name]
    return renderer.data_source.data


def test_the_graph_has_each_edge_at_its_place_the_strongest_on_top():
    model = network([4, 8, 3])
    view, figure = graph_of(model)
    edges = source_of(figure, "edges:weight")

    drawn = {
        (number, source, target): ends
        for number, source, target, *ends in zip(
            *(edges[key].tolist() for key in ("connection", "source", "target")),
            *(edges[key].tolist() for key in ("x0", "y0", "x1", "y1")),
            strict=True,
        )
    }
    for shown in view.edges:
        number = shown.connection.source
        for source, target, y0, y1 in zip(
            shown.sources, shown.targets, shown.source_y, shown.target_y, strict=True
        ):
            assert drawn[number, source, target] == pytest.approx([number, y0, number + 1, y1])
    assert len(drawn) == 67
    strengths = []
    for number, source, target in drawn:
        params = model.layers[number].params
        value = params["bias"][target] if source == BIAS else params["weight"][target, source]
        strengths.append((number, abs(value)))
    assert strengths == sorted(strengths)


def test_nodes_are_coloured_by_kind_and_named():
    model = network([2, 3, 2])
    model.feature_names = ["a name that is far too long to be drawn", "two\nlines"]
    _, figure = graph_of(model)
    nodes = source_of(figure, "nodes:weight")

    rows = list(zip(nodes["column"], nodes["unit"], nodes["name"], nodes["color"], strict=True))
    blue, grey = KIND_COLOURS["input"], KIND_COLOURS["bias"]
    orange, green = KIND_COLOURS["neuron"], KIND_COLOURS["output"]
    assert rows == [
        (0, 0, "a name that is fa…", blue),
        (0, 1, "two lines", blue),
        (0, BIAS, "", grey),
        (1, 0, "0", orange),
        (1, 1, "1", orange),
        (1, 2, "2", orange),
        (1, BIAS, "", grey),
        (2, 0, "dense_2 0", green),
        (2, 1, "dense_2 1", green),
    ]
    (legend,) = figure.legend
    assert [item.label.value for item in legend.items] == [
        *("input", "bias", "neuron", "output"),
        *("above zero", "below zero"),
    ]


def test_captions_say_what_each_column_is():
    _, figure = graph_of(network([1, 3, 2]))
    captions = figure.xaxis[0].major_label_overrides

    assert [captions[index].text.split("\n") for index in range(3)] == [
        ["input", "1 input", " "],
        ["dense_1", "3 neurons", "ReLU"],
        ["dense_2", "2 outputs", "Softmax"],
    ]


def test_captions_of_a_deep_network_stand_on_one_line_aslant():
    _, figure = graph_of(network([2] * 21))
    axis = figure.xaxis[0]

    assert axis.major_label_overrides[0].text == "input · 2 inputs"
    assert axis.major_label_overrides[20].text == "dense_20 · 2 outputs · Softmax"
    assert axis.major_label_orientation == pytest.approx(np.pi / 4)


def test_hidden_neurons_are_folded_into_one_node():
    view, figure = graph_of(network([50, 8, 3]), 10)
    nodes = source_of(figure, "nodes:weight")
    at = nodes["unit"].index(FOLDED)

    assert nodes["unit"].count(FOLDED) == 1
    assert (nodes["column"][at], nodes["name"][at]) == (0, "+ 40 more")
    assert nodes["y"][at] == view.columns[0].folded_y


def test_a_whole_network_is_said_to_be_whole(tmp_path):
    _, data = save_and_read(with_gradients(network([4, 8, 3])), tmp_path)

    assert data["shown"] == {"weight": "The graph shows the whole network, 67 edges."}


def test_the_page_says_what_a_large_network_hides_by_weight_and_by_gradient(tmp_path):
    model = with_gradients(network([100, 40, 3]))
    structure = read_structure(model)
    _, data = save_and_read(model, tmp_path)

    # 32 of the 100 inputs and the bias, 32 of the 40 neurons and the bias.
    begin = "The graph shows 32 of 100 inputs, 32 of 40 neurons of dense_1, 1,155 of 4,163 edges: "
    assert data["shown"]["weight"].startswith(begin + "those with the largest weights.")
    assert data["shown"]["gradient"].startswith(begin + "those with the largest gradients.")
    for mode in ("weight", "gradient"):
        figure = build_graph(page._views(structure))
        edges, nodes = source_of(figure, f"edges:{mode}"), source_of(figure, f"nodes:{mode}")
        units = select(structure, 32, values=mode).columns[0].units.tolist()
        assert len(edges["source"]) == 1155
        assert [
            unit
            for unit, column in zip(nodes["unit"], nodes["column"], strict=True)
            if column == 0 and unit >= 0
        ] == units
    visible = {each.name: each.visible for each in figure.renderers if each.name}
    assert [name for name, is_visible in visible.items() if is_visible] == [
        *("edges:weight", "nodes:weight", "names:weight"),
    ]


def test_the_strongest_gradients_are_drawn_on_top_in_their_view():
    structure = read_structure(with_gradients(network([100, 40, 3])))
    edges = source_of(build_graph(page._views(structure)), "edges:gradient")
    matrices = [connection.matrix("gradient") for connection in structure.connections]

    strengths = [
        (number, abs(matrices[number][target, source]))  # the bias, -1, is the last column
        for number, source, target in zip(
            *(edges[key].tolist() for key in ("connection", "source", "target")), strict=True
        )
    ]
    assert strengths == sorted(strengths)


def test_a_deep_network_draws_no_more_than_a_few_thousand_edges():
    views = page._views(read_structure(network([32] * 11)))

    assert views["weight"].num_edges == page.MAX_EDGES


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
        assert sorted(panel["figures"]) == ["gradient", "weight"]
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


def test_a_heatmap_shows_row_zero_on_top_and_the_bias_apart():
    model = network([4, 8, 3])
    model.class_names = ["yes", "no", "a name that is far too long"]
    structure = read_structure(model)
    panel = page.describe_panels(structure, page._offsets(model))[1]
    figure = build_heatmap(panel)
    places = source_of(figure, "image")

    assert (figure.y_range.start, figure.y_range.end) == (2.5, -0.5)
    assert places["x"][0] == places["y"][0] == places["y"][1] == -0.5
    assert (places["width"], places["height"]) == ([8, 1], [3, 3])
    assert places["x"][1] > 7.5
    assert figure.x_range.end == places["x"][1] + 1
    names = figure.yaxis[0].major_label_overrides
    assert [names[row].text for row in range(3)] == ["yes", "no", "a name that is fa…"]
    assert figure.yaxis[0].axis_label.text == "dense_2"
    assert figure.below[0].major_label_overrides == {}
    assert figure.above[0].major_label_overrides == {places["x"][1] + 0.5: "bias"}


def test_gains_lie_one_under_the_other(tmp_path):
    model = ffnn.Sequential([LayerNorm(), Dense(2)], input_dim=4)
    _, data = save_and_read(model, tmp_path)
    panel = data["panels"][0]

    assert panel["row_names"] == ["gamma", "beta"]
    places = [[block[key] for key in ("x", "y", "width", "height")] for block in panel["blocks"]]
    assert places == [[-0.5, -0.5, 4, 1], [-0.5, 0.5, 4, 1]]


def test_colours_run_from_negative_over_white_to_positive():
    model = network([4, 8, 3])
    (panel, _) = page.describe_panels(read_structure(model), page._offsets(model))
    (image,) = [each for each in build_heatmap(panel).renderers if each.name == "image"]
    palette = image.glyph.color_mapper.palette

    assert [palette[0].upper(), palette[127], palette[-1].upper()] == [
        NEGATIVE,
        "#ffffff",
        POSITIVE,
    ]
    assert len(palette) == 255


def test_square_inputs_are_shown_as_pictures_of_the_strongest_units(tmp_path):
    model = network([64, 50, 3])
    model.layers[0].params["weight"][...] = 1.0
    model.layers[0].params["weight"][[7, 40]] = 2.0
    model.layers[0].params["weight"][:18] /= 4
    _, data = save_and_read(model, tmp_path)
    pictures = data["pictures"]

    assert (pictures["side"], pictures["total"], len(pictures["blocks"])) == (8, 50, 32)
    # Units 18 to 49 are 32, unit 7 with 2 / 4 is weaker than each of them.
    assert [block["unit"] for block in pictures["blocks"]] == list(range(18, 50))
    vector = vector_of(data["states"][0]["weight"])
    for block in pictures["blocks"]:
        expected = model.layers[0].params["weight"][block["unit"]].reshape(8, 8)
        np.testing.assert_array_equal(cut(block, vector), expected)


def test_a_unit_with_weights_that_are_no_numbers_is_among_the_pictures(tmp_path):
    model = network([64, 50, 3])
    model.layers[0].params["weight"][45, 0] = np.nan
    _, data = save_and_read(model, tmp_path)

    assert 45 in [block["unit"] for block in data["pictures"]["blocks"]]


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


def test_a_recording_without_snapshots_adds_nothing(tmp_path):
    _, data = save_and_read(fitted([4, 8, 3], epochs=2), tmp_path)

    assert [state["label"] for state in data["states"]] == ["the model as it is"]


def test_of_too_many_epochs_some_are_taken_evenly_with_the_first_and_the_last(
    tmp_path, monkeypatch
):
    model = network([4, 8, 3])
    vector = np.zeros_like(model.parameters)
    snapshots = [SimpleNamespace(epoch=e, weights=vector, gradients=vector) for e in range(9)]
    model.recording = SimpleNamespace(snapshots=snapshots)
    monkeypatch.setattr(page, "MAX_SNAPSHOT_BYTES", 3 * 2 * vector.nbytes)
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
    assert f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}' 'unsafe-eval';" in policy
    assert len(hashes) == 2


def test_names_and_title_are_never_markup(tmp_path):
    model = network([2, 3, 2])
    model.feature_names = [HOSTILE, "plain"]
    model.class_names = [HOSTILE, "plain"]
    text, data = save_and_read(model, tmp_path, title=HOSTILE)

    assert HOSTILE not in text
    assert "<script>alert" not in text
    assert text.count("<script") - page_library().count("<script") == 3
    assert data["title"] == HOSTILE
    assert data["columns"][0]["names"] == [HOSTILE, "plain"]
    assert re.search("<title>(.*?)</title>", text)[1].startswith("&lt;/script&gt;&lt;script&gt;")


def page_library():
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def test_a_title_without_being_asked_for_is_the_sizes(tmp_path):
    text, data = save_and_read(network([4, 8, 3]), tmp_path)

    assert data["title"] == "Network 4-8-3"
    assert "<title>Network 4-8-3</title>" in text
    assert data["facts"] == "4 inputs → 8 ReLU → 3 Softmax · 67 parameters · float32"


def test_lone_surrogates_in_a_title_do_not_break_the_file(tmp_path):
    text, data = save_and_read(network([4, 8, 3]), tmp_path, title="odd \ud800")

    assert "<title>odd ?</title>" in text
    assert data["title"] == "odd \ud800"


@pytest.mark.parametrize(("sizes", "megabytes"), [((4, 8, 3), 2.0), ((784, 128, 10), 4.0)], ids=str)
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


def test_without_bokeh_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh", None)

    with pytest.raises(ImportError, match=r"needs Bokeh.*pip install 'ffnn\[html\]'"):
        save_page(network([4, 8, 3]), tmp_path / "net.html")
    assert list(tmp_path.iterdir()) == []


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
