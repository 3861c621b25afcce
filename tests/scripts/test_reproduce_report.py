"""The report's experiments: their table, runs, statistics, results, page and command line."""

import csv
import dataclasses
import importlib.util
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.datasets import find_mnist
from ffnn.initializers import RandomUniform
from ffnn.layers import BatchNorm, Dense, Dropout

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
try:
    import reproduce_report as script
    from report import pictures, runner
    from report import statistics as stats
    from report.conclusions import (
        Finding,
        describe_accuracy,
        find_all,
        is_met,
        judge,
        state,
        sum_up,
    )
    from report.document import Bullets, Fold, Heading, Picture, Table, Text, to_html, to_markdown
    from report.experiments import EXPERIMENTS, find_experiments
    from report.results import Result, ResultsError, ResultsFolder
    from report.runner import FULL, QUICK, Data, Run, Scale
    from report.settings import Claim, Experiment, Row, SklearnTraining, Training
    from report.study import gather
finally:
    sys.path.remove(str(SCRIPTS))

REPOSITORY = SCRIPTS.parent
DOCS = REPOSITORY / "docs"
MNIST = Path(os.environ.get("FFNN_DATA_DIR") or REPOSITORY.parent / "shared" / "data")
SMALL = Scale(train=96, validation=32, test=48, epochs=2)


def command(*arguments, data=MNIST):
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "reproduce_report.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "FFNN_DATA_DIR": str(data)},
    )


@pytest.fixture
def few_rows(monkeypatch):
    """Rows that every run takes instead of MNIST: pixels whose sum tells the class."""
    rng = np.random.default_rng(3)
    numbers = (SMALL.train, SMALL.validation, SMALL.test)
    labels = [rng.integers(10, size=number) for number in numbers]
    rows = [(25 * y[:, None] + rng.integers(25, size=(len(y), 784))).astype("u1") for y in labels]
    data = Data(*(array for pair in zip(rows, labels, strict=True) for array in pair))
    monkeypatch.setattr(runner, "load_data", lambda scale: data)
    return data


# -- the table ---------------------------------------------------------------------------------


def test_the_table_has_every_accuracy_of_the_report():
    reported = {
        "width": [95.69, 96.15, 96.47],
        "depth": [95.01, 96.20, 96.48],
        "activation": [94.91, 95.05, 91.91, 94.09, 86.02, 94.23],
        "learning-rate": [91.01, 96.16, 97.58],
        "init": [11.43, 96.08, 96.11],
        "rmsnorm": [96.29, 96.61],
        "regularization": [96.13, 95.84, 95.68, 95.34],
        "sklearn": [95.94, 97.83],
        "best": [],
    }
    table = {
        experiment.name: [row.reported for row in experiment.rows if row.reported is not None]
        for experiment in EXPERIMENTS
    }
    assert table == reported


def test_trainings_are_the_reports_unless_their_row_says_otherwise():
    by_row = {(e.name, row.name): row.training for e in EXPERIMENTS for row in e.rows}
    common = Training()
    assert (common.batch_size, common.learning_rate, common.optimizer) == (64, 0.01, "sgd")
    assert runner.LOSS_THRESHOLD == 0.01
    assert by_row["width", "256-128"] == Training(hidden=(256, 128), epochs=20)
    assert by_row["depth", "128-64-32"].hidden == (128, 64, 32)
    assert by_row["activation", "swish"] == Training((128, 64), 10, "swish")
    assert by_row["learning-rate", "rate 0.1"] == Training((128, 32), 20, learning_rate=0.1)
    assert by_row["regularization", "L1+L2"].l1 == by_row["regularization", "L1"].l1 > 0.0
    assert by_row["regularization", "L1+L2"].l2 == by_row["regularization", "L2"].l2 > 0.0
    assert by_row["sklearn", "scikit-learn as reported"] == SklearnTraining((128, 32), 20)
    narrow = by_row["init", "N(0, 0.05²)"].weights
    assert (narrow.mean, narrow.variance) == (0.0, pytest.approx(0.0025))
    assert repr(by_row["init", "U(−1, 1)"].weights) == repr(RandomUniform(-1.0, 1.0))
    assert all(by_row["best", row.name].epochs <= 30 for row in find_experiments("best")[0].rows)


def test_rows_with_a_wider_tolerance_are_the_three_that_may_have_it():
    wide = {(e.name, row.name) for e in EXPERIMENTS for row in e.rows if row.tolerance != 0.7}
    assert wide == {("activation", "sigmoid"), ("learning-rate", "rate 0.001"), ("init", "zeros")}


def test_rows_and_their_files_have_names_of_their_own():
    runs = script.plan(EXPERIMENTS, 2, FULL)
    assert len({run.key for run in runs}) == len({run.file_stem for run in runs}) == len(runs)
    assert len({run.key[:2] for run in runs}) == len(runs) / 2
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", run.file_stem) for run in runs)


