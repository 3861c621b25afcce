"""What README shows is true: its code runs, it prints what is shown, and quotes are verbatim."""

import ast
import os
import re
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.cli import main
from ffnn.datasets import find_mnist
from ffnn.layers import Dense

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PRINTED = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
MNIST = os.environ.get("FFNN_DATA_DIR", "FFNN_DATA_DIR is not set")
QUOTED = next(block for block in BLOCKS if block.startswith("class Dense(Layer)"))


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv .venv && .venv/bin/python -m pip install -e . "
        "&& .venv/bin/ffnn train digits",
        "python3 -m venv .venv && .venv/bin/python -m pip install -e '.[test]' "
        "&& .venv/bin/python -m pytest",
    ],
)
def test_the_two_commands_stand_in_readme(command):
    assert command in README.splitlines()


def without_errors(table):
    """Return a table of gradients without the errors, which depend on the machine's rounding."""
    return re.sub(r"\d\.\d\de-\d\d", "", table).split()


def without_decimals(lines):
    """Return what is printed of a training, without times and results and without the bar."""
    lines = [line for line in lines if not line.startswith("Epoch")]
    return [re.sub(r"\d+\.\d+( s)?$", "", x) if x[:4] in ("trai", "test") else x for x in lines]


def test_the_training_of_digits_prints_what_is_shown(capsys):
    assert main(["train", "digits"]) == 0

    out, shown = capsys.readouterr().out.splitlines(), PRINTED[0].splitlines()
    assert without_decimals(out) == without_decimals(shown)
    results = [[float(line.split()[-1]) for line in lines[-2:]] for lines in (out, shown)]
    np.testing.assert_allclose(*results, atol=0.02)


@pytest.mark.skipif(not find_mnist(MNIST)[2], reason=f"MNIST is not in {MNIST}: set FFNN_DATA_DIR")
def test_the_training_of_mnist_begins_with_what_is_shown(capsys):
    (command,) = re.findall("ffnn (train mnist .*)", README)
    assert main([*command.replace("--epochs 20", "--epochs 1").split(), "--data-dir", MNIST]) == 0

    shown = PRINTED[1].partition("Epoch")[0]
    assert capsys.readouterr().out.startswith(shown)


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        if block is not QUOTED:
            exec(compile(block, "README.md", "exec"), names)

    assert names["accuracy"] > 0.95
    assert names["probabilities"].shape == (5, 10)
    pictures = (
        "curves.png",
        "digits.png",
        "distributions.png",
        "training.png",
        "step.png",
        "rates.png",
        "boundary.png",
    )
    for name in (*pictures, "digits.html"):
        assert (tmp_path / name).stat().st_size > 1000
    assert names["report"].max_error < 1e-7
    assert without_errors(str(names["report"])) == without_errors(PRINTED[2])
    assert "Epoch 20/20" in capsys.readouterr().out
    loaded = ffnn.load_model(tmp_path / "digits.h5")
    assert loaded.count_params() == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10

    amplify = names["Amplify"](3.0)
    model = ffnn.Sequential([Dense(2), amplify, Dense(1)], input_dim=2, seed=0)
    model.compile()
    assert ffnn.gradient_check(model, np.eye(2), np.ones(2)).max_error < 1e-7


def bare_methods(source):
    """Return name → code of the methods of the one class in `source`, without words and types."""
    (defined,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    methods = {node.name: node for node in defined.body if isinstance(node, ast.FunctionDef)}
    for method in methods.values():
        method.returns = None
        for argument in method.args.args:
            argument.annotation = None
        if ast.get_docstring(method):
            del method.body[0]
    return {name: ast.unparse(method) for name, method in methods.items()}


def test_the_quoted_layer_is_the_layer():
    source = (ROOT / "ffnn" / "layers" / "dense.py").read_text(encoding="utf-8")
    quoted, methods = bare_methods(QUOTED), bare_methods(source)

    assert list(quoted) == ["allocate", "linear", "linear_backward"]
    assert quoted == {name: methods[name] for name in quoted}


def test_the_errors_it_quotes_are_the_errors_that_come():
    model = ffnn.Sequential([Dense(10)], input_dim=784)

    with pytest.raises(ffnn.DataError) as caught:
        model.predict(np.zeros((32, 785)))

    assert str(caught.value) in README
