"""`export`, parameters as safetensors, and what is said where a library is missing."""

import sys

import numpy as np
import pytest
from random_networks import random_network

import ffnn
from ffnn import exchange, layers


@pytest.fixture
def model():
    return ffnn.Sequential(
        [layers.Dense(3, "relu"), layers.BatchNorm(), layers.Dense(1)], 2, seed=0
    )


@pytest.mark.parametrize("suffix", exchange.SUFFIXES)
def test_the_suffix_says_what_is_written(model, suffix, tmp_path):
    needed = {".onnx": "onnx", ".safetensors": "safetensors"}.get(suffix)
    if needed is not None:
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    model.export(tmp_path / f"m{suffix}")
    exchange.SUFFIXES[suffix](model, tmp_path / f"other{suffix}")
    written = [(tmp_path / f"{name}{suffix}").read_bytes() for name in ("m", "other")]
    assert written[0] == written[1] != b""


@pytest.mark.parametrize("name", ["m.h5", "m", "m.tflite"])
def test_an_unknown_suffix_is_refused(model, name, tmp_path):
    with pytest.raises(ValueError, match=r"expected one of \.onnx, \.c, \.py, \.js, \.safetensors"):
        model.export(tmp_path / name)
    assert [*tmp_path.iterdir()] == []


def test_an_unbuilt_model_and_a_missing_folder_are_refused(model, tmp_path):
    with pytest.raises(RuntimeError, match="no parameters yet"):
        ffnn.Sequential([layers.Dense(1)]).export(tmp_path / "m.py")
    with pytest.raises(OSError, match="none"):
        model.export(tmp_path / "none" / "m.py")


class Doubling(layers.Layer):
    """A layer of a user, of which nothing is known but that it computes."""

    def forward(self, x, training=False):
        return 2.0 * x


@pytest.mark.parametrize("suffix", [".onnx", ".c", ".py", ".js"])
def test_a_layer_without_a_counterpart_is_named_and_nothing_written(suffix, tmp_path):
    if suffix == ".onnx":
        pytest.importorskip("onnx", reason="onnx is not installed")
    (tmp_path / f"old{suffix}").write_bytes(b"old")
    own = ffnn.Sequential([layers.Dense(3), Doubling(), layers.Dense(1)], 2, seed=0)
    for name in ("old", "new"):
        with pytest.raises(NotImplementedError, match=r"'Doubling_1' does not define express"):
            own.export(tmp_path / f"{name}{suffix}")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with new NumPy
@pytest.mark.parametrize("make", [exchange.to_torch, exchange.to_keras])
def test_a_layer_without_a_counterpart_is_named_by_the_frameworks(make):
    pytest.importorskip(make.__name__.removeprefix("to_"), reason="it is not installed")
    own = ffnn.Sequential([layers.Dense(3), Doubling()], 2, seed=0)
    with pytest.raises(NotImplementedError, match=r"'Doubling_1' does not define express"):
        make(own)


@pytest.mark.parametrize("opset", [16, 25, 17.0, "17", None])
def test_an_opset_out_of_range_leaves_the_old_file(model, opset, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    (tmp_path / "m.onnx").write_bytes(b"old")
    with pytest.raises((ValueError, TypeError), match="opset must be"):
        model.export(tmp_path / "m.onnx", opset=opset)
    assert (tmp_path / "m.onnx").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("module", "call", "extra"),
    [
        ("onnx", exchange.to_onnx, "onnx"),
        ("torch", lambda model, path: exchange.to_torch(model), "torch"),
        ("keras", lambda model, path: exchange.to_keras(model), "keras"),
        ("sklearn", lambda model, path: exchange.to_sklearn(model), "sklearn"),
        (
            "safetensors.numpy",
            exchange.to_safetensors,
            "safetensors",
        ),
    ],
)
def test_a_missing_library_is_said_with_what_installs_it(
    model, module, call, extra, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'ffnn\[{extra}\]'"):
        call(model, tmp_path / "m")
    assert [*tmp_path.iterdir()] == []


# -- safetensors -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(5))
def test_parameters_go_out_and_come_in(seed, dtype, tmp_path):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    model, x = random_network(seed, dtype)
    exchange.to_safetensors(model, tmp_path / "m.safetensors")
    other, _ = random_network(seed, dtype)
    other.parameters[...] = 0.0
    assert exchange.from_safetensors(tmp_path / "m.safetensors", other) is other
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


def test_parameters_of_another_network_are_refused(model, tmp_path):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    exchange.to_safetensors(model, tmp_path / "m.safetensors")
    other = ffnn.Sequential([layers.Dense(4), layers.BatchNorm(), layers.Dense(1)], 2, seed=1)
    before = other.parameters.copy()
    with pytest.raises(ffnn.ModelFileError, match=r"another network: 'batch_norm_1\.beta'"):
        exchange.from_safetensors(tmp_path / "m.safetensors", other)
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 100)
    for name in ("bad.safetensors", "none.safetensors"):
        with pytest.raises(ffnn.ModelFileError, match=name):
            exchange.from_safetensors(tmp_path / name, other)
    np.testing.assert_array_equal(other.parameters, before)


def test_the_function_stays_where_it_is_once_a_model_has_used_it(tmp_path):
    model = ffnn.Sequential([ffnn.layers.Dense(2)], input_dim=3, seed=0)
    model.export(tmp_path / "first.py")
    ffnn.exchange.export(model, tmp_path / "second.py")
    assert (tmp_path / "first.py").read_text() == (tmp_path / "second.py").read_text()
