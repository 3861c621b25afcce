"""A training resumed from a file ends as one that never stopped, bit for bit."""

import os
import pickle
import signal
import sys

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
)
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.optimizers import SGD, Adam, AdamW
from ffnn.schedules import CosineDecay, CosineLog, FlatCosine

RNG = np.random.default_rng(3)
X = RNG.normal(size=(70, 5)).astype(np.float32)
Y = RNG.integers(0, 3, 70)
METRICS = ["accuracy", "precision", "recall", "f1"]


def make(optimizer=None, seed=1, units=8):
    layers = [Dense(units), BatchNorm(), Dropout(0.3), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=5, seed=seed)
    model.compile(optimizer or Adam(0.01), "sparse_categorical_crossentropy", METRICS)
    return model


def other(optimizer=None):
    """Return a model of the same parts whose values and random numbers are others."""
    model = make(optimizer)
    for _ in range(3):
        model.train_on_batch(X[:9], Y[:9])
    model.shuffling.random()
    return model


def fit(model, epochs, callbacks=(), **options):
    options = {"batch_size": 16, "validation_split": 0.2, "verbose": 0} | options
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


class PressCtrlC(Callback):
    """Press Ctrl-C in a batch, and save the model where it then stands."""

    def __init__(self, epoch, batch, path):
        self.epoch, self.batch, self.path = epoch, batch, path

    def on_epoch_begin(self, epoch, logs):
        self.armed = epoch == self.epoch

    def on_train_batch_begin(self, batch, logs):
        if self.armed and batch == self.batch:
            os.kill(os.getpid(), signal.SIGINT)

    def on_interrupt(self, number):
        self.model.save(self.path)


def assert_same(model, other):
    np.testing.assert_array_equal(model.parameters, other.parameters)
    np.testing.assert_array_equal(model.gradients, other.gradients)
    for name, slot in model.optimizer.slots.items():
        np.testing.assert_array_equal(slot, other.optimizer.slots[name])
    for layer, twin in zip(model.layers, other.layers, strict=True):
        for name, array in layer.state.items():
            np.testing.assert_array_equal(array, twin.state[name])
    assert model.optimizer.iterations == other.optimizer.iterations
    assert model.optimizer.current_learning_rate == other.optimizer.current_learning_rate
    assert model.history.history == other.history.history
    assert model.history.epoch == other.history.epoch
    assert model.shuffling.bit_generator.state == other.shuffling.bit_generator.state
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


OPTIMIZERS = {
    "adam": lambda: Adam(0.01),
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "schedule": lambda: SGD(CosineDecay(0.1, 40)),
    "schedules": lambda: AdamW(CosineLog(0.1, 40), weight_decay=FlatCosine(0.1, 40)),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("steps_per_epoch", [None, 3])
def test_a_saved_training_is_resumed(tmp_path, kind, steps_per_epoch):
    options = {"steps_per_epoch": steps_per_epoch}
    straight, first = make(OPTIMIZERS[kind]()), make(OPTIMIZERS[kind]())
    fit(straight, 7, **options)
    fit(first, 3, **options)
    first.save(tmp_path / "m.h5")

    second = other(OPTIMIZERS[kind]())
    fit(second, 7, resume_from=tmp_path / "m.h5", **options)

    assert_same(second, straight)


@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (1, 2), (2, 3), (4, 0)])
@pytest.mark.parametrize("steps_per_epoch", [None, 3])
@pytest.mark.usefixtures("sigint")
def test_an_interrupted_epoch_is_resumed_within(tmp_path, epoch, batch, steps_per_epoch):
    batch = min(batch, (steps_per_epoch or 4) - 1)  # the last batch of an epoch too
    options = {"steps_per_epoch": steps_per_epoch}
    straight, first, second = make(), make(), other()
    fit(straight, 6, **options)
    history = fit(first, 6, [PressCtrlC(epoch, batch, tmp_path / "m.h5")], **options)
    assert history.interrupted

    press = PressCtrlC(-1, 0, None)
    fit(second, 6, [press], resume_from=tmp_path / "m.h5", **options)

    assert_same(second, straight)
    assert not second.history.interrupted


