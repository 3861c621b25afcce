"""The example of docs/learning-rate.md runs as it stands and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "docs" / "learning-rate.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
    (code,) = (block for language, block in blocks if language == "python")
    (expected,) = (block for language, block in blocks if not language)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)

    # The last digits are BLAS's.
    found, shown = (re.split(r"\d[\d.e-]*\d", text) for text in (printed.getvalue(), expected))
    assert " ".join("".join(found).split()) == " ".join("".join(shown).split())
    suggestion = float(re.search(r"Suggestion: ([\d.]+)", expected)[1])
    assert 0.5 * suggestion < names["curve"].suggestion < 2 * suggestion
    assert names["model"].history.history["accuracy"][-1] > 0.95
    assert (tmp_path / "rates.png").stat().st_size > 1000
