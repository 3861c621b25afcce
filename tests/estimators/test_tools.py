"""scikit-learn's tools with the estimators in them, each on a data set that comes with it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import joblib
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, brier_score_loss, make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    train_test_split,
)
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ffnn.estimators import FFNNClassifier, FFNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**params):
    return FFNNClassifier(**{"hidden_layer_sizes": (20,), "random_state": 0, **params})


def scaled_classifier(**params):
    return make_pipeline(StandardScaler(), classifier(**params))


def test_pipeline_with_string_labels_on_wine():
    data = load_wine()
    x, y = data.data, data.target_names[data.target]
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0, stratify=y)
    pipeline = scaled_classifier().fit(train_x, train_y)
    assert pipeline.score(test_x, test_y) >= 0.95
    assert set(pipeline.predict(test_x)) == {"class_0", "class_1", "class_2"}


def test_grid_search_in_two_processes_on_iris():
    x, y = load_iris(return_X_y=True)
    grid = {"ffnn__alpha": [1e-4, 1.0], "ffnn__hidden_layer_sizes": [(5,), (20,)]}
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("ffnn", classifier(solver="lbfgs", max_iter=100))]
    )
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(x, y)
    assert search.best_score_ > 0.93
    assert len(search.cv_results_["params"]) == 4
    alone = cross_val_score(clone(pipeline).set_params(**search.best_params_), x, y, cv=3).mean()
    assert alone == pytest.approx(search.best_score_)


def test_cross_val_score_on_diabetes():
    x, y = load_diabetes(return_X_y=True)
    regressor = TransformedTargetRegressor(
        FFNNRegressor(alpha=1.0, learning_rate_init=0.01, random_state=0),
        transformer=StandardScaler(),
    )
    scores = cross_val_score(regressor, x, y, cv=3)
    assert scores.mean() > 0.4


def test_clone_is_unfitted_and_alike():
    x, y = load_iris(return_X_y=True)
    original = classifier(activation=["tanh"], dropout=0.1, max_iter=5).fit(x, y)
    twin = clone(original)
    assert not hasattr(twin, "coefs_")
    assert repr(twin) == repr(original)
    np.testing.assert_array_equal(twin.fit(x, y).predict_proba(x), original.predict_proba(x))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_pickle_predicts_and_trains_on_bit_for_bit(solver):
    x, y = load_wine(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    estimator = classifier(solver=solver, random_state=3)
    for _ in range(3):
        estimator.partial_fit(x, y, classes=[0, 1, 2])
    twin = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(twin.predict_proba(x), estimator.predict_proba(x))
    for each in (estimator, twin):
        each.partial_fit(x, y)
    np.testing.assert_array_equal(twin.predict_proba(x), estimator.predict_proba(x))
    assert twin.loss_curve_ == estimator.loss_curve_
    twin.coefs_[0][...] = 0.0  # still the twin's own live weights
    assert not np.array_equal(twin.predict_proba(x), estimator.predict_proba(x))


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib_keeps_a_digits_classifier(tmp_path, mmap_mode):
    x, y = load_digits(return_X_y=True)
    estimator = classifier(max_iter=10).fit(x / 16, y)
    joblib.dump(estimator, tmp_path / "digits.joblib")
    loaded = joblib.load(tmp_path / "digits.joblib", mmap_mode=mmap_mode)
    np.testing.assert_array_equal(loaded.predict(x / 16), estimator.predict(x / 16))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_on_breast_cancer(method):
    x, y = load_breast_cancer(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0)
    calibrated = CalibratedClassifierCV(scaled_classifier(max_iter=60), method=method, cv=3)
    probabilities = calibrated.fit(train_x, train_y).predict_proba(test_x)
    assert brier_score_loss(test_y, probabilities[:, 1]) < 0.05


def test_calibration_of_a_frozen_estimator():
    x, y = load_breast_cancer(return_X_y=True)
    fitted = scaled_classifier(max_iter=40).fit(x[:300], y[:300])
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted)).fit(x[300:450], y[300:450])
    assert calibrated.score(x[450:], y[450:]) > 0.9


def test_permutation_importance_finds_the_petals_of_iris():
    x, y = load_iris(return_X_y=True)
    fitted = scaled_classifier(solver="lbfgs", max_iter=200).fit(x, y)
    importances = permutation_importance(fitted, x, y, n_repeats=5, random_state=0)
    assert min(importances.importances_mean[2:]) > max(importances.importances_mean[:2])


def test_set_output_and_feature_names_of_wine():
    pandas = pytest.importorskip("pandas", reason="set_output='pandas' needs pandas")
    frame, y = load_wine(return_X_y=True, as_frame=True)
    pipeline = scaled_classifier(max_iter=20).set_output(transform="pandas").fit(frame, y)
    network = pipeline[-1]
    assert list(network.feature_names_in_) == list(frame.columns)
    assert network.model_.feature_names == list(frame.columns)
    assert isinstance(pipeline[:-1].transform(frame), pandas.DataFrame)
    assert pipeline.predict(frame).shape == (178,)
    with pytest.raises(ValueError, match="feature names"):
        network.predict(frame.rename(columns={"alcohol": "spirit"}))


def test_set_output_keeps_a_pipeline_on_arrays_working():
    x, y = load_wine(return_X_y=True)
    pipeline = scaled_classifier().set_output(transform="default").fit(x, y)
    assert pipeline.score(x, y) > 0.9


def test_metadata_routing_hands_sample_weights_to_fit_and_scorer():
    x, y = load_breast_cancer(return_X_y=True)
    weight = np.where(y == 0, 3.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        network = classifier(max_iter=10).set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, network)
        routed = cross_validate(
            pipeline,
            x,
            y,
            cv=3,
            scoring=scorer,
            params={"sample_weight": weight},
            return_estimator=True,
        )
        plain = cross_validate(pipeline, x, y, cv=3, return_estimator=True)
    for one, other in zip(routed["estimator"], plain["estimator"], strict=True):
        assert not np.array_equal(one[-1].coefs_[0], other[-1].coefs_[0])


def test_metadata_routing_of_partial_fit_names_its_arguments():
    with sklearn.config_context(enable_metadata_routing=True):
        network = classifier().set_partial_fit_request(classes=True, sample_weight=False)
        assert network.get_metadata_routing().partial_fit.requests == {
            "classes": True,
            "sample_weight": False,
        }


def test_bagging_voting_and_chains_take_it():
    x, y = load_iris(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    member = classifier(solver="lbfgs", max_iter=50)
    bag = BaggingClassifier(member, n_estimators=3, random_state=0).fit(x, y)
    vote = VotingClassifier([("a", member), ("b", clone(member))], voting="soft").fit(x, y)
    assert min(bag.score(x, y), vote.score(x, y)) > 0.9
    labels = np.column_stack([y == 0, y == 2]).astype(int)
    assert ClassifierChain(member).fit(x, labels).score(x, labels) > 0.9


def test_cross_val_predict_of_probabilities_on_digits():
    x, y = load_digits(return_X_y=True)
    p = cross_val_predict(
        classifier(learning_rate_init=0.01, max_iter=15), x / 16, y, cv=3, method="predict_proba"
    )
    assert p.shape == (1797, 10)
    assert np.mean(p.argmax(axis=1) == y) > 0.85


def test_own_scorers_and_sparse_columns_in_a_pipeline():
    x, y = load_diabetes(return_X_y=True)
    bins = np.digitize(x, np.linspace(-0.1, 0.1, 6))
    network = FFNNRegressor(solver="lbfgs", hidden_layer_sizes=(), alpha=10.0, random_state=0)
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), network)
    scores = cross_val_score(pipeline, bins, y, cv=3, scoring=make_scorer(r2_score))
    assert scores.mean() > 0.3


def test_html_representation_of_a_fitted_pipeline():
    x, y = load_iris(return_X_y=True)
    html = scaled_classifier(max_iter=2).fit(x, y)._repr_html_()
    assert "FFNNClassifier" in html
