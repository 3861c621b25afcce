"""Adagrad and Nadam: by their papers' formulas in Python floats, and beside PyTorch's."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.core.memory import ParameterVector
from ffnn.layers import Dense
from ffnn.optimizers import Adagrad, Nadam


def run(optimizer, start, gradients, dtype="float64"):
    """Return the parameters after an update by each of the given gradients."""
    vector = ParameterVector([{"w": (len(start),)}], dtype)
    vector.values[:] = start
    optimizer.bind(vector)
    seen = []
    for gradient in gradients:
        vector.gradients[:] = gradient
        optimizer.step()
        seen.append(vector.values.copy())
    return seen


def adagrad(w, gradients, rate, start, epsilon):
    """Duchi, Hazan and Singer's figure 1, one number after another."""
    w, total, seen = list(w), [start] * len(w), []
    for gradient in gradients:
        for i, g in enumerate(gradient):
            total[i] += g * g
            w[i] -= rate * g / (epsilon + math.sqrt(total[i]))
        seen.append(list(w))
    return seen


def nadam(w, gradients, rate, beta_1, beta_2, epsilon):
    """Dozat's algorithm 2, one number after another."""
    mu = [beta_1 * (1 - 0.5 * 0.96 ** (t / 250)) for t in range(len(gradients) + 2)]
    w, m, n, seen = list(w), [0.0] * len(w), [0.0] * len(w), []
    for t, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(gradient):
            g_hat = g / (1 - math.prod(mu[1 : t + 1]))
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            m_hat = m[i] / (1 - math.prod(mu[1 : t + 2]))
            n[i] = beta_2 * n[i] + (1 - beta_2) * g * g
            n_hat = n[i] / (1 - beta_2**t)
            m_bar = (1 - mu[t]) * g_hat + mu[t + 1] * m_hat
            w[i] -= rate * m_bar / (math.sqrt(n_hat) + epsilon)
        seen.append(list(w))
    return seen


START = [1.0, -2.0, 0.5]
GRADIENTS = np.random.default_rng(0).normal(size=(40, 3)).tolist()
DTYPES = [("float64", 1e-12), ("float32", 1e-5)]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("settings", [(0.001, 0.1, 1e-7), (1.0, 0.0, 1e-10), (0.5, 2.0, 0.5)])
def test_adagrad_formula(settings, dtype, tolerance):
    found = run(Adagrad(*settings), START, GRADIENTS, dtype)
    expected = adagrad(START, GRADIENTS, *settings)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize(
    "settings", [(0.001, 0.9, 0.999, 1e-7), (0.1, 0.5, 0.75, 0.01), (1.0, 0.0, 0.0, 1.0)]
)
def test_nadam_formula(settings, dtype, tolerance):
    found = run(Nadam(*settings), START, GRADIENTS, dtype)
    expected = nadam(START, GRADIENTS, *settings)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_adagrad_by_hand():
    # s: 9, 25: the steps are 3/3 and 4/5
    found = run(Adagrad(1.0, initial_accumulator_value=0.0, epsilon=1e-300), [0.0], [[3.0], [4.0]])
    np.testing.assert_allclose(found, [[-1.0], [-1.8]], rtol=1e-14)


def test_nadam_by_hand():
    # β₁ = 0 leaves g / (√(v / (1 - β₂ᵗ)) + ε); with β₂ = 0 that is sign(g), but for ε
    found = run(Nadam(0.25, 0.0, 0.0, epsilon=1e-300), [0.0], [[3.0], [-4.0]])
    np.testing.assert_allclose(found, [[-0.25], [0.0]], atol=1e-15)


