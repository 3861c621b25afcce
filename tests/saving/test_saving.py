"""Files: what is saved comes back; what cannot be read is refused."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.activations import ELU, LeakyReLU
from ffnn.core import files
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


def test_a_loaded_model_continues_training_bit_for_bit_as_the_saved_one(tmp_path):
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


def test_equal_models_give_equal_files(tmp_path):
    for name in ("a.h5", "b.h5"):
        rich_model().save(tmp_path / name)

    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_what_the_user_has_set_for_hdf5_changes_nothing(tmp_path, monkeypatch):
    rich_model().save(tmp_path / "a.h5")
    monkeypatch.setattr(h5py.get_config(), "track_order", True)
    rich_model().save(tmp_path / "b.h5")

    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_model_of_many_layers_can_be_saved(tmp_path):
    # More links than fit into one node, or one level, of a group's tree.
    layers = [Dense(2, "tanh") for _ in range(300)]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5")

    np.testing.assert_array_equal(loaded.parameters, model.parameters)


def test_histories_with_infinities_and_seeds_of_numpy_can_be_saved(tmp_path):
    model = ffnn.Sequential([Dense(1)], input_dim=1, seed=np.int64(3))
    model.compile()
    model.fit([[1.0]], [[1.0]], validation_data=([[1.0]], [[1e25]]), verbose=0)
    model.save(tmp_path / "model.h5")

    assert ffnn.load_model(tmp_path / "model.h5").history.history["val_loss"] == [np.inf]


def test_loading_needs_neither_h5py_nor_a_second_look_at_the_file(tmp_path):
    rich_model().save(tmp_path / "model.h5")
    code = (
        "import sys, ffnn\n"
        "model = ffnn.load_model(sys.argv[1])\n"
        "print('h5py' in sys.modules, len(model.layers))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.h5")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "False 9\n"


class Tripling(ffnn.layers.Layer):
    def __init__(self, factor=3.0):
        self.factor = factor

    def forward(self, x, training=False):
        return self.factor * x


def test_custom_objects_are_loaded_only_if_they_are_named(tmp_path):
    model = ffnn.Sequential([Tripling(2.0)], input_dim=4)
    model.save(tmp_path / "model.h5")

    with pytest.raises(ffnn.ModelFileError, match="unknown layer 'Tripling'"):
        ffnn.load_model(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5", custom_objects={"Tripling": Tripling})
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_custom_class_named_like_one_of_the_library_is_asked_for(tmp_path):
    class Softplus(ffnn.activations.Sigmoid):
        """Anything but a softplus."""

    class Adam(ffnn.optimizers.SGD):
        """Anything but Adam."""

    model = ffnn.Sequential([Dense(2, Softplus()), Dropout(0.5)], input_dim=4, seed=0)
    model.compile(Adam(), "mse")
    model.save(tmp_path / "model.h5")
    own = {"Softplus": Softplus, "Adam": Adam}

    for name in own:
        others = {other: cls for other, cls in own.items() if other != name}
        with pytest.raises(ffnn.ModelFileError, match=f"unknown .* '{name}'"):
            ffnn.load_model(tmp_path / "model.h5", custom_objects=others)
    loaded = ffnn.load_model(tmp_path / "model.h5", custom_objects=own)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert type(loaded.optimizer) is Adam


def test_a_custom_class_of_another_family_is_refused(tmp_path):
    ffnn.Sequential([Tripling(2.0)], input_dim=4).save(tmp_path / "model.h5")

    with pytest.raises(ffnn.ModelFileError, match="'Tripling' must be a subclass of Layer"):
        ffnn.load_model(tmp_path / "model.h5", custom_objects={"Tripling": Huber})


class Scalar(ffnn.layers.Layer):
    """One number for all columns, under names that are no words."""

    def parameter_shapes(self, input_dim):
        return {"größe": (), "of x/y": (1, 2, input_dim)}

    def forward(self, x, training=False):
        return self.params["größe"] * x


def test_parameters_of_any_shape_and_name_are_kept(tmp_path):
    model = ffnn.Sequential([Scalar()], input_dim=3)
    model.parameters[...] = np.arange(7)
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5", custom_objects={"Scalar": Scalar})

    np.testing.assert_array_equal(loaded.parameters, np.arange(7))
    assert loaded.layers[0].params["größe"].shape == ()


class Dotted(Scalar):
    def parameter_shapes(self, input_dim):
        return {".": (input_dim,)}


class Own(Huber):
    def __init__(self, delta=1.0, table=None):
        super().__init__(delta)
        self.table = table


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path, value):
    path = tmp_path / "model.h5"
    model = rich_model()
    model.save(path)
    before = path.read_bytes()
    model.parameters[5] = value

    with pytest.raises(ValueError, match=r"cannot be saved: /layers/1_dense_1/weight: holds inf"):
        model.save(path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gradients_may_be_infinite_and_the_memory_of_an_optimizer_may_not(value, tmp_path):
    model = rich_model()
    model.gradients[0] = value
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5")

    np.testing.assert_array_equal(loaded.gradients, model.gradients)
    model.optimizer.slots["m"][0] = value
    with pytest.raises(ValueError, match="/optimizer/m: expected numbers, got NaN or infinity"):
        model.save(tmp_path / "model.h5")


@pytest.mark.parametrize("table", [np.ones(2), {1, 2}, np.nan, 10**1000])
def test_an_argument_that_is_not_json_is_refused_when_saving(tmp_path, table):
    model = ffnn.Sequential([Dense(1)], input_dim=1)
    model.compile(loss=Own(table=table))

    with pytest.raises((TypeError, ValueError), match="cannot be saved"):
        model.save(tmp_path / "model.h5")

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_hdf5_does_not_keep_is_refused_when_saving(tmp_path):
    with pytest.raises(ValueError, match="cannot be saved"):
        ffnn.Sequential([Dotted()], input_dim=1).save(tmp_path / "model.h5")


@pytest.mark.parametrize("dtype", [np.float16, np.int32, bool, object])
def test_arrays_of_other_types_are_refused_when_saving(tmp_path, dtype):
    with pytest.raises(ValueError, match=r"layers/x: expected float32, float64 or int64"):
        saving.write(tmp_path / "file", {}, {"layers/x": np.ones(2, dtype)})


def test_arrays_of_any_memory_order_are_kept(tmp_path):
    table = np.arange(12.0).reshape(3, 4)
    arrays = {"a": table.T, "b": table[::2, ::-1], "c": table.astype(">f8"), "d": np.ones((0, 3))}
    saving.write(tmp_path / "file", {"x": 1}, arrays)

    config, kept = saving.read(tmp_path / "file", lambda *content: content)

    assert config == {"x": 1}
    for name, array in arrays.items():
        np.testing.assert_array_equal(kept[name], array)
        assert kept[name].dtype.isnative
        assert kept[name].flags.writeable
        assert kept[name].flags.aligned


def test_whatever_goes_wrong_in_building_names_the_file(tmp_path):
    saving.write(tmp_path / "file", {}, {"x": np.ones(2)})

    for error, message in [
        (ValueError("/x: no"), "file: /x: no"),
        (KeyError("x"), "file: not a valid model: missing 'x'"),
        (RecursionError(), r"file: not a valid model: RecursionError\(\)"),
        (MemoryError(), "file: needs more memory than there is"),
    ]:

        def fail(*_, error=error):
            raise error

        with pytest.raises(ffnn.ModelFileError, match=message):
            saving.read(tmp_path / "file", fail)


def test_an_interrupt_while_building_is_not_swallowed(tmp_path):
    saving.write(tmp_path / "file", {}, {"x": np.ones(2)})

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        saving.read(tmp_path / "file", interrupt)


def test_a_file_that_changes_between_two_looks_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))

    def cut(first, length):
        assert (len(first), length) == (512, 1 << 20)
        path.write_bytes(bytes(600))

    with pytest.raises(ffnn.ModelFileError, match="was cut short"):
        files.read_whole(path, 512, cut)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_that_takes_the_files_place_does_not_hold_us_up(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    before = os.stat(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(files.os, "stat", lambda _: before)

    with pytest.raises(ffnn.ModelFileError, match="got a pipe"):
        ffnn.load_model(tmp_path / "pipe")


def test_a_file_that_is_not_a_model_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(bytes(1000))
    os.truncate(path, 1 << 34)
    tracemalloc.start()

    with pytest.raises(ffnn.ModelFileError, match="not an ffnn model"):
        ffnn.load_model(path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
