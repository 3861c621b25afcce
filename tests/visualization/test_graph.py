import json
import math
import os
import re
import sys
import types

import networkx as nx
import numpy as np
import pytest

import ffnn
from ffnn.activations import LeakyReLU
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, Rescaling, RMSNorm
from ffnn.visualization import graph as graph_module
from ffnn.visualization.graph import save_graph, to_networkx

NETWORKS = {
    "4-8-3": lambda: [Dense(8, "relu"), Dense(3, "softmax")],
    "one layer": lambda: [Dense(1, "sigmoid")],
    "no bias": lambda: [Dense(5, "tanh", use_bias=False), Dense(2)],
    "normalised": lambda: [
        BatchNorm(),
        Rescaling(0.5),
        Dense(6),
        RMSNorm(),
        LeakyReLU(0.2),
        LayerNorm(),
        Dropout(0.3),
        Dense(2, "tanh"),
    ],
}


def built(name, dtype="float32"):
    model = ffnn.Sequential(NETWORKS[name](), input_dim=4, dtype=dtype, seed=0)
    model.parameters[...] = np.random.default_rng(1).standard_normal(model.parameters.size)
    return model


def with_gradients(model):
    rng = np.random.default_rng(2)
    model.compile("sgd", "mse")
    model.compute_gradients(
        rng.standard_normal((9, model.input_dim)), rng.standard_normal((9, model.output_dim))
    )
    return model


def dense_layers(model):
    return [layer for layer in model.layers if isinstance(layer, Dense)]


def expected_edges(model):
    """Return (source, target) → (weight, gradient), entry by entry."""
    edges, before = {}, "input"
    for layer in dense_layers(model):
        for (j, i), weight in np.ndenumerate(layer.params["weight"]):
            gradient = layer.grads["weight"][j, i]
            edges[f"{before} {i}", f"{layer.name} {j}"] = (float(weight), float(gradient))
        for (j,), bias in np.ndenumerate(layer.params.get("bias", np.empty(0))):
            gradient = layer.grads["bias"][j]
            edges[f"{layer.name} bias", f"{layer.name} {j}"] = (float(bias), float(gradient))
        before = layer.name
    return edges


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_entry_of_weight_and_bias_is_an_edge_with_exactly_its_numbers(name, dtype):
    model = with_gradients(built(name, dtype))
    graph = to_networkx(model)

    found = {
        (source, target): (data["weight"], data["gradient"])
        for source, target, data in graph.edges(data=True)
    }
    assert found == expected_edges(model)
    assert all(type(value) is float for pair in found.values() for value in pair)


@pytest.mark.parametrize("name", NETWORKS)
def test_sums_over_the_edges_are_the_sums_over_the_arrays(name):
    model = with_gradients(built(name))
    graph = to_networkx(model)

    for attribute, kind in (("weight", "params"), ("gradient", "grads")):
        arrays = [
            array
            for layer in dense_layers(model)
            for parameter, array in getattr(layer, kind).items()
            if parameter in ("weight", "bias")
        ]
        walked = math.fsum(data[attribute] for _, _, data in graph.edges(data=True))
        assert walked == math.fsum(value for array in arrays for value in array.ravel().tolist())


def test_nodes_have_kind_layer_and_unit():
    graph = to_networkx(built("4-8-3"))

    found = {(d["kind"], d["layer"], d["unit"], d["layer_name"]) for _, d in graph.nodes(data=True)}
    expected = {("input", 0, i, "input") for i in range(4)}
    expected |= {("neuron", 1, i, "dense_1") for i in range(8)}
    expected |= {("output", 2, i, "dense_2") for i in range(3)}
    expected |= {("bias", 0, -1, "dense_1"), ("bias", 1, -1, "dense_2")}
    assert found == expected
    assert graph.number_of_nodes() == len(expected)
    assert graph.nodes["dense_1 5"]["unit"] == 5
    assert graph.nodes["dense_2 bias"]["kind"] == "bias"


