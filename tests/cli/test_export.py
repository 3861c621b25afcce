"""`ffnn export`, and `ffnn info` of an ONNX file."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense

FILES = Path(__file__).parent.parent / "exchange" / "files"


@pytest.fixture
def saved(tmp_path):
    model = ffnn.Sequential([Dense(3, "relu"), Dense(2, "softmax")], 4, seed=0)
    model.save(tmp_path / "m.h5")
    return tmp_path / "m.h5"


def test_a_model_becomes_a_file_of_the_kind_of_its_name(run, saved, tmp_path):
    code, out, err = run("export", saved, tmp_path / "net.py")
    assert (code, out, err) == (0, f"written: {tmp_path / 'net.py'}\n", "")
    x = np.eye(4)
    found = runpy.run_path(str(tmp_path / "net.py"))["predict"](x.tolist())
    np.testing.assert_allclose(found, ffnn.load_model(saved).predict(x), atol=1e-6)


def test_the_opset_of_an_onnx_file_is_chosen(run, saved, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    assert run("export", saved, tmp_path / "net.onnx", "--opset", 21)[0] == 0
    code, out, err = run("info", tmp_path / "net.onnx")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].endswith(f"net.onnx: ONNX, opset 21, written by ffnn {ffnn.__version__}")
    assert lines[1:5] == [
        "input 'x': float, rows x 4",
        "output 'y': float, rows x 2",
        "4 nodes: 2 Gemm, 1 Relu, 1 Softmax",
        "4 arrays of 23 numbers",
    ]
    assert "dense_2         Dense(2, activation=Softmax())" in out


def test_what_is_no_chain_is_described_all_the_same(run, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    made = onnx.load(FILES / "torch_old_relu.onnx")
    made.graph.node[1].op_type = "Hardmax"
    onnx.save(made, tmp_path / "m.onnx")
    code, out, _ = run("info", tmp_path / "m.onnx")
    assert code == 0
    assert "1 Hardmax" in out
    assert "no chain of layers: node" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.tflite"], "unknown suffix '.tflite'"),
        (["net.c", "--opset", "18"], "--opset is for .onnx files"),
        (["net.onnx", "--opset", "99"], "opset"),
        (["m.h5"], "a file that the command reads"),
        (["nowhere/net.c"], "nowhere"),
    ],
)
def test_what_cannot_be_written_is_refused(run, saved, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("export", "m.h5", *arguments)
    assert code == 2
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["m.h5"]


def test_info_of_another_file_is_refused(run, saved):
    pytest.importorskip("onnx", reason="onnx is not installed")
    code, _, err = run("info", saved)
    assert code != 0
    assert "this is a model file, which load_model and ffnn summary read, no ONNX file" in err
