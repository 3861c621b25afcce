"""Initial values: distributions, fans, and where the random numbers come from."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.initializers import (
    INITIALIZERS,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    Ones,
    RandomNormal,
    RandomUniform,
    Zeros,
)
from ffnn.layers import BatchNorm, Dense, Dropout, RMSNorm

FAN_IN, FAN_OUT = 300, 500
SIZE = FAN_IN * FAN_OUT

# initializer, mean, variance
NORMAL = [
    (RandomNormal(), 0.0, 0.0025),
    (RandomNormal(mean=-1.0, variance=4.0), -1.0, 4.0),
    (RandomNormal(mean=2.0, variance=0.25), 2.0, 0.25),
    (HeNormal(), 0.0, 2 / FAN_IN),
    (GlorotNormal(), 0.0, 2 / (FAN_IN + FAN_OUT)),
    (LecunNormal(), 0.0, 1 / FAN_IN),
]
# initializer, low, high
UNIFORM = [
    (RandomUniform(), -0.05, 0.05),
    (RandomUniform(low=-1.0, high=3.0), -1.0, 3.0),
    (HeUniform(), -math.sqrt(6 / FAN_IN), math.sqrt(6 / FAN_IN)),
    (GlorotUniform(), -math.sqrt(6 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT))),
]
RANDOM = [entry[0] for entry in NORMAL + UNIFORM]


def draw(initializer, seed=0, dtype="float64", shape=(FAN_OUT, FAN_IN)):
    out = np.full(shape, np.nan, dtype)
    initializer.fill(out, FAN_IN, FAN_OUT, np.random.default_rng(seed))
    return out


@pytest.mark.parametrize(
    ("initializer", "value"),
    [(Zeros(), 0.0), (Ones(), 1.0), (Constant(), 0.0), (Constant(0.3), 0.3)],
)
def test_constants_fill_every_entry(initializer, value):
    np.testing.assert_array_equal(draw(initializer, shape=(3, 2)), np.full((3, 2), value))


@pytest.mark.parametrize(("initializer", "mean", "variance"), NORMAL, ids=repr)
def test_normal_draws_have_their_mean_and_variance(initializer, mean, variance):
    # Over n = 150,000 draws the mean has the standard error √(v/n), the variance v √(2/n);
    # five of them are exceeded by chance in less than 1e-6 of all seeds, and the seed is fixed.
    w = draw(initializer)
    assert abs(w.mean() - mean) < 5 * math.sqrt(variance / SIZE)
    assert abs(w.var() - variance) < 5 * variance * math.sqrt(2 / SIZE)
    # A normal distribution has 4.55 % beyond two standard deviations and no bound at 2√v: the
    # share's standard error is √(0.0455 · 0.9545 / n) = 5.4e-4.
    beyond = np.mean(np.abs(w - mean) > 2 * math.sqrt(variance))
    assert abs(beyond - 0.0455) < 5 * 5.4e-4


@pytest.mark.parametrize(("initializer", "low", "high"), UNIFORM, ids=repr)
def test_uniform_draws_fill_their_interval_evenly(initializer, low, high):
    w, width = draw(initializer), high - low
    assert low <= w.min()
    assert w.max() < high
    # The chance that none of 150,000 draws falls into the outer 1e-4 of the width is e^-15.
    assert w.min() < low + 1e-4 * width
    assert w.max() > high - 1e-4 * width
    assert abs(w.mean() - (low + high) / 2) < 5 * width / math.sqrt(12 * SIZE)
    # Counts in ten bins: n/10 each, standard deviation √(0.09 n).
    counts, _ = np.histogram(w, 10, (low, high))
    assert np.abs(counts - SIZE / 10).max() < 5 * math.sqrt(0.09 * SIZE)


def test_variance_is_not_the_standard_deviation():
    assert draw(RandomNormal(variance=9.0)).std() == pytest.approx(3.0, rel=0.02)


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_float32_values_are_the_rounded_float64_ones(initializer):
    np.testing.assert_array_equal(
        draw(initializer, dtype="float32"), draw(initializer).astype(np.float32)
    )


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_draws_follow_from_the_generator_alone(initializer):
    before = np.random.get_state()  # noqa: NPY002
    first = draw(initializer, seed=1)
    np.testing.assert_array_equal(draw(initializer, seed=1), first)
    assert not np.array_equal(draw(initializer, seed=2), first)
    after = np.random.get_state()  # noqa: NPY002
    assert before[2] == after[2]
    np.testing.assert_array_equal(before[1], after[1])


def test_degenerate_intervals_are_allowed():
    assert (draw(RandomUniform(2.0, 2.0), shape=(4,)) == 2.0).all()
    assert (draw(RandomNormal(2.0, 0.0), shape=(4,)) == 2.0).all()


# In a model: every parameter its own numbers


def weights(*layers, seed=0, dtype="float64"):
    model = ffnn.Sequential(layers, input_dim=4, seed=seed, dtype=dtype)
    return [{name: a.copy() for name, a in layer.params.items()} for layer in model.layers]


def test_fans_are_the_inputs_and_units_of_the_layer():
    model = ffnn.Sequential(
        [Dense(500, weight_initializer=HeUniform()), Dense(10, weight_initializer=GlorotUniform())],
        input_dim=24,
        seed=0,
        dtype="float64",
    )
    first, second = (layer.params["weight"] for layer in model.layers)
    # The extreme of so many draws lies within 1 % of the bound but for a chance of e^-50.
    assert 0.99 * math.sqrt(6 / 24) < np.abs(first).max() < math.sqrt(6 / 24)
    assert 0.99 * math.sqrt(6 / 510) < np.abs(second).max() < math.sqrt(6 / 510)


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_two_layers_with_one_initializer_object_differ(initializer):
    one, other = weights(
        Dense(4, weight_initializer=initializer), Dense(4, weight_initializer=initializer)
    )
    assert not np.isclose(one["weight"], other["weight"]).any()


@pytest.mark.parametrize("make", [HeNormal, GlorotUniform, RandomUniform, RandomNormal])
def test_two_layers_with_one_seed_differ(make):
    one, other = weights(
        Dense(4, weight_initializer=make(seed=7)), Dense(4, weight_initializer=make(seed=7))
    )
    assert not np.isclose(one["weight"], other["weight"]).any()


def test_weight_and_bias_with_one_seed_differ():
    normal = RandomNormal(0, 1, seed=7)
    (layer,) = weights(Dense(4, weight_initializer=normal, bias_initializer=normal))
    assert not np.isclose(layer["weight"][0], layer["bias"]).any()
    assert not np.isclose(layer["weight"][:, 0], layer["bias"]).any()


def test_biases_are_drawn_too():
    (layer,) = weights(Dense(50_000, bias_initializer=RandomNormal(1.0, 4.0)))
    # standard errors: 2/√50000 = 0.009 and 4 √(2/50000) = 0.025
    assert layer["bias"].mean() == pytest.approx(1.0, abs=5 * 0.009)
    assert layer["bias"].var() == pytest.approx(4.0, abs=5 * 0.0253)


def test_biases_are_zero_by_default_and_weights_glorot_uniform():
    (default,) = weights(Dense(6))
    (named,) = weights(Dense(6, weight_initializer="glorot_uniform", bias_initializer="zeros"))
    np.testing.assert_array_equal(default["weight"], named["weight"])
    assert (default["bias"] == 0).all()


def test_one_seed_repeats_and_another_does_not():
    first, again, other = (weights(Dense(5), Dense(3), seed=seed) for seed in (1, 1, 2))
    for layer, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(layer["weight"], same["weight"])
    assert not np.isclose(first[0]["weight"], other[0]["weight"]).any()


def test_models_without_a_seed_differ():
    one, other = weights(Dense(5), seed=None), weights(Dense(5), seed=None)
    assert not np.isclose(one[0]["weight"], other[0]["weight"]).any()


def test_an_initializers_seed_goes_before_the_models():
    layers = [weights(Dense(5, weight_initializer=HeNormal(seed=9)), seed=s) for s in (1, 2)]
    np.testing.assert_array_equal(layers[0][0]["weight"], layers[1][0]["weight"])


@pytest.mark.parametrize("appended", [Dense(9), Dropout(0.5), BatchNorm(), Dense(2, "softmax")])
def test_an_appended_layer_leaves_the_earlier_numbers_as_they_are(appended):
    random_bias = {"bias_initializer": RandomNormal()}
    short = weights(Dense(5, "relu", **random_bias), RMSNorm(), Dense(3, **random_bias))
    longer = weights(Dense(5, "relu", **random_bias), RMSNorm(), Dense(3, **random_bias), appended)
    for layer, same in zip(short, longer, strict=False):
        assert layer.keys() == same.keys()
        for name in layer:
            np.testing.assert_array_equal(layer[name], same[name])


def test_a_float32_model_starts_from_the_rounded_float64_one():
    narrow, wide = (weights(Dense(5), Dense(3), dtype=d) for d in ("float32", "float64"))
    for layer, same in zip(narrow, wide, strict=True):
        assert layer["weight"].dtype == np.float32
        np.testing.assert_array_equal(layer["weight"], same["weight"].astype(np.float32))


def test_building_a_model_leaves_numpys_generator_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    weights(Dense(5, bias_initializer="normal"), Dropout(0.5), Dense(3))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_layer_built_alone_is_repeatable_by_its_seed():
    one, same, other = (Dense(5).build(4, seed=s).params["weight"] for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.isclose(one, other).any()


# Names and arguments


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("zeros", Zeros),
        ("ones", Ones),
        ("constant", Constant),
        ("random_uniform", RandomUniform),
        ("uniform", RandomUniform),
        ("random_normal", RandomNormal),
        ("normal", RandomNormal),
        ("he_normal", HeNormal),
        ("he_uniform", HeUniform),
        ("glorot_normal", GlorotNormal),
        ("xavier_normal", GlorotNormal),
        ("glorot_uniform", GlorotUniform),
        ("xavier_uniform", GlorotUniform),
        ("lecun_normal", LecunNormal),
    ],
)
def test_names_and_aliases(name, cls):
    assert type(INITIALIZERS.get(name)) is cls


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RandomUniform(1.0, 0.0), r"RandomUniform: high must be .*\[1.0, inf\), got 0.0"),
        (lambda: RandomUniform(math.nan, 0.0), "RandomUniform: low must be a finite number"),
        (lambda: RandomNormal(variance=-1), r"RandomNormal: variance must be .*\[0.0, .*got -1"),
        (lambda: RandomNormal(mean=math.inf), "RandomNormal: mean must be a finite number"),
        (lambda: RandomNormal(seed=-1), "RandomNormal: seed must be at least 0, got -1"),
        (lambda: RandomUniform(seed=-1), "RandomUniform: seed must be at least 0, got -1"),
        (lambda: HeNormal(seed=-1), "HeNormal: seed must be at least 0, got -1"),
        (lambda: GlorotUniform(seed=-2), "GlorotUniform: seed must be at least 0, got -2"),
        (lambda: Constant(math.nan), "Constant: value must be a finite number"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Constant("1"), "Constant: value must be a number, got '1'"),
        (lambda: RandomUniform(low=None), "RandomUniform: low must be a number, got None"),
        (lambda: LecunNormal(seed=1.5), r"LecunNormal: seed must be an integer, got 1\.5"),
    ],
)
def test_arguments_of_another_type_are_refused(build, message):
    with pytest.raises(TypeError, match=message):
        build()
