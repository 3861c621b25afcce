"""The command line: what each command prints, what it leaves, and what it says of bad input."""

import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback
from ffnn.cli import main
from ffnn.layers import Dense, Dropout, RMSNorm
from ffnn.threads import blas_libraries, get_num_threads, limit_threads

ROOT = Path(__file__).parents[2]
COMMANDS = ("train", "evaluate", "predict", "summary", "gradcheck", "info")


@pytest.fixture
def run(capsys):
    """Run the command line in this process and return its exit code, output and errors."""

    def run(*args):
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


def start(*args, **options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "ffnn", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        **options,
    )


def run_process(*args, **options):
    process = start(*args, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def last_number(out, name):
    """Return the number in the last line, which must read ``name: number``."""
    assert out.endswith("\n")
    found = re.fullmatch(rf"{name}: (-?\d+\.\d{{4}})", out.splitlines()[-1])
    assert found, out
    return float(found[1])


def assert_one_line(err, *parts):
    assert err.startswith("ffnn: error: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    for part in parts:
        assert part in err


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def flower_rows(count=150, seed=5):
    """Return width, height, name, with classes far apart: small, tall and wide ones."""
    rng = np.random.default_rng(seed)
    centres = {"säte, small": (2, 100), "tall": (2, 900), "wide": (9, 100)}
    names = list(centres)
    rows = []
    for i in range(count):
        name = names[i % 3]
        width, height = rng.normal(centres[name], (0.3, 30))
        rows.append([round(width, 3), round(height, 2), name])
    return rows


@pytest.fixture
def flowers(tmp_path):
    return write_csv(tmp_path / "flowers.csv", ["width", "height", "name"], flower_rows())


@pytest.fixture
def prices(tmp_path):
    rng = np.random.default_rng(6)
    x = rng.normal((50, 3), (20, 1), (200, 2))
    y = 200_000 + 3_000 * (x[:, 0] - 50) - 20_000 * (x[:, 1] - 3)
    return write_csv(tmp_path / "prices.csv", ["area", "age", "price"], np.column_stack([x, y]))


@pytest.fixture(scope="session")
def digits_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "digits.h5"
    assert main(["train", "digits", "--epochs", "3", "--out", str(path), "--quiet"]) == 0
    return path


# -- the program -------------------------------------------------------------------------------


def test_version_is_the_packages(run):
    assert run("--version") == (0, f"ffnn {ffnn.__version__}\n", "")


def test_help_names_every_command_and_fits_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    code, out, err = run("--help")

    assert (code, err) == (0, "")
    assert all(re.search(rf"^    {name}\b", out, re.MULTILINE) for name in COMMANDS)
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_explains_every_option(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    code, out, _ = run(command, "--help")

    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "None" not in out


def test_help_of_train_lists_every_activation_and_optimizer(run):
    from ffnn.activations import ACTIVATIONS
    from ffnn.optimizers import OPTIMIZERS

    words = re.findall(r"\w+", run("train", "--help")[1])

    for family in (ACTIVATIONS, OPTIMIZERS):
        for cls in set(family.classes.values()):
            assert any(name in words for name, other in family.classes.items() if other is cls)


def test_module_and_program_are_the_same():
    assert run_process("--version") == (0, f"ffnn {ffnn.__version__}\n", "")


def test_importing_the_command_line_does_not_load_numpy():
    code = (
        "import sys, ffnn.cli.parser; ffnn.cli.parser.build_parser(); print('numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout == "False\n"


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ([], ["COMMAND", "ffnn --help"]),
        (["trian", "digits"], ["trian", "train"]),
        (["train"], ["DATA", "ffnn train --help"]),
        (["train", "cifar"], ["'cifar'", "digits, mnist", ".csv, .npz or .h5"]),
        (["train", "rows.txt"], ["'rows.txt'", "digits, mnist"]),
        (["train", "digits", "--epochs", "0"], ["--epochs", "at least 1", "'0'"]),
        (["train", "digits", "--batch-size", "ten"], ["--batch-size", "'ten'"]),
        (["train", "digits", "--hidden", "12,x"], ["--hidden", "128,64", "'12,x'"]),
        (
            ["train", "digits", "--normalization", "bach"],
            ["'bach'", "did you mean 'batch'", "none, "],
        ),
        (["train", "digits", "--dropout", "1"], ["--dropout", "under 1"]),
        (["train", "digits", "--learning-rate", "0"], ["--learning-rate", "above 0"]),
        (["train", "digits", "--learning-rate", "nan"], ["--learning-rate", "'nan'"]),
        (["train", "digits", "--loss-threshold", "inf"], ["--loss-threshold", "'inf'"]),
        (["train", "digits", "--test-split", "-0.1"], ["--test-split"]),
        (["train", "digits", "--epoch", "3"], ["--epoch"]),
        (["train", "digits", "--quiet", "--verbose"], ["--verbose", "--quiet"]),
        (["train", "digits", "--delimiter", "ab"], ["--delimiter", "one character"]),
        (["train", "digits", "--optimizer", "adm"], ["'adm'", "did you mean 'adam'", "rmsprop"]),
        (["train", "digits", "--activation", "rulu"], ["'rulu'", "did you mean 'relu'"]),
        (["train", "digits", "--initializer", "he"], ["'he'", "he_normal"]),
        (["train", "digits", "--loss", "mes"], ["'mes'", "mse"]),
        (["train", "digits", "--momentum", "0.9"], ["--momentum", "sgd"]),
        (
            ["train", "digits", "--hidden", "8,8,8", "--activation", "relu,tanh"],
            ["--activation", "3 hidden layers", "got 2"],
        ),
        (["train", "digits", "--out", "no/such/folder/m.h5"], ["--out", "no folder"]),
        (["gradcheck", "m.h5", "--entries", "none"], ["--entries", "'none'"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_2_and_one_line(run, args, parts):
    code, out, err = run(*args)

    assert (code, out) == (2, "")
    assert_one_line(err, *parts)


def test_wrong_usage_in_a_process_shows_no_traceback():
    code, out, err = run_process("train", "rows.txt")

    assert (code, out) == (2, "")
    assert_one_line(err, "rows.txt")


def test_unexpected_errors_are_1_and_shown_whole_on_demand(run, monkeypatch):
    def fail(args):
        raise ZeroDivisionError("a\nbug")

    monkeypatch.setattr("ffnn.cli.commands.info", fail)
    code, _, err = run("info")
    monkeypatch.setenv("FFNN_DEBUG", "1")
    _, _, debug = run("info")

    assert code == 1
    assert err == "ffnn: error: ZeroDivisionError: a bug\n"
    assert "Traceback" in debug
    assert debug.endswith(err)


def test_a_closed_pipe_ends_quietly(digits_model):
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "ffnn", "predict", str(digits_model), "digits"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (result.returncode, result.stderr) == (1, b"")


def test_ctrl_c_outside_of_training_is_130(run, monkeypatch):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("ffnn.cli.commands.info", interrupt)

    assert run("info") == (130, "", "ffnn: interrupted\n")


# -- train -------------------------------------------------------------------------------------


def test_train_digits_needs_no_options_and_reaches_95_percent():
    code, out, err = run_process("train", "digits")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "digits: 1,437 training rows, 360 test rows, 64 columns, 10 classes"
    assert sum(line.startswith("Epoch ") for line in lines) == 20
    assert any(re.fullmatch(r"trained 20 epochs in \d+\.\d s", line) for line in lines)
    assert re.fullmatch(r"test loss: \d+\.\d{4}", lines[-2])
    assert last_number(out, "test accuracy") >= 0.95
    assert max(map(len, lines)) <= 80


def test_accuracy_and_loss_are_those_of_the_test_rows(run, tmp_path):
    _, out, _ = run("train", "digits", "--epochs", 2, "--out", tmp_path / "m.h5")

    model = ffnn.load_model(tmp_path / "m.h5")
    _, (x, y) = ffnn.datasets.load_digits()
    p = model.predict(x).astype(float)
    assert last_number(out, "test accuracy") == round(float((p.argmax(axis=1) == y).mean()), 4)
    loss = float(out.splitlines()[-2].removeprefix("test loss: "))
    assert loss == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), abs=1e-4)
    assert out.splitlines()[-3] == f"saved {tmp_path / 'm.h5'}"


def test_one_seed_gives_one_result(run, tmp_path):
    def train(name, seed):
        options = ("--epochs", 2, "--dropout", 0.1, "--out", tmp_path / name, "--quiet")
        out = run("train", "digits", "--seed", seed, *options)[1]
        return out, ffnn.load_model(tmp_path / name).parameters

    (out_a, a), (out_b, b), (_, c) = train("a.h5", 3), train("b.h5", 3), train("c.h5", 4)

    assert out_a == out_b
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_quiet_prints_the_results_alone(run):
    code, out, err = run("train", "digits", "--epochs", 1, "--quiet")

    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2
    last_number(out, "test accuracy")


def test_options_reach_the_network(run, tmp_path):
    options = "--hidden 8,6 --activation tanh,relu --normalization rms --dropout 0.25 --l1 0.1 "
    options += "--l2 0.2 --initializer he_normal --optimizer sgd --momentum 0.5 --epochs 1 "
    options += "--learning-rate 0.003 --clipnorm 2 --batch-size 500 --seed 9 --loss mse --quiet"
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
    assert sgd.iterations == 3  # 1,437 rows in batches of 500
    assert type(model.loss).__name__ == "MeanSquaredError"
    assert model.seed == 9


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


def test_diverging_training_is_3_and_saves_nothing(run, tmp_path):
    options = ("--optimizer", "sgd", "--learning-rate", 1e9, "--quiet")
    code, out, err = run("train", "digits", *options, "--out", tmp_path / "m.h5")

    assert (code, out) == (3, "")
    assert_one_line(err, "diverged", "epoch 1, batch", "1e+09", "clipnorm 1.0")
    assert list(tmp_path.iterdir()) == []


def test_out_is_checked_before_the_data_is_read(run, tmp_path, flowers):
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
    assert_one_line(err, "is a file that is read")
    assert flowers.read_bytes() == before


def test_out_in_a_folder_without_permission_is_2(run, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the superuser may write anywhere
    code, _, err = run("train", "digits", "--out", tmp_path / "m.h5")

    assert code == 2
    assert_one_line(err, "no permission", str(tmp_path))


def test_a_save_that_fails_is_1(run, tmp_path, monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(ffnn.Sequential, "save", full)
    code, _, err = run("train", "digits", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    assert code == 1
    assert_one_line(err, "No space left on device")


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
def test_sigint_finishes_the_batch_saves_and_is_130(tmp_path):
    path = tmp_path / "m.h5"
    process = start("train", "digits", "--epochs", "1000000", "--verbose", "--out", path)
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("Epoch"):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert out.endswith(f"saved {path}\n")
    assert re.fullmatch(r"ffnn: interrupted after \d+ of 1,000,000 epochs\n", err)
    model = ffnn.load_model(path)
    assert model.optimizer.iterations > 0
    assert np.isfinite(model.parameters).all()


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
def test_sigterm_finishes_the_batch_saves_and_is_143(tmp_path):
    path = tmp_path / "m.h5"
    process = start("train", "digits", "--epochs", "1000000", "--verbose", "--out", path)
    for line in process.stdout:
        if line.startswith("Epoch"):
            process.send_signal(signal.SIGTERM)
            break
    out, err = process.communicate(timeout=60)

    assert process.returncode == 143
    assert out.endswith(f"saved {path}\n")
    assert re.fullmatch(r"ffnn: terminated after \d+ of 1,000,000 epochs\n", err)
    assert ffnn.load_model(path).position() is not None


class InterruptInBatch(Callback):
    def __init__(self, number):
        self.number = number

    def on_train_batch_end(self, batch, logs):
        if batch + 1 == self.number:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupted_model_has_made_just_the_batches_so_far(run, tmp_path, monkeypatch):
    monkeypatch.setattr("ffnn.cli.train._callbacks", lambda args: [InterruptInBatch(4)])
    code, out, err = run("train", "digits", "--out", tmp_path / "m.h5")

    assert code == 130
    assert out.endswith(f"saved {tmp_path / 'm.h5'}\n")
    assert err == "ffnn: interrupted after 0 of 20 epochs\n"
    assert ffnn.load_model(tmp_path / "m.h5").optimizer.iterations == 4


def test_an_interrupted_training_goes_on_as_if_it_never_stopped(run, tmp_path, monkeypatch):
    straight, path = tmp_path / "straight.h5", tmp_path / "m.h5"
    options = ("--epochs", 4, "--validation-split", 0.2, "--patience", 2, "--dropout", 0.2)
    monkeypatch.setattr("ffnn.cli.train._callbacks", lambda args: [InterruptInBatch(0)])
    run("train", "digits", *options, "--out", straight)
    monkeypatch.setattr("ffnn.cli.train._callbacks", lambda args: [InterruptInBatch(5)])
    assert run("train", "digits", *options, "--out", path)[0] == 130

    monkeypatch.setattr("ffnn.cli.train._callbacks", lambda args: [InterruptInBatch(0)])
    code, out, _ = run("train", "digits", *options, "--out", path, "--resume")

    assert code == 0
    assert f"resuming from {path}\n" in out
    np.testing.assert_array_equal(
        ffnn.load_model(path).parameters, ffnn.load_model(straight).parameters
    )


def test_resume_begins_anew_where_there_is_no_file_yet(run, tmp_path):
    options = ("train", "digits", "--epochs", 2, "--quiet", "--save-every", 1)
    assert run(*options, "--out", tmp_path / "m.h5", "--resume")[0] == 0

    code, _, err = run(*options, "--out", tmp_path / "m.h5", "--resume", "--batch-size", 7)

    assert code == 2
    assert "batch_size=32, now it is 7" in err
    code, _, err = run("train", "digits", "--resume")
    assert (code, err) == (2, "ffnn: error: --resume and --save-every need --out FILE\n")


def test_an_interrupt_without_out_saves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ffnn.cli.train._callbacks", lambda args: [InterruptInBatch(1)])
    code, out, _ = run("train", "digits")

    assert code == 130
    assert "saved" not in out
    assert list(tmp_path.iterdir()) == []


def test_train_mnist_ends_with_the_accuracy_of_the_test_rows(run):
    folder = os.environ.get("FFNN_DATA_DIR", "FFNN_DATA_DIR is not set")
    if not list(Path(folder).glob("**/t10k-images-idx3-ubyte*")):
        pytest.skip(f"MNIST is not in {folder}; name its folder in FFNN_DATA_DIR")
    options = ("--hidden", 32, "--epochs", 1, "--batch-size", 128, "--data-dir", folder)
    code, out, _ = run("train", "mnist", *options)

    assert code == 0
    assert out.startswith("mnist: 60,000 training rows, 10,000 test rows, 784 columns, 10 classes")
    assert "Rescaling(0.0039215" in out  # 1/255
    assert last_number(out, "test accuracy") > 0.85


def test_mnist_that_is_not_there_is_2(run, tmp_path):
    code, _, err = run("train", "mnist", "--data-dir", tmp_path)

    assert code == 2
    assert_one_line(err, "train-images-idx3-ubyte", "name no folder")


# -- tables ------------------------------------------------------------------------------------


def test_classes_of_a_csv_file_come_back_by_name(run, tmp_path, flowers):
    model_path, new = tmp_path / "m.h5", tmp_path / "new.csv"
    code, out, _ = run("train", flowers, "--out", model_path, "--epochs", 60)
    assert code == 0
    assert out.startswith("flowers.csv: 120 training rows, 30 test rows, 2 columns, 3 classes\n")
    assert "classes of 'name': säte, small, tall, wide\n" in out
    assert last_number(out, "test accuracy") == 1.0

    model = ffnn.load_model(model_path)
    assert model.class_names == ["säte, small", "tall", "wide"]
    assert model.feature_names == ["width", "height"]

    # columns in another order, one more among them, no target
    fresh = flower_rows(30, seed=77)
    write_csv(new, ["height", "colour", "width"], [[h, "red", w] for w, h, _ in fresh])
    code, out, err = run("predict", model_path, new)
    header, *rows = csv.reader(out.splitlines())
    assert (code, err) == (0, "")
    assert header == ["class", "probability"]
    assert [name for name, _ in rows] == [name for *_, name in fresh]
    p = model.predict([[w, h] for w, h, _ in fresh])
    np.testing.assert_allclose([float(p) for _, p in rows], p.max(axis=1), atol=1e-6)

    mixed = [[h, name, w] for w, h, name in fresh]
    write_csv(new, ["height", "name", "width"], mixed)
    code, out, _ = run("evaluate", model_path, new)
    assert code == 0
    assert out.startswith("new.csv: 30 rows\ntest loss: ")
    assert last_number(out, "test accuracy") == 1.0


def test_scaling_is_learned_from_the_training_rows_alone(run, tmp_path, flowers):
    x = np.array([row[:2] for row in flower_rows()], dtype=float)
    options = ("--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    def scaling():
        return ffnn.load_model(tmp_path / "m.h5").layers[0].state

    run("train", flowers, "--test-split", 0, *options)
    np.testing.assert_allclose(scaling()["mean"], x.mean(axis=0))
    np.testing.assert_allclose(scaling()["variance"], x.var(axis=0))

    run("train", flowers, "--seed", 4, *options)  # rows are drawn as documented: 120 of them
    train = np.random.default_rng(4).permutation(150)[30:]
    np.testing.assert_allclose(scaling()["mean"], x[train].mean(axis=0))

    run("train", flowers, "--seed", 4, "--validation-split", 0.25, *options)
    np.testing.assert_allclose(scaling()["mean"], x[train[:90]].mean(axis=0))


def test_without_test_rows_the_training_rows_are_told(run, flowers):
    _, out, _ = run("train", flowers, "--test-split", 0, "--epochs", 1)

    assert out.startswith("flowers.csv: 150 training rows, 2 columns")
    last_number(out, "training accuracy")


def test_numbers_in_any_unit_are_learned_by_default(run, tmp_path, prices):
    code, out, _ = run("train", prices, "--out", tmp_path / "m.h5", "--epochs", 60)

    assert code == 0
    assert re.fullmatch(r"test mean squared error: [\d.e+]+", out.splitlines()[-2])
    assert last_number(out, "test r2") > 0.99
    write_csv(tmp_path / "new.csv", ["age", "area"], [[3, 50], [2, 60]])
    code, out, _ = run("predict", tmp_path / "m.h5", tmp_path / "new.csv")
    header, *rows = out.splitlines()
    assert header == "prediction"
    # by the formula 200,000 and 250,000; their standard deviation is about 63,000
    np.testing.assert_allclose([float(row) for row in rows], [200_000, 250_000], atol=10_000)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_gradient_descent_learns_numbers_in_any_unit(run, prices, loss):
    _, out, _ = run("train", prices, "--optimizer", "sgd", "--loss", loss, "--epochs", 60)

    assert last_number(out, "test r2") > 0.9


def test_scores_of_numbers_are_in_their_own_unit(run, tmp_path, prices):
    run("train", prices, "--out", tmp_path / "m.h5", "--epochs", 5, "--quiet")
    _, out, _ = run("evaluate", tmp_path / "m.h5", prices)

    table = np.loadtxt(prices, delimiter=",", skiprows=1)
    p = ffnn.load_model(tmp_path / "m.h5").predict(table[:, :2])[:, 0].astype(float)
    mse = ((p - table[:, 2]) ** 2).mean()
    assert last_number(out, "test r2") == pytest.approx(1 - mse / table[:, 2].var(), abs=1e-4)
    assert out.splitlines()[1] == f"test mean squared error: {mse:.6g}"


def test_whole_numbers_are_classes_if_they_are_few(run, tmp_path):
    def train(labels, *options):
        path = write_csv(tmp_path / "d.csv", ["a", "b"], [[i, y] for i, y in enumerate(labels)])
        code, out, err = run("train", path, "--epochs", 1, "--test-split", 0, *options)
        assert (code, err) == (0, "")
        return out

    few = [7, 3, -2, 3] * 10
    assert "classes of 'b': -2, 3, 7 (to learn it as a number: --task regression)" in train(few)
    assert "target 'b': numbers from -2 to 7" in train(few, "--task", "regression")
    many = list(range(21)) * 2
    assert "target 'b': numbers from 0 to 20" in train(many)
    assert "21 classes" in train(many, "--task", "classification")
    assert "target 'b': numbers" in train([0.5, 1.5] * 10)


def test_numeric_class_labels_are_kept_as_they_are_written(run, tmp_path):
    rows = [[i % 3 * 5 + i / 100, (9, 10, 4)[i % 3]] for i in range(60)]
    path, model = write_csv(tmp_path / "d.csv", ["a", "b"], rows), tmp_path / "m.h5"
    run("train", path, "--out", model, "--epochs", 100, "--quiet")

    assert ffnn.load_model(model).class_names == ["4", "9", "10"]
    _, out, _ = run("predict", model, path)
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == [str(y) for _, y in rows]
    _, out, _ = run("evaluate", model, path)
    assert last_number(out, "test accuracy") == 1.0
    write_csv(path, ["a", "b"], [[1, 9], [1, 5]])
    code, _, err = run("evaluate", model, path)
    assert code == 2
    assert_one_line(err, "4, 9, 10", "got 5")


def test_two_classes_are_a_softmax_of_two(run, tmp_path):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[i, "yn"[i > 20]] for i in range(40)])
    code, *_ = run("train", path, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    model = ffnn.load_model(tmp_path / "m.h5")
    assert code == 0
    assert (model.output_dim, type(model.loss).__name__) == (2, "CategoricalCrossentropy")


def test_columns_can_be_chosen(run, tmp_path):
    rows = [[f"n{i}", name, w, h] for i, (w, h, name) in enumerate(flower_rows())]
    path = write_csv(tmp_path / "d.csv", ["id", "kind", "w", "h"], rows)
    options = ("--target", "kind", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    code, *_ = run("train", path, "--exclude", "id", *options)

    assert code == 0
    assert ffnn.load_model(tmp_path / "m.h5").feature_names == ["w", "h"]
    code, _, err = run("train", path, *options)
    assert code == 2
    assert_one_line(err, "line 2, column 'id'", "'n0'", "out of the features")
    code, _, err = run("train", path, "--exclude", "idd", *options)
    assert code == 2
    assert_one_line(err, "'idd'", "did you mean 'id'", "id, kind, w, h")
    code, _, err = run("evaluate", tmp_path / "m.h5", path)
    assert code == 2
    assert_one_line(err, "--target", "id, kind")
    assert run("evaluate", tmp_path / "m.h5", path, "--target", "kind")[0] == 0


def test_another_delimiter_can_be_named(run, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a\tb\n1\tx\n2\ty\n3\tx\n4\ty\n", encoding="utf-8")

    assert run("train", path, "--delimiter", "tab", "--epochs", 1, "--quiet")[0] == 0
    code, _, err = run("train", path)
    assert code == 2
    assert_one_line(err, "the delimiter of the file")


def test_one_row_and_a_batch_larger_than_the_data_work(run, tmp_path):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[1, 2.5]])
    code, out, _ = run("train", path, "--epochs", 1)

    assert code == 0
    assert out.startswith("d.csv: 1 training row, 1 column\n")
    assert last_number(out, "training r2") == 1.0  # the offset is the one target


BAD_TABLES = {
    "ragged": ("a,b\n1,x\n2,y,3\n", ["line 3", "expected 2 fields", "got 3"]),
    "text among numbers": (
        "a,b\n1,x\nred,y\n",
        ["line 3", "column 'a'", "'red'", "out of the features"],
    ),
    "infinity": ("a,b\n1,x\ninf,y\n", ["line 3", "column 'a'", "finite"]),
    "missing value": ("a,b\n1,x\n,y\n", ["line 3", "column 'a'", "drop such rows"]),
    "mixed target": ("a,b\n1,2\n2,y\n", ["line 3", "column 'b'", "'y'"]),
    "no rows": ("a,b\n", ["rows below the header"]),
    "empty": ("", ["empty file"]),
    "no header": ("1,2\n3,4\n", ["line 1", "header"]),
    "one class": ("a,b\n1,x\n2,x\n", ["two or more classes", "'x'", "--target"]),
    "one column": ("a\n1\n", ["feature columns"]),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_2_with_line_and_column(run, tmp_path, name):
    text, parts = BAD_TABLES[name]
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")

    code, out, err = run("train", path)

    assert (code, out) == (2, "")
    assert_one_line(err, "bad.csv", *parts)
    for argument in ("feature_names", "class_names", "missing="):
        assert argument not in err


def test_rows_that_lack_a_value_can_be_dropped(run, tmp_path):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[1, "x"], ["NA", "y"], [3, "y"], [4, "x"]])
    _, out, _ = run("train", path, "--missing", "drop", "--epochs", 1, "--test-split", 0)

    assert out.startswith("d.csv: 3 training rows")


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
@pytest.mark.parametrize("suffix", [".csv", ".npz", ".h5"])
def test_a_missing_data_file_is_2(run, tmp_path, digits_model, command, suffix):
    model = [] if command == "train" else [digits_model]
    code, out, err = run(command, *model, tmp_path / f"none{suffix}")

    assert (code, out) == (2, "")
    assert_one_line(err, f"none{suffix}", "no such file")


def test_an_unknown_column_is_2(run, tmp_path, flowers):
    code, _, err = run("train", flowers, "--target", "nmae")

    assert code == 2
    assert_one_line(err, "'nmae'", "did you mean 'name'", "'width'")


def test_text_cannot_be_learned_as_a_number(run, flowers):
    code, _, err = run("train", flowers, "--task", "regression")

    assert code == 2
    assert_one_line(err, "--task regression", "'name'")


def test_data_that_does_not_fit_the_model_is_2(run, tmp_path, flowers, digits_model):
    run("train", flowers, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    new = write_csv(tmp_path / "new.csv", ["width", "hieght"], [[1, 2]])

    code, _, err = run("predict", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "'height'", "did you mean 'hieght'")
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    code, _, err = run("evaluate", tmp_path / "m.h5", "digits")
    assert code == 2
    assert_one_line(err, "2 features", "(360, 64)")
    write_csv(new, ["width", "height", "name"], [[1, 2, "tall"], [1, 2, "tal"]])
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "line 3", "'tal'", "did you mean 'tall'")
    write_csv(new, ["height", "width"], [[1, 2]])
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "target", "there is none")


# -- arrays ------------------------------------------------------------------------------------


def save_arrays(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return path


def blobs(count, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    return rng.normal(size=(count, 3)) + 6.0 * y[:, None], y


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_of_arrays_are_trained_tested_and_predicted(run, tmp_path, suffix):
    (x, y), (x_test, y_test) = blobs(200), blobs(20, seed=1)
    path = save_arrays(
        tmp_path / f"d{suffix}", x_train=x, y_train=y + 5, x_test=x_test, y_test=y_test + 5
    )
    code, out, err = run("train", path, "--epochs", 30, "--out", tmp_path / "m.h5")

    assert (code, err) == (0, "")
    assert f"d{suffix}: 200 training rows, 20 test rows, 3 columns, 2 classes" in out
    assert last_number(out, "test accuracy") == 1.0
    assert ffnn.load_model(tmp_path / "m.h5").class_names == ["5", "6"]
    assert last_number(run("evaluate", tmp_path / "m.h5", path)[1], "test accuracy") == 1.0
    rows = run("predict", tmp_path / "m.h5", path)[1].splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == (y_test + 5).tolist()
    alone = save_arrays(tmp_path / f"x{suffix}", x=x_test)
    assert run("predict", tmp_path / "m.h5", alone)[1].splitlines()[1:] == rows


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_without_test_rows_are_split(run, tmp_path, suffix):
    x, y = blobs(100)
    _, out, _ = run("train", save_arrays(tmp_path / f"d{suffix}", x=x, y=y), "--epochs", 1)

    assert f"d{suffix}: 80 training rows, 20 test rows" in out


def test_images_of_bytes_become_rows_scaled_by_255(run, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 5), dtype=np.uint8)
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.arange(30) % 2)
    _, out, _ = run("train", path, "--epochs", 1)

    assert "24 training rows, 6 test rows, 20 columns" in out
    assert "Rescaling(0.0039215" in out


def test_one_hot_rows_are_classes(run, tmp_path):
    x, y = blobs(100)
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.eye(2)[y])
    code, out, _ = run("train", path, "--epochs", 30)

    assert code == 0
    assert last_number(out, "test accuracy") == 1.0


def test_several_numbers_are_learned_at_once(run, tmp_path):
    x, _ = blobs(100)
    path = save_arrays(tmp_path / "d.npz", x=x, y=x[:, :2] * 10)
    code, out, _ = run("train", path, "--epochs", 60, "--out", tmp_path / "m.h5")

    assert code == 0
    assert last_number(out, "test r2") > 0.9
    out = run("predict", tmp_path / "m.h5", path)[1]
    assert out.splitlines()[0] == "prediction_0,prediction_1"


def test_the_label_column_left_in_x_is_noticed(run, tmp_path):
    x, y = blobs(40)
    path = save_arrays(tmp_path / "d.npz", x=x, y=y)
    run("train", path, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    save_arrays(path, x=np.column_stack([x, y]), y=y)
    code, _, err = run("evaluate", tmp_path / "m.h5", path)

    assert code == 2
    assert_one_line(err, "3 features", "(40, 4)", "label column")


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"x": np.array([["a", "b"]]), "y": np.array([0])}, ["numbers"]),
        ({"x": np.ones((2, 2)), "y": np.array(["a", "b"])}, ["numbers"]),
        ({"x": np.ones((2, 2)), "y": np.arange(3)}, ["2", "3"]),
        ({"x": np.ones((2, 2))}, ["y"]),
        ({"x": np.array([[1.0, np.nan], [0, 1]] * 2), "y": np.arange(4)}, ["nan", "column 1"]),
        ({"x": np.ones((2, 2)), "y": np.array([0.5, np.nan])}, ["nan"]),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, ["no rows"]),
    ],
)
def test_bad_arrays_are_2(run, tmp_path, arrays, parts):
    path = save_arrays(tmp_path / "d.npz", **arrays)
    code, out, err = run("train", path, "--quiet", "--test-split", 0)

    assert (code, out) == (2, "")
    assert_one_line(err, *parts)


