"""Predictions in one call have the bits of those that go from layer to layer."""

import itertools
import sys
import threading

import numpy as np
import pytest
from bits import rough, same_bits

import ffnn
from ffnn.activations import ACTIVATIONS, GELU, Softmax
from ffnn.errors import DataError
from ffnn.kernels import compiler
from ffnn.kernels.chains import forward as forwards
from ffnn.kernels.chains.forward import Forward, forward_of
from ffnn.kernels.chains.parts import WRITERS
from ffnn.kernels.compiler import find_problem
from ffnn.layers import Activation, Dense, Dropout, Layer, LayerNorm, Rescaling
from ffnn.layers.chain import run_forward
from ffnn.models import compiling

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((100, 6)).astype(np.float32)
Y = np.arange(100) % 3
ROWS = [1, 2, 7, 8, 9, 33, 130, 300]
PREDICTING = [*WRITERS]
MAKERS = {
    Dense: lambda: Dense(4),
    Dropout: lambda: Dropout(0.5),
    Rescaling: lambda: Rescaling(0.3, -0.2),
}


def network(*layers, columns=6, dtype="float32"):
    """Return a network whose parameters are all different from 0."""
    model = ffnn.Sequential(layers, input_dim=columns, seed=4, dtype=dtype)
    noise = np.random.default_rng(3).standard_normal(model.parameters.size)
    model.parameters[...] += noise.astype(model.dtype) / 4
    return model


def usual(jit_compile=True, units=3, **options):
    model = network(Dense(9, "relu"), Dense(8, "tanh"), Dense(units, "softmax"), **options)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], jit_compile=jit_compile)
    return model


def alike(jit_compile, model):
    """Return a network of the same numbers that is computed otherwise."""
    other = usual(jit_compile)
    other.set_weights(model.get_weights())
    return other


def differences(model, rows=ROWS, kinds=("plain", "tiny", "every"), refused=None):
    """Return for what rows a call has other bits than the layers; it may leave them out."""
    forward, dtype = forward_of(model.stages, model.dtype), str(model.dtype)
    assert forward is not None
    found, rng = [], np.random.default_rng(6)
    for count, kind in itertools.product(rows, kinds):
        x = rough(rng, count, model.input_dim, dtype=dtype, kind=kind)
        with np.errstate(all="ignore"):
            expected = run_forward(model.stages, x, training=False)
            made = forward.compute(x)
            if made is None and refused is not None:
                refused.append((count, kind))
            elif not same_bits(np.array(expected), np.array(made)):
                found.append((count, kind))
    return found


# Bits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "activation", [None, *(names[0] for names in ACTIVATIONS.names()), GELU("tanh")]
)
def test_a_call_has_the_bits_of_the_layers(activation, dtype):
    for units, columns in ((1, 5), (3, 20), (10, 6), (70, 1)):
        if units > 1 or activation != "softmax":
            layers = Dense(9, activation), Dense(8, activation), Dense(units, activation)
            rows = ROWS if columns > 1 else ROWS[1:]
            assert differences(network(*layers, columns=columns, dtype=dtype), rows) == []


@pytest.mark.parametrize("options", [{"use_bias": False}, {"parametrization": "ntk"}])
def test_a_call_has_the_bits_of_other_dense_layers(options):
    assert differences(network(Dense(9, "relu", **options), Dense(3, **options))) == []


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_call_has_the_bits_of_rescaling_and_dropout(place):
    layers = [Dense(9, "relu"), Dense(8), Dense(3, "sigmoid")]
    layers[place:place] = [Rescaling(0.3, -0.4), Dropout(0.5)]

    assert differences(network(*layers)) == []


