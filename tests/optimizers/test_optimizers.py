"""Optimizers: first updates by hand, and one table of which each must find a minimum."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.core.memory import ParameterVector
from ffnn.core.sums import norm
from ffnn.layers import Dense
from ffnn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from ffnn.schedules import CosineDecay, ExponentialDecay, PiecewiseConstantDecay, Schedule


def vector_of(values, dtype="float64"):
    vector = ParameterVector([{"w": (len(values),)}], dtype)
    vector.values[:] = values
    return vector


def run(optimizer, start, gradients, dtype="float64"):
    """Return the values after each of the given gradients."""
    vector = vector_of(start, dtype)
    optimizer.bind(vector)
    seen = []
    for gradient in gradients:
        vector.gradients[:] = gradient
        optimizer.step()
        seen.append(vector.values.copy())
    return seen


# First updates by hand

GRADIENTS = [[1.0, -2.0], [0.5, 4.0], [-1.0, 0.0]]


def test_sgd_by_hand():
    seen = run(SGD(0.1), [1.0, 2.0], GRADIENTS)
    np.testing.assert_allclose(seen, [[0.9, 2.2], [0.85, 1.8], [0.95, 1.8]], rtol=1e-14)


def test_momentum_by_hand():
    # v: (-.1, .2), then .5 v - .1 g = (-.1, -.3), then (.05, -.15)
    seen = run(SGD(0.1, momentum=0.5), [1.0, 2.0], GRADIENTS)
    np.testing.assert_allclose(seen, [[0.9, 2.2], [0.8, 1.9], [0.85, 1.75]], rtol=1e-14)


def test_nesterov_by_hand():
    # the same v; w moves by .5 v - .1 g: (-.15, .3), (-.1, -.55), (.125, -.075)
    seen = run(SGD(0.1, momentum=0.5, nesterov=True), [1.0, 2.0], GRADIENTS)
    np.testing.assert_allclose(seen, [[0.85, 2.3], [0.75, 1.75], [0.875, 1.675]], rtol=1e-14)


def test_rmsprop_by_hand():
    # s: .25 (1, 4), then .75 s + .25 g²; the numbers are the formula's, written out
    s1, s2 = [0.25, 1.0], [0.75 * 0.25 + 0.25 * 0.25, 0.75 * 1.0 + 0.25 * 16.0]
    first = [1 - 0.1 * 1 / (math.sqrt(s1[0]) + 0.5), 2 + 0.1 * 2 / (math.sqrt(s1[1]) + 0.5)]
    second = [
        first[0] - 0.1 * 0.5 / (math.sqrt(s2[0]) + 0.5),
        first[1] - 0.1 * 4.0 / (math.sqrt(s2[1]) + 0.5),
    ]
    seen = run(RMSprop(0.1, rho=0.75, epsilon=0.5), [1.0, 2.0], GRADIENTS[:2])
    np.testing.assert_allclose(seen, [first, second], rtol=1e-14)
    np.testing.assert_allclose(first, [0.9, 2 + 0.2 / 1.5], rtol=1e-15)


def adam_reference(w, gradients, rate, b1, b2, epsilon, decay=0.0):
    """Kingma and Ba's formulas for one number after another, in Python floats."""
    m, v, seen, w = [0.0] * len(w), [0.0] * len(w), [], list(w)
    for t, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(gradient):
            w[i] -= rate * decay * w[i]
            m[i] = b1 * m[i] + (1 - b1) * g
            v[i] = b2 * v[i] + (1 - b2) * g * g
            step = math.sqrt(1 - b2**t) / (1 - b1**t) * m[i] / (math.sqrt(v[i]) + epsilon)
            w[i] -= rate * step
        seen.append(list(w))
    return seen


@pytest.mark.parametrize(
    "settings", [(0.001, 0.9, 0.999, 1e-7), (0.1, 0.5, 0.75, 0.01), (1, 0, 0, 1)]
)
def test_adam_formula(settings):
    rate, b1, b2, epsilon = settings
    optimizer = Adam(rate, beta_1=b1, beta_2=b2, epsilon=epsilon)
    expected = adam_reference([1.0, 2.0], GRADIENTS, *settings)
    np.testing.assert_allclose(run(optimizer, [1.0, 2.0], GRADIENTS), expected, rtol=1e-13)