def test_labels_that_are_no_whole_numbers_are_no_classes(run, tmp_path):
    path = save_arrays(tmp_path / "d.npz", x=np.ones((2, 2)), y=np.array([0.5, 1.5]))
    code, _, err = run("train", path, "--task", "classification")

    assert code == 2
    assert_one_line(err, "integers", "0.5")


# -- saved models ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["evaluate", "predict", "summary", "gradcheck"])
def test_a_bad_model_file_is_4(run, tmp_path, digits_model, command):
    content = digits_model.read_bytes()
    cut, other = tmp_path / "cut.h5", tmp_path / "other.h5"
    cut.write_bytes(content[: len(content) // 2])
    save_arrays(other, x=np.ones(3))
    data = ["digits"] if command in ("evaluate", "predict") else []

    for path in (cut, other, tmp_path / "none.h5"):
        code, out, err = run(command, path, *data)

        assert (code, out) == (4, "")
        assert_one_line(err, path.name)


def test_evaluate_digits_gives_what_train_gave(run, tmp_path):
    trained = run("train", "digits", "--epochs", 2, "--quiet", "--out", tmp_path / "m.h5")[1]
    code, out, _ = run("evaluate", tmp_path / "m.h5", "digits")

    assert code == 0
    assert out == f"digits: 360 rows\n{trained}"


def test_predict_digits_writes_the_test_rows(run, digits_model, tmp_path):
    code, out, _ = run("predict", digits_model, "digits")

    _, (x, _) = ffnn.datasets.load_digits()
    p = ffnn.load_model(digits_model).predict(x)
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert code == 0
    assert header == ["class", "probability"]
    assert [int(row[0]) for row in rows] == p.argmax(axis=1).tolist()
    assert run("predict", digits_model, "digits", "--out", tmp_path / "p.csv") == (0, "", "")
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == out


def test_predict_never_overwrites_what_it_reads(run, tmp_path, flowers):
    model = tmp_path / "m.h5"
    run("train", flowers, "--epochs", 1, "--quiet", "--out", model)

    for out in (flowers, model):
        before = out.read_bytes()
        code, _, err = run("predict", model, flowers, "--out", out)

        assert code == 2
        assert_one_line(err, "is read")
        assert out.read_bytes() == before


def test_a_model_of_yes_and_no_tells_the_class(run, tmp_path):
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=1)
    model.layers[0].params["weight"][...] = 1.0
    model.compile("sgd", "binary_crossentropy")
    model.save(tmp_path / "m.h5")
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[0.5, 1], [-2, 0]])
    new = write_csv(tmp_path / "new.csv", ["a"], [[0.5], [-2]])

    # 1 / (1 + exp(-0.5)) = 0.622459; 1 - 1 / (1 + exp(2)) = 0.880797
    assert (
        run("predict", tmp_path / "m.h5", new)[1] == "class,probability\n1,0.622459\n0,0.880797\n"
    )
    out = run("evaluate", tmp_path / "m.h5", path)[1]
    # the mean of -ln 0.622459 = 0.474077 and -ln 0.880797 = 0.126928
    assert out == "d.csv: 2 rows\ntest loss: 0.3005\ntest accuracy: 1.0000\n"

    assert run("gradcheck", tmp_path / "m.h5", "--rows", 200)[0] == 0

    model.class_names = ["7", "3"]  # in the model's order, whatever it is
    model.save(tmp_path / "m.h5")
    write_csv(path, ["a", "b"], [[0.5, 3], [-2, 7]])
    assert (
        run("predict", tmp_path / "m.h5", new)[1] == "class,probability\n3,0.622459\n7,0.880797\n"
    )
    out = run("evaluate", tmp_path / "m.h5", path)[1]
    assert out == "d.csv: 2 rows\ntest loss: 0.3005\ntest accuracy: 1.0000\n"


