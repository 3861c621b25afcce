"""Runs make many steps in one call, and end in the bits of single steps."""

import hashlib
import inspect
import signal
import textwrap
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback
from ffnn.data.batches import Batches
from ffnn.kernels import optimizers as loops
from ffnn.kernels.chains import codes
from ffnn.kernels.chains.runs import Runs
from ffnn.kernels.compiler import find_problem
from ffnn.kernels.twins import twin_of
from ffnn.layers import Dense, Rescaling
from ffnn.metrics import F1
from ffnn.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from ffnn.optimizers.room import Room
from ffnn.regularizers import L1L2, L2
from ffnn.schedules import CosineDecay, Schedule
from ffnn.training import ahead

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((205, 6)).astype(np.float32)
LABELS = (np.arange(205) * 7 % 3).astype(int)
BITS = (LABELS == 1).astype(float)[:, None]
ENDINGS = {
    "labels": (LABELS, 3, "softmax", "sparse_categorical_crossentropy"),
    "rows": (np.eye(3)[LABELS], 3, "softmax", "categorical_crossentropy"),
    "bits": (BITS, 1, "sigmoid", "binary_crossentropy"),
    "whole bits": (LABELS == 1, 1, "sigmoid", "binary_crossentropy"),
    "counted bits": ((LABELS == 1).astype(np.int64), 1, "sigmoid", "binary_crossentropy"),
    "several bits": (np.eye(3)[LABELS], 3, "sigmoid", "binary_crossentropy"),
    "numbers": (X[:, :2] @ np.ones((2, 2)), 2, None, "mse"),
    "counts": (LABELS * 1000, 1, None, "mse"),
}


def trained(jit, ending="labels", x=X, optimizer="adam", dtype="float32", **options):
    """Return all that a training leaves: bytes of arrays, losses, updates and generators."""
    y, units, last, loss = ENDINGS[ending]
    metrics = options.pop("metrics", ["accuracy"] if loss != "mse" else [])
    layers = options.pop("layers", lambda: [Dense(8, "relu"), Dense(5, "tanh"), Dense(units, last)])
    model = ffnn.Sequential(layers(), seed=1, dtype=dtype)
    optimizer = optimizer if isinstance(optimizer, str) else optimizer()
    weighted = options.pop("weighted_metrics", ())
    model.compile(optimizer, loss, metrics, weighted, jit_compile=jit)
    arguments = {"epochs": 3, "batch_size": 8, "verbose": 0} | options
    if "callbacks" in arguments:
        arguments["callbacks"] = [make() for make in arguments["callbacks"]]
    history = model.fit(x, y, **arguments)
    arrays = {name: array.tobytes() for name, array in model.capture()[1].items()}
    return arrays, history.history, model.optimizer.iterations, model.generator_states


# The same bits

