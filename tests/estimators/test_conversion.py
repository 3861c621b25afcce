"""Estimators out of models, and models as the pattern of an estimator's network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.inspection import permutation_importance
from sklearn.model_selection import cross_val_score

import ffnn
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import BatchNorm, Dense, Dropout, Normalization, Rescaling
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import CosineDecay

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


def iris_model(optimizer="adam", **options):
    model = ffnn.Sequential(
        [Normalization().adapt(X), Dense(8, "relu"), Dense(3, "softmax")],
        input_dim=4,
        seed=0,
        **options,
    )
    model.compile(optimizer, "categorical_crossentropy")
    return model


@pytest.fixture
def fitted_model():
    model = iris_model()
    model.fit(X, Y, epochs=60, batch_size=10, verbose=0)
    return model


def test_an_estimator_of_a_fitted_model_predicts_at_once(fitted_model):
    estimator = fitted_model.as_estimator()
    assert isinstance(estimator, FFNNClassifier)
    assert estimator.model_ is fitted_model
    np.testing.assert_array_equal(estimator.classes_, [0, 1, 2])
    np.testing.assert_array_equal(estimator.predict_proba(X), fitted_model.predict(X))
    assert estimator.score(X, Y) > 0.9
    assert estimator.n_features_in_ == 4
    assert (estimator.n_layers_, estimator.n_outputs_, estimator.out_activation_) == (
        3,
        3,
        "softmax",
    )
    assert estimator.n_iter_ == 60
    assert estimator.loss_curve_ == fitted_model.history.history["loss"]
    assert estimator.loss_ == estimator.loss_curve_[-1]
    assert [w.shape for w in estimator.coefs_] == [(4, 8), (8, 3)]


def test_scikit_learns_tools_take_the_estimator_of_a_model(fitted_model):
    estimator = fitted_model.as_estimator(max_iter=40, learning_rate_init=0.02, random_state=0)
    importances = permutation_importance(estimator, X, Y, n_repeats=5, random_state=0)
    assert min(importances.importances_mean[2:]) > max(importances.importances_mean[:2])
    before = fitted_model.parameters.copy()
    assert cross_val_score(estimator, X, Y, cv=3).mean() > 0.9
    np.testing.assert_array_equal(fitted_model.parameters, before)


def test_a_clone_trains_new_weights_for_the_same_layers(fitted_model):
    estimator = clone(fitted_model.as_estimator(max_iter=3, random_state=0))
    assert not hasattr(estimator, "model_")
    estimator.fit(X, Y)
    assert estimator.model_ is not fitted_model
    assert list(map(repr, estimator.model_.layers)) == list(map(repr, fitted_model.layers))
    assert estimator.model_.dtype == np.float32
    # What was learned from the columns is kept, the weights are new.
    for name, array in fitted_model.layers[0].state.items():
        np.testing.assert_array_equal(estimator.model_.layers[0].state[name], array)
    assert not np.array_equal(estimator.coefs_[0], fitted_model.layers[1].params["weight"].T)
    again = clone(estimator).fit(X, Y)
    np.testing.assert_array_equal(again.coefs_[0], estimator.coefs_[0])
    other = clone(estimator).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(other.coefs_[0], estimator.coefs_[0])


def test_partial_fit_trains_the_model_itself(fitted_model):
    estimator = fitted_model.as_estimator()
    before = fitted_model.parameters.copy()
    estimator.partial_fit(X, Y)
    assert estimator.model_ is fitted_model
    assert not np.array_equal(fitted_model.parameters, before)
    assert fitted_model.position is None  # where its own training stood holds no longer


def test_the_estimator_of_a_model_survives_pickling(fitted_model):
    estimator = fitted_model.as_estimator()
    twin = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(twin.predict_proba(X), estimator.predict_proba(X))


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (
            Adam(0.02, 0.8, 0.99, 1e-5, clipnorm=2.0),
            {
                "solver": "adam",
                "learning_rate_init": 0.02,
                "beta_1": 0.8,
                "beta_2": 0.99,
                "epsilon": 1e-5,
                "clipnorm": 2.0,
            },
        ),
        (
            SGD(0.3, momentum=0.5),
            {
                "solver": "sgd",
                "learning_rate_init": 0.3,
                "momentum": 0.5,
                "nesterovs_momentum": False,
            },
        ),
    ],
    ids=repr,
)
def test_settings_of_the_optimizer_are_taken_over_where_there_are_like_ones(optimizer, settings):
    params = iris_model(optimizer).as_estimator().get_params(deep=False)
    assert {name: params[name] for name in settings} == settings


OPTIMIZERS = [
    *(cls for cls in ffnn.optimizers.OPTIMIZERS if cls not in (Adam, SGD)),
    lambda: Adam(CosineDecay(0.1, 5)),
    lambda: SGD(CosineDecay(0.1, 5)),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_any_other_optimizer_is_the_solver_itself(make):
    model = iris_model(make())
    estimator = clone(model.as_estimator(max_iter=2, random_state=0))
    assert repr(estimator.solver) == repr(model.optimizer)
    assert estimator.solver is not model.optimizer
    fitted = estimator.fit(X, Y)
    assert repr(fitted.model_.optimizer) == repr(model.optimizer)
    assert fitted.partial_fit(X, Y).n_iter_ == 1
    with pytest.raises(ValueError, match="as_estimator: momentum is of the solvers"):
        model.as_estimator(momentum=0.5)
    assert model.as_estimator(solver="sgd", momentum=0.5).momentum == 0.5


@pytest.mark.parametrize("scale", [1e-3, 0.1])
def test_a_given_optimizer_trains_as_the_named_solver_that_it_is(scale):
    named = FFNNClassifier((5,), learning_rate_init=scale, random_state=0, max_iter=4).fit(X, Y)
    given = FFNNClassifier((5,), solver=Adam(scale, epsilon=1e-8), random_state=0, max_iter=4).fit(
        X, Y
    )
    np.testing.assert_array_equal(given.model_.parameters, named.model_.parameters)
    clipped = FFNNClassifier((5,), solver=Adam(scale), clipnorm=2.0, max_iter=1).fit(X, Y)
    assert clipped.model_.optimizer.clipnorm == 2.0


def twins(layers, loss, optimizer, metrics, x, y, **options):
    """Return a trained model, and what its estimator is made of: a copy."""

    def build():
        model = ffnn.Sequential(layers(), input_dim=x.shape[1], seed=0, **options)
        model.compile(optimizer(), loss, metrics)
        model.fit(x, y, epochs=3, verbose=0, batch_size=50, shuffle=False)
        return model

    return build(), build()


LABELS = np.column_stack([Y == 0, Y == 2]).astype(int)
PENALTY = {"weight_regularizer": ffnn.regularizers.L2(0.1)}
WORKS = {
    "log-loss": (lambda: [Dense(3, "softmax", **PENALTY)], "cce", ["accuracy"], Y),
    "mse of classes": (lambda: [Dense(3, "softmax")], "mse", [], np.eye(3)[Y]),
    "one sigmoid": (lambda: [Dense(1, "sigmoid")], "bce", ["accuracy"], (Y == 2).astype(int)),
    "mse of one sigmoid": (lambda: [Dense(1, "sigmoid")], "mse", [], (Y == 2).astype(int)),
    "labels": (lambda: [Dense(2, "sigmoid")], "bce", ["accuracy", "f1"], LABELS),
    "numbers": (lambda: [Dense(4, "tanh"), Dense(1)], "mse", ["mae"], X[:, 0]),
    "several numbers": (lambda: [Dense(2, **PENALTY)], "mse", ["r2"], X[:, :2]),
    "huber": (lambda: [Dense(1)], "huber", [], X[:, 0]),
    "poisson": (lambda: [Dense(1, "exponential")], "poisson", [], X[:, 0]),
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("optimizer", list(ffnn.optimizers.OPTIMIZERS))
def test_partial_fit_goes_on_as_fit_of_the_model_does(work, optimizer):
    layers, loss, metrics, y = WORKS[work]
    model, other = twins(layers, loss, lambda: optimizer(0.01), metrics, X, y)
    memory = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
    estimator = other.as_estimator(batch_size=50, shuffle=False)
    labels = Y if work == "mse of classes" else y
    estimator.partial_fit(X, labels)
    model.fit(X, y, epochs=4, initial_epoch=3, verbose=0, batch_size=50, shuffle=False)
    np.testing.assert_array_equal(other.parameters, model.parameters)
    for name, slot in model.optimizer.slots.items():
        np.testing.assert_array_equal(other.optimizer.slots[name], slot)
        assert not np.array_equal(memory[name], slot)
    assert type(other.optimizer) is optimizer
    assert repr(other.loss) == repr(model.loss)
    names = list(model.history.history)
    assert list(other.history.history) == names
    for name in names:
        assert other.history.history[name][-1] == model.history.history[name][-1]
    assert other.history.epoch == [0, 1, 2, 3]


@pytest.mark.parametrize("work", WORKS)
def test_a_clone_of_a_models_estimator_has_its_loss_and_its_metrics(work):
    layers, loss, metrics, y = WORKS[work]
    model, _ = twins(layers, loss, Adam, metrics, X, y)
    labels = Y if work == "mse of classes" else y
    fitted = clone(model.as_estimator(max_iter=2, random_state=0)).fit(X, labels)
    assert repr(fitted.model_.loss) == repr(model.loss)
    assert list(fitted.model_.history.history) == ["loss", *(m.name for m in model.metrics)]
    assert fitted.alpha == 0.0


def test_a_loss_or_solver_that_is_given_takes_the_place_of_the_models(fitted_model):
    memory = fitted_model.optimizer
    estimator = fitted_model.as_estimator(solver="sgd").partial_fit(X, Y)
    assert type(estimator.model_.optimizer) is SGD
    assert estimator.model_.optimizer is not memory
    given = fitted_model.as_estimator(loss=ffnn.losses.MeanSquaredError()).partial_fit(X, Y)
    assert type(given.model_.loss) is ffnn.losses.MeanSquaredError


def test_parameters_may_be_given(fitted_model):
    estimator = fitted_model.as_estimator(solver="sgd", alpha=0.5)
    assert (estimator.solver, estimator.alpha) == ("sgd", 0.5)


def test_names_of_classes_and_columns_are_taken_over():
    model = iris_model()
    model.class_names = ["setosa", "versicolor", "virginica"]
    assert set(model.as_estimator().predict(X)) <= set(model.class_names)
    model.feature_names = ["a", "b", "c", "d"]
    np.testing.assert_array_equal(model.as_estimator().feature_names_in_, ["a", "b", "c", "d"])
    np.testing.assert_array_equal(model.as_estimator(classes=[3, 5, 7]).classes_, [3, 5, 7])


@pytest.mark.parametrize(
    ("classes", "message"),
    [([0, 1], "expected 3 classes"), (["b", "a", "c"], "have to ascend.*classes=range.3.")],
)
def test_classes_that_do_not_fit_are_rejected(classes, message):
    with pytest.raises(ValueError, match=message):
        iris_model().as_estimator(classes=classes)


def test_a_sigmoid_of_one_unit_tells_two_classes_apart():
    x, y = load_breast_cancer(return_X_y=True)
    model = ffnn.Sequential([Normalization().adapt(x), Dense(1, "sigmoid")], input_dim=30, seed=0)
    model.compile(Adam(0.05), "binary_crossentropy")
    model.fit(x, y, epochs=10, verbose=0)
    estimator = model.as_estimator(classes=["bad", "good"])
    assert estimator.score(x, np.array(["bad", "good"])[y]) > 0.95
    np.testing.assert_allclose(estimator.predict_proba(x).sum(axis=1), 1.0)
    refitted = clone(estimator).fit(x, y)
    assert refitted.out_activation_ == "logistic"
    assert refitted.score(x, y) > 0.95


def test_two_softmax_units_tell_two_classes_apart():
    x, y = load_breast_cancer(return_X_y=True)
    pattern = ffnn.Sequential([Normalization().adapt(x), Dense(2, "softmax")])
    fitted = FFNNClassifier(network=pattern, learning_rate_init=0.05, max_iter=30).fit(x, y)
    assert (fitted.n_outputs_, fitted.out_activation_) == (2, "softmax")
    assert fitted.score(x, y) > 0.95
    held = fitted.set_params(early_stopping=True).fit(x, y)
    assert held.best_validation_score_ > 0.9


def test_several_sigmoids_tell_labels_apart():
    labels = np.column_stack([Y == 0, Y == 2]).astype(int)
    model = ffnn.Sequential([Dense(2, "sigmoid")], input_dim=4, seed=0)
    estimator = model.as_estimator()
    assert estimator.predict(X).shape == (150, 2)
    assert (
        clone(estimator)
        .set_params(learning_rate_init=0.1, random_state=0)
        .fit(X, labels)
        .score(X, labels)
        > 0.6
    )


def test_a_model_for_numbers_becomes_a_regressor():
    x, y = load_diabetes(return_X_y=True)
    model = ffnn.Sequential([Dense(6, "tanh"), Dense(1)], input_dim=10, seed=0, dtype="float64")
    for loss, expected in (("mse", "squared_error"), ("poisson", "poisson")):
        if loss == "poisson":
            model = ffnn.Sequential([Dense(1, "exponential")], input_dim=10, seed=0)
        model.compile("adam", loss)
        estimator = model.as_estimator(max_iter=3)
        assert isinstance(estimator, FFNNRegressor)
        assert estimator.loss == expected
        np.testing.assert_array_equal(estimator.predict(x), model.predict(x).ravel())
        assert clone(estimator).fit(x, y).out_activation_ == estimator.out_activation_
    model = ffnn.Sequential([Dense(1)], input_dim=10)
    model.compile("sgd", ffnn.losses.Huber(2.0))
    assert model.as_estimator().loss.delta == 2.0


def test_the_pattern_of_a_network_may_hold_anything_and_stays_as_it_was():
    pattern = ffnn.Sequential(
        [Rescaling(0.2), Dense(10, "gelu"), BatchNorm(0.9), Dropout(0.1), Dense(3, "softmax")]
    )
    fitted = FFNNClassifier(network=pattern, learning_rate_init=0.01, random_state=0).fit(X, Y)
    assert fitted.score(X, Y) > 0.9
    assert not pattern.is_built
    assert fitted.model_.layers[2].state["moving_mean"].any()
    assert fitted.predict(X[:1]).shape == (1,)


def test_the_pattern_of_a_custom_layer_is_copied():
    class Doubled(Dense):
        def linear(self, x, training=False):
            return super().linear(x, training)

    pattern = ffnn.Sequential([Doubled(3, "softmax")])
    fitted = FFNNClassifier(network=pattern, max_iter=2).fit(X, Y)
    assert type(fitted.model_.layers[0]) is Doubled


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(4, "softmax")], "3 classes.*3 units with activation softmax.*has 4"),
        ([Dense(3)], "3 classes.*it has 3 with none"),
        ([Dense(1, "sigmoid")], "3 classes.*has 1 with Sigmoid"),
    ],
)
def test_a_pattern_that_does_not_fit_the_classes_is_rejected(layers, message):
    with pytest.raises(ValueError, match=f"network: y has {message}"):
        FFNNClassifier(network=ffnn.Sequential(layers)).fit(X, Y)


def test_a_pattern_that_does_not_fit_the_numbers_is_rejected():
    with pytest.raises(
        ValueError, match="network: y has 1 outputs, but the last layer has 2 units"
    ):
        FFNNRegressor(network=ffnn.Sequential([Dense(2)])).fit(X, Y)


def test_a_layer_without_bias_has_intercepts_of_zero_that_cannot_be_written():
    pattern = ffnn.Sequential([Dense(3, "softmax", use_bias=False)])
    fitted = FFNNClassifier(network=pattern, max_iter=2).fit(X, Y)
    np.testing.assert_array_equal(fitted.intercepts_[0], np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        fitted.intercepts_[0] = np.ones(3)


def test_a_model_without_parameters_is_rejected():
    with pytest.raises(RuntimeError, match="as_estimator: this model has no parameters yet"):
        ffnn.Sequential([Dense(1)]).as_estimator()


def test_classes_of_a_model_for_numbers_are_rejected():
    with pytest.raises(ValueError, match="classes belong to a network that ends in a softmax"):
        ffnn.Sequential([Dense(1)], input_dim=2).as_estimator(classes=[0, 1])


def test_a_fitted_estimators_model_is_a_sequential_that_trains_saves_and_loads(tmp_path):
    fitted = FFNNClassifier((6,), max_iter=5, random_state=0).fit(X, Y)
    assert type(fitted.model_) is ffnn.Sequential
    fitted.model_.save(tmp_path / "iris.h5")
    loaded = ffnn.load_model(tmp_path / "iris.h5")
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict_proba(X))
    loaded.fit(X, Y, epochs=2, verbose=0)
    back = loaded.as_estimator()
    np.testing.assert_array_equal(back.predict_proba(X), loaded.predict(X))
