"""Searches over settings: by joblib's backends, and by Optuna with pruned trials."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

import ffnn
from ffnn.callbacks import TrialPruning
from ffnn.estimators import FFNNClassifier
from ffnn.layers import Dense

X = np.random.default_rng(0).standard_normal((60, 4))
Y = (X[:, 0] > 0).astype(int)


def search(**options):
    estimator = FFNNClassifier((4,), max_iter=20, tol=10.0, n_iter_no_change=2, random_state=0)
    found = GridSearchCV(estimator, {"alpha": [1e-4, 1.0]}, cv=2, **options)
    return found.fit(X, Y).cv_results_["mean_test_score"]


@pytest.fixture(scope="module")
def alone():
    return search()


def test_processes_of_joblib_find_the_same(alone):
    with joblib.parallel_config("loky", n_jobs=2):
        np.testing.assert_array_equal(search(), alone)


def test_dask_finds_the_same(alone):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    with (
        distributed.Client(processes=False, dashboard_address=None),
        joblib.parallel_config("dask"),
    ):
        np.testing.assert_array_equal(search(), alone)


def test_ray_finds_the_same(alone):
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    joblib_of_ray = pytest.importorskip("ray.util.joblib")
    ray.init(num_cpus=2, include_dashboard=False)
    try:
        joblib_of_ray.register_ray()
        with joblib.parallel_config("ray"):
            np.testing.assert_array_equal(search(), alone)
    finally:
        ray.shutdown()


class Trial:
    """Stands for a trial that is not worth more than two epochs."""

    def __init__(self):
        self.reported = []

    def report(self, value, step):
        self.reported.append((step, value))

    def should_prune(self):
        return len(self.reported) == 2


def train(trial, **options):
    model = ffnn.Sequential([Dense(4, "relu"), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    pruning = TrialPruning(trial, **options)
    return model.fit(X, Y, epochs=5, validation_split=0.2, verbose=0, callbacks=[pruning])


@pytest.mark.parametrize("monitor", ["val_loss", "loss"])
def test_each_epoch_is_reported_until_the_trial_is_pruned(monitor):
    trial = Trial()
    history = train(trial, monitor=monitor)
    assert trial.reported == list(enumerate(history.history[monitor]))
    assert history.epoch == [0, 1]


def test_optuna_prunes_trials():
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1e-9))
    study.optimize(train, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "PRUNED"]
    assert [*study.trials[0].intermediate_values] == [0]


def test_what_is_no_trial_and_no_number_of_the_training_is_refused():
    with pytest.raises(TypeError, match="expected a trial with report and should_prune, got 3"):
        TrialPruning(3)
    with pytest.raises(ValueError, match="no 'accuracy' in this training; known: loss, val_loss"):
        train(Trial(), monitor="accuracy")
