"""Files: what is saved comes back; what cannot be read is refused."""

import os

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.activations import ELU, LeakyReLU
from ffnn.initializers import RandomNormal
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)
from ffnn.losses import Huber
from ffnn.optimizers import SGD, Adam
from ffnn.regularizers import L1L2
from ffnn.schedules import CosineDecay

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
LABELS = RNG.integers(0, 3, 60)


def rich_model():
    """Return a trained model that uses a bit of everything."""
    layers = [
        Normalization().adapt(X),
        Dense(6, LeakyReLU(0.2), weight_regularizer=L1L2(1e-3, 1e-2)),
        RMSNorm(1e-5),
        Activation(ELU(0.5)),
        Dropout(0.3),
        BatchNorm(momentum=0.8),
        Rescaling(0.5, 0.1),
        LayerNorm(),
        Dense(3, "softmax", use_bias=False, weight_initializer=RandomNormal(variance=0.1, seed=3)),
    ]
    model = ffnn.Sequential(layers, input_dim=4, seed=11)
    model.compile(Adam(CosineDecay(0.01, 50), clipnorm=1.0), "cce", ["accuracy", "f1"])
    model.class_names = ["red", "green", "<blue>"]
    model.feature_names = ["a", "b", "c", "d"]
    model.fit(X, LABELS, epochs=3, verbose=0)
    return model


def test_a_loaded_model_predicts_bit_for_bit_the_same(tmp_path):
    model = rich_model()
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5")

    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.parameters.dtype == np.float32
    np.testing.assert_array_equal(loaded.gradients, model.gradients)
    assert model.gradients.any()
    assert repr(loaded) == repr(model)
    assert loaded.class_names == model.class_names
    assert loaded.feature_names == model.feature_names
    assert loaded.history.history == model.history.history
    assert loaded.history.epoch == [0, 1, 2]


def test_a_loaded_model_trains_on_bit_for_bit_as_the_saved_one(tmp_path):
    model = rich_model()
    model.save(tmp_path / "model.h5")
    loaded = ffnn.Sequential.load(tmp_path / "model.h5")

    for trained in (model, loaded):
        trained.fit(X, LABELS, epochs=6, initial_epoch=3, verbose=0)

    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    assert loaded.history.history == model.history.history
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9, nesterov=True), "rmsprop", "adamw"])
def test_optimizer_memory_is_kept(tmp_path, optimizer):
    model = ffnn.Sequential([Dense(1)], input_dim=4, seed=0, dtype="float64")
    model.compile(optimizer, Huber(0.7))
    model.fit(X, X[:, 0], verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")

    assert repr(loaded.optimizer) == repr(model.optimizer)
    assert repr(loaded.loss) == "Huber(delta=0.7)"
    assert loaded.train_on_batch(X, X[:, 0]) == model.train_on_batch(X, X[:, 0])
    np.testing.assert_array_equal(loaded.parameters, model.parameters)


def test_saving_changes_nothing_in_the_model(tmp_path):
    saved, other = rich_model(), rich_model()

    saved.save(tmp_path / "model.h5")

    for model in (saved, other):
        model.fit(X, LABELS, verbose=0)
    np.testing.assert_array_equal(saved.parameters, other.parameters)


def test_an_uncompiled_model_can_be_saved(tmp_path):
    model = ffnn.Sequential([Dense(2)], input_dim=4)
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5")

    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.optimizer is None


def test_an_unbuilt_model_cannot(tmp_path):
    with pytest.raises(RuntimeError, match="input_dim"):
        ffnn.Sequential([Dense(2)]).save(tmp_path / "model.h5")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_plain_hdf5_with_an_array_for_each_parameter(tmp_path):
    model = ffnn.Sequential([Dense(2), RMSNorm()], input_dim=4)
    model.save(tmp_path / "model.h5")

    with h5py.File(tmp_path / "model.h5") as file:
        weight = file["layers/0_dense_1/weight"]
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight[()], model.layers[0].params["weight"])
        assert "gamma" in file["layers/1_rms_norm_1"]
        assert file["config"].dtype == np.uint8


def test_a_failed_save_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch):
    path = tmp_path / "model.h5"
    rich_model().save(path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(saving.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        rich_model().save(path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_histories_with_infinities_and_seeds_of_numpy_can_be_saved(tmp_path):
    model = ffnn.Sequential([Dense(1)], input_dim=1, seed=np.int64(3))
    model.compile()
    model.fit([[1.0]], [[1.0]], validation_data=([[1.0]], [[1e25]]), verbose=0)
    model.save(tmp_path / "model.h5")

    assert ffnn.load_model(tmp_path / "model.h5").history.history["val_loss"] == [np.inf]


def test_the_file_gets_the_usual_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        ffnn.Sequential([Dense(1)], input_dim=1).save(tmp_path / "model.h5")
    finally:
        os.umask(mask)

    assert (tmp_path / "model.h5").stat().st_mode & 0o777 == 0o640


class Tripling(ffnn.layers.Layer):
    def __init__(self, factor=3.0):
        self.factor = factor

    def forward(self, x, training=False):
        return self.factor * x


def test_custom_classes_are_loaded_only_if_they_are_named(tmp_path):
    model = ffnn.Sequential([Tripling(2.0)], input_dim=4)
    model.save(tmp_path / "model.h5")

    with pytest.raises(ffnn.ModelFileError, match="unknown layer 'Tripling'"):
        ffnn.load_model(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5", custom_objects={"Tripling": Tripling})
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def not_hdf5(path):
    path.write_bytes(b"not a model")


def other_hdf5(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1


def cut(path):
    ffnn.Sequential([Dense(50)], input_dim=50).save(path)
    path.write_bytes(path.read_bytes()[:3000])


def newer(path):
    ffnn.Sequential([Dense(2)], input_dim=2).save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99
        file.attrs["library_version"] = "9.9"


def without_bias(path):
    ffnn.Sequential([Dense(2)], input_dim=2).save(path)
    with h5py.File(path, "r+") as file:
        del file["layers/0_dense_1/bias"]


def wrong_shape(path):
    ffnn.Sequential([Dense(2)], input_dim=2).save(path)
    with h5py.File(path, "r+") as file:
        del file["layers/0_dense_1/bias"]
        file["layers/0_dense_1/bias"] = np.zeros(3, np.float32)


def broken_config(path):
    ffnn.Sequential([Dense(2)], input_dim=2).save(path)
    with h5py.File(path, "r+") as file:
        del file["config"]
        file["config"] = np.frombuffer(b'{"layers": [', np.uint8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "no such file"),
        (not_hdf5, "not a readable ffnn model"),
        (other_hdf5, "does not hold an ffnn model"),
        (cut, "not a readable ffnn model"),
        (newer, r"install ffnn 9\.9 or later"),
        (without_bias, "bias"),
        (wrong_shape, r"expected float32 of shape \(2,\), got float32 of shape \(3,\)"),
        (broken_config, "not a readable ffnn model"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused_by_name(tmp_path, make, message):
    path = tmp_path / "model.h5"
    make(path)

    with pytest.raises(ffnn.ModelFileError, match=message) as caught:
        ffnn.load_model(path)

    assert str(path) in str(caught.value)