def test_claims_are_about_rows_and_take_the_reports_side():
    for experiment in EXPERIMENTS:
        reported = {row.name: row.reported for row in experiment.rows}
        assert {name for pair in experiment.races for name in pair} <= set(reported)
        for claim in experiment.claims:
            higher, lower = reported[claim.higher], reported[claim.lower]
            if None in (higher, lower):
                assert claim.ours
            else:
                assert higher > lower


def test_experiments_are_found_by_name_in_the_tables_order():
    assert [e.name for e in find_experiments("rmsnorm, width")] == ["width", "rmsnorm"]
    with pytest.raises(
        ValueError, match=r"no experiment 'widht' \(did you mean 'width'\?\); known"
    ):
        find_experiments("depth,widht")
    with pytest.raises(ValueError, match="no experiment is named; known: width, depth"):
        find_experiments(" , ")


# -- statistics --------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.0, 0.3, 2.0, 15.0])
def test_tails_of_one_and_two_degrees_are_the_closed_forms(t):
    assert stats.student_tail(t, 1) == pytest.approx(1.0 - 2.0 / math.pi * math.atan(t))
    assert stats.student_tail(t, 2) == pytest.approx(1.0 - t / math.sqrt(2.0 + t * t))


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262)])
def test_quantiles_are_those_of_the_printed_tables(degrees, quantile):
    assert stats.student_quantile(degrees) == pytest.approx(quantile, abs=5e-4)


def test_student_agrees_with_scipy():
    t = pytest.importorskip("scipy.stats", reason="SciPy not installed").t
    for degrees in range(1, 30):
        assert stats.student_quantile(degrees) == pytest.approx(t.ppf(0.975, degrees))
        for value in (0.01, 1.0, 4.0, 20.0):
            tail = stats.student_tail(value, degrees)
            assert tail == pytest.approx(2.0 * t.sf(value, degrees), rel=1e-6, abs=1e-14)


def test_a_mean_comes_with_students_interval():
    mean, half = stats.mean_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.303 / math.sqrt(3.0), abs=5e-4)
    interval = stats.Interval(2.0, 0.5)
    assert (interval.low, interval.high) == (1.5, 2.5)
    assert math.isnan(stats.mean_interval([7.0]).half_width)


def test_a_paired_test_is_about_the_differences_alone():
    # Differences 1, 2, 3: t = 2 / (1 / √3) = 3.4641, two degrees.
    test = stats.paired_test([11.0, 52.0, 93.0], [10.0, 50.0, 90.0])
    assert test.difference.mean == 2.0
    assert test.spread == pytest.approx(1.0)
    assert test.p == pytest.approx(1.0 - 12**0.5 / 14**0.5)
    turned = stats.paired_test([10.0, 50.0, 90.0], [11.0, 52.0, 93.0])
    assert (turned.difference.mean, turned.p) == (-2.0, test.p)


def test_a_margin_moves_the_tested_difference():
    # Differences -0.2, -0.1, 0 against -0.2: t = 0.1 / (0.1 / √3).
    test = stats.paired_test([0.8, 1.9, 3.0], [1.0, 2.0, 3.0], margin=0.2)
    assert test.difference.mean == pytest.approx(-0.1)
    assert test.p == pytest.approx(stats.student_tail(math.sqrt(3.0), 2))


def test_differences_that_are_all_the_same_are_certain():
    assert stats.paired_test([2.0, 2.0], [1.0, 1.0]).p == 0.0
    assert stats.paired_test([2.0, 2.0], [2.0, 2.0]).p == 1.0
    assert math.isnan(stats.paired_test([2.0], [1.0]).p)


def test_holms_correction_counts_the_tests_that_are_left():
    # 4 × 0.01, 3 × 0.02, then 2 × 0.025 below the one before, and 1 × 0.9.
    assert stats.holm([0.9, 0.01, 0.025, 0.02]) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert stats.holm([0.6, 0.7]) == [1.0, 1.0]
    corrected = stats.holm([math.nan, 0.01, 0.02])
    assert math.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.02, 0.02])


def test_test_rows_are_a_sample_too():
    higher = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
    lower = np.array([[1, 0, 0, 0], [1, 0, 0, 1]], bool)
    # Row by row 0, 1, 0.5 and -0.5: mean 0.25, standard deviation 0.6455.
    mean, half = stats.rows_interval(higher, lower)
    assert mean == 25.0
    assert half == pytest.approx(1.96 * 64.55 / 2.0, rel=1e-4)


# -- conclusions -------------------------------------------------------------------------------


