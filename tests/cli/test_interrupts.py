"""Ctrl-C and SIGTERM in a training, and how it is resumed."""

import os
import re
import signal

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
@pytest.mark.usefixtures("sigint")
def test_sigint_finishes_the_batch_saves_and_is_130(tmp_path, start):
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
def test_sigterm_finishes_the_batch_saves_and_is_143(tmp_path, start):
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
    assert ffnn.load_model(path).position is not None


class InterruptInBatch(Callback):
    def __init__(self, number):
        self.number = number

    def on_train_batch_end(self, batch, logs):
        if batch + 1 == self.number:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("sigint")
def test_an_interrupted_model_has_trained_on_exactly_the_batches_so_far(run, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ffnn.cli.plain.PlainPreset.callbacks", lambda preset: [InterruptInBatch(4)]
    )
    code, out, err = run("train", "digits", "--out", tmp_path / "m.h5")

    assert code == 130
    assert out.endswith(f"saved {tmp_path / 'm.h5'}\n")
    assert err == "ffnn: interrupted after 0 of 20 epochs\n"
    assert ffnn.load_model(tmp_path / "m.h5").optimizer.iterations == 4


@pytest.mark.usefixtures("sigint")
def test_an_interrupted_training_resumes_as_if_it_had_never_stopped(run, tmp_path, monkeypatch):
    straight, path = tmp_path / "straight.h5", tmp_path / "m.h5"
    options = ("--epochs", 4, "--validation-split", 0.2, "--patience", 2, "--dropout", 0.2)
    monkeypatch.setattr(
        "ffnn.cli.plain.PlainPreset.callbacks", lambda preset: [InterruptInBatch(0)]
    )
    run("train", "digits", *options, "--out", straight)
    monkeypatch.setattr(
        "ffnn.cli.plain.PlainPreset.callbacks", lambda preset: [InterruptInBatch(5)]
    )
    assert run("train", "digits", *options, "--out", path)[0] == 130

    monkeypatch.setattr(
        "ffnn.cli.plain.PlainPreset.callbacks", lambda preset: [InterruptInBatch(0)]
    )
    code, out, _ = run("train", "digits", *options, "--out", path, "--resume")

    assert code == 0
    assert f"resuming from {path}\n" in out
    np.testing.assert_array_equal(
        ffnn.load_model(path).parameters, ffnn.load_model(straight).parameters
    )


def test_resume_starts_a_new_training_where_there_is_no_file_yet(run, tmp_path):
    options = ("train", "digits", "--epochs", 2, "--quiet", "--save-every", 1)
    assert run(*options, "--out", tmp_path / "m.h5", "--resume")[0] == 0

    code, _, err = run(*options, "--out", tmp_path / "m.h5", "--resume", "--batch-size", 7)

    assert code == 2
    assert "batch_size=32, now it is 7" in err
    code, _, err = run("train", "digits", "--resume")
    assert (code, err) == (2, "ffnn: error: --resume needs --out FILE\n")


@pytest.mark.usefixtures("sigint")
def test_an_interrupt_without_out_saves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "ffnn.cli.plain.PlainPreset.callbacks", lambda preset: [InterruptInBatch(1)]
    )
    code, out, _ = run("train", "digits")

    assert code == 130
    assert "saved" not in out
    assert list(tmp_path.iterdir()) == []