RULES = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "nesterov": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: Adam(0.01),
    "adamw": lambda: AdamW(0.01, weight_decay=0.1, decay_exclude=["bias"]),
    "rmsprop": lambda: RMSprop(0.01),
    "adagrad": lambda: Adagrad(0.05),
    "factors": lambda: Adam(0.01, learning_rate_factors={"bias": 0.3}),
    "scheduled": lambda: SGD(CosineDecay(0.1, 60), momentum=0.5),
    "decay scheduled": lambda: AdamW(CosineDecay(0.01, 60), CosineDecay(0.1, 50)),
    "hardly clipped": lambda: SGD(0.1, clipnorm=50.0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_a_training_ends_in_the_same_bits(rule, dtype, made):
    runs, single = (trained(jit, optimizer=RULES[rule], dtype=dtype) for jit in (True, False))

    assert runs == single
    assert made == [8, 15, 24, 24]  # without the first of an epoch, that behind 8, the short last


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_loss_ends_in_the_same_bits(ending, dtype, made):
    runs, single = (trained(jit, ending, dtype=dtype) for jit in (True, False))

    assert runs == single
    assert bool(sum(made)) == (ending != "several bits")  # whose accuracy the machine does not know


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_loss_of_weighted_rows_ends_in_the_same_bits(ending, made):
    options = {"sample_weight": 0.5 + np.arange(205) % 3}

    runs, single = (trained(jit, ending, **options) for jit in (True, False))

    assert runs == single
    assert bool(sum(made)) == (ending != "several bits")


def penalized(rule, **options):
    return [Dense(4, "relu", weight_regularizer=rule, **options), Dense(3, "softmax")]


def rescaled(offset=0.0):
    return [Rescaling(1 / 128, offset), Dense(8, "relu"), Dense(3, "softmax")]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "options",
    [
        {"x": (X * 40 + 120).astype(np.uint8)},
        {"x": X.astype(float)},
        {"x": np.asfortranarray(X)},
        {"metrics": []},
        {"batch_size": 5},  # no short last batch
        {"steps_per_epoch": 7},
        {"validation_split": 0.2},
        {"layers": lambda: [Dense(3, "softmax")]},
        {"layers": lambda: [Dense(4, "sigmoid", use_bias=False), Dense(3, "softmax")]},
        {"layers": lambda: penalized("l2")},
        {"layers": lambda: penalized("l1")},
        {"layers": lambda: penalized(L1L2(0.003, 0.02), bias_regularizer="l1")},
        {"layers": lambda: penalized(L1L2(0.003, 0.02)), "dtype": "float64"},
        {"shuffle": "blocks"},
        {"sample_weight": 0.5 + np.arange(205) % 3},
        {"sample_weight": 1 + np.arange(205) % 3},
        {"class_weight": {0: 1.0, 1: 2.5, 2: 0.3}},
        {"shuffle": False},
        {"shuffle": False, "steps_per_epoch": 7},
        {"x": (X * 40).astype(np.int64)},
        {"x": (X * 40).astype(np.int32)},
        {"x": read_only(X)},
        {"sample_weight": read_only(0.5 + np.arange(205) % 3)},
        {"sample_weight": read_only(0.5 + np.arange(205) % 3), "shuffle": False},
        {"x": (X * 40 + 120).astype(np.uint8), "layers": rescaled},
        {"x": X.astype(float), "layers": lambda: rescaled(0.5)},
        {"x": (X * 40 + 120).astype(np.uint8), "layers": lambda: rescaled(0.5), "dtype": "float64"},
    ],
)
def test_however_it_is_trained_the_bits_are_the_same(options, made):
    runs, single = (trained(jit, **options) for jit in (True, False))

    assert runs == single
    assert sum(made) > 6


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_training_of_more_updates_than_are_foreseen_ends_in_the_same_bits(rule, made):
    options = {"optimizer": RULES[rule], "batch_size": 2, "epochs": 12}

    runs, single = (trained(jit, **options) for jit in (True, False))

    assert runs == single
    assert sum(made) > 1100  # of 1,236


class Own(Schedule):
    """A user's, which counts how often it is asked."""

    asked = 0

    def __call__(self, step):
        Own.asked += 1
        return 0.01 + 0.001 * (Own.asked % 3)


class Emptying(Callback):
    """Has rows have no weight any more."""

    def on_epoch_begin(self, epoch, logs):
        if epoch == 2:
            WEIGHTS[::3] = 0.0


WEIGHTS = np.ones(205, np.float32)


def test_weights_that_become_0_are_noticed(made):
    ends = []
    for jit in (True, False):
        WEIGHTS[...] = 1.0 + np.arange(205) % 2
        ends.append(trained(jit, sample_weight=WEIGHTS, callbacks=[Emptying]))

    assert ends[0] == ends[1]
    assert len(made) == 3  # of two epochs


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("overlap", ["the same", "a part", "weights"])
def test_arrays_that_begin_at_one_address_are_told_apart(overlap, shuffle, made):
    base, ends = np.random.default_rng(2).uniform(0.5, 2.0, 410), []
    x, y, weight = base.reshape(205, 2), base.reshape(205, 2), None
    if overlap != "the same":
        y = base[:205].reshape(205, 1)
    if overlap == "weights":
        weight = base[:205]
    for jit in (True, False):
        model = ffnn.Sequential([Dense(4, "tanh"), Dense(y.shape[1])], seed=1, dtype="float64")
        model.compile("adam", "mse", jit_compile=jit)
        options = {"shuffle": shuffle, "sample_weight": weight, "verbose": 0, "batch_size": 8}
        history = model.fit(x, y, epochs=3, **options).history
        ends.append((model.parameters.tobytes(), history))

    assert ends[0] == ends[1]
    assert sum(made) > 40


class Doubled(L2):
    """A user's penalty."""

    def value(self, w, scratch):
        return 2.0 * super().value(w, scratch)


