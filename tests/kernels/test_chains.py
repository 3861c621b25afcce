"""Chains compute what their parts do, to the last bit, in one call each way."""

import itertools
import threading

import numpy as np
import pytest
from bits import rough, same_bits

import ffnn
from ffnn.activations import GELU
from ffnn.callbacks import Callback, EarlyStopping
from ffnn.core.memory import Workspace
from ffnn.kernels.chains import chain as chains
from ffnn.kernels.chains import routines
from ffnn.kernels.chains.chain import Chain, chain_of
from ffnn.kernels.chains.losses import LOSS_WRITERS
from ffnn.kernels.chains.parts import WRITERS
from ffnn.kernels.chains.program import Program
from ffnn.kernels.compiler import find_problem
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Rescaling, Scale
from ffnn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Quantile,
)
from ffnn.models import compiling

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

KINDS = ["plain", "tiny", "every"]


# Products


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_is_the_one_of_numpy(dtype):
    run, rng = chains.run_for(np.dtype(dtype)), np.random.default_rng(1)
    wrong = []
    for m, k, n in itertools.product([1, 2, 17, 64], [1, 3, 64], [1, 2, 31]):
        for kind, first, second in itertools.product(["plain", "every"], "CF", "CF"):
            a = np.array(rough(rng, m, k, dtype=dtype, kind=kind), order=first)
            b = np.array(rough(rng, k, n, dtype=dtype, kind=kind), order=second)
            program = Program(Workspace(), n, np.dtype(dtype))
            if 1 in (a.size, b.size):
                with pytest.raises(LookupError):
                    program.product(a, b, np.zeros((m, n), dtype))
                continue
            expected, made = np.zeros((m, n), dtype), np.zeros((m, n), dtype)
            with np.errstate(all="ignore"):
                a.dot(b, expected)
            program.product(a, b, made)
            run(*program.tables(), 0, len(program))
            if not same_bits(expected, made):
                wrong.append((m, k, n, kind, first, second))

    assert wrong == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 130, 1000, 4099])
def test_a_sum_is_the_one_of_numpy(dtype, size):
    x, total = np.random.default_rng(2).standard_normal(size).astype(dtype), np.ones(1, dtype)
    program = Program(Workspace(), size, np.dtype(dtype))

    program.sum(x, total)
    chains.run_for(np.dtype(dtype))(*program.tables(), 0, 1)

    assert total[0] == x.sum()


def test_numpys_own_loops_are_found():
    assert routines.are_known("f")
    assert routines.are_known("d")
    with pytest.raises(LookupError, match="loops of gcd elsewhere"):
        routines.loop_of(np.gcd, "f")


# Networks

ACTIVATIONS = [
    *(None, "relu", "tanh", "sigmoid", "linear", "leaky_relu", "elu", "selu", "gelu", GELU("tanh")),
    *("swish", "softplus", "mish", "exponential"),
]
ENDINGS = {
    "labels": (3, "softmax", "sparse_categorical_crossentropy"),
    "one-hot rows": (3, "softmax", "categorical_crossentropy"),
    "smoothed labels": (3, "softmax", CategoricalCrossentropy(label_smoothing=0.2)),
    "smoothed rows": (3, "softmax", CategoricalCrossentropy(label_smoothing=0.2)),
    "many classes": (70, "softmax", "sparse_categorical_crossentropy"),
    "numbers": (1, None, "mse"),
    "several numbers": (3, "tanh", "mse"),
    "a bit": (1, "sigmoid", "binary_crossentropy"),
    "bits": (3, "sigmoid", "binary_crossentropy"),
}
OTHERS = {  # losses that compute between both calls
    "smoothed bits": (3, "sigmoid", BinaryCrossentropy(label_smoothing=0.2)),
    "bits after tanh": (1, "tanh", "mse"),
    "absolute numbers": (2, None, "mae"),
    "huber's numbers": (2, None, "huber"),
    "quantiles of numbers": (2, None, Quantile(0.3)),
    "counted numbers": (1, "exponential", "poisson"),
    "focal labels": (3, "softmax", "categorical_focal_crossentropy"),
    "focal bits": (1, "sigmoid", "binary_focal_crossentropy"),
    "separate bits": (3, "softmax", "binary_crossentropy"),
}


def network(activation, ending, dtype="float32", **options):
    units, last, loss = (ENDINGS | OTHERS)[ending]
    layers = [Dense(9, activation, **options), Dense(8, activation), Dense(units, last)]
    model = ffnn.Sequential(layers, seed=4, dtype=dtype)
    model.compile("sgd", loss)
    return model