def finding(difference, p, corrected, rows, claim=None, reported=None, spread=0.1):
    test = stats.PairedTest(stats.Interval(difference, 0.1), spread, p)
    interval = stats.Interval(difference, rows)
    return Finding("width", claim or Claim("b", "a"), reported, test, corrected, interval)


def test_a_claim_is_shown_only_after_correction_and_for_what_was_sampled():
    assert judge(finding(0.5, 0.001, 0.01, rows=0.4)).startswith("Shown for this split and these")
    assert "likely to hold for other rows" in judge(finding(0.5, 0.001, 0.01, rows=0.4))
    assert "might turn it round" in judge(finding(0.5, 0.001, 0.01, rows=0.6))
    assert judge(finding(-0.5, 0.001, 0.01, rows=0.4)).startswith("The opposite is shown")
    assert "likely to hold" in judge(finding(-0.5, 0.001, 0.01, rows=0.4))
    assert "might turn it round" in judge(finding(-0.5, 0.001, 0.01, rows=0.6))
    assert judge(finding(0.5, 0.01, 0.05, rows=0.1)).startswith("Not shown: p would be small")
    assert "claim’s opposite" in judge(finding(-0.5, 0.01, 0.2, rows=0.1))
    assert judge(finding(0.5, 0.2, 1.0, rows=0.1)).startswith("Not shown: the seeds alone")
    assert "nothing is shown" in judge(finding(0.5, math.nan, math.nan, rows=0.1))


def test_a_margin_counts_in_the_verdict():
    claim = Claim("b", "a", margin=0.2)
    assert judge(finding(-0.1, 0.001, 0.01, 0.05, claim)).startswith("Shown")
    assert "likely to hold" in judge(finding(-0.1, 0.001, 0.01, 0.05, claim))
    assert "might turn it round" in judge(finding(-0.1, 0.001, 0.01, 0.15, claim))
    assert judge(finding(-0.5, 0.001, 0.01, 0.05, claim)).startswith("The opposite is shown")
    assert "the mean keeps to the margin" in judge(finding(-0.1, 0.2, 1.0, 0.05, claim))
    assert "the seeds alone" in judge(finding(-0.5, 0.2, 1.0, 0.05, claim))
    assert state(claim) == "b is at most 0.2 points below a"
    assert state(Claim("b", "a")) == "b is above a"


def test_a_reported_difference_within_the_scatter_of_single_runs_is_called_luck():
    assert "cannot tell +0.15 from luck" in judge(finding(0.5, 0.2, 1.0, 0.1, reported=0.15))
    assert "luck" not in judge(finding(0.5, 0.2, 1.0, 0.1, reported=0.25))
    assert "luck" not in judge(finding(0.5, 0.2, 1.0, 0.1))


def test_all_claims_are_corrected_together():
    rows = tuple(Row(name, Training(), reported) for name, reported in (("a", 90.0), ("b", 91.5)))
    both = [
        Experiment(name, name, "", "", rows, (Claim("b", "a"),)) for name in ("first", "second")
    ]
    values = {("first", "a"): [1, 2, 3], ("first", "b"): [2, 4, 6]}
    values |= {("second", "a"): [1, 2, 3], ("second", "b"): [1, 2, 4]}
    correct = {key: np.zeros((3, 4), bool) for key in values}
    first, second = find_all(both, values, correct)

    assert first.reported == 1.5
    assert first.test.p == pytest.approx(1.0 - 12**0.5 / 14**0.5)
    assert first.corrected_p == pytest.approx(2.0 * first.test.p)
    assert second.corrected_p == pytest.approx(max(second.test.p, first.corrected_p))


def test_a_row_is_reached_within_its_tolerance():
    row = Row("a", Training(), reported=96.0)
    assert is_met(row, [95.2, 95.5])  # 95.35
    assert not is_met(row, [95.2, 95.2])
    assert is_met(dataclasses.replace(row, tolerance=1.0), [95.2, 95.2])
    assert is_met(Row("b", Training()), [10.0]) is None


def test_an_experiment_is_summed_up_by_what_is_missing():
    rows = (Row("a", Training(), 96.0), Row("b", Training(), 97.0), Row("c", Training()))
    experiment = Experiment("e", "E", "", "", rows, ())
    reached = {"a": [96.0], "b": [97.0], "c": [1.0]}
    assert sum_up(experiment, reached) == (
        "Reached: 2 of 2 reported rows. The means have the report's order."
    )
    assert sum_up(experiment, reached | {"b": [95.75]}) == (
        "Reached: 1 of 2 reported rows, but not b. Against the report's order of the means: a is "
        "above b by 0.25 points."
    )
    assert sum_up(dataclasses.replace(experiment, rows=rows[2:]), reached).startswith("The report")
    assert describe_accuracy([1.0, 2.0, 3.0]) == "2.00 ± 2.48"
    assert describe_accuracy([1.0]) == "1.00"


