"""The metrics of a network in an estimator: each of the library's, and names that would clash."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.estimators import FFNNRegressor
from ffnn.layers import Dense
from ffnn.metrics import METRICS, MeanAbsoluteError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
Y = (X[:, 0] > 0).astype(int)
Y3 = np.digitize(X[:, 0], [-0.5, 0.5])
LABELS = np.column_stack([Y, X[:, 1] > 0, X[:, 2] > 0]).astype(int)
NUMBERS = X @ np.arange(5.0)

FAMILIES = {
    "softmax": (3, "softmax", "cce", np.eye(3)[Y3], Y3),
    "sigmoid": (1, "sigmoid", "bce", Y, Y),
    "labels": (3, "sigmoid", "bce", LABELS, LABELS),
    "numbers": (1, None, "mse", NUMBERS, NUMBERS),
}


def compiled(family, metrics):
    units, activation, loss, rows, y = FAMILIES[family]
    model = ffnn.Sequential([Dense(units, activation)], input_dim=5, seed=0, dtype="float64")
    model.compile("adam", loss, metrics)
    return model, rows, y


@pytest.mark.parametrize("way", ["partial_fit", "fit", "warm_start"])
@pytest.mark.parametrize("metric", list(METRICS), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_metric_measures_an_estimators_training_as_the_models(family, metric, way):
    model, rows, y = compiled(family, [metric()])
    try:
        expected = model.evaluate(X, rows, return_dict=True)[metric().name]
    except ffnn.DataError:
        pytest.skip("a metric of other targets")
    if metric.is_table:
        estimator = model.as_estimator(max_iter=1).partial_fit(X, y)
        assert list(estimator.model_.history.history) == ["loss"]
        table = estimator.model_.evaluate(X, rows, return_dict=True)[metric.name]
        assert table.sum() == len(X)
        return
    settings = {"shuffle": False, "batch_size": 300, "max_iter": 1, "random_state": 0}
    estimator = model.as_estimator(**settings, warm_start=way == "warm_start")
    if way == "partial_fit":
        estimator.partial_fit(X, y)
    else:
        estimator.fit(X, y, validation_data=(X, y))
        if way == "warm_start":
            estimator.fit(X, y, validation_data=(X, y))
        trained = estimator.model_.evaluate(X, rows, return_dict=True)[metric().name]
        validated = estimator.model_.history.history[f"val_{metric().name}"][-1]
        assert validated == pytest.approx(trained, rel=1e-9)
    if way != "fit":  # which begins with new weights
        measured = estimator.model_.history.history[metric().name][0]
        assert measured == pytest.approx(expected, rel=1e-9)


def test_a_loss_of_class_numbers_cannot_serve_a_metric_of_rows():
    model, _, y = compiled("softmax", ["mse"])
    model.compile("adam", "sparse_categorical_crossentropy", ["mse"])
    with pytest.raises(ffnn.DataError, match="class labels of shape"):
        model.as_estimator().partial_fit(X, y)


def named(text):
    class NamedError(MeanAbsoluteError):
        name = text
        higher_is_better = False

    return NamedError()


@pytest.mark.parametrize("name", ["score", "val_score"])
@pytest.mark.parametrize("way", ["validation_data", "early_stopping"])
def test_a_metric_with_the_name_of_the_score_is_refused_where_both_are_reported(name, way):
    model, _, y = compiled("numbers", [named(name)])
    data = {"validation_data": (X, y)} if way == "validation_data" else {}
    estimator = FFNNRegressor(network=model, max_iter=1, early_stopping=not data)
    with pytest.raises(ValueError, match=r"two numbers would be called '(val_)?score'"):
        estimator.fit(X, y, **data)
    assert not hasattr(estimator, "model_")


def test_a_metric_called_score_is_reported_without_validation():
    model, _, y = compiled("numbers", [named("score")])
    fitted = FFNNRegressor(network=model, max_iter=1, random_state=0).fit(X, y)
    assert list(fitted.model_.history.history) == ["loss", "score"]
    assert fitted.model_.history.higher_is_better == []