def test_nodes_stand_in_columns_at_different_places():
    graph = to_networkx(built("4-8-3"))

    assert all(data["x"] == data["layer"] for _, data in graph.nodes(data=True))
    assert len({(d["x"], d["y"]) for _, d in graph.nodes(data=True)}) == len(graph)
    assert graph.nodes["input 0"]["y"] > graph.nodes["input 1"]["y"]
    assert graph.nodes["dense_1 bias"]["y"] > graph.nodes["input 0"]["y"]


def test_nodes_are_labelled_by_names_where_there_are_any():
    model = built("4-8-3")
    model.class_names = ["<b>", "$c$", "d\x00"]
    labels = dict(to_networkx(model).nodes(data="label"))

    assert labels["dense_2 0"] == "<b>"
    assert labels["dense_2 1"] == "$c$"
    assert labels["dense_2 2"] == "d\ufffd"
    assert labels["input 3"] == "input 3"
    assert labels["dense_1 bias"] == "dense_1 bias"


def test_neurons_have_their_numbers():
    model = with_gradients(built("normalised"))
    batch_norm, _, dense, rms_norm, _, layer_norm, _, last = model.layers
    nodes = to_networkx(model).nodes

    for i in range(4):
        assert numbers_of(nodes[f"input {i}"]) == {
            "gamma": float(batch_norm.params["gamma"][i]),
            "gamma_gradient": float(batch_norm.grads["gamma"][i]),
            "beta": float(batch_norm.params["beta"][i]),
            "beta_gradient": float(batch_norm.grads["beta"][i]),
        }
    for j in range(6):
        assert numbers_of(nodes[f"dense_1 {j}"]) == {
            "bias": float(dense.params["bias"][j]),
            "bias_gradient": float(dense.grads["bias"][j]),
            "gamma": float(rms_norm.params["gamma"][j]),
            "gamma_gradient": float(rms_norm.grads["gamma"][j]),
            "gamma_2": float(layer_norm.params["gamma"][j]),
            "gamma_2_gradient": float(layer_norm.grads["gamma"][j]),
            "beta_2": float(layer_norm.params["beta"][j]),
            "beta_2_gradient": float(layer_norm.grads["beta"][j]),
        }
    for j in range(2):
        assert numbers_of(nodes[f"dense_2 {j}"]) == {
            "bias": float(last.params["bias"][j]),
            "bias_gradient": float(last.grads["bias"][j]),
        }
    assert nodes["dense_1 0"]["activation"] == "LeakyReLU(negative_slope=0.2)"
    assert nodes["dense_2 0"]["activation"] == "Tanh"
    assert "activation" not in nodes["input 0"]


def numbers_of(node):
    everyone = {"kind", "layer", "layer_name", "unit", "label", "x", "y", "activation"} | {
        "trainable"
    }
    return {name: value for name, value in node.items() if name not in everyone}


def test_nodes_say_whether_their_layer_is_trained(tmp_path):
    model = built("4-8-3")
    model.layers[0].trainable = False
    nodes = to_networkx(model).nodes
    for name in ("dense_1 0", "dense_1 bias"):
        assert nodes[name]["trainable"] is False
    for name in ("dense_2 0", "dense_2 bias"):
        assert nodes[name]["trainable"] is True
    assert "trainable" not in nodes["input 0"]
    model.save_graph(tmp_path / "graph.graphml")
    kept = nx.read_graphml(tmp_path / "graph.graphml")
    assert kept.nodes["dense_1 0"]["trainable"] is False


def test_the_figure_and_the_page_say_it_too(tmp_path):
    model = built("4-8-3")
    texts = [text.get_text() for text in model.plot_graph().axes[0].texts]
    assert "8 neurons" in texts
    model.layers[0].trainable = False
    texts = [text.get_text() for text in model.plot_graph().axes[0].texts]
    assert "8 neurons · frozen" in texts
    model.save_graph(tmp_path / "graph.html")
    page = (tmp_path / "graph.html").read_text(encoding="utf-8")
    assert "27 trainable and 40 frozen parameters" in page
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    columns = json.loads(data)["columns"]
    assert [column["frozen"] for column in columns] == [False, True, False]