def test_adam_moves_by_the_learning_rate_at_first():
    # m̂ = g and v̂ = g², so the first step is η sign(g), but for ε
    seen = run(Adam(0.1, epsilon=1e-300), [1.0, 2.0], GRADIENTS[:1])
    np.testing.assert_allclose(seen, [[0.9, 2.1]], rtol=1e-12)


def test_adam_second_step_by_hand():
    # β₁ = 1/2, β₂ = 0, g = 1, 1: m = 1/2, 3/4; m̂ = 1, 1; v̂ = 1: each step is η / (1 + ε)
    seen = run(Adam(0.25, beta_1=0.5, beta_2=0.0, epsilon=1.0), [1.0], [[1.0], [1.0]])
    np.testing.assert_allclose(seen, [[0.875], [0.75]], rtol=1e-15)


def test_adam_has_the_published_epsilon_of_keras_beside_the_root_before_its_correction():
    # With v small, ε beside √v and ε beside √v̂ differ by √(1 - β₂) = 0.03.
    gradient, epsilon = 1e-7, 1e-7
    seen = run(Adam(1.0, epsilon=epsilon), [0.0], [[gradient]])
    root = math.sqrt(0.001) * gradient
    expected = -math.sqrt(0.001) / 0.1 * 0.1 * gradient / (root + epsilon)
    np.testing.assert_allclose(seen, [[expected]], rtol=1e-12)


def test_adamw_formula():
    expected = adam_reference([1.0, 2.0], GRADIENTS, 0.1, 0.9, 0.999, 1e-7, decay=0.5)
    seen = run(AdamW(0.1, weight_decay=0.5), [1.0, 2.0], GRADIENTS)
    np.testing.assert_allclose(seen, expected, rtol=1e-13)


def test_adamw_shrinks_weights_without_gradient():
    seen = run(AdamW(0.1, weight_decay=0.5), [1.0, -2.0], [[0.0, 0.0]] * 2)
    np.testing.assert_allclose(seen, [[0.95, -1.9], [0.9025, -1.805]], rtol=1e-14)


def test_a_schedule_gives_the_decay_of_each_update():
    decay = PiecewiseConstantDecay([0, 1], [0.5, 0.0, 1.0])
    seen = run(AdamW(0.1, weight_decay=decay), [1.0, -2.0], [[0.0, 0.0]] * 3)
    np.testing.assert_allclose(seen, [[0.95, -1.9], [0.95, -1.9], [0.855, -1.71]], rtol=1e-14)


def test_adamw_without_decay_is_adam():
    np.testing.assert_array_equal(
        run(AdamW(0.1, weight_decay=0.0), [1.0, 2.0], GRADIENTS),
        run(Adam(0.1), [1.0, 2.0], GRADIENTS),
    )


def test_defaults_are_those_of_the_contract():
    assert SGD().get_config() == {
        "learning_rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
        "clipnorm": None,
        "learning_rate_factors": None,
        "clipvalue": None,
    }
    for adam in (Adam(), AdamW()):
        assert (adam.learning_rate, adam.beta_1, adam.beta_2) == (0.001, 0.9, 0.999)
        assert adam.epsilon == 1e-7
    assert AdamW().weight_decay == 0.004
    assert (RMSprop().learning_rate, RMSprop().rho) == (0.001, 0.9)


# One table of all: each must find a minimum