def watchers(path):
    return [
        ModelCheckpoint(path, every=3),
        EarlyStopping("val_loss", patience=4),
        ReduceLROnPlateau("val_loss", patience=1, factor=0.5),
    ]


def test_callbacks_are_resumed_wherever_the_checkpoint_is_in_the_list(tmp_path):
    straight, first, second = make(), make(), other()
    fit(straight, 40, watchers(tmp_path / "straight.h5"))
    fit(first, 3, watchers(tmp_path / "m.h5"))

    stopping = watchers(tmp_path / "m.h5")
    fit(second, 40, stopping, resume_from=tmp_path / "m.h5")

    assert 3 < len(straight.history.epoch) < 40  # it stopped early
    assert stopping[1].stopped_epoch == straight.history.epoch[-1]
    assert_same(second, straight)


def test_a_training_that_had_stopped_stays_stopped(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_training = epoch == 1

    first, second = make(), other()
    fit(first, 5, [Stop(), ModelCheckpoint(tmp_path / "m.h5")])

    fit(second, 5, [Stop(), ModelCheckpoint(tmp_path / "m.h5")], resume_from=tmp_path / "m.h5")

    assert second.history.epoch == [0, 1]
    assert_same(second, first)


def test_best_numbers_are_remembered(tmp_path):
    class Worse(Callback):
        """Reports a loss that rises after the first epoch."""

        def on_epoch_end(self, epoch, logs):
            logs["val_loss"] = 1.0 + epoch

    path = tmp_path / "best.h5"
    keep = ModelCheckpoint(path, save_best_only=True)
    fit(make(), 1, [Worse(), keep])
    kept = path.read_bytes()

    fit(make(), 3, [Worse(), ModelCheckpoint(path, save_best_only=True)], resume_from=path)

    assert path.read_bytes() == kept


def test_a_recording_and_a_log_are_continued(tmp_path):
    def both(name):
        return [Recorder(snapshots=2), CSVLogger(tmp_path / name)]

    straight, first, second = make(), make(), other()
    fit(straight, 5, both("straight.csv"))
    fit(first, 3, both("log.csv"))
    first.save(tmp_path / "m.h5")
    fit(make(), 4, both("log.csv"), resume_from=tmp_path / "m.h5")  # an end that is thrown away

    fit(second, 5, both("log.csv"), resume_from=tmp_path / "m.h5")

    assert second.recording == straight.recording
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "straight.csv").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 8}, "batch_size=16, now it is 8"),
        ({"validation_split": 0.5}, "rows=56, now it is 35"),
        ({"initial_epoch": 1}, "resume_from or initial_epoch"),
        ({"epochs": 2}, "has been trained for 3 epochs"),
        ({"callbacks": [CSVLogger(os.devnull)]}, "callbacks none; now: CSVLogger$"),
        ({"model": {"units": 9}}, r"layer 0 there Dense\(8\), here Dense\(9\)"),
        ({"model": {"optimizer": SGD()}}, r"optimizer there Adam\(.*\), here SGD\("),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number"),
    ],
)
def test_another_training_is_refused_and_the_model_left_alone(tmp_path, change, message):
    first = make()
    fit(first, 3)
    first.save(tmp_path / "m.h5")
    second = make(**change.pop("model", {}))
    before = second.parameters.copy()

    with pytest.raises(ValueError, match=message):
        fit(second, **({"epochs": 7, "resume_from": tmp_path / "m.h5"} | change))

    np.testing.assert_array_equal(second.parameters, before)
    assert second.history is None