class EveryBatch(Callback):
    seen = 0

    def on_train_batch_end(self, batch, logs):
        self.seen += 1
        self.model.layers[0].params["bias"][0] += self.seen * 1e-3


@pytest.mark.parametrize(
    "options",
    [
        {"metrics": [F1()]},
        {"optimizer": Nadam},
        {"x": (X * 40).astype(np.int16)},
        {"sample_weight": np.arange(205) % 3},  # of which some are 0
        {"sample_weight": np.where(np.arange(205) % 3, 1.0, 1e-60)},  # of which some become 0
        {"sample_weight": 0.5 + np.arange(205) % 3, "weighted_metrics": ["accuracy"]},
        {"accumulate": 2},
        {"micro_batches": 2},
        {"callbacks": [EveryBatch]},
        {"layers": lambda: [Dense(4, weight_regularizer=Doubled()), Dense(3, "softmax")]},
    ],
)
def test_what_a_run_does_not_know_is_trained_step_by_step(options, made):
    runs, single = (trained(jit, **options) for jit in (True, False))

    assert runs == single
    assert made == []


def test_a_schedule_of_the_users_is_asked_once_for_each_update(made):
    asked = []
    for jit in (True, False):
        Own.asked = 0
        trained(jit, optimizer=lambda: SGD(Own()))
        asked.append(Own.asked)

    assert asked[0] == asked[1]
    assert made == []


class Changing(Callback):
    """Changes the training between its epochs."""

    def on_epoch_begin(self, epoch, logs):
        model, optimizer = self.model, self.model.optimizer
        optimizer.learning_rate = 0.01 / (1 + epoch)
        model.layers[0].trainable = epoch != 1
        model.layers[1].params["weight"][0, 0] += 0.1
        if epoch == 2:
            optimizer.beta_1, optimizer.clipnorm = 0.8, 0.3


def test_what_a_callback_changes_between_epochs_is_followed(made):
    options = {"callbacks": [Changing], "epochs": 4}

    runs, single = (trained(jit, **options) for jit in (True, False))

    assert runs == single
    assert sum(made) > 20


# Seams


class Seam(Callback):
    """Sees the last batch of each call."""

    sees_every_batch = False
    is_onlooker = True

    def on_train_begin(self, logs):
        self.seen = []

    def on_train_batch_end(self, batch, logs):
        self.seen.append((batch, logs["loss"]))