# name: (for a parabola, for Rosenbrock's valley)
TABLE = {
    "sgd": (lambda **o: SGD(0.1, **o), lambda: SGD(1e-3)),
    "sgd momentum": (
        lambda **o: SGD(0.05, momentum=0.9, **o),
        lambda: SGD(2e-4, momentum=0.9),
    ),
    "sgd nesterov": (
        lambda **o: SGD(0.05, momentum=0.9, nesterov=True, **o),
        lambda: SGD(2e-4, momentum=0.9, nesterov=True),
    ),
    "sgd schedule": (
        lambda **o: SGD(ExponentialDecay(0.2, 100, 0.8), **o),
        lambda: SGD(CosineDecay(2e-3, 3000, warmup_steps=50)),
    ),
    "sgd clipnorm": (
        lambda **o: SGD(0.1, **{"clipnorm": 1.0, **o}),
        lambda: SGD(1e-3, clipnorm=50.0),
    ),
    "sgd clipvalue": (
        lambda **o: SGD(0.1, **({"clipvalue": 1.0} if o.get("clipnorm") is None else o)),
        lambda: SGD(1e-3, clipvalue=50.0),
    ),
    "rmsprop": (
        lambda **o: RMSprop(CosineDecay(0.1, 400), **o),
        lambda: RMSprop(CosineDecay(0.01, 3000)),
    ),
    "adagrad": (lambda **o: Adagrad(0.5, **o), lambda: Adagrad(0.5)),
    "nadam": (lambda **o: Nadam(0.1, **o), lambda: Nadam(0.02)),
    "adam": (lambda **o: Adam(0.1, **o), lambda: Adam(0.02)),
    "adam schedule": (
        lambda **o: Adam(CosineDecay(0.3, 400), **o),
        lambda: Adam(CosineDecay(0.05, 3000)),
    ),
    "adamw": (
        lambda **o: AdamW(0.1, weight_decay=0.0, **o),
        lambda: AdamW(0.02, weight_decay=0.0),
    ),
    "adamw decay": (
        lambda **o: AdamW(0.1, weight_decay=1e-5, **o),
        lambda: AdamW(0.02, weight_decay=1e-5),
    ),
}
every = pytest.mark.parametrize("name", TABLE)


def test_the_table_holds_every_registered_optimizer():
    assert {type(make()) for make, _ in TABLE.values()} == {
        cls for cls in OPTIMIZERS.classes.values() if cls.__module__.startswith("ffnn.optimizers.")
    }


@every
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_each_finds_the_bottom_of_a_parabola(name, dtype):
    bottom, curvature = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, 2.0])
    optimizer, vector = TABLE[name][0](), vector_of([-1.0, 1.0, 3.0], dtype)
    optimizer.bind(vector)
    for _ in range(500):
        vector.gradients[:] = curvature * (vector.values - bottom)
        optimizer.step()
    np.testing.assert_allclose(vector.values, bottom, atol=2e-3)


def rosenbrock(w):
    x, y = w
    value = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    return value, [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]


@every
def test_each_makes_real_progress_in_rosenbrocks_valley(name):
    optimizer, vector = TABLE[name][1](), vector_of([-1.2, 1.0])
    optimizer.bind(vector)
    assert rosenbrock(vector.values)[0] == pytest.approx(24.2)
    for _ in range(3000):
        vector.gradients[:] = rosenbrock(vector.values)[1]
        optimizer.step()
    assert rosenbrock(vector.values)[0] < 0.5


@every
def test_float32_stays_float32(name):
    make = TABLE[name][0]
    start = np.array([0.1, -0.7, 1 / 3], np.float32)
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(5, 3)).astype(np.float32)
    optimizer, vector = make(), vector_of(start, np.float32)
    optimizer.bind(vector)
    array = vector.values
    for gradient in gradients:
        vector.gradients[:] = gradient
        optimizer.step()
    assert vector.values is array
    assert array.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in optimizer.slots.values())
    wide = run(make(), start, gradients)[-1]
    np.testing.assert_allclose(array, wide, rtol=1e-5)


class Watched(np.ndarray):
    """A float32 array that lets no NumPy scalar and no array of another dtype near itself.

    A float32 array times a float64 scalar of NumPy is computed in float64, times a Python float
    it is not.
    """

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        for operand in (*inputs, *out):
            assert not isinstance(operand, np.generic), f"{ufunc.__name__} of {operand!r}"
            assert getattr(operand, "dtype", np.float32) == np.float32, ufunc.__name__
        plain = [np.asarray(a) if isinstance(a, Watched) else a for a in (*inputs, *out)]
        result = getattr(ufunc, method)(
            *plain[: len(inputs)], out=tuple(plain[len(inputs) :]) or None, **kwargs
        )
        assert result.dtype == np.float32
        return out[0] if out else result


@every
@pytest.mark.parametrize("clipnorm", [None, 0.5])
def test_no_step_computes_in_float64(name, clipnorm):
    optimizer, vector = TABLE[name][0](clipnorm=clipnorm), vector_of([0.5, 1.5], np.float32)
    for attribute in ("values", "gradients", "scratch"):
        setattr(vector, attribute, getattr(vector, attribute).view(Watched))
    optimizer.bind(vector)
    for gradient in GRADIENTS:
        vector.gradients[:] = gradient
        optimizer.step()
    expected = run(TABLE[name][0](clipnorm=clipnorm), [0.5, 1.5], GRADIENTS, "float32")[-1]
    np.testing.assert_array_equal(np.asarray(vector.values), expected)


