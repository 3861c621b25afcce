"""A training is resumed only with what it had: data, settings, callbacks, network; else refused.

Whatever is refused leaves the model, its callbacks and the file as they were.
"""

import inspect

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LossThreshold,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
)
from ffnn.core.registry import find_classes
from ffnn.layers import BatchNorm, Dense, Dropout, Normalization, Rescaling
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import CosineDecay, ExponentialDecay

RNG = np.random.default_rng(12)
X = RNG.standard_normal((300, 5)).astype(np.float32)
Y = RNG.integers(0, 2, 300)
X_VAL, Y_VAL = X[:40] + 1, Y[:40]
WEIGHT = RNG.random(300)


def make(optimizer=None, seed=1, adapt_to=X, scale=1.0, dtype="float32"):
    layers = [
        Normalization().adapt(adapt_to),
        Rescaling(scale),
        Dense(6, "relu"),
        BatchNorm(),
        Dropout(0.2),
        Dense(2, "softmax"),
    ]
    model = ffnn.Sequential(layers, input_dim=5, seed=seed, dtype=dtype)
    model.compile(optimizer or Adam(0.01), "categorical_crossentropy", ["accuracy"])
    model.class_names, model.feature_names = ["no", "yes"], list("abcde")
    return model


def callbacks(tmp_path, **changes):
    def make_one(cls, **options):
        return cls(**options | changes.get(cls.__name__, {}))

    return [
        make_one(EarlyStopping, monitor="val_loss", patience=50),
        make_one(ReduceLROnPlateau, patience=1, factor=0.5, min_delta=10.0),
        make_one(ModelCheckpoint, filepath=tmp_path / "checkpoint.h5", every=2),
        make_one(CSVLogger, filename=tmp_path / "log.csv"),
        make_one(LossThreshold, threshold=1e-9),
        make_one(Recorder, every=2),
    ]


def arguments(**changes):
    return {
        "x": X, "y": Y, "batch_size": 16, "validation_data": (X_VAL, Y_VAL),
        "sample_weight": WEIGHT, "class_weight": {0: 1.0, 1: 2.0}, "verbose": 0,
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    model = make()
    model.fit(epochs=3, callbacks=callbacks(folder), **arguments())
    model.save(folder / "model.h5")
    return folder / "model.h5"


def content(model):
    config, arrays = model.capture()
    return repr(config), {name: array.tobytes() for name, array in arrays.items()}


def swap(array, i, j):
    array = array.copy()
    array[[i, j]] = array[[j, i]]
    return array


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


OTHER_DATA = {
    "flipped labels": {"y": 1 - Y},
    "one label": {"y": changed(Y, 299, 1 - Y[299])},
    "other rows": {"x": X + 1},
    "one number": {"x": changed(X, (150, 3), 0.5)},
    "scaled": {"x": X * 2},
    "permuted rows": {"x": X[::-1], "y": Y[::-1]},
    "two rows": {"x": swap(X, 7, 99)},
    "permuted columns": {"x": X[:, ::-1]},
    "another dtype": {"x": X.astype(np.float64)},
    "fewer rows": {"x": X[:200], "y": Y[:200], "sample_weight": WEIGHT[:200]},
    "no weights": {"sample_weight": None, "class_weight": None},
    "other weights": {"sample_weight": WEIGHT + 1},
    "no class weights": {"class_weight": None},
    "other class weights": {"class_weight": {0: 1.0, 1: 3.0}},
    "no validation": {"validation_data": None, "callbacks": []},
    "other validation rows": {"validation_data": (X_VAL + 1, Y_VAL)},
    "other validation labels": {"validation_data": (X_VAL, 1 - Y_VAL)},
    "validation weights": {"validation_data": (X_VAL, Y_VAL, np.ones(40))},
    "validation split": {"validation_data": None, "validation_split": 0.2},
    "another batch size": {"batch_size": 32},
    "not shuffled": {"shuffle": False},
    "other epochs' lengths": {"steps_per_epoch": 3},
    "another learning rate": {"learning_rate": 0.5},
    "an impossible learning rate": {"learning_rate": -1.0},
    "fewer epochs": {"epochs": 2},
    "another first epoch": {"initial_epoch": 1},
    "another verbosity that does not exist": {"verbose": 7},
    "no callbacks": {"callbacks": []},
}
OTHER_CALLBACKS = {
    "EarlyStopping": [
        {"patience": 3}, {"monitor": "loss"}, {"mode": "max"}, {"min_delta": 0.5},
        {"restore_best_weights": False}, {"monitor": "no such number"},
    ],
    "ReduceLROnPlateau": [
        {"patience": 2}, {"monitor": "loss"}, {"mode": "max"}, {"min_delta": 0.0},
        {"factor": 0.3}, {"cooldown": 1}, {"min_lr": 1e-5},
    ],
    "ModelCheckpoint": [
        {"every": 1}, {"save_best_only": True}, {"monitor": "loss"}, {"mode": "min"},
    ],
    "CSVLogger": [{"append": True}],
    "LossThreshold": [{"threshold": 0.1}],
    "Recorder": [{"every": 1}, {"snapshots": 1}, {"histograms": 4}],
}  # fmt: skip
OTHER_MODELS = {
    "another seed": {"seed": 2},
    "no seed": {"seed": None},
    "another scaling": {"adapt_to": X * 2},
    "another factor": {"scale": 2.0},
    "another dtype": {"dtype": "float64"},
    "another optimizer": {"optimizer": SGD(0.01)},
    "another setting": {"optimizer": Adam(0.01, beta_1=0.8)},
    "another rate": {"optimizer": Adam(0.02)},
    "a schedule": {"optimizer": Adam(CosineDecay(0.01, 100))},
}


def assert_refused(model, checkpoint, error=(ValueError, TypeError), **options):
    before, file = content(model), checkpoint.read_bytes()
    attributes = {name: id(value) for name, value in vars(model).items() if name != "shuffling"}

    with pytest.raises(error) as caught:
        model.fit(**{"epochs": 5, "resume_from": checkpoint} | options)

    assert content(model) == before
    assert {n: id(v) for n, v in vars(model).items() if n != "shuffling"} == attributes
    assert checkpoint.read_bytes() == file
    return str(caught.value)


@pytest.mark.parametrize("change", OTHER_DATA)
def test_other_data_or_settings_are_refused(checkpoint, tmp_path, change):
    options = {"callbacks": callbacks(tmp_path)} | OTHER_DATA[change]

    assert_refused(make(), checkpoint, **arguments(**options))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, change) for name in OTHER_CALLBACKS for change in OTHER_CALLBACKS[name]],
)
def test_other_settings_of_callbacks_are_refused(checkpoint, tmp_path, name, change):
    message = assert_refused(
        make(), checkpoint, **arguments(callbacks=callbacks(tmp_path, **{name: change}))
    )

    assert next(iter(change)) in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", OTHER_MODELS)
