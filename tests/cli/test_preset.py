"""``ffnn train --preset table``: the network for tables, from the command line."""

import math
import re

import numpy as np
import pytest
from slow_machine import SlowMachine

import ffnn
from ffnn.cli import main
from ffnn.tabular import folds
from ffnn.tabular import recipe as rules


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train a smaller network, for a shorter time, and only one also of few rows."""
    monkeypatch.setattr(rules, "HIDDEN", (32, 32))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 40)
    monkeypatch.setattr(folds, "FEW_ROWS", 0)


@pytest.fixture
def path(tmp_path):
    rng, lines = np.random.default_rng(0), ["size,wood,code,kind,price"]
    for _ in range(300):
        size, wood, code = rng.normal(50, 10), rng.choice(["oak", "pine"]), rng.integers(20)
        kind = "large" if size > 50 else "small"
        price = 40 * size + 900 * (wood == "oak") + 10 * code
        lines.append(
            f"{'' if rng.random() < 0.1 else f'{size:.2f}'},{wood},c{code},{kind},{price:.1f}"
        )
    file = tmp_path / "planks.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def run(capsys, *arguments):
    code = main(list(map(str, arguments)))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_numbers_are_learned_and_all_choices_are_told_and_kept(capsys, path, tmp_path):
    out = tmp_path / "m.h5"
    code, said, _ = run(capsys, "train", path, "--preset", "table", "--out", out)
    assert code == 0
    # 240 training rows, of which a tenth is for validation.
    assert (
        "features -> 32 + 32 units of mish -> 1 number\nat most 40 epochs of 1 batch of 216 rows"
        in said
    )
    assert float(said.split()[-1]) > 0.8
    assert max(map(len, said.partition("Epoch")[0].splitlines())) <= 80
    model = ffnn.load_model(out)
    assert [type(layer).__name__ for layer in model.layers[:4]] == [
        *("PiecewiseLinear", "PeriodicEmbedding", "Embedding", "Scale")
    ]
    score = run(capsys, "evaluate", out, path)[1]
    assert "on the 60 rows that it has not seen" in score


def test_classes_are_learned(capsys, path, tmp_path):
    out = tmp_path / "m.h5"
    arguments = "--preset", "table", "--target", "kind", "--exclude", "price", "--out", out
    code, said, _ = run(capsys, "train", path, *arguments)
    assert code == 0
    assert "units of selu -> 2 classes" in said
    assert ffnn.load_model(out).loss.label_smoothing == 0.1
    assert float(re.search(r"test accuracy: ([\d.]+)", said)[1]) > 0.85


def test_a_training_that_was_stopped_is_resumed_bit_for_bit(capsys, path, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.h5", tmp_path / "parts.h5"
    common = "train", path, "--preset", "table", "--quiet"
    run(capsys, *common, "--out", whole)
    save = ffnn.Sequential.save

    def save_and_stop(model, file, *more):
        save(model, file, *more)
        if len(model.history.epoch) == 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ffnn.Sequential, "save", save_and_stop)
        assert run(capsys, *common, "--out", parts, "--save-every", "10")[0] == 130
    assert len(ffnn.load_model(parts).history.epoch) == 10
    assert run(capsys, *common, "--out", parts, "--resume")[0] == 0
    one, other = ffnn.load_model(whole), ffnn.load_model(parts)
    np.testing.assert_array_equal(one.parameters, other.parameters)


def test_a_table_is_learned_by_the_network_for_tables_unless_another_is_described(
    capsys, path, tmp_path
):
    def first_layer(*options):
        out = tmp_path / "m.h5"
        code, said, error = run(capsys, "train", path, "--epochs", "2", "--out", out, *options)
        assert (code, error.startswith("ffnn: error")) == (0, False)
        return type(ffnn.load_model(out).layers[0]).__name__, said

    name, said = first_layer()
    assert name == "PiecewiseLinear"
    assert "--preset" not in said
    for options in (["--hidden", "4"], ["--batch-size=8", "--patience", "1"]):
        name, said = first_layer(*options)
        assert name == "Dense"
        given = ", ".join(sorted(o.split("=")[0] for o in options if o.startswith("--")))
        assert said.startswith(f"{given}: options of --preset plain, which is used\n")
    name, said = first_layer("--hidden", "4", "--quiet")
    assert "options of" not in said
    name, said = first_layer("--preset", "plain")
    assert name == "Dense"
    assert "options of" not in said


def test_other_shares_may_be_held_out(capsys, path):
    arguments = "train", path, "--epochs", "2", "--validation-split", "0.5"
    assert "1 batch of 120 rows" in run(capsys, *arguments)[1]


def test_too_few_rows_to_hold_some_out_are_refused(capsys, tmp_path):
    (tmp_path / "two.csv").write_text("a,b\n1,2.5\n2,3.5\n", encoding="utf-8")
    code, _, error = run(capsys, "train", tmp_path / "two.csv")
    assert code == 2
    assert "others to validate on, got 1 row; --preset plain needs no others" in error


def test_another_length_is_another_training(capsys, path, tmp_path):
    arguments = "train", path, "--out", tmp_path / "m.h5", "--quiet"
    assert run(capsys, *arguments, "--epochs", "2")[0] == 0
    code, _, error = run(capsys, *arguments, "--epochs", "4", "--resume")
    assert code == 2
    assert (
        "m.h5 holds a training of 2 epochs, which its learning rate follows, not of 4: gi" in error
    )
    assert "give --epochs 2" in error


def test_epochs_may_be_given(capsys, path):
    said = run(capsys, "train", path, "--preset", "table", "--epochs", "7")[1]
    assert "7 epochs of 1 batch" in said
    assert "trained 7 epochs" in said


def test_a_time_is_kept(capsys, path, monkeypatch):
    monkeypatch.setattr(rules, "MOST_EPOCHS", 100_000)
    monkeypatch.setattr(rules.Recipe, "waves", [])  # no training ends earlier
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    code, said, _ = run(capsys, "train", path, "--time", "20")
    assert code == 0
    assert 0.92 * 20.0 < machine.seconds < 0.98 * 20.0
    plan = r"at most 1\d\d epochs of 1 batch of 216 rows: 1\d\d updates, about 1\d s\n"
    assert re.search(plan, said)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", "64"], "--hidden is chosen by --preset table"),
        (["--learning-rate", "0.1"], "--learning-rate is chosen by --preset table"),
        (["--validation-split", "0"], "--validation-split must be above 0 with --preset table"),
        (["--time", "1e-4"], "--time: 0.0001 seconds are too short for one epoch of 1 network"),
        (["--time", "5", "--resume", "--out", "x.h5"], "--time is not for --resume"),
    ],
)
def test_what_does_not_go_together_is_refused(
    capsys, path, options, message, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, _, error = run(capsys, "train", path, "--preset", "table", *options)
    assert code == 2
    assert message in " ".join(error.split())
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits", "--preset", "table"], "--preset table is for tables"),
        (["digits", "--time", "5"], "--time is for --preset table"),
    ],
)
def test_other_data_has_no_preset(capsys, arguments, message):
    code, _, error = run(capsys, "train", *arguments)
    assert code == 2
    assert message in " ".join(error.split())


def test_the_summary_has_room_for_long_names(capsys, path, tmp_path):
    run(capsys, "train", path, "--preset", "table", "--epochs", "1", "--out", tmp_path / "m.h5")
    said = run(capsys, "summary", tmp_path / "m.h5")[1]
    line = next(line for line in said.splitlines() if line.startswith("parametric_activation_2"))
    assert line.split()[0] == "parametric_activation_2"
    assert max(map(len, said.splitlines())) <= 80
    assert math.isfinite(float(line.split()[-1].replace(",", "")))