# -- runs --------------------------------------------------------------------------------------


def test_layers_are_those_of_the_setting():
    layers = runner.build_layers(
        Training((5, 4), norm="batch_norm", l1=0.1, l2=0.2, input_dropout=0.3, dropout=0.4)
    )
    kinds = [type(layer).__name__ for layer in layers]
    block = ["Dense", "BatchNorm", "Activation", "Dropout"]
    assert kinds == ["Rescaling", "Dropout", *block, *block, "Dense"]
    assert [layer.rate for layer in layers if isinstance(layer, Dropout)] == [0.3, 0.4, 0.4]
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    assert [layer.units for layer in dense] == [5, 4, 10]
    assert [(rule.l1, rule.l2) for rule in (layer.weight_regularizer for layer in dense)] == [
        (0.1, 0.2)
    ] * 3
    assert not [layer for layer in dense[:2] if layer.activation]
    assert len({id(layer) for layer in layers if isinstance(layer, BatchNorm)}) == 2


def test_a_plain_network_has_nothing_else():
    layers = runner.build_layers(Training((5,), activation="tanh", weights=RandomUniform(-1, 1)))
    assert [type(layer).__name__ for layer in layers] == ["Rescaling", "Dense", "Dense"]
    assert repr(layers[1].activation) == "Tanh()"
    assert {repr(layer.weight_initializer) for layer in layers[1:]} == {
        "RandomUniform(low=-1.0, high=1.0)"
    }
    assert not [layer for layer in layers[1:] if layer.weight_regularizer]
    layers = runner.build_layers(Training((5,), input_dropout=0.3))
    assert [type(layer).__name__ for layer in layers] == ["Rescaling", "Dropout", "Dense", "Dense"]


def test_a_cosine_ends_with_the_last_update():
    training = Training(optimizer="adamw", options=(("weight_decay", 0.5),), epochs=3, cosine=True)
    optimizer = runner.make_optimizer(training, num_rows=130)  # three batches an epoch
    assert optimizer.weight_decay == 0.5
    assert optimizer.learning_rate(0) == 0.01
    assert optimizer.learning_rate(9) == 0.0 < optimizer.learning_rate(8)


def test_the_hash_tells_every_setting_apart_and_no_seed():
    base = Run("width", Row("a", Training()), 0, FULL)
    others = [
        Training(hidden=(128, 64)),
        Training(epochs=21),
        Training(activation="tanh"),
        Training(weights=RandomUniform(-1.0, 1.0)),
        Training(weights=RandomUniform(-1.0, 0.5)),
        Training(learning_rate=0.02),
        Training(l1=1e-5),
        SklearnTraining(),
        SklearnTraining(options={"alpha": 0.0}),
    ]
    runs = [base._replace(row=Row("a", training)) for training in others]
    runs.append(base._replace(scale=dataclasses.replace(FULL, train=54_999)))
    assert len({run.settings for run in [base, *runs]}) == len(runs) + 1
    same = base._replace(seed=4, row=Row("b", Training(), reported=1.0))
    assert same.settings == base.settings


def test_few_epochs_are_the_most():
    assert QUICK.shorten(Training(epochs=20)).epochs == 2
    assert QUICK.shorten(Training(epochs=1)).epochs == 1
    assert FULL.shorten(Training(epochs=20)).epochs == 20


def test_losses_are_cross_entropies_without_the_penalty(few_rows):
    training = Training((8,), l1=0.01, l2=0.02)
    outcome = runner.execute(Run("e", Row("r", training), 5, SMALL), keep_network=True)
    model = runner.build_model(training)
    model.parameters[:] = outcome.network["parameters"]

    for loss, x, y in zip(outcome.losses, few_rows[::2], few_rows[1::2], strict=True):
        chosen = model.predict(x)[np.arange(len(y)), y].astype(np.float64)
        assert loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)
    assert outcome.history["loss"][-1] > outcome.losses[0] + 0.1  # the penalty is in what is shown
    right = model.predict(few_rows.x_test).argmax(axis=1) == few_rows.y_test
    np.testing.assert_array_equal(outcome.correct, right)
    assert (outcome.epochs, outcome.end) == (2, "all epochs")
    assert len(outcome.history["loss"]) == len(outcome.history["val_loss"]) == 2
    assert outcome.version == f"ffnn {ffnn.__version__}"
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.compute_gradients(few_rows.x_train, few_rows.y_train)
    np.testing.assert_array_equal(outcome.network["gradients"], model.gradients)


def test_the_same_seed_gives_the_same_run(few_rows):
    run = Run("e", Row("r", Training((8,))), 5, SMALL)
    first, again = runner.execute(run), runner.execute(run)
    other = runner.execute(run._replace(seed=6))
    assert first.losses == again.losses != other.losses
    assert first.network == {}


