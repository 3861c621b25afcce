"""The examples of docs/report.md run as they stand and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from ffnn.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")


def numbers(lines):
    return [float(text) for line in lines for text in re.findall(r"\d\.\d+", line)]


def test_the_example_prints_what_the_page_says(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    (expected,) = re.findall(r"```text\n(.*?)```", TEXT, flags=re.DOTALL)
    expected = expected.splitlines()

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})

    lines = printed.getvalue().splitlines()[: len(expected)]
    assert [re.sub(r"\d\.\d+", "#", line) for line in lines] == [
        re.sub(r"\d\.\d+", "#", line) for line in expected
    ]
    # The last digits are those of BLAS.
    assert numbers(lines) == pytest.approx(numbers(expected), abs=0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.html", "digits.png"]


def test_the_commands_print_what_the_page_says(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)
    train, explain, *expected = block.splitlines()
    for command in (train, explain):
        capsys.readouterr()
        arguments = command.removeprefix("$ ffnn ").replace("mpg.h5", str(tmp_path / "mpg.h5"))
        assert main(arguments.split()) == 0

    found, said = map(contributions_in, (capsys.readouterr().out, "\n".join(expected)))
    assert found.keys() == said.keys()
    assert len(found) == 10
    for column, value in said.items():
        assert found[column] == pytest.approx(value, abs=0.3)  # the last digits are BLAS's


def contributions_in(text):
    pairs = re.findall(r"^(\w+) .*? ([-+]\d[\d.]*)(?: |$)", text, flags=re.MULTILINE)
    return {column: float(value) for column, value in pairs}