@pytest.mark.parametrize("command", [["evaluate", "digits"], ["gradcheck"]])
def test_a_model_without_a_loss_cannot_be_tested(run, tmp_path, command):
    ffnn.Sequential([Dense(10, "softmax")], input_dim=64).save(tmp_path / "m.h5")
    code, _, err = run(command[0], tmp_path / "m.h5", *command[1:])

    assert code == 4
    assert_one_line(err, "m.h5", "compile")


def test_summary_tells_layers_training_and_names(run, tmp_path, flowers):
    run("train", flowers, "--epochs", 2, "--quiet", "--out", tmp_path / "m.h5")
    code, out, _ = run("summary", tmp_path / "m.h5")

    assert code == 0
    assert "Dense(3, activation=Softmax())" in out
    assert "2 inputs, 771 trainable parameters" in out  # 2·128 + 128 + 128·3 + 3
    assert "loss: categorical_crossentropy\n" in out
    assert "optimizer: Adam(), 8 updates made\n" in out  # 120 rows in batches of 32, twice
    assert "classes: säte, small, tall, wide\ncolumns: width, height\n" in out
    assert re.search(r"^epoch 2: loss \d\.\d{4}, accuracy \d\.\d{4}$", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--normalization", "batch", "--dropout", "0.3", "--l1", "0.01", "--l2", "0.01"],
        ["--activation", "gelu", "--normalization", "layer"],
        ["--loss", "bce"],
        ["--task", "regression", "--loss", "huber"],
    ],
    ids=" ".join,
)
def test_gradcheck_agrees(run, tmp_path, options):
    x, y = blobs(60)
    path, model = save_arrays(tmp_path / "d.npz", x=x * 1000, y=y), tmp_path / "m.h5"
    small = ("--hidden", 4, "--epochs", 2, "--quiet")
    assert run("train", path, *options, *small, "--out", model)[0] == 0

    for data in ([], [path]):
        code, out, err = run("gradcheck", model, *data, "--entries", "all", "--rows", 5)

        assert (code, err) == (0, "")
        assert re.search(r"^dense_1 +weight +12 +\d+ ", out, re.MULTILINE)
        assert out.splitlines()[-1].startswith("worst relative error: ")


