"""Settings of layers that change between epochs, and between predictions, are followed."""

import numpy as np
import pytest

import ffnn
from ffnn.activations import ELU, GELU, LeakyReLU
from ffnn.callbacks import Callback
from ffnn.kernels.chains.parts import WRITERS, Writer
from ffnn.kernels.compiler import find_problem
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, Rescaling

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((205, 6)).astype(np.float32)
Y = (np.arange(205) * 7 % 3).astype(int)
CHANGES = [  # the layer, a setting of it, and what it becomes
    (LeakyReLU, "negative_slope", 0.3),
    (ELU, "alpha", 0.5),
    (GELU, "approximate", "tanh"),
    (lambda: Rescaling(0.5), "scale", 0.7),
    (lambda: Rescaling(0.5), "offset", 0.2),
    (LayerNorm, "epsilon", 0.5),
    (BatchNorm, "epsilon", 0.5),
    (BatchNorm, "momentum", 0.2),
    (lambda: Dropout(0.3), "rate", 0.6),
]


def network(make, jit):
    layers = [Dense(9), make(), Dense(7, "tanh"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, seed=4)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit)
    return model


def trained(make, name, value, jit):
    """Return what a training leaves in which a setting changes for one of three epochs."""

    class Changing(Callback):
        def on_epoch_begin(self, epoch, logs):
            vars(layer)[name] = value if epoch == 1 else first

    model = network(make, jit)
    model.build(6)
    layer = next(each for each in model.layers if hasattr(each, name))
    first = getattr(layer, name)
    options = {"callbacks": [Changing()], "validation_data": (X[:50], Y[:50])}
    history = model.fit(X, Y, epochs=3, batch_size=8, verbose=0, **options).history
    return model.capture()[1], (model.generator_states, history)


def same(one, other):
    return one.keys() == other.keys() and all(
        one[name].tobytes() == other[name].tobytes() for name in one
    )


@pytest.mark.parametrize(("make", "name", "value"), CHANGES)
def test_a_setting_that_changes_between_epochs_is_followed(make, name, value, made):
    (runs, rest), (single, other_rest) = (trained(make, name, value, jit) for jit in (True, False))
    unchanged, _ = trained(make, name, getattr(make(), name), True)

    assert same(runs, single)
    assert rest == other_rest
    assert not same(runs, unchanged)
    assert sum(made) > 100


@pytest.mark.parametrize(
    ("make", "name", "value"), [each for each in CHANGES if isinstance(each[2], float)]
)
def test_a_scalar_of_numpys_which_is_computed_in_float64_is_followed(make, name, value):
    found = [trained(make, name, np.float64(value / 3), jit) for jit in (True, False)]

    assert same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize(("make", "name", "value"), CHANGES)
def test_a_setting_that_changes_between_predictions_is_followed(make, name, value):
    predictions = []
    for jit in (True, False):
        model = network(make, jit)
        model.build(6)
        layer = next(each for each in model.layers if hasattr(each, name))
        before = model.predict(X)
        vars(layer)[name] = value
        predictions.append((before.tobytes(), model.predict(X).tobytes()))

    assert predictions[0] == predictions[1]


def test_every_setting_that_a_writer_reads_is_changed():
    read = {(cls, name) for cls, writer in WRITERS.items() for name in writer.reads}

    assert read == {(type(make()), name) for make, name, _ in CHANGES}


def test_without_following_a_setting_the_bits_are_others(monkeypatch):
    monkeypatch.setattr(Writer, "settings", classmethod(lambda cls, part: ()))

    (runs, _), (single, _) = (trained(*CHANGES[0], jit) for jit in (True, False))

    assert not same(runs, single)
