"""The examples of docs/tables.md run as they stand and print what it says."""

import contextlib
import io
import re
from pathlib import Path

from ffnn.tables import kinds

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")


def test_the_examples_print_what_the_page_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
    code = "".join(block for language, block in blocks if language == "python")
    expected = "".join(block for language, block in blocks if not language)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    *lines, last = printed.getvalue().splitlines()
    *expected_lines, expected_last = expected.splitlines()
    assert lines == expected_lines
    number, expected_number = (float(line.strip("[]")) for line in (last, expected_last))
    assert abs(number - expected_number) < 0.01 * expected_number  # the last digits are BLAS's


def test_the_rules_are_those_of_the_code():
    def rules(text):
        rows = re.findall(r"^\| (are|number) (.*?)\s*\|\s*(.*?)\s*\|$", text, flags=re.MULTILINE)
        return [" ".join(row) for row in rows]

    section = TEXT.split("## Kinds")[1].split("\n## ")[0]
    assert rules(section) == rules(kinds.__doc__)
    assert len(rules(section)) == 11
