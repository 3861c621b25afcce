"""Options are refused where they have no meaning."""

import argparse
import itertools
from argparse import Namespace
from unittest.mock import Mock

import numpy as np
import pytest

import ffnn
from ffnn.cli import commands, play, train
from ffnn.cli.misplaced import _RULES, choose_preset, refuse_misplaced
from ffnn.cli.parser import build_parser

(_SUBPARSERS,) = build_parser()._subparsers._group_actions
COMMANDS = {name: child._actions for name, child in _SUBPARSERS.choices.items()}
KINDS = ["digits", "mnist", "csv", "npz", "h5"]
PLAIN = ["--preset", "plain"]
CASES = [
    (name, kind)
    for name, actions in COMMANDS.items()
    for kind in (*KINDS, None)
    if any(a.dest == "data" and (kind or a.nargs == "?") for a in actions)
]


NO_NAMES = ["", ".", "..", "q.h5/", "a/.", "a/..", "g.svg/", "a\0b", "\ud800"]


def options_of(command):
    """Return the options of a command and the names of their values."""
    options = {a.option_strings[-1]: a.dest for a in COMMANDS[command] if a.option_strings}
    del options["--help"]
    return options


def is_refused(args, option):
    args.given = {option}
    try:
        refuse_misplaced(args)
    except argparse.ArgumentTypeError:
        return True
    return False


class Watched(argparse.Namespace):
    """Parsed options that know which of them were read."""

    def __getattribute__(self, name):
        read = object.__getattribute__(self, "__dict__").setdefault("read", set())
        read.add(name)
        return object.__getattribute__(self, name)


@pytest.fixture
def paths(tmp_path, monkeypatch, write_csv, save_arrays):
    """Return DATA of each kind, all of the same rows and columns, and a model of them."""
    x, y = np.tile(np.arange(64) % 16, (40, 1)) / 16.0, np.arange(40) % 10
    x[::2] = x[::2, ::-1]
    rows = [*((x * 16).astype(np.uint8), y)] * 2
    pairs = (rows[0], rows[1]), (rows[2], rows[3])
    monkeypatch.setattr(ffnn.datasets, "load_mnist", lambda folder: pairs)
    header = [f"c{i}" for i in range(64)] + ["label"]
    model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], input_dim=64, seed=0)
    model.compile("sgd", "cce")
    model.feature_names = header[:-1]
    model.save(tmp_path / "m.h5")
    return {
        "digits": "digits",
        "mnist": "mnist",
        "csv": write_csv(tmp_path / "d.csv", header, np.column_stack([x, y.astype(int)])),
        "npz": save_arrays(tmp_path / "d.npz", x=x, y=y),
        "h5": save_arrays(tmp_path / "d.h5", x=x, y=y),
        "model": tmp_path / "m.h5",
        "out": tmp_path / "out.html",
    }


@pytest.mark.parametrize(
    ("command", "kind", "preset"), [*((*case, []) for case in CASES), ("train", "csv", PLAIN)]
)
def test_an_option_is_either_used_or_refused(command, kind, preset, paths, monkeypatch):
    monkeypatch.setattr(play, "Page", lambda *args, **options: Mock())  # which stays until Ctrl-C
    options = options_of(command)
    needed = {"train": ["--epochs", 1], "play": []}
    given = [command, *needed.get(command, [paths["model"]])]
    given += [paths[kind]] if kind else []
    given += ["--out", paths["out"]] if "--out" in options else []
    args = build_parser().parse_args(
        [str(text) for text in [*given, *preset]], Namespace(began=0, loading=0.0, rank=0)
    )
    choose_preset(args)
    args.ensemble = 1  # which each of the options for a single network means
    refused = {option for option in options if is_refused(args, option)}
    watched = Watched(**vars(args))
    watched.read.clear()

    module = {"play": play, "train": train}.get(command, commands)
    getattr(module, command)(watched)

    # Which are read before a command begins.
    used = watched.read | {"threads", "preset", "distributed"}
    assert {option for option, name in options.items() if name not in used} == refused