def test_a_schedule_that_returns_a_numpy_scalar_changes_no_bit():
    class Halving(Schedule):
        def __init__(self, kind):
            self.kind = kind

        def __call__(self, step):
            return self.kind(0.1 / (step + 1))

    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=50), rng.normal(size=(4, 50))
    np.testing.assert_array_equal(
        run(SGD(Halving(np.float64)), start, gradients, "float32"),
        run(SGD(Halving(float)), start, gradients, "float32"),
    )


# The gradient's norm


@every
def test_clipnorm_is_the_same_as_a_gradient_cut_by_hand(name):
    make = TABLE[name][0]
    rng = np.random.default_rng(0)
    gradients = rng.normal(0, 3, (4, 3))
    bound = 1.5
    norms = np.linalg.norm(gradients, axis=1)
    cut = gradients * np.minimum(1.0, bound / norms)[:, None]
    assert (norms > bound).any()
    clipped = run(make(clipnorm=bound), [1.0, 2.0, 3.0], gradients)
    np.testing.assert_allclose(clipped, run(make(clipnorm=1e9), [1.0, 2.0, 3.0], cut), rtol=1e-12)


def test_clipnorm_bounds_the_update_and_leaves_the_gradients_true():
    vector = vector_of([0.0, 0.0])
    optimizer = SGD(1.0, clipnorm=1.0)
    optimizer.bind(vector)
    vector.gradients[:] = [3.0, -4.0]
    optimizer.step()
    np.testing.assert_allclose(vector.values, [-0.6, 0.8], rtol=1e-15)
    np.testing.assert_array_equal(vector.gradients, [3.0, -4.0])


def test_clipnorm_leaves_short_gradients_alone():
    seen = run(SGD(1.0, clipnorm=5.0), [0.0, 0.0], [[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_array_equal(seen[0], [-3.0, -4.0])
    np.testing.assert_allclose(seen[1], [-3.3, -4.4], rtol=1e-15)
    np.testing.assert_array_equal(seen[2], seen[1])


@pytest.mark.parametrize("size", [1e18, 1e25, 1e37])
def test_clipnorm_holds_where_the_norm_overflows_float32(size):
    # g·g is beyond float32 from 1e19 on, but g is finite and so is g · clipnorm / ‖g‖.
    with np.errstate(over="ignore"):
        seen = run(SGD(1.0, clipnorm=1.0), [0.0, 0.0], [[3 * size, 4 * size]], "float32")
    np.testing.assert_allclose(seen[0], [-0.6, -0.8], rtol=1e-5)


@pytest.mark.parametrize("size", [1e20, 1e100])
def test_float64_gradients_may_be_larger_than_float32_allows(size):
    seen = run(SGD(1 / size), [0.0, 0.0], [[3 * size, 4 * size]], "float64")
    np.testing.assert_allclose(seen[0], [-3.0, -4.0], rtol=1e-14)


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e19), ("float64", 1e155)])
def test_a_gradient_near_the_end_of_its_dtype_is_refused(dtype, size):
    with (
        pytest.raises(FloatingPointError, match="norm of the gradient"),
        np.errstate(over="ignore"),
    ):
        run(SGD(0.0), [0.0, 0.0], [[3 * size, 4 * size]], dtype)


def test_momentum_one_loses_no_velocity():
    # v: (-.1, .2), then v - .1 g = (-.15, -.2)
    seen = run(SGD(0.1, momentum=1.0), [1.0, 2.0], GRADIENTS[:2])
    np.testing.assert_allclose(seen, [[0.9, 2.2], [0.75, 2.0]], rtol=1e-14)


# Belonging to a model


def test_one_optimizer_for_two_models_is_refused():
    optimizer = Adam()
    first, second = (ffnn.Sequential([Dense(1)], input_dim=2) for _ in range(2))
    first.compile(optimizer)
    first.compile(optimizer)  # the same model again is fine
    with pytest.raises(
        ValueError, match=r"this Adam already trains another model.*create a new one"
    ):
        second.compile(optimizer)


