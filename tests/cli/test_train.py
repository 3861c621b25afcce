"""``ffnn train``: from options to a network, its training, its test and its file."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense, Dropout, RMSNorm


def test_train_digits_needs_no_options_and_reaches_95_percent(run_process, last_number):
    code, out, err = run_process("train", "digits")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "digits: 1,437 training rows, 360 test rows, 64 columns, 10 classes"
    assert sum(line.startswith("Epoch ") for line in lines) == 20
    assert any(re.fullmatch(r"trained 20 epochs in \d+\.\d+ s", line) for line in lines)
    assert re.fullmatch(r"test loss: \d+\.\d{4}", lines[-2])
    assert last_number(out, "test accuracy") >= 0.95
    assert max(map(len, lines)) <= 80


def test_accuracy_and_loss_are_those_of_the_test_rows(run, tmp_path, last_number):
    _, out, _ = run("train", "digits", "--epochs", 2, "--out", tmp_path / "m.h5")

    model = ffnn.load_model(tmp_path / "m.h5")
    _, (x, y) = ffnn.datasets.load_digits()
    p = model.predict(x).astype(float)
    assert last_number(out, "test accuracy") == round(float((p.argmax(axis=1) == y).mean()), 4)
    loss = float(out.splitlines()[-2].removeprefix("test loss: "))
    assert loss == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), abs=1e-4)
    assert out.splitlines()[-3] == f"saved {tmp_path / 'm.h5'}"


def test_train_says_whether_it_ran_compiled_loops(run, monkeypatch):
    monkeypatch.setattr("ffnn.models.batchwise.compile_step", with_loops)
    _, out, _ = run("train", "digits", "--epochs", 1)

    assert re.search(r"^trained 1 epoch in \d+\.\d+ s, with compiled loops$", out, re.MULTILINE)


def with_loops(step, *_):
    """Return the step as if its optimizer were compiled."""
    return step.compiled_by(list, None, ["Adam"])


def test_one_seed_gives_one_result(run, tmp_path):
    def train(name, seed):
        options = ("--epochs", 2, "--dropout", 0.1, "--out", tmp_path / name, "--quiet")
        out = run("train", "digits", "--seed", seed, *options)[1]
        return out, ffnn.load_model(tmp_path / name).parameters

    (out_a, a), (out_b, b), (_, c) = train("a.h5", 3), train("b.h5", 3), train("c.h5", 4)

    assert out_a == out_b
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_quiet_prints_only_the_results(run, last_number):
    code, out, err = run("train", "digits", "--epochs", 1, "--quiet")

    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2
    last_number(out, "test accuracy")


def test_options_reach_the_network(run, tmp_path):
    options = "--hidden 8,6 --activation tanh,relu --normalization rms --dropout 0.25 --l1 0.1 "
    options += "--l2 0.2 --initializer he_normal --optimizer sgd --momentum 0.5 --epochs 1 "
    options += "--learning-rate 0.003 --clipnorm 2 --batch-size 500 --seed 9 --loss mse --quiet "
    options += "--accumulate 2"
    code, *_ = run("train", "digits", *options.split(), "--out", tmp_path / "m.h5")

    model = ffnn.load_model(tmp_path / "m.h5")
    kinds = [type(layer).__name__ for layer in model.layers]
    block = ["Dense", "RMSNorm", "Tanh", "Dropout"]
    assert code == 0
    assert kinds == ["Rescaling", *block, *[k.replace("Tanh", "ReLU") for k in block], "Dense"]
    assert [layer.units for layer in model.layers if isinstance(layer, Dense)] == [8, 6, 10]
    assert isinstance(model.layers[2], RMSNorm)
    assert isinstance(model.layers[4], Dropout)
    assert model.layers[4].rate == 0.25
    dense = model.layers[1]
    assert (dense.weight_regularizer.l1, dense.weight_regularizer.l2) == (0.1, 0.2)
    assert type(dense.weight_initializer).__name__ == "HeNormal"
    sgd = model.optimizer
    assert (sgd.learning_rate, sgd.momentum, sgd.clipnorm) == (0.003, 0.5, 2.0)
    assert sgd.iterations == 2  # 1,437 rows in batches of 500, two to an update
    assert type(model.loss).__name__ == "MeanSquaredError"
    assert model.seed == 9


def test_the_number_of_workers_changes_no_bit(run, tmp_path):
    found = []
    for workers in (1, 2):
        path = tmp_path / f"{workers}.h5"
        options = ["--epochs", 1, "--dropout", 0.2, "--quiet", "--out", path]
        code, *_ = run("train", "digits", "--micro-batches", 4, "--workers", workers, *options)
        found.append((code, ffnn.load_model(path).parameters.tobytes()))
    assert found[0] == found[1]
    assert found[0][0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", 2], "micro_batches of at least 2"),
        (["--micro-batches", 33], "more parts than it has rows, 32"),
        (["--micro-batches", 2, "--record", "--out", "m.h5"], "looks into each step"),
        (["--micro-batches", 2, "--accumulate", 2], "not both"),
    ],
)
def test_parts_that_cannot_be_are_wrong_usage(run, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("train", "digits", *options)
    assert (code, message in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_no_hidden_layer_is_softmax_regression(run, tmp_path):
    code, *_ = run(
        "train", "digits", "--hidden", "none", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5"
    )

    assert code == 0
    assert ffnn.load_model(tmp_path / "m.h5").count_params() == 64 * 10 + 10


def test_patience_stops_early(run):
    options = "--epochs 300 --patience 1 --validation-split 0.2 --learning-rate 0.05"
    code, out, _ = run("train", "digits", *options.split())

    found = re.search(r"^trained (\d+) of 300 epochs", out, re.MULTILINE)
    assert code == 0
    assert int(found[1]) < 300
    assert "val_loss" in out


def test_loss_threshold_stops_early(run):
    _, out, _ = run("train", "digits", "--loss-threshold", 100)

    assert "trained 1 of 20 epochs" in out


def test_diverging_training_is_3_and_saves_nothing(run, tmp_path, assert_one_line):
    options = ("--optimizer", "sgd", "--learning-rate", 1e9, "--quiet")
    code, out, err = run("train", "digits", *options, "--out", tmp_path / "m.h5")

    assert (code, out) == (3, "")
    assert_one_line(err, "diverged", "epoch 1, batch", "1e+09", "clipnorm 1.0")
    assert list(tmp_path.iterdir()) == []


def test_out_is_checked_before_the_data_is_read(run, tmp_path, flowers, assert_one_line):
    for out, part in [
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "m.h5", "there is no folder"),
    ]:
        code, _, err = run("train", "missing.csv", "--out", out)

        assert code == 2
        assert_one_line(err, part)
    before = flowers.read_bytes()
    code, _, err = run("train", flowers, "--out", flowers)
    assert code == 2
    assert_one_line(err, "is a file that the command reads")
    assert flowers.read_bytes() == before


def test_out_in_a_folder_without_permission_is_2(run, tmp_path, monkeypatch, assert_one_line):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the superuser may write anywhere
    code, _, err = run("train", "digits", "--out", tmp_path / "m.h5")

    assert code == 2
    assert_one_line(err, "no permission", str(tmp_path))


def test_a_save_that_fails_is_1(run, tmp_path, monkeypatch, assert_one_line):
    def full(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(ffnn.Sequential, "save", full)
    code, _, err = run("train", "digits", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    assert code == 1
    assert_one_line(err, "No space left on device")


def test_train_mnist_ends_with_the_accuracy_of_the_test_rows(run, last_number):
    folder = os.environ.get("FFNN_DATA_DIR", "FFNN_DATA_DIR is not set")
    if not list(Path(folder).glob("**/t10k-images-idx3-ubyte*")):
        pytest.skip(f"MNIST is not in {folder}; name its folder in FFNN_DATA_DIR")
    options = ("--hidden", 32, "--epochs", 1, "--batch-size", 128, "--data-dir", folder)
    code, out, _ = run("train", "mnist", *options)

    assert code == 0
    assert out.startswith("mnist: 60,000 training rows, 10,000 test rows, 784 columns, 10 classes")
    assert "Rescaling(0.0039215" in out  # 1/255
    assert last_number(out, "test accuracy") > 0.85


def test_mnist_that_is_not_there_is_2(run, tmp_path, assert_one_line):
    code, _, err = run("train", "mnist", "--data-dir", tmp_path)

    assert code == 2
    assert_one_line(err, "train-images-idx3-ubyte", "name no folder")


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line(run):
    options = [
        "--normalization",
        "batch",
        "--batch-size",
        "1",
        "--epochs",
        "1",
        "--hidden",
        "4",
        "--quiet",
    ]
    code, out, err = run("train", "digits", *options)

    assert code == 0
    assert "accuracy" in out
    assert err.startswith(
        "ffnn: warning: BatchNorm 'batch_norm_1' needs batches of at least 2 rows"
    )
    assert err.splitlines()[0].endswith("looks at each row by itself")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--dropout", "0.999999999999", "rate=0.99"),
        ("--l2", "1e300", "l2="),
        ("--clipnorm", "1e-60", "clipnorm=1e-60"),
    ],
)
def test_numbers_that_float32_cannot_hold_are_2(run, option, value, message, assert_one_line):
    code, _, err = run("train", "digits", "--epochs", "1", option, value)

    assert code == 2
    assert_one_line(err, message, "in float32")
