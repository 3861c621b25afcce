"""The benchmark of the network for tables: its splits and its figures, by hand."""

import argparse
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from ffnn.tabular import recipe as rules  # noqa: E402

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("bench_tabular")


@pytest.fixture
def data(bench):
    return importlib.import_module("tabular_data")


@pytest.fixture
def pages(bench):
    return importlib.import_module("tabular_page")


def test_splits_are_apart_and_of_known_classes(data, tmp_path):
    rows = 400
    labels = ["a", "b", "c", "d"] * (rows // 4 - 1) + ["w", "x", "y", "z"]
    frame = pandas.DataFrame({"number": range(rows), "target": labels})
    frame.to_csv(tmp_path / "t.csv", index=False)
    split = data.read(tmp_path / "t.csv", data.CLASSES, seed=0, rows=240)
    train, test = set(split.x["number"]), set(split.x_test["number"])
    assert (len(train), len(test)) in {(240, 80 - lost) for lost in range(5)}
    assert not train & test
    assert set(split.y_test) <= set(split.y)
    names = np.unique(frame["target"].to_numpy()[sorted(train)])
    np.testing.assert_array_equal(names[split.y], frame["target"].to_numpy()[split.x["number"]])


def test_the_two_collections_share_no_table(data):
    chosen_on, unseen = (data.COLLECTIONS[name].tables for name in ("ten", "unseen"))
    assert len(chosen_on) == len(unseen) == 10
    assert not chosen_on.keys() & unseen.keys()


def test_scores_by_hand(bench, data):
    y = np.array([0.0, 2.0, 4.0])
    assert bench.scores(np.array([0.0, 2.0, 6.0]), y, data.NUMBERS) == {"error": pytest.approx(0.5)}
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]])
    found = bench.scores(probabilities, np.array([0, 0, 1, 1]), data.CLASSES)
    assert found["error"] == 0.75  # a tie counts for the first class
    assert found["auc"] == 0.5  # of the four pairs of a 0 and a 1 two are in order
    assert found["log_loss"] == pytest.approx(-np.log(0.8 * 0.4 * 0.3 * 0.5) / 4)


def study(pages, **errors):
    """Return a study of models with errors by table, one a split."""
    results = [
        {"model": model, "table": table, "split": split, "error": error, "seconds": 1.0}
        | {"memory": 1.0}
        for model, tables in errors.items()
        for table, found in tables.items()
        for split, error in enumerate(found)
    ]
    return pages.Study.of("study", results)


def test_ratios_are_over_the_splits_that_both_have(pages):
    ours = {"a": [0.1, 0.4], "b": [0.5]}
    found = study(pages, ffnn=ours, sklearn={"a": [0.2, 0.8, 0.9]})
    assert pages.ratio(*found.pairs("sklearn", "error")) == pytest.approx(2.0)
    assert len(found.pairs("sklearn", "error")[0]) == 2
    np.testing.assert_allclose(found.means(), [[0.25, 0.5]])  # no table b, no third split


def test_equal_errors_share_their_ranks(pages):
    errors = np.array([[0.1, 0.2, 0.2, 0.4], [0.3, 0.1, 0.2, 0.3]])
    np.testing.assert_allclose(pages.ranks(errors), [2.25, 1.75, 2.25, 3.75])


def test_the_critical_difference_is_that_of_the_paper(pages):
    assert pages.critical_difference(14, 4) == pytest.approx(1.25, abs=0.005)  # page 15 there


def test_friedmans_test_is_that_of_scipy(pages):
    stats = pytest.importorskip("scipy.stats")
    errors = np.random.default_rng(0).random((12, 5)) + np.array([0.0, 0.0, 0.1, 0.2, 0.5])
    square = stats.friedmanchisquare(*errors.T).statistic
    assert pages.friedman(errors) == pytest.approx(11 * square / (12 * 4 - square))


def test_losses_are_those_by_more_than_a_standard_error(pages):
    ours = {"a": [0.5, 0.7], "b": [0.5, 0.7], "c": [0.1, 0.1]}
    theirs = {"a": [0.4, 0.5], "b": [0.5, 0.6], "c": [0.3, 0.3]}
    rows = pages.losses(study(pages, ffnn=ours, catboost=theirs)).rows
    assert rows == (("a", "CatBoost", "0.6000", "0.4500", "0.1500 ± 0.0500"),)  # b: 0.05 ± 0.05


def test_what_is_measured_is_not_measured_again(bench, data, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    wood = rng.choice(["oak", "pine"], 80)
    frame = pandas.DataFrame({"size": rng.normal(size=80), "wood": wood})
    frame["target"] = frame["size"] + (wood == "oak")
    frame.to_csv(tmp_path / "concrete.csv", index=False)
    only = data.Collection("one table", 50, {"concrete": data.CHOSEN_ON["concrete"]})
    monkeypatch.setitem(data.COLLECTIONS, "ten", only)
    monkeypatch.setattr(bench, "run_apart", bench.measure)
    monkeypatch.setattr(rules, "HIDDEN", (16,))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 5)
    results, page = tmp_path / "r.jsonl", tmp_path / "page.html"
    options = "--models", "ffnn,sklearn", "--splits", "2", "--page", str(page)
    monkeypatch.setattr(sys, "argv", ["bench", str(tmp_path), str(results), *options])
    bench.main()
    whole = results.read_text(encoding="utf-8")
    found = [json.loads(line) for line in whole.splitlines()]
    measured = [("ffnn", 0, 50), ("ffnn", 1, 50), ("sklearn", 0, 50), ("sklearn", 1, 50)]
    assert [(r["model"], r["split"], r["rows"]) for r in found] == measured
    assert "scikit-learn's MLP" in capsys.readouterr().out
    assert "<h1>one table</h1>" in page.read_text(encoding="utf-8")
    results.write_text(whole[:-30], encoding="utf-8")  # as a run that was ended leaves it
    bench.main()
    again = results.read_text(encoding="utf-8")
    assert again.startswith(whole[:-30])
    assert len(bench.read_results(results)) == 4


def test_a_model_that_is_not_known_is_refused(bench):
    with pytest.raises(argparse.ArgumentTypeError, match="no model 'forest'; known: ffnn"):
        bench.models_of("ffnn,forest")
