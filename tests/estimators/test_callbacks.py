"""Every callback in every way of training an estimator."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn import callbacks
from ffnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LossThreshold,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
    TrialPruning,
    Watch,
)
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.metrics import MeanAbsoluteError, Metric

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
Y3 = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 3.0]


class Trial:
    """Stands for a trial of Optuna that is never pruned."""

    def report(self, value, step):
        """Take a number."""

    def should_prune(self):
        return False


MAKERS = {
    CSVLogger: lambda folder: CSVLogger(folder / "log.csv"),
    EarlyStopping: lambda folder: EarlyStopping("loss", patience=100),
    LossThreshold: lambda folder: LossThreshold(1e-9),
    ModelCheckpoint: lambda folder: ModelCheckpoint(folder / "{epoch}.h5"),
    Recorder: lambda folder: Recorder(),
    ReduceLROnPlateau: lambda folder: ReduceLROnPlateau("loss", patience=100),
    TrialPruning: lambda folder: TrialPruning(Trial(), "loss"),
    History: lambda folder: History(),
}


def fit_once(estimator, x, y):
    return estimator.set_params(max_iter=3).fit(x, y)


def fit_in_parts(estimator, x, y):
    classes = {"classes": np.unique(y)} if isinstance(estimator, FFNNClassifier) else {}
    for _ in range(3):
        estimator.partial_fit(x, y, **classes)
    return estimator


def fit_warm(estimator, x, y):
    estimator.set_params(max_iter=1, warm_start=True)
    return estimator.fit(x, y).fit(x, y).fit(x, y)


WAYS = [fit_once, fit_in_parts, fit_warm]
ESTIMATORS = [(FFNNClassifier, Y3), (FFNNRegressor, NUMBERS)]


def test_every_callback_is_tried():
    public = {getattr(callbacks, name) for name in callbacks.__all__}
    found = {cls for cls in public if isinstance(cls, type) and issubclass(cls, Callback)}
    # Watch opens a page; that estimators train with it is among the tests of that page.
    assert found - {Callback, Watch} == MAKERS.keys()


@pytest.mark.parametrize("cls", MAKERS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("estimator", "y"), ESTIMATORS)
def test_a_callback_works_and_changes_nothing(tmp_path, cls, way, estimator, y):
    settings = {"hidden_layer_sizes": (4,), "random_state": 0}
    plain = way(estimator(**settings), X, y)
    callback = MAKERS[cls](tmp_path)
    watched = way(estimator(**settings, callbacks=[callback]), X, y)
    np.testing.assert_array_equal(watched.model_.parameters, plain.model_.parameters)
    assert watched.loss_curve_ == plain.loss_curve_
    assert len(watched.loss_curve_) == 3


@pytest.mark.parametrize("way", WAYS)
def test_the_log_the_history_and_the_recording_have_every_epoch(tmp_path, way):
    log, recorder = CSVLogger(tmp_path / "log.csv"), Recorder()
    kept = [log, recorder, ModelCheckpoint(tmp_path / "{epoch}.h5")]
    fitted = way(FFNNClassifier((4,), random_state=0, callbacks=kept), X, Y3)
    with (tmp_path / "log.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["epoch", "loss"]
    assert [int(line[0]) for line in lines] == [0, 1, 2]
    assert [float(line[1]) for line in lines] == fitted.loss_curve_
    assert fitted.model_.history.history["loss"] == fitted.loss_curve_
    assert fitted.model_.history.epoch == [0, 1, 2]
    assert recorder.recording.epochs == [0, 1, 2]
    assert sorted(path.name for path in tmp_path.glob("*.h5")) == ["1.h5", "2.h5", "3.h5"]


def test_a_file_of_an_estimators_training_cannot_be_resumed_as_another_one(tmp_path):
    kept = ModelCheckpoint(tmp_path / "model.h5")
    fit_once(FFNNClassifier((4,), random_state=0, callbacks=[kept]), X, Y3)
    model = ffnn.load_model(tmp_path / "model.h5")
    assert model.position is None


def fit_validated(callback):
    """Train so that the validation score first rises and then, at a high rate, changes little."""
    estimator = FFNNClassifier((6,), random_state=0, max_iter=60, learning_rate_init=0.05)
    estimator.set_params(callbacks=[callback])
    return estimator.fit(X[:200], Y3[:200], validation_data=(X[200:], Y3[200:]))


def test_early_stopping_looks_for_the_highest_score():
    stopping = EarlyStopping("val_score", patience=5)
    fitted = fit_validated(stopping)
    assert stopping.best == max(fitted.validation_scores_)
    assert fitted.score(X[200:], Y3[200:]) == stopping.best > 0.5
    assert fitted.model_.history.higher_is_better == ["val_score"]


def test_the_checkpoint_of_the_best_score_has_it(tmp_path):
    path = tmp_path / "best.h5"
    fitted = fit_validated(ModelCheckpoint(path, monitor="val_score", save_best_only=True))
    best = ffnn.load_model(path).as_estimator()
    assert best.score(X[200:], Y3[200:]) == max(fitted.validation_scores_)


def test_the_rate_is_lowered_when_the_score_no_longer_rises():
    plateau = ReduceLROnPlateau("val_score", factor=0.5, patience=2, min_delta=0.0)
    fitted = fit_validated(plateau)
    best, waited, rate = -np.inf, 0, 0.05
    for score in fitted.validation_scores_:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if waited == 2:
            waited, rate = 0, rate * 0.5
    assert plateau.best == best
    assert fitted.model_.optimizer.learning_rate == pytest.approx(rate)
    assert rate < 0.05


class Silent(Metric):
    """The root mean squared error, which does not say whether higher is better."""

    name = "rmse"

    def reset(self):
        self._squares = self._count = 0.0

    def update(self, target, output):
        self._squares += float(((output - target) ** 2).sum())
        self._count += output.size

    def result(self):
        return (self._squares / self._count) ** 0.5


class Lower(Silent):
    higher_is_better = False


class OwnError(MeanAbsoluteError):
    name = "own_mae"


def regression(metric, in_estimator):
    """Return a function that trains with a callback, in either world, and the metric's values."""
    model = ffnn.Sequential([ffnn.layers.Dense(1)], input_dim=5, seed=0)
    model.compile("adam", "mse", [metric])

    def train(callback):
        if not in_estimator:
            model.fit(X, NUMBERS, epochs=3, verbose=0, callbacks=[callback])
            return model.history.history[metric.name]
        fitted = FFNNRegressor(network=model, max_iter=3, callbacks=[callback], random_state=0)
        return fitted.fit(X, NUMBERS).model_.history.history[metric.name]

    return train


