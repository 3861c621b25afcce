"""RMSNorm, LayerNorm and BatchNorm: values by hand, gradients against explicit Jacobians."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.layers import BatchNorm, Dense, LayerNorm, RMSNorm

LAYERS = {
    "rms": lambda: RMSNorm(epsilon=0.1),
    "layer": lambda: LayerNorm(epsilon=0.1),
    "batch": lambda: BatchNorm(epsilon=0.1),
}
every = pytest.mark.parametrize("name", LAYERS)


def built(layer, columns, dtype="float64"):
    return layer.build(columns, dtype=dtype)


# RMSNorm


def test_rms_norm_by_hand():
    # mean(x²) = (9 + 16) / 2 = 12.5; ε = 3.5 makes r = 4
    layer = built(RMSNorm(epsilon=3.5), 2)
    x = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(layer.forward(x), [[0.75, 1.0]], rtol=1e-15)
    layer.params["gamma"][...] = [2.0, -1.0]
    np.testing.assert_allclose(layer.forward(x), [[1.5, -1.0]], rtol=1e-15)
    # ∂L/∂y = (1, 2): g = (2, -2), mean(g x̂) = (1.5 - 2) / 2 = -0.25
    dx = layer.backward(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(dx, [[(2 + 0.25 * 0.75) / 4, (-2 + 0.25 * 1.0) / 4]], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["gamma"], [0.75, 2.0], rtol=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_rms_norm_gradient_is_the_explicit_jacobian(seed):
    rng = np.random.default_rng(seed)
    x, grad, gamma = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.normal(size=4)
    layer = built(RMSNorm(epsilon=0.2), 4)
    layer.params["gamma"][...] = gamma
    r = np.sqrt((x**2).mean(axis=1) + 0.2)
    np.testing.assert_allclose(layer.forward(x), gamma * x / r[:, None], rtol=1e-13)
    # ∂x̂_j/∂x_k = δ_jk / r - x_j x_k / (n r³)
    expected = [
        (grad[i] * gamma) @ (np.eye(4) / r[i] - np.outer(x[i], x[i]) / (4 * r[i] ** 3))
        for i in range(5)
    ]
    np.testing.assert_allclose(layer.backward(grad.copy()), expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(
        layer.grads["gamma"], (grad * x / r[:, None]).sum(axis=0), rtol=1e-12
    )


def test_rms_norm_does_not_treat_the_rms_as_a_constant():
    # Scaling x changes nothing when ε is small, so the gradient along x is zero.
    layer = built(RMSNorm(), 3)
    x = np.array([[1.0, -2.0, 0.5]])
    layer.forward(x)
    dx = layer.backward(np.array([[0.3, 1.0, -0.7]]))
    assert abs(float(dx[0] @ x[0])) < 1e-7


# LayerNorm and BatchNorm


def test_layer_norm_by_hand():
    # row (1, 3): μ = 2, var = 1, ε = 3, σ = 2; row (0, 0): x̂ = 0
    layer = built(LayerNorm(epsilon=3.0), 2)
    x = np.array([[1.0, 3.0], [0.0, 0.0]])
    np.testing.assert_allclose(layer.forward(x), [[-0.5, 0.5], [0, 0]], rtol=1e-15)
    layer.params["gamma"][...] = [2.0, 4.0]
    layer.params["beta"][...] = [10.0, 20.0]
    np.testing.assert_allclose(layer.forward(x), [[9.0, 22.0], [10.0, 20.0]], rtol=1e-15)
    # ∂L/∂y = (1, 1) in row 0: g = (2, 4), mean 3, mean(g x̂) = 0.5
    dx = layer.backward(np.array([[1.0, 1.0], [0.0, 2.0]]))
    np.testing.assert_allclose(dx[0], [(2 - 3 + 0.25) / 2, (4 - 3 - 0.25) / 2], rtol=1e-14)
    # row 1: σ = √3, g = (0, 8), mean 4, x̂ = 0
    np.testing.assert_allclose(dx[1], [-4 / math.sqrt(3), 4 / math.sqrt(3)], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["gamma"], [-0.5, 0.5], rtol=1e-15)
    np.testing.assert_allclose(layer.grads["beta"], [1.0, 3.0], rtol=1e-15)


def test_batch_norm_by_hand():
    # column (1, 3): μ = 2, var = 1, ε = 3, σ = 2; column (5, 5): x̂ = 0
    layer = built(BatchNorm(epsilon=3.0), 2)
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    layer.params["gamma"][...] = [2.0, 4.0]
    layer.params["beta"][...] = [10.0, 20.0]
    np.testing.assert_allclose(layer.forward(x, training=True), [[9, 20], [11, 20]], rtol=1e-15)
    # column 0: ∂L/∂y = (1, 3): g = (2, 6), mean 4, mean(g x̂) = (-1 + 3) / 2 = 1
    dx = layer.backward(np.array([[1.0, 1.0], [3.0, 0.0]]))
    np.testing.assert_allclose(dx[:, 0], [(2 - 4 + 0.5) / 2, (6 - 4 - 0.5) / 2], rtol=1e-14)
    # column 1: σ = √3, g = (4, 0), mean 2
    np.testing.assert_allclose(dx[:, 1], [2 / math.sqrt(3), -2 / math.sqrt(3)], rtol=1e-14)
    np.testing.assert_allclose(layer.grads["gamma"], [-0.5 + 1.5, 0.0], rtol=1e-15)
    np.testing.assert_allclose(layer.grads["beta"], [4.0, 1.0], rtol=1e-15)


def standardization_jacobian(v, epsilon):
    """∂x̂_j/∂v_k of x̂ = (v - mean v) / √(var v + ε), by the quotient rule."""
    n = len(v)
    centred = v - v.mean()
    sigma = math.sqrt((centred**2).mean() + epsilon)
    d_centred = np.eye(n) - 1.0 / n
    d_sigma = centred / (n * sigma)  # ∂σ/∂v_k = Σ_j c_j (δ_jk - 1/n) / (n σ), and Σ c = 0
    return d_centred / sigma - np.outer(centred, d_sigma) / sigma**2


@pytest.mark.parametrize("name", ["layer", "batch"])
@pytest.mark.parametrize("seed", range(4))
def test_standardizing_gradients_are_the_explicit_jacobian(name, seed):
    rng = np.random.default_rng(seed)
    x, grad = rng.normal(2, 3, (5, 4)), rng.normal(size=(5, 4))
    gamma, beta = rng.normal(size=4), rng.normal(size=4)
    layer = built(LAYERS[name](), 4)
    layer.params["gamma"][...], layer.params["beta"][...] = gamma, beta
    axis = 1 if name == "layer" else 0
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + 0.1)
    np.testing.assert_allclose(layer.forward(x, True), gamma * x_hat + beta, rtol=1e-12)
    g = grad * gamma
    if name == "layer":
        expected = np.array([g[i] @ standardization_jacobian(x[i], 0.1) for i in range(5)])
    else:
        columns = [g[:, j] @ standardization_jacobian(x[:, j], 0.1) for j in range(4)]
        expected = np.array(columns).T
    np.testing.assert_allclose(layer.backward(grad.copy()), expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(layer.grads["gamma"], (grad * x_hat).sum(axis=0), rtol=1e-11)
    np.testing.assert_allclose(layer.grads["beta"], grad.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", ["layer", "batch"])
def test_a_large_offset_does_not_spoil_the_variance(name):
    axis = 1 if name == "layer" else 0
    small = np.random.default_rng(0).integers(-8, 9, (6, 4)) / 8.0
    y = built(LAYERS[name](), 4).forward(small + 1e7, training=True)
    mean, var = small.mean(axis=axis, keepdims=True), small.var(axis=axis, keepdims=True)
    np.testing.assert_allclose(y, (small - mean) / np.sqrt(var + 0.1), rtol=1e-6, atol=1e-8)


# BatchNorm's state


def test_moving_averages_start_at_zero_and_one_and_follow_each_training_step():
    layer = built(BatchNorm(momentum=0.75), 2)
    assert list(layer.state) == ["moving_mean", "moving_variance"]
    np.testing.assert_array_equal(layer.state["moving_mean"], [0, 0])
    np.testing.assert_array_equal(layer.state["moving_variance"], [1, 1])
    x = np.array([[1.0, 4.0], [3.0, 4.0]])  # means (2, 4), population variances (1, 0)
    layer.forward(x, training=True)
    np.testing.assert_array_equal(layer.state["moving_mean"], [0, 0])  # not before the update
    layer.update_state()
    np.testing.assert_allclose(layer.state["moving_mean"], [0.5, 1.0], rtol=1e-15)
    np.testing.assert_allclose(layer.state["moving_variance"], [1.0, 0.75], rtol=1e-15)
    layer.forward(x, training=True)
    layer.update_state()
    np.testing.assert_allclose(layer.state["moving_mean"], [0.875, 1.75], rtol=1e-15)
    np.testing.assert_allclose(layer.state["moving_variance"], [1.0, 0.5625], rtol=1e-15)


def test_outside_training_the_moving_averages_are_used():
    layer = built(BatchNorm(epsilon=3.0), 2)
    layer.load_state({"moving_mean": np.array([1.0, 2.0]), "moving_variance": np.array([1.0, 6.0])})
    layer.params["gamma"][...] = [2.0, 3.0]
    layer.params["beta"][...] = [10.0, 20.0]
    # σ = 2 and 3: x̂ = ((5 - 1) / 2, (8 - 2) / 3)
    np.testing.assert_allclose(layer.forward(np.array([[5.0, 8.0]])), [[14, 26]], rtol=1e-15)
    # and ∂L/∂x = g / σ
    dx = layer.backward(np.array([[1.0, 1.0]]))
    np.testing.assert_allclose(dx, [[1.0, 1.0]], rtol=1e-15)
    np.testing.assert_allclose(layer.grads["gamma"], [2.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(layer.grads["beta"], [1.0, 1.0], rtol=1e-15)


def test_prediction_does_not_move_the_averages_and_training_does():
    model = ffnn.Sequential([BatchNorm(momentum=0.5), Dense(1)], input_dim=2, dtype="float64")
    model.compile(loss="mse")
    x, y = np.array([[1.0, 4.0], [3.0, 4.0]]), [[0.0], [1.0]]
    model.predict(x)
    model.evaluate(x, y)
    model.forward(x, training=True)
    model.compute_gradients(x, y)
    np.testing.assert_array_equal(model.layers[0].state["moving_mean"], [0, 0])
    model.train_on_batch(x, y)
    np.testing.assert_allclose(model.layers[0].state["moving_mean"], [1.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(model.layers[0].state["moving_variance"], [1.0, 0.5], rtol=1e-15)


def test_state_is_live_and_read_only():
    layer = built(BatchNorm(), 2)
    with pytest.raises(TypeError):
        layer.state["moving_mean"] = np.zeros(2)
    layer.state["moving_mean"][...] = 1.0
    np.testing.assert_array_equal(layer.state["moving_mean"], [1, 1])
    assert dict(BatchNorm().state) == {}


def test_loaded_state_is_copied_in_place():
    layer = built(BatchNorm(), 2)
    held, given = layer.state["moving_mean"], np.array([3.0, 4.0])
    layer.load_state({"moving_mean": given, "moving_variance": np.ones(2)})
    given[...] = 0.0
    np.testing.assert_array_equal(held, [3, 4])


def test_a_negative_moving_variance_is_no_state():
    layer, mean = built(BatchNorm(), 2), np.zeros(2)
    layer.check_state(layer.state)
    with pytest.raises(ValueError, match=r"^moving_variance: expected a variance, got a negative"):
        layer.check_state({"moving_mean": mean, "moving_variance": np.array([1.0, -1e-9])})


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm(), RMSNorm(), Dense(2)], ids=repr)
def test_layers_say_whether_rows_depend_on_each_other(layer):
    layer = built(layer.clone(), 3)
    x = np.random.default_rng(0).normal(size=(4, 3))
    first = layer.forward(x, training=True)[0].copy()
    x[1:] += 1.0
    changed = not np.array_equal(layer.forward(x, training=True)[0], first)
    assert changed == layer.depends_on_batch == isinstance(layer, BatchNorm)


def test_replica_of_batch_norm_shares_the_state():
    layer = built(BatchNorm(momentum=0.0), 2)
    twin = layer.replica()
    layer.forward(np.array([[1.0, 4.0], [3.0, 4.0]]), training=True)
    layer.update_state()
    np.testing.assert_array_equal(twin.state["moving_mean"], [2, 4])


# All three


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_has_the_layers_dtype(name, dtype):
    layer = built(LAYERS[name](), 3, dtype)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(dtype)
    for training in (True, False):
        y = layer.forward(x, training)
        dx = layer.backward(np.ones_like(x))
        arrays = [y, dx, *layer.params.values(), *layer.grads.values(), *layer.state.values()]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@every
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_one_and_a_constant_row_stay_finite(name, training):
    for x in (np.zeros((1, 3)), np.full((1, 3), 5.0), np.full((4, 3), -2.0)):
        layer = built(LAYERS[name](), 3)
        assert np.isfinite(layer.forward(x, training)).all()
        assert np.isfinite(layer.backward(np.ones_like(x))).all()


def test_rms_norm_of_zeros_is_zero_even_in_float32():
    layer = built(RMSNorm(), 3, "float32")
    np.testing.assert_array_equal(layer.forward(np.zeros((2, 3), np.float32)), 0)
    assert np.isfinite(layer.backward(np.ones((2, 3), np.float32))).all()


@every
@pytest.mark.parametrize("training", [True, False])
def test_short_batches_in_between_change_nothing(name, training):
    rng = np.random.default_rng(0)
    layer = built(LAYERS[name](), 3)
    for rows in (5, 2, 5, 1):
        x, grad = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 3))
        fresh = built(LAYERS[name](), 3)
        y = layer.forward(x, training)
        np.testing.assert_array_equal(y, fresh.forward(x, training))
        dx = layer.backward(grad.copy())
        np.testing.assert_array_equal(dx, fresh.backward(grad.copy()))
        for parameter in layer.grads:
            np.testing.assert_array_equal(layer.grads[parameter], fresh.grads[parameter])


@every
def test_forward_never_writes_its_input_and_uses_its_buffer_again(name):
    layer, x = built(LAYERS[name](), 3), np.random.default_rng(0).normal(size=(4, 3))
    x.flags.writeable = False
    y = layer.forward(x, True)
    assert np.shares_memory(layer.forward(x[:2], True), y)


@every
def test_gains_start_at_one_and_shifts_at_zero(name):
    layer = built(LAYERS[name](), 3)
    expected = {"gamma": [1, 1, 1]} | ({} if name == "rms" else {"beta": [0, 0, 0]})
    assert {key: array.tolist() for key, array in layer.params.items()} == expected
    assert {key: array.shape for key, array in layer.grads.items()} == dict.fromkeys(expected, (3,))
    assert layer.output_dim == 3


@every
def test_params_and_grads_are_read_only_mappings(name):
    layer = built(LAYERS[name](), 3)
    for mapping in (layer.params, layer.grads):
        with pytest.raises(TypeError):
            mapping["gamma"] = np.zeros(3)


@every
def test_gradients_are_overwritten_not_added(name):
    layer, x = built(LAYERS[name](), 3), np.random.default_rng(0).normal(size=(4, 3))
    results = []
    for _ in range(2):
        layer.forward(x, True)
        layer.backward(np.arange(12.0).reshape(4, 3))
        results.append([array.copy() for array in layer.grads.values()])
    np.testing.assert_array_equal(results[0], results[1])


@every
def test_replica_shares_parameters_but_no_buffers(name):
    layer, x = built(LAYERS[name](), 3), np.random.default_rng(0).normal(size=(4, 3))
    twin = layer.replica()
    y = layer.forward(x, True)
    kept = y.copy()
    twin.forward(x * 3 + 1, False)
    np.testing.assert_array_equal(y, kept)
    assert twin.params["gamma"] is layer.params["gamma"]
    dx = layer.backward(np.ones_like(x))
    fresh = built(LAYERS[name](), 3)
    fresh.forward(x, True)
    np.testing.assert_array_equal(dx, fresh.backward(np.ones_like(x)))


def test_default_arguments():
    assert RMSNorm().epsilon == 1e-8
    assert LayerNorm().epsilon == 1e-3
    assert (BatchNorm().momentum, BatchNorm().epsilon) == (0.99, 1e-3)


@pytest.mark.parametrize("cls", [RMSNorm, LayerNorm, BatchNorm])
@pytest.mark.parametrize("epsilon", [0, -1.0, math.inf])
def test_epsilon_out_of_range_is_refused(cls, epsilon):
    with pytest.raises(ValueError, match=rf"{cls.__name__}: epsilon must be .*\(0.0, inf\), got "):
        cls(epsilon=epsilon)


@pytest.mark.parametrize("momentum", [1, -0.1, math.nan])
def test_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(ValueError, match=r"BatchNorm: momentum must be .*\[0.0, 1.0\), got "):
        BatchNorm(momentum)


def test_arguments_of_another_type_are_refused():
    with pytest.raises(TypeError, match="LayerNorm: epsilon must be a number, got 'small'"):
        LayerNorm("small")


@every
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_that_is_not_built_says_so(name, training):
    with pytest.raises((RuntimeError, ValueError, AttributeError), match="build"):
        LAYERS[name]().forward(np.ones((2, 3)), training)
