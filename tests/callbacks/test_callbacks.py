import csv
import errno
import os

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LossThreshold,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from ffnn.layers import BatchNorm, Dense
from ffnn.optimizers import SGD
from ffnn.schedules import ExponentialDecay

X = np.random.default_rng(0).standard_normal((40, 3))
Y = X @ [1.0, -2.0, 0.5]


def model(learning_rate=0.05):
    built = ffnn.Sequential([Dense(1)], input_dim=3, seed=0, dtype="float64")
    built.compile(SGD(learning_rate))
    return built


class Script(Callback):
    """Replaces an epoch's number by one from a list, for the callbacks after it."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]


def fit_script(callback, values, name="loss", trained=None, **options):
    """Train through scripted values of one number and return the history."""
    trained = trained or model()
    callbacks = [Script(name, values), callback]
    return trained.fit(X, Y, epochs=len(values), callbacks=callbacks, verbose=0, **options)


# -- EarlyStopping ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patience", "values", "epochs"),
    [
        (0, [3, 2, 2.5, 1], 3),
        (1, [3, 2, 2.5, 1], 3),
        (2, [3, 2, 2.5, 2.4, 1], 4),
        (2, [3, 2, 2.5, 1, 1.1, 1.2, 0], 6),
        (3, [3, 2, 1, 0.5], 4),
    ],
)
def test_early_stopping_waits_for_its_patience(patience, values, epochs):
    history = fit_script(EarlyStopping("loss", patience=patience), values)

    assert len(history.epoch) == epochs


def test_early_stopping_counts_only_improvements_over_min_delta():
    stopping = EarlyStopping("loss", min_delta=0.5, patience=2)

    history = fit_script(stopping, [3.0, 2.8, 2.6, 0.0])

    assert len(history.epoch) == 3
    assert stopping.best == 3.0
    assert stopping.stopped_epoch == 2


@pytest.mark.parametrize(
    ("monitor", "mode", "best_epoch"),
    [("accuracy", "auto", 1), ("accuracy", "min", 0), ("loss", "auto", 0), ("loss", "max", 1)],
)
def test_early_stopping_knows_which_way_is_better(monitor, mode, best_epoch):
    trained = ffnn.Sequential([Dense(2, "softmax")], input_dim=3, seed=0)
    trained.compile("sgd", "cce", ["accuracy"])
    stopping = EarlyStopping(monitor, mode=mode, patience=5)

    trained.fit(
        X,
        (Y > 0).astype(int),
        epochs=2,
        verbose=0,
        callbacks=[Script(monitor, [0.5, 0.6]), stopping],
    )

    assert stopping.best_epoch == best_epoch


def test_early_stopping_restores_the_best_weights_and_layer_states():
    trained = ffnn.Sequential([BatchNorm(), Dense(1)], input_dim=3, seed=0)
    trained.compile(SGD(0.05))
    kept = {}

    class Keep(Callback):
        def on_epoch_end(self, epoch, logs):
            kept[epoch] = self.model.get_weights()

    trained.fit(
        X,
        Y,
        epochs=4,
        verbose=0,
        callbacks=[Keep(), Script("loss", [3, 1, 2, 2]), EarlyStopping("loss", patience=2)],
    )

    for now, best, last in zip(trained.get_weights(), kept[1], kept[3], strict=True):
        np.testing.assert_array_equal(now, best)
        assert (best != last).any()


def test_early_stopping_can_keep_the_last_weights():
    trained = model()
    stopping = EarlyStopping("loss", restore_best_weights=False)
    fit_script(stopping, [1, 2], trained=trained)
    other = model()
    other.fit(X, Y, epochs=2, verbose=0)

    np.testing.assert_array_equal(trained.parameters, other.parameters)


def test_a_callback_can_be_used_for_a_second_training():
    stopping = EarlyStopping("loss", patience=1)
    fit_script(stopping, [1, 2])

    history = fit_script(stopping, [9, 8, 7])

    assert len(history.epoch) == 3
    assert stopping.best == 7


@pytest.mark.parametrize(
    "callback",
    [EarlyStopping(), ReduceLROnPlateau(), ModelCheckpoint("x.h5", save_best_only=True)],
)
def test_monitoring_what_is_not_there_is_refused_before_training(callback):
    trained = model()

    with pytest.raises(ValueError, match=r"there is no 'val_loss'.*known: loss.*validation"):
        trained.fit(X, Y, callbacks=[callback], verbose=0)

    assert trained.optimizer.iterations == 0


# -- the others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("threshold", "epochs"), [(0.5, 3), (0.49, 4), (9.0, 1)])
def test_loss_threshold_stops_at_or_under_it(threshold, epochs):
    callback = LossThreshold(threshold)

    history = fit_script(callback, [2.0, 1.0, 0.5, 0.1])

    assert len(history.epoch) == epochs
    assert callback.stopped_epoch == epochs - 1


def test_loss_threshold_that_is_never_met_stops_nothing():
    callback = LossThreshold(0.0)

    assert len(fit_script(callback, [2.0, 1.0]).epoch) == 2
    assert callback.stopped_epoch is None


def test_reduce_lr_on_plateau_lowers_the_rate_after_its_patience():
    trained = model(learning_rate=0.08)
    rates = []

    class Watch(Callback):
        def on_epoch_end(self, epoch, logs):
            rates.append(self.model.optimizer.learning_rate)

    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=2, min_lr=0.03)
    trained.fit(
        X,
        Y,
        epochs=7,
        verbose=0,
        callbacks=[Script("loss", [3, 2, 2, 2, 2, 2, 1]), reduce, Watch()],
    )

    assert rates == [0.08, 0.08, 0.08, 0.04, 0.04, 0.03, 0.03]


def test_reduce_lr_on_plateau_does_not_count_while_it_cools_down():
    trained = model(learning_rate=0.08)
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=2)

    fit_script(reduce, [1, 2, 2, 2], trained=trained)
    assert trained.optimizer.learning_rate == 0.02


def test_reduce_lr_on_plateau_refuses_a_schedule():
    trained = model(ExponentialDecay(0.1, 10, 0.5))

    with pytest.raises(ValueError, match="schedule"):
        trained.fit(X, Y, callbacks=[ReduceLROnPlateau("loss")], verbose=0)


def test_checkpoints_are_written_every_so_many_epochs(tmp_path):
    callback = ModelCheckpoint(tmp_path / "at-{epoch:02d}-{loss:.1f}.h5", every=2)

    fit_script(callback, [5.0, 4.0, 3.0, 2.0, 1.0])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["at-02-4.0.h5", "at-04-2.0.h5"]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("at-{val_loss:.2f}.h5", ValueError, "unknown field 'val_loss'.*known: epoch, loss"),
        ("nowhere/model.h5", FileNotFoundError, "there is no folder"),
    ],
)
def test_checkpoints_that_could_not_be_written_are_refused_before_training(
    tmp_path, path, error, message
):
    trained = model()

    with pytest.raises(error, match=message):
        trained.fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / path)], verbose=0)

    assert trained.optimizer.iterations == 0


@pytest.mark.parametrize(
    "name",
    [
        "a{.h5",
        "a}.h5",
        "{}.h5",
        "{0}.h5",
        "a{epoch.x}.h5",
        "a{epoch[0]}.h5",
        "a{epoch!x}.h5",
        "a{epoch:s}.h5",
        "a{loss:d}.h5",
        "a{loss:03q}.h5",
        "{epoch:>300}.h5",
        "{epoch:>5000}.h5",
        "{loss:.999999999f}.h5",
        "{epoch:{loss}}.h5",
        "x" * 300,
        "ä" * 130,
    ],
    ids=lambda name: name[:30],
)
def test_a_template_that_cannot_be_filled_in_is_refused_by_name(name):
    with pytest.raises(ValueError, match=r"^ModelCheckpoint: filepath ") as caught:
        ModelCheckpoint(name)

    assert repr(name)[1:30] in str(caught.value)
    assert len(str(caught.value)) < 500
    checkpoint = ModelCheckpoint("m.h5")
    with pytest.raises(ValueError, match=r"^ModelCheckpoint: filepath "):
        checkpoint.filepath = name


def test_a_template_has_braces_conversions_and_any_format_of_numbers(tmp_path):
    callback = ModelCheckpoint(tmp_path / "{{{epoch:x}}}-{loss:+.1e}-{epoch!s:>3}-{loss}.h5")

    fit_script(callback, [0.5])

    assert [path.name for path in tmp_path.iterdir()] == ["{1}-+5.0e-01-  1-0.5.h5"]


def test_early_stopping_counts_from_the_first_epoch_of_a_later_training():
    stopping = EarlyStopping("loss", patience=2)
    values = [float("nan")] * 50 + [float("inf"), 2.0, 1.0]

    history = fit_script(stopping, values, initial_epoch=50)

    assert history.epoch == [50, 51, 52]


def test_the_best_checkpoint_is_kept(tmp_path):
    trained, path = model(), tmp_path / "best.h5"
    kept = {}

    class Keep(Callback):
        def on_epoch_end(self, epoch, logs):
            kept[epoch] = self.model.parameters.copy()

    trained.fit(
        X,
        Y,
        epochs=4,
        verbose=0,
        callbacks=[
            Keep(),
            Script("loss", [3, 1, 2, 1]),
            ModelCheckpoint(path, "loss", save_best_only=True),
        ],
    )

    np.testing.assert_array_equal(ffnn.load_model(path).parameters, kept[1])


def read(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_csv_logger_writes_a_line_an_epoch_with_full_precision(tmp_path):
    path = tmp_path / "log.csv"

    history = model().fit(
        X, Y, epochs=2, callbacks=[CSVLogger(path)], validation_split=0.2, verbose=0
    )

    rows = read(path)
    assert rows[0] == ["epoch", "loss", "val_loss"]
    assert [float(row[1]) for row in rows[1:]] == history.history["loss"]


def test_csv_logger_begins_anew_or_appends(tmp_path):
    path = tmp_path / "log.csv"
    for append in (False, False, True):
        model().fit(X, Y, callbacks=[CSVLogger(path, append=append)], verbose=0)

    assert [row[0] for row in read(path)] == ["epoch", "0", "0"]


def log_after(path, content, append=True, **options):
    path.write_bytes(content)
    model().fit(X, Y, callbacks=[CSVLogger(path, append=append)], verbose=0, **options)
    return path.read_bytes()


def test_csv_logger_keeps_the_old_lines_byte_for_byte(tmp_path):
    old = b"epoch,loss\n0,0.50\r\n1,0.25\n"

    assert log_after(tmp_path / "log.csv", old).startswith(old + b"0,")


@pytest.mark.parametrize("cut", [b"", b"1", b"12,0."])
def test_csv_logger_mends_a_last_line_that_was_cut_off(tmp_path, cut):
    lines = log_after(tmp_path / "log.csv", b"epoch,loss\n0,0.5\n" + cut).splitlines()

    whole = [cut] if b"," in cut else []
    assert lines[:-1] == [b"epoch,loss", b"0,0.5", *whole]
    assert lines[-1].startswith(b"0,")


@pytest.mark.parametrize("append", [True, False])
def test_csv_logger_leaves_the_old_file_if_the_training_fails_before_its_first_line(
    tmp_path, append
):
    old = b"epoch,loss\r\n0,0.5\r\n"
    path = tmp_path / "log.csv"
    path.write_bytes(old)

    def diverge(**options):
        model().fit(X, Y, callbacks=[CSVLogger(path, append), *options.pop("more", [])], **options)

    with pytest.raises(FileNotFoundError):
        diverge(more=[ModelCheckpoint(tmp_path / "missing" / "m.h5")], verbose=0)
    with pytest.raises(ZeroDivisionError):
        diverge(more=[Failing()], verbose=0)

    assert path.read_bytes() == old


class Failing(Callback):
    """Fails in the first batch."""

    def on_train_batch_end(self, batch, logs):
        raise ZeroDivisionError


def test_csv_logger_keeps_its_lines_if_a_later_one_cannot_be_written(tmp_path, monkeypatch):
    path, lines, write = tmp_path / "log.csv", [], os.write

    def fail(descriptor, view):
        write(descriptor, view[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Remember(Callback):
        def on_epoch_end(self, epoch, logs):
            lines.append(path.read_bytes())
            if epoch == 1:
                monkeypatch.setattr(os, "write", fail)

    with pytest.raises(OSError, match=r"No space left on device.*log\.csv"):
        model().fit(X, Y, epochs=9, callbacks=[CSVLogger(path), Remember()], verbose=0)

    assert len(lines) == 2
    assert path.read_bytes() == lines[-1]
    assert [row[0] for row in read(path)] == ["epoch", "0", "1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is not CSV: 'utf-8' codec"),
        (b"epoch,loss\n0,0.5,7\n", "line 2: expected an epoch and 1 number, got 0, 0.5, 7;"),
        (b"epoch,loss\n0\n1,0.5\n", "line 2: expected an epoch and 1 number, got 0;"),
        (b"epoch,loss\n0,0.5\none,0.5\n", "line 3: expected an epoch and 1 number, got one, 0.5;"),
        (b"epoch,loss\n-1,0.5\n", "line 2: expected an epoch"),
        (b"epoch,\x1b[31mred\n", r"has the columns epoch, \\x1b\[31mred, this training has"),
        (b"x" * 100_000, r"has the columns x{199}…, this training"),
    ],
)
def test_csv_logger_refuses_what_is_not_a_log(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"CSVLogger: .*log\.csv.*{message}.*use another file"):
        log_after(tmp_path / "log.csv", content)

    assert (tmp_path / "log.csv").read_bytes() == content


def test_csv_logger_refuses_a_file_with_other_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,accuracy\n0,0.5\n")

    with pytest.raises(ValueError, match=r"epoch, accuracy.*epoch, loss"):
        model().fit(X, Y, callbacks=[CSVLogger(path, append=True)], verbose=0)

    assert path.read_text() == "epoch,accuracy\n0,0.5\n"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(mode="best"), "auto, min, max"),
        (lambda: EarlyStopping(patience=-1), "patience"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta"),
        (lambda: ReduceLROnPlateau(factor=1.0), "factor"),
        (lambda: ReduceLROnPlateau(patience=0), "patience"),
        (lambda: ModelCheckpoint("x.h5", every=0), "every"),
        (lambda: LossThreshold(float("nan")), "threshold"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
