"""The loop: interruption, divergence, batches' hooks."""

import pickle
import signal
import threading

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback, EarlyStopping
from ffnn.layers import BatchNorm, Dense, LayerNorm
from ffnn.optimizers import SGD
from ffnn.schedules import Schedule
from ffnn.training.signals import Interrupt

X = np.random.default_rng(0).standard_normal((40, 3))


def model(learning_rate=0.01, **options):
    built = ffnn.Sequential([Dense(1, **options)], input_dim=3, seed=0)
    built.compile(SGD(learning_rate))
    return built


class PressCtrlC(Callback):
    """Sends SIGINT at one batch of one epoch."""

    def __init__(self, epoch, batch, times=1):
        self.when = (epoch, batch)
        self.times = times
        self.batches = 0

    def on_epoch_begin(self, epoch, logs):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs):
        if (self.epoch, batch) == self.when:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_train_batch_end(self, batch, logs):
        self.batches += 1


@pytest.mark.usefixtures("sigint")
def test_ctrl_c_finishes_the_batch_and_returns_the_history_so_far():
    trained, press = model(), PressCtrlC(epoch=2, batch=1)

    history = trained.fit(X, X[:, 0], batch_size=10, epochs=9, callbacks=[press], verbose=0)

    assert history.interrupted
    assert history.epoch == [0, 1]
    assert trained.optimizer.iterations == press.batches == 4 + 4 + 2
    assert np.isfinite(trained.parameters).all()


def test_training_continues_after_an_interruption():
    trained = model()
    trained.fit(X, X[:, 0], epochs=3, callbacks=[PressCtrlC(1, 0)], verbose=0)

    history = trained.fit(X, X[:, 0], epochs=2, verbose=0)

    assert not history.interrupted
    assert len(history.epoch) == 2


@pytest.mark.usefixtures("sigint")
def test_a_second_ctrl_c_ends_at_once():
    with pytest.raises(KeyboardInterrupt):
        model().fit(X, X[:, 0], callbacks=[PressCtrlC(0, 0, times=2)], verbose=0)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("sigint")
def test_pythons_own_handler_is_back_after_training():
    model().fit(X, X[:, 0], verbose=0)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_is_respected():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    try:
        history = model().fit(X, X[:, 0], epochs=2, callbacks=[PressCtrlC(0, 0)], verbose=0)
    finally:
        signal.signal(signal.SIGINT, before)

    assert calls == [1]
    assert history.epoch == [0, 1]


def test_training_in_another_thread_works():
    trained = model()
    thread = threading.Thread(target=lambda: trained.fit(X, X[:, 0], verbose=0))
    thread.start()
    thread.join()

    assert trained.optimizer.iterations == 2


@pytest.mark.usefixtures("sigint")
def test_interrupt_outside_the_main_thread_leaves_signals_alone():
    seen = []

    def enter():
        with Interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert seen == [signal.default_int_handler]


