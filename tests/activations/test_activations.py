"""Activations: values and derivatives from closed forms, stability, and the layer's rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Exponential,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)


def logistic(x):
    return 1.0 / (1.0 + math.exp(-x))


C = math.sqrt(2.0 / math.pi)


def phi(x):
    return math.erfc(-x / math.sqrt(2.0)) / 2.0


def gelu_slope(x):
    return phi(x) + x * math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)


def gelu_tanh(x):
    return x * (1.0 + math.tanh(C * (x + 0.044715 * x**3))) / 2.0


def gelu_tanh_slope(x):
    t = math.tanh(C * (x + 0.044715 * x**3))
    return (1.0 + t) / 2.0 + x * (1.0 - t * t) * C * (1.0 + 3.0 * 0.044715 * x * x) / 2.0


def swish_slope(x):
    s = logistic(x)
    y = x * s
    return s + y * (1.0 - s)


S, A = 1.0507009873554805, 1.6732632423543773  # of SELU


def mish_slope(x):
    t = math.tanh(math.log1p(math.exp(x)))
    return t + x * (1.0 - t * t) * logistic(x)


# name: (object, f, f'), each formula as the docstring prints it, for one number at a time
ELEMENTWISE = {
    "linear": (Linear, lambda x: x, lambda x: 1.0),
    "relu": (ReLU, lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
    "leaky_relu": (
        lambda: LeakyReLU(0.2),
        lambda x: max(x, 0.2 * x),
        lambda x: 1.0 if x > 0 else 0.2,
    ),
    "sigmoid": (Sigmoid, logistic, lambda x: logistic(x) * (1.0 - logistic(x))),
    "tanh": (Tanh, math.tanh, lambda x: 1.0 - math.tanh(x) ** 2),
    "swish": (Swish, lambda x: x * logistic(x), swish_slope),
    "elu": (
        lambda: ELU(0.7),
        lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1.0),
        lambda x: 1.0 if x > 0 else 0.7 * (math.exp(x) - 1.0) + 0.7,
    ),
    "selu": (
        SELU,
        lambda x: S * x if x > 0 else S * A * (math.exp(x) - 1.0),
        lambda x: S if x > 0 else S * A * math.exp(x),
    ),
    "gelu": (GELU, lambda x: x * phi(x), gelu_slope),
    "gelu tanh": (lambda: GELU("tanh"), gelu_tanh, gelu_tanh_slope),
    "mish": (Mish, lambda x: x * math.tanh(math.log1p(math.exp(x))), mish_slope),
    "softplus": (Softplus, lambda x: math.log(1.0 + math.exp(x)), logistic),
    "exponential": (Exponential, math.exp, math.exp),
}
ALL = {**{name: entry[0] for name, entry in ELEMENTWISE.items()}, "softmax": Softmax}
elementwise = pytest.mark.parametrize("name", ELEMENTWISE)
every = pytest.mark.parametrize("name", ALL)
with_buffers = pytest.mark.parametrize("name", [name for name in ALL if name != "linear"])


def test_the_tables_hold_every_registered_class():
    assert {type(make()) for make in ALL.values()} == {
        cls for cls in ACTIVATIONS.classes.values() if "ffnn.activations." in cls.__module__
    }


# Values and derivatives

LN3 = math.log(3.0)


@pytest.mark.parametrize(
    ("activation", "x", "y", "slope"),
    [
        (Linear(), [-2.0, 0.0, 3.0], [-2.0, 0.0, 3.0], [1.0, 1.0, 1.0]),
        (ReLU(), [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
        (LeakyReLU(), [-2.0, 0.0, 3.0], [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
        (LeakyReLU(0.0), [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
        # sigmoid(ln 3) = 3/4
        (Sigmoid(), [-LN3, 0.0, LN3], [0.25, 0.5, 0.75], [3 / 16, 1 / 4, 3 / 16]),
        # tanh(ln 3) = (9 - 1) / (9 + 1)
        (Tanh(), [-LN3, 0.0, LN3], [-0.8, 0.0, 0.8], [0.36, 1.0, 0.36]),
        (
            Swish(),
            [-LN3, 0.0, LN3],
            [-LN3 / 4, 0.0, 0.75 * LN3],
            [0.25 - LN3 * 3 / 16, 0.5, 0.75 + LN3 * 3 / 16],
        ),
        (ELU(), [-LN3, 0.0, 3.0], [-2 / 3, 0.0, 3.0], [1 / 3, 1.0, 1.0]),
        (ELU(2.0), [-LN3, 0.0, 3.0], [-4 / 3, 0.0, 3.0], [2 / 3, 2.0, 1.0]),
        (SELU(), [-LN3, 0.0, 3.0], [-2 / 3 * S * A, 0.0, 3.0 * S], [S * A / 3, S * A, S]),
        (GELU(), [0.0], [0.0], [0.5]),
        (GELU("tanh"), [0.0], [0.0], [0.5]),
        # tanh(log 2) = 3/5, tanh(log 4) = 15/17, tanh(log 4/3) = 7/25
        (
            Mish(),
            [-LN3, 0.0, LN3],
            [-7 / 25 * LN3, 0.0, 15 / 17 * LN3],
            [7 / 25 - LN3 * 576 / 625 / 4, 3 / 5, 15 / 17 + LN3 * 64 / 289 * 3 / 4],
        ),
        # log(1 + 3) and log(1 + 1/3)
        (Softplus(), [-LN3, 0.0, LN3], np.log([4 / 3, 2.0, 4.0]), [0.25, 0.5, 0.75]),
        (Exponential(), [-LN3, 0.0, LN3], [1 / 3, 1.0, 3.0], [1 / 3, 1.0, 3.0]),
    ],
    ids=repr,
)
def test_values_and_slopes_by_hand(activation, x, y, slope):
    x = np.array([x])
    np.testing.assert_allclose(activation.forward(x), [y], rtol=1e-14, atol=1e-16)
    grad = np.full_like(x, 10.0)
    np.testing.assert_allclose(activation.backward(grad), [10.0 * np.array(slope)], rtol=1e-14)


@elementwise
@pytest.mark.parametrize("seed", range(3))
def test_formula_and_derivative_on_random_numbers(name, seed):
    make, f, slope = ELEMENTWISE[name]
    rng = np.random.default_rng(seed)
    x, grad = rng.normal(0, 3, (5, 4)), rng.normal(size=(5, 4))
    activation = make()
    expected_y = np.reshape([f(v) for v in x.flat], x.shape)
    expected_dx = grad * np.reshape([slope(v) for v in x.flat], x.shape)
    np.testing.assert_allclose(activation.forward(x.copy()), expected_y, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(activation.backward(grad), expected_dx, rtol=1e-11, atol=1e-15)


def test_sigmoid_and_softmax_agree_with_scipy():
    special = pytest.importorskip("scipy.special", reason="SciPy is an extra")
    x = np.linspace(-40, 40, 801).reshape(-1, 3)
    np.testing.assert_allclose(Sigmoid().forward(x), special.expit(x), rtol=1e-13)
    np.testing.assert_allclose(Softmax().forward(x), special.softmax(x, axis=1), rtol=1e-13)


def test_softplus_agrees_with_logaddexp():
    x = np.linspace(-40, 40, 801)[:, None]
    np.testing.assert_allclose(Softplus().forward(x), np.logaddexp(0.0, x), rtol=1e-13)


@pytest.mark.parametrize(
    ("form", "dtype", "error"),
    [("none", "float64", 5e-16), ("none", "float32", 3e-7), ("tanh", "float64", 5e-4)],
)
def test_gelu_is_within_its_promise_of_the_exact_one(form, dtype, error):
    x = np.linspace(-12, 12, 48001).astype(dtype)[:, None]
    activation = GELU(form)
    size = np.maximum(1.0, np.abs(x))
    y = np.array([v * phi(v) for v in x.ravel().tolist()])[:, None]
    assert (np.abs(activation.forward(x) - y) / size).max() < error
    slope = np.array([*map(gelu_slope, x.ravel().tolist())])[:, None]
    assert np.abs(activation.backward(np.ones_like(x)) - slope).max() < 3.0 * error


def test_gelu_keeps_its_precision_in_the_lower_tail():
    x = np.array([[-5.0, -6.5, -10.0]])
    expected = [[v * phi(v) for v in x[0]]]
    np.testing.assert_allclose(GELU().forward(x), expected, rtol=1e-7)
    np.testing.assert_allclose(GELU().forward(x.astype("f4")), expected, rtol=1e-5)


def test_the_ranges_of_gelu_are_those_of_its_forms():
    x = np.linspace(-0.8, -0.7, 1_000_001)[:, None]
    for form in ("none", "tanh"):
        activation = GELU(form)
        low, _ = activation.output_range
        assert low <= activation.forward(x).min() < low + 1e-12


@pytest.mark.parametrize("shift", [0.0, 5.0, -700.0])
def test_softmax_by_hand(shift):
    x = np.log([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]) + shift
    np.testing.assert_allclose(
        Softmax().forward(x), [[1 / 8, 2 / 8, 5 / 8], [1 / 4, 1 / 4, 1 / 2]], rtol=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_softmax_backward_is_the_explicit_jacobian(seed):
    rng = np.random.default_rng(seed)
    x, grad = rng.normal(0, 2, (6, 4)), rng.normal(size=(6, 4))
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    expected = np.empty_like(x)
    for row in range(len(x)):
        jacobian = np.array(  # ∂y_j/∂x_k = y_j (δ_jk - y_k)
            [[y[row, j] * ((j == k) - y[row, k]) for k in range(4)] for j in range(4)]
        )
        expected[row] = grad[row] @ jacobian
    softmax = Softmax()
    np.testing.assert_allclose(softmax.forward(x), y, rtol=1e-13)
    np.testing.assert_allclose(softmax.backward(grad), expected, rtol=1e-11, atol=1e-15)


def test_softmax_gradient_of_one_column_by_hand():
    softmax = Softmax()
    softmax.forward(np.log([[1.0, 3.0]]))  # y = (1/4, 3/4)
    dx = softmax.backward(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(dx, [[3 / 16, -3 / 16]], rtol=1e-13)


# Stability

FAR = np.array([[-1e4, -100.0, -50.0, 0.0, 50.0, 100.0, 1e4]])
FAR_Y = {
    "linear": FAR[0],
    "relu": [0, 0, 0, 0, 50, 100, 1e4],
    "leaky_relu": [-2e3, -20, -10, 0, 50, 100, 1e4],
    "sigmoid": [0, 0, 0, 0.5, 1, 1, 1],
    "tanh": [-1, -1, -1, 0, 1, 1, 1],
    "swish": [0, 0, 0, 0, 50, 100, 1e4],
    "elu": [-0.7, -0.7, -0.7, 0, 50, 100, 1e4],
    "selu": [-S * A, -S * A, -S * A, 0, 50 * S, 100 * S, 1e4 * S],
    "gelu": [0, 0, 0, 0, 50, 100, 1e4],
    "gelu tanh": [0, 0, 0, 0, 50, 100, 1e4],
    "mish": [0, 0, 0, 0, 50, 100, 1e4],
    "softplus": [0, 0, 0, math.log(2), 50, 100, 1e4],
    "softmax": [0, 0, 0, 0, 0, 0, 1],
}
FAR_SLOPE = {
    "linear": [1, 1, 1, 1, 1, 1, 1],
    "relu": [0, 0, 0, 0, 1, 1, 1],
    "leaky_relu": [0.2, 0.2, 0.2, 0.2, 1, 1, 1],
    "sigmoid": [0, 0, 0, 0.25, 0, 0, 0],
    "tanh": [0, 0, 0, 1, 0, 0, 0],
    "swish": [0, 0, 0, 0.5, 1, 1, 1],
    "elu": [0, 0, 0, 0.7, 1, 1, 1],
    "selu": [0, 0, 0, S * A, S, S, S],
    "gelu": [0, 0, 0, 0.5, 1, 1, 1],
    "gelu tanh": [0, 0, 0, 0.5, 1, 1, 1],
    "mish": [0, 0, 0, 0.6, 1, 1, 1],
    "softplus": [0, 0, 0, 0.5, 1, 1, 1],
    "softmax": [0, 0, 0, 0, 0, 0, 0],
}
bounded_growth = pytest.mark.parametrize("name", [name for name in ALL if name != "exponential"])


@bounded_growth
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_inputs_give_the_limits_without_warnings(name, dtype):
    activation, x = ALL[name](), FAR.astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = activation.forward(x)
        np.testing.assert_allclose(y[0], FAR_Y[name], rtol=1e-6, atol=1e-19)
        dx = activation.backward(np.ones_like(x))
    np.testing.assert_allclose(dx[0], FAR_SLOPE[name], rtol=1e-6, atol=1e-19)


@pytest.mark.parametrize(("dtype", "far"), [("float32", 3e38), ("float64", 1e308)])
@pytest.mark.parametrize("name", sorted(set(ALL) - {"gelu tanh", "exponential"}))
def test_the_largest_numbers_give_no_nan(name, dtype, far):
    # All but the tanh form of GELU, whose x³ overflows, and the exponential; a softmax row may not
    # span more than the whole range.
    x = np.array([[0.0, far], [0.0, -far]], dtype)
    activation = ALL[name]()
    assert np.isfinite(activation.forward(x)).all()
    assert np.isfinite(activation.backward(np.ones_like(x))).all()


@pytest.mark.parametrize(("dtype", "largest"), [("float32", 88.0), ("float64", 709.0)])
def test_the_exponential_is_infinite_beyond_the_dtype_without_warnings(dtype, largest):
    x = np.array([[-1e4, largest, 1e4]], dtype)
    with np.errstate(over="raise", invalid="raise"):
        y = Exponential().forward(x)
    assert y[0, 0] == 0.0
    assert 0.5 * math.exp(largest) < y[0, 1] < np.finfo(dtype).max
    assert y[0, 2] == math.inf


def test_sigmoid_keeps_its_precision_in_the_lower_tail():
    x = np.array([[-20.0, -60.0, -80.0]])
    expected = [[math.exp(v) / (1.0 + math.exp(v)) for v in x[0]]]
    np.testing.assert_allclose(Sigmoid().forward(x), expected, rtol=1e-14)
    np.testing.assert_allclose(Sigmoid().forward(x.astype("f4")), expected, rtol=1e-5)


def test_elu_and_softplus_keep_their_precision_near_nothing():
    x = np.array([[-1e-12]])
    np.testing.assert_allclose(ELU().forward(x), x, rtol=1e-11)  # e^x - 1 = x + x²/2 + …
    np.testing.assert_allclose(Softplus().forward(np.array([[-40.0]])), math.exp(-40), rtol=1e-14)


@pytest.mark.parametrize("name", ["selu", "mish"])
def test_single_precision_costs_a_few_units_in_the_last_place(name):
    """The references are computed in float64 by formulas that cancel nowhere."""
    x = np.concatenate([-np.geomspace(80.0, 1e-30, 4001), np.geomspace(1e-30, 80.0, 4001)])
    x = x.astype(np.float32)[:, None]
    n = np.exp(wide := x.astype(np.float64))
    y, slope = {
        "selu": (np.where(x > 0, S * wide, S * A * np.expm1(wide)), np.where(x > 0, S, S * A * n)),
        "mish": (wide * np.tanh(np.log1p(n)), np.vectorize(mish_slope)(wide)),
    }[name]
    activation = ALL[name]()
    np.testing.assert_allclose(activation.forward(x), y, rtol=6e-7, atol=1e-44)
    error = np.abs(activation.backward(np.ones_like(x)) - slope)
    crosses = (name == "mish") & (np.abs(x + 1.19) < 1.0)  # where its slope is 0
    assert (error <= np.where(crosses, 2e-7, 1e-6 * np.abs(slope))).all()


def test_selu_keeps_mean_0_and_variance_1():
    """Its fixed point, by Gauss-Hermite quadrature over the normal distribution."""
    points, weights = np.polynomial.hermite_e.hermegauss(100)
    y = SELU().forward(points[:, None])[:, 0]
    weights = weights / weights.sum()
    assert weights @ y == pytest.approx(0.0, abs=2e-3)
    assert weights @ (y * y) == pytest.approx(1.0, abs=2e-3)


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_lie_in_the_declared_range(name, dtype):
    activation = ALL[name]()
    low, high = activation.output_range
    x = np.concatenate([np.linspace(-9, 9, 18001), FAR[0]]).astype(dtype)
    y = activation.forward(np.stack([x, -x], axis=1))
    slack = 8 * np.finfo(dtype).eps * max(1.0, abs(low) if math.isfinite(low) else 1.0)
    assert low - slack <= y.min()
    assert y.max() <= high + slack


@every
def test_activations_say_whether_they_saturate_at_both_ends(name):
    if name == "softmax":
        pytest.skip("mixes units: neither end of its range belongs to an input")
    activation = ALL[name]()
    low, high = activation.output_range
    ends = activation.forward(np.array([[-40.0, 40.0]]))[0]
    slopes = activation.backward(np.ones((1, 2)))[0]
    flat = np.allclose(slopes, 0.0, atol=1e-9) and np.allclose(ends, [low, high], atol=1e-9)
    assert flat == activation.saturates


@every
def test_activations_say_whether_their_gradient_may_be_exactly_zero(name):
    activation, x = ALL[name](), -np.geomspace(1e-3, 30.0, 50)[None, :]
    activation.forward(x)
    if name == "softmax":
        pytest.skip("mixes units: no input decides alone")
    dies = not activation.backward(np.ones_like(x)).any()
    assert dies == activation.can_die


# The rules of a layer


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forward_never_writes_its_input_and_keeps_shape_and_dtype(name, dtype):
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    kept = x.copy()
    x.flags.writeable = False
    activation = ALL[name]()
    y = activation.forward(x)
    assert (y.shape, y.dtype) == (x.shape, np.dtype(dtype))
    dx = activation.backward(np.ones_like(x))
    assert (dx.shape, dx.dtype) == (x.shape, np.dtype(dtype))
    np.testing.assert_array_equal(x, kept)


@every
def test_backward_does_not_write_the_output(name):
    x = np.random.default_rng(0).normal(size=(5, 3))
    activation = ALL[name]()
    y = activation.forward(x)
    kept = y.copy()
    activation.backward(np.ones_like(x))
    np.testing.assert_array_equal(y, kept)


@every
def test_backward_twice_gives_the_same(name):
    x = np.random.default_rng(0).normal(size=(5, 3))
    activation = ALL[name]()
    activation.forward(x)
    first = activation.backward(np.ones_like(x)).copy()
    np.testing.assert_array_equal(activation.backward(np.ones_like(x)), first)


@with_buffers
def test_output_buffer_is_used_again(name):
    activation = ALL[name]()
    first = activation.forward(np.ones((6, 3)))
    assert np.shares_memory(activation.forward(np.zeros((6, 3))), first)
    assert np.shares_memory(activation.forward(np.zeros((2, 3))), first)
    assert np.shares_memory(activation.forward(np.zeros((6, 3))), first)


@every
def test_a_short_batch_between_two_full_ones_changes_nothing(name):
    rng = np.random.default_rng(1)
    x, grad = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    activation, fresh = ALL[name](), ALL[name]()
    for rows in (6, 2, 6, 1):
        y = activation.forward(x[:rows])
        np.testing.assert_array_equal(y, fresh.forward(x)[:rows])
        dx = activation.backward(grad[:rows].copy())
        np.testing.assert_array_equal(dx, fresh.backward(grad.copy())[:rows])


def test_linear_hands_its_input_and_its_gradient_through():
    x, grad, linear = np.ones((4, 3)), np.ones((4, 3)), Linear()
    assert linear.forward(x) is x
    assert linear.backward(grad) is grad


@with_buffers
def test_two_objects_and_a_replica_share_no_buffers(name):
    x = np.ones((4, 3))
    one, other = ALL[name](), ALL[name]()
    y = one.forward(x)
    assert not np.shares_memory(y, other.forward(x))
    twin = one.replica()
    assert twin.get_config() == one.get_config()
    assert not np.shares_memory(y, twin.forward(x))


@every
def test_an_activation_has_no_parameters_and_keeps_the_number_of_units(name):
    activation = ALL[name]().build(3, dtype="float64")
    assert dict(activation.params) == dict(activation.grads) == dict(activation.state) == {}
    assert (activation.input_dim, activation.output_dim) == (3, 3)


@every
def test_an_activation_stands_in_a_model_by_itself(name):
    model = ffnn.Sequential([ALL[name]()], input_dim=3, dtype="float64")
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(model.predict(x), ALL[name]().forward(x))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_integers_are_refused_clearly_or_computed_as_floats(name):
    try:
        y = ALL[name]().forward(np.array([[1, 2]]))
    except TypeError as error:
        assert "float" in str(error)  # noqa: PT017
    else:
        np.testing.assert_allclose(y, ALL[name]().forward(np.array([[1.0, 2.0]])))


# Names and arguments


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("linear", Linear),
        ("identity", Linear),
        ("relu", ReLU),
        ("ReLU", ReLU),
        ("leaky_relu", LeakyReLU),
        ("sigmoid", Sigmoid),
        ("tanh", Tanh),
        ("softmax", Softmax),
        ("swish", Swish),
        ("silu", Swish),
        ("elu", ELU),
        ("selu", SELU),
        ("gelu", GELU),
        ("mish", Mish),
        ("softplus", Softplus),
    ],
)
def test_names_and_aliases(name, cls):
    assert type(ACTIVATIONS.get(name)) is cls


def test_unknown_name_lists_the_valid_ones_and_the_nearest():
    with pytest.raises(ValueError, match="unknown activation 'sigmoit'") as caught:
        ACTIVATIONS.get("sigmoit")
    message = str(caught.value)
    assert "id you mean 'sigmoid'?" in message
    assert all(name in message for name in ACTIVATIONS.classes)


def test_softmax_of_one_unit_is_refused_with_advice():
    message = r"softmax of one unit .* 2 units, or 1 unit with activation='sigmoid'"
    with pytest.raises(ValueError, match=message):
        Softmax().build(1)
    with pytest.raises(ValueError, match=message):
        ffnn.Sequential([Softmax()], input_dim=1)


def test_default_arguments():
    assert LeakyReLU().negative_slope == 0.01
    assert ELU().alpha == 1.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LeakyReLU(-0.1), r"LeakyReLU: negative_slope must be .*\[0.0, 1.0\), got -0.1"),
        (lambda: LeakyReLU(1), r"negative_slope must be .*\[0.0, 1.0\), got 1"),
        (lambda: ELU(0), r"ELU: alpha must be .*\(0.0, inf\), got 0"),
        (lambda: ELU(math.inf), r"ELU: alpha must be a finite number .*got inf"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("cls", [LeakyReLU, ELU])
def test_arguments_of_another_type_are_refused(cls):
    with pytest.raises(TypeError, match=r"must be a number, got '0\.1'"):
        cls("0.1")


def test_kinks_are_declared_where_the_slope_jumps():
    assert {name for name, make in ALL.items() if make().kinks} == {
        *("relu", "leaky_relu", "elu", "selu")
    }
    assert all(make().kinks in ((), (0.0,)) for make in ALL.values())


@pytest.mark.parametrize("form", ["none", "tanh"])
@pytest.mark.parametrize("x", [2e19, -2e19, 1e38, -1e38, 29.0, 31.0, -29.0, -31.0])
def test_gelu_has_slope_one_or_zero_far_out(x, form):
    gelu = GELU(form)
    with np.errstate(over="ignore"):
        gelu.forward(np.array([[x]], np.float32))
    np.testing.assert_array_equal(gelu.backward(np.ones((1, 1), np.float32)), [[float(x > 0)]])


def test_relu_computes_each_array_that_it_is_given_anew():
    relu = ReLU()
    first, second = np.array([[-1.0, 2.0]]), np.array([[3.0, -4.0]])

    np.testing.assert_array_equal(relu.forward(first), [[0.0, 2.0]])
    np.testing.assert_array_equal(relu.forward(second), [[3.0, 0.0]])
    np.testing.assert_array_equal(relu.backward(np.ones((1, 2))), [[1.0, 0.0]])
    second[...] = 5.0
    np.testing.assert_array_equal(relu.forward(second), [[5.0, 5.0]])
