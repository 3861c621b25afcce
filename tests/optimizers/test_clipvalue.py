"""`clipvalue` bounds each entry of the gradient that an update uses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.core.memory import ParameterVector
from ffnn.layers import Dense
from ffnn.optimizers import OPTIMIZERS, SGD, Adam

RULES = [cls for cls in OPTIMIZERS.classes.values() if cls.__module__.startswith("ffnn.")]
every = pytest.mark.parametrize("make", RULES)


def run(optimizer, start, gradients, dtype="float64"):
    """Return the parameters after an update by each of the given gradients."""
    vector = ParameterVector([{"w": (len(start),)}], dtype)
    vector.values[:] = start
    optimizer.bind(vector)
    for gradient in gradients:
        vector.gradients[:] = gradient
        optimizer.step()
        np.testing.assert_array_equal(vector.gradients, np.asarray(gradient, dtype))
    return vector.values.copy()


def test_by_hand():
    # g: (0.5, -0.5, 0.25), then (-0.5, 0, 0.5)
    gradients = [[2.0, -0.75, 0.25], [-1e10, 0.0, 0.5]]
    found = run(SGD(1.0, clipvalue=0.5), [0.0, 0.0, 0.0], gradients)
    np.testing.assert_array_equal(found, [0.0, 0.5, -0.75])


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_same_as_a_gradient_cut_by_hand(make, dtype):
    rng = np.random.default_rng(0)
    start = rng.normal(size=40)
    gradients = [rng.normal(0.0, scale, 40).astype(dtype) for scale in (0.01, 1.0, 5.0, 0.1)]
    cut = [np.array([min(max(g, -0.25), 0.25) for g in each.tolist()]) for each in gradients]

    np.testing.assert_array_equal(
        run(make(0.1, clipvalue=0.25), start, gradients, dtype), run(make(0.1), start, cut, dtype)
    )


@pytest.mark.parametrize("size", [1e18, 1e25, 1e37])
def test_it_holds_where_the_norm_overflows_float32(size):
    with np.errstate(over="ignore"):
        found = run(SGD(1.0, clipvalue=1.0), [0.0, 0.0], [[3 * size, -4 * size]], "float32")
    np.testing.assert_array_equal(found, [-1.0, 1.0])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_is_refused(value):
    with pytest.raises(FloatingPointError, match="norm of the gradient"):
        run(SGD(1.0, clipvalue=1.0), [0.0, 0.0], [[value, 1.0]])


@every
def test_together_with_clipnorm_it_is_refused(make):
    message = rf"{make.__name__}: expected clipnorm or clipvalue, got clipnorm=2 and clipvalue=0.5"
    with pytest.raises(ValueError, match=message):
        make(clipnorm=2.0, clipvalue=0.5)
    rule = make(clipnorm=2.0)
    with pytest.raises(ValueError, match=message):
        rule.clipvalue = 0.5
    assert rule.clipvalue is None
    rule.clipnorm = None
    rule.clipvalue = 0.5
    assert repr(rule) == f"{make.__name__}(clipvalue=0.5)"


@every
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_bounds_out_of_range_are_refused(make, value):
    with pytest.raises(ValueError, match=rf"{make.__name__}: clipvalue must be .*\(0.0, inf\)"):
        make(clipvalue=value)


def model(optimizer=None):
    built = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], input_dim=3, seed=0)
    built.compile(optimizer or Adam(0.1, clipvalue=1e-3), "mse")
    return built


X = np.random.default_rng(0).normal(size=(40, 3))


def test_a_saved_training_is_resumed_with_it(tmp_path):
    whole, half = model(), model()
    whole.fit(X, X[:, 0], epochs=4, verbose=0)
    half.fit(X, X[:, 0], epochs=2, verbose=0)
    half.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")

    assert loaded.optimizer.clipvalue == 1e-3
    loaded.fit(X, X[:, 0], epochs=4, initial_epoch=2, verbose=0)
    np.testing.assert_array_equal(loaded.parameters, whole.parameters)
    free = model(Adam(0.1))
    free.fit(X, X[:, 0], epochs=4, verbose=0)
    assert not np.array_equal(free.parameters, whole.parameters)


def test_a_file_that_has_both_bounds_is_refused(tmp_path):
    config, arrays = model().capture()
    assert config["compile"]["optimizer"]["config"]["clipvalue"] == 1e-3
    config["compile"]["optimizer"]["config"]["clipnorm"] = 2.0
    ffnn.saving.write(tmp_path / "forged.h5", config, arrays)

    with pytest.raises(ffnn.ModelFileError, match="expected clipnorm or clipvalue"):
        ffnn.load_model(tmp_path / "forged.h5")


def test_an_explanation_tells_it():
    text = str(model().explain_step(X[:2], X[:2, 0]))

    assert "g ← min(max(g, -c), c)" in text


def test_an_estimator_takes_the_optimizer_itself():
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    estimator = model().as_estimator()

    assert repr(estimator.solver) == "Adam(learning_rate=0.1, clipvalue=0.001)"
