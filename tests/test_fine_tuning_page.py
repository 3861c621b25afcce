"""The example of docs/fine-tuning.md runs as it stands, and its script prints such tables."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "fine-tuning.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says():
    blocks = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
    (code,) = (block for language, block in blocks if language == "python")
    (expected,) = (block for language, block in blocks if not language)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)

    assert printed.getvalue() == expected
    old, new = names["old"], names["new"]
    assert np.array_equal(new.layers[1].params["weight"], old.layers[1].params["weight"])
    assert not np.array_equal(new.layers[2].params["weight"], old.layers[2].params["weight"])
    assert new.history.history["accuracy"][-1] > 0.85


def test_the_script_prints_the_tables_of_the_page():
    script = ROOT / "scripts" / "fine_tune_digits.py"
    command = [sys.executable, script, "--seeds", "1", "--rows", "2"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    heads = [line for line in result.stdout.splitlines() if line.startswith(("The", "| rows"))]
    assert len(heads) == 4
    assert all(line in TEXT for line in heads)
    assert result.stdout.count("% ± 0.0%") == 8