@pytest.mark.parametrize("kind", [*PREDICTING, Softmax, Dropout], ids=lambda kind: kind.__name__)
def test_each_part_predicts_as_outside_training(kind):
    layers = Dense(6, "relu"), MAKERS.get(kind, kind)(), Dense(3, "softmax")
    model = ffnn.Sequential(layers, seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(X, Y, epochs=2, verbose=0)  # which gives states their values

    refused = []
    assert differences(model, refused=refused) == []
    if kind is LayerNorm:  # which adds a single row pairwise, and knows other ways for infinities
        assert {(1, "plain"), (1, "tiny")} < set(refused)
        assert {kind for count, kind in refused if count > 1} == {"every"}
    else:
        assert refused == []


@pytest.mark.parametrize("rows", [2, 40])
def test_rows_whose_squares_overflow_in_a_norm_go_the_layers_own_way(rows):
    x = np.random.default_rng(3).standard_normal((rows, 6)).astype(np.float32)
    x[0] *= 1e25
    expected, found = [], []
    for jit_compile, into in ((False, expected), (True, found)):
        model = ffnn.Sequential([Dense(9), LayerNorm(), Dense(3, "softmax")], seed=1)
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
        model.build(6)
        into += [model.predict(x), np.array(model.evaluate(x, np.arange(rows) % 3))]

    assert np.isfinite(expected[0]).all()
    assert all(map(same_bits, expected, found))


@pytest.mark.parametrize("given", ["uint8", "int32", "float64", "float32"])
def test_rows_that_are_rescaled_first_are_taken_as_they_are(given):
    pair = [network(Rescaling(1 / 255, 0.1), Dense(3, "softmax")) for _ in range(2)]
    for model, jit_compile in zip(pair, (True, False), strict=True):
        model.compile("sgd", "mse", jit_compile=jit_compile)
    for rows in (5, 1, 2000, 5):
        x = (np.random.default_rng(rows).random((rows, 6)) * 255).astype(given)
        assert same_bits(*(np.array(model.predict(x)) for model in pair))


@pytest.mark.parametrize("first", [0, 40, 80])
def test_products_whose_last_rows_may_have_other_bits_are_told_apart(first):
    wrong = []
    for seed in range(first, first + 40):
        rng, predictions = np.random.default_rng(seed), []
        columns, units, rows = (
            int(rng.integers(1, 12)),
            int(rng.integers(1, 9)),
            [129, 205, 300, 512],
        )
        x = rng.standard_normal((int(rng.choice(rows)), columns)).astype(np.float32)
        last = int(rng.integers(1, 4))
        for jit_compile in (True, False):
            layers = [Dense(units, "tanh"), Dense(last, "sigmoid")]
            model = ffnn.Sequential(layers, seed=seed, input_dim=columns)
            model.compile("sgd", "mse", jit_compile=jit_compile)
            predictions.append(model.predict(x))
        if not same_bits(*predictions):
            wrong.append(seed)

    assert wrong == []


# Memory


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100, 1024])
def test_blocks_and_a_short_last_one_fill_the_result(batch_size):
    model = usual()
    model.predict(X)

    found = model.predict(X, batch_size)

    assert same_bits(found.copy(), alike(False, model).predict(X, batch_size).copy())


def test_blocks_of_any_size_come_in_any_order():
    model = usual()
    plain, order = alike(False, model), np.random.default_rng(1).integers(1, 100, 200)

    for rows in [100, 1, *order, 1, 100]:
        assert same_bits(*(np.array(each.predict(X[:rows])) for each in (model, plain)))


def test_programs_of_many_sizes_are_not_kept(monkeypatch):
    monkeypatch.setattr(forwards, "_KEPT", 3)
    forward = forward_of(usual().stages, np.dtype("float32"))

    for rows in range(1, 20):
        forward.compute(X[:rows])

    assert len(forward._programs) <= 3


@pytest.mark.parametrize("rows", [1, 20, 100])
def test_a_result_belongs_to_the_caller(rows):
    model = usual()
    model.predict(X)
    first = model.predict(X[:rows], 64)
    kept = first.copy()

    model.predict(X[:rows] + 1.0, 64)

    assert same_bits(first, kept)


def test_rows_that_were_predicted_are_let_go():
    model, x = usual(), X.copy()
    before = sys.getrefcount(x)

    model.predict(x)
    model.predict(x[:1])

    assert sys.getrefcount(x) == before


def test_read_only_rows_are_taken():
    model, x = usual(), X.copy()
    x.flags.writeable = False

    assert same_bits(np.array(model.predict(x)), np.array(model.predict(X)))


