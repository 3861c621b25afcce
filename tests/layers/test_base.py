"""What all layers share."""

import copy
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.activations import ReLU, Tanh
from ffnn.initializers import Ones
from ffnn.layers import Activation, BatchNorm, Dense, LayerNorm, Rescaling, RMSNorm
from ffnn.layers.base import Layer


def test_a_layer_can_stand_alone():
    layer = Dense(2, "relu").build(3, dtype="float64", seed=0)
    layer.params["weight"][...] = [[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]]
    x = np.array([[1.0, 2.0, 3.0]])

    np.testing.assert_array_equal(layer.forward(x), [[0.0, 4.0]])
    np.testing.assert_array_equal(layer.backward(np.ones((1, 2))), [[0.0, 2.0, 0.0]])
    np.testing.assert_array_equal(layer.grads["weight"], [[0, 0, 0], [1, 2, 3]])
    np.testing.assert_array_equal(layer.grads["bias"], [0, 1])


def test_building_a_layer_alone_is_repeatable():
    first, second = (Dense(2).build(3, seed=4) for _ in range(2))

    np.testing.assert_array_equal(first.params["weight"], second.params["weight"])


def test_backward_before_forward_and_forward_before_build_say_what_to_do():
    with pytest.raises(AttributeError, match="call forward before backward"):
        Tanh().backward(np.ones((1, 2)))
    with pytest.raises(AttributeError, match="call forward before backward"):
        ReLU().backward(np.ones((1, 2)))
    with pytest.raises(AttributeError, match="call forward before backward"):
        Dense(2).build(3).backward(np.ones((1, 2)))
    with pytest.raises(AttributeError, match="build a layer that stands alone"):
        Dense(2).forward(np.ones((1, 2)))
    with pytest.raises(RuntimeError, match="Rescaling: build a layer that stands alone first"):
        Rescaling(2.0).forward(np.ones((1, 2)))


def test_a_batch_that_was_let_go_of_has_to_be_sent_forward_again():
    layer, x = Dense(2).build(3, seed=0), np.ones((1, 3), np.float32)
    layer.forward(x)
    layer.release()

    with pytest.raises(AttributeError, match="call forward before backward"):
        layer.backward(np.ones((1, 2), np.float32))
    layer.forward(x)
    assert layer.backward(np.ones((1, 2), np.float32)) is layer.dx


def test_attributes_that_do_not_exist_get_no_such_advice_after_forward():
    layer = Dense(2).build(3)
    layer.forward(np.ones((1, 3), np.float32))

    with pytest.raises(AttributeError, match=r"Dense has no attribute 'unit'$"):
        layer.unit  # noqa: B018


def test_layers_can_be_copied():
    layer = Dense(2, "relu").build(3, seed=0)

    twin = copy.deepcopy(layer)

    twin.params["weight"][...] = 0.0
    assert layer.params["weight"].all()
    np.testing.assert_array_equal(twin.forward(np.ones((1, 3), np.float32)), [[0.0, 0.0]])


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda layer: layer.replica()])
@pytest.mark.parametrize(
    "layer",
    [Dense(3), ReLU(), Dense(3, "tanh"), Activation("elu"), RMSNorm(), BatchNorm(), LayerNorm()],
    ids=repr,
)
def test_no_copy_shares_working_memory_even_for_the_same_batch(layer, make):
    layer = layer.replica().build(3, seed=0)
    x = np.ones((4, 3), np.float32)
    ours = layer.forward(x)

    theirs = make(layer).forward(x)

    assert not np.shares_memory(ours, theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_deep_copy_computes_with_parameters_of_its_own(make):
    layer = Dense(2, "relu").build(3, seed=0)
    x = np.ones((4, 3), np.float32)
    layer.forward(x)

    twin = make(layer)
    twin.params["weight"][...] = 1.0
    twin.params["bias"][...] = 2.0

    np.testing.assert_array_equal(twin.forward(x), np.full((4, 2), 5.0))
    assert layer.params["weight"].max() < 1.0


def test_an_input_gradient_may_be_asked_for_between_two_batches():
    layer = Dense(2).build(3, seed=0)
    layer.needs_input_grad = False
    x, grad = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    layer.forward(x)
    assert layer.backward(grad) is None

    layer.needs_input_grad = True
    layer.forward(x)

    np.testing.assert_allclose(layer.backward(grad)[0], layer.params["weight"].sum(axis=0))


def test_layers_copied_together_read_new_batches():
    first, second = Dense(3).build(2, seed=0), Dense(2).build(3, seed=1)
    second.forward(first.forward(np.ones((4, 2), np.float32)))

    twin_first, twin_second = copy.deepcopy([first, second])

    x = np.full((4, 2), 5.0, np.float32)
    expected = second.forward(first.forward(x)).copy()
    np.testing.assert_array_equal(twin_second.forward(twin_first.forward(x)), expected)


def test_a_replica_shares_parameters_but_not_working_memory():
    layer = Dense(2, "relu").build(3, seed=0)
    twin = layer.replica()
    x = np.ones((4, 3), np.float32)

    ours, theirs = layer.forward(x), twin.forward(2 * x)

    assert not np.shares_memory(ours, theirs)
    assert twin.params["weight"] is layer.params["weight"]


def test_output_memory_is_used_again_and_short_batches_take_leading_rows():
    layer = Dense(2).build(3, seed=0)
    x = np.ones((4, 3), np.float32)
    first = layer.forward(x)

    assert layer.forward(2 * x) is first
    short = layer.forward(x[:2])
    assert short.shape == (2, 2)
    assert np.shares_memory(short, first)


def test_a_layer_has_to_define_both_directions():
    with pytest.raises(NotImplementedError, match="does not define forward"):
        Layer().forward(np.ones((1, 1)))
    with pytest.raises(NotImplementedError, match="does not define backward"):
        Layer().backward(np.ones((1, 1)))


class Gain(Layer):
    """y = a ∘ x, with arrays of its own making: nothing here knows of `allocate`."""

    def __init__(self, label="gain"):
        self.label = label
        self._calls = 0

    def parameter_shapes(self, input_dim):
        return {"a": (input_dim,)}

    def initializers(self):
        return {"a": Ones()}

    def forward(self, x, training=False):
        self._x = x
        self._calls += 1
        return x * self.params["a"]

    def backward(self, grad):
        self.grads["a"][...] = (grad * self._x).sum(axis=0)
        return grad * self.params["a"]


def test_a_layer_without_working_memory_is_trained_checked_copied_and_saved(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((21, 3)), rng.standard_normal((21, 2))
    model = ffnn.Sequential([Dense(4, "tanh"), Gain(), Dense(2)], input_dim=3, seed=0)
    model.compile("adam", "mse")

    history = model.fit(x, y, batch_size=8, epochs=5, verbose=0)  # the last batch is short

    assert history.history["loss"][-1] < history.history["loss"][0]
    assert (model.layers[1].params["a"] != 1.0).all()
    assert ffnn.gradient_check(model, x[:5], y[:5]).max_error < 1e-6
    model.save(tmp_path / "model.npz")
    loaded = ffnn.load_model(tmp_path / "model.npz", custom_objects={"Gain": Gain})
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        np.testing.assert_array_equal(twin.predict(x), model.predict(x))
        assert twin.layers[1].params["a"] is not model.layers[1].params["a"]
