"""A batch in parts: the update is that of the whole batch, whichever thread computes which part."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, Recorder
from ffnn.layers import Average, BatchNorm, Dense, Dropout, LayerNorm
from ffnn.losses import MeanSquaredError
from ffnn.optimizers import SGD, Adam, AdamW
from ffnn.regularizers import L1L2
from ffnn.threads import get_num_threads
from ffnn.training.parts import PartedStep

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 4)), RNG.integers(3, size=100)
WEIGHT = np.where(RNG.random(100) < 0.3, 0.0, RNG.uniform(0.5, 2.0, 100))
WHOLE_PARTS_ABSENT = np.r_[np.zeros(30), WEIGHT[30:]]


def model(*layers, optimizer=None, dtype="float64", seed=0):
    penalty = L1L2(0.01, 0.02)
    chain = [Dense(6, "tanh", weight_regularizer=penalty), *layers, Dense(3, "softmax")]
    built = ffnn.Sequential(chain, 4, dtype, seed=seed)
    built.compile(optimizer or SGD(0.5), "cce", ["accuracy", "auc"], ["accuracy"])
    return built


def fit(built, **options):
    return built.fit(X, Y, **{"batch_size": 24, "epochs": 3, "verbose": 0, **options})


def bits(built):
    return [array.tobytes() for array in (*built.get_weights(), built.gradients)]


OPTIMIZERS = {
    "momentum and clipnorm": lambda: SGD(0.5, momentum=0.9, clipnorm=0.2),
    "adam": lambda: Adam(0.05),
    "adamw": lambda: AdamW(0.05, weight_decay=0.5, clipvalue=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("weights", ["even", "weighted", "parts absent", "classes"])
@pytest.mark.parametrize("parts", [3, 7])
def test_it_trains_as_whole_batches_do(name, weights, parts):
    options = {
        "even": {},
        "weighted": {"sample_weight": WEIGHT},
        "parts absent": {"sample_weight": WHOLE_PARTS_ABSENT, "shuffle": False},
        "classes": {"class_weight": {0: 2.0, 2: 0.5}},
    }[weights] | {"validation_split": 0.2}
    cut, uncut = (model(LayerNorm(), optimizer=OPTIMIZERS[name]()) for _ in range(2))
    found = fit(cut, micro_batches=parts, **options).history  # the last batch has 8 rows
    expected = fit(uncut, **options).history

    assert cut.optimizer.iterations == uncut.optimizer.iterations
    np.testing.assert_allclose(cut.parameters, uncut.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(cut.gradients, uncut.gradients, rtol=1e-9, atol=1e-12)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], rtol=1e-10, err_msg=key)


def test_a_step_of_linear_regression_by_hand():
    built = ffnn.Sequential([Dense(1)], 4, "float64", seed=0)
    built.compile(SGD(0.1), "mse")
    w, y = built.layers[0].params["weight"][0].copy(), X[:, 0] ** 2

    built.fit(X[:10], y[:10], batch_size=10, verbose=0, shuffle=False, micro_batches=4)

    residual = X[:10] @ w - y[:10]
    found = built.layers[0].params
    np.testing.assert_allclose(found["weight"][0], w - 0.1 * 2 / 10 * residual @ X[:10], rtol=1e-12)
    np.testing.assert_allclose(found["bias"], [-0.1 * 2 / 10 * residual.sum()], rtol=1e-12)


def test_the_averages_of_a_batch_norm_follow_the_mean_over_the_parts():
    built = ffnn.Sequential([BatchNorm(momentum=0.9), Dense(1)], 4, "float64", seed=0)
    built.compile(SGD(0.1), "mse")

    built.fit(X[:10], Y[:10], batch_size=10, verbose=0, shuffle=False, micro_batches=3)

    parts = [X[0:3], X[3:6], X[6:10]]
    mean = sum(len(part) / 10 * part.mean(axis=0) for part in parts)
    variance = sum(len(part) / 10 * part.var(axis=0) for part in parts)
    state = built.layers[0].state
    np.testing.assert_allclose(state["moving_mean"], 0.1 * mean, rtol=1e-12)
    np.testing.assert_allclose(state["moving_variance"], 0.9 + 0.1 * variance, rtol=1e-12)


def test_each_part_draws_its_own_mask_from_the_key_of_the_batch():
    built = ffnn.Sequential([Dropout(0.5), Dense(1, use_bias=False)], 4, "float64", seed=0)
    built.compile(SGD(0.1), "mse")
    w, y = built.layers[1].params["weight"][0].copy(), X[:, 0]
    key = built.layers[0].copy().random_generators()[0].integers(0, 1 << 64, 2, np.uint64)

    built.fit(X[:10], y[:10], batch_size=10, verbose=0, shuffle=False, micro_batches=4)

    masks = []
    for part, rows in enumerate([2, 3, 2, 3]):
        rng = np.random.Generator(np.random.Philox(counter=[0, 0, 0, part], key=key))
        masks.append(2.0 * (rng.random((4, rows)).T >= 0.5))  # memory is column by column
    dropped = X[:10] * np.concatenate(masks)
    residual = dropped @ w - y[:10]
    expected = w - 0.1 * 2 / 10 * residual @ dropped
    np.testing.assert_allclose(built.layers[1].params["weight"][0], expected, rtol=1e-12)


def test_one_part_is_the_step_of_before():
    steps = []
    built = model()
    run, built.run = built.run, lambda step, *rest: (steps.append(step), run(step, *rest))[1]
    fit(built, micro_batches=1)
    fit(built, micro_batches=2)
    assert steps[0] is built.step
    assert isinstance(steps[1], PartedStep)


KINDS = {
    "plain": lambda: model(dtype="float32"),
    "dropout": lambda: model(Dropout(0.3), dtype="float32"),
    "batch norm": lambda: model(BatchNorm(), dtype="float32"),
    "layer norm": lambda: model(LayerNorm(), optimizer=AdamW(0.05, clipnorm=0.5), dtype="float32"),
    "members": lambda: model(
        Average([[Dense(5, "relu"), Dropout(0.2)], [BatchNorm(), Dense(5)]]), dtype="float32"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [None, WHOLE_PARTS_ABSENT])
@pytest.mark.parametrize("parts", [4, 11])  # of the last batch, of 4 rows, some have none
def test_the_number_of_workers_changes_no_bit(kind, weight, parts):
    found = []
    for workers in (1, 2, 3):
        built = KINDS[kind]()
        stop = EarlyStopping("val_loss", patience=2)
        options = {"callbacks": [stop], "validation_data": (X[:20], Y[:20])}
        history = fit(
            built, micro_batches=parts, workers=workers, sample_weight=weight, **options
        ).history
        found.append((bits(built), history))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("weight", [None, WHOLE_PARTS_ABSENT])
@pytest.mark.parametrize(
    ("layers", "is_chain"),
    [
        ([Dropout(0.3), Dense(6, "relu", parametrization="ntk")], False),
        ([Dense(6, "relu"), Dense(5, "tanh")], True),
    ],
)
def test_compiled_loops_change_no_bit_either(layers, is_chain, weight, monkeypatch):
    pytest.importorskip("numba")
    from ffnn.kernels.chains.chain import Chain

    rows, forward, found = [], Chain.forward, []
    monkeypatch.setattr(
        Chain, "forward", lambda chain: (rows.append(len(chain._batch[0])), forward(chain))[1]
    )
    for jit_compile in (False, True):
        built = model(*(layer.copy() for layer in layers), dtype="float32")
        built.compile(Adam(0.05), "cce", ["accuracy"], jit_compile=jit_compile)
        history = fit(built, micro_batches=5, workers=2, sample_weight=weight).history
        assert bool(built.compiled_parts) == jit_compile
        found.append((bits(built), history))
    assert found[0] == found[1]
    assert set(rows) == ({4, 5} if is_chain else set())  # 24 rows in 5 parts


def test_gradients_of_frozen_layers_do_not_depend_on_earlier_trainings():
    pytest.importorskip("numba")
    found = []
    for jit_compile in (False, True):
        built = model(Dense(6, "relu", weight_regularizer="l2"))
        built.compile(Adam(0.05), "cce", jit_compile=jit_compile)
        built.layers[0].trainable = built.layers[1].trainable = False
        fit(built)
        fit(built, micro_batches=2)
        found.append((bits(built), built.gradients.tobytes()))
    assert found[0] == found[1]


class Switch(Callback):
    """Freezes the first layer in the second epoch and frees it in the third."""

    def on_epoch_begin(self, epoch, logs):
        self.model.layers[0].trainable = epoch != 1
        self.before = [array.copy() for array in self.model.layers[0].params.values()]

    def on_epoch_end(self, epoch, logs):
        same = map(np.array_equal, self.before, self.model.layers[0].params.values())
        assert all(same) == (epoch == 1)


def test_layers_may_be_frozen_meanwhile():
    cut, uncut = (model(BatchNorm()) for _ in range(2))
    cut.layers[1].trainable = uncut.layers[1].trainable = False
    fit(cut, micro_batches=4, workers=2, callbacks=[Switch()])
    fit(uncut, callbacks=[Switch()])
    np.testing.assert_allclose(cut.parameters, uncut.parameters, rtol=1e-9, atol=1e-12)
    assert [*cut.layers[1].state["moving_mean"]] == [0.0] * 6


def test_it_is_resumed_with_any_number_of_workers(tmp_path):
    kept = KINDS["dropout"], {"micro_batches": 4, "epochs": 4}
    whole = kept[0]()
    fit(whole, **kept[1])
    first = kept[0]()
    saving = ModelCheckpoint(tmp_path / "m.h5")
    fit(first, **kept[1] | {"epochs": 2}, workers=2, callbacks=[saving])
    second = kept[0]()
    fit(second, **kept[1], workers=3, callbacks=[saving], resume_from=tmp_path / "m.h5")
    assert bits(second) == bits(whole)
    assert second.history.history == whole.history.history


def test_it_is_not_resumed_with_another_number_of_parts(tmp_path):
    first = model()
    fit(first, micro_batches=4)
    first.save(tmp_path / "m.h5")
    before = bits(second := model())
    for parts in (1, 2):
        with pytest.raises(
            ValueError, match=f"the training had micro_batches=4, now it is {parts}"
        ):
            fit(second, epochs=4, micro_batches=parts, resume_from=tmp_path / "m.h5")
    assert bits(second) == before


def test_a_file_that_does_not_say_it_is_of_whole_batches(tmp_path):
    first, whole = model(), model()
    fit(first)
    fit(whole, epochs=4)
    first.position["training"].pop("micro_batches")
    first.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="the training had micro_batches=1, now it is 2"):
        fit(model(), epochs=4, micro_batches=2, resume_from=tmp_path / "m.h5")
    fit(second := model(), epochs=4, resume_from=tmp_path / "m.h5")
    assert bits(second) == bits(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"micro_batches": 0}, "micro_batches"),
        ({"micro_batches": 2.0}, "micro_batches"),
        ({"micro_batches": True}, "micro_batches"),
        ({"micro_batches": 2, "workers": 0}, "workers"),
        (
            {"micro_batches": 25},
            "micro_batches=25 cuts a batch into more parts than it has rows, 24",
        ),
        ({"micro_batches": 101, "batch_size": 200}, "more parts than it has rows, 100"),
        ({"workers": 2}, "workers=2 share .* micro_batches of at least 2"),
        ({"micro_batches": 4, "accumulate": 2}, "batch_size=48 in micro_batches=8"),
        ({"micro_batches": 4, "callbacks": [Recorder()]}, "looks into each step"),
    ],
)
def test_what_cannot_be_is_refused_before_work(options, message):
    built = model(Dropout(0.5))
    before, states = bits(built), built.generator_states
    with pytest.raises((TypeError, ValueError), match=message):
        fit(built, **options)
    assert (bits(built), built.generator_states, built.history) == (before, states, None)


class Hidden(Dropout):
    """Keeps its generator where a replica does not find it."""

    def initialize(self, *arguments):
        super().initialize(*arguments)
        self.kept = {"rng": self._rng}

    def random_generators(self):
        return [self.kept["rng"]]


def test_a_layer_whose_generator_is_hidden_is_refused():
    built = model(Hidden(0.5))
    with pytest.raises(ValueError, match="generator as an attribute, but Hidden"):
        fit(built, micro_batches=2)


class Fails(LayerNorm):
    """Fails in the thread of a worker, for a while."""

    fails = True

    def forward(self, x, training=False):
        if self.fails and threading.current_thread() is not threading.main_thread():
            raise RuntimeError("no memory")
        return super().forward(x, training)


def test_an_error_in_a_thread_is_told_and_ends_them_all():
    built, before = model(Fails()), threading.active_count()
    with pytest.raises(ffnn.errors.LayerError, match=r"Fails.* failed in forward: no memory"):
        fit(built, micro_batches=4, workers=3)
    assert threading.active_count() == before
    built.layers[1].fails = False
    fit(built, micro_batches=4, workers=3)
    assert threading.active_count() == before


def test_a_loss_that_is_not_finite_ends_it_before_the_update():
    built = model(optimizer=SGD(1e8), dtype="float32")
    with pytest.raises(ffnn.TrainingDivergedError, match="diverged"):
        fit(built, micro_batches=4, workers=2, epochs=9)
    assert np.isfinite(built.parameters).all()


def test_a_variance_that_is_too_large_ends_it_before_the_update():
    built = ffnn.Sequential([BatchNorm(), Dense(1)], 4, seed=0)
    built.compile("sgd", MeanSquaredError())
    x = np.where(np.arange(24)[:, None] < 12, X[:24], X[:24] * 1e20)
    before = bits(built)
    with pytest.raises(ffnn.TrainingDivergedError, match=r"variance .*BatchNorm.* too large"):
        built.fit(x, Y[:24], 24, verbose=0, shuffle=False, micro_batches=4, workers=2)
    assert bits(built)[:-1] == before[:-1]


class Threads(Callback):
    """Notes how many threads products may use."""

    def on_epoch_end(self, epoch, logs):
        self.found = get_num_threads()


def test_products_use_one_thread_meanwhile():
    before, threads = get_num_threads(), Threads()
    if before is None:
        pytest.skip("the BLAS library's threads cannot be set here")
    fit(model(), micro_batches=2, callbacks=[threads])
    assert (threads.found, get_num_threads()) == (1, before)


def test_small_parts_are_warned_of_where_batches_are_not():
    with pytest.warns(UserWarning, match="at least 2 rows, and those of this training have 1 row"):
        fit(model(BatchNorm()), micro_batches=24)


def test_a_position_within_an_epoch_is_resumed(tmp_path):
    whole = KINDS["batch norm"]()
    fit(whole, micro_batches=4)
    first = KINDS["batch norm"]()

    class Interrupt(Callback):
        def on_train_batch_end(self, batch, logs):
            if batch == 2:
                signal.raise_signal(signal.SIGINT)

        def on_interrupt(self, number):
            self.model.save(tmp_path / "m.h5")

    assert fit(first, micro_batches=4, workers=2, callbacks=[Interrupt()]).interrupted
    second = KINDS["batch norm"]()
    # the callback of before, which interrupts no more
    Interrupt.on_train_batch_end = Callback.on_train_batch_end
    fit(second, micro_batches=4, callbacks=[Interrupt()], resume_from=tmp_path / "m.h5")
    assert bits(second) == bits(whole)
