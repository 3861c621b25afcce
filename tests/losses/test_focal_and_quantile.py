"""Focal losses and the quantile loss: by hand, beside Keras and scikit-learn, and at extremes."""

from __future__ import annotations

import math
import os
import warnings

import numpy as np
import pytest

import ffnn
from ffnn.activations import Sigmoid, Softmax, Tanh
from ffnn.layers import Dense
from ffnn.losses import (
    LOSSES,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Quantile,
)

# -- quantile --------------------------------------------------------------------------------------


def test_quantile_by_hand():
    # y - p = [2, -1, 0, -4] at q = 0.9: 1.8, 0.1, 0, 0.4
    p, y = np.array([[1.0, 3.0], [2.0, 5.0]]), np.array([[3.0, 2.0], [2.0, 1.0]])
    loss = Quantile(0.9)
    assert loss.forward(p, y) == pytest.approx(2.3 / 4, rel=1e-14)
    np.testing.assert_allclose(loss.backward(), [[-0.225, 0.025], [0.0, 0.025]], rtol=1e-14)
    weight = np.array([2.0, 0.5])
    assert loss.forward(p, y, weight) == pytest.approx((2 * 1.9 + 0.5 * 0.4) / 4, rel=1e-14)
    np.testing.assert_allclose(loss.backward(), [[-0.45, 0.05], [0.0, 0.0125]], rtol=1e-14)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_quantile_agrees_with_sklearn(quantile):
    reference = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    y, p = np.random.default_rng(0).normal(size=(2, 30, 3))
    expected = reference.mean_pinball_loss(y, p, alpha=quantile)
    assert Quantile(quantile)(y, p) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_its_minimum_is_the_quantile(quantile):
    y = np.random.default_rng(0).exponential(size=1001)
    model = ffnn.Sequential([Dense(1)], 1, "float64", seed=0)
    model.compile(ffnn.optimizers.SGD(ffnn.schedules.CosineDecay(1.0, 2000)), Quantile(quantile))
    model.fit(np.zeros((1001, 1)), y, batch_size=1001, epochs=2000, verbose=0)
    assert model.predict(np.zeros((1, 1)))[0, 0] == pytest.approx(
        np.quantile(y, quantile), abs=0.01
    )


# -- focal -----------------------------------------------------------------------------------------


def binary_focal(y, p, alpha, gamma):
    """Lin et al.'s equation 5 for y of 0 or 1; without α the weights are 1, equation 4."""
    p_t = p if y == 1 else 1.0 - p
    a_t = 1.0 if alpha is None else alpha if y == 1 else 1.0 - alpha
    return -a_t * (1.0 - p_t) ** gamma * math.log(p_t)


SETTINGS = [(None, 2.0), (0.25, 2.0), (0.9, 0.5), (0.5, 0.0), (None, 5.0)]


@pytest.mark.parametrize(("alpha", "gamma"), SETTINGS)
@pytest.mark.parametrize("weight", [None, np.array([2.0, 0.5, 1.0])])
def test_binary_focal_is_the_papers_formula(alpha, gamma, weight):
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0.05, 0.95, (3, 2)), np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    rows = np.ones(3) if weight is None else weight
    expected = sum(
        rows[i] * binary_focal(y[i, j], p[i, j], alpha, gamma) for i in range(3) for j in range(2)
    )
    loss = BinaryFocalCrossentropy(alpha, gamma)
    assert loss.forward(p.copy(), y, weight) == pytest.approx(expected / 6, rel=1e-13)
    assert isinstance(loss.fuse(Sigmoid()), ffnn.losses.SigmoidFocalCrossentropy)
    fused = loss.fuse(Sigmoid())
    assert fused.forward(np.log(p / (1 - p)), y, weight) == pytest.approx(expected / 6, rel=1e-12)


