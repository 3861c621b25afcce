"""Predictions follow an argument of a layer that is set, or refuse it, as all else does."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ffnn
from ffnn.activations import ELU, LeakyReLU
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 5)), RNG.integers(0, 2, 60)


def make(first):
    model = ffnn.Sequential([first, Dense(4, "relu"), Dense(2, "softmax")], input_dim=5, seed=5)
    model.compile("sgd", "categorical_crossentropy", ["accuracy"])
    return model


# A first layer, what to set an argument of, and its new value.
FOLLOWED = {
    "scale": (lambda: Rescaling(0.5), lambda layer: layer, "scale", 3.0),
    "offset": (lambda: Rescaling(0.5), lambda layer: layer, "offset", 1.0),
    "an offset of 0": (lambda: Rescaling(0.5, 1.0), lambda layer: layer, "offset", 0.0),
    "epsilon of BatchNorm": (BatchNorm, lambda layer: layer, "epsilon", 2.0),
    "epsilon of LayerNorm": (LayerNorm, lambda layer: layer, "epsilon", 2.0),
    "epsilon of RMSNorm": (RMSNorm, lambda layer: layer, "epsilon", 2.0),
    "slope": (lambda: Dense(5, LeakyReLU()), lambda layer: layer.activation, "negative_slope", 0.5),
    "alpha": (lambda: Activation(ELU()), lambda layer: layer.activation, "alpha", 3.0),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_all_follow_an_argument_that_is_set(case, tmp_path):
    first, part, name, value = FOLLOWED[case]
    model = make(first())
    with ThreadPoolExecutor(1) as other:
        before, loss = model.predict(X), model.evaluate(X, Y)
        other.submit(model.predict, X).result()

        setattr(part(model.layers[0]), name, value)

        after = model.predict(X)
        elsewhere = other.submit(model.predict, X).result()
    assert not np.array_equal(after, before)
    assert model.evaluate(X, Y) != loss
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")
    for answer in (elsewhere, model.forward(X), loaded.predict(X)):
        np.testing.assert_array_equal(answer, after)
    assert loaded.evaluate(X, Y) == model.evaluate(X, Y)


FIXED = {
    "units": 9,
    "activation": LeakyReLU(),
    "use_bias": False,
    "parametrization": "ntk",
    "weight_initializer": ffnn.initializers.Ones(),
    "bias_initializer": ffnn.initializers.Ones(),
    "weight_regularizer": ffnn.regularizers.L2(0.1),
    "bias_regularizer": ffnn.regularizers.L2(0.1),
}


@pytest.mark.parametrize("has_predicted", [False, True])
@pytest.mark.parametrize("name", [*FIXED, "an activation's name"])
def test_all_refuse_an_argument_that_the_layer_would_not_follow(name, has_predicted):
    assert set(Dense.fixed) == set(FIXED)
    model = make(Dense(5, "tanh"))
    expected = model.predict(X) if has_predicted else None
    argument, value = (name, FIXED[name]) if name in FIXED else ("activation", "relu")
    kept = getattr(model.layers[0], argument)

    setattr(model.layers[0], argument, value)

    for _ in range(2):
        for work, *data in (
            *((model.predict, X), (model.forward, X), (model.evaluate, X, Y)),
            *((model.compute_gradients, X, Y), (model.train_on_batch, X, Y), (model.fit, X, Y)),
        ):
            with pytest.raises(ValueError, match=f"Dense 'dense_1': {argument} was changed after"):
                work(*data)
    setattr(model.layers[0], argument, kept)
    if expected is not None:
        np.testing.assert_array_equal(model.predict(X), expected)


def test_replicas_are_kept_while_nothing_is_set():
    model = make(Normalization())
    model.layers[0].adapt(X)
    model.predict(X)
    kept = model.replicas()

    model.predict(X[:3])
    model.evaluate(X, Y)
    model.forward(X, training=True)
    model.train_on_batch(X, Y)
    assert model.replicas() is kept

    model.layers[1].weight_regularizer = None  # as it was
    assert model.replicas() is kept


def test_a_layer_that_keeps_no_argument_predicts():
    class Twice(Dense):
        def __init__(self, units, factors, *more):
            super().__init__(units)
            self.table = factors

    model = make(Twice(4, np.ones(3)))
    kept = model.predict(X)

    model.layers[0].factors = np.ones(2)
    model.layers[0].factors = np.ones(3)

    np.testing.assert_array_equal(model.predict(X), kept)


@pytest.mark.parametrize("new", [np.ones(3), np.arange(5.0), 2.0, None])
def test_arguments_that_are_arrays_are_compared(new):
    class Table(Rescaling):
        def __init__(self, shift):
            super().__init__(1.0)
            self.shift = shift

        def forward(self, x, training=False):
            return super().forward(x, training) + np.float32(np.size(self.shift))

    model = make(Table(np.arange(5.0)))
    model.predict(X)
    kept = model.replicas()

    model.layers[0].shift = new

    np.testing.assert_array_equal(model.predict(X), model.forward(X))
    assert model.replicas() is not kept
