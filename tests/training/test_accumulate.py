"""Several batches to an update: it is that of one batch of all their rows."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback, EarlyStopping, Recorder
from ffnn.layers import BatchNorm, Dense, LayerNorm
from ffnn.optimizers import SGD, Adam, AdamW
from ffnn.regularizers import L1L2
from ffnn.schedules import ExponentialDecay
from ffnn.training.accumulation import AccumulatingStep
from ffnn.training.step import TrainStep

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 4)), RNG.integers(3, size=100)
WEIGHT = np.where(RNG.random(100) < 0.2, 0.0, RNG.uniform(0.5, 2.0, 100))
BEGINS_ABSENT = np.r_[np.zeros(30), WEIGHT[30:]]  # whole batches, and a whole update, of weight 0

# The second batch, then the first and the last of an update
SOME_ABSENT = np.where((np.arange(100) // 8)[:, None] == [1, 3, 5], 0.0, 1.0).min(axis=1)


def model(optimizer=None, dtype="float64", layers=()):
    penalty = L1L2(0.01, 0.02)
    chain = [Dense(6, "tanh", weight_regularizer=penalty), *layers, Dense(3, "softmax")]
    built = ffnn.Sequential(chain, 4, dtype, seed=0)
    built.compile(optimizer or SGD(0.5), "cce", ["accuracy"], weighted_metrics=["accuracy"])
    return built


def fit(built, x=X, y=Y, **options):
    return built.fit(x, y, **{"batch_size": 8, "epochs": 3, "verbose": 0, **options})


OPTIMIZERS = {
    "sgd": lambda: SGD(0.5),
    "momentum and clipnorm": lambda: SGD(0.5, momentum=0.9, clipnorm=0.2),
    "clipvalue": lambda: SGD(0.5, clipvalue=0.01),
    "adam": lambda: Adam(0.05),
    "adamw by a schedule": lambda: AdamW(ExponentialDecay(0.1, 3, 0.5), weight_decay=0.5),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("weights", ["even", "weighted", "begins absent", "some absent", "classes"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_it_trains_as_one_batch_of_all_the_rows_does(name, weights, shuffle):
    options = {
        "even": {},
        "weighted": {"sample_weight": WEIGHT},
        "begins absent": {"sample_weight": BEGINS_ABSENT},
        "some absent": {"sample_weight": SOME_ABSENT},
        "classes": {"class_weight": {0: 2.0, 2: 0.5}},
    }[weights]
    # 13 batches, the last of 4 rows: updates by 24, 24, 24, 24 and 4 rows
    small, large = (model(OPTIMIZERS[name](), layers=[LayerNorm()]) for _ in range(2))
    found = fit(small, accumulate=3, shuffle=shuffle, **options).history
    expected = fit(large, batch_size=24, shuffle=shuffle, **options).history

    assert small.optimizer.iterations == large.optimizer.iterations
    assert small.optimizer.iterations == (12 if weights == "begins absent" and not shuffle else 15)
    np.testing.assert_allclose(small.parameters, large.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(small.gradients, large.gradients, rtol=1e-9, atol=1e-12)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], rtol=1e-10, err_msg=key)


def test_in_float32_it_differs_by_rounding_alone():
    small, large = model(dtype="float32"), model(dtype="float32")
    fit(small, accumulate=3)
    fit(large, batch_size=24)
    np.testing.assert_allclose(small.parameters, large.parameters, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("accumulate", [2, 5, 1000])
def test_an_epochs_last_update_may_be_of_fewer_batches(accumulate):
    trained, seen = model(), []

    class Count(Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(self.model.optimizer.iterations)

    fit(trained, accumulate=accumulate, steps_per_epoch=7, epochs=2, callbacks=[Count()])

    updates = [min(batch // accumulate, 7) for batch in range(1, 8)]
    updates[-1] = -(-7 // accumulate)
    assert seen == updates + [updates[-1] + each for each in updates]


def test_one_batch_to_an_update_is_the_usual_step():
    usual, explicit = model(Adam(0.05)), model(Adam(0.05))
    kinds = []

    class Kind(Callback):
        def on_train_begin(self, logs):
            kinds.append(type(self.model.step))

    fit(usual)
    fit(explicit, accumulate=1, callbacks=[Kind()])
    np.testing.assert_array_equal(usual.parameters, explicit.parameters)
    assert kinds == [TrainStep]


def test_callbacks_are_called_for_each_batch_and_see_the_mean_so_far():
    trained, single = model(SGD(0.0)), model(SGD(0.0))
    seen, order = [], []

    class Watching(Callback):
        def on_train_batch_begin(self, batch, logs):
            order.append("begin")

        def on_forward_end(self, outputs):
            order.append("forward")

        def on_backward_end(self):
            order.append("backward")
            seen.append(self.model.gradients.copy())

        def on_train_batch_end(self, batch, logs):
            order.append("end")

    fit(trained, accumulate=2, epochs=1, shuffle=False, steps_per_epoch=3, callbacks=[Watching()])

    assert order == ["begin", "forward", "backward", "end"] * 3
    for found, rows in zip(seen, (slice(0, 8), slice(0, 16), slice(16, 24)), strict=True):
        single.compute_gradients(X[rows], Y[rows])
        np.testing.assert_allclose(found, single.gradients, rtol=1e-10, atol=1e-14)


def test_moving_averages_follow_each_batch():
    small, usual = (model(SGD(0.0), layers=[BatchNorm(0.5)]) for _ in range(2))
    fit(small, accumulate=3)
    fit(usual)
    for found, expected in zip(
        small.layers[1].state.values(), usual.layers[1].state.values(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_is_resumed_to_the_same_bits(dtype, tmp_path):
    whole, half = (model(Adam(0.05), dtype, [BatchNorm()]) for _ in range(2))
    fit(whole, epochs=6, accumulate=4)
    fit(half, epochs=3, accumulate=4)
    half.save(tmp_path / "m.h5")
    resumed = model(Adam(0.05), dtype, [BatchNorm()])
    fit(resumed, epochs=6, accumulate=4, resume_from=tmp_path / "m.h5")

    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert resumed.history.history == whole.history.history
    for other in (1, 3):
        with pytest.raises(ValueError, match=f"had accumulate=4, now it is {other}"):
            fit(model(Adam(0.05), dtype, [BatchNorm()]), epochs=6, accumulate=other,
                resume_from=tmp_path / "m.h5")  # fmt: skip


def test_files_that_do_not_say_it_had_one_batch_to_an_update(tmp_path):
    whole, half = model(), model()
    fit(whole, epochs=4)
    fit(half, epochs=2)
    config, arrays = half.capture()
    assert config["position"]["training"].pop("accumulate") == 1
    ffnn.saving.write(tmp_path / "older.h5", config, arrays)

    resumed = model()
    fit(resumed, epochs=4, resume_from=tmp_path / "older.h5")
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    with pytest.raises(ValueError, match="had accumulate=1, now it is 2"):
        fit(model(), epochs=4, accumulate=2, resume_from=tmp_path / "older.h5")


class Interrupting(Callback):
    """Ctrl-C after a batch."""

    def __init__(self, after):
        self.after, self.seen = after, 0

    def on_train_batch_end(self, batch, logs):
        self.seen += 1
        if self.seen == self.after:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("after", "batches"), [(1, 3), (3, 3), (4, 6), (13, 13), (14, 16)])
def test_ctrl_c_lets_the_batches_of_an_update_finish(after, batches, tmp_path):
    whole, part = model(Adam(0.05)), model(Adam(0.05))
    fit(whole, accumulate=3, callbacks=[Interrupting(0)])
    stopper = Interrupting(after)
    history = fit(part, accumulate=3, callbacks=[stopper])
    assert history.interrupted
    assert stopper.seen == batches
    of_each = (min(batches, 13), max(batches - 13, 0))  # epoch
    assert part.optimizer.iterations == sum(-(-done // 3) for done in of_each)
    part.save(tmp_path / "m.h5")
    resumed = model(Adam(0.05))
    fit(resumed, accumulate=3, callbacks=[Interrupting(0)], resume_from=tmp_path / "m.h5")

    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert resumed.history.history == whole.history.history


def test_a_training_that_diverges_leaves_the_weights_of_the_last_update():
    x = X.copy()
    x[40:48] = 1e200
    trained, seen = ffnn.Sequential([Dense(2), Dense(1)], 4, "float64", seed=0), []
    trained.compile(SGD(0.01), "mse")

    class Keep(Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(self.model.parameters.copy())

    with pytest.raises(ffnn.TrainingDivergedError, match="epoch 1, batch 6"):
        fit(trained, x, X[:, 0], accumulate=4, shuffle=False, callbacks=[Keep()])
    assert trained.optimizer.iterations == 1
    np.testing.assert_array_equal(trained.parameters, seen[-1])


def test_it_goes_with_recordings_and_early_stopping():
    trained = model(layers=[BatchNorm()])
    history = fit(
        trained,
        accumulate=3,
        epochs=5,
        validation_split=0.2,
        callbacks=[Recorder(snapshots=2), EarlyStopping(patience=50)],
    )
    assert len(history.epoch) == 5
    assert len(trained.recording.epochs) == 5


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_wrong_numbers_are_refused(value, error):
    trained = model()
    with pytest.raises(error, match="fit: accumulate must be"):
        fit(trained, accumulate=value)
    assert trained.history is None


@pytest.mark.parametrize("name", ["gradient_accumulation_steps", "accumulate_grad_batches"])
def test_the_names_of_others_are_told(name):
    with pytest.raises(TypeError, match="use accumulate of fit"):
        model().fit(X, Y, **{name: 2})


def test_the_step_says_where_it_is():
    trained = model()
    step = AccumulatingStep.of(trained.step, 2, 3, 0)
    where = []
    for _ in range(6):
        step(X[:8].copy(), np.eye(3)[Y[:8]], None)
        where.append(step.is_between_updates)
    assert where == [False, True, True, False, True, True]
    assert trained.step.is_between_updates


@pytest.mark.parametrize("optimizer", ["adam", "adamw by a schedule"])
def test_frozen_layers_keep_their_bits_and_others_train_as_ever(optimizer):
    small, large = (model(OPTIMIZERS[optimizer](), layers=[BatchNorm()]) for _ in range(2))
    for built in (small, large):
        built.layers[0].trainable = built.layers[1].trainable = False
    before = small.layers[0].params["weight"].copy()
    fit(small, accumulate=3)
    fit(large, batch_size=24)

    np.testing.assert_array_equal(small.layers[0].params["weight"], before)
    assert (small.layers[2].params["weight"] != 0.0).all()
    assert small.optimizer.iterations == large.optimizer.iterations
