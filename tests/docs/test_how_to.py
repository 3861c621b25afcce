"""The pages for users of other libraries: every block runs, on both sides."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ffnn

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
LIBRARIES = {"keras": "keras", "pytorch": "torch", "scikit-learn": "sklearn"}
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def sides(page):
    """Return the blocks of the other library, and those of ffnn; the last pair is apart."""
    blocks = BLOCK.findall((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    return blocks[::2], blocks[1::2]


@pytest.mark.parametrize("page", LIBRARIES)
def test_there_are_ten_jobs(page):
    other, ours = sides(page)
    assert len(other) == len(ours) == 10


@pytest.mark.parametrize("page", LIBRARIES)
def test_our_side_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"digits": ffnn.datasets.load_digits()}
    _, ours = sides(page)
    for block in ours[:-1]:
        exec(block, names)
    assert names["accuracy"] > 0.8


@pytest.mark.parametrize("page", LIBRARIES)
def test_the_other_side_runs_and_models_come_over(page, tmp_path):
    pytest.importorskip(LIBRARIES[page], reason=f"{LIBRARIES[page]} is not installed")
    other, ours = sides(page)
    mine = "ffnn_model = ffnn.Sequential.from_sizes([4, 3, 2], ['relu', 'softmax'], seed=0)\n"
    mine += "ffnn_model.compile('adam', 'categorical_crossentropy')\n"
    theirs = f"{page.replace('-', '').replace('py', '')}_model = model\n"
    theirs = theirs.replace("scikitlearn", "sklearn")
    start = "import ffnn\ndigits = ffnn.datasets.load_digits()\n"
    code = start + "".join(other[:-1]) + theirs + mine + other[-1] + ours[-1]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_the_course_page_prints_what_it_says():
    text = (PAGES / "course.md").read_text(encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec("".join(BLOCK.findall(text)), {})
    expected = "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
    assert printed.getvalue() == expected