def test_binary_focal_by_hand():
    # p = 3/4 right: (1/4)² log(4/3); wrong: (3/4)² log 4
    loss = BinaryFocalCrossentropy()
    expected = (math.log(4 / 3) / 16 + math.log(4) * 9 / 16) / 2
    assert loss.forward(np.array([[0.75, 0.75]]), np.array([[1.0, 0.0]])) == pytest.approx(expected)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (1.0, 0.5), (3.0, 0.0)])
@pytest.mark.parametrize("kind", ["labels", "one-hot", "soft"])
def test_categorical_focal_is_its_formula(alpha, gamma, kind):
    rng = np.random.default_rng(0)
    p, labels, weight = rng.dirichlet(np.ones(4), 5), rng.integers(4, size=5), rng.uniform(size=5)
    y = rng.dirichlet(np.ones(4), 5) if kind == "soft" else np.eye(4)[labels]
    terms = [
        -weight[i] * alpha * y[i, j] * (1 - p[i, j]) ** gamma * math.log(p[i, j])
        for i in range(5)
        for j in range(4)
    ]
    loss = CategoricalFocalCrossentropy(alpha, gamma)
    target = loss.prepare(labels if kind == "labels" else y, 4)
    assert loss.forward(p.copy(), target, weight) == pytest.approx(sum(terms) / 5, rel=1e-13)
    fused = loss.fuse(Softmax())
    z = np.log(p) + rng.normal(size=(5, 1))
    assert fused.forward(z, target, weight) == pytest.approx(sum(terms) / 5, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("ours", "theirs", "last"),
    [
        (BinaryFocalCrossentropy, "BinaryFocalCrossentropy", "sigmoid"),
        (CategoricalFocalCrossentropy, "CategoricalFocalCrossentropy", "softmax"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_keras_has_the_same(ours, theirs, last, smoothing):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="torch is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras", reason="Keras is not installed")
    rng = np.random.default_rng(0)
    y = np.eye(3)[rng.integers(3, size=8)]
    p = rng.dirichlet(np.ones(3), 8).astype("f4")
    settings = {"alpha": 0.3, "gamma": 1.5, "label_smoothing": smoothing}
    balanced = {"apply_class_balancing": True} if last == "sigmoid" else {}
    expected = getattr(keras.losses, theirs)(**settings, **balanced)(y, p)
    assert ours(**settings)(y, p) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_without_focus_they_are_the_plain_ones(seed, smoothing):
    rng = np.random.default_rng(seed)
    for focal, plain, last in (
        (
            BinaryFocalCrossentropy(gamma=0.0, label_smoothing=smoothing),
            BinaryCrossentropy(smoothing),
            Sigmoid(),
        ),
        (
            CategoricalFocalCrossentropy(1.0, 0.0, smoothing),
            CategoricalCrossentropy(smoothing),
            Softmax(),
        ),
    ):
        z, y = rng.normal(0, 3, (6, 3)), np.eye(3)[rng.integers(3, size=6)]
        found, expected = focal.fuse(last), plain.fuse(last)
        assert found.forward(z.copy(), y) == pytest.approx(expected.forward(z.copy(), y), rel=1e-12)
        np.testing.assert_allclose(found.backward(), expected.backward(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 50.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("far", [1e-30, 20.0, 90.0, 1e4, 1e38])
def test_far_logits_give_the_limits(far, dtype, gamma):
    """A confident answer costs nothing; a confident mistake costs |z| and is pulled back by 1."""
    z = np.array([[far, -far]], dtype)
    right, wrong = np.array([[1.0, 0.0]], dtype), np.array([[0.0, 1.0]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss = BinaryFocalCrossentropy(gamma=gamma).fuse(Sigmoid())
        good, good_slope = loss.forward(z.copy(), right), loss.backward().copy()
        bad, bad_slope = loss.forward(z.copy(), wrong), loss.backward().copy()
        several = CategoricalFocalCrossentropy(1.0, gamma).fuse(Softmax())
        half = several.forward(z / 2, wrong), several.backward().copy()
    assert np.isfinite([good, bad, *good_slope[0], *bad_slope[0], half[0], *half[1][0]]).all()
    if far >= 90.0:
        assert good == pytest.approx(0.0, abs=1e-9)
        np.testing.assert_allclose(good_slope, 0.0, atol=1e-9)
        assert bad == pytest.approx(far, rel=1e-5)
        np.testing.assert_allclose(bad_slope, [[0.5, -0.5]], rtol=1e-5)
        assert half[0] == pytest.approx(far, rel=1e-5)
        np.testing.assert_allclose(half[1], [[1.0, -1.0]], rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_their_gradients_pass_the_check(last, kind, seed, smoothing):
    rng = np.random.default_rng(seed)
    cls = BinaryFocalCrossentropy if last == "sigmoid" else CategoricalFocalCrossentropy
    model = ffnn.Sequential([Dense(5, "tanh"), Dense(3, last)], 4, "float64", seed=seed)
    model.compile("sgd", cls(0.3, 1.7, smoothing))
    y = np.eye(3)[rng.integers(3, size=6)] if kind == "hard" else rng.dirichlet(np.ones(3), 6)
    report = ffnn.gradient_check(
        model, rng.normal(size=(6, 4)), y, sample_weight=rng.uniform(size=6)
    )
    assert report.max_error < 1e-7


def test_they_train_and_are_saved(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3))
    for loss, last, y in (
        ("binary_focal_crossentropy", Dense(1, "sigmoid"), x[:, 0] > 1.0),
        (CategoricalFocalCrossentropy(0.5, 1.0), Dense(2, "softmax"), (x[:, 0] > 1.0).astype(int)),
        (Quantile(0.9), Dense(1), x[:, 0]),
    ):
        model = ffnn.Sequential([Dense(4, "relu"), last], 3, seed=0)
        model.compile("adam", loss)
        history = model.fit(x, y, epochs=20, verbose=0).history["loss"]
        assert history[-1] < history[0]
        model.save(tmp_path / "m.h5")
        loaded = ffnn.load_model(tmp_path / "m.h5")
        assert repr(loaded.loss) == repr(model.loss)
        assert loaded.evaluate(x, y) == model.evaluate(x, y)


@pytest.mark.parametrize(
    ("loss", "last", "message"),
    [
        ("binary_focal_crossentropy", None, "binary_focal_crossentropy needs outputs between"),
        ("binary_focal_crossentropy", Tanh(), "binary_focal_crossentropy needs outputs between"),
        ("binary_focal_crossentropy", Softmax(), "do not depend.*'sigmoid'.*categorical_focal"),
        (
            "categorical_focal_crossentropy",
            Sigmoid(),
            "categorical_focal_crossentropy needs a soft",
        ),
    ],
)
def test_endings_that_do_not_fit_are_refused(loss, last, message):
    with pytest.raises(ValueError, match=message):
        LOSSES.get(loss).check_output(last)


def test_targets_that_do_not_fit_are_refused_by_the_losss_own_name():
    with pytest.raises(ffnn.DataError, match=r"^binary_focal_crossentropy: expected y between"):
        BinaryFocalCrossentropy().prepare(np.array([[2.0]]), 1)
    with pytest.raises(ffnn.DataError, match=r"^categorical_focal_crossentropy: expected each row"):
        CategoricalFocalCrossentropy().prepare(np.array([[0.5, 0.1]]), 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Quantile(0.0), r"Quantile: quantile must be .*\(0.0, 1.0\), got 0"),
        (lambda: Quantile(1), r"Quantile: quantile must be .*\(0.0, 1.0\), got 1"),
        (lambda: BinaryFocalCrossentropy(1.5), r"alpha must be .*\[0.0, 1.0\], got 1.5"),
        (lambda: BinaryFocalCrossentropy(gamma=-1), r"gamma must be .*\[0.0, inf\), got -1"),
        (lambda: CategoricalFocalCrossentropy(0), r"alpha must be .*\(0.0, inf\), got 0"),
        (lambda: CategoricalFocalCrossentropy(gamma=-1), r"gamma must be .*got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