def test_a_run_ends_at_the_threshold(few_rows, monkeypatch):
    monkeypatch.setattr(runner, "LOSS_THRESHOLD", 100.0)
    outcome = runner.execute(Run("e", Row("r", Training((8,))), 0, SMALL))
    assert (outcome.epochs, outcome.end) == (1, "threshold")


def test_a_run_that_diverges_is_kept_as_such(few_rows):
    outcome = runner.execute(Run("e", Row("r", Training((8,), learning_rate=1e30)), 0, SMALL))
    assert (outcome.epochs, outcome.end) == (0, "diverged")
    assert outcome.history == {"loss": [], "val_loss": []}


def test_scikit_learn_runs_at_the_settings(few_rows):
    network = pytest.importorskip("sklearn.neural_network", reason="scikit-learn not installed")
    metrics = pytest.importorskip("sklearn.metrics")
    training = SklearnTraining((8,), dtype="float64", options={"alpha": 0.0, "tol": 0.0})
    outcome = runner.execute(Run("e", Row("r", training), 3, SMALL))
    with pytest.warns(match="Maximum iterations"):
        twin = network.MLPClassifier((8,), alpha=0.0, tol=0.0, max_iter=2, random_state=3).fit(
            few_rows.x_train / 255.0, few_rows.y_train
        )
    probabilities = twin.predict_proba(few_rows.x_test / 255.0)

    assert outcome.losses[2] == pytest.approx(metrics.log_loss(few_rows.y_test, probabilities))
    np.testing.assert_array_equal(outcome.correct, probabilities.argmax(axis=1) == few_rows.y_test)
    assert outcome.history == {"loss": pytest.approx(twin.loss_curve_)}
    assert (outcome.epochs, outcome.end) == (2, "all epochs")
    assert outcome.version.startswith("scikit-learn ")


def test_the_split_is_fixed_and_its_parts_have_nothing_in_common(monkeypatch):
    x = np.arange(60_000)[:, None]
    pairs = ((x, x[:, 0] + 7), (x[:10_000], x[:10_000, 0]))
    monkeypatch.setattr(runner, "load_mnist", lambda: pairs)
    data = runner.load_data.__wrapped__(FULL)
    quick = runner.load_data.__wrapped__(QUICK)

    both = np.concatenate([data.x_train, data.x_validation])[:, 0]
    np.testing.assert_array_equal(np.sort(both), np.arange(60_000))
    assert (len(data.x_train), len(data.x_validation), len(data.x_test)) == (55_000, 5_000, 10_000)
    np.testing.assert_array_equal(data.y_train, data.x_train[:, 0] + 7)
    np.testing.assert_array_equal(quick.x_train, data.x_train[:2_000])
    np.testing.assert_array_equal(quick.x_validation, data.x_validation[:500])


# -- results -----------------------------------------------------------------------------------

OUTCOME = runner.Outcome(
    2,
    "all epochs",
    (0.5, 0.25, 0.125),
    np.array([True, False, True, True, False, True, True, True, True, True]),
    75.0,
    1.5,
    1.25,
    {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]},
    "ffnn 0.0",
    {"parameters": np.array([1.0, 2.0], "f4"), "gradients": np.array([3.0, 4.0], "f4")},
)


def make_run(name="a", seed=0, **settings):
    return Run("width", Row(name, Training(**settings)), seed, SMALL)


def test_results_come_back_as_they_were_kept(tmp_path):
    folder, runs = ResultsFolder(tmp_path / "out"), [make_run(), make_run("b, c", 1, epochs=3)]
    kept = [folder.add(run, OUTCOME) for run in runs]
    read = ResultsFolder(tmp_path / "out").read(runs)

    assert read == {result.key: result for result in kept}
    assert kept[1][:5] == ("width", "b, c", 1, 2, "all epochs")
    assert kept[1][5:12] == (0.5, 0.25, 0.125, 75.0, 80.0, 1.5, 1.25)
    history, correct = folder.read_arrays(runs[0])
    assert history == OUTCOME.history
    np.testing.assert_array_equal(correct, OUTCOME.correct)
    network = folder.read_network(runs[0])
    assert {name: array.tolist() for name, array in network.items()} == {
        "parameters": [1.0, 2.0],
        "gradients": [3.0, 4.0],
    }
    assert folder.csv.read_text(encoding="utf-8").count("experiment,setting") == 1


