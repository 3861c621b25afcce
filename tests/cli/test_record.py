"""``ffnn train --record`` keeps the epochs of the training in the model file."""

import numpy as np
import pytest

import ffnn
from ffnn.cli import main

PLAIN = ("--preset", "plain")


@pytest.fixture
def recorded(run, flowers, tmp_path):
    """Train with --record, and return the model's path and what was printed."""
    path = tmp_path / "m.h5"
    code, out, err = run("train", flowers, *PLAIN, "--epochs", 6, "--out", path, "--record")
    assert code == 0, err
    return path, out


def test_the_model_has_every_epoch_and_the_training_is_the_same(run, recorded, flowers, tmp_path):
    path, out = recorded
    run("train", flowers, *PLAIN, "--epochs", 6, "--out", tmp_path / "plain.h5", "--quiet")
    model, plain = ffnn.load_model(path), ffnn.load_model(tmp_path / "plain.h5")

    recording = model.recording
    assert recording.epochs == [0, 1, 2, 3, 4, 5]
    assert [snapshot.epoch for snapshot in recording.snapshots] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(recording.snapshots[-1].weights, model.parameters)
    assert recording.series("gradients", "dense_1", "weight", "norm").min() > 0
    np.testing.assert_array_equal(model.parameters, plain.parameters)
    assert plain.recording.epochs == []
    np.testing.assert_array_equal(plain.recording.rows.x, recording.rows.x)
    assert f"\nto see what was recorded:\n  ffnn graph {path} --html\n  ffnn plot {path}\n" in out
    assert "\nrecorded: 6 epochs, all weights of 6 epochs\n" in run("summary", path)[1]


def test_the_views_that_it_names_show_it(run, recorded, tmp_path):
    path, _ = recorded
    assert run("graph", path, "--html")[0] == 0
    assert "after epoch 6" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert run("plot", path, "recording")[0] == 0
    assert (tmp_path / "m_recording.png").stat().st_size > 1000


def test_a_resumed_training_goes_on_recording(run, flowers, recorded, tmp_path):
    path = tmp_path / "two.h5"
    for epochs in (2, 6):  # the second resumes the first
        options = ["--epochs", epochs, "--out", path, "--record", "--resume", "--quiet"]
        assert run("train", flowers, *PLAIN, *options)[0] == 0

    found, expected = (ffnn.load_model(p).recording for p in (path, recorded[0]))
    assert found.epochs == expected.epochs
    assert found.get_config() == expected.get_config()
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array)


@pytest.mark.parametrize("first", [True, False])
def test_a_training_is_resumed_as_it_was_recorded(run, flowers, tmp_path, assert_one_line, first):
    options = ["train", flowers, *PLAIN, "--out", tmp_path / "m.h5", "--quiet"]
    assert run(*options, "--epochs", 1, *(["--record"] if first else []))[0] == 0
    before = (tmp_path / "m.h5").read_bytes()

    code, _, err = run(*options, "--epochs", 2, "--resume", *([] if first else ["--record"]))

    assert code == 2
    assert_one_line(err, "the training had the callbacks", "Recorder")
    assert (tmp_path / "m.h5").read_bytes() == before


def test_there_must_be_a_file_to_keep_it(run, flowers, assert_one_line):
    code, out, err = run("train", flowers, "--record")
    assert code == 2
    assert_one_line(err, "--record needs --out FILE")
    assert out == ""


def test_a_large_network_keeps_fewer_epochs_and_few_of_many_batches_are_watched(tmp_path):
    path = tmp_path / "m.h5"
    sizes = ["--hidden", "600", "--epochs", "5", "--batch-size", "8", "--quiet"]
    assert main(["train", "digits", *sizes, "--out", str(path), "--record"]) == 0

    # 45,610 parameters and as many gradients of 4 bytes: 1.4 times 256 KiB, so every second epoch.
    model = ffnn.load_model(path)
    assert [snapshot.epoch for snapshot in model.recording.snapshots] == [0, 2, 4]
    # 180 batches of an epoch, every 18th of them; the last one has 5 rows and is not among them.
    training = model.position["training"]
    assert (training["callbacks[0].every"], training["callbacks[0].snapshots"]) == (18, 2)
