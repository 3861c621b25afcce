"""What a diagnosis says of frozen layers: nothing that is their being frozen."""

import numpy as np

import ffnn
from ffnn import Sequential
from ffnn.layers import Dense

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def make(*layers, optimizer="adam"):
    model = Sequential([*layers, Dense(2, "softmax")], input_dim=5, seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def kinds(model):
    return {(found.kind, found.layer) for found in model.diagnose(X, Y)}


def test_a_frozen_layer_is_not_blamed_for_what_keeps_it_from_learning():
    dead = Dense(8, "relu", bias_initializer=ffnn.initializers.Constant(-100.0))
    saturated = Dense(8, "tanh", weight_initializer=ffnn.initializers.RandomNormal(0.0, 1e6))
    equal = Dense(8, "tanh", weight_initializer=ffnn.initializers.Constant(0.1))
    kinds_of = {"dead-relu": dead, "saturated-units": saturated, "symmetric-units": equal}
    for kind, layer in kinds_of.items():
        model = make(layer, Dense(4, weight_initializer=ffnn.initializers.Constant(0.1)))
        assert (kind, "dense_1") in kinds(model)
        layer.trainable = False
        assert (kind, "dense_1") not in kinds(model)


def test_gradients_that_vanish_in_frozen_layers_alone_are_left_out():
    small = ffnn.initializers.RandomNormal(0.0, 1e-12)
    model = make(*(Dense(6, "tanh", weight_initializer=small) for _ in range(3)))
    assert any(kind == "vanishing-gradients" for kind, _ in kinds(model))
    for layer in model.layers[:3]:
        layer.trainable = False
    assert not any(kind == "vanishing-gradients" for kind, _ in kinds(model))


def test_a_fine_tuned_network_is_sound():
    old = make(Dense(16, "relu"))
    old.fit(X, Y, epochs=30, verbose=0)
    frozen = old.layers[0].copy()
    frozen.trainable = False
    model = make(frozen)
    model.fit(X, Y, epochs=40, verbose=0)
    before = model.parameters.copy()
    report = model.diagnose(X, Y)
    assert not [found for found in report if found.kind.startswith("learning-rate")], report
    assert np.array_equal(model.parameters, before)


def test_a_restart_from_the_initial_weights_keeps_the_frozen_ones():
    model = make(Dense(16, "relu"), optimizer=ffnn.optimizers.SGD(1e-9))
    model.layers[0].trainable = False
    model.fit(X, Y, epochs=3, verbose=0)
    assert any(kind.startswith("learning-rate-too-low") for kind, _ in kinds(model))


def test_a_network_that_is_wholly_frozen_can_be_diagnosed():
    model = make(Dense(16, "relu"))
    for layer in model.layers:
        layer.trainable = False
    assert not any("learning-rate" in kind for kind, _ in kinds(model))
