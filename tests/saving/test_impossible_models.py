"""Models that cannot be: their files are refused by load, by the place, and save writes none."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.callbacks import Recorder
from ffnn.callbacks.recording import Recording
from ffnn.layers import BatchNorm, Dense, Dropout

pytest.importorskip("h5py")


def trained():
    x = np.random.default_rng(0).standard_normal((12, 3))
    layers = [Dense(4, "relu"), BatchNorm(), Dropout(0.2), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, seed=1)
    model.compile(ffnn.optimizers.SGD(0.01, momentum=0.5), "mse", ["mae"])
    recorder = Recorder(snapshots=1, histograms=4)
    model.fit(x, x[:, 0], epochs=2, batch_size=4, verbose=0, callbacks=[recorder])
    return model


@pytest.fixture(scope="module")
def content():
    config, arrays = trained().capture()
    return config, {name: array.copy() for name, array in arrays.items()}


def config_with(place, value):
    """Return a change of the config: the entry at a place such as ``"layers/0/name"``."""

    def change(config, arrays):
        *parents, last = (int(key) if key.isdigit() else key for key in place.split("/"))
        for key in parents:
            config = config[key]
        config[last] = value

    return change


def array_with(name, value):
    """Return a change of an array to a value, or to what a function makes of it."""

    def change(config, arrays):
        arrays[name] = value(arrays[name]) if callable(value) else value

    return change


def negative(array):
    array = array.copy()
    array.flat[0] = -1
    return array


RECORDING = "recording/histograms/weights/counts"
IMPOSSIBLE = {
    "no numbers for epochs": (array_with("history/0", np.zeros(0)), "/history/0: expected a nu"),
    "a number too many": (array_with("history/1", np.zeros(3)), "/history/1: expected a number"),
    "numbers in two dimensions": (array_with("history/0", np.zeros((2, 1))), "/history/0: exp"),
    "numbers of float32": (array_with("history/0", np.zeros(2, np.float32)), "/history/0: expe"),
    "a negative epoch": (config_with("history/epoch", [-1, 0]), "/config/history/epoch: expe"),
    "an epoch twice": (config_with("history/epoch", [1, 1]), "/config/history/epoch: expected"),
    "epochs that fall": (config_with("history/epoch", [1, 0]), "/config/history/epoch: expected"),
    "a name twice": (config_with("history/names", ["loss", "loss"]), "/config/history/names"),
    "a negative entropy": (config_with("entropy", -5), "/config/entropy: expected at least 0"),
    "a negative seed": (config_with("seed", -5), "seed must be at least 0, got -5"),
    "negative bins": (config_with("recording/bins", -1), "/config/recording/bins: expected at l"),
    "no bins": (config_with("recording/bins", 0), "/config/recording/bins: expected at least 2"),
    "one bin": (config_with("recording/bins", 1), "/config/recording/bins: expected at least 2"),
    "a recorded layer that is not there": (
        config_with("recording/layers/0", "dense_7"),
        "/config/recording/layers: not those of this model",
    ),
    "a recorded parameter that is not there": (
        config_with("recording/parameters/0", ["dense_1", "gamma"]),
        "/config/recording/parameters: not those of this model",
    ),
    "recorded epochs that fall": (
        array_with("recording/epochs", np.array([1, 0])),
        "/recording/epochs: expected numbers from 0 that rise",
    ),
    "recorded epochs of two dimensions": (
        array_with("recording/epochs", np.array([[0], [1]])),
        "/recording/epochs: expected",
    ),
    "rows of other columns": (
        array_with("recording/rows/x", np.zeros((12, 9), np.float32)),
        "/recording/rows/x: expected 3 columns, got 9",
    ),
    "rows that are not finite": (
        lambda config, arrays: arrays["recording/rows/x"].fill(np.nan),
        "/recording/rows/x: a number is not finite",
    ),
    "too many rows": (
        array_with("recording/rows/x", np.zeros((37, 2), np.float32)),
        "/recording/rows/x: expected 1 to 36 rows, got an array of shape (37, 2)",
    ),
    "targets of other rows": (
        array_with("recording/rows/y", np.zeros((1, 2), np.float32)),
        "/recording/rows/y: expected",
    ),
    "targets of no rows": (
        array_with("recording/rows/y", np.zeros((3, 2, 2), np.float32)),
        "/recording/rows/y: expected 1 to 36 rows",
    ),
    "snapshots of negative epochs": (
        array_with("recording/snapshots/epochs", np.array([-1, 0])),
        "/recording/snapshots/epochs: expected numbers from 0 that rise",
    ),
    "statistics of batches of another size": (
        array_with("recording/snapshots/statistics", np.zeros((2, 5), np.float32)),
        "/recording/snapshots/statistics: expected float32 of shape",
    ),
    "snapshots of another size": (
        array_with("recording/snapshots/weights", np.zeros((2, 5), np.float32)),
        "/recording/snapshots/weights: expected float32 of shape",
    ),
    "negative counts": (array_with(RECORDING, negative), f"/{RECORDING}: expected counts"),
    "counts that are no integers": (array_with(RECORDING, np.float64), f"/{RECORDING}: expected i"),
    "statistics of float32": (
        array_with("recording/weights", np.float32),
        "/recording/weights: expected float64, got float32",
    ),
    "a negative variance": (
        array_with("state/1_batch_norm_1/moving_variance", negative),
        "/state/1_batch_norm_1/moving_variance: expected a variance",
    ),
    "a bias that is a word": (
        config_with("layers/0/config/use_bias", "no"),
        "use_bias must be True or False, got 'no'",
    ),
    "a bias that is a number": (
        config_with("layers/0/config/use_bias", 1),
        "use_bias must be True or False, got 1",
    ),
    "nesterov that is a word": (
        config_with("compile/optimizer/config/nesterov", "false"),
        "nesterov must be True or False, got 'false'",
    ),
    "negative iterations": (config_with("compile/iterations", -1), "/config/compile/iterations"),
    "an epoch beyond all": (config_with("history/epoch", [0, 2**70]), "/config/history/epoch: exp"),
    "a metric that is not there": (config_with("history/growing", ["zz"]), "/config/history/grow"),
}
NAMES = {
    "no class": ("class_names", []),
    "a class": ("class_names", ["a"]),
    "a class too few": ("class_names", ["a", "b"]),
    "a class too many": ("class_names", ["a", "b", "c", "d"]),
    "equal classes": ("class_names", ["a", "b", "a"]),
    "no label": ("class_labels", []),
    "a label too few": ("class_labels", [0, 1]),
    "a label too many": ("class_labels", [0, 1, 2, 3]),
    "equal labels": ("class_labels", ["a", "b", "a"]),
    "no feature": ("feature_names", []),
    "a feature too few": ("feature_names", ["a"] * 3),
    "a feature too many": ("feature_names", ["a"] * 5),
}


def three_classes():
    return ffnn.Sequential([Dense(3, "softmax")], input_dim=4, seed=0)


@pytest.mark.parametrize("case", NAMES)
def test_names_of_another_number_are_neither_saved_nor_loaded(tmp_path, case):
    path, model = tmp_path / "model.h5", three_classes()
    name, value = NAMES[case]
    model.class_names, model.feature_names = ["a", "b", "c"], ["a", "b", "c", "a"]
    model.class_labels = [3, 4, 5]
    model.save(path)
    before = path.read_bytes()
    config, arrays = saving.decode(before)

    setattr(model, name, value)
    with pytest.raises(ValueError, match=f"this model cannot be saved: /config/{name}: ") as caught:
        model.save(path)
    assert path.read_bytes() == before
    if len(value) == 3 and name != "feature_names":
        assert f"the same twice in {value}" in str(caught.value)
    else:
        assert f"got {len(value)}: {value}" in str(caught.value)

    described = {"dtype": "str", "values": [str(label) for label in value]}
    config[name] = described if name == "class_labels" else value
    path.write_bytes(saving.encode(config, arrays))
    with pytest.raises(ffnn.ModelFileError, match=f"/config/{name}: "):
        ffnn.load_model(path)


@pytest.mark.parametrize("names", [["yes"], ["no", "yes"], None])
def test_one_output_may_have_two_classes(tmp_path, names):
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=4)
    model.class_names = names
    model.save(tmp_path / "model.h5")

    assert ffnn.load_model(tmp_path / "model.h5").class_names == names


def test_names_of_a_model_that_is_not_built_wait_for_it(tmp_path):
    model = ffnn.Sequential([Dense(3, "softmax")])
    model.feature_names = ["a", "b"]

    assert model.twin().feature_names == ["a", "b"]


@pytest.mark.parametrize("value", [None, "1.5", [1.0], {}])
def test_what_is_no_number_in_a_history_is_not_saved(tmp_path, value):
    model = trained()
    model.history.history["loss"][1] = value

    with pytest.raises(TypeError, match="history: expected numbers as loss, got "):
        model.save(tmp_path / "model.h5")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["x", {}, [], 0, True, ffnn.Sequential])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("history", "History"), ("recording", "Recording"), ("encoder", "TableEncoder")],
)
def test_what_is_no_part_of_a_model_is_refused_by_name(tmp_path, name, kind, value):
    model = three_classes()

    def save():
        setattr(model, name, value)
        model.save(tmp_path / "model.h5")

    with pytest.raises(TypeError, match=f"{name} must be a {kind} or None, got "):
        save()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_model_that_cannot_be_is_refused_by_its_place(content, tmp_path, case):
    change, message = IMPOSSIBLE[case]
    config, arrays = copy.deepcopy(content)
    change(config, arrays)
    saving.write(tmp_path / "model.h5", config, arrays)

    with pytest.raises(ffnn.ModelFileError) as caught:
        ffnn.load_model(tmp_path / "model.h5")

    assert message in str(caught.value)


def test_the_model_that_all_are_made_from_is_loaded(content, tmp_path):
    saving.write(tmp_path / "model.h5", *content)

    assert ffnn.load_model(tmp_path / "model.h5").recording is not None


# -- saving ------------------------------------------------------------------------------------


def set_to(place, value):
    """Return a change of a model: the attribute, entry or array at a place."""

    def change(model):
        *parents, last = place.split(".")
        for name in parents:
            model = model[int(name)] if name.isdigit() else getattr(model, name)
        if isinstance(getattr(model, last, None), np.ndarray):
            getattr(model, last)[0] = value
        elif last in vars(model):
            vars(model)[last] = value  # past the setters, some of which refuse it
        else:
            setattr(model, last, value)

    return change


CHANGED = {
    "a negative variance": set_to("layers.1.moving_variance", -1.0),
    "a variance of NaN": set_to("layers.1.moving_variance", np.nan),
    "other units": set_to("layers.0.units", 7),
    "no units": set_to("layers.0.units", 0),
    "no bias": set_to("layers.0.use_bias", False),
    "a bias that is a word": set_to("layers.0.use_bias", "no"),
    "another name": set_to("layers.0.name", "first"),
    "a rate of 2": set_to("layers.2.rate", 2.0),
    "a negative epsilon": set_to("layers.1.epsilon", -1.0),
    "an activation that is a word": set_to("layers.0.activation", "of no name"),
    "negative iterations": set_to("optimizer.iterations", -1),
    "a negative momentum": set_to("optimizer.momentum", -0.5),
    "nesterov that is a word": set_to("optimizer.nesterov", "no"),
    "an odd epoch": set_to("history.epoch", [0, "1"]),
    "a negative epoch": set_to("history.epoch", [-1, 0]),
    "an epoch too many": set_to("history.epoch", [0, 1, 2]),
    "epochs that fall": set_to("history.epoch", [1, 0]),
    "numbers for no epoch": set_to("history.history", {"loss": [1.0, 0.5], "mae": []}),
    "a name that is a number": set_to("history.history", {1: [1.0, 0.5]}),
    "a word for a flag": set_to("history.interrupted", "yes"),
    "a negative entropy": set_to("entropy", -5),
    "a negative seed": set_to("seed", -5),
    "bins of another number": set_to("recording.bins", 1),
    "recorded epochs that fall": set_to("recording.epochs", [1, 0]),
    "a recording of another model": set_to("recording", Recording([("dense_9", "bias")], [], None)),
    "another dtype": set_to("dtype", np.dtype("float64")),
    "names that are numbers": set_to("_class_names", [1, 2]),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_load_refuses_save_refuses_before_the_old_file_is_touched(tmp_path, case):
    path, model = tmp_path / "model.h5", trained()
    model.save(path)
    before = path.read_bytes()
    CHANGED[case](model)

    with pytest.raises((TypeError, ValueError), match="this model cannot be saved: "):
        model.save(path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class Sizes(ffnn.Sequential):
    """A model whose constructor is its own."""

    def __init__(self, inputs, units=2):
        super().__init__([Dense(units)], input_dim=inputs, seed=0)


class Named(ffnn.Sequential):
    """A model whose constructor takes more than a model's."""

    def __init__(self, layers, *, name="mine", **options):
        super().__init__(layers, **options)
        self.label = name


