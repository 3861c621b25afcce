"""What README shows is true: its commands and its code run, and print what is shown."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PRINTED = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
LINES = [
    line
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
FRESH = "python3 -m venv .venv && .venv/bin/python -m pip install "


def ffnn_commands(line):
    """Return the arguments of each `ffnn` in a line of the shell."""
    words = [part.strip().removeprefix(".venv/bin/") for part in line.split("&&")]
    return [shlex.split(part)[1:] for part in words if part.startswith("ffnn ")]


TABLE = [ffnn_commands(line)[0] for line in LINES if line.startswith("ffnn ")]


def test_it_is_short():
    assert len(README.splitlines()) <= 200


def test_each_of_the_first_commands_and_that_of_the_tests_is_whole():
    whole = [line for line in LINES if line.startswith(FRESH)]
    assert len(whole) == 3
    assert LINES.index(whole[0]) == 0
    assert ffnn_commands(whole[1]) == [["play"]]
    assert whole[2] == f"{FRESH}-e '.[test]' && .venv/bin/python -m pytest -n auto --dist loadfile"


def test_paths_and_links_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    (quick,) = (line for line in LINES if line.startswith(".venv/bin/python -m pytest -q"))
    for path in re.findall(r"tests/\S+", quick):
        assert (ROOT / path).exists(), path


def without_decimals(lines):
    """Return what is printed of a training, without times and results and without the bar."""
    lines = [line for line in lines if not line.startswith("Epoch")]
    return [re.sub(r"\d+\.\d+( s)?$", "", x) if x[:4] in ("trai", "test") else x for x in lines]


def test_the_first_command_prints_what_is_shown_and_leaves_three_files(
    capsys, monkeypatch, tmp_path
):
    pytest.importorskip("bokeh", reason="Bokeh is not installed")
    monkeypatch.chdir(tmp_path)
    for arguments in ffnn_commands(LINES[0]):
        assert main(arguments) == 0

    out, shown = capsys.readouterr().out.splitlines(), PRINTED[0].splitlines()
    assert without_decimals(out) == without_decimals(shown)
    results = [[float(x.split()[-1]) for x in lines if x[:4] == "test"] for lines in (out, shown)]
    np.testing.assert_allclose(*results, atol=0.02)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"digits.h5", "digits.html", "digits-report.html"}
    assert all(f"`{name}`" in README for name in names)


def test_the_commands_for_a_table_run_one_after_the_other(capsys, monkeypatch, tmp_path):
    pytest.importorskip("bokeh", reason="Bokeh is not installed")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    assert [arguments[0] for arguments in TABLE] == [
        *("train", "predict", "report", "explain", "diagnose", "graph", "plot")
    ]
    for arguments in TABLE:
        assert main(arguments) == 0, arguments
    assert "Row 7" in capsys.readouterr().out
    assert (tmp_path / "penguins-report.html").stat().st_size > 10_000


def without_errors(table):
    """Return a table of gradients without the errors, which depend on the machine's rounding."""
    return re.sub(r"\d\.\d\de-\d\d", "", table).split()


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)

    assert names["accuracy"] > 0.95
    for name in ("curves.png", "inside.html", "digits.h5"):
        assert (tmp_path / name).stat().st_size > 1000
    report = names["report"]
    assert report.max_error < 1e-7
    assert without_errors(str(report)) == without_errors(PRINTED[1])
    assert str(report) in capsys.readouterr().out
    loaded = ffnn.load_model(tmp_path / "digits.h5")
    assert np.array_equal(
        loaded.predict(np.ones((2, 64))), names["model"].predict(np.ones((2, 64)))
    )


def test_the_layer_of_ones_own_is_saved_and_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    own, x = names["own"], names["x_test"]
    own.layers[1].params["a"][:] = np.linspace(0.5, 2.0, 8)  # at 1 a forgotten a does not show
    assert ffnn.gradient_check(own, x[:8], names["y_test"][:8]).max_error < 1e-6
    before = own.evaluate(x, names["y_test"])
    own.fit(x / 16, names["y_test"], epochs=2, verbose=0)
    assert own.evaluate(x / 16, names["y_test"]) < before
    own.save("own.h5")
    loaded = ffnn.load_model("own.h5", custom_objects={"Scale": names["Scale"]})
    assert np.array_equal(loaded.predict(x), own.predict(x))


def test_the_errors_it_quotes_are_the_errors_that_come():
    model = ffnn.Sequential([ffnn.layers.Dense(10)], input_dim=784)

    with pytest.raises(ffnn.DataError) as caught:
        model.predict(np.zeros((32, 785)))

    assert str(caught.value) in README