def test_another_model_is_refused(checkpoint, tmp_path, change):
    model = make(**OTHER_MODELS[change])
    assert_refused(model, checkpoint, **arguments(callbacks=callbacks(tmp_path)))


@pytest.mark.parametrize("names", ["class_names", "feature_names"])
def test_other_names_are_refused(checkpoint, tmp_path, names):
    model = make()
    setattr(model, names, [*getattr(model, names)[:-1], "another"])

    message = assert_refused(model, checkpoint, **arguments(callbacks=callbacks(tmp_path)))

    assert names.replace("_", " ") in message


def test_every_argument_of_a_callback_is_a_setting_or_its_surroundings():
    surroundings = {"filepath", "filename", "trial"}  # of which a resumed training may have others
    classes = [c for c in find_classes("ffnn.callbacks").values() if issubclass(c, Callback)]
    constructed = [c for c in classes if "__init__" in vars(c) and c.__name__ != "Monitor"]
    assert len(constructed) >= 7

    for cls in constructed:
        assert set(inspect.signature(cls).parameters) - surroundings == set(cls.settings), cls


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"verbose": 2},
        {"epochs": 9},
        {"epochs": np.int64(5)},
        {"batch_size": np.int32(16)},
        {"x": X.copy(order="F")},
        {"y": list(Y)},
        {"learning_rate": 0.01},
    ],
    ids=str,
)
def test_the_same_training_is_resumed(checkpoint, tmp_path, change):
    model = make()

    history = model.fit(
        **{"epochs": 5, "resume_from": checkpoint}
        | arguments(callbacks=callbacks(tmp_path))
        | change
    )

    straight = make()
    straight.fit(epochs=change.get("epochs", 5), callbacks=callbacks(tmp_path), **arguments())
    assert history.epoch == straight.history.epoch
    assert model.optimizer.learning_rate == straight.optimizer.learning_rate < 0.01 / 2
    np.testing.assert_array_equal(model.parameters, straight.parameters)
    np.testing.assert_array_equal(model.layers[3].moving_mean, straight.layers[3].moving_mean)


def test_the_loaded_model_goes_on_with_the_rate_that_was_lowered(checkpoint, tmp_path):
    model = ffnn.load_model(checkpoint)
    assert model.optimizer.learning_rate < 0.01

    model.fit(epochs=5, resume_from=checkpoint, **arguments(callbacks=callbacks(tmp_path)))

    straight = make()
    straight.fit(epochs=5, callbacks=callbacks(tmp_path), **arguments())
    np.testing.assert_array_equal(model.parameters, straight.parameters)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (CosineDecay(0.1, 100), 0.1),
        (0.1, CosineDecay(0.1, 100)),
        (CosineDecay(0.1, 100), CosineDecay(0.1, 50)),
        (CosineDecay(0.1, 100), ExponentialDecay(0.1, 100, 0.5)),
    ],
    ids=str,
)
def test_another_schedule_is_refused(tmp_path, first, then):
    model = make(SGD(first))
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(tmp_path / "m.h5")

    message = assert_refused(make(SGD(then)), tmp_path / "m.h5", x=X, y=Y, verbose=0)

    assert "learning_rate" in message