def test_gradcheck_of_pixels_checks_as_many_entries_as_asked(run, digits_model):
    code, out, _ = run("gradcheck", digits_model, "--entries", 7)
    again = run("gradcheck", digits_model, "--entries", 7)[1]

    assert code == 0
    assert re.search(r"^dense_1 +weight +8,192 +\d +\d +", out, re.MULTILINE)
    assert out == again


def test_gradcheck_of_a_wrong_gradient_is_1(run, digits_model, monkeypatch):
    right = Dense.linear_backward

    def wrong(self, dz):
        result = right(self, dz)
        self._grads["bias"] *= 1.001
        return result

    monkeypatch.setattr(Dense, "linear_backward", wrong)
    code, out, err = run("gradcheck", digits_model)

    assert code == 1
    assert "dense_1" in out
    assert_one_line(err, "do not agree")


# -- info --------------------------------------------------------------------------------------


def test_info_tells_versions_threads_and_where_mnist_is(run, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path))
    code, out, err = run("info")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"ffnn {ffnn.__version__}"
    assert f"numpy {np.__version__}" in lines
    assert f"h5py {h5py.__version__}" in lines
    assert "OMP_NUM_THREADS: 3" in lines
    assert "MKL_NUM_THREADS: not set" in lines
    assert f"CPUs: {os.cpu_count()}" in lines
    assert f"MNIST: {tmp_path} (not there)" in lines
    assert any(line.startswith("BLAS: ") for line in lines)


