"""Label smoothing, against targets that were smoothed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.activations import Softmax
from ffnn.layers import Dense
from ffnn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 3))


def trained(loss, y, ending, units, dtype="float64", **options):
    model = ffnn.Sequential([Dense(units, ending)], input_dim=3, dtype=dtype, seed=0)
    model.compile("sgd", loss, **options)
    weight = np.linspace(0.5, 2.0, len(y))
    value = model.compute_gradients(X, y, weight)
    return value, model.gradients.copy()


@pytest.mark.parametrize("units", [2, 5, 100])
@pytest.mark.parametrize("targets", ["int", "onehot", "soft"])
@pytest.mark.parametrize("smoothing", [0.1, 0.5])
@pytest.mark.parametrize("cls", [CategoricalCrossentropy, SparseCategoricalCrossentropy])
def test_classes_are_learned_as_from_soft_rows(units, targets, smoothing, cls):
    if cls is SparseCategoricalCrossentropy and targets != "int":
        pytest.skip("takes class numbers alone")
    labels = RNG.integers(0, units, len(X))
    rows = RNG.dirichlet(np.ones(units), len(X)) if targets == "soft" else np.eye(units)[labels]
    y = labels if targets == "int" else rows
    soft = (1.0 - smoothing) * rows + smoothing / units

    loss, gradient = trained(cls(label_smoothing=smoothing), y, "softmax", units)
    expected, slopes = trained(CategoricalCrossentropy(), soft, "softmax", units)

    assert loss == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("ending", ["sigmoid", "softmax"])
def test_bits_are_learned_as_from_soft_ones(ending):
    y = RNG.integers(0, 2, (len(X), 3))
    loss, gradient = trained(BinaryCrossentropy(label_smoothing=0.2), y, ending, 3)
    expected, slopes = trained("bce", 0.8 * y + 0.1, ending, 3)

    assert loss == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-15)


def test_numbers_by_hand():
    p = np.array([[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])
    y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # smoothed by 0.3: 0.8 and 0.1
    first = -(0.2 * math.log(0.05) + 0.8 * math.log(0.9))
    second = -(0.1 * math.log(0.1) + 0.1 * math.log(0.8) + 0.8 * math.log(0.1))
    assert CategoricalCrossentropy(0.3)(y, p) == pytest.approx((first + second) / 2, rel=1e-13)
    assert CategoricalCrossentropy(0.3)([1, 2], p) == pytest.approx((first + second) / 2, rel=1e-13)
    by_itself = CategoricalCrossentropy(0.3)
    by_itself.forward(p, np.array([1, 2]))
    smooth = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(by_itself.backward(), -smooth / p / 2, rtol=1e-12)

    loss = BinaryCrossentropy(0.2)([[1.0], [0.0]], [[0.6], [0.6]])  # y becomes 0.9 and 0.1
    ones, zeros = math.log(0.6), math.log(0.4)
    assert loss == pytest.approx(-(0.9 * ones + 0.1 * zeros + 0.1 * ones + 0.9 * zeros) / 2)


@pytest.mark.parametrize("gap", [40.0, 2e4])
def test_logits_far_apart_are_exact_in_float32(gap):
    z = np.array([[gap / 2, -gap / 2]], np.float32)
    fused = CategoricalCrossentropy(0.1).fuse(Softmax())
    # log Σ e^z = gap/2, and y = (0.95, 0.05): L = gap/2 - 0.9 gap/2
    assert fused.forward(z.copy(), np.array([0])) == pytest.approx(0.05 * gap, rel=1e-5)
    np.testing.assert_allclose(fused.backward(), [[0.05, -0.05]], rtol=1e-5)


def test_a_loss_by_itself_has_no_smoothing():
    for cls in (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy):
        assert cls().label_smoothing == 0.0


@pytest.mark.parametrize(
    ("loss", "ending", "y"),
    [
        (CategoricalCrossentropy(0.2), "softmax", RNG.integers(0, 3, 30)),
        (SparseCategoricalCrossentropy(0.2), "softmax", RNG.integers(0, 3, 30)),
        (BinaryCrossentropy(0.2), "sigmoid", RNG.integers(0, 2, (30, 3))),
    ],
    ids=repr,
)
def test_models_are_checked_saved_and_explained(loss, ending, y, tmp_path):
    layers = [Dense(4, "tanh"), Dense(3, ending)]
    model = ffnn.Sequential(layers, input_dim=3, dtype="float64", seed=0)
    model.compile("adam", loss, ["accuracy"])
    plain = ffnn.Sequential([layer.clone() for layer in layers], 3, dtype="float64", seed=0)
    plain.compile("adam", type(loss)(), ["accuracy"])

    assert ffnn.gradient_check(model, X[:8], y[:8]).max_error < 1e-8
    own, other = (each.evaluate(X, y, return_dict=True) for each in (model, plain))
    assert own["accuracy"] == other["accuracy"]  # measured by the targets as they are
    assert own["loss"] != other["loss"]
    model.fit(X, y, verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")
    assert repr(loaded.loss) == repr(loss)
    for each in (model, loaded):
        each.fit(X, y, initial_epoch=1, epochs=2, verbose=0)
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    text = " ".join(str(model.explain_step(X[:2], y[:2])).split())
    assert "y is smoothed: (1 - s) y + s / k for k classes" in text
    assert "is smoothed" not in str(plain.explain_step(X[:2], y[:2]))


def test_an_estimator_keeps_the_smoothing():
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=3, seed=0)
    model.compile("adam", CategoricalCrossentropy(0.2))

    assert repr(model.as_estimator().loss) == "CategoricalCrossentropy(label_smoothing=0.2)"


@pytest.mark.parametrize("cls", [BinaryCrossentropy, CategoricalCrossentropy])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan, "a", True])
def test_what_is_no_share_is_refused(cls, value):
    with pytest.raises((ValueError, TypeError), match=f"{cls.__name__}: label_smoothing must be"):
        cls(label_smoothing=value)
