"""The report's experiments: their table, their runs, and the results that are kept."""

import dataclasses
import re

import numpy as np
import pytest
import reproduce_report as script
from report import runner
from report.experiments import EXPERIMENTS, find_experiments
from report.results import Result, ResultsError, ResultsFolder
from report.runner import FULL, QUICK, Data, Run, Scale
from report.settings import Experiment, Row, SklearnTraining, Training
from report.study import gather

import ffnn
from ffnn.initializers import RandomUniform
from ffnn.layers import BatchNorm, Dense, Dropout

SMALL = Scale(train=96, validation=32, test=48, epochs=2)


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
        ResultsError, match=rf"from ffnn 0\.0, but ffnn {ffnn.__version__} is installed"
    ):
        script.check_versions([result], [run])
    script.check_versions([result._replace(version=f"ffnn {ffnn.__version__}")], [run])
    script.check_versions([result._replace(version="scikit-learn 0.1")], [run])
