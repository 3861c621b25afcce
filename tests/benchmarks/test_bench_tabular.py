"""The benchmark of the network for tables: its splits and its figures, by hand."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from ffnn.tabular import recipe as rules  # noqa: E402

PATH = Path(__file__).parents[2] / "benchmarks" / "bench_tabular.py"


@pytest.fixture
def bench():
    specification = importlib.util.spec_from_file_location("bench_tabular", PATH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_splits_are_apart_and_of_known_classes(bench, tmp_path):
    rows = 400
    labels = ["a", "b", "c", "d"] * (rows // 4 - 1) + ["w", "x", "y", "z"]
    frame = pandas.DataFrame({"number": range(rows), "target": labels})
    frame.to_csv(tmp_path / "t.csv", index=False)
    split = bench.read(tmp_path / "t.csv", bench.CLASSES, seed=0, rows=240)
    train, test = set(split.x["number"]), set(split.x_test["number"])
    assert (len(train), len(test)) in {(240, 80 - lost) for lost in range(5)}
    assert not train & test
    assert set(split.y_test) <= set(split.y)
    names = np.unique(frame["target"].to_numpy()[sorted(train)])
    np.testing.assert_array_equal(names[split.y], frame["target"].to_numpy()[split.x["number"]])


def test_errors_and_ratios_by_hand(bench):
    numbers = bench.Split(None, None, None, np.array([0.0, 2.0, 4.0]), bench.NUMBERS)
    found = bench.measure(lambda split: np.array([0.0, 2.0, 6.0]), numbers)
    assert found["error"] == pytest.approx((4 / 3) / (8 / 3))
    classes = bench.Split(None, None, None, np.array([0, 1, 2, 1]), bench.CLASSES)
    assert bench.measure(lambda split: np.array([0, 1, 1, 1]), classes)["error"] == 0.25
    ours, theirs = [{"error": 0.1}, {"error": 0.4}], [{"error": 0.2}, {"error": 0.8}]
    assert bench.relative(ours, theirs, "error") == pytest.approx(2.0)


def test_models_are_compared_on_the_tables_that_are_named(bench, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    wood = rng.choice(["oak", "pine"], 80)
    frame = pandas.DataFrame({"size": rng.normal(size=80), "wood": wood})
    frame["target"] = frame["size"] + (wood == "oak")
    frame.to_csv(tmp_path / "concrete.csv", index=False)
    monkeypatch.setattr(bench, "TABLES", {"concrete": bench.TABLES["concrete"]})
    monkeypatch.setattr(rules, "HIDDEN", (16,))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 5)
    options = "--models", "ffnn,sklearn", "--splits", "2", "--json", str(tmp_path / "r.json")
    monkeypatch.setattr(sys, "argv", ["bench", str(tmp_path), *options])
    bench.main()
    results = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {name: len(found) for name, found in results.items()} == {"ffnn": 2, "sklearn": 2}
    assert "ffnn          error 1.000 x ffnn's" in capsys.readouterr().out