def test_a_line_that_was_cut_off_is_as_if_it_had_not_been_written(tmp_path):
    folder, runs = ResultsFolder(tmp_path), [make_run(), make_run(seed=1)]
    for run in runs:
        folder.add(run, OUTCOME)
    content = folder.csv.read_bytes()
    folder.csv.write_bytes(content[:-9])

    assert list(folder.read(runs)) == [runs[0].key]
    folder.add(runs[1], OUTCOME)
    assert folder.csv.read_bytes() == content
    folder.csv.write_bytes(content[:4])  # not even a header
    assert folder.read(runs) == {}
    folder.add(runs[0], OUTCOME)
    assert list(folder.read(runs)) == [runs[0].key]


def test_results_of_other_settings_are_never_mixed_in(tmp_path):
    folder = ResultsFolder(tmp_path)
    folder.add(make_run(), OUTCOME)
    for known in ([make_run(epochs=1)], [make_run("b")], [make_run()._replace(scale=QUICK)]):
        with pytest.raises(ResultsError, match=r"with other settings .* another folder with --out"):
            folder.read(known)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", r"its columns are \['a', 'b'\]"),
        (",".join(Result._fields) + "\nwidth,a,zero" + ",0" * 11 + "\n", "cannot be read: invalid"),
        (",".join(Result._fields) + "\nwidth,a\n", "cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, message):
    folder = ResultsFolder(tmp_path)
    folder.csv.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=message):
        folder.read([])


def test_a_run_without_its_arrays_is_named(tmp_path):
    with pytest.raises(ResultsError, match=r"width_a_.*_0\.npz is missing"):
        ResultsFolder(tmp_path).read_arrays(make_run())


def test_a_study_lacks_no_run(tmp_path):
    folder, run = ResultsFolder(tmp_path), make_run()
    folder.add(run, OUTCOME)
    experiment = Experiment("width", "", "", "", (run.row,), ())
    study = gather((experiment,), 1, SMALL, folder, folder.read([run]))

    assert study.accuracies(experiment) == {"a": [80.0]}
    assert study.correct["width", "a"].shape == (1, 10)
    with pytest.raises(ResultsError, match=r"width: a with seed 1 is not in .*results\.csv"):
        gather((experiment,), 2, SMALL, folder, folder.read([run]))


def test_results_of_another_version_are_not_gone_on_with(tmp_path):
    folder, run = ResultsFolder(tmp_path), make_run()
    result = folder.add(run, OUTCOME)
    with pytest.raises(
        ResultsError, match=rf"from ffnn 0\.0, installed is ffnn {ffnn.__version__}"
    ):
        script.check_versions([result], [run])
    script.check_versions([result._replace(version=f"ffnn {ffnn.__version__}")], [run])
    script.check_versions([result._replace(version="scikit-learn 0.1")], [run])


# -- page --------------------------------------------------------------------------------------

PARTS = [
    Heading("A < B", 1),
    Text("λ1 Σ|w| and `a_b*c` of *stars* [here] leaky_relu"),
    Bullets(["one", "two"]),
    Table(["name", "%"], [["a|b", "1.50 ± 0.25"], ["0.1", "–"]]),
    Fold("more & more", [Picture("a.png", 'what "it" shows')]),
]


def test_a_page_as_markdown():
    assert to_markdown(PARTS, "pictures").split("\n") == [
        r"# A \< B",
        "",
        r"λ1 Σ|w| and `a_b*c` of \*stars\* \[here\] leaky_relu",
        "",
        "- one",
        "- two",
        "",
        "| name | % |",
        "| --- | ---: |",
        r"| a\|b | 1.50 ± 0.25 |",
        "| 0.1 | – |",
        "",
        "<details>",
        "<summary>more &amp; more</summary>",
        "",
        '![what "it" shows](pictures/a.png)',
        "",
        "</details>",
        "",
    ]


def test_a_page_as_html():
    text = to_html(PARTS, "pictures")
    assert "<title>A &lt; B</title>" in text
    assert "<p>λ1 Σ|w| and <code>a_b*c</code> of *stars* [here] leaky_relu</p>" in text
    assert "<tr><td>a|b</td><td class=number>1.50 ± 0.25</td></tr>" in text
    assert '<img src="pictures/a.png" alt="what &quot;it&quot; shows">' in text
    assert "<details><summary>more &amp; more</summary>" in text
    assert "http" not in text  # nothing is loaded from elsewhere


def test_the_mean_of_histories_ends_with_the_shortest():
    record = pictures.average(
        [
            {"loss": [2.0, 1.0, 0.5], "val_loss": [3.0, 2.0, 1.0]},
            {"loss": [4, 2], "val_loss": [5, 4]},
        ]
    )
    assert record.history == {"loss": [3.0, 1.5], "val_loss": [4.0, 3.0]}
    assert list(record.epoch) == [0, 1]


