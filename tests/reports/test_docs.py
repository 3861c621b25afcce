"""The example of docs/report.md runs as it stands and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

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