def test_each_thread_has_memory_of_its_own():
    model = usual()
    plain, found, wrong = alike(False, model), [], []

    def predict(seed):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            x = X[rng.permutation(100)[: rng.integers(1, 100)]]
            result = model.predict(x, 32)
            if not same_bits(np.array(plain.predict(x, 32)), result.copy()):
                wrong.append(len(x))
        found.append(model._replicas._compiled(model.replicas(), True))

    workers = [threading.Thread(target=predict, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert wrong == []
    assert all(isinstance(each, Forward) for each in found)
    outputs = [each.compute(X) for each in found]
    assert not any(itertools.starmap(np.may_share_memory, itertools.combinations(outputs, 2)))


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_rows_are_left_as_they_are(activation):
    model = network(Dropout(0.1), Activation(activation), Dense(3), columns=50)
    x = np.random.default_rng(2).standard_normal((1, 50)).astype(np.float32)
    given, expected = x.copy(), np.array(run_forward(model.stages, x, training=False))

    found = forward_of(model.stages, model.dtype).compute(given)

    assert same_bits(given, x)
    assert same_bits(found.copy(), expected)


# What is predicted follows the model


def follows(model, change):
    model.predict(X)
    model.predict(X[:1])

    change(model)

    plain = alike(False, model)
    for rows in (1, 100):
        assert same_bits(*(np.array(each.predict(X[:rows])) for each in (model, plain)))


def add_one(model):
    model.set_weights([each + 1.0 for each in model.get_weights()])


def write(model):
    model.layers[1].params["weight"][...] *= 2.0


def fit(model):
    model.fit(X, Y, epochs=2, verbose=0)


@pytest.mark.parametrize("change", [add_one, write, fit, lambda model: model.train_on_batch(X, Y)])
def test_predictions_follow_the_weights(change):
    follows(usual(), change)


def test_a_loaded_model_predicts_by_its_own_weights(tmp_path):
    model = usual()
    model.predict(X)
    model.save(tmp_path / "model.h5")
    add_one(model)

    loaded = ffnn.load_model(tmp_path / "model.h5")

    assert loaded.jit_compile is True
    assert same_bits(loaded.predict(X), alike(False, loaded).predict(X))
    assert not same_bits(loaded.predict(X), model.predict(X))


def test_predictions_follow_an_argument_that_is_set():
    model = network(Rescaling(0.5), Dense(3))
    model.compile("sgd", "mse", jit_compile=True)
    before = model.predict(X[:2])

    model.layers[0].scale = 1.0

    np.testing.assert_allclose(
        model.predict(X[:2]) - before, X[:2] / 2 @ model.layers[1].params["weight"].T, rtol=1e-5
    )


# Numbers that are not finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("rows", "batch_size"), [(1, 32), (2, 32), (100, 32), (300, 1024)])
@pytest.mark.parametrize("weight", [0.0, -0.0, 1.0, -1e-30, np.nan])
@pytest.mark.parametrize("first", [[], [0.5]])
def test_a_row_that_is_not_finite_is_found_whatever_the_weights_are(
    value, rows, batch_size, weight, first
):
    model = network(*map(Rescaling, first), Dense(9, "relu"), Dense(3))
    model.compile("sgd", "mse", jit_compile=True)
    model.predict(X)
    model.parameters[...] = weight
    x = np.resize(X, (rows, 6))
    x[rows - 1, 4] = value

    with pytest.raises(DataError, match=f"row {rows - 1}, column 4"):
        model.predict(x, batch_size)


def test_finite_rows_whose_products_overflow_are_predicted_as_the_layers_do():
    model = network(Dense(9, "sigmoid"), Dense(3, "tanh"))
    model.compile("sgd", "mse", jit_compile=True)
    model.predict(X)
    x = np.full((40, 6), 3e38, np.float32)
    with np.errstate(all="ignore"):
        expected = np.array(run_forward(model.stages, x, training=False))
        found = model.predict(x, 16)

    assert same_bits(expected, found)


# When


@pytest.fixture
def calls(monkeypatch):
    """Return the list of the rows of blocks that were computed in a call."""
    made, go = [], Forward._go

    def noting(self, written, x):
        made.append(len(x))
        return go(self, written, x)

    monkeypatch.setattr(Forward, "_go", noting)
    return made


@pytest.fixture
def not_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "ffnn.kernels.native.machine", raising=False)


def test_predict_and_evaluate_and_validation_are_made_in_calls(calls):
    model, plain = usual(), usual(False)
    model.predict(X)
    assert calls == [100]
    numbers = [each.evaluate(X, Y, 64) for each in (model, plain)]
    assert calls == [100, 64, 36]
    assert numbers[0] == numbers[1]
    logs = [
        each.fit(X, Y, epochs=2, verbose=0, validation_split=0.2).history for each in (model, plain)
    ]

    assert calls == [100, 64, 36, 20, 20]
    assert logs[0] == logs[1]


def test_auto_waits_until_the_machine_is_loaded(calls, not_loaded):
    model = usual("auto")

    first = model.predict(X)
    assert calls == []
    forward_of(usual().stages, np.dtype("float32"))

    assert same_bits(first, np.array(model.predict(X), order="F"))
    assert calls == [100]


def test_a_model_that_is_not_compiled_predicts_in_calls_once_the_machine_is_loaded(calls):
    forward_of(usual().stages, np.dtype("float32"))

    network(Dense(3)).predict(X)

    assert calls == [100]


def test_false_means_never(calls):
    model = usual()
    model.predict(X)
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)

    model.predict(X)
    model.evaluate(X, Y)

    assert calls == [100]


class Double(Layer):
    """A layer of a user's."""

    def forward(self, x, training=False):
        return x * 2.0


def test_what_a_call_does_not_take_goes_from_layer_to_layer(calls):
    model = network(Dense(4), Double(), Dense(3))
    model.compile("sgd", "mse", jit_compile=True)
    model.predict(X)

    model = usual()
    forward = forward_of(model.stages, model.dtype)
    assert forward.compute(X[::2]) is None  # rows apart
    assert forward.compute(X.astype(float)) is None
    assert forward.compute(X[:, :5].copy()) is None
    assert forward.compute(X[:0]) is None
    assert calls == []


def test_without_numba_a_model_predicts_and_says_so_once(tmp_path, monkeypatch):
    model = usual()
    expected = model.predict(X)
    model.save(tmp_path / "model.h5")
    monkeypatch.setattr(compiling, "_told", set())
    monkeypatch.setattr(compiler, "find_problem", lambda: compiler.MISSING)
    loaded = ffnn.load_model(tmp_path / "model.h5")

    with pytest.warns(UserWarning, match="predicting without compiled loops") as warned:
        found = [loaded.predict(X) for _ in range(3)]

    assert len(warned) == 1
    assert all(same_bits(expected, each) for each in found)