def targets(ending, rows, rng):
    units = (ENDINGS | OTHERS)[ending][0]
    if ending.endswith("numbers"):
        return rng.standard_normal((rows, units))
    if "bit" in ending:
        return rng.integers(0, 2, (rows, units)).astype(float)
    labels = rng.integers(0, units, rows)
    return np.eye(units)[labels] if ending.endswith("rows") else labels


def one_step(step, chain, x, y, weight=None):
    """Return loss, outputs and gradients of a batch, with the chain or without."""
    step = step.compiled_by(list, None, [], chain)
    step.vector.gradients.fill(7.0)
    with np.errstate(all="ignore"):
        loss = step.forward(x, y, weight, for_update=True)
        assert step._is_chained is (chain is not None)
        output = step.loss.output.copy()
        step.backward()
    return np.array([loss]), output, step.vector.gradients.copy()


def differences(model, ending, dtype="float32", kinds=KINDS, weights=None):
    found, rng, shapes = [], np.random.default_rng(6), ((2, 5), (32, 20), (33, 1))
    for rows, columns in shapes:
        model = network_like(model, columns)
        chain = chain_of(model.step.stages, model.step.loss, np.dtype(dtype))
        y = targets(ending, rows, rng)
        y = y if y.ndim == 1 else np.ascontiguousarray(y, dtype)
        for kind, order in itertools.product(kinds, "CF"):
            x = np.array(rough(rng, rows, columns, dtype=dtype, kind=kind), order=order)
            weight = None if weights is None else weights(rng, rows).astype(dtype)
            pair = [one_step(model.step, each, x, y, weight) for each in (chain, None)]
            if not all(map(same_bits, *pair)):
                found.append((rows, columns, kind, order))
    return found


def network_like(model, columns):
    """Return a network of the same layers for so many columns."""
    layers = [type(each)(**each.get_config()) for each in model.layers]
    other = ffnn.Sequential(layers, seed=4, dtype=str(model.dtype))
    other.compile("sgd", model.loss)
    other.build(columns)
    noise = np.random.default_rng(3).standard_normal(other.parameters.size)
    other.parameters[...] += noise.astype(model.dtype) / 4
    return other


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_chain_has_the_bits_of_its_layers(activation, dtype):
    assert differences(network(activation, "labels", dtype), "labels", dtype) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_chain_has_the_bits_of_its_loss(ending, dtype):
    assert differences(network("relu", ending, dtype), ending, dtype) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ending", OTHERS)
def test_a_chain_has_the_bits_of_a_loss_that_computes_by_itself(ending, dtype):
    model = network("relu", ending, dtype)

    assert differences(model, ending, dtype) == []
    assert differences(model, ending, dtype, weights=WEIGHTS["plain"]) == []


class Own(Huber):
    """A user's, whose gradient may lie in any way."""


@pytest.mark.parametrize(("loss", "is_chain"), [("huber", True), (Own(), False)])
def test_a_training_with_a_loss_that_computes_by_itself_ends_in_the_same_bits(loss, is_chain):
    ends = []
    for jit in (True, False):
        layers = [Dense(9, "relu"), Dropout(0.2), LayerNorm(), Dense(1)]
        model = ffnn.Sequential(layers, seed=4)
        model.compile("adam", loss, jit_compile=jit)
        history = model.fit(X, X.sum(axis=1), epochs=3, batch_size=8, verbose=0).history
        ends.append((model.parameters.tobytes(), history, model.generator_states))
        assert ("LayerNorm" in model.compiled_parts) == (jit and is_chain)
        assert type(model.loss).__name__ not in model.compiled_parts

    assert ends[0] == ends[1]


