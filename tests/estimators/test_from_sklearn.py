"""The code in docs/from-sklearn.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn.estimators

TEXT = (Path(__file__).parents[2] / "docs" / "from-sklearn.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, "from-sklearn.md", "exec"), names)
    assert names["MLPClassifier"] is ffnn.estimators.FFNNClassifier
    assert names["classifier"].score(names["X_test"], names["y_test"]) > 0.95
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert names["scores"].min() > 0.85
