"""ONNX files, computed by onnxruntime."""

import json

import numpy as np
import pytest
from random_networks import distance, random_network

import ffnn
from ffnn import layers
from ffnn.exchange import from_onnx, to_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def run(made, x):
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("opset", [17, 20, 23, 24])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(12))
def test_onnxruntime_computes_the_same(seed, dtype, opset):
    model, x = random_network(seed, dtype)
    made = to_onnx(model, opset=opset)
    assert made.opset_import[0].version == opset
    assert distance(run(made, x), model.predict(x)) < (2e-6 if dtype == "float32" else 1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_what_was_written_comes_back_with_the_same_bits(seed, dtype, tmp_path):
    model, x = random_network(seed, dtype)
    to_onnx(model, tmp_path / "m.onnx", opset=[17, 20, 23, 24][seed % 4])
    back = from_onnx(tmp_path / "m.onnx")
    assert [*map(repr, back.layers)] == [*map(repr, model.layers)]
    np.testing.assert_array_equal(back.predict(x), model.predict(x))
    np.testing.assert_array_equal(back.parameters, model.parameters)


def test_parameters_that_are_equal_stay_apart(tmp_path):
    """γ = 1 and the variance, β = 0 and the mean of a new network."""
    model = ffnn.Sequential([layers.BatchNorm(), layers.LayerNorm(), layers.Dense(3)], 3, seed=0)
    to_onnx(model, tmp_path / "m.onnx")
    assert [*map(repr, from_onnx(tmp_path / "m.onnx").layers)] == [*map(repr, model.layers)]


def test_native_operators_stand_where_the_opset_has_them():
    chain = [layers.Dense(4, "gelu"), layers.RMSNorm(), layers.Dense(3, "swish")]
    model = ffnn.Sequential(chain, 2)
    kinds = {
        opset: {node.op_type for node in to_onnx(model, opset=opset).graph.node}
        for opset in (17, 20, 23, 24)
    }
    natives = {o: k & {"Gelu", "RMSNormalization", "Swish"} for o, k in kinds.items()}
    assert natives == {
        17: set(),
        20: {"Gelu"},
        23: {"Gelu", "RMSNormalization"},
        24: {"Gelu", "RMSNormalization", "Swish"},
    }


def test_a_plain_network_is_read_at_a_glance():
    model = ffnn.Sequential([layers.Dense(4, "relu"), layers.Dense(3, "softmax")], 2)
    graph = to_onnx(model).graph
    assert [node.op_type for node in graph.node] == ["Gemm", "Relu", "Gemm", "Softmax"]
    assert [each.name for each in graph.initializer] == [
        *("dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias")
    ]
    assert (graph.input[0].name, graph.output[0].name) == ("x", "y")


def test_names_travel_with_the_file(tmp_path):
    model = ffnn.Sequential([layers.Dense(2, "softmax")], 2)
    model.class_names, model.feature_names = ["no", "ja, größer"], ["a", "b"]
    made = to_onnx(model, tmp_path / "m.onnx")
    said = {entry.key: entry.value for entry in made.metadata_props}
    assert json.loads(said["class_names"]) == ["no", "ja, größer"]
    back = from_onnx(tmp_path / "m.onnx")
    assert (back.class_names, back.feature_names) == (model.class_names, model.feature_names)


@pytest.mark.parametrize(
    ("opset", "error"), [(16, ValueError), (25, ValueError), (17.0, TypeError)]
)
def test_an_opset_out_of_range_is_refused(opset, error, tmp_path):
    model = ffnn.Sequential([layers.Dense(2)], 2)
    with pytest.raises(error, match="opset"):
        to_onnx(model, tmp_path / "m.onnx", opset=opset)
    assert not (tmp_path / "m.onnx").exists()
