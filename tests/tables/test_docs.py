"""The examples of docs/tables.md run as they stand and print what it says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from ffnn.cli import main
from ffnn.tables import kinds

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")


def predictions_apart(text):
    """Return the lines of a text without those of predictions, and these as numbers."""
    lines = text.splitlines()
    numbers = [float(line.strip("[]")) for line in lines if line.startswith("[[")]
    return [line for line in lines if not line.startswith("[[")], numbers


def test_the_examples_print_what_the_page_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
    code = "".join(block for language, block in blocks if language == "python")
    expected = "".join(block for language, block in blocks if not language)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    found, numbers = predictions_apart(printed.getvalue())
    expected_lines, expected_numbers = predictions_apart(expected)
    assert found == expected_lines
    (number,), (expected_number,) = numbers, expected_numbers
    assert abs(number - expected_number) < 0.01 * expected_number  # the last digits are BLAS's


def test_the_command_prints_what_the_page_says(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)
    before, after = re.findall(r"```text\n(.*?)```", TEXT, flags=re.DOTALL)
    command, *lines = before.splitlines()
    arguments = command.removeprefix("$ ffnn ").replace("costs.h5", str(tmp_path / "costs.h5"))
    assert main(arguments.split()) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[: len(lines)] == lines
    error, baseline, score = after.splitlines()
    assert printed[-2] == baseline
    for line, expected in ((printed[-3], error), (printed[-1], score)):
        assert line.split(": ")[0] == expected.split(": ")[0]
        assert float(line.split(": ")[1]) == pytest.approx(float(expected.split(": ")[1]), rel=0.02)


def test_the_rules_are_those_of_the_code():
    def rules(text):
        rows = re.findall(r"^\| (are|number) (.*?)\s*\|\s*(.*?)\s*\|$", text, flags=re.MULTILINE)
        return [" ".join(row) for row in rows]

    section = TEXT.split("## Kinds")[1].split("\n## ")[0]
    assert rules(section) == rules(kinds.__doc__)
    assert len(rules(section)) == 11