def test_every_rule_is_of_an_option():
    known = {option for command in COMMANDS for option in options_of(command)}
    assert {option for rule in _RULES for option in rule.options} <= known


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (
            "train digits --target name",
            ["--target names columns of a table, such as a CSV file; digits is"],
        ),
        ("train digits --only name", ["--only names columns"]),
        ("train digits --kind name=text", ["--kind names columns"]),
        ("train no.npz --encoding latin-1", ["--encoding says how to read a table"]),
        ("train no.npz --decimal ,", ["--decimal says how to read a table"]),
        ("train no.npz --no-header", ["--no-header", "lines of text", "no.npz is none"]),
        ("train no.parquet --no-header", ["--no-header", "lines of text", "no.parquet is none"]),
        ("train no.json.gz --delimiter ;", ["--delimiter", "lines of text", "no.json.gz is none"]),
        ("train digits --exclude name", ["--exclude names columns"]),
        ("train digits --delimiter ;", ["--delimiter", "CSV", "digits"]),
        ("train digits --missing=error", ["--missing", "CSV", "digits"]),
        ("train mnist --test-split 0.2", ["--test-split", "mnist has test rows of its own"]),
        ("train digits --data-dir .", ["--data-dir says where MNIST is; digits is not mnist"]),
        ("train digits --hidden none --activation relu", ["--activation", "--hidden none"]),
        ("train digits --hidden none --normalization batch", ["--normalization", "hidden"]),
        ("train digits --hidden none --dropout 0.1", ["--dropout", "--hidden none"]),
        ("train digits --resume", ["--resume needs --out FILE"]),
        ("train digits --save-every 2", ["--save-every needs --out FILE"]),
        ("evaluate no.h5 digits --target name", ["--target", "CSV"]),
        ("predict no.h5 no.npz --missing drop", ["--missing", "CSV", "no.npz"]),
        ("diagnose no.h5 no.csv --data-dir .", ["--data-dir", "no.csv is not mnist"]),
        ("gradcheck no.h5 --target name", ["--target", "no DATA is none"]),
        ("gradcheck no.h5 --data-dir .", ["--data-dir", "MNIST"]),
        ("gradcheck no.h5 digits --entries all --seed 1", ["--seed", "nothing to draw"]),
        ("plot no.h5 curves --layers 0", ["--layers", "weights and gradients"]),
    ],
)
def test_a_misplaced_option_is_2_before_anything_is_read(run, args, parts, assert_one_line):
    code, out, err = run(*args.split())

    assert (code, out) == (2, "")
    assert_one_line(err, *parts)


@pytest.mark.parametrize(
    ("command", "option", "out"),
    [
        *itertools.product(
            ["train no.csv", "predict no.h5 no.csv", "graph no.h5"], ["--out"], NO_NAMES
        ),
        ("plot no.h5", "--out-dir", ""),
    ],
)
def test_an_output_without_a_name_is_2_before_anything_is_read(
    run, command, option, out, assert_one_line, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, shown, err = run(*command.split(), option, out)

    assert (code, shown) == (2, "")
    assert_one_line(err, f"{option}: expected the path of a ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["graph", "plot", "summary"])
@pytest.mark.parametrize(("model", "code"), [("", 2), (".", 4), ("..", 4), ("a/..", 4)])
def test_a_model_without_a_name_is_refused(run, command, model, code, assert_one_line):
    result, out, err = run(command, model)

    assert (result, out) == (code, "")
    assert_one_line(err)


def test_a_share_of_rows_with_test_rows_of_their_own_is_2(run, tmp_path, save_arrays, blobs):
    (x, y), (x_test, y_test) = blobs(40), blobs(20, seed=1)
    path = save_arrays(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    code, out, err = run("train", path, "--test-split", "0.5")

    assert (code, out) == (2, "")
    assert "--test-split" in err
    assert "20 test rows of its own" in err


def test_options_that_have_a_meaning_pass(run, digits_model, tmp_path):
    assert run("info", "--data-dir", tmp_path)[0] == 0
    assert run("gradcheck", digits_model, "--seed", 1, "--entries", 4)[0] == 0
    assert run("gradcheck", digits_model, "digits", "--seed", 1, "--entries", 4)[0] == 0
    assert run("plot", digits_model, "weights", "--layers", 1, "--out-dir", tmp_path)[0] == 0


def test_the_values_of_options_are_not_taken_for_options():
    args = build_parser().parse_args(["train", "digits", "--target=--resume", "--quiet"])

    assert args.given == {"--target", "--quiet"}