def seams(jit):
    model = ffnn.Sequential([Dense(8, "relu"), Dense(3, "softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit)
    seam = Seam()
    history = model.fit(X, LABELS, epochs=1, batch_size=8, verbose=0, callbacks=[seam])
    return seam.seen, history.history["loss"][0]


def test_a_callback_that_asks_for_it_sees_the_last_batch_of_each_call(made):
    (found, loss), (every, _) = seams(True), seams(False)

    assert len(every) == 26
    assert 1 < len(found) < 26
    assert set(found) <= set(every)
    assert found[0][0] == made[0]  # behind the first step and its run
    assert found[-1] == (25, loss)


def test_the_bar_counts_the_batches_of_a_call(monkeypatch):
    from ffnn.training.reporters import ProgressBar

    bar = ProgressBar()
    bar.params = {"epochs": 2, "initial_epoch": 0, "steps": 30}
    bar.on_train_begin({})
    counted = []
    monkeypatch.setattr(bar, "_redraw", lambda: (counted.append(bar._pending),
                                                 setattr(bar, "_pending", 0)))  # fmt: skip
    monkeypatch.setattr(bar, "REDRAW_SECONDS", 0.0)

    for epoch in range(2):
        bar.on_epoch_begin(epoch, {})
        for last in (0, 17, 28, 29):
            bar.on_train_batch_end(last, {"loss": 1.0})
    bar.close()

    assert counted == [1, 17, 11, 1] * 2


def test_ctrl_c_during_a_call_ends_the_training_behind_it_and_it_is_resumed(monkeypatch, tmp_path):
    run, path = Runs.run, tmp_path / "model.h5"

    def train(model, **options):
        return model.fit(X, LABELS, batch_size=8, epochs=3, verbose=0, **options)

    def compiled():
        model = ffnn.Sequential([Dense(8, "relu"), Dense(3, "softmax")], seed=1)
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
        return model

    whole, model = compiled(), compiled()
    train(whole)

    def interrupted(self, order, total):
        result = run(self, order, total)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(Runs, "run", interrupted)
    assert train(model).interrupted
    assert 1 < model.optimizer.iterations <= 9  # one step, and the eight of the first call
    model.save(path)
    monkeypatch.setattr(Runs, "run", run)
    resumed = compiled()
    train(resumed, resume_from=path)

    assert resumed.parameters.tobytes() == whole.parameters.tobytes()
    assert resumed.history.history == whole.history.history


def test_a_call_takes_about_as_long_as_it_may(monkeypatch, made):
    now = iter(range(10**6))
    monkeypatch.setattr(ahead, "SECONDS", 0.05)
    monkeypatch.setattr(ahead.time, "perf_counter", lambda: next(now) * 0.08)  # each takes 0.08 s

    trained(True, epochs=1)

    assert made == [8, 5, 3, 1, 1, 1]


# Steps that need Python


@pytest.mark.parametrize("rate", [30.0, 1e4, 1e12])
def test_a_diverging_training_stops_at_the_same_batch_with_the_same_weights(rate):
    ends = []
    for jit in (True, False):
        model = ffnn.Sequential([Dense(8, "relu"), Dense(1)], seed=1)
        model.compile(SGD(rate, momentum=0.9), "mse", jit_compile=jit)
        with pytest.raises(ffnn.TrainingDivergedError) as error:
            model.fit(X, LABELS.astype(float), epochs=99, verbose=0, batch_size=8)
        arrays = {name: array.tobytes() for name, array in model.capture()[1].items()}
        ends.append((str(error.value), error.value.batch, arrays))

    assert ends[0] == ends[1]


def test_a_gradient_that_is_clipped_is_left_to_a_single_step_and_tried_more_rarely(made):
    def clipped():
        return SGD(0.1, clipnorm=1e-3)

    runs, single = (trained(jit, optimizer=clipped, epochs=5) for jit in (True, False))

    assert runs == single
    assert sum(made) == 0
    assert len(made) == 7  # of 130 steps


def test_a_large_gradient_among_small_ones_ends_a_call(made):
    x = X.copy()
    x[::17] *= 1e4

    runs, single = (trained(jit, "numbers", x, lambda: SGD(1e-12)) for jit in (True, False))

    assert runs == single
    assert 0 < sum(made) < 3 * 24


# Bugs that are noticed


def rolled(self):
    return np.roll(AHEAD.fget(self), 1)


def one_too_many(self, number):
    SKIP(self, max(number - 1, 0))


def late(self, steps, room, kinds):
    self.twin.part.iterations += 1
    numbers = FORETELL(self, steps, room, kinds)
    self.twin.part.iterations -= 1
    return numbers


def without_total(self, order, total):
    done, _ = RUN(self, order, 0.0)
    return done, total


def stale(self, *data):
    return self._written is not None or TAKES(self, *data)


def without_seam(self, order, total):
    steps = len(order) // 8
    done, total = RUN(self, order, total)
    return (min(done + 1, steps), total)


AHEAD, SKIP, FORETELL = Batches.ahead, Batches.skip, Runs.foretell
RUN, TAKES = Runs.run, Runs.takes
BUGS = [
    (Batches, "ahead", property(rolled)),  # other rows
    (Batches, "skip", one_too_many),  # a batch trained on twice
    (Runs, "foretell", late),  # the numbers of the next update
    (Runs, "run", without_total),  # losses forgotten
    (Runs, "run", without_seam),  # a refused step counted
    (Runs, "takes", stale),  # the arrays of an earlier epoch
]


@pytest.mark.parametrize(("owner", "name", "wrong"), BUGS)
def test_a_bug_in_a_run_is_noticed(owner, name, wrong, monkeypatch):
    class Regrouping(Callback):
        def on_epoch_begin(self, epoch, logs):
            self.model.optimizer.learning_rate_factors = {"bias": 0.5 + epoch}

    rule = (lambda: SGD(1e-2, clipnorm=0.6)) if wrong is without_seam else "adam"
    options = {"callbacks": [Regrouping]} if wrong is stale else {}
    if wrong is stale:
        rule = lambda: Adam(0.01)  # noqa: E731
    expected = trained(False, optimizer=rule, **options)
    assert trained(True, optimizer=rule, **options) == expected
    monkeypatch.setattr(owner, name, wrong)

    assert trained(True, optimizer=rule, **options) != expected


def is_gathered(gather_rows):
    """Tell whether rows are gathered from the first one on, and cast."""
    source = np.arange(28, dtype=np.uint8).reshape(7, 4)
    order, batch = np.array([6, 0, 3, 5, 2, 4]), np.zeros((3, 4), np.float32)
    gather_rows(source, order, 2, batch)
    return np.array_equal(batch, source[[3, 5, 2]].astype(np.float32))


def is_first(largest):
    """Tell whether the first of those that are largest is found; `largest` sees columns as rows."""
    p = np.array([[0.1, 0.4, 0.2], [0.5, 0.4, 0.1], [0.5, 0.2, 0.7]], np.float32)
    return [largest(p, row) for row in range(3)] == p.argmax(axis=0).tolist()


PASSES = [  # pass, what it has to be, what is right in it, and what is wrong
    ("gather_rows", is_gathered, "first + i", "i"),
    ("gather_rows", is_gathered, "source[row, j]", "source[i, j]"),
    ("gather_rows", is_gathered, "batch.shape[0]", "batch.shape[0] - 1"),
    ("largest_unit", is_first, "> p[found, row]", ">= p[found, row]"),
    ("largest_unit", is_first, "range(1, p.shape[0])", "range(2, p.shape[0])"),
    ("largest_column", lambda find: is_first(lambda p, row: find(p.T, row)), "> t", ">= t"),
]


@pytest.mark.parametrize(("name", "is_right", "right", "wrong"), PASSES)
def test_a_bug_in_a_pass_of_steps_is_noticed(name, is_right, right, wrong):
    from ffnn.kernels.native import steps

    function = getattr(steps, name).py_func
    source = textwrap.dedent(inspect.getsource(function))
    source = source[source.index("def ") :]
    names = dict(vars(steps))
    wrong_source = source.replace(
        right.replace("> t", "> target"), wrong.replace("= t", "= target")
    )
    assert wrong_source != source
    exec(wrong_source, names)

    assert is_right(function)
    assert not is_right(names[name])


@pytest.mark.parametrize("first", [0, 999, 70_000])
@pytest.mark.parametrize("rule", RULES)
def test_numbers_of_updates_to_come_are_those_that_each_has(rule, first):
    optimizer = RULES[rule]()
    optimizer.iterations = first
    twin = twin_of(optimizer, np.dtype("float32"))
    rates = np.linspace(0.1, 0.05, 50) if "scheduled" in rule else np.full(50, 0.07)

    for own in ({}, {"d": 0.0}):
        foretold = twin.foretell(rates, own)
        for rate, numbers in zip(rates.tolist(), foretold, strict=True):
            assert tuple(numbers) == twin.numbers(rate, own)
            optimizer.iterations += 1
        optimizer.iterations = first


def test_every_update_of_the_machine_is_one_of_the_optimizers():
    known = {each.name.lower() for each in codes.Code if codes.Code.DESCEND <= each < 100}

    assert known == {
        name for name, value in vars(loops).items() if hasattr(value, "compiled")
    } - {"nadam"}  # whose numbers follow from all updates before  # fmt: skip


def test_room_is_what_a_step_takes_without_a_look():
    rule = trained_rule()

    room = rule.foresee()

    assert isinstance(room, Room)
    assert room.until == rule.iterations - 1 + 1024
    rule.clipnorm = room.norm / 2
    assert rule.foresee().norm == rule.clipnorm
    rule.forget_sizes()
    assert rule.foresee().until == 0


def trained_rule():
    model = ffnn.Sequential([Dense(3, "softmax")], seed=1)
    model.compile(SGD(0.1), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(X[:8], LABELS[:8], batch_size=8, epochs=1, verbose=0)
    return model.optimizer


@pytest.mark.parametrize("name", ["machine", "steps"])
def test_what_is_compiled_is_compiled_anew_when_its_parts_change(name):
    from ffnn.kernels import dropout
    from ffnn.kernels.native import (
        activations,
        arrays,
        calls,
        losses,
        machine,
        masks,
        norms,
        penalties,
        steps,
    )

    first = [codes, dropout, calls, arrays, losses, norms, activations, masks]
    built = {"machine": (machine, first), "steps": (steps, [*first, machine, loops, penalties])}
    module, parts = built[name]
    text = "".join(Path(part.__file__).read_text("utf-8") for part in parts)

    assert hashlib.sha256(text.encode()).hexdigest()[:8] == module.BUILT_OF