def test_the_accuracies_picture_shows_seeds_mean_interval_and_report():
    rows = (Row("a", Training(), reported=3.5), Row("b", Training()))
    experiment = Experiment("e", "E", "", "", rows, ())
    axes = pictures.draw_accuracies(experiment, {"a": [1.0, 2.0, 3.0], "b": [5.0]}).axes[0]

    drawn = [
        (line.get_marker(), list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    ]
    assert ("|", [1.0, 2.0, 3.0], [0, 0, 0]) in drawn
    assert ("o", [2.0], [0]) in drawn
    assert ("D", [3.5], [0]) in drawn
    assert ("|", [5.0], [1]) in drawn
    assert not [each for each in drawn if each[0] == "D" and each[2] == [1]]
    segment = axes.collections[0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 0], [2.0 - 2.484, 2.0 + 2.484], atol=1e-3)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


def test_the_losses_picture_has_the_rows_that_finished_an_epoch():
    curve = {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}
    figure = pictures.draw_losses({"a": [curve], "b": [{"loss": [], "val_loss": []}]})
    legend = " ".join(text.get_text() for text in figure.axes[0].get_legend().get_texts())
    assert "a" in legend
    assert "b:" not in legend


def test_a_picture_is_small_and_keeps_its_colours(tmp_path):
    image = pytest.importorskip("PIL.Image")
    figure = pictures.new_figure(2.0, 1.0)
    figure.add_subplot().bar([0, 1], [1, 2], color=["#0072B2", "#D55E00"])
    pictures.write_png(figure, tmp_path / "a.png")

    with image.open(tmp_path / "a.png") as opened:
        assert (opened.mode, opened.size) == ("P", (200, 100))
        colours = np.array([colour for _, colour in opened.convert("RGB").getcolors()])
    for colour in ((0, 114, 178), (213, 94, 0), (255, 255, 255)):
        assert np.abs(colours - colour).max(axis=1).min() <= 2


# -- command line ------------------------------------------------------------------------------


def test_an_unknown_experiment_lists_the_known_ones(tmp_path):
    done = command("--experiments", "width,dept", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "no experiment 'dept' (did you mean 'depth'?); known: width, depth, act" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [("--seeds", "0"), ("--jobs", "two"), ("--seeds", "-1")])