def test_a_subclass_with_a_constructor_of_its_own_is_told_what_it_must_take(tmp_path):
    model, path = Sizes(3), tmp_path / "model.h5"
    model.save(path)

    with pytest.raises(TypeError) as caught:
        Sizes.load(path)

    for part in ("Sizes(layers, dtype=..., seed=...)", "does not take", "ffnn.load_model"):
        assert part in str(caught.value)
    assert "model.h5" not in str(caught.value)
    rows = np.ones((2, 3))
    np.testing.assert_array_equal(ffnn.load_model(path).predict(rows), model.predict(rows))


class Hidden(ffnn.Sequential):
    """Takes a number where a model takes its layers."""

    def __init__(self, hidden, dtype="float32", seed=None):
        super().__init__([Dense(hidden), Dense(1)], input_dim=3, dtype=dtype, seed=seed)


class Fixed(ffnn.Sequential):
    """Takes layers, and makes its own."""

    def __init__(self, layers, dtype="float32", seed=None):
        super().__init__([Dense(4), Dense(1)], input_dim=3, dtype=dtype, seed=seed)


class Longer(ffnn.Sequential):
    """Adds a layer to those that it takes."""

    def __init__(self, layers, dtype="float32", seed=None):
        super().__init__([*layers, Dense(1)], dtype=dtype, seed=seed)