def test_defaults_are_those_of_keras():
    config = Adagrad().get_config()
    assert (config["learning_rate"], config["initial_accumulator_value"]) == (0.001, 0.1)
    assert config["epsilon"] == 1e-7
    config = Nadam().get_config()
    assert [config[name] for name in ("learning_rate", "beta_1", "beta_2", "epsilon")] == [
        *(0.001, 0.9, 0.999, 1e-7)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        (Adagrad(0.1, 0.3, 1e-3), "Adagrad", {"initial_accumulator_value": 0.3, "eps": 1e-3}),
        (Adagrad(0.1, 0.0, 1e-10), "Adagrad", {"initial_accumulator_value": 0.0, "eps": 1e-10}),
        (Nadam(0.1, 0.8, 0.99, 1e-3), "NAdam", {"betas": (0.8, 0.99), "eps": 1e-3}),
        (Nadam(0.1), "NAdam", {"eps": 1e-7}),
    ],
    ids=repr,
)
def test_pytorch_has_the_same(ours, theirs, settings):
    torch = pytest.importorskip("torch", reason="torch is an extra")
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    rule, expected = getattr(torch.optim, theirs)([w], lr=0.1, **settings), []
    for gradient in GRADIENTS:
        w.grad = torch.tensor(gradient, dtype=torch.float64)
        rule.step()
        expected.append(w.detach().numpy().copy())

    # PyTorch keeps the product of momentums in float32.
    tolerance = 1e-6 if theirs == "NAdam" else 1e-12
    np.testing.assert_allclose(run(ours, START, GRADIENTS), expected, rtol=tolerance)


def test_the_product_of_momentums_follows_from_the_updates_and_beta_1():
    rule = Nadam(beta_1=0.9)
    mu = [beta * (1 - 0.5 * 0.96 ** (t / 250)) for beta in (0.9, 0.5) for t in range(1, 6)]
    assert rule.momentum_product == pytest.approx(mu[0], rel=1e-15)
    rule.iterations = 4
    assert rule.momentum_product == pytest.approx(math.prod(mu[:5]), rel=1e-14)
    assert rule.momentum_product == rule.momentum_product
    rule.beta_1 = 0.5
    assert rule.momentum_product == pytest.approx(math.prod(mu[5:]), rel=1e-14)
    rule.iterations = 2
    assert rule.momentum_product == pytest.approx(math.prod(mu[5:8]), rel=1e-14)
    rule.iterations = 10**7  # no numbers are left to multiply
    assert rule.momentum_product == 0.0


X = np.random.default_rng(1).normal(size=(60, 3))


def model(make):
    built = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], input_dim=3, seed=0)
    built.compile(make(), "mse")
    return built


@pytest.mark.parametrize("make", [lambda: Adagrad(0.5), lambda: Nadam(0.02)])
def test_a_saved_training_is_resumed_bit_for_bit(make, tmp_path):
    whole, half = model(make), model(make)
    whole.fit(X, X[:, 0], epochs=6, verbose=0)
    half.fit(X, X[:, 0], epochs=3, verbose=0)
    half.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    loaded.fit(X, X[:, 0], epochs=6, initial_epoch=3, verbose=0)

    np.testing.assert_array_equal(loaded.parameters, whole.parameters)
    losses = whole.history.history["loss"]
    assert losses[-1] < losses[0]


def test_blocks_of_many_parameters_are_updated_alike():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=70_000), rng.normal(size=(3, 70_000))
    found = run(Nadam(0.1), start, gradients)[-1]

    for at in (0, 32_767, 32_768, 69_999):
        alone = nadam([start[at]], gradients[:, [at]].tolist(), 0.1, 0.9, 0.999, 1e-7)
        np.testing.assert_allclose(found[at], alone[-1][0], rtol=1e-11)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Adagrad(initial_accumulator_value=-0.1), "initial_accumulator_value must be"),
        (lambda: Adagrad(epsilon=0.0), "Adagrad: epsilon must be"),
        (lambda: Nadam(beta_1=1.0), "Nadam: beta_1 must be"),
        (lambda: Nadam(epsilon=0.0), "Nadam: epsilon must be"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