def test_divergence_names_epoch_batch_and_rate_and_keeps_the_last_finite_weights():
    trained = model(learning_rate=1e6)

    class Remember(Callback):
        def on_train_batch_end(self, batch, logs):
            self.last = self.model.parameters.copy()
            self.done = batch + 1

    remember = Remember()
    with pytest.raises(ffnn.TrainingDivergedError) as caught:
        trained.fit(X, X[:, 0], batch_size=10, epochs=50, callbacks=[remember], verbose=0)

    error = caught.value
    assert error.learning_rate == 1e6
    assert error.epoch == (trained.optimizer.iterations // 4) + 1
    assert error.batch == (trained.optimizer.iterations % 4) + 1
    assert f"epoch {error.epoch}, batch {error.batch}, at learning rate 1e+06" in str(error)
    assert np.isfinite(trained.parameters).all()
    np.testing.assert_array_equal(trained.parameters, remember.last)


def test_an_infinite_gradient_of_a_finite_loss_stops_before_the_update():
    class Overflowing(ffnn.layers.Layer):
        def forward(self, x, training=False):
            return x

        def backward(self, grad):
            return grad * np.float32(np.inf)

    trained = ffnn.Sequential([Dense(1), Overflowing()], input_dim=3, seed=0)
    trained.compile()
    before = trained.parameters.copy()

    with pytest.raises(ffnn.TrainingDivergedError, match="gradient became nan"):
        trained.train_on_batch(X, X[:, 0])

    np.testing.assert_array_equal(trained.parameters, before)
    assert trained.optimizer.iterations == 0


class Huge(ffnn.layers.Layer):
    def forward(self, x, training=False):
        return x

    def backward(self, grad):
        grad[...] = 1e25  # g·g overflows in float32
        return grad


def test_a_gradient_near_the_end_of_float32_is_divergence_unless_it_is_clipped():
    for clipnorm in (None, 1.0):
        trained = ffnn.Sequential([Dense(1), Huge()], input_dim=3, seed=0)
        trained.compile(SGD(0.1, clipnorm=clipnorm))
        before = trained.parameters.copy()
        if clipnorm is None:
            with pytest.raises(ffnn.TrainingDivergedError, match="norm of the gradient became"):
                trained.train_on_batch(X, X[:, 0])
            np.testing.assert_array_equal(trained.parameters, before)
        else:
            trained.train_on_batch(X, X[:, 0])
            assert np.linalg.norm(trained.parameters - before) == pytest.approx(0.1, rel=1e-5)


class Broken(Schedule):
    def __call__(self, step):
        return float("nan")


@pytest.mark.parametrize("rate", [1e31, 1e38, Broken()])
def test_an_update_that_would_spoil_the_weights_is_not_made(rate):
    trained = ffnn.Sequential([Dense(1)], input_dim=1, seed=0)
    trained.compile(SGD(rate))
    before = trained.parameters.copy()

    with pytest.raises(ffnn.TrainingDivergedError, match="update became too large"):
        trained.fit([[1e3]], [[1e3]], verbose=0)

    np.testing.assert_array_equal(trained.parameters, before)


def test_the_error_comes_back_from_other_processes():
    error = ffnn.TrainingDivergedError("diverged", 3, 7, 0.5)

    twin = pickle.loads(pickle.dumps(error))

    assert (str(twin), twin.epoch, twin.batch, twin.learning_rate) == ("diverged", 3, 7, 0.5)


def test_an_error_before_training_is_not_hidden_by_the_progress_bar(capfd):
    with pytest.raises(ValueError, match="there is no 'val_loss'"):
        model().fit(X, X[:, 0], callbacks=[EarlyStopping()], verbose=1)


def test_an_error_in_a_callback_closes_what_is_open_and_keeps_the_model_whole():
    class Fails(Callback):
        closed = False

        def on_epoch_end(self, epoch, logs):
            raise ZeroDivisionError

        def close(self):
            self.closed = True

    trained, fails = model(), Fails()
    with pytest.raises(ZeroDivisionError):
        trained.fit(X, X[:, 0], callbacks=[fails], verbose=0)

    assert fails.closed
    assert np.isfinite(trained.parameters).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_hooks_run_in_order():
    calls = []

    class Spy(Callback):
        def on_train_begin(self, logs):
            calls.append("train begin")

        def on_epoch_begin(self, epoch, logs):
            calls.append(f"epoch {epoch} begin")

        def on_train_batch_begin(self, batch, logs):
            calls.append(f"batch {batch} begin")

        def on_train_batch_end(self, batch, logs):
            calls.append(f"batch {batch} end {sorted(logs)}")

        def on_epoch_end(self, epoch, logs):
            calls.append(f"epoch {epoch} end {sorted(logs)}")

        def on_train_end(self, logs):
            calls.append(f"train end {sorted(logs)}")

        def close(self):
            calls.append("close")

    model().fit(
        X, X[:, 0], batch_size=20, callbacks=[Spy()], validation_data=(X, X[:, 0]), verbose=0
    )

    assert calls == [
        "train begin",
        "epoch 0 begin",
        "batch 0 begin",
        "batch 0 end ['loss']",
        "batch 1 begin",
        "batch 1 end ['loss']",
        "epoch 0 end ['loss', 'val_loss']",
        "train end ['loss', 'val_loss']",
        "close",
    ]


@pytest.mark.usefixtures("sigint")
def test_interrupted_training_still_restores_the_best_weights():
    trained = model(learning_rate=0.1)
    stopping = EarlyStopping("loss", patience=100)

    trained.fit(X, X[:, 0], epochs=9, callbacks=[stopping, PressCtrlC(4, 0)], verbose=0)

    assert stopping.best_epoch == 3
    np.testing.assert_array_equal(trained.get_weights()[0], stopping._best_weights[0])


# -- batches of too few rows -----------------------------------------------------------------------


def normalised(*layers):
    built = ffnn.Sequential([Dense(4), *layers, Dense(1)], input_dim=3, seed=0)
    built.compile(SGD(0.01))
    return built


SINGLE = (
    r"^BatchNorm 'batch_norm_1' needs batches of at least 2 rows, and those of this training have"
)


@pytest.mark.parametrize(("rows", "batch_size"), [(40, 1), (1, 1), (1, 32)])
def test_batches_of_one_row_of_which_batch_norm_learns_nothing_cause_one_warning(rows, batch_size):
    trained = normalised(BatchNorm())
    weight = trained.layers[0].params["weight"].copy()

    with pytest.warns(UserWarning, match=SINGLE + " 1 row: ") as caught:
        trained.fit(X[:rows], X[:rows, :1], batch_size=batch_size, epochs=2, verbose=0)

    assert [warning.filename for warning in caught] == [__file__]
    np.testing.assert_array_equal(trained.layers[0].params["weight"], weight)


@pytest.mark.parametrize("batch_size", [2, 3, 32, 39, 40])  # of 3 and of 39, the last has one row
def test_larger_batches_cause_none(batch_size):
    normalised(BatchNorm()).fit(X, X[:, :1], batch_size=batch_size, verbose=0)


def test_layers_that_look_at_single_rows_cause_none():
    normalised(LayerNorm()).fit(X, X[:, :1], batch_size=1, verbose=0)


def test_a_single_batch_is_trained_on_without_a_word():
    normalised(BatchNorm()).train_on_batch(X[:1], X[:1, :1])


class Pairs(BatchNorm):
    """A layer of a user's own that needs more."""

    min_batch_rows = 16


def test_each_layer_says_how_many_rows_it_needs():
    with pytest.warns(UserWarning, match=r"needs batches of at least") as caught:
        normalised(Pairs(), BatchNorm(), Pairs()).fit(X, X[:, :1], batch_size=15, verbose=0)

    assert [str(warning.message).split(", and")[0] for warning in caught] == [
        "Pairs 'Pairs_1' needs batches of at least 16 rows",
        "Pairs 'Pairs_2' needs batches of at least 16 rows",
    ]


def test_a_warning_that_is_an_error_trains_nothing():
    trained = normalised(BatchNorm())
    before = trained.get_weights()

    with pytest.raises(UserWarning, match=SINGLE):
        trained.fit(X, X[:, :1], batch_size=1, verbose=0)

    np.testing.assert_equal(trained.get_weights(), before)
    assert trained.history is None