def test_step_without_a_model_is_refused():
    with pytest.raises(RuntimeError, match="SGD belongs to no model"):
        SGD().step()


def test_binding_the_same_vector_again_keeps_the_memory():
    vector = vector_of([1.0])
    optimizer = SGD(0.1, momentum=0.5)
    optimizer.bind(vector)
    vector.gradients[:] = 1.0
    optimizer.step()
    optimizer.bind(vector)
    np.testing.assert_allclose(optimizer.slots["velocity"], [-0.1])


def test_step_counts_iterations():
    optimizer = SGD(0.1)
    run(optimizer, [1.0], [[1.0]] * 3)
    assert optimizer.iterations == 3


def test_learning_rate_set_later_takes_effect_at_the_next_step():
    vector = vector_of([0.0])
    optimizer = SGD(0.1)
    optimizer.bind(vector)
    vector.gradients[:] = 1.0
    optimizer.step()
    optimizer.learning_rate = 0.5
    assert optimizer.current_learning_rate == 0.5
    optimizer.step()
    np.testing.assert_allclose(vector.values, [-0.6])
    optimizer.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    assert optimizer.current_learning_rate == 0.25  # two updates were made
    optimizer.step()
    np.testing.assert_allclose(vector.values, [-0.85])


def test_schedule_is_asked_for_the_number_of_updates_made():
    # η = 1, 1/2, 1/4
    seen = run(SGD(ExponentialDecay(1.0, 1, 0.5)), [0.0], [[1.0]] * 3)
    np.testing.assert_allclose(seen, [[-1.0], [-1.5], [-1.75]])


# Names and arguments


@pytest.mark.parametrize(
    ("name", "cls"), [("sgd", SGD), ("rmsprop", RMSprop), ("adam", Adam), ("AdamW", AdamW)]
)
def test_names(name, cls):
    assert type(OPTIMIZERS.get(name)) is cls


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SGD(-0.1), r"SGD: learning_rate must be .*\[0.0, inf\), got -0.1"),
        (lambda: Adam(math.inf), "Adam: learning_rate must be a finite number.*got inf"),
        (lambda: AdamW(math.nan), "AdamW: learning_rate must be a finite number.*got nan"),
        (lambda: SGD(momentum=1.1), r"SGD: momentum must be .*\[0.0, 1.0\], got 1.1"),
        (lambda: SGD(momentum=-0.1), r"SGD: momentum must be .*got -0.1"),
        (lambda: SGD(nesterov=True), "SGD: nesterov=True needs a momentum above 0, got momentum=0"),
        (lambda: RMSprop(rho=1), r"RMSprop: rho must be .*\[0.0, 1.0\), got 1"),
        (lambda: RMSprop(epsilon=0), r"RMSprop: epsilon must be .*\(0.0, inf\), got 0"),
        (lambda: Adam(beta_1=1), r"Adam: beta_1 must be .*\[0.0, 1.0\), got 1"),
        (lambda: Adam(beta_2=-1), r"Adam: beta_2 must be .*\[0.0, 1.0\), got -1"),
        (lambda: AdamW(epsilon=0), r"AdamW: epsilon must be .*\(0.0, inf\), got 0"),
        (lambda: AdamW(weight_decay=-1), r"AdamW: weight_decay must be .*\[0.0, inf\), got -1"),
        (lambda: SGD(clipnorm=0), r"SGD: clipnorm must be .*\(0.0, inf\), got 0"),
        (lambda: Adam(clipnorm=-1), r"Adam: clipnorm must be .*\(0.0, inf\), got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("value", [None, [0.1], True, "fast"])
def test_learning_rate_of_another_type_is_refused_also_when_set_later(value):
    with pytest.raises(TypeError, match="SGD: learning_rate must be a number, got "):
        SGD(value)
    optimizer = SGD()
    with pytest.raises(TypeError, match="SGD: learning_rate must be a number, got "):
        optimizer.learning_rate = value
    assert optimizer.learning_rate == 0.01


def test_the_norm_of_millions_of_float32_numbers_is_that_of_float64():
    g = np.full(4_000_000, 0.1, np.float32)
    assert norm(g) == pytest.approx(0.1 * 2000.0, rel=1e-6)