def test_rows_that_an_encoder_knows_otherwise_are_told_by_the_first_difference(tmp_path):
    rows = [{"wood": "oak" if i % 3 else "elm", "age": float(i % 7), "cost": i} for i in range(40)]

    def trained(rows, **more):
        model = ffnn.Sequential([Dense(1)], seed=0)
        model.encoder = ffnn.tables.TableEncoder().fit(rows, target="cost")
        model.compile("sgd", "mse")
        model.fit(rows, epochs=1, verbose=0, **more)
        return model

    trained(rows).save(tmp_path / "m.h5")
    older = [row | {"age": row["age"] + 1.0} for row in rows]
    message = r"m\.h5 is of another model: median of column 'age' there 3\.0, here 4\.0$"
    with pytest.raises(ValueError, match=message):
        trained(older, resume_from=tmp_path / "m.h5")
    others = [{"tree": row["wood"], "age": row["age"], "cost": row["cost"]} for row in rows]
    with pytest.raises(ValueError, match=r"there \['wood.*here \['tree") as raised:
        trained(others, resume_from=tmp_path / "m.h5")
    assert len(str(raised.value)) < 400


def test_a_file_without_a_place_is_refused(tmp_path):
    never, within = make(), make()
    never.save(tmp_path / "never.h5")

    class SaveWithin(Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.save(tmp_path / "within.h5")

    fit(within, 1, [SaveWithin()])

    for name in ("never", "within"):
        with pytest.raises(ValueError, match="does not say where its training stood"):
            fit(make(), 9, resume_from=tmp_path / f"{name}.h5")
    with pytest.raises(ffnn.ModelFileError, match=r"none\.h5"):
        fit(make(), 9, resume_from=tmp_path / "none.h5")


@pytest.mark.skipif(sys.platform != "linux", reason="the trial forks and kills")
def test_killed_trainings_end_as_those_that_never_were(soak):
    result = soak("resumes")

    assert result["failures"] == []
    assert result["notes"]["killed"] >= 15
    assert result["control"] > 10  # with the weights and the optimizer alone they end otherwise


def stopping():
    return [EarlyStopping("val_loss", restore_best_weights=False, patience=9)]


FORGED = {
    "epoch": lambda position: position.update(epoch=-1),
    "sums": lambda position: position["sums"].update(batches=1),
    "batch": lambda position: position["batches"].update(next_batch=99),
    "order": lambda position: position["batches"].update(next_batch=1),
    "left": lambda position: position["batches"].update(left=-1),
    "callback": lambda position: position["callbacks"][0].update(state={}),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_place_is_a_bad_file(tmp_path, what):
    first = make()
    fit(first, 2, stopping())
    config, arrays = first.capture()
    FORGED[what](config["position"])
    saving.write(tmp_path / "m.h5", config, arrays)
    model = make()
    before = model.parameters.copy()

    with pytest.raises(ffnn.ModelFileError, match="position"):
        fit(model, 9, stopping(), resume_from=tmp_path / "m.h5")

    assert model.optimizer.iterations == 0
    assert (model.parameters == before).all()


def test_a_model_that_is_not_compiled_says_so(tmp_path):
    first = make()
    fit(first, 1)
    first.save(tmp_path / "m.h5")

    with pytest.raises(RuntimeError, match="call compile"):
        fit(ffnn.Sequential([Dense(3, "softmax")]), 2, resume_from=tmp_path / "m.h5")


@pytest.mark.parametrize(("every", "batch"), [(1, 3), (3, 1), (3, 3), (4, 0)])
def test_a_recorder_leaves_out_an_epoch_of_which_no_batch_is_left_to_watch(tmp_path, every, batch):
    path = tmp_path / "m.h5"
    press = PressCtrlC(1, batch, path)  # of four batches
    fit(make(), 3, [Recorder(every, snapshots=1), press])
    second, is_left = make(), any(b % every == 0 for b in range(batch + 1, 4))

    fit(second, 3, [Recorder(every, snapshots=1), PressCtrlC(-1, 0, None)], resume_from=path)

    assert second.recording.epochs == ([0, 1, 2] if is_left else [0, 2])
    assert [snapshot.epoch for snapshot in second.recording.snapshots] == second.recording.epochs


# -- what else changes a model -----------------------------------------------------------------


def set_generators(model):
    model.generator_states = make(seed=9).generator_states


OTHER_WORK = {
    "an update": lambda m: m.train_on_batch(X[:9], Y[:9]),
    "a step of the optimizer": lambda m: m.optimizer.step(),
    "other weights": lambda m: m.set_weights(make(seed=9).get_weights()),
    "compile": lambda m: m.compile(Adam(0.01), "sparse_categorical_crossentropy", METRICS),
    "the same compile": lambda m: m.compile(m.optimizer, m.loss, m.metrics),
    "another learning rate": lambda m: setattr(m.optimizer, "learning_rate", 0.5),
    "a schedule": lambda m: setattr(m.optimizer, "learning_rate", CosineDecay(0.01, 9)),
    "the count of updates": lambda m: setattr(m.optimizer, "iterations", 0),
    "other random numbers": set_generators,
    "masks that are drawn": lambda m: m.forward(X, training=True),
}


@pytest.mark.parametrize("is_loaded", [False, True], ids=["trained", "loaded"])
@pytest.mark.parametrize("work", OTHER_WORK)
def test_a_model_that_something_else_changed_cannot_be_resumed(tmp_path, work, is_loaded):
    path, model = tmp_path / "m.h5", make()
    fit(model, 2)
    if is_loaded:
        model.save(path)
        model = ffnn.load_model(path)
    assert model.position is not None
    OTHER_WORK[work](model)
    assert model.position is None
    model.save(path)

    with pytest.raises(ValueError, match="does not say where its training stood"):
        fit(make(), 3, resume_from=path)

    fit(model, 2)  # a training of its own
    assert model.position is not None


def refused(work, *arguments):
    with pytest.raises(ValueError):  # noqa: PT011
        work(*arguments)


UNCHANGING = {
    "predict": lambda m: m.predict(X),
    "evaluate": lambda m: m.evaluate(X, Y),
    "forward": lambda m: m.forward(X),
    "compute_gradients": lambda m: m.compute_gradients(X, Y),
    "diagnose": lambda m: m.diagnose(X, Y),
    "get_weights": lambda m: m.get_weights(),
    "the same learning rate": lambda m: setattr(m.optimizer, "learning_rate", 0.01),
    "a refused update": lambda m: refused(m.train_on_batch, X[:, :2], Y),
    "refused weights": lambda m: refused(m.set_weights, []),
    "a refused training": lambda m: refused(fit, m, 2, [EarlyStopping("no")]),
    "a copy": lambda m: pickle.loads(pickle.dumps(m)).train_on_batch(X, Y),
}


@pytest.mark.parametrize("work", UNCHANGING)
def test_a_model_that_nothing_changed_is_resumed(tmp_path, work):
    path, model, straight, last = tmp_path / "m.h5", make(), make(), make()
    fit(model, 2)
    UNCHANGING[work](model)
    model.save(path)
    fit(straight, 3)

    fit(last, 3, resume_from=path)

    np.testing.assert_array_equal(last.parameters, straight.parameters)
    assert last.history.history == straight.history.history


def test_a_callback_that_sets_weights_does_so_again_when_resumed(tmp_path):
    class Shrink(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.set_weights([0.9 * array for array in self.model.get_weights()])
            self.model.optimizer.learning_rate = 0.01 / (epoch + 1)

    path, model, straight, last = tmp_path / "m.h5", make(), make(), make()
    fit(model, 2, [Shrink()])
    model.save(path)
    fit(straight, 4, [Shrink()])

    fit(last, 4, [Shrink()], resume_from=path)

    assert_same(last, straight)
