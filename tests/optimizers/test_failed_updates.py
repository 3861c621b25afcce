"""An update that would spoil the weights fails, whatever the rule, and leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.core.memory import ParameterVector
from ffnn.layers import Dense
from ffnn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop
from ffnn.schedules import PiecewiseConstantDecay

X = np.random.default_rng(0).standard_normal((300, 5))
Y = (X[:, 0] > 0.0).astype(float)


class Division(Optimizer):
    """A rule of the user's, w ← w - η g / d, with the memory d ← d - 1/4, 0 after four updates."""

    slot_names = ("divisor",)

    def __init__(self, learning_rate=0.01, raises=False):
        super().__init__(learning_rate)
        self.raises = raises

    def update(self, rate, w, g, scratch, *memory):
        (divisor,) = memory
        divisor += 1.0 if not self.iterations else -0.25
        w -= rate * g / divisor
        if self.raises and self.iterations == 4:
            raise ZeroDivisionError("of the rule's own")


def model(optimizer, dtype="float32"):
    built = ffnn.Sequential(
        [Dense(8, "relu"), Dense(1, "sigmoid")], input_dim=5, seed=0, dtype=dtype
    )
    built.compile(optimizer, "binary_crossentropy")
    return built


def numbers(optimizer, vector):
    """Return copies of all that an update changes, and the number of updates."""
    memory = {name: slot.copy() for name, slot in optimizer.slots.items()}
    return vector.values.copy(), memory, optimizer.iterations


def assert_finite(optimizer, vector):
    for array in (vector.values, *optimizer.slots.values()):
        assert np.isfinite(array).all()


def forge(name, value):
    """Return what writes `value` over an optimizer's memory."""

    def write(optimizer):
        optimizer.slots[name][3:] = value

    return write


