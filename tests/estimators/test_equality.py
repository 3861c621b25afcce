"""The estimators compared with scikit-learn's own: same draws, same weights, same record."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from ffnn.estimators import FFNNClassifier, FFNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAIRS = {FFNNClassifier: MLPClassifier, FFNNRegressor: MLPRegressor}
ACTIVATIONS = ["relu", "tanh", "logistic", "identity"]


def scaled(load):
    x, y = load(return_X_y=True)
    return StandardScaler().fit_transform(x), y


def digits():
    x, y = load_digits(return_X_y=True)
    return x[:500] / 16, y[:500]


def multilabel():
    """Iris with two questions: is the flower a setosa, are its petals long?"""
    x, y = load_iris(return_X_y=True)
    return x, np.column_stack([y == 0, x[:, 2] > 4.5, y == 2]).astype(int)


def diabetes():
    x, y = scaled(load_diabetes)
    return x, (y - y.mean()) / y.std()


def two_outputs():
    x, y = diabetes()
    return x, np.column_stack([y, y**2])


def counts():
    x, y = scaled(load_diabetes)
    return x, np.floor(y / 50)


TASKS = {
    "classes": (FFNNClassifier, digits, {}),
    "two classes": (FFNNClassifier, lambda: scaled(load_breast_cancer), {}),
    "labels": (FFNNClassifier, multilabel, {}),
    "numbers": (FFNNRegressor, diabetes, {}),
    "two outputs": (FFNNRegressor, two_outputs, {}),
    "counts": (FFNNRegressor, counts, {"loss": "poisson"}),
}


def fit_both(task, sample_weight=None, **params):
    ours, load, own = TASKS[task]
    x, y = load()
    settings = {"hidden_layer_sizes": (20, 15), "random_state": 3, **own, **params}
    weight = None
    if sample_weight:
        weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    pair = [cls(**settings).fit(x, y, weight) for cls in (PAIRS[ours], ours)]
    return *pair, x


def assert_same_weights(theirs, ours, tolerance=1e-10):
    assert len(ours.coefs_) == len(theirs.coefs_)
    for mine, other in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance)


def assert_same_record(theirs, ours, tolerance=1e-10):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "loss_curve_", "validation_scores_", "best_loss_"):
        if getattr(theirs, name, None) is None:
            assert getattr(ours, name, None) is None, name
        else:
            np.testing.assert_allclose(
                getattr(ours, name),
                getattr(theirs, name),
                rtol=tolerance,
                atol=tolerance,
                err_msg=name,
            )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_one_epoch_gives_the_same_weights(task, activation, solver):
    theirs, ours, _ = fit_both(task, activation=activation, solver=solver, max_iter=1)
    assert_same_weights(theirs, ours)
    assert_same_record(theirs, ours)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"sample_weight": True},
        {"shuffle": False, "batch_size": 33},
        {"alpha": 0.0},
        {"alpha": 3.0, "sample_weight": True},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05},
        {"solver": "sgd", "momentum": 0.0},
        {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.01},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 7, "activation": "tanh"},
        {"early_stopping": True},
        {"early_stopping": True, "sample_weight": True, "validation_fraction": 0.3},
    ],
    ids=str,
)
def test_some_epochs_give_the_same_weights_and_record(task, params):
    theirs, ours, x = fit_both(task, **{"max_iter": 6, **params})
    assert_same_weights(theirs, ours)
    assert_same_record(theirs, ours)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_raw_columns_give_the_same_losses_however_wrong_the_rows(load):
    # In wine a column goes up to 1680: rows of the first epochs are entirely wrong. Where 1 - p is
    # small but above the cut, scikit-learn's logarithm has few digits.
    x, y = load(return_X_y=True)
    theirs, ours = (
        cls(max_iter=12, random_state=0).fit(x, y) for cls in (MLPClassifier, FFNNClassifier)
    )
    assert_same_record(theirs, ours, 1e-4)
    if load is load_wine:
        assert max(ours.loss_curve_) > 20


@pytest.mark.parametrize(
    "params",
    [
        {"tol": 0.05, "n_iter_no_change": 2},
        {"tol": 0.05, "n_iter_no_change": 2, "early_stopping": True},
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "learning_rate_init": 0.5,
            "tol": 0.02,
            "n_iter_no_change": 1,
        },
    ],
    ids=str,
)
@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_training_stops_at_the_same_epoch(task, params):
    theirs, ours, _ = fit_both(task, max_iter=150, **params)
    assert theirs.n_iter_ < 150
    assert_same_record(theirs, ours)
    assert_same_weights(theirs, ours, 1e-8)


@pytest.mark.parametrize("task", ["classes", "two classes", "labels", "numbers", "counts"])
def test_lbfgs_comes_to_the_same_minimum(task):
    # Strongly convex with alpha = 1 and no hidden layer: there is one minimum.
    theirs, ours, _ = fit_both(
        task, solver="lbfgs", hidden_layer_sizes=(), alpha=20.0, max_iter=2000, tol=1e-9
    )
    assert_same_weights(theirs, ours, 1e-5)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)


def test_lbfgs_of_two_outputs_minimises_their_sum_and_reports_their_mean():
    theirs, ours, _ = fit_both(
        "two outputs", solver="lbfgs", hidden_layer_sizes=(), alpha=20.0, max_iter=2000, tol=1e-9
    )
    x, y = two_outputs()
    residual = ours.predict(x) - y
    penalty = 20.0 / (2 * len(x)) * sum((w**2).sum() for w in ours.coefs_)
    assert ours.loss_ == pytest.approx(0.5 * (residual**2).mean() + penalty, rel=1e-12)
    # At the minimum of ½ Σ_j mean_i r_ij² + α/(2n) Σ w²: xᵀ r + α w = 0 and Σ_i r = 0.
    np.testing.assert_allclose(x.T @ residual + 20.0 * ours.coefs_[0], 0.0, atol=0.01)
    np.testing.assert_allclose(residual.mean(axis=0), 0.0, atol=1e-5)
    assert theirs.coefs_[0].shape == ours.coefs_[0].shape


@pytest.mark.parametrize("task", ["classes", "labels", "numbers", "counts"])
def test_partial_fit_gives_the_same_weights(task):
    ours, load, own = TASKS[task]
    x, y = load()
    fitted = []
    for cls in (PAIRS[ours], ours):
        options = {}
        if ours is FFNNClassifier:
            options = {"classes": np.unique(y) if y.ndim == 1 else range(y.shape[1])}
        estimator = cls(hidden_layer_sizes=(9,), random_state=0, **own)
        for start in (0, 40, 80, 10):
            rows = slice(start, start + 60)
            estimator.partial_fit(x[rows], y[rows], **options)
        fitted.append(estimator)
    assert_same_weights(*fitted)
    assert_same_record(*fitted)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_warm_start_continues_alike(early_stopping):
    x, y = digits()
    fitted = []
    for cls in (MLPClassifier, FFNNClassifier):
        estimator = cls(
            max_iter=3, warm_start=True, random_state=0, early_stopping=early_stopping
        ).fit(x, y)
        fitted.append(estimator.fit(x, y))
    assert_same_record(*fitted)
    assert len(fitted[1].loss_curve_) == 6
    if not early_stopping:  # there scikit-learn's best weights change while they are trained on
        assert_same_weights(*fitted)


def test_float32_stays_float32_and_agrees():
    x, y = digits()
    fitted = [
        cls(max_iter=2, random_state=0).fit(x.astype(np.float32), y)
        for cls in (MLPClassifier, FFNNClassifier)
    ]
    assert {array.dtype for array in fitted[1].coefs_} == {np.dtype(np.float32)}
    assert fitted[1].predict_proba(x[:5].astype(np.float32)).dtype == np.float32
    assert_same_weights(*fitted, 1e-5)


@pytest.mark.parametrize("task", ["classes", "two classes", "labels"])
def test_predictions_and_probabilities_are_alike(task):
    theirs, ours, x = fit_both(task, max_iter=5)
    for method in ("predict_proba", "predict_log_proba", "predict"):
        np.testing.assert_allclose(getattr(ours, method)(x), getattr(theirs, method)(x), rtol=1e-9)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.items())
def test_constructors_begin_with_the_same_parameters_and_defaults(ours, theirs):
    expected = inspect.signature(theirs).parameters
    found = inspect.signature(ours).parameters
    positional = [p.name for p in expected.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in found.values() if p.kind is p.POSITIONAL_OR_KEYWORD] == positional
    for name, parameter in expected.items():
        assert found[name].default == parameter.default, name


@pytest.mark.parametrize("ours", PAIRS)
def test_help_shows_every_parameter_and_every_fitted_attribute(ours):
    text = inspect.getdoc(ours)
    sections = [part.partition("\n\n")[0] for part in text.split("----------\n")[1:]]
    parameters, attributes = (
        [name for line in section.splitlines() if line[0] != " " for name in names_of(line)]
        for section in sections
    )
    signature = inspect.signature(ours).parameters
    assert sorted(parameters) == sorted(signature)
    positional = [p.name for p in signature.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert parameters[: len(positional)] == positional
    fitted = vars(PAIRS[ours](max_iter=2).fit(*load_iris(return_X_y=True)))
    assert {name for name in fitted if name[0] != "_" and name[-1] == "_"} <= set(attributes)
    assert "{" not in re.sub(r'\{"[^}]*\}', "", text)  # no place left to be filled


def names_of(line):
    return line.partition(" : ")[0].split(", ")


@pytest.mark.parametrize("ours", PAIRS)
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"early_stopping": True}], ids=str)
def test_fitted_attributes_are_all_there(ours, params):
    x, y = load_iris(return_X_y=True)
    theirs = PAIRS[ours](max_iter=2, **params).fit(x, y)
    mine = ours(max_iter=2, **params).fit(x, y)
    for name in vars(theirs):
        if name.endswith("_"):
            assert hasattr(mine, name), name
