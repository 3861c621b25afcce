"""An activation as a layer: by name, by object, inside a model."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS, LeakyReLU, ReLU, Tanh
from ffnn.layers import Activation, Dense, RMSNorm

X = np.array([[-1.0, 2.0, 0.0], [3.0, -4.0, 0.5]])


def test_forward_and_backward_by_hand():
    layer = Activation(LeakyReLU(0.5)).build(3, dtype="float64")
    np.testing.assert_array_equal(layer.forward(X), [[-0.5, 2, 0], [3, -2, 0.5]])
    dx = layer.backward(np.full_like(X, 2.0))
    np.testing.assert_array_equal(dx, [[1, 2, 1], [2, 1, 2]])


@pytest.mark.parametrize("name", list(ACTIVATIONS.classes))
def test_it_computes_what_the_activation_computes(name):
    layer, activation = Activation(name), ACTIVATIONS.get(name)
    np.testing.assert_array_equal(layer.forward(X), activation.forward(X))
    grad = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(layer.backward(grad.copy()), activation.backward(grad.copy()))


@pytest.mark.parametrize("how", [Activation("tanh"), Activation(Tanh()), Tanh()], ids=repr)
def test_after_a_dense_layer_it_is_that_layers_activation(how):
    inside = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], input_dim=3, seed=0, dtype="float64")
    apart = ffnn.Sequential([Dense(4), how, Dense(1)], input_dim=3, seed=0, dtype="float64")
    apart.parameters[:] = inside.parameters  # a layer more moves the later draws
    np.testing.assert_array_equal(inside.predict(X), apart.predict(X))
    for model in (inside, apart):
        model.compile(loss="mse")
        model.compute_gradients(X, [[1.0], [2.0]])
    np.testing.assert_array_equal(inside.gradients, apart.gradients)


@pytest.mark.parametrize("how", [Activation("softmax"), ACTIVATIONS.get("softmax")], ids=repr)
def test_softmax_apart_is_paired_with_its_loss(how):
    # Paired, a logit gap of 200 in float32 gives the loss 200; through p it would be 87.
    model = ffnn.Sequential([Dense(2), how], input_dim=1)
    model.layers[0].params["weight"][...] = [[100.0], [-100.0]]
    model.compile(loss="categorical_crossentropy")
    assert model.compute_gradients([[1.0]], [1]) == pytest.approx(200.0)


def test_it_stands_between_a_normalisation_and_a_dense_layer():
    model = ffnn.Sequential(
        [Dense(2), RMSNorm(), Activation("relu"), Dense(1)], input_dim=3, dtype="float64"
    )
    assert [len(layer.params) for layer in model.layers] == [2, 1, 0, 2]
    assert model.predict(X).shape == (2, 1)


def test_it_has_no_parameters():
    layer = Activation("relu").build(3)
    assert dict(layer.params) == dict(layer.grads) == dict(layer.state) == {}
    assert (layer.input_dim, layer.output_dim) == (3, 3)


def test_given_object_is_copied():
    shared = ReLU()
    one, other = Activation(shared), Activation(shared)
    assert len({id(shared), id(one.activation), id(other.activation)}) == 3
    y = one.forward(X)
    kept = y.copy()
    other.forward(-X)
    np.testing.assert_array_equal(y, kept)


def test_replica_has_buffers_of_its_own():
    layer = Activation("relu")
    twin = layer.replica()
    y = layer.forward(X)
    twin.forward(-X)
    np.testing.assert_array_equal(y, np.maximum(X, 0))
    np.testing.assert_array_equal(layer.backward(np.ones_like(X)), X > 0)


def test_stages_are_those_of_the_activation():
    layer = Activation("relu")
    (stage,) = layer.stages()
    assert stage.layer is layer.activation


@pytest.mark.parametrize(
    ("activation", "error", "message"),
    [
        ("rellu", ValueError, "unknown activation 'rellu'.*mean 'relu'.*softplus"),
        (ReLU, TypeError, "expected activation: .*write it with parentheses"),
        (None, TypeError, "expected activation: .*got None"),
        (Dense(2), TypeError, "expected activation: .*got Dense"),
    ],
)
def test_wrong_arguments_are_refused(activation, error, message):
    with pytest.raises(error, match=message):
        Activation(activation)


def test_softmax_of_one_unit_is_refused_when_built():
    with pytest.raises(ValueError, match="softmax of one unit"):
        ffnn.Sequential([Dense(1), Activation("softmax")], input_dim=3)