FAILURES = {
    "decay beyond 2": (lambda: AdamW(0.1, weight_decay=25.0), None),
    "growing decay": (lambda: AdamW(1.0, weight_decay=1e30), None),
    "overflowing decay": (lambda: AdamW(1e10, weight_decay=1e300), None),
    "decay that rises late": (
        lambda: AdamW(1.0, weight_decay=PiecewiseConstantDecay([4], [0.1, 1e300])),
        None,
    ),
    "a huge factor": (lambda: SGD(0.1, learning_rate_factors={"weight": 1e300}), None),
    "negative squares, Adam": (Adam, forge("v", -1.0)),
    "negative squares, AdamW": (AdamW, forge("v", -1.0)),
    "negative squares, RMSprop": (RMSprop, forge("square", -1.0)),
    "NaN memory": (lambda: SGD(momentum=0.9), forge("velocity", np.nan)),
    "infinite memory": (lambda: SGD(momentum=0.9), forge("velocity", np.inf)),
    "infinite mean": (Adam, forge("m", -np.inf)),
    "huge memory": (lambda: SGD(momentum=1.0), forge("velocity", 3e38)),
    "a rule of the user's": (Division, None),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("train", ["fit", "train_on_batch"])
def test_a_failed_training_leaves_the_weights_before_the_batch(name, train):
    make, spoil = FAILURES[name]
    trained = model(make())
    optimizer, vector = trained.optimizer, trained.step.vector
    if spoil is not None:
        trained.train_on_batch(X[:32], Y[:32])
        spoil(optimizer)
    seen = [numbers(optimizer, vector)]

    class Keep(ffnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(numbers(optimizer, vector))

    def until_it_fails():
        if train == "fit":
            trained.fit(X, Y, batch_size=10, epochs=100, callbacks=[Keep()], verbose=0)
        for _ in range(3000):
            trained.train_on_batch(X[:32], Y[:32])
            seen.append(numbers(optimizer, vector))

    with pytest.raises(ffnn.TrainingDivergedError, match="weights are those before this batch"):
        until_it_fails()

    np.testing.assert_equal(numbers(optimizer, vector), seen[-1])
    assert np.isfinite(trained.parameters).all()


def test_a_rule_that_raises_within_an_update_leaves_no_trace():
    trained = model(Division(raises=True))
    optimizer, vector = trained.optimizer, trained.step.vector
    for _ in range(4):
        trained.train_on_batch(X, Y)
    before = numbers(optimizer, vector)

    with pytest.raises(ZeroDivisionError, match="of the rule's own"):
        trained.train_on_batch(X, Y)

    np.testing.assert_equal(numbers(optimizer, vector), before)


def extreme(rng):
    """Return a positive number of any size that float32 and float64 may meet."""
    return 10.0 ** rng.uniform(-45, 40)


RULES = {
    "sgd": lambda rng: SGD(extreme(rng)),
    "momentum": lambda rng: SGD(extreme(rng), momentum=rng.choice([0.5, 1.0]), nesterov=False),
    "nesterov": lambda rng: SGD(extreme(rng), momentum=rng.choice([0.5, 1.0]), nesterov=True),
    "rmsprop": lambda rng: RMSprop(extreme(rng), rho=rng.random(), epsilon=extreme(rng)),
    "adagrad": lambda rng: Adagrad(extreme(rng), extreme(rng), epsilon=extreme(rng)),
    "nadam": lambda rng: Nadam(extreme(rng), rng.random(), rng.random(), epsilon=extreme(rng)),
    "adam": lambda rng: Adam(extreme(rng), rng.random(), rng.random(), epsilon=extreme(rng)),
    "adamw": lambda rng: AdamW(extreme(rng), extreme(rng), epsilon=extreme(rng)),
    "clipped": lambda rng: Adam(extreme(rng), epsilon=extreme(rng), clipnorm=extreme(rng)),
    "clipped entries": lambda rng: Adam(extreme(rng), clipvalue=extreme(rng)),
}


def test_the_trials_have_every_registered_optimizer():
    made = {type(make(np.random.default_rng(0))) for make in RULES.values()}
    assert made == {c for c in OPTIMIZERS.classes.values() if c.__module__.startswith("ffnn.")}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", RULES)
def test_an_update_fails_without_a_trace_or_all_numbers_stay_finite(name, seed, dtype):
    rng = np.random.default_rng(seed)
    optimizer, vector = RULES[name](rng), ParameterVector([{"w": (6,)}], dtype)
    optimizer.bind(vector)
    size, failed = extreme(rng) if seed % 2 else 1.0, 0
    with np.errstate(all="ignore"):
        vector.values[:] = rng.standard_normal(6)
        for _ in range(30):
            vector.gradients[:] = rng.standard_normal(6) * size * 10.0 ** rng.integers(-3, 4)
            before = numbers(optimizer, vector)
            try:
                optimizer.step()
            except FloatingPointError:
                np.testing.assert_equal(numbers(optimizer, vector), before)
                failed += 1
            assert_finite(optimizer, vector)
    assert optimizer.iterations == 30 - failed


@pytest.mark.parametrize("updates", [1, 2, 30])
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", RULES)
def test_the_bounds_hold(name, seed, updates):
    rng = np.random.default_rng(seed)
    optimizer, vector = RULES[name](rng), ParameterVector([{"w": (6,)}], "float64")
    optimizer.bind(vector)
    vector.values[:] = rng.standard_normal(6)
    rate = optimizer.current_learning_rate
    norm = optimizer.clipnorm or (optimizer.clipvalue and 3.0 * optimizer.clipvalue) or 1e11
    memory = (0.0 for _ in optimizer.slots)
    bound = optimizer.bound(updates, rate, norm, float(np.abs(vector.values).max()), *memory)
    for _ in range(updates):
        vector.gradients[:] = rng.standard_normal(6) * rng.choice([1e-10, 1.0, 1e10])
        try:
            with np.errstate(over="ignore"):
                optimizer.step()
        except FloatingPointError:
            assert not bound < 1e300
            break
        for array in (vector.values, *optimizer.slots.values()):
            assert np.abs(array).max() <= bound * (1.0 + 1e-12)


class Steep(ffnn.optimizers.Optimizer):
    """w ← w + 10³⁰ η g, in two factors that float32 has."""

    def update(self, rate, w, g, scratch, *memory):
        np.multiply(g, rate * 1e15, out=scratch)
        w += np.multiply(scratch, 1e15, out=scratch)

    def bound(self, updates, rate, norm, w, *memory):
        return w + updates * rate * norm * 1e30


@pytest.mark.parametrize(
    ("gradient", "rate"), [(1e1, 1e9), (1e-7, 1e17), (15e-7, 15e9)], ids=["g", "rate", "updates"]
)
def test_what_leaves_the_bounds_that_were_looked_up_is_looked_at_again(gradient, rate):
    optimizer, vector = Steep(1e9), ParameterVector([{"w": (1,)}], "float32")
    optimizer.bind(vector)
    vector.gradients[:] = 1e-7
    optimizer.step()
    vector.gradients[:], optimizer.learning_rate = gradient, rate

    def train_on():
        for _ in range(100_000):
            optimizer.step()
            assert np.isfinite(vector.values).all()

    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="would have made 1 of"):
        train_on()
    assert np.isfinite(vector.values).all()


def forging(hook, array, value):
    """Return a callback that in one of its hooks, from the third time on, spoils an array."""
    calls = []

    def forge(self, *arguments):
        calls.append(hook)
        if len(calls) > 2:
            array[1:] = value

    return type("Forging", (ffnn.callbacks.Callback,), {hook: forge})()


KEPT = {Adam: "m", AdamW: "m", RMSprop: "square", lambda: SGD(momentum=0.9): "velocity"}
HOOKS = ["on_train_batch_begin", "on_train_batch_end", "on_forward_end", "on_backward_end"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("make", "name"), KEPT.items(), ids=["Adam", "AdamW", "RMSprop", "SGD"])
@pytest.mark.parametrize("hook", [*HOOKS, "on_epoch_begin", "on_epoch_end"])
def test_memory_that_a_callback_kept_and_spoils_fails_the_next_update(hook, make, name, value):
    trained = model(make())
    array, seen = trained.optimizer.slots[name], []

    class Keep(ffnn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs):
            seen.append(trained.parameters.copy())

    with pytest.raises(ffnn.TrainingDivergedError, match="weights are those before this batch"):
        trained.fit(
            X,
            Y,
            batch_size=300,
            epochs=9,
            callbacks=[Keep(), forging(hook, array, value)],
            verbose=0,
        )
    assert np.isfinite(trained.parameters).all()
    np.testing.assert_array_equal(trained.parameters, seen[-1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("make", "name"), KEPT.items(), ids=["Adam", "AdamW", "RMSprop", "SGD"])
def test_memory_that_was_kept_and_spoilt_between_batches_fails_the_next_one(make, name, value):
    trained = model(make())
    array = trained.optimizer.slots[name]
    for _ in range(2):
        trained.train_on_batch(X, Y)
    before, array[1:] = trained.parameters.copy(), value
    with pytest.raises(ffnn.TrainingDivergedError, match="weights are those before this batch"):
        trained.train_on_batch(X, Y)
    np.testing.assert_array_equal(trained.parameters, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0])
@pytest.mark.parametrize(("make", "name"), [(Adam, "v"), (AdamW, "v"), (RMSprop, "square")])
def test_a_file_with_impossible_memory_is_refused(tmp_path, make, name, value):
    trained = model(make())
    trained.train_on_batch(X, Y)
    config, arrays = trained.capture()
    forged = arrays | {f"optimizer/{name}": np.full_like(trained.parameters, value)}
    ffnn.saving.write(tmp_path / "forged.h5", config, forged)

    with pytest.raises(ffnn.ModelFileError, match=f"/optimizer/{name}: expected numbers"):
        ffnn.load_model(tmp_path / "forged.h5")
