"""A fit that is refused leaves the estimator and its network, the user's own model too, alone."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.callbacks import Callback, CSVLogger, EarlyStopping, Recorder
from ffnn.estimators import FFNNClassifier, FFNNRegressor, solvers
from ffnn.layers import Dense, Dropout
from ffnn.optimizers import AdamW

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
Y = (X[:, 0] > 0).astype(int)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 3.0]


class SetsRate(Callback):
    """Changes the optimizer, as a callback may, before another one refuses."""

    def on_train_begin(self, logs):
        self.model.optimizer.learning_rate = 0.5


def log_of_other_columns(folder):
    with (folder / "log.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss", "other"], [0, 1.0, 1.0]])
    return {"callbacks": [CSVLogger(folder / "log.csv", append=True)]}


REFUSALS = {
    "unknown monitor": lambda folder: {"callbacks": [EarlyStopping("nope")]},
    "after other callbacks": lambda folder: {
        "callbacks": [SetsRate(), Recorder(), EarlyStopping("nope")]
    },
    "solver": lambda folder: {"solver": "sgd", "callbacks": [EarlyStopping("nope")]},
    "penalty": lambda folder: {"alpha": 1e39},
    "log": log_of_other_columns,
    "rate of infinite updates": lambda folder: {"learning_rate_init": 1e300, "solver": "sgd"},
}


def trained(outputs, loss, y):
    """Return a model of float32 that has been trained and keeps all that a training leaves."""
    layers = [Dense(4, "tanh"), Dropout(0.2), Dense(1, outputs)]
    model = ffnn.Sequential(layers, input_dim=5, seed=0)
    model.compile(AdamW(0.01), loss, ["mae"])
    model.fit(X, y, epochs=2, verbose=0, validation_split=0.2, callbacks=[Recorder()])
    model.history.interrupted = True
    return model


def whole(model):
    """Return all that `save` keeps of a model."""
    config, arrays = model.capture()
    return repr(config), {name: array.copy() for name, array in arrays.items()}


def assert_same(now, before):
    assert now[0] == before[0]
    assert now[1].keys() == before[1].keys()
    for name, array in before[1].items():
        np.testing.assert_array_equal(now[1][name], array)


PARTS = ("optimizer", "loss", "metrics", "step", "history", "recording", "position")
TASKS = [("sigmoid", "bce", Y), (None, "mse", NUMBERS)]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
@pytest.mark.parametrize(("outputs", "loss", "y"), TASKS, ids=["classifier", "regressor"])
def test_the_users_own_model_is_as_it_was(tmp_path, outputs, loss, y, way, refusal):
    model = trained(outputs, loss, y)
    parts = [getattr(model, name) for name in PARTS[:-1]]
    before = whole(model)
    estimator = model.as_estimator(warm_start=way == "warm_start")
    estimator.set_params(**REFUSALS[refusal](tmp_path))
    attributes = dict(vars(estimator))
    if way == "partial_fit" and refusal == "rate of infinite updates":
        model.optimizer.learning_rate = 1e37  # the optimizer is kept, with its own rate
        before = whole(model)
    with pytest.raises(ValueError, match=r"nope|alpha=1e\+39|columns|non-finite"):
        (estimator.fit if way == "warm_start" else estimator.partial_fit)(X, y)
    assert vars(estimator) == attributes
    assert [getattr(model, name) for name in PARTS[:-1]] == parts
    assert_same(whole(model), before)
    assert model.history.interrupted


@pytest.mark.parametrize("cls", [FFNNClassifier, FFNNRegressor])
def test_a_validation_set_that_is_too_small_changes_nothing(cls):
    y = Y if cls is FFNNClassifier else NUMBERS
    fitted = cls(hidden_layer_sizes=(4,), random_state=0, max_iter=2, warm_start=True).fit(X, y)
    attributes, before = dict(vars(fitted)), whole(fitted.model_)
    fitted.set_params(early_stopping=True, validation_fraction=0.001)
    with pytest.raises(ValueError, match=r"validation set is too small|should be greater"):
        fitted.fit(X, y)
    assert_same(whole(fitted.model_), before)
    fitted.set_params(early_stopping=False, validation_fraction=0.1)
    assert vars(fitted) == attributes


def test_callbacks_that_had_begun_are_as_they_were():
    watched = EarlyStopping("loss", patience=9)
    fitted = FFNNClassifier((4,), random_state=0, callbacks=[watched])
    fitted.partial_fit(X, Y, classes=[0, 1])
    best, weights = watched.best, watched.get_state()["weights/0"]
    fitted.set_params(callbacks=[watched, EarlyStopping("nope")])
    with pytest.raises(ValueError, match="nope"):
        fitted.partial_fit(X, Y)
    assert watched.best == best
    assert watched.get_state()["weights/0"] is weights


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_lbfgs_leaves_the_weights(monkeypatch, error):
    fitted = FFNNRegressor(
        hidden_layer_sizes=(4,), solver="lbfgs", random_state=0, max_iter=3, warm_start=True
    )
    fitted.fit(X, NUMBERS)
    attributes, before = dict(vars(fitted)), whole(fitted.model_)
    original, calls = solvers.WeightedStep.backward, []

    def interrupted(step):
        calls.append(original(step))
        if len(calls) == 3:
            raise error

    monkeypatch.setattr(solvers.WeightedStep, "backward", interrupted)
    with pytest.raises(error):
        fitted.fit(X, NUMBERS)
    assert vars(fitted) == attributes
    assert_same(whole(fitted.model_), before)
