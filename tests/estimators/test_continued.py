"""A training that is continued call by call is one training, for its callbacks and its loss."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.callbacks import EarlyStopping, ModelCheckpoint, Recorder, ReduceLROnPlateau
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.layers import Dense
from ffnn.losses import LOSSES, Huber
from ffnn.optimizers import AdamW

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 3.0]
WORSE = NUMBERS + 100.0
CLASSES = (NUMBERS > 0).astype(int)


def partly(estimator, *targets):
    for y in targets:
        estimator.partial_fit(X, y)
    return estimator


def warmly(estimator, *targets):
    estimator.set_params(warm_start=True, max_iter=1)
    for y in targets:
        estimator.fit(X, y)
    return estimator


WAYS = [partly, warmly]


def regressor(*callbacks, **settings):
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, **settings}
    return FFNNRegressor(callbacks=list(callbacks), **settings)


@pytest.mark.parametrize("way", WAYS)
def test_the_file_of_the_best_epoch_is_kept(tmp_path, way):
    kept = ModelCheckpoint(tmp_path / "best.h5", "loss", save_best_only=True)
    fitted = way(regressor(kept), NUMBERS)
    best = (tmp_path / "best.h5").read_bytes()
    way(fitted, WORSE)
    assert fitted.loss_curve_[1] > fitted.loss_curve_[0] == kept.best
    assert (tmp_path / "best.h5").read_bytes() == best
    way(fitted, NUMBERS)
    assert kept.best == min(fitted.loss_curve_)


@pytest.mark.parametrize("way", WAYS)
def test_the_rate_is_lowered_after_the_patience(way):
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    rates = []
    fitted = regressor(plateau)
    for y in (NUMBERS, WORSE, WORSE, WORSE, WORSE):
        way(fitted, y)
        rates.append(fitted.model_.optimizer.learning_rate)
    # A fit with warm_start makes a new optimizer, with the rate it was given.
    expected = [1, 1, 0.5, 0.5, 0.25] if way is partly else [1, 1, 0.5, 1, 0.5]
    assert rates == pytest.approx(0.001 * np.array(expected))


@pytest.mark.parametrize("way", WAYS)
def test_early_stopping_counts_on_and_restores_the_best_weights(way):
    stopping = EarlyStopping("loss", patience=2)
    fitted = way(regressor(stopping), NUMBERS)
    best = fitted.model_.parameters.copy()
    way(fitted, WORSE)
    assert not fitted.model_.stop_training
    left = np.abs(fitted.model_.parameters - best).max()
    assert left > 0 if way is partly else left == 0  # a warm fit is whole by itself
    way(fitted, WORSE)
    assert fitted.model_.stop_training
    assert (stopping.best_epoch, stopping.stopped_epoch) == (0, 2)
    np.testing.assert_array_equal(fitted.model_.parameters, best)


@pytest.mark.parametrize("begin", ["fit", "other network", "new callback"])
def test_another_training_begins_anew(begin):
    stopping = EarlyStopping("loss", patience=1)
    fitted = partly(regressor(stopping), NUMBERS)
    if begin == "fit":
        fitted.set_params(max_iter=1).fit(X, WORSE)
    elif begin == "other network":
        partly(regressor(stopping), WORSE)
    else:
        stopping = EarlyStopping("loss", patience=1)
        partly(fitted.set_params(callbacks=[stopping]), WORSE)
    assert stopping.best > 1000
    assert stopping.stopped_epoch is None


def test_a_callback_of_the_models_own_training_counts_on():
    model = ffnn.Sequential([Dense(1)], input_dim=5, seed=0)
    model.compile(AdamW(0.01), "mse")
    stopping = EarlyStopping("loss", patience=2)
    model.fit(X, NUMBERS, epochs=1, verbose=0, callbacks=[stopping])
    best = stopping.best
    partly(model.as_estimator(callbacks=[stopping]), WORSE, WORSE)
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (best, 0, 2)


def test_recorders_of_different_bins_still_work_together():
    recorders = [Recorder(histograms=4), Recorder(histograms=8)]
    fitted = partly(regressor(*recorders), NUMBERS, NUMBERS)
    assert len(fitted.loss_curve_) == 2


@pytest.mark.parametrize("y", [NUMBERS, CLASSES], ids=["regressor", "classifier"])
def test_lbfgs_refuses_callbacks(y):
    cls = FFNNRegressor if y is NUMBERS else FFNNClassifier
    estimator = cls(solver="lbfgs", callbacks=[EarlyStopping("nope")])
    with pytest.raises(ValueError, match="callbacks: give solver='adam' or 'sgd', as lbfgs has no"):
        estimator.fit(X, y)
    assert not hasattr(estimator, "model_")
    estimator.set_params(callbacks=[], max_iter=2).fit(X, y)


# A changed loss


VALUES = {
    "squared_error": lambda d: (d**2).mean() / 2,
    "mse": lambda d: (d**2).mean(),
    "mae": lambda d: np.abs(d).mean(),
    "huber": lambda d: np.where(np.abs(d) < 1, d**2 / 2, np.abs(d) - 0.5).mean(),
    "quantile": lambda d: np.abs(d).mean() / 2,
    "object": lambda d: np.where(np.abs(d) < 3, d**2 / 2, 3 * np.abs(d) - 4.5).mean(),
}


def loss_of(name):
    return Huber(3.0) if name == "object" else name


@pytest.mark.parametrize("way", [*WAYS, "adopted"])
@pytest.mark.parametrize("after", VALUES)
@pytest.mark.parametrize("before", VALUES)
def test_a_changed_loss_takes_effect(before, after, way):
    settings = {"alpha": 0.0, "batch_size": 300, "learning_rate_init": 1e-9}
    fitted = (partly if way == "adopted" else way)(
        regressor(**settings, loss=loss_of(before)), NUMBERS
    )
    if way == "adopted":
        fitted = fitted.model_.as_estimator(batch_size=300)
    optimizer = fitted.model_.optimizer
    fitted.set_params(loss=loss_of(after))
    (warmly if way is warmly else partly)(fitted, NUMBERS)
    miss = fitted.predict(X) - NUMBERS
    if way != "adopted" or after != "squared_error" or before not in ("squared_error", "mse"):
        assert fitted.loss_ == pytest.approx(VALUES[after](miss), rel=1e-5)
    if way is not warmly:
        assert fitted.model_.optimizer is optimizer
        assert optimizer.iterations == 2


def test_all_losses_for_numbers_are_tried():
    tried = {type(LOSSES.get(name)) for name in VALUES if name in LOSSES.classes}
    names = {cls for cls in LOSSES if cls.task == "numbers"}
    assert tried == names - {LOSSES.classes["poisson"]}