def test_without_bias_there_is_no_bias_node():
    graph = to_networkx(with_gradients(built("no bias")))

    assert [n for n, kind in graph.nodes(data="kind") if kind == "bias"] == ["dense_2 bias"]
    assert "bias" not in graph.nodes["dense_1 0"]


def test_gradients_are_nan_until_one_was_computed():
    graph = to_networkx(built("normalised"))

    assert all(math.isnan(value) for *_, value in graph.edges(data="gradient"))
    numbers = numbers_of(graph.nodes["dense_1 0"])
    absent = {name for name, value in numbers.items() if math.isnan(value)}
    assert absent == {name for name in numbers if name.endswith("_gradient")}


def test_graph_of_a_network_that_is_not_built_is_refused():
    with pytest.raises(RuntimeError, match="no parameters yet"):
        to_networkx(ffnn.Sequential([Dense(3)]))


# -- files ----------------------------------------------------------------------------------------


def comparable(attributes):
    """Return attributes that can be compared, as NaN differs from itself."""
    return {name: repr(value) for name, value in attributes.items()}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("is_trained", [True, False])
def test_graphml_gives_all_attributes_back(name, is_trained, tmp_path):
    model = with_gradients(built(name)) if is_trained else built(name)
    model.feature_names = ["a & b", "<c>", "é", ""]
    graph = to_networkx(model)

    save_graph(model, tmp_path / "net.graphml")
    read = nx.read_graphml(tmp_path / "net.graphml")

    assert read.is_directed()
    assert {node: comparable(data) for node, data in read.nodes(data=True)} == {
        node: comparable(data) for node, data in graph.nodes(data=True)
    }
    assert {edge: comparable(read.edges[edge]) for edge in read.edges} == {
        edge: comparable(graph.edges[edge]) for edge in graph.edges
    }


@pytest.mark.parametrize(
    ("name", "start"), [("net.png", b"\x89PNG\r\n"), ("net.SVG", b"<?xml"), (".a.b.svg", b"<?xml")]
)
def test_figure_is_written_in_the_format_of_the_suffix(name, start, tmp_path):
    save_graph(built("4-8-3"), str(tmp_path / name))

    assert (tmp_path / name).read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [name]


def test_page_is_written_by_the_module_of_pages(tmp_path, monkeypatch):
    def save_page(model, path, x, y):
        path.write_text(f"page of {model.input_dim} inputs")

    page = types.SimpleNamespace(save_page=save_page)
    monkeypatch.setitem(sys.modules, "ffnn.visualization.page", page)

    save_graph(built("4-8-3"), tmp_path / "net.html")

    assert (tmp_path / "net.html").read_text() == "page of 4 inputs"
    assert os.listdir(tmp_path) == ["net.html"]


@pytest.mark.parametrize("name", ["net.pdf", "net", ".png", "net.html.txt"])
def test_other_suffix_is_refused_with_the_valid_ones(name, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.html, \.svg, \.png, \.graphml, got .*net|png"):
        save_graph(built("4-8-3"), tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        save_graph(built("4-8-3"), tmp_path / "nowhere" / "net.png")


@pytest.mark.parametrize("name", ["net.png", "net.graphml"])
def test_failure_leaves_the_old_file_whole(name, tmp_path, monkeypatch):
    def fail(model, *args, **kwargs):
        raise OSError("disk full")

    for function in ("plot_graph", "to_networkx"):
        monkeypatch.setattr(graph_module, function, fail)
    (tmp_path / name).write_text("old")

    with pytest.raises(OSError, match="disk full"):
        save_graph(built("4-8-3"), tmp_path / name)

    assert (tmp_path / name).read_text() == "old"
    assert os.listdir(tmp_path) == [name]
