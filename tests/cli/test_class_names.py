"""Class names in what `predict` prints: no spreadsheet runs them, and no terminal obeys them."""

import csv
import io

import numpy as np
import pytest

import ffnn
from ffnn.cli.commands import _csv_line, _quoted
from ffnn.layers import Dense

# Names, and what a reader of CSV finds; the second half hides a formula behind other characters.
FORMULAS = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "+1+cmd": "'+1+cmd",
    "-a": "'-a",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\tx": "'\tx",
    "\rx": "'\rx",
    "＝1": "'＝1",
    "＋cmd": "'＋cmd",
    "－cmd": "'－cmd",
    "＠SUM(A1)": "'＠SUM(A1)",
    ";=1": "';=1",
    ',"=1': "',\"=1",
    "\x00=1": "'\x00=1",
    "a\r=cmd": "a\r'=cmd",
    "a\n=cmd": "a\n'=cmd",
    "a\r\n@cmd": "a\r\n'@cmd",
    "a;=1": "a;'=1",
    "a\t＝1": "a\t'＝1",
    'a","=1': 'a","\'=1',
    "a\x85=1": "a\x85'=1",
    "a\u2028+x": "a\u2028'+x",
    "a|-x;=y": "a|'-x;'=y",
}
PLAIN = [
    "tall",
    "-1",
    "+2.5",
    "a=b",
    "",
    "a b",
    "(-5, -3]",
    "-5,-3",
    "1;-2.5e3",
    "säte, small",
    '"',
]


@pytest.mark.parametrize(("name", "quoted"), FORMULAS.items(), ids=map(ascii, FORMULAS))
def test_a_class_name_like_a_formula_is_quoted(name, quoted):
    assert _quoted(name) == quoted


@pytest.mark.parametrize("name", PLAIN)
def test_other_class_names_stay(name):
    assert _quoted(name) == name


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", [*FORMULAS, *PLAIN], ids=ascii)
def test_no_reader_splits_a_name(name, delimiter):
    line = _csv_line([_quoted(name), "0.5"])
    stream = io.StringIO(line.replace("\x00", " "), newline="")  # csv reads no NUL
    (fields,) = csv.reader(stream, delimiter=delimiter)

    expected = _quoted(name).replace("\x00", " ")
    assert fields == ([expected, "0.5"] if delimiter == "," else [f"{expected},0.5"])


@pytest.mark.parametrize("name", ["tall", "a b", "-1", "ä"])
def test_a_name_without_such_characters_has_no_quotation_marks(name):
    assert _csv_line([name, "0.5"]) == f"{name},0.5\n"


OBEYED = "\x1b[31mred\x1b[0m\u202e"


@pytest.fixture
def named_model(tmp_path):
    """Save a model with class names that a terminal would obey, and its rows."""
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=2, seed=0)
    model.compile("sgd", "cce")
    model.class_names = [OBEYED, f"{OBEYED}2"]
    model.save(tmp_path / "m.h5")
    np.savez(tmp_path / "d.npz", x=np.eye(2), y=[0, 1])
    return tmp_path / "m.h5", tmp_path / "d.npz"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_names_are_escaped_on_a_terminal_and_true_elsewhere(
    run, named_model, is_terminal, monkeypatch
):
    monkeypatch.setattr("ffnn.cli.commands.is_terminal", lambda stream: is_terminal)
    code, out, _ = run("predict", *named_model)

    assert code == 0
    assert ("\x1b[31mred" in out) is not is_terminal
    assert (r"\x1b[31mred\x1b[0m\u202e" in out) is is_terminal
    assert len(out.splitlines()) == 3


def test_names_are_true_in_a_file(run, named_model, tmp_path):
    assert run("predict", *named_model, "--out", tmp_path / "p.csv") == (0, "", "")

    with open(tmp_path / "p.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {name for name, _ in rows[1:]} <= {OBEYED, f"{OBEYED}2"}


def test_the_help_says_that_they_are_quoted(run):
    help_text = " ".join(run("predict", "--help")[1].split())

    assert "a spreadsheet would run as a formula" in help_text
    assert "an apostrophe before it" in help_text
