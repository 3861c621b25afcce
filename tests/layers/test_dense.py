"""Dense: z = x Wᵀ + b and its gradients by hand, its parts, and its arguments."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.activations import LeakyReLU, ReLU, Softmax
from ffnn.initializers import Constant, HeNormal, RandomNormal
from ffnn.layers import Dense
from ffnn.regularizers import L1, L2

X = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0]])
W = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]])
B = np.array([0.5, -1.0])
# x Wᵀ = [[1, 4], [-1, -0.5]]
Z = np.array([[1.5, 3.0], [-0.5, -1.5]])
GRAD = np.array([[1.0, 0.5], [2.0, -1.0]])
# For δ = GRAD: δᵀ x, Σ δ and δ W
DW = np.array([[1.0, 0.0, 2.0], [0.5, 2.0, -1.0]])
DB = np.array([3.0, -0.5])
DX = np.array([[2.0, 0.5, -0.75], [0.0, -1.0, -2.5]])


def built(activation=None, dtype="float64", **options):
    layer = Dense(2, activation, **options).build(3, dtype=dtype)
    layer.params["weight"][...] = W
    if "bias" in layer.params:
        layer.params["bias"][...] = B
    return layer


def test_forward_by_hand():
    np.testing.assert_array_equal(built().forward(X), Z)


def test_backward_by_hand():
    layer = built()
    layer.forward(X)
    np.testing.assert_array_equal(layer.backward(GRAD.copy()), DX)
    np.testing.assert_array_equal(layer.grads["weight"], DW)
    np.testing.assert_array_equal(layer.grads["bias"], DB)


def test_activation_follows_the_linear_part():
    layer = built("relu")
    np.testing.assert_array_equal(layer.forward(X), [[1.5, 3.0], [0.0, 0.0]])
    # δ is GRAD in the first row and 0 in the second
    dx = layer.backward(GRAD.copy())
    np.testing.assert_array_equal(dx, [DX[0], [0, 0, 0]])
    np.testing.assert_array_equal(layer.grads["weight"], [[1, 2, 0], [0.5, 1, 0]])
    np.testing.assert_array_equal(layer.grads["bias"], GRAD[0])


def test_softmax_goes_its_full_way_through_the_layer():
    layer = built("softmax")
    y = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(layer.forward(X), y, rtol=1e-14)
    delta = y * (GRAD - (GRAD * y).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(layer.backward(GRAD.copy()), delta @ W, rtol=1e-13)
    np.testing.assert_allclose(layer.grads["weight"], delta.T @ X, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(layer.grads["bias"], delta.sum(axis=0), rtol=1e-13)


def test_without_bias():
    layer = built(use_bias=False)
    assert list(layer.params) == list(layer.grads) == ["weight"]
    np.testing.assert_array_equal(layer.forward(X), Z - B)
    np.testing.assert_array_equal(layer.backward(GRAD.copy()), DX)
    np.testing.assert_array_equal(layer.grads["weight"], DW)


def test_a_batch_of_one_row():
    layer = built()
    np.testing.assert_array_equal(layer.forward(X[:1]), Z[:1])
    np.testing.assert_array_equal(layer.backward(GRAD[:1].copy()), DX[:1])
    np.testing.assert_array_equal(layer.grads["weight"], [[1, 2, 0], [0.5, 1, 0]])


def test_gradients_are_overwritten_not_added():
    layer = built()
    for _ in range(2):
        layer.forward(X)
        layer.backward(GRAD.copy())
    np.testing.assert_array_equal(layer.grads["weight"], DW)
    np.testing.assert_array_equal(layer.grads["bias"], DB)


def test_backward_belongs_to_the_last_forward():
    layer = built()
    layer.forward(X)
    layer.forward(X[::-1].copy())
    layer.backward(GRAD[::-1].copy())
    np.testing.assert_array_equal(layer.grads["weight"], DW)


def test_input_gradient_is_left_out_on_request():
    layer = built()
    layer.needs_input_grad = False
    layer.forward(X)
    assert layer.backward(GRAD.copy()) is None
    np.testing.assert_array_equal(layer.grads["weight"], DW)


def test_first_layer_of_a_model_computes_no_input_gradient():
    model = ffnn.Sequential([Dense(3), Dense(2)], input_dim=4)
    model.compile()
    assert [layer.needs_input_grad for layer in model.layers] == [False, True]


def test_forward_writes_neither_input_nor_parameters():
    layer, x = built("relu"), X.copy()
    x.flags.writeable = False
    layer.forward(x)
    layer.backward(GRAD.copy())
    np.testing.assert_array_equal(layer.params["weight"], W)
    np.testing.assert_array_equal(layer.params["bias"], B)


def test_buffers_are_used_again_and_short_batches_take_their_head():
    layer = built()
    y = layer.forward(X)
    dx = layer.backward(GRAD.copy())
    short = layer.forward(X[1:])
    assert np.shares_memory(short, y)
    np.testing.assert_array_equal(short, Z[1:])
    short_dx = layer.backward(GRAD[1:].copy())
    assert np.shares_memory(short_dx, dx)
    np.testing.assert_array_equal(short_dx, DX[1:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_has_the_layers_dtype(dtype):
    layer = built("tanh", dtype)
    y = layer.forward(X.astype(dtype))
    dx = layer.backward(GRAD.astype(dtype))
    arrays = [y, dx, *layer.params.values(), *layer.grads.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_shapes_names_and_sizes():
    layer = Dense(2).build(3)
    assert {name: array.shape for name, array in layer.params.items()} == {
        "weight": (2, 3),
        "bias": (2,),
    }
    assert {name: a.shape for name, a in layer.grads.items()} == {"weight": (2, 3), "bias": (2,)}
    assert (layer.input_dim, layer.output_dim, layer.is_built) == (3, 2, True)
    assert not Dense(2).is_built
    assert dict(Dense(2).params) == {}
    assert dict(layer.state) == {}


def test_params_and_grads_are_read_only_mappings_of_live_arrays():
    layer = built()
    for mapping in (layer.params, layer.grads):
        with pytest.raises(TypeError):
            mapping["weight"] = np.zeros((2, 3))
        with pytest.raises(TypeError):
            del mapping["bias"]
    layer.params["bias"][...] = 100.0
    np.testing.assert_array_equal(layer.forward(X), Z - B + 100.0)


def test_params_are_views_of_the_models_vector():
    model = ffnn.Sequential([Dense(2), Dense(1)], input_dim=3, dtype="float64")
    model.parameters[:] = np.arange(11.0)
    np.testing.assert_array_equal(model.layers[0].params["weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(model.layers[0].params["bias"], [6, 7])
    np.testing.assert_array_equal(model.layers[1].params["weight"], [[8, 9]])
    np.testing.assert_array_equal(model.layers[1].params["bias"], [10])


def test_stages_are_the_linear_part_and_the_activation():
    layer = built("relu")
    linear, activation = layer.stages()
    assert linear.layer is layer
    np.testing.assert_array_equal(linear.forward(X, False), Z)
    assert activation.layer is layer.activation
    assert len(built().stages()) == 1


def test_replica_shares_parameters_but_no_buffers():
    layer = built("relu")
    twin = layer.replica()
    y = layer.forward(X).copy()
    held = layer.forward(X)
    twin.forward(-X)
    np.testing.assert_array_equal(held, y)
    assert twin.params["weight"] is layer.params["weight"]
    assert twin.activation is not layer.activation
    layer.params["weight"][...] *= 2.0
    np.testing.assert_array_equal(twin.forward(X), np.maximum(2 * (Z - B) + B, 0))
    # the original's backward is that of its own last forward
    layer.params["weight"][...] = W
    layer.forward(X)
    twin.forward(100 * X)
    layer.backward(GRAD.copy())
    np.testing.assert_array_equal(layer.grads["bias"], GRAD[0])


def test_activation_object_is_copied_so_that_two_layers_may_be_given_one():
    shared = LeakyReLU(0.5)
    one, other = Dense(2, shared), Dense(2, shared)
    assert len({id(shared), id(one.activation), id(other.activation)}) == 3
    assert one.activation.negative_slope == other.activation.negative_slope == 0.5


def test_names_and_objects_mean_the_same():
    by_name = Dense(2, "relu", True, "he_normal", "ones", "l2", "l1")
    by_object = Dense(
        2,
        activation=ReLU(),
        use_bias=True,
        weight_initializer=HeNormal(),
        bias_initializer=Constant(1.0),
        weight_regularizer=L2(),
        bias_regularizer=L1(),
    )
    assert type(by_name.activation) is type(by_object.activation) is ReLU
    assert set(by_name.regularizers()) == set(by_object.regularizers()) == {"weight", "bias"}
    one, other = (layer.build(4, seed=0) for layer in (by_name, by_object))
    for name in ("weight", "bias"):
        np.testing.assert_array_equal(one.params[name], other.params[name])


def test_default_arguments():
    layer = Dense(2)
    assert layer.activation is None
    assert layer.use_bias is True
    assert repr(layer.weight_initializer) == "GlorotUniform()"
    assert repr(layer.bias_initializer) == "Zeros()"
    assert layer.regularizers() == {}


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "Dense: units must be at least 1, got 0"),
        (lambda: Dense(2.5), TypeError, r"Dense: units must be an integer, got 2\.5"),
        (lambda: Dense("2"), TypeError, "Dense: units must be an integer, got '2'"),
        (lambda: Dense(2, "rellu"), ValueError, "unknown activation 'rellu'.*mean 'relu'.*softmax"),
        (lambda: Dense(2, ReLU), TypeError, "expected activation: .*write it with parentheses"),
        (lambda: Dense(2, 3), TypeError, "expected activation: a name or an object.*got 3"),
        (lambda: Dense(1, "softmax"), ValueError, "softmax of one unit .*activation='sigmoid'"),
        (lambda: Dense(1, Softmax()), ValueError, "softmax of one unit .*activation='sigmoid'"),
        (
            lambda: Dense(2, weight_initializer="he"),
            ValueError,
            "unknown initializer 'he'.*nown: .*he_normal",
        ),
        (lambda: Dense(2, bias_initializer=0), TypeError, "expected initializer: .*got 0"),
        (lambda: Dense(2, weight_regularizer="l3"), ValueError, "unknown regularizer 'l3'"),
        (lambda: Dense(2, bias_regularizer=0.1), TypeError, r"expected regularizer: .*got 0\.1"),
        (
            lambda: Dense(2, parametrization="ntk2"),
            ValueError,
            "Dense: parametrization must be one of standard, ntk, got 'ntk2'",
        ),
        (
            lambda: Dense(2, use_bias=False, bias_regularizer="l1"),
            ValueError,
            "Dense: bias_regularizer is given but use_bias is False",
        ),
    ],
)
def test_wrong_arguments_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_layer_that_is_not_built_says_so():
    with pytest.raises((RuntimeError, ValueError, AttributeError), match="build"):
        Dense(2).forward(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_array_that_is_filled_anew_is_read_anew(dtype):
    # What is kept for an array must not outlive its content, also where it has to be converted.
    layer = Dense(2).build(3, seed=0)
    x = np.ones((4, 3), dtype)
    first = layer.forward(x).copy()

    x *= 2.0

    np.testing.assert_allclose(layer.forward(x), 2.0 * first, rtol=1e-6)
    layer.backward(np.ones((4, 2), np.float32))
    np.testing.assert_array_equal(layer.grads["weight"], np.full((2, 3), 8.0))


def test_ntk_divides_by_the_root_of_the_inputs():
    layer = Dense(1, parametrization="ntk").build(4, dtype="float64")
    layer.params["weight"][...] = [[1.0, 2.0, 3.0, 4.0]]
    layer.params["bias"][...] = 10.0

    y = layer.forward(np.array([[1.0, 1.0, 1.0, 0.0]]))
    dx = layer.backward(np.array([[6.0]]))

    np.testing.assert_array_equal(y, [[13.0]])  # 10 + (1 + 2 + 3) / 2
    np.testing.assert_array_equal(layer.grads["weight"], [[3.0, 3.0, 3.0, 0.0]])
    np.testing.assert_array_equal(layer.grads["bias"], [6.0])
    np.testing.assert_array_equal(dx, [[3.0, 6.0, 9.0, 12.0]])


@pytest.mark.parametrize("width", [16, 1024])
def test_standard_normal_ntk_weights_keep_the_size_of_any_number_of_inputs(width):
    draw = RandomNormal(variance=1.0, seed=0)
    layer = Dense(500, weight_initializer=draw, parametrization="ntk").build(width)
    x = np.random.default_rng(1).standard_normal((200, width)).astype(np.float32)

    assert np.mean(layer.forward(x) ** 2) == pytest.approx(1.0, rel=0.1)
