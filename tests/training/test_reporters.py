import io
import re
import sys

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.training.reporters import EpochLines, ProgressBar, reporters

X = np.random.default_rng(0).standard_normal((40, 3))


def fit(**options):
    model = ffnn.Sequential([Dense(1)], input_dim=3, seed=0)
    model.compile()
    return model.fit(X, X[:, 0], epochs=3, validation_split=0.25, **options)


def test_verbose_0_shows_nothing(capfd):
    fit(verbose=0)

    assert capfd.readouterr() == ("", "")


def test_verbose_1_is_one_bar_with_the_current_losses_and_nothing_else(capfd):
    history = fit(verbose=1)

    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    last = err.rstrip().rsplit("\r", 1)[-1]
    loss, val_loss = history.history["loss"][-1], history.history["val_loss"][-1]
    assert last.startswith("Epoch 3/3: 100%")
    assert f"loss={loss:.4f}, val_loss={val_loss:.4f}" in last


def test_verbose_2_is_one_line_an_epoch(capfd):
    history = fit(verbose=2)

    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert len(lines) == 3
    pattern = r"Epoch 2/3 - \d+\.\ds - loss: (\d\.\d{4}) - val_loss: (\d\.\d{4})"
    shown = re.fullmatch(pattern, lines[1])
    assert shown is not None
    assert float(shown[1]) == pytest.approx(history.history["loss"][1], abs=5e-5)
    assert float(shown[2]) == pytest.approx(history.history["val_loss"][1], abs=5e-5)


def test_auto_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch):
    assert isinstance(reporters("auto")[0], EpochLines)

    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert isinstance(reporters("auto")[0], ProgressBar)


def test_the_bar_fits_80_columns(capfd):
    fit(verbose=1)

    assert max(map(len, re.split(r"[\r\n]", capfd.readouterr().err))) <= 80


def test_the_bar_is_redrawn_at_most_ten_times_a_second(monkeypatch):
    clock = iter(np.arange(0.0, 100.0, 0.03))
    monkeypatch.setattr("ffnn.training.reporters.time.monotonic", lambda: next(clock))
    redraws = []
    monkeypatch.setattr(ProgressBar, "_redraw", lambda self: redraws.append(1))
    bar = ProgressBar()
    bar.params = {"epochs": 1, "initial_epoch": 0, "steps": 40}
    bar.on_train_begin({})
    for batch in range(40):
        bar.on_train_batch_end(batch, {"loss": 1.0})
    bar.close()

    # 40 batches, 0.03 s apart: one redraw in four batches (0.12 s)
    assert len(redraws) == 10


def test_the_bar_is_closed_when_training_fails(capfd):
    model = ffnn.Sequential([Dense(1)], input_dim=3)
    model.compile(ffnn.optimizers.SGD(1e9))

    with pytest.raises(ffnn.TrainingDivergedError):
        model.fit(X, X[:, 0], epochs=50, verbose=1)

    assert capfd.readouterr().err.endswith("\n")
