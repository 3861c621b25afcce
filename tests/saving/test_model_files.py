"""Model files of earlier versions still load, predict the same and resume.

Each folder of ``model_files`` was written by the version that it is named after; its
``outputs.npz`` has the rows, and for each file the parameters and what the model predicted.
"""

from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.activations import GELU
from ffnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau

FOLDER = Path(__file__).parent / "model_files"
FILES = sorted(FOLDER.glob("*/*.h5"))


def expected(path):
    with np.load(path.parent / "outputs.npz") as arrays:
        return arrays["x"], arrays[path.stem], arrays[f"{path.stem}/parameters"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_file_of_an_earlier_version_loads_as_the_same_model(path, tmp_path):
    x, outputs, parameters = expected(path)

    model = ffnn.load_model(path)

    np.testing.assert_array_equal(model.parameters, parameters)
    tolerance = 1e-5 if model.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(model.predict(x), outputs, rtol=tolerance, atol=tolerance)
    model.save(tmp_path / "again.h5")
    again = ffnn.load_model(tmp_path / "again.h5")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_a_gelu_from_before_there_were_two_forms_is_the_tanh_form(tmp_path):
    model = ffnn.Sequential([ffnn.layers.Dense(4, GELU("tanh")), GELU("tanh")], 3, seed=0)
    config, arrays = model.capture()
    for part in (config["layers"][0]["config"]["activation"], config["layers"][1]):
        assert part["config"].pop("approximate") == "tanh"
    ffnn.saving.write(tmp_path / "older.h5", config, arrays)

    loaded = ffnn.load_model(tmp_path / "older.h5")

    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_training_record_of_an_earlier_version_is_read():
    model = ffnn.load_model(FOLDER / "0.1" / "classifier.h5")

    assert list(model.history.history) == [
        "loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1",
    ]  # fmt: skip
    assert model.history.epoch == [0, 1, 2]
    assert model.recording is not None
    assert model.class_names == ["a", "b", "ü"]
    assert model.feature_names == ["w", "x", "y", "z"]
    assert model.optimizer.iterations == 9


def test_checkpoint_of_an_earlier_version_is_resumed(tmp_path):
    path = FOLDER / "0.1" / "regressor_checkpoint.h5"
    x, _, _ = expected(path)
    y = np.column_stack([x.sum(axis=1), x[:, 0] * x[:, 1]])
    model = ffnn.load_model(path)

    history = model.fit(
        x,
        y,
        batch_size=16,
        epochs=5,
        verbose=0,
        validation_data=(x[:20], y[:20]),
        callbacks=[
            ReduceLROnPlateau(patience=1, min_delta=10.0),
            EarlyStopping(patience=30),
            ModelCheckpoint(tmp_path / "checkpoint.h5"),
        ],
        resume_from=path,
    )

    assert history.epoch == [0, 1, 2, 3, 4]
    assert model.optimizer.learning_rate < 0.02 / 2  # as the earlier epochs have left it


class Stop(Callback):
    """What stopped that training with Ctrl-C; a resume has to have the same callbacks."""


def test_interrupted_training_of_an_earlier_version_is_resumed_within_its_epoch():
    path = FOLDER / "0.1" / "interrupted.h5"
    x, _, _ = expected(path)
    y = np.abs(x).argmax(axis=1) % 3 % 2
    model = ffnn.load_model(path)

    history = model.fit(
        x, y, batch_size=16, epochs=3, verbose=0, callbacks=[Stop()], resume_from=path
    )

    assert history.epoch == [0, 1, 2]
    assert model.optimizer.iterations == 3 * 4
