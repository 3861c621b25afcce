"""Losses: values and gradients by hand, the pairing with activations, and bad targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ffnn import activations
from ffnn.activations import Exponential, Linear, ReLU, Sigmoid, Softmax, Softplus, Tanh
from ffnn.errors import DataError
from ffnn.losses import (
    LOSSES,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Huber,
    LogRatePoisson,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SigmoidCrossentropy,
    SigmoidFocalCrossentropy,
    SoftmaxBinaryCrossentropy,
    SoftmaxCrossentropy,
    SoftmaxFocalCrossentropy,
    SoftplusPoisson,
    SparseCategoricalCrossentropy,
)

P = np.array([[1.0, 2.0], [3.0, 5.0]])
Y = np.array([[1.0, 4.0], [0.0, 5.5]])
# p - y = [[0, -2], [3, -0.5]]; 1 / (n u) = 1/4
W = np.array([2.0, 0.5])


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [
        (MeanSquaredError(), (0 + 4 + 9 + 0.25) / 4, [[0, -1], [1.5, -0.25]]),
        (MeanAbsoluteError(), (0 + 2 + 3 + 0.5) / 4, [[0, -0.25], [0.25, -0.25]]),
        # δ = 1: 0, 2 - 1/2, 3 - 1/2, 0.25/2
        (Huber(), (0 + 1.5 + 2.5 + 0.125) / 4, [[0, -0.25], [0.25, -0.125]]),
        # δ = 2: 0, 4/2, 2 (3 - 1), 0.125
        (Huber(2.0), (0 + 2 + 4 + 0.125) / 4, [[0, -0.5], [0.5, -0.125]]),
    ],
    ids=repr,
)
def test_regression_losses_by_hand(loss, value, gradient):
    output, target = P.copy(), Y.copy()
    assert loss.forward(output, target) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-15)
    np.testing.assert_array_equal(output, P)
    np.testing.assert_array_equal(target, Y)


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [
        (
            MeanSquaredError(),
            (2 * (0 + 4) + 0.5 * (9 + 0.25)) / 4,
            [[0, -2], [0.75, -0.125]],
        ),
        (
            MeanAbsoluteError(),
            (2 * (0 + 2) + 0.5 * (3 + 0.5)) / 4,
            [[0, -0.5], [0.125, -0.125]],
        ),
        (
            Huber(),
            (2 * (0 + 1.5) + 0.5 * (2.5 + 0.125)) / 4,
            [[0, -0.5], [0.125, -0.0625]],
        ),
    ],
    ids=repr,
)
def test_weights_multiply_rows_and_the_divisor_stays_the_number_of_rows(loss, value, gradient):
    assert loss.forward(P.copy(), Y, W) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_huber_formula_on_random_residuals(seed):
    rng = np.random.default_rng(seed)
    p, y, delta = rng.normal(0, 2, (6, 3)), rng.normal(0, 2, (6, 3)), rng.uniform(0.5, 2)
    r = (p - y).ravel()
    terms = [v * v / 2 if abs(v) <= delta else delta * (abs(v) - delta / 2) for v in r]
    loss = Huber(delta)
    assert loss.forward(p, y) == pytest.approx(sum(terms) / 18, rel=1e-13)
    slopes = [min(max(v, -delta), delta) / 18 for v in r]
    np.testing.assert_allclose(loss.backward().ravel(), slopes, rtol=1e-13)


def test_huber_declares_its_kinks():
    assert Huber(1.5).kinks == (-1.5, 1.5)
    assert MeanAbsoluteError().kinks == (0.0,)
    assert MeanSquaredError().kinks == ()


# Poisson

RATE = np.array([[0.5, 2.0], [3.0, 0.25]])
COUNT = np.array([[0.0, 2.0], [5.0, 1.5]])


def half_deviance(p, y):
    return (y * math.log(y / p) if y else 0.0) - y + p


@pytest.mark.parametrize("weight", [None, W])
def test_poisson_formula_and_gradient(weight):
    rows = np.ones(2) if weight is None else weight
    terms = [rows[i] * half_deviance(RATE[i, j], COUNT[i, j]) for i in range(2) for j in range(2)]
    assert terms[1] == 0.0  # met exactly
    loss = Poisson()
    assert loss.forward(RATE.copy(), COUNT, weight) == pytest.approx(sum(terms) / 4, rel=1e-14)
    expected = rows[:, None] * (1 - COUNT / RATE) / 4
    np.testing.assert_allclose(loss.backward(), expected, rtol=1e-14)


@pytest.mark.parametrize("weight", [None, W])
def test_poisson_on_log_rates_formula_and_gradient(weight):
    rows = np.ones(2) if weight is None else weight
    terms = [rows[i] * half_deviance(RATE[i, j], COUNT[i, j]) for i in range(2) for j in range(2)]
    loss, x = LogRatePoisson(), np.log(RATE)
    kept = x.copy()
    assert loss.forward(x, COUNT, weight) == pytest.approx(sum(terms) / 4, rel=1e-14)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(loss.output, RATE, rtol=1e-14)
    expected = rows[:, None] * (RATE - COUNT) / 4
    np.testing.assert_allclose(loss.backward(), expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_of_rate_zero_stays_finite(dtype):
    loss = Poisson()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.forward(np.zeros((1, 2), dtype), np.array([[0.0, 1e6]], dtype))
        gradient = loss.backward()
    assert value == pytest.approx(1e6 * (math.log(1e36) - 1.0) / 2.0, rel=1e-6)
    np.testing.assert_allclose(gradient, [[0.5, -5e35]], rtol=1e-6)


def test_poisson_on_log_rates_of_any_size():
    loss = LogRatePoisson()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        # e^-1e4 is 0 in every dtype; ℓ = 2 log 2 + 2e4 - 2
        value = loss.forward(np.array([[-1e4]]), np.array([[2.0]]))
        assert value == pytest.approx(2 * math.log(2) + 2e4 - 2, rel=1e-14)
        np.testing.assert_array_equal(loss.backward(), [[-2.0]])
        assert loss.forward(np.array([[1e4]]), np.array([[2.0]])) == math.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(
    "x", [-1e30, -1e4, -800.0, -100.0, -88.0, -60.0, -17.0, -1.0, 0.0, 0.5, 20.0, 100.0, 1e4, 1e30]
)
def test_poisson_after_softplus_at_any_input(x, y, dtype):
    # Where e^x rounds to 0, log p = x and ∂ℓ/∂x = -y.
    p = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
    log_p = x if x < -700 else math.log(p)
    s_over_p = 1.0 if x < -700 else 1.0 / (1.0 + math.exp(-x)) / p
    loss = SoftplusPoisson()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.forward(np.array([[x]], dtype), np.array([[y]], dtype))
        gradient = loss.backward()
    rel = 1e-5 if dtype == "float32" else 1e-12
    expected = (y * math.log(y) if y else 0.0) - y * log_p - y + p
    rounding = rel if y else 2 * float(np.finfo(dtype).tiny)  # of y log y, y log p and y
    assert value == pytest.approx(expected, rel=rel, abs=rounding)
    slope = s_over_p * p - y * s_over_p
    np.testing.assert_allclose(gradient, [[slope]], rtol=rel, atol=np.finfo(dtype).tiny)


def test_poisson_is_half_of_sklearns_deviance():
    reference = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(0)
    y, p = rng.poisson(2.0, 30).astype(float), rng.uniform(0.2, 4.0, 30)
    expected = reference.mean_poisson_deviance(y, p) / 2
    assert Poisson()(y, p) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("last", [None, Linear(), Tanh()], ids=repr)
def test_poisson_refuses_outputs_that_may_be_negative(last):
    ending = "a layer without activation" if last is None else type(last).__name__
    with pytest.raises(ValueError, match=f"at least 0.*{ending}.*activation='exponential'"):
        Poisson().check_output(last)


# Binary cross-entropy

PROBABILITY = np.array([[0.25, 0.5], [0.75, 0.9]])
LABEL = np.array([[0.0, 1.0], [1.0, 0.4]])


def bce(p, y):
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


@pytest.mark.parametrize("weight", [None, W])
def test_binary_crossentropy_formula(weight):
    rows = [1.0, 1.0] if weight is None else weight
    terms = [rows[i] * bce(PROBABILITY[i, j], LABEL[i, j]) for i in range(2) for j in range(2)]
    loss = BinaryCrossentropy()
    assert loss.forward(PROBABILITY.copy(), LABEL, weight) == pytest.approx(sum(terms) / 4)
    expected = [
        [
            rows[i] * (p - y) / (p * (1 - p)) / 4
            for p, y in zip(PROBABILITY[i], LABEL[i], strict=True)
        ]
        for i in range(2)
    ]
    np.testing.assert_allclose(loss.backward(), expected, rtol=1e-13)


@pytest.mark.parametrize("weight", [None, W])
def test_sigmoid_crossentropy_formula_and_gradient(weight):
    rows = np.ones(2) if weight is None else weight
    z = np.log(PROBABILITY / (1 - PROBABILITY))
    terms = [rows[i] * bce(PROBABILITY[i, j], LABEL[i, j]) for i in range(2) for j in range(2)]
    loss = SigmoidCrossentropy()
    assert loss.forward(z, LABEL, weight) == pytest.approx(sum(terms) / 4, rel=1e-13)
    np.testing.assert_allclose(loss.output, PROBABILITY, rtol=1e-13)
    expected = rows[:, None] * (PROBABILITY - LABEL) / 4
    np.testing.assert_allclose(loss.backward(), expected, rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("z", [-1e4, -100.0, -3.0, 0.0, 3.0, 100.0, 1e4])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_crossentropy_of_huge_logits(z, y, dtype):
    exact = max(z, 0.0) - z * y + math.log1p(math.exp(-abs(z)))
    loss = SigmoidCrossentropy()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.forward(np.array([[z]], dtype), np.array([[y]], dtype))
        gradient = loss.backward()
    assert value == pytest.approx(exact, rel=1e-6, abs=1e-6)
    p = 1.0 / (1.0 + math.exp(-z)) if z > -700 else 0.0
    np.testing.assert_allclose(gradient, [[p - y]], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("z", "y"), [(10.0, 1.0), (15.0, 1.0), (-15.0, 0.0), (30.0, 1.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_crossentropy_keeps_small_losses(z, y, dtype):
    # ℓ = log(1 + e^-|z|) exactly, when the answer is right: it must not drown in max(z, 0) - z y.
    value = SigmoidCrossentropy().forward(np.array([[z]], dtype), np.array([[y]], dtype))
    assert value == pytest.approx(math.log1p(math.exp(-abs(z))), rel=1e-5, abs=0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binary_crossentropy_of_certain_probabilities_stays_finite(dtype):
    p = np.array([[0.0, 1.0, 0.0, 1.0]], dtype)
    y = np.array([[0.0, 1.0, 1.0, 0.0]], dtype)
    loss = BinaryCrossentropy()
    value = loss.forward(p, y)
    assert value == pytest.approx(-2 * math.log(np.finfo(dtype).tiny) / 4, rel=1e-6)
    gradient = loss.backward()
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(np.sign(gradient), [[0, 0, -1, 1]])


# Categorical cross-entropy

Q = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
ONE_HOT = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
SOFT = np.array([[0.0, 0.25, 0.75], [0.5, 0.5, 0.0]])


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("target", [ONE_HOT, SOFT], ids=["one-hot", "soft"])
def test_categorical_crossentropy_formula(target, weight):
    rows = np.ones(2) if weight is None else weight
    value = -sum(
        rows[i] * sum(target[i, j] * math.log(Q[i, j]) for j in range(3)) for i in range(2)
    )
    loss = CategoricalCrossentropy()
    assert loss.forward(Q.copy(), target, weight) == pytest.approx(value / 2, rel=1e-14)
    np.testing.assert_allclose(loss.backward(), -rows[:, None] * target / Q / 2, rtol=1e-14)


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("target", [ONE_HOT, SOFT], ids=["one-hot", "soft"])
def test_softmax_crossentropy_formula_and_gradient(target, weight):
    rows = np.ones(2) if weight is None else weight
    z = np.log(Q) + np.array([[3.0], [-2.0]])
    value = sum(
        rows[i]
        * (math.log(sum(math.exp(v) for v in z[i])) - sum(target[i, j] * z[i, j] for j in range(3)))
        for i in range(2)
    )
    kept, loss = z.copy(), SoftmaxCrossentropy()
    assert loss.forward(z, target, weight) == pytest.approx(value / 2, rel=1e-13)
    np.testing.assert_array_equal(z, kept)
    np.testing.assert_allclose(loss.output, Q, rtol=1e-13)
    np.testing.assert_allclose(loss.backward(), rows[:, None] * (Q - target) / 2, rtol=1e-12)


@pytest.mark.parametrize("loss_class", [CategoricalCrossentropy, SoftmaxCrossentropy])
@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("units", [2, 3, 64, 65, 200])
def test_one_hot_rows_and_class_numbers_are_equal(loss_class, weight, units):
    q = np.random.default_rng(0).dirichlet(np.ones(units), 2)
    z = q if loss_class is CategoricalCrossentropy else np.log(q)
    one, other = loss_class(), loss_class()
    labels = np.array([units - 1, 0])
    one_hot = np.zeros((2, units))
    one_hot[[0, 1], labels] = 1.0
    value = one.forward(z.copy(), one_hot, weight)
    assert other.forward(z.copy(), labels, weight) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(other.backward(), one.backward(), rtol=1e-14)
    np.testing.assert_array_equal(labels, [units - 1, 0])


def test_sparse_loss_equals_the_categorical_one():
    labels = np.array([2, 0])
    expected = -(math.log(0.5) + math.log(0.6)) / 2
    assert SparseCategoricalCrossentropy()(labels, Q) == pytest.approx(expected, rel=1e-14)
    assert CategoricalCrossentropy()(labels, Q) == pytest.approx(expected, rel=1e-14)
    assert CategoricalCrossentropy()(ONE_HOT, Q) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("labels", [True, False], ids=["int", "one-hot"])
def test_a_gap_of_forty_gives_gradient_one(labels):
    z = np.array([[40.0, 0.0]], np.float32)
    target = np.array([1]) if labels else np.array([[0, 1]], np.float32)
    loss = SoftmaxCrossentropy()
    assert loss.forward(z, target) == pytest.approx(40.0, rel=1e-7)
    np.testing.assert_allclose(loss.backward(), [[1.0, -1.0]], rtol=1e-6)


@pytest.mark.parametrize("labels", [True, False], ids=["int", "one-hot"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_crossentropy_of_huge_logits(labels, dtype):
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], dtype)
    target = np.array([1, 2]) if labels else np.eye(3, dtype=dtype)[[1, 2]]
    loss = SoftmaxCrossentropy()
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = loss.forward(z, target)
        gradient = loss.backward()
    # row 0: 2e4; row 1: two equal logits share, log 2
    assert value == pytest.approx((2e4 + math.log(2)) / 2, rel=1e-6)
    np.testing.assert_allclose(gradient, [[0.5, -0.5, 0], [0, 0.25, -0.25]], rtol=1e-6)
    assert gradient.dtype == dtype


# Pairing


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["one-hot", "soft", "int"])
@pytest.mark.parametrize("weighted", [True, False])
def test_fused_softmax_loss_equals_the_full_path(seed, kind, weighted):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (7, 4))
    target = {
        "one-hot": np.eye(4)[rng.integers(0, 4, 7)],
        "soft": rng.dirichlet(np.ones(4), 7),
        "int": rng.integers(0, 4, 7),
    }[kind]
    weight = rng.uniform(0, 2, 7) if weighted else None
    softmax, cce = Softmax(), CategoricalCrossentropy()
    fused = cce.fuse(softmax)
    assert isinstance(fused, SoftmaxCrossentropy)
    full_value = cce.forward(softmax.forward(z), target, weight)
    full_gradient = softmax.backward(cce.backward())
    assert fused.forward(z.copy(), target, weight) == pytest.approx(full_value, rel=1e-12)
    np.testing.assert_allclose(fused.backward(), full_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [True, False])
def test_fused_sigmoid_loss_equals_the_full_path(seed, weighted):
    rng = np.random.default_rng(seed)
    z, target = rng.normal(0, 2, (7, 3)), rng.uniform(0, 1, (7, 3))
    weight = rng.uniform(0, 2, 7) if weighted else None
    sigmoid, loss = Sigmoid(), BinaryCrossentropy()
    fused = loss.fuse(sigmoid)
    assert isinstance(fused, SigmoidCrossentropy)
    full_value = loss.forward(sigmoid.forward(z), target, weight)
    full_gradient = sigmoid.backward(loss.backward())
    assert fused.forward(z.copy(), target, weight) == pytest.approx(full_value, rel=1e-12)
    np.testing.assert_allclose(fused.backward(), full_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("activation", [Exponential(), Softplus()], ids=repr)
def test_fused_poisson_loss_equals_the_full_path(activation, seed, weighted):
    rng = np.random.default_rng(seed)
    x, target = rng.normal(0, 2, (7, 3)), rng.poisson(2.0, (7, 3)).astype(float)
    weight = rng.uniform(0, 2, 7) if weighted else None
    loss = Poisson()
    fused = loss.fuse(activation)
    assert fused is not None
    full_value = loss.forward(activation.forward(x), target, weight)
    full_gradient = activation.backward(loss.backward())
    assert fused.forward(x.copy(), target, weight) == pytest.approx(full_value, rel=1e-12)
    np.testing.assert_allclose(fused.backward(), full_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", list(LOSSES.classes))
@pytest.mark.parametrize("activation", [None, *activations.ACTIVATIONS.classes])
def test_only_the_known_pairs_fuse(name, activation):
    last = None if activation is None else activations.ACTIVATIONS.get(activation)
    fused = LOSSES.get(name).fuse(last)
    if "categorical_focal" in name:
        assert isinstance(fused, SoftmaxFocalCrossentropy) == isinstance(last, Softmax)
    elif "binary_focal" in name:
        assert isinstance(fused, SigmoidFocalCrossentropy) == isinstance(last, Sigmoid)
    elif "categorical" in name or name == "cce":
        assert isinstance(fused, SoftmaxCrossentropy) == isinstance(last, Softmax)
    elif name in ("binary_crossentropy", "bce"):
        assert isinstance(fused, SigmoidCrossentropy) == isinstance(last, Sigmoid)
        assert isinstance(fused, SoftmaxBinaryCrossentropy) == isinstance(last, Softmax)
    elif name == "poisson":
        assert isinstance(fused, LogRatePoisson) == isinstance(last, Exponential)
        assert isinstance(fused, SoftplusPoisson) == isinstance(last, Softplus)
    else:
        assert fused is None


def test_a_subclass_of_softmax_is_not_fused():
    class Tempered(Softmax):
        """Something else than softmax may well be computed here."""

    assert CategoricalCrossentropy().fuse(Tempered()) is None


@pytest.mark.parametrize("last", [None, Linear(), ReLU(), Tanh()], ids=repr)
def test_binary_crossentropy_refuses_outputs_that_are_no_probabilities(last):
    ending = "a layer without activation" if last is None else type(last).__name__
    with pytest.raises(ValueError, match=f"between 0 and 1.*{ending}.*activation='sigmoid'"):
        BinaryCrossentropy().check_output(last)


@pytest.mark.parametrize("last", [None, Linear(), Sigmoid()], ids=repr)
@pytest.mark.parametrize("name", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_categorical_crossentropy_refuses_a_network_without_softmax(last, name):
    with pytest.raises(ValueError, match=f"^{name} needs .*softmax.*activation='softmax'"):
        LOSSES.get(name).check_output(last)


def test_pairs_that_fit_are_accepted():
    BinaryCrossentropy().check_output(Sigmoid())
    BinaryCrossentropy().check_output(Softmax())
    Poisson().check_output(Exponential())
    Poisson().check_output(ReLU())
    CategoricalCrossentropy().check_output(Softmax())
    for name in ("mse", "mae", "huber"):
        LOSSES.get(name).check_output(None)


# Buffers and dtypes

CASES = {
    "mse": (MeanSquaredError, "dense"),
    "mae": (MeanAbsoluteError, "dense"),
    "huber": (Huber, "dense"),
    "bce": (BinaryCrossentropy, "probability"),
    "sigmoid+bce": (SigmoidCrossentropy, "probability"),
    "cce": (CategoricalCrossentropy, "classes"),
    "softmax+cce": (SoftmaxCrossentropy, "classes"),
    "softmax+cce int": (SoftmaxCrossentropy, "int"),
    "poisson": (Poisson, "counts"),
    "exponential+poisson": (LogRatePoisson, "counts"),
    "softplus+poisson": (SoftplusPoisson, "counts"),
}


def batch(kind, rows, dtype, seed=0):
    rng = np.random.default_rng(seed)
    output = rng.uniform(0.1, 0.9, (rows, 3)).astype(dtype)
    target = {
        "dense": rng.normal(size=(rows, 3)),
        "probability": rng.integers(0, 2, (rows, 3)),
        "classes": np.eye(3)[rng.integers(0, 3, rows)],
        "int": rng.integers(0, 3, rows),
        "counts": rng.poisson(1.0, (rows, 3)),
    }[kind]
    return output, target if kind == "int" else target.astype(dtype)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weighted", [True, False])
def test_float32_stays_float32_and_the_value_is_a_python_float(case, weighted):
    make, kind = CASES[case]
    loss, (output, target) = make(), batch(kind, 5, np.float32)
    weight = np.ones(5, np.float32) if weighted else None
    value = loss.forward(output, target, weight)
    gradient = loss.backward()
    assert type(value) is float
    assert gradient.dtype == np.float32
    assert gradient.shape == output.shape


@pytest.mark.parametrize("case", CASES)
def test_short_and_long_batches_after_one_another_do_not_disturb(case):
    make, kind = CASES[case]
    loss = make()
    for seed, rows in enumerate((4, 7, 2, 7, 1)):
        output, target = batch(kind, rows, np.float64, seed)
        value, gradient = loss.forward(output, target), loss.backward().copy()
        output, target = batch(kind, rows, np.float64, seed)
        fresh = make()
        assert value == fresh.forward(output, target)
        np.testing.assert_array_equal(gradient, fresh.backward())


def test_another_number_of_classes_after_one_another_does_not_disturb():
    loss = SoftmaxCrossentropy()
    for units in (3, 5, 2):
        z = np.arange(4.0 * units).reshape(4, units) % 3
        labels = np.arange(4) % units
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        expected = -np.mean([math.log(p[i, labels[i]]) for i in range(4)])
        assert loss.forward(z, labels) == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(loss.backward(), (p - np.eye(units)[labels]) / 4, atol=1e-15)


# Use by itself


def test_call_takes_plain_lists():
    assert MeanSquaredError()([1, 2], [2, 4]) == pytest.approx(2.5)
    assert MeanSquaredError()([1, 2], [2, 4], sample_weight=[2, 0]) == pytest.approx(1.0)
    assert BinaryCrossentropy()([1, 0], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert CategoricalCrossentropy()([0], [[0.25, 0.75]]) == pytest.approx(math.log(4))


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred"),
    [
        (MeanSquaredError(), [[1.0]], [[1.0], [2.0], [3.0]]),
        (BinaryCrossentropy(), [[1.0]], [[0.5], [0.5]]),
        (CategoricalCrossentropy(), [0], [[0.5, 0.5], [0.1, 0.9]]),
        (CategoricalCrossentropy(), [[1.0, 0.0]], [[0.5, 0.5], [0.1, 0.9]]),
        (MeanSquaredError(), [1.0, 2.0, 3.0], [1.0, 2.0]),
    ],
    ids=repr,
)
def test_call_refuses_another_number_of_rows(loss, y_true, y_pred):
    with pytest.raises(ValueError, match="rows"):
        loss(y_true, y_pred)


def test_call_refuses_weights_of_another_shape():
    with pytest.raises(ValueError, match="sample_weight"):
        MeanSquaredError()([1.0, 2.0], [1.0, 2.0], sample_weight=[1.0])


@pytest.mark.parametrize("name", ["mse", "mae"])
def test_agrees_with_sklearn_on_weights_of_mean_one(name):
    reference = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(0)
    y, p, w = rng.normal(size=(9, 2)), rng.normal(size=(9, 2)), rng.uniform(1, 2, 9)
    w /= w.mean()  # scikit-learn divides by the sum of the weights, we by the number of rows
    function = {"mse": reference.mean_squared_error, "mae": reference.mean_absolute_error}[name]
    expected = function(y, p, sample_weight=w)
    assert LOSSES.get(name)(y, p, w) == pytest.approx(expected, rel=1e-13)


def test_categorical_crossentropy_agrees_with_sklearn():
    reference = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(4), 20), rng.integers(0, 4, 20)
    expected = reference.log_loss(y, p, labels=range(4))
    assert CategoricalCrossentropy()(y, p) == pytest.approx(expected, rel=1e-12)


# Names, arguments and bad targets


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mean_squared_error", MeanSquaredError),
        ("mse", MeanSquaredError),
        ("binary_crossentropy", BinaryCrossentropy),
        ("bce", BinaryCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
        ("cce", CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", SparseCategoricalCrossentropy),
        ("mean_absolute_error", MeanAbsoluteError),
        ("mae", MeanAbsoluteError),
        ("huber", Huber),
        ("poisson", Poisson),
        ("quantile", Quantile),
        ("pinball", Quantile),
        ("binary_focal_crossentropy", BinaryFocalCrossentropy),
        ("categorical_focal_crossentropy", CategoricalFocalCrossentropy),
    ],
)
def test_names(name, cls):
    assert type(LOSSES.get(name)) is cls


@pytest.mark.parametrize("delta", [0, -1.0, math.nan])
def test_huber_refuses_a_delta_that_is_not_positive(delta):
    with pytest.raises(ValueError, match=r"Huber: delta must be .*\(0.0, inf\), got "):
        Huber(delta)


@pytest.mark.parametrize(
    ("name", "y", "units", "message"),
    [
        ("mse", np.zeros((4, 3)), 2, r"expected y of shape \(rows, 2\).*got shape \(4, 3\)"),
        ("mse", np.zeros(4), 2, r"expected y of shape \(rows, 2\).*got shape \(4,\)"),
        ("mse", np.zeros(4, int), 2, r"class labels.*categorical_crossentropy"),
        ("mae", [[1.0], [np.nan]], 1, "y: got nan in row 1, column 0"),
        ("huber", [1.0, -np.inf], 1, "y: got -inf in row 1, column 0"),
        (
            "poisson",
            [1.0, -0.5],
            1,
            "poisson: expected y of at least 0.*got -0.5 in row 1, column 0",
        ),
        ("mse", ["a", "b"], 1, "y: expected numbers, got .*a.* in row 0"),
        ("mse", [[1.0], [1.0, 2.0]], 1, "y: expected rows of one length"),
        ("bce", [0, 1, 2], 1, "between 0 and 1, got 2 in row 2, column 0"),
        ("bce", [[0.5, -0.1]], 2, r"between 0 and 1, got -0\.1 in row 0, column 1"),
        ("bce", [0.5, np.nan], 1, "y: got nan in row 1"),
        ("cce", [0, 3], 3, "class labels from 0 to 2.*3 outputs.*got 3 in row 1"),
        ("cce", [-1, 0], 3, "class labels from 0 to 2.*got -1 in row 0"),
        ("cce", [0.0, 1.5], 3, r"integers as class labels, got 1\.5 in row 1"),
        ("cce", [[0, 1, 0], [1, 1, 0]], 3, r"sum to 1.*got \[1, 1, 0\] in row 1.*sigmoid"),
        ("cce", [[1.5, -0.5, 0.0]], 3, r"sum to 1.*got \[1\.5, -0\.5, 0\.0\] in row 0"),
        ("cce", np.eye(4), 3, r"expected y of shape \(rows, 3\).*got shape \(4, 4\)"),
        ("cce", [[0, np.nan, 1]], 3, "y: got nan in row 0, column 1"),
        ("sparse_categorical_crossentropy", [0, 3], 3, "from 0 to 2.*got 3 in row 1"),
        ("sparse_categorical_crossentropy", np.eye(3), 3, "labels of shape .rows,.*one-hot"),
        ("sparse_categorical_crossentropy", ["cat"], 3, "y: expected numbers, got .*cat"),
    ],
)
def test_prepare_says_what_is_wrong_with_targets(name, y, units, message):
    with pytest.raises(DataError, match=message):
        LOSSES.get(name).prepare(y if isinstance(y, list) else np.asarray(y), units)
