"""Weights of rows and of classes that cannot be used: the same in models and in estimators."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
NUMBERS = (X @ np.arange(5.0)).astype(np.float32)
STEEP = np.where(Y, 1e30, 1.0)

WRONG = {
    "negative": (-1.0, "sample_weight: expected at least 0, got -1.0 in row 0"),
    "too large": (1e39, "sample_weight: got 1e+39 in row 0, column 0. It is too large for float32"),
    "too small": (1e-320, "sample_weight: the largest weight, 9.99989e-321, becomes 0 in float32"),
}


def train_model(y, **weights):
    model = ffnn.Sequential([Dense(1, "sigmoid" if y is Y else None)], input_dim=5, seed=0)
    model.compile("adam", "bce" if y is Y else "mse")
    before = model.parameters.copy()
    try:
        model.fit(X, y, verbose=0, **weights)
    finally:
        np.testing.assert_array_equal(model.parameters, before)


def train_estimator(solver):
    def train(y, class_weight=None, **weights):
        if y is Y:
            return FFNNClassifier(solver=solver, class_weight=class_weight).fit(X, y, **weights)
        return FFNNRegressor(solver=solver).fit(X, y, **weights)

    return train


WORLDS = {"model": train_model, "adam": train_estimator("adam"), "sgd": train_estimator("sgd")}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("y", [Y, NUMBERS], ids=["classifier", "regressor"])
@pytest.mark.parametrize("world", WORLDS)
def test_wrong_weights_of_rows_are_named(world, y, kind):
    weight, message = WRONG[kind]
    with pytest.raises(ValueError, match=re.escape(message)):
        WORLDS[world](y, sample_weight=np.full(300, weight))
    if world != "model":
        data = (X, y, np.full(300, weight))
        with pytest.raises(ValueError, match=re.escape(message)):
            WORLDS[world](y, validation_data=data)


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("y", [Y, NUMBERS], ids=["classifier", "regressor"])
def test_wrong_weights_are_named_by_partial_fit_too(y, kind):
    weight, message = WRONG[kind]
    estimator = FFNNClassifier() if y is Y else FFNNRegressor()
    classes = {"classes": [0, 1]} if y is Y else {}
    with pytest.raises(ValueError, match=re.escape(message)):
        estimator.partial_fit(X, y, np.full(300, weight), **classes)
    assert not hasattr(estimator, "model_")


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0: 1e39}, "class_weight: weight of class 0=1e+39 becomes infinite in float32"),
        ({0: 1e-50, 1: 1e-50}, "class_weight: weight of class 0=1e-50 becomes 0 in float32"),
        ({0: 1.0, 1: -1.0}, "class_weight: weight of class 1 must be a finite number in [0.0"),
    ],
)
def test_wrong_weights_of_classes_are_named(world, weights, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        WORLDS[world](Y, class_weight=weights)


@pytest.mark.parametrize("world", WORLDS)
def test_the_product_of_both_weights_is_checked_too(world):
    with pytest.raises(ValueError, match=r"sample_weight: got 1\.0*1?e\+60 in row .* too large"):
        WORLDS[world](Y, class_weight={1: 1e30}, sample_weight=STEEP)


@pytest.mark.parametrize("weight", [1e-44, 3e38])
def test_weights_whose_mean_is_beyond_the_dtype_are_refused(weight):
    with pytest.raises(ValueError, match=r"sample_weight: the weights of a batch sum to .*float32"):
        FFNNRegressor().fit(X, NUMBERS, np.full(300, weight))
    with pytest.raises(ValueError, match=r"sample_weight: the weights of a batch sum to .*float64"):
        FFNNRegressor().fit(X.astype(float), NUMBERS, np.full(300, 1e-320))


def test_a_few_weights_that_vanish_beside_others_are_as_zero():
    light = np.where(Y, 1.0, 1e-50)
    zero = np.where(Y, 1.0, 0.0)
    fitted = [
        FFNNRegressor(max_iter=2, random_state=0).fit(X, NUMBERS, weight)
        for weight in (light, zero)
    ]
    np.testing.assert_array_equal(fitted[0].coefs_[0], fitted[1].coefs_[0])


@pytest.mark.parametrize("wild", [1e30, np.finfo(np.float32).max])
@pytest.mark.parametrize("y", [Y, NUMBERS], ids=["classifier", "regressor"])
def test_a_validation_row_of_weight_zero_is_as_if_it_were_not_there(y, wild):
    x, target = X.astype(float), y.astype(float) if y is NUMBERS else y
    if y is NUMBERS:
        target = np.append(target, wild**5 if wild == 1e30 else wild)
    else:
        target = np.append(target, 1)
    rows = np.vstack([x, np.full(5, wild)])
    settings = {"hidden_layer_sizes": (4,), "activation": "relu", "max_iter": 3, "random_state": 0}
    cls = FFNNClassifier if y is Y else FFNNRegressor
    weight = np.append(np.linspace(0.5, 2.0, 300), 0.0)
    with_row = cls(**settings).fit(x, y, validation_data=(rows, target, weight))
    without = cls(**settings).fit(x, y, validation_data=(x, y, weight[:-1]))
    assert with_row.validation_scores_ == pytest.approx(without.validation_scores_, rel=1e-12)
    assert with_row.validation_scores_[-1] == pytest.approx(with_row.score(x, y, weight[:-1]))


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("y", [Y, NUMBERS], ids=["classifier", "regressor"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_training_row_of_weight_zero_is_as_if_it_were_not_there(y, solver, sparse):
    cls = FFNNClassifier if y is Y else FFNNRegressor
    x, target = np.vstack([np.full((3, 5), 1e308), X]), np.append([0, 1, 1], y)
    weight = np.append([0.0, 0.0, 0.0], np.linspace(0.5, 2.0, 300))
    if sparse:
        scipy_sparse = pytest.importorskip("scipy.sparse")
        x = scipy_sparse.csr_matrix(x)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "batch_size": 303}
    settings |= {"solver": solver, "shuffle": False}
    with_rows = cls(**settings).fit(x, target, weight)
    without = cls(**settings | {"batch_size": 300}).fit(X.astype(float), y, weight[3:])
    for came, expected in zip(with_rows.coefs_, without.coefs_, strict=True):
        np.testing.assert_allclose(came, expected, rtol=1e-6)
    assert with_rows.loss_ == pytest.approx(without.loss_, rel=1e-9)