WEIGHTS = {
    "plain": lambda rng, rows: rng.uniform(0.1, 3.0, rows),
    "far apart": lambda rng, rows: 10.0 ** rng.integers(-30, 30, rows),
    "one": lambda rng, rows: np.ones(rows),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_chain_has_the_bits_of_its_loss_of_weighted_rows(ending, weights, dtype):
    model = network("relu", ending, dtype)

    assert differences(model, ending, dtype, weights=WEIGHTS[weights]) == []


def test_a_chain_does_not_take_weights_of_another_kind():
    model = network("relu", "labels")
    model.build(6)
    chain = chain_of(model.step.stages, model.step.loss, np.dtype("float32"))
    x, y = np.ones((4, 6), np.float32), np.array([0, 1, 2, 0])

    assert chain.takes(x, y, np.ones(4, np.float32))
    assert not chain.takes(x, y, np.ones(4))
    assert not chain.takes(x, y, np.ones(8, np.float32)[::2])
    assert chain.takes(x, y)


@pytest.mark.parametrize(
    "options",
    [{"use_bias": False}, {"parametrization": "ntk"}],
)
def test_a_chain_has_the_bits_of_other_dense_layers(options):
    assert differences(network("relu", "labels", **options), "labels") == []


@pytest.mark.parametrize("offset", [0.0, -0.4])
@pytest.mark.parametrize("place", [0, 1, 2, 4])
def test_a_chain_rescales_as_the_layers_do(place, offset):
    model = network("relu", "numbers")
    layers = [type(layer)(**layer.get_config()) for layer in model.layers]
    layers.insert(place, Rescaling(0.3, offset))
    model = ffnn.Sequential(layers, seed=4)
    model.compile("sgd", "mse")

    assert differences(model, "numbers") == []


@pytest.mark.parametrize("given", ["uint8", "int32", "float64", "float32"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_chain_takes_rows_that_are_rescaled_first_as_they_are(given, dtype):
    model = ffnn.Sequential([Rescaling(1 / 255, 0.1), Dense(3, "softmax")], seed=4, dtype=dtype)
    model.compile("sgd", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(5)
    x, y = (rng.random((7, 6)) * 255).astype(given), rng.integers(0, 3, 7)
    model.build(6)
    chain = chain_of(model.step.stages, model.step.loss, np.dtype(dtype))

    for rows in (x, x[::-1].copy(), np.asfortranarray(x)):
        pair = one_step(model.step, chain, rows, y), one_step(model.step, None, rows, y)
        assert all(map(same_bits, *pair))


def test_a_batch_that_is_cast_is_cast_anew_in_the_same_memory():
    model = ffnn.Sequential([Rescaling(1 / 255), Dense(3, "softmax")], seed=4)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(6)
    chain = chain_of(model.step.stages, model.step.loss, np.dtype("float32"))
    x, y = np.full((7, 6), 9, np.uint8), np.arange(7) % 3
    losses = []
    for value in (9, 200, 9):
        x[:, :3] = value
        assert chain.takes(x, y)
        losses.append(chain.forward())

    assert losses[0] == losses[2] != losses[1]


# Trainings

X = np.random.default_rng(0).standard_normal((100, 6)).astype(np.float32)
Y = (np.arange(100) * 7 % 3).astype(int)


class Watching(Callback):
    def on_backward_end(self):
        pass


class Freezing(Callback):
    def on_epoch_begin(self, epoch, logs):
        self.model.layers[0].trainable = epoch % 2 == 0


def trained(jit_compile, layers=None, optimizer="adam", metrics=("accuracy",), **options):
    layers = layers or [Dense(8, "relu"), Dense(5, "tanh"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, seed=1)
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, metrics=list(metrics), jit_compile=jit_compile)
    arguments = {"epochs": 3, "batch_size": 32, "verbose": 0} | options
    history = model.fit(X, Y, **arguments)
    return model, history.history


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 99},  # the last one has a single row
        {"shuffle": False},
        {"validation_split": 0.2},
        {"sample_weight": 0.5 + np.arange(100) % 3},
        {"sample_weight": np.arange(100) % 3},
        {"class_weight": {0: 2.0}},
        {"accumulate": 2},
    ],
)
def test_a_training_ends_in_the_same_bits(options):
    (model, logs), (plain, others) = (trained(jit, **options) for jit in (True, False))

    assert model.parameters.tobytes() == plain.parameters.tobytes()
    assert logs == others
    assert "SoftmaxCrossentropy" in model.compiled_parts


@pytest.mark.parametrize("callback", [Watching, Freezing, lambda: EarlyStopping("loss", 0)])
def test_callbacks_see_the_same_training(callback):
    (model, logs), (plain, others) = (trained(jit, callbacks=[callback()]) for jit in (True, False))

    assert model.parameters.tobytes() == plain.parameters.tobytes()
    assert model.gradients.tobytes() == plain.gradients.tobytes()
    assert logs == others


def layers_with_more():
    """Return layers of which some have no writer."""
    return [Dense(8, "relu"), BatchNorm(), Dense(5), Scale(), Dense(3, "softmax")]


@pytest.mark.parametrize(
    "layers",
    [
        layers_with_more,
        lambda: [Dense(8, "relu", weight_regularizer="l2"), Dense(3, "softmax")],
        lambda: [Activation("tanh"), Dense(8), Activation("relu"), Dense(3, "softmax")],
    ],
)
def test_other_networks_end_in_the_same_bits(layers):
    (model, logs), (plain, others) = (trained(jit, layers()) for jit in (True, False))

    assert model.parameters.tobytes() == plain.parameters.tobytes()
    assert logs == others


def test_a_diverging_training_stops_at_the_same_batch_with_the_same_weights():
    ends = []
    for jit in (True, False):
        model = ffnn.Sequential([Dense(8, "relu"), Dense(1)], seed=1)
        model.compile(ffnn.optimizers.SGD(1e4), "mse", jit_compile=jit)
        with pytest.raises(ffnn.TrainingDivergedError) as error:
            model.fit(X, Y.astype(float), epochs=9, verbose=0)
        ends.append((str(error.value), model.parameters.tobytes()))

    assert ends[0] == ends[1]


def test_batches_of_many_sizes_are_written_anew():
    model = network("relu", "labels")
    model.build(6)
    chain = chain_of(model.step.stages, model.step.loss, np.dtype("float32"))
    for rows in (32, 5, 17, 100, 64, 5, 32):
        first, second = (one_step(model.step, each, X[:rows], Y[:rows]) for each in (chain, None))
        assert all(map(same_bits, first, second))


def test_what_the_chain_does_not_take_goes_from_layer_to_layer():
    model = network("relu", "labels")
    model.build(6)
    chain = chain_of(model.step.stages, model.step.loss, np.dtype("float32"))

    assert chain.takes(X, Y)
    assert not chain.takes(X[:1], Y[:1])  # a single row
    assert not chain.takes(X[::2], Y[:50])  # rows apart
    assert not chain.takes(X.astype(float), Y)
    assert not chain.takes(X, Y.astype(np.int32))


def test_where_numpy_is_another_one_there_is_no_chain(monkeypatch):
    monkeypatch.setattr(chains, "are_known", lambda kind: False)

    (model, _), (plain, _) = (trained(jit) for jit in (True, False))

    assert "Dense" not in model.compiled_parts
    assert model.parameters.tobytes() == plain.parameters.tobytes()


@pytest.fixture
def unknown():
    """Have what is known of products be found out anew, before the test and after it."""
    chains.multiplies_alike.cache_clear()
    yield
    chains.multiplies_alike.cache_clear()


@pytest.mark.parametrize("wrong", [(17, 9), (17, 1), (1, 9), (1, 1)])
def test_where_a_product_has_other_bits_there_is_no_chain(wrong, monkeypatch, unknown):
    right = Program.product

    def product(self, a, b, out):
        right(self, a * (1.0 + (out.shape == wrong) * 1e-6), b, out)

    assert chains.multiplies_alike(np.dtype("float32"))
    chains.multiplies_alike.cache_clear()
    monkeypatch.setattr(Program, "product", product)

    (model, _), (plain, _) = (trained(jit) for jit in (True, False))

    assert "Dense" not in model.compiled_parts
    assert model.parameters.tobytes() == plain.parameters.tobytes()


def test_trainings_in_threads_end_in_the_same_bits():
    expected, found = trained(False)[0].parameters.tobytes(), []

    def train():
        found.append(trained(True)[0].parameters.tobytes())

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 4


def test_the_estimate_counts_what_a_chain_saves():
    model = ffnn.Sequential([Dense(10, "relu"), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(20)
    # 15 µs a step, 3.3 ns for each of 32 · 12 entries, and 0.2 ns for each of 232 parameters.
    seconds = 1e5 * (15e-6 + 32 * 12 * 3.3e-9 + 232 * 0.2e-9)

    assert compiling.estimate_saved(model.step, 100_000, 32) == pytest.approx(seconds)


def test_classes_derived_from_those_of_the_library_have_no_chain():
    class Own(ffnn.activations.ReLU):
        def forward(self, x, training=False):
            return super().forward(x, training) * np.float32(2.0)

    layers = [Dense(8), Activation(Own()), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, seed=1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(6)

    assert not Chain.suits(model.step.stages, model.step.loss, np.dtype("float32"))


def test_every_part_that_has_a_writer_is_compared():
    found = {type(stage.layer) for a in ACTIVATIONS for stage in built(a, "labels").step.stages}
    losses = {type(built("relu", ending).step.loss) for ending in ENDINGS}

    others = {BatchNorm, LayerNorm, Dropout}  # in files of their own
    assert found | {Rescaling} | others == set(WRITERS)
    assert losses == set(LOSS_WRITERS)


def built(activation, ending):
    model = network(activation, ending)
    model.build(6)
    return model