def test_large_inputs_are_sampled_and_all_targets_count(tmp_path):
    x = np.zeros((3_000_000, 2), np.float32)
    y = np.zeros(3_000_000, np.float32)

    def begin(y, **options):
        model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
        model.compile("sgd", "mse")
        model.fit(x, y, 1024, steps_per_epoch=1, verbose=0, **options)
        return model

    begin(y, epochs=1).save(tmp_path / "m.h5")
    begin(y, epochs=2, resume_from=tmp_path / "m.h5")
    for row in (0, 1_234_567, 2_999_999):
        with pytest.raises(ValueError, match="the training had y=float32"):
            begin(changed(y, row, 1), epochs=2, resume_from=tmp_path / "m.h5")
    x += 1
    with pytest.raises(ValueError, match="the training had x=float32"):
        begin(y, epochs=2, resume_from=tmp_path / "m.h5")


def test_a_model_that_is_not_built_stays_so_when_refused(checkpoint, tmp_path):
    model = ffnn.Sequential([Normalization().adapt(X[:, :4]), Dense(2, "softmax")], seed=1)
    model.compile(Adam(0.01), "categorical_crossentropy", ["accuracy"])

    with pytest.raises(ValueError, match="another model"):
        model.fit(X[:, :4], Y, 16, 5, verbose=0, resume_from=checkpoint)

    assert not model.is_built


class Refuse(Callback):
    """Fails before the training has begun, in one hook or the other."""

    def __init__(self, hook):
        self.hook = hook

    def on_train_begin(self, logs):
        if self.hook == "on_train_begin":
            raise ValueError("not today")

    def set_state(self, state):
        if self.hook == "set_state":
            raise ValueError("not today")


@pytest.mark.parametrize("hook", ["on_train_begin", "set_state"])
def test_a_callback_that_refuses_leaves_the_model_as_it_was(tmp_path, hook):
    first = make()
    first.fit(X, Y, epochs=2, verbose=0, callbacks=[Refuse(None), Recorder()])
    first.save(tmp_path / "m.h5")
    error = ValueError if hook == "on_train_begin" else ffnn.ModelFileError
    again = make()
    again.fit(X, Y, epochs=1, verbose=0)

    for model in (make(), again):
        assert_refused(
            model,
            tmp_path / "m.h5",
            error,
            x=X,
            y=Y,
            verbose=0,
            callbacks=[Refuse(hook), Recorder()],
        )


def test_a_training_that_a_callback_refuses_leaves_the_model_as_it_was():
    model = make()
    model.fit(X, Y, epochs=2, verbose=0)
    before, history = content(model), model.history

    with pytest.raises(ValueError, match="no 'val_loss' in this training"):
        model.fit(X, Y, epochs=2, verbose=0, learning_rate=0.5, callbacks=[EarlyStopping()])

    assert content(model) == before
    assert model.history is history


@pytest.mark.parametrize("had", [True, False])
def test_validation_added_or_dropped_is_refused_also_in_a_file_of_an_earlier_version(tmp_path, had):
    def options(validated):
        return {"validation_data": (X_VAL, Y_VAL) if validated else None, "verbose": 0}

    model = make()
    model.fit(X, Y, epochs=2, **options(had))
    config, arrays = model.capture()
    del config["position"]["training"]
    saving.write(tmp_path / "m.h5", config, arrays)

    message = assert_refused(make(), tmp_path / "m.h5", x=X, y=Y, **options(not had))

    assert "Give the same metrics and validation" in message
    make().fit(X, Y, epochs=3, resume_from=tmp_path / "m.h5", **options(had))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.intp])
def test_numpy_integers_train_save_and_resume(tmp_path, kind):
    def fit(epochs, **options):
        model = make(seed=kind(3))
        model.fit(
            X, Y, kind(16), kind(epochs), verbose=0, steps_per_epoch=kind(4),
            callbacks=[EarlyStopping("loss", patience=kind(30), min_delta=np.float32(0.0))],
            validation_split=np.float64(0.25), learning_rate=np.float32(0.25), **options,
        )  # fmt: skip
        return model

    fit(3, initial_epoch=kind(1)).save(tmp_path / "m.h5")
    loaded = fit(4, resume_from=tmp_path / "m.h5")

    loaded.save(tmp_path / "again.h5")
    assert ffnn.load_model(tmp_path / "again.h5").history.epoch == [1, 2, 3]
    assert type(loaded.optimizer.learning_rate) is float