def test_a_count_that_is_none_is_refused(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        script.main(wrong)
    assert "expected a whole number of at least 1" in capsys.readouterr().err


def test_missing_mnist_says_where_to_put_it(tmp_path):
    done = command("--experiments", "width", "--out", tmp_path / "out", data=tmp_path)
    assert done.returncode == 1
    assert f"not found, neither plain nor with .gz, in {tmp_path}" in done.stderr
    assert "put the files there" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_scikit_learn_is_named_before_anything_is_trained(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert script.main(["--experiments", "sklearn", "--out", str(tmp_path)]) == 1
    assert "needs scikit-learn, which is not installed" in capsys.readouterr().err


def test_a_page_of_nothing_is_refused(tmp_path, capsys):
    arguments = ["--page-only", "--experiments", "width", "--out", str(tmp_path)]
    assert script.main(arguments) == 1
    assert "width: 64-32 with seed 0 is not in" in capsys.readouterr().err


needs_mnist = pytest.mark.skipif(
    not find_mnist(MNIST)[2], reason=f"MNIST is not in {MNIST}: set FFNN_DATA_DIR"
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of a quick run of everything."""
    pytest.importorskip("sklearn", reason="scikit-learn not installed")
    out = tmp_path_factory.mktemp("quick")
    done = command("--quick", "--jobs", 2, "--out", out, "--markdown", out / "docs.md")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the page is {out / 'index.html'}\n"
    return out


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@needs_mnist
def test_a_quick_run_has_a_line_for_each_row_and_seed(quick):
    lines = read_csv(quick / "results.csv")
    expected = {run.key for run in script.plan(EXPERIMENTS, 2, QUICK)}
    keys = [(line["experiment"], line["setting"], int(line["seed"])) for line in lines]
    assert set(keys) == expected
    assert len(keys) == len(expected)
    for line in lines:
        assert line["epochs"] == "2"
        assert 0.0 <= float(line["test_accuracy"]) <= 100.0
        assert float(line["cpu_seconds"]) > 0.0


def check_accuracies(report, lines, quantile):
    """Check that the page has each row's mean and interval; return the cells."""
    accuracies = {}
    for line in lines:
        key = line["experiment"], line["setting"]
        accuracies.setdefault(key, []).append(float(line["test_accuracy"]))
    cells = []
    for (_, setting), values in accuracies.items():
        half = quantile * np.std(values, ddof=1) / math.sqrt(len(values))
        cells.append(f"{np.mean(values):.2f} ± {half:.2f}")
        assert re.search(
            rf"\| {re.escape(setting)} (\| [\d.–]+ )?\| {re.escape(cells[-1])} \|", report
        )
    return cells


@needs_mnist
def test_the_page_tells_the_numbers_of_the_lines(quick):
    report = (quick / "report.md").read_text(encoding="utf-8")
    page = (quick / "index.html").read_text(encoding="utf-8")
    cells = check_accuracies(report, read_csv(quick / "results.csv"), quantile=12.7062)
    assert all(cell in page for cell in cells)
    assert "This was a quick run" in report
    assert "`python scripts/reproduce_report.py --quick`" in report


@needs_mnist
def test_the_page_has_all_its_pictures(quick):
    for name, folder in (("report.md", quick), ("docs.md", quick)):
        text = (quick / name).read_text(encoding="utf-8")
        found = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
        networks = sum(
            isinstance(row.training, Training) for each in EXPERIMENTS for row in each.rows
        )
        assert len(found) == len(set(found)) == 2 * len(EXPERIMENTS) + networks
        for picture in found:
            assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    page = (quick / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'src="([^"]+)"', page)) == {
        picture.replace("docs/", "pictures/") for picture in found
    }
    assert (quick / "docs" / "results.csv").read_bytes() == (quick / "results.csv").read_bytes()


@needs_mnist
def test_claims_are_written_beside(quick):
    lines = read_csv(quick / "claims.csv")
    assert len(lines) == sum(len(each.claims) for each in EXPERIMENTS)
    results = {
        (line["experiment"], line["setting"], line["seed"]): float(line["test_accuracy"])
        for line in read_csv(quick / "results.csv")
    }
    differences = [
        results["width", "128-64", seed] - results["width", "64-32", seed] for seed in "01"
    ]
    assert lines[0]["claim"] == "128-64 is above 64-32"
    assert float(lines[0]["reported_difference"]) == pytest.approx(0.46)
    assert float(lines[0]["difference"]) == pytest.approx(sum(differences) / 2.0, rel=1e-4)


@needs_mnist
def test_an_interrupted_run_goes_on_where_it_stopped(quick, tmp_path, monkeypatch):
    lines = (quick / "results.csv").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith((b"experiment", b"rmsnorm"))]
    folder = ResultsFolder(tmp_path)
    folder.csv.write_bytes(b"".join(kept[:-1]) + kept[-1][:20])
    for path in (quick / "runs").glob("rmsnorm*"):
        (tmp_path / "runs" / path.name).write_bytes(path.read_bytes())
    done = command("--quick", "--experiments", "rmsnorm", "--out", tmp_path, "--jobs", 1)

    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stderr
    again = folder.csv.read_bytes().splitlines(keepends=True)
    assert again[:-1] == kept[:-1]
    same = slice(0, 10)  # all but the times
    assert again[-1].split(b",")[same] == kept[-1].split(b",")[same]


@needs_mnist
def test_a_full_run_does_not_go_into_the_folder_of_a_quick_one(quick, capsys):
    assert script.main(["--experiments", "width", "--out", str(quick)]) == 1
    assert "--quick and full runs" in capsys.readouterr().err


# -- the docs ----------------------------------------------------------------------------------


def test_the_docs_tell_the_numbers_of_the_full_run_of_this_table():
    lines = read_csv(DOCS / "experiments" / "results.csv")
    settings = {run.key: run.settings for run in script.plan(EXPERIMENTS, 5, FULL)}
    assert {
        (line["experiment"], line["setting"], int(line["seed"])): line["settings"] for line in lines
    } == settings
    check_accuracies((DOCS / "experiments.md").read_text(encoding="utf-8"), lines, quantile=2.77645)


def test_the_docs_claims_are_those_of_the_full_run():
    results = {
        (line["experiment"], line["setting"], line["seed"]): float(line["test_accuracy"])
        for line in read_csv(DOCS / "experiments" / "results.csv")
    }
    claims = [(experiment.name, claim) for experiment in EXPERIMENTS for claim in experiment.claims]
    lines = read_csv(DOCS / "experiments" / "claims.csv")
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    for (name, claim), line in zip(claims, lines, strict=True):
        difference = np.mean(
            [results[name, claim.higher, s] - results[name, claim.lower, s] for s in "01234"]
        )
        assert (line["experiment"], line["claim"]) == (name, state(claim))
        assert float(line["difference"]) == pytest.approx(difference, abs=1e-4)
        cell = f"{difference:+.2f} ± {float(line['half_width']):.2f}"
        assert re.search(rf"\| {re.escape(state(claim))} \| [^|]* \| {re.escape(cell)} \|", text)


def test_the_docs_have_all_their_pictures_and_they_are_small():
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    found = set(re.findall(r"!\[[^\]]*\]\(experiments/([^)]+)\)", text))
    there = list((DOCS / "experiments").glob("*.png"))
    assert {path.name for path in there} == found
    assert sum(path.stat().st_size for path in there) < 3_000_000
