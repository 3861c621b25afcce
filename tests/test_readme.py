"""What README shows is true: its code runs, and what it quotes stands in the source."""

import re
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
QUOTED = next(block for block in BLOCKS if block.startswith("def linear("))


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


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        if block is not QUOTED:
            exec(compile(block, "README.md", "exec"), names)

    assert names["accuracy"] > 0.95
    assert names["probabilities"].shape == (5, 10)
    pictures = ("curves.png", "digits.png", "distributions.png", "training.png", "step.png")
    for name in (*pictures, "digits.html"):
        assert (tmp_path / name).stat().st_size > 1000
    assert names["report"].max_error < 1e-7
    assert "Epoch 20/20" in capsys.readouterr().out
    loaded = ffnn.load_model(tmp_path / "digits.h5")
    assert loaded.count_params() == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10

    scale = names["Scale"](3.0)
    model = ffnn.Sequential([Dense(2), scale, Dense(1)], input_dim=2, seed=0)
    model.compile()
    assert ffnn.gradient_check(model, np.eye(2), np.ones(2)).max_error < 1e-7


def test_the_quoted_layer_is_the_layer():
    source = (ROOT / "ffnn" / "layers" / "dense.py").read_text(encoding="utf-8")
    statements = [re.sub(r"\s+#.*", "", line).strip() for line in QUOTED.splitlines()]

    for statement in statements:
        if statement and not statement.startswith("def "):
            assert statement in source, statement


def test_the_errors_it_quotes_are_the_errors_that_come():
    model = ffnn.Sequential([Dense(10)], input_dim=784)

    with pytest.raises(ffnn.DataError) as caught:
        model.predict(np.zeros((32, 785)))

    assert str(caught.value) in README
