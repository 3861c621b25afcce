"""Networks with LayerNorm and BatchNorm are trained in one call, with the bits of their layers."""

import itertools

import numpy as np
import pytest
from bits import rough, same_bits

import ffnn
from ffnn.callbacks import Callback
from ffnn.errors import TrainingDivergedError
from ffnn.kernels.chains.chain import chain_of
from ffnn.kernels.compiler import find_problem
from ffnn.layers import Activation, BatchNorm, Dense, LayerNorm

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((205, 6)).astype(np.float32)
Y = (np.arange(205) * 7 % 3).astype(int)
NORMS = {
    "layer": LayerNorm,
    "batch": lambda: BatchNorm(0.9),
    "others": lambda: LayerNorm(0.25),
    "slow": lambda: BatchNorm(0.999, 1e-5),
}


def network(norm, place, columns=6, dtype="float32", **options):
    layers = [Dense(9), Activation("relu"), Dense(8, "tanh"), Dense(3, "softmax")]
    layers.insert(place, NORMS[norm]())
    layers.insert(place + 2, NORMS[norm]())
    model = ffnn.Sequential(layers, seed=4, dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], **options)
    model.build(columns)
    noise = np.random.default_rng(3).standard_normal(model.parameters.size)
    model.parameters[...] += noise.astype(dtype) / 4
    return model


def one_step(model, chain, x, y):
    """Return all that a step computes, and whether it was made by the chain."""
    step = model.step.compiled_by(list, None, [], chain)
    step.vector.gradients.fill(7.0)
    states = {id(array): array.copy() for layer in model.layers for array in layer.state.values()}
    with np.errstate(all="ignore"):
        loss = step.forward(x, y, None, for_update=True)
        output = step.loss.output.copy()
        step.backward()
        step.update_states()
    moved = [array.copy() for layer in model.layers for array in layer.state.values()]
    for layer in model.layers:
        for array in layer.state.values():
            array[...] = states[id(array)]
    found = [np.array([loss]), output, step.vector.gradients.copy(), *moved]
    return found, step._is_chained


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("norm", "place"), [*itertools.product(["layer", "batch"], [0, 1, 2])])
def test_a_chain_has_the_bits_of_its_norms(norm, place, dtype):
    rng, chained = np.random.default_rng(6), []
    for rows, columns in ((2, 5), (7, 20), (32, 20), (130, 9), (300, 2)):
        model = network(norm, place, columns, dtype)
        chain = chain_of(model.step.stages, model.step.loss, np.dtype(dtype))
        assert chain is not None
        y = rng.integers(0, 3, rows)
        for kind, order in itertools.product(["plain", "tiny", "every", "large"], "CF"):
            x = rough(rng, rows, columns, dtype=dtype, kind="plain" if kind == "large" else kind)
            x = np.array(x * 1e25 if kind == "large" else x, dtype, order=order)
            made, is_chained = one_step(model, chain, x, y)
            expected, _ = one_step(model, None, x, y)
            assert all(map(same_bits, made, expected)), (rows, columns, kind, order)
            chained.append(is_chained)

    assert True in chained
    assert False in chained  # as squares overflow


class Freezing(Callback):
    def on_epoch_begin(self, epoch, logs):
        for layer in self.model.layers:
            if isinstance(layer, BatchNorm):
                layer.trainable = epoch % 2 == 0


class Enlarging(Callback):
    """Gives a weight so large a value for an epoch that squares overflow, in float32, or nearly."""

    size = 1e25

    def on_epoch_begin(self, epoch, logs):
        weight = self.model.layers[0].params["weight"]
        weight[0, 0] = self.size if epoch == 1 else 0.1


def trained(jit, norm="batch", place=1, **options):
    """Return all that a training leaves."""
    model = network(norm, place, jit_compile=jit, dtype=options.pop("dtype", "float32"))
    arguments = {"epochs": 4, "batch_size": 8, "verbose": 0} | options
    if "callbacks" in arguments:
        arguments["callbacks"] = [make() for make in arguments["callbacks"]]
    history = model.fit(X, Y, **arguments)
    arrays = {name: array.tobytes() for name, array in model.capture()[1].items()}
    return arrays, history.history, model.predict(X[:40]).tobytes()


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, [8, 15, 24, 24, 24]),
        ({"batch_size": 5}, [8, 31, 40, 40, 40]),  # no short last batch
        ({"validation_split": 0.2}, [8, 10, 19, 19, 19]),
        ({"dtype": "float64"}, [8, 15, 24, 24, 24]),
        ({"sample_weight": np.arange(205) % 3}, []),
        ({"accumulate": 2}, []),
        ({"micro_batches": 2}, []),
    ],
)
@pytest.mark.parametrize("norm", NORMS)
def test_a_training_ends_in_the_same_bits(norm, options, calls, made):
    runs, single = (trained(jit, norm, **options) for jit in (True, False))

    assert runs == single
    assert made == calls


class EnlargingLess(Enlarging):
    size = 2e18


@pytest.mark.parametrize(
    ("norm", "callback"),
    [("layer", Freezing), ("layer", Enlarging), ("batch", Freezing), ("batch", EnlargingLess)],
)
def test_steps_that_need_the_layers_own_way_are_made_that_way(norm, callback, made):
    options = {"callbacks": [callback]}

    runs, single = (trained(jit, norm, **options)
                    for jit in (True, False))  # fmt: skip

    assert runs == single
    assert sum(made) > 20


def test_a_variance_that_is_too_large_ends_the_training_as_without_loops():
    errors = []
    for jit in (True, False):
        with pytest.raises(TrainingDivergedError, match="variance of the inputs") as caught:
            trained(jit, callbacks=[Enlarging])
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