class Single(ffnn.Sequential):
    """Takes a dtype, and has its own."""

    def __init__(self, layers, dtype="float32", seed=None):
        super().__init__(layers, input_dim=3, dtype="float64", seed=seed)


class Wide(ffnn.Sequential):
    """Is built for a number of inputs of its own."""

    def __init__(self, layers, dtype="float32", seed=None, inputs=7):
        super().__init__(layers, input_dim=inputs, dtype=dtype, seed=seed)


class Raises(ffnn.Sequential):
    """Makes a model of two layers only."""

    def __init__(self, layers, dtype="float32", seed=None):
        if len(layers) != 1:
            raise RuntimeError("only one layer, please")
        super().__init__(layers, input_dim=3, dtype=dtype, seed=seed)


class Empty(ffnn.Sequential):
    """Calls no constructor."""

    def __init__(self, layers, dtype="float32", seed=None):
        pass


@pytest.mark.parametrize("cls", [Hidden, Fixed, Longer, Single, Wide, Raises, Empty])
def test_a_subclass_that_makes_another_model_of_the_layers_is_blamed_itself(tmp_path, cls):
    whole, path = ffnn.Sequential([Dense(4), Dense(1)], input_dim=3, seed=0), tmp_path / "model.h5"
    whole.compile("adam", "mse")
    whole.fit(np.ones((9, 3)), np.ones(9), verbose=0)
    whole.save(path)

    with pytest.raises(TypeError) as caught:
        cls.load(path)

    name = cls.__name__
    for part in (f"{name}.load: ", f"{name}(layers, dtype=..., seed=...)", "ffnn.load_model"):
        assert part in str(caught.value)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ffnn.ModelFileError, match="damaged"):
        cls.load(path)


def test_a_file_is_blamed_for_its_own_faults_whatever_the_class(tmp_path):
    path = tmp_path / "model.h5"
    Named([Dense(2)], input_dim=3).save(path)
    config, arrays = saving.decode(path.read_bytes())
    config["layers"][0]["config"]["units"] = "many"
    path.write_bytes(saving.encode(config, arrays))

    with pytest.raises(ffnn.ModelFileError, match="units must be an integer"):
        Named.load(path)


def test_a_subclass_whose_constructor_takes_layers_dtype_and_seed_is_loaded(tmp_path):
    Named([Dense(2)], input_dim=3).save(tmp_path / "model.h5")

    loaded = Named.load(tmp_path / "model.h5")

    assert type(loaded) is Named
    assert loaded.label == "mine"


@pytest.mark.parametrize("path", ["", "model.h5/", "a\0b", None, 3])
def test_what_is_no_path_of_a_file_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises((TypeError, ValueError), match="save: path must be "):
        trained().save(path)

    assert list(tmp_path.iterdir()) == []
