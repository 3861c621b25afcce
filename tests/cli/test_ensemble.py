"""``ffnn train --ensemble K``: several networks for a table in one file."""

import re
import signal

import numpy as np
import pytest
from slow_machine import SlowMachine

import ffnn
from ffnn.callbacks import Callback
from ffnn.layers import Average
from ffnn.models.averaging import members_of
from ffnn.tabular import recipe as rules


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train smaller networks, for a shorter time."""
    monkeypatch.setattr(rules, "HIDDEN", (16, 16))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 20)


@pytest.fixture
def kept(run, flowers, tmp_path):
    """Train three networks, and return the model's path and what was printed."""
    path = tmp_path / "m.h5"
    code, out, err = run("train", flowers, "--ensemble", 3, "--out", path)
    assert code == 0, err
    return path, out


def test_each_network_is_told_and_all_are_in_one_file(kept, last_number):
    path, out = kept
    # 120 training rows, of which each network sees two thirds.
    assert "at most 20 epochs of 1 batch of 80 rows: 20 updates, an estimated 1 s\n" in out
    assert "mean of 3 such networks, each validated on another of 3 parts: an estimated " in out
    lines = re.findall(
        r"^network (\d) of 3: \d+ epochs in [\d.]+ s, validation accuracy (.*)$", out, re.M
    )
    assert [number for number, _ in lines] == ["1", "2", "3"]
    assert all(0.9 < float(score) <= 1.0 for _, score in lines)
    lines = out.replace(str(path), "m.h5").partition("Epoch")[0].splitlines()
    assert max(map(len, lines)) <= 80
    assert last_number(out, "test accuracy") > 0.9
    model = ffnn.load_model(path)
    assert isinstance(model.layers[0], Average)
    assert model.loss.label_smoothing == 0.1
    assert len(members_of(model)) == 3


def test_the_file_predicts_the_mean_of_its_members(kept, run, flowers):
    path, _ = kept
    model = ffnn.load_model(path)
    mean = np.mean([member.predict(flowers) for member in members_of(model)], axis=0)
    np.testing.assert_allclose(model.predict(flowers), mean, atol=1e-6)
    header, *rows = run("predict", path, flowers)[1].splitlines()
    assert header == "class,probability"
    assert float(rows[4].rpartition(",")[2]) == pytest.approx(mean[4].max(), abs=1e-5)


def test_every_command_knows_the_file(kept, run, flowers, tmp_path):
    path, _ = kept
    code, out, _ = run("evaluate", path, flowers)
    assert code == 0
    assert "the model was trained on 120 of these 150 rows" in " ".join(out.split())
    assert "on the 30 rows that it has not seen: accuracy" in " ".join(out.split())
    for command in (["report"], ["diagnose"], ["explain", "--row", "1"]):
        assert run(command[0], path, flowers, *command[1:])[0] == 0
    assert "average_1" in run("summary", path)[1]
    assert run("gradcheck", path, flowers, "--entries", 2)[0] == 0
    code, out, _ = run("graph", path)
    assert out == "".join(f"written: {tmp_path / f'm_{k}.png'}\n" for k in (1, 2, 3))
    assert run("graph", path, "--html")[0] == 0
    pages = [(tmp_path / f"m_{k}.html").read_text(encoding="utf-8") for k in (1, 2, 3)]
    assert all('"rows":{"count":36,' in page for page in pages)
    assert run("plot", path, "weights")[0] == 0


def test_the_curves_are_the_mean_of_those_of_all_networks(kept, run, tmp_path):
    path, _ = kept
    history = ffnn.load_model(path).history
    assert history.epoch == list(range(20))
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.higher_is_better == ["accuracy"]
    assert f"{tmp_path / 'm_curves.png'}" in run("plot", path)[1]


def test_few_rows_are_learned_by_five_networks_unless_one_is_meant(run, flowers, tmp_path):
    path = tmp_path / "m.h5"
    out = run("train", flowers, "--out", path)[1]
    assert "\nmean of 5 such networks, each validated on another of 5 parts: an estimated " in out
    assert "network 5 of 5: 20 epochs" in out
    assert len(members_of(ffnn.load_model(path))) == 5
    code, _, err = run("train", flowers, "--out", path, "--resume")
    assert code == 2
    assert "m.h5 holds the mean of 5 networks, which cannot be resumed" in err
    for options in (["--ensemble", 1], ["--save-every", 5], ["--record"]):
        out = run("train", flowers, "--out", path, *options)[1]
        assert "trained 20 epochs" in out
        assert not members_of(ffnn.load_model(path))
    assert "train K networks" in run("train", "--help")[1]


def test_numbers_are_learned(run, prices):
    out = run("train", prices, "--ensemble", 2, "--epochs", 30)[1]
    assert re.search(r"^network 2 of 2: 30 epochs in [\d.]+ s, validation r2 0\.", out, re.M)
    assert float(out.split()[-1]) > 0.5


def test_one_that_has_learned_nothing_is_told_of(run, tmp_path, write_csv):
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(300, 3)), rng.integers(0, 2, 300)])
    path = write_csv(tmp_path / "noise.csv", list("abcy"), rows.tolist())
    code, _, err = run("train", path, "--task", "classification", "--ensemble", 2, "--epochs", 1)
    assert code in (0, 3)
    assert "not clearly better" in err or "nothing was learned" in err


def test_the_time_is_that_of_all_networks(run, flowers, monkeypatch):
    monkeypatch.setattr(rules, "MOST_EPOCHS", 100_000)
    monkeypatch.setattr(rules.Recipe, "waves", [])  # no training ends earlier
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.05)
    assert run("train", flowers, "--ensemble", 3, "--time", 30, "--quiet")[0] == 0
    assert 0.92 * 30.0 < machine.seconds < 0.98 * 30.0


@pytest.mark.usefixtures("sigint")
def test_an_interrupt_keeps_the_networks_so_far(run, flowers, tmp_path, monkeypatch):
    from ffnn.cli import ensemble

    class Interrupt(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch == 4 and len(trained) == 2:
                signal.raise_signal(signal.SIGINT)

    trained, train = [], ensemble.train

    def counted(*arguments):
        trained.append(arguments)
        *rest, called, verbose = arguments
        return train(*rest, [*called, Interrupt()], verbose)

    monkeypatch.setattr(ensemble, "train", counted)
    code, _, err = run("train", flowers, "--ensemble", 3, "--out", tmp_path / "m.h5")
    assert code == 130
    assert err == "ffnn: interrupted after 1 of 3 networks\n"
    assert len(members_of(ffnn.load_model(tmp_path / "m.h5"))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--resume", "--out", "x.h5"],
            "--resume is for a single network, and --ensemble trains 3",
        ),
        (["--record", "--out", "x.h5"], "--record is for a single network"),
        (["--validation-split", "0.2"], "--validation-split is for a single network"),
        (["--hidden", "4"], "--ensemble is for --preset table"),
        (["--time", "0.001"], "too short for one epoch of 3 networks: give at least"),
    ],
)
def test_what_does_not_go_together_is_refused(run, flowers, options, message, assert_one_line):
    code, _, err = run("train", flowers, "--ensemble", 3, *options)
    assert code == 2
    assert_one_line(err, message)


def test_more_networks_than_rows_are_refused(run, tmp_path, write_csv, assert_one_line):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[i, i / 7] for i in range(12)])
    code, _, err = run("train", path, "--ensemble", 11)
    assert code == 2
    assert_one_line(err, "at least 11 rows to hold some out of, got 10")