WATCHERS = {
    "EarlyStopping": lambda folder, **mode: EarlyStopping("rmse", patience=9, **mode),
    "ModelCheckpoint": lambda folder, **mode: ModelCheckpoint(
        folder / "m.h5", "rmse", save_best_only=True, **mode
    ),
    "ReduceLROnPlateau": lambda folder, **mode: ReduceLROnPlateau("rmse", patience=9, **mode),
}


@pytest.mark.parametrize("in_estimator", [False, True], ids=["model", "estimator"])
@pytest.mark.parametrize("watcher", WATCHERS)
def test_a_metric_that_does_not_say_needs_a_mode(tmp_path, watcher, in_estimator):
    make = WATCHERS[watcher]
    with pytest.raises(ValueError, match=f"{watcher}.*'rmse'.*mode='min' or mode='max'"):
        regression(Silent(), in_estimator)(make(tmp_path))
    told = make(tmp_path, mode="min")
    values = regression(Silent(), in_estimator)(told)
    assert told.best == pytest.approx(min(values), abs=1e-4)


@pytest.mark.parametrize("in_estimator", [False, True], ids=["model", "estimator"])
def test_a_metric_that_says_it_itself_or_by_its_base_needs_none(in_estimator):
    stopping = EarlyStopping("rmse", patience=9)
    assert min(regression(Lower(), in_estimator)(stopping)) == stopping.best
    stopping = EarlyStopping("own_mae", patience=9)
    assert min(regression(OwnError(), in_estimator)(stopping)) == stopping.best


@pytest.mark.parametrize("metric", list(ffnn.metrics.METRICS), ids=lambda cls: cls.__name__)
def test_every_metric_of_the_library_says_whether_higher_is_better(metric):
    assert isinstance(metric.higher_is_better, bool)


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_that_cannot_work_leaves_the_estimator_as_it_was(way):
    fitted = FFNNClassifier((4,), random_state=0, max_iter=2).fit(X, Y3)
    before = dict(vars(fitted)) | {"parameters": fitted.model_.parameters.copy()}
    fitted.set_params(callbacks=[EarlyStopping("val_score")])
    with pytest.raises(ValueError, match="there is no 'val_score' in this training"):
        way(fitted, X, Y3)
    assert fitted.model_ is before["model_"]
    np.testing.assert_array_equal(fitted.model_.parameters, before["parameters"])
    assert fitted.loss_curve_ == before["loss_curve_"]
    assert fitted.n_iter_ == 2