def test_info_tells_what_is_not_installed(run, monkeypatch):
    from importlib import metadata

    def version(name):
        if name == "scipy":
            raise metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    code, out, _ = run("info")

    assert code == 0
    assert "scipy: not installed\n" in out
    assert "h5py 1.2.3\n" in out
    assert "threadpoolctl is not installed" in out


def test_info_tells_the_threads_in_use(run):
    pytest.importorskip("threadpoolctl")
    _, out, _ = run("info")

    for name, number in blas_libraries().items():
        assert f"  {name}: {number} thread{'' if number == 1 else 's'}\n" in out


def test_info_tells_when_the_threads_are_not_known(run, monkeypatch):
    monkeypatch.setattr("ffnn.cli.commands.blas_libraries", dict)
    _, out, _ = run("info")

    assert "threads: not known, threadpoolctl does not know this library" in out


# -- threads -----------------------------------------------------------------------------------


@pytest.fixture
def threads_seen(monkeypatch):
    """Note the number of threads that the networks of the command line compute with."""
    pytest.importorskip("threadpoolctl")
    seen = set()

    def watch(name, method):
        def watched(*args, **options):
            seen.add(get_num_threads())
            return method(*args, **options)

        monkeypatch.setattr(ffnn.Sequential, name, watched)

    for name in ("fit", "evaluate", "predict"):
        watch(name, getattr(ffnn.Sequential, name))
    return seen


def test_threads_hold_for_the_command_alone(run, tmp_path, threads_seen):
    model = tmp_path / "model.h5"
    with limit_threads(2):
        before = get_num_threads()
        train = ("train", "digits", "--epochs", "1", "--hidden", "4", "--quiet", "--out", model)
        assert run(*train, "--threads", "1")[0] == 0
        assert run("evaluate", model, "digits", "--threads", "1")[0] == 0
        assert run("predict", model, "digits", "--threads", "1")[0] == 0

        assert threads_seen == {1}
        assert get_num_threads() == before


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many"])
def test_a_wrong_number_of_threads(run, number):
    code, _, err = run("train", "digits", "--threads", number)

    assert code == 2
    assert_one_line(err, "--threads", "an integer of at least 1", number)


def test_threads_without_threadpoolctl(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    code, out, err = run("train", "digits", "--threads", "1")

    assert (code, out) == (2, "")
    assert_one_line(err, "--threads: ", "ffnn[threads]", "OPENBLAS_NUM_THREADS")
