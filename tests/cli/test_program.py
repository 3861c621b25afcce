"""The command as a program: its help, wrong usage, and how it ends."""

import os
import re
import subprocess
import sys

import pytest

import ffnn

COMMANDS = ("train", "evaluate", "predict", "report", "summary", "gradcheck", "info")


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


def test_module_and_program_are_the_same(run_process):
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
        (["train", "cifar"], ["'cifar'", "digits, mnist", ".csv, ", ".npz, .npy or .h5"]),
        (["train", "rows.png"], ["'rows.png'", "digits, mnist"]),
        (["train", "rows.npz.gz"], ["'rows.npz.gz'", "digits, mnist"]),
        (["train", "d.csv", "--kind", "zip"], ["--kind", "NAME=KIND", "'zip'"]),
        (
            ["train", "d.csv", "--kind", "a=b=categry"],
            ["'categry'", "did you mean 'category'", "number"],
        ),
        (["train", "d.csv", "--encoding", "utf-9"], ["--encoding", "latin-1", "'utf-9'"]),
        (["train", "d.csv", "--decimal", ";"], ["--decimal", "';'"]),
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
        (["train", "digits", "--loss", "poisson"], ["for classes", "categorical_crossentropy"]),
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
def test_wrong_usage_is_2_and_one_line(run, args, parts, assert_one_line):
    code, out, err = run(*args)

    assert (code, out) == (2, "")
    assert_one_line(err, *parts)


def test_wrong_usage_in_a_process_shows_no_traceback(run_process, assert_one_line):
    code, out, err = run_process("train", "rows.png")

    assert (code, out) == (2, "")
    assert_one_line(err, "rows.png")


def test_unexpected_errors_are_1_and_shown_whole_on_demand(run, monkeypatch):
    def fail(args):
        raise ZeroDivisionError("a\nbug")

    monkeypatch.setattr("ffnn.cli.info.info", fail)
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

    monkeypatch.setattr("ffnn.cli.info.info", interrupt)

    assert run("info") == (130, "", "ffnn: interrupted\n")
