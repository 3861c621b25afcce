"""`ffnn train` says so if the model knows no more than a constant prediction."""

import re

import numpy as np
import pytest

import ffnn


@pytest.fixture
def data(tmp_path, save_arrays, blobs, request):
    """Return files of small data sets that can be learned, by name."""
    rng = np.random.default_rng(4)
    x, y = blobs(300)
    noise = rng.normal(size=(300, 3))
    three = (noise[:, 0] > -0.4).astype(int) + (noise[:, 1] > 0.5)
    arrays = {
        "blobs": (x, y),
        "three": (noise, three),
        "rare": (noise, (noise[:, 0] > 1.3).astype(int)),
        "numbers": (noise, 1e5 + 300.0 * (noise[:, 0] + noise[:, 1] ** 2)),
        "two numbers": (noise, noise[:, :2] * 7.0 - 1.0),
    }
    return {
        "digits": "digits",
        **{
            name: save_arrays(tmp_path / f"{name.replace(' ', '_')}.npz", x=x, y=y)
            for name, (x, y) in arrays.items()
        },
    }


DATA = ["digits", "blobs", "three", "rare", "numbers", "two numbers"]


@pytest.mark.parametrize("options", [["--learning-rate", 0.01], ["--loss", "mse"]], ids=str)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", DATA)
def test_a_training_that_learns_says_nothing(run, data, name, seed, options):
    code, out, err = run("train", data[name], "--epochs", 30, "--seed", seed, *options)

    assert (code, err) == (0, ""), out


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("name", ["digits", "rare", "numbers", "two numbers"])
def test_a_training_that_diverged_is_3(run, data, name, optimizer, tmp_path, assert_one_line):
    out_file = tmp_path / "m.h5"
    options = ("--learning-rate", 1000, "--optimizer", optimizer, "--epochs", 4, "--quiet")
    code, out, err = run("train", data[name], *options, "--out", out_file)

    assert code == 3
    if not out:  # infinite numbers end the training at once
        assert_one_line(err, "diverged", "1000")
        return
    assert re.search(r"(accuracy|r2): -?[\d.e+]+\n$", out)
    rows = 360 if name == "digits" else 60
    assert_one_line(err, f"nothing was learned: on {rows} test rows ", "ffnn diagnose")
    assert "diverged at learning rate 1000; try --learning-rate 0.0" in err
    assert ffnn.load_model(out_file).history.epoch == [0, 1, 2, 3]


@pytest.mark.parametrize("name", [name for name in DATA if name != "blobs"])  # far apart by itself
def test_a_rate_that_changes_nothing_is_noted(run, data, name):
    code, _, err = run("train", data[name], "--learning-rate", 1e-9, "--epochs", 2, "--quiet")

    assert code == 0
    assert err.startswith("ffnn: note: not clearly better than a constant prediction: on ")
    assert "The learning rate 1e-09 is low: try 0.001, which is usual for adam." in err


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("epochs", [3, 60])
@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_targets_that_have_nothing_to_do_with_the_columns_are_noted(
    run, tmp_path, save_arrays, kind, epochs, seed
):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 400) if kind == "classes" else rng.normal(size=400)
    path = save_arrays(tmp_path / "d.npz", x=rng.normal(size=(400, 5)), y=y)
    code, _, err = run("train", path, "--epochs", epochs, "--learning-rate", 0.005, "--quiet")

    assert code == 0
    assert err.startswith(
        "ffnn: note: not clearly better than a constant prediction: on 80 test rows "
    )
    assert len(err.splitlines()) == 1
    if epochs == 60:  # it knows the training rows by heart
        assert "does not carry over" in err


def test_the_baseline_stands_before_the_main_score(run, data, tmp_path, save_arrays):
    def scores(path, *options):
        return run("train", path, "--epochs", 1, *options)[1].splitlines()[-2:]

    with np.load(data["rare"]) as arrays:
        y = arrays["y"]
    tested = y[np.random.default_rng(0).permutation(300)[:60]]
    share = max(tested.mean(), 1 - tested.mean())
    assert scores(data["rare"])[0] == f"baseline accuracy: {share:.4f} (always '0')"
    one_hot = save_arrays(tmp_path / "o.npz", x=np.arange(300.0)[:, None], y=np.eye(2)[y])
    assert scores(one_hot)[0] == f"baseline accuracy: {share:.4f} (always '0')"
    assert scores(data["two numbers"])[0] == "baseline r2: 0.0000 (always the means)"
    assert scores(data["numbers"])[0].startswith("baseline r2: 0.0000 (always the mean 10")
    for line in (scores("digits")[0], scores(data["rare"], "--quiet")[0]):
        assert line.startswith("test loss: ")


def test_what_a_constant_prediction_gives_is_said(run, tmp_path, save_arrays):
    x = np.random.default_rng(0).normal(size=(40, 3))
    y = np.repeat([0, 1], [30, 10])
    path = save_arrays(tmp_path / "d.npz", x_train=x * 0, y_train=y, x_test=x[:, :], y_test=y)
    _, _, err = run("train", path, "--learning-rate", 1e-9, "--epochs", 1, "--quiet")

    # the entropy of 3/4 and 1/4
    assert (
        "gives accuracy 0.7500, and predicting the shares of the classes gives loss 0.5623" in err
    )


def test_the_training_rows_are_compared_where_there_are_no_others(run, data):
    options = ("--test-split", 0, "--learning-rate", 1e-9, "--epochs", 1, "--quiet")
    _, _, err = run("train", data["numbers"], *options)

    assert re.search(r"on 300 training rows R² is -[\d.]+, where the mean of the targets", err)


@pytest.mark.parametrize("y", [[0, 1, 0, 1, 1, 0], [0.5, 1.5, 0.25, 3.5, 1.25, 9.5]])
def test_too_few_rows_tell_nothing(run, tmp_path, save_arrays, y):
    x = np.random.default_rng(0).normal(size=(6, 3))
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.array(y))

    assert run("train", path, "--epochs", 1, "--quiet")[::2] == (0, "")


def test_a_constant_target_is_not_judged(run, tmp_path, save_arrays):
    x = np.random.default_rng(0).normal(size=(60, 3))
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.full(60, 2.5))

    assert run("train", path, "--epochs", 1, "--quiet")[::2] == (0, "")


def test_the_codes_are_in_the_help(run):
    assert "3 training diverged or learned nothing" in " ".join(run("--help")[1].split())


def test_diagnose_names_the_rate_that_is_the_cause(run, tmp_path):
    path = tmp_path / "m.h5"
    assert run("train", "digits", "--learning-rate", 1000, "--quiet", "--out", path)[0] == 3
    code, out, _ = run("diagnose", path, "digits")

    assert code == 0
    assert "PROBLEM: nothing-learned\n  After 900 updates the loss on 360 rows is " in out
    assert "learning_rate=100 instead of 1000" in " ".join(out.split())
