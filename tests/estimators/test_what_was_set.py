"""What the user has set is what an estimator trains by, or it says why not."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.base import clone

import ffnn
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import Dense
from ffnn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
)
from ffnn.regularizers import L1, L2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
Y = (X[:, 0] > 0).astype(int)
Y3 = Y + (X[:, 1] > 0.5)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 3.0]
STILL = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}


# A network given as template


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("rule", [L2(0.05), L1(0.05)], ids=repr)
def test_the_regularizers_of_a_template_are_kept(solver, rule):
    def fit(**options):
        network = ffnn.Sequential([Dense(6, "tanh", **options), Dense(3, "softmax")])
        settings = {"solver": solver, "alpha": 0.0, "random_state": 0, "max_iter": 200}
        return FFNNClassifier(network=network, **settings).fit(X, Y3)

    plain, regular = fit(), fit(weight_regularizer=rule)
    assert regular.model_.layers[0].weight_regularizer is not None
    size = [np.abs(each.coefs_[0]).sum() for each in (plain, regular)]
    assert size[1] < 0.9 * size[0]


def test_the_regularizers_of_a_template_are_in_the_loss_besides_alpha():
    def fit(alpha, **options):
        network = ffnn.Sequential([Dense(3, "softmax", **options)], dtype="float64")
        return FFNNClassifier(network=network, alpha=alpha, batch_size=300, **STILL).fit(X, Y3)

    plain = fit(0.0)
    both = fit(30.0, weight_regularizer=L2(0.5))
    squares = (plain.coefs_[0] ** 2).sum()
    assert both.loss_ == pytest.approx(plain.loss_ + 0.5 * squares + 30 / 600 * squares, rel=1e-12)


# Losses given as objects


@pytest.mark.parametrize("y", [Y, Y3], ids=["two", "three"])
@pytest.mark.parametrize("batch_size", [3, 100])
@pytest.mark.parametrize("loss", [MeanSquaredError(), MeanAbsoluteError(), Huber(0.3)], ids=repr)
def test_a_loss_of_numbers_compares_the_outputs_with_one_hot_rows(loss, batch_size, y):
    still = FFNNClassifier(loss=loss, alpha=0.0, batch_size=batch_size, **STILL).fit(X, y)
    p = still.predict_proba(X)
    difference = p - np.eye(p.shape[1])[y]
    values = {
        MeanSquaredError: difference**2,
        MeanAbsoluteError: np.abs(difference),
        Huber: np.where(
            np.abs(difference) <= 0.3, difference**2 / 2, 0.3 * (np.abs(difference) - 0.15)
        ),
    }
    assert still.loss_ == pytest.approx(values[type(loss)].mean(), rel=1e-12)
    settings = {"learning_rate_init": 0.01, "random_state": 0}
    fitted = FFNNClassifier(loss=loss, batch_size=batch_size, max_iter=40, **settings).fit(X, y)
    assert fitted.score(X, y) > 0.75
    watched = clone(fitted).set_params(early_stopping=True, max_iter=5).fit(X, y)
    assert 0 <= watched.best_validation_score_ <= 1


def test_a_loss_of_classes_gives_two_classes_a_softmax():
    fitted = FFNNClassifier(loss=CategoricalCrossentropy(), random_state=0).fit(X, Y)
    assert (fitted.n_outputs_, fitted.out_activation_) == (2, "softmax")
    assert fitted.score(X, Y) > 0.95


def test_a_loss_that_cannot_follow_the_outputs_is_refused_before_anything_changes():
    fitted = FFNNClassifier((4,), random_state=0, max_iter=2).fit(X, Y)
    before = dict(vars(fitted))
    fitted.set_params(loss=ffnn.losses.CategoricalCrossentropy())
    labels = np.column_stack([Y, 1 - Y, Y3 > 1]).astype(int)
    with pytest.raises(ValueError, match=r"categorical_crossentropy needs.*softmax"):
        fitted.fit(X, labels)
    assert fitted.set_params(loss="log_loss").__dict__ == before


def test_several_labels_take_a_loss_object_too():
    labels = np.column_stack([Y, Y3 > 1]).astype(int)
    for loss in (BinaryCrossentropy(), MeanSquaredError()):
        fitted = FFNNClassifier(loss=loss, random_state=0, max_iter=100).fit(X, labels)
        assert fitted.score(X, labels) > 0.8


# Weights of classes


def test_validation_scores_are_not_weighted_by_class():
    for settings in ({"early_stopping": True}, {}):
        data = {} if settings else {"validation_data": (X[:50], Y3[:50])}
        scores = [
            FFNNClassifier(class_weight=weight, **settings, **STILL).fit(X, Y3, **data)
            for weight in (None, {0: 100.0}, "balanced")
        ]
        assert len({each.validation_scores_[0] for each in scores}) == 1
        losses = {each.model_.history.history["val_loss"][0] for each in scores}
        assert len(losses) == 1
        assert len({each.loss_ for each in scores}) == 3


def test_validation_scores_are_weighted_by_sample_weight_if_it_is_given():
    weight = np.where(Y3[:50] == 0, 5.0, 1.0)
    fitted = FFNNClassifier(class_weight={1: 3.0}, **STILL)
    fitted.fit(X, Y3, validation_data=(X[:50], Y3[:50], weight))
    assert fitted.validation_scores_ == [pytest.approx(fitted.score(X[:50], Y3[:50], weight))]


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [1.0, 2.0, 4.0]], ids=str)
def test_class_weights_need_not_be_of_classes_in_the_batch(labels):
    names = np.array(labels)
    weight = {labels[0]: 1, labels[2]: 5}
    plain, weighted = (
        FFNNClassifier((4,), class_weight=each, random_state=0).partial_fit(
            X[Y3 < 2], names[Y3[Y3 < 2]], classes=names
        )
        for each in (None, weight)
    )
    np.testing.assert_array_equal(weighted.model_.parameters, plain.model_.parameters)
    twice = FFNNClassifier((4,), class_weight={labels[2]: 5}, random_state=0, alpha=0.0)
    twice.partial_fit(X, names[Y3], classes=names)
    rows = FFNNClassifier((4,), random_state=0, alpha=0.0)
    # scikit-learn's partial_fit takes the rows' weights instead.
    rows.partial_fit(X, names[Y3], np.where(Y3 == 2, 5.0, 1.0), classes=names)
    np.testing.assert_array_equal(twice.model_.parameters, rows.model_.parameters)


def test_class_weights_of_several_labels_are_multiplied():
    labels = np.column_stack([Y, Y3 > 1]).astype(int)
    weight = [{1: 2.0}, {0: 3.0}]
    by_class = FFNNClassifier((4,), class_weight=weight, max_iter=2, random_state=0).fit(X, labels)
    rows = np.where(Y == 1, 2.0, 1.0) * np.where(Y3 > 1, 1.0, 3.0)
    by_row = FFNNClassifier((4,), max_iter=2, random_state=0).fit(X, labels, rows)
    np.testing.assert_array_equal(by_class.model_.parameters, by_row.model_.parameters)
    with pytest.raises(ValueError, match=r"a dict for each of the 2 columns"):
        FFNNClassifier(class_weight=weight[:1]).fit(X, labels)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ({7: 1.0}, r"classes \[0 1 2\], got one of 7"),
        ({0: -1.0}, "weight of class 0"),
        ({0: "much"}, "weight of class 0"),
        ({0: np.nan}, "weight of class 0"),
    ],
)
def test_class_weights_that_mean_nothing_are_refused(weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FFNNClassifier(class_weight=weight).fit(X, Y3)


# Continuing

CHANGES = {
    "hidden_layer_sizes": (9,),
    "activation": "tanh",
    "dropout": 0.1,
    "normalization": "batch",
    "weight_initializer": "glorot_normal",
    "bias_initializer": "zeros",
    "network": ffnn.Sequential([Dense(3, "softmax")]),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("how", ["warm_start=True", "partial_fit"])
def test_a_changed_network_cannot_be_continued(name, how):
    fitted = FFNNClassifier((6,), random_state=0, max_iter=2).fit(X, Y3)
    before = fitted.model_.parameters.copy()
    fitted.set_params(**{name: CHANGES[name]}, warm_start=how != "partial_fit")
    go_on = fitted.partial_fit if how == "partial_fit" else fitted.fit
    with pytest.raises(ValueError, match=f"^{name} is no longer.*{re.escape(how)}"):
        go_on(X, Y3)
    np.testing.assert_array_equal(fitted.model_.parameters, before)
    fresh = fitted.set_params(warm_start=False).fit(X, Y3)
    fresh.set_params(warm_start=True).fit(X, Y3)


def test_another_way_to_write_the_same_network_can_be_continued():
    fitted = FFNNClassifier(6, "relu", random_state=0, max_iter=2, warm_start=True).fit(X, Y3)
    fitted.set_params(hidden_layer_sizes=[6], activation=["relu"], dropout=0).fit(X, Y3)
    fitted.set_params(alpha=0.1, max_iter=3, learning_rate_init=0.01).fit(X, Y3)


@pytest.mark.parametrize("name", ["exp", "identity"])
def test_a_loss_that_needs_other_outputs_cannot_be_continued(name):
    losses = ["poisson", "squared_error"] if name == "exp" else ["squared_error", "poisson"]
    counts = RNG.poisson(3.0, 300)
    fitted = FFNNRegressor(losses[0], max_iter=2, warm_start=True).fit(X, counts)
    with pytest.raises(ValueError, match=r"^loss is no longer"):
        fitted.set_params(loss=losses[1]).fit(X, counts)
    fitted = FFNNClassifier(max_iter=2, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"^loss is no longer"):
        fitted.set_params(loss=CategoricalCrossentropy()).fit(X, Y)


def test_a_refused_first_partial_fit_learns_no_classes():
    estimator = FFNNClassifier((4,))
    with pytest.raises(ValueError, match="classes not in"):
        estimator.partial_fit(X, Y3, classes=[0, 1])
    assert not hasattr(estimator, "classes_")
    estimator.partial_fit(X, Y3, classes=[0, 1, 2])


# Diverging


@pytest.mark.parametrize("validated", [True, False])
def test_a_diverging_training_ends_with_its_best_weights(validated):
    settings = {"solver": "sgd", "activation": "identity", "random_state": 0, "max_iter": 100}
    settings |= {"learning_rate_init": 0.5, "early_stopping": validated}
    with pytest.warns(match=r"diverged.*the weights of its best epoch"):
        fitted = FFNNRegressor(restore_best_weights=True, **settings).fit(X * 3, NUMBERS)
    assert np.isfinite(fitted.model_.parameters).all()
    assert np.isnan(fitted.loss_curve_[-1])
    assert len(fitted.loss_curve_) == fitted.n_iter_ < 100
    if validated:
        assert np.isnan(fitted.validation_scores_[-1])
        assert fitted.best_validation_score_ == max(fitted.validation_scores_[:-1])
    with pytest.raises(ValueError, match=r"^Solver produced non-finite parameter weights"):
        FFNNRegressor(**settings, restore_best_weights=False).fit(X * 3, NUMBERS)
