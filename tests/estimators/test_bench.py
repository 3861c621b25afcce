"""The estimators' benchmark: that it runs, and what it rejects; no time is asserted."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    path = FOLDER / "bench_estimators.py"
    specification = importlib.util.spec_from_file_location("bench_estimators", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run(*args):
    return subprocess.run(
        [sys.executable, str(FOLDER / "bench_estimators.py"), *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )


def test_it_prints_settings_times_and_scores(tmp_path):
    out = tmp_path / "numbers.json"
    done = run("--quick", "--rounds", 1, "--solvers", "sgd", "--json", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "OPENBLAS_NUM_THREADS=1" in done.stdout
    assert "threads: " in done.stdout
    numbers = json.loads(out.read_text(encoding="utf-8"))
    assert set(numbers["times"]) == {
        f"{data}/{columns}/sgd" for data in ("iris", "diabetes") for columns in ("raw", "scaled")
    }
    row = numbers["times"]["iris/scaled/sgd"]
    assert row["ratio"] > 0
    assert row["ffnn epochs"] == row["sklearn epochs"]
    assert numbers["scores"]["iris/raw"]["ffnn"] == numbers["scores"]["iris/raw"]["sklearn"]


def test_wrong_options_are_rejected():
    assert run("--rounds", 0).returncode == 2
    assert run("--solvers", "newton").returncode == 2


class Answers:
    """A child that always gives the same answer."""

    def __init__(self, **answer):
        self.answer = answer

    def ask(self, command):
        return self.answer


def test_the_ratio_is_the_median_over_the_rounds(bench):
    children = {
        "ffnn": Answers(seconds=0.5, epochs=3, loss=1.0),
        "sklearn": Answers(seconds=1.5, epochs=3, loss=1.01),
    }
    row = bench.time_fits(children, 3, data="iris", columns="raw", solver="adam")
    assert (row["seconds"], row["ratio"], row["quartiles"]) == (0.5, 3.0, [3.0, 3.0])


def test_another_loss_is_rejected_but_for_lbfgs(bench):
    children = {
        "ffnn": Answers(seconds=0.5, epochs=3, loss=1.0),
        "sklearn": Answers(seconds=1.5, epochs=3, loss=1.1),
    }
    work = {"data": "iris", "columns": "raw"}
    with pytest.raises(bench.BenchmarkError, match=r"losses of 1.0000 .ffnn. and 1.1000"):
        bench.time_fits(children, 3, solver="adam", **work)
    assert bench.time_fits(children, 3, solver="lbfgs", **work)["ratio"] == 3.0


def test_scores_are_compared_by_the_standard_error(bench):
    children = {"ffnn": Answers(scores=[0.5, 0.7]), "sklearn": Answers(scores=[0.4, 0.6])}
    row = bench.compare_scores(children, 2, data="iris", columns="raw", solver="adam")
    # Of 0.4, 0.6, 0.4, 0.6: standard deviation 0.1 · √(4/3), divided by √4.
    assert row["standard_error"] == pytest.approx(0.1 * (4 / 3) ** 0.5 / 2)
    assert (row["ffnn"], row["sklearn"]) == (pytest.approx(0.6), pytest.approx(0.5))
    assert bench.score_line("iris", "raw", row).split()[-1] == "+1.73"
