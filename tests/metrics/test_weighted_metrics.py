"""`weighted_metrics` are weighted by the rows' weights, `metrics` are not; as in Keras."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.metrics import F1, METRICS, R2, Accuracy, MeanAbsoluteError, MeanSquaredError, Metric

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
WEIGHT = RNG.uniform(0.5, 2.0, 40)


def classifier(metrics=("accuracy",), weighted=("accuracy",), seed=0):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=3, seed=seed)
    model.compile("adam", "cce", list(metrics), weighted_metrics=list(weighted))
    return model


def accuracy_of(model, x, y, weight):
    return np.average(model.predict(x).argmax(axis=1) == y, weights=weight)


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (MeanSquaredError, (1 * (1 + 4) + 3 * (9 + 0)) / (2 * 4)),
        (MeanAbsoluteError, (1 * (1 + 2) + 3 * (3 + 0)) / (2 * 4)),
        # weighted means of y: (1 · 0 + 3 · 4) / 4 = 3 and (1 · 1 + 3 · 5) / 4 = 4
        # spreads: 1 · 9 + 3 · 1 = 12 and 1 · 9 + 3 · 1 = 12; errors 1 + 27 and 4
        (R2, (1 - 28 / 12 + 1 - 4 / 12) / 2),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_residuals_by_hand(metric, value, batch_size):
    target = np.array([[0.0, 1.0], [4.0, 5.0], [9.0, 9.0]])
    output = np.array([[1.0, 3.0], [1.0, 5.0], [0.0, np.inf]])
    weight = np.array([1.0, 3.0, 0.0])  # the last row is as if it were not there
    metric = metric()
    metric.reset()
    for start in range(0, 3, batch_size):
        rows = slice(start, start + batch_size)
        metric.update(target[rows], output[rows], weight[rows])
    assert metric.result() == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("metric", [Accuracy, MeanSquaredError, MeanAbsoluteError, R2])
def test_where_all_rows_weigh_0_a_mean_is_nan(metric):
    metric = metric()
    metric.reset()
    metric.update(np.array([[0.0], [1.0]]), np.array([[0.2], [0.7]]), np.zeros(2))
    assert math.isnan(metric.result())


@pytest.mark.parametrize("name", [cls.name for cls in METRICS])
def test_equal_weights_change_nothing(name):
    y, p = np.eye(7)[np.arange(28) % 7], RNG.uniform(size=(28, 7))
    plain, weighted = METRICS.get(name), METRICS.get(name)
    for metric, weight in ((plain, []), (weighted, [np.ones(28)])):
        metric.reset()
        metric.update(y, p, *weight)
    np.testing.assert_allclose(weighted.result(), plain.result(), rtol=1e-14)


@pytest.mark.parametrize("name", [cls.name for cls in METRICS])
def test_a_model_measures_nothing_where_all_rows_weigh_0(name):
    model = ffnn.Sequential([Dense(7, "softmax")], input_dim=3, seed=0)
    y, weight = np.eye(7)[np.arange(40) % 7], np.zeros(40)
    for options in ({"metrics": [name]}, {"weighted_metrics": [name]}):
        model.compile("sgd", "cce", **options)
        value = model.evaluate(X, y, sample_weight=weight)[1]
        if name == "confusion_matrix":
            np.testing.assert_array_equal(value, np.zeros((7, 7)))
        else:
            assert math.isnan(value)


# -- in a model ------------------------------------------------------------------------------------


def test_the_weights_of_rows_count_in_weighted_metrics_alone():
    model = classifier(["accuracy"], ["f1", "accuracy"])
    values = model.evaluate(X, Y, batch_size=7, sample_weight=WEIGHT, return_dict=True)
    assert list(values) == ["loss", "accuracy", "f1", "weighted_accuracy"]
    assert values["accuracy"] == accuracy_of(model, X, Y, None)
    assert values["weighted_accuracy"] == pytest.approx(accuracy_of(model, X, Y, WEIGHT))
    unweighted = model.evaluate(X, Y, return_dict=True)
    assert unweighted["weighted_accuracy"] == unweighted["accuracy"] == values["accuracy"]


def test_alone_a_weighted_metric_has_its_own_name():
    model = classifier([], ["accuracy"])
    found = model.evaluate(X, Y, sample_weight=WEIGHT, return_dict=True)["accuracy"]
    assert found == pytest.approx(accuracy_of(model, X, Y, WEIGHT))
    assert len(model.evaluate(X, Y)) == 2


def test_weights_of_classes_count_in_training_and_not_in_validation():
    model = classifier()
    start = copy.deepcopy(model)
    held_out = X[30:], Y[30:], WEIGHT[30:]
    class_weight = {0: 3.0, 1: 0.5}
    options = {"sample_weight": WEIGHT[:30], "class_weight": class_weight}
    options |= {"validation_data": held_out, "batch_size": 30, "verbose": 0}
    logs = model.fit(X[:30], Y[:30], **options).history
    together = WEIGHT[:30] * np.where(Y[:30] == 0, 3.0, 0.5)
    expected = accuracy_of(start, X[:30], Y[:30], together)
    assert logs["weighted_accuracy"][0] == pytest.approx(expected, rel=1e-6)
    assert logs["accuracy"][0] == accuracy_of(start, X[:30], Y[:30], None)
    expected = accuracy_of(model, *held_out)
    assert logs["val_weighted_accuracy"][0] == pytest.approx(expected, rel=1e-6)
    assert logs["val_accuracy"][0] == accuracy_of(model, *held_out[:2], None)


def test_rows_of_weight_0_are_left_out_of_training_and_evaluation_alike():
    model, weight = classifier(), WEIGHT * (np.arange(40) % 3 > 0)
    start = copy.deepcopy(model)
    logs = model.fit(X, Y, batch_size=40, sample_weight=weight, verbose=0).history
    expected = accuracy_of(start, X, Y, weight)
    assert logs["weighted_accuracy"][0] == pytest.approx(expected, rel=1e-6)
    values = start.evaluate(X, Y, batch_size=7, sample_weight=weight, return_dict=True)
    assert values["weighted_accuracy"] == pytest.approx(expected, rel=1e-6)


class Evaluating(ffnn.callbacks.Callback):
    """Evaluates after each batch."""

    def on_train_batch_end(self, batch, logs):
        self.model.evaluate(X, Y)


def test_evaluating_in_a_callback_leaves_the_epochs_weighted_metrics_alone():
    plain = fitted(classifier(), batch_size=8)
    watched = fitted(classifier(), batch_size=8, callbacks=[Evaluating()])
    assert watched.history.history == plain.history.history


def test_callbacks_and_plots_know_weighted_metrics():
    model = classifier()
    stopping = ffnn.callbacks.EarlyStopping("weighted_accuracy", patience=0)
    options = {"epochs": 3, "sample_weight": WEIGHT, "verbose": 0, "callbacks": [stopping]}
    history = model.fit(X, Y, **options)
    assert set(history.higher_is_better) == {"accuracy", "weighted_accuracy"}
    assert len(history.plot().axes) >= 3


# -- names and refusals ----------------------------------------------------------------------------


class Hits(Metric):
    """A metric whose update takes no weights."""

    name = "hits"

    def reset(self):
        self._hits = 0

    def update(self, target, output):
        self._hits += int((output.argmax(axis=1) == target).sum())

    def result(self):
        return self._hits


def hits(y_true, y_pred):
    return (y_pred.argmax(axis=1) == y_true).sum()


@pytest.mark.parametrize("metric", [Hits(), hits], ids=["class", "function"])
def test_a_metric_that_takes_no_weights_is_refused(metric):
    model = classifier()
    before = dict(vars(model))
    with pytest.raises(TypeError, match=r"weighted_metrics: metric 'hits' takes no weights; .*met"):
        model.compile("adam", "cce", weighted_metrics=[metric])
    assert dict(vars(model)) == before
    model.compile("adam", "cce", [metric])
    assert model.evaluate(X, Y, sample_weight=WEIGHT)[1] == hits(Y, model.predict(X))


class Other(Accuracy):
    """A metric whose name is that of a weighted one."""

    name = "weighted_accuracy"


@pytest.mark.parametrize(
    ("metrics", "weighted"),
    [
        ([], ["accuracy", "acc"]),
        ([], [Other(), Other()]),
        (["accuracy", Other()], ["accuracy"]),
        (["accuracy"], ["accuracy", Other()]),
    ],
    ids=repr,
)
def test_two_numbers_of_one_name_are_refused(metrics, weighted):
    with pytest.raises(ValueError, match=r"two numbers would be called '(weighted_)?accuracy'"):
        classifier(metrics, weighted)


@pytest.mark.parametrize("weighted", ["accuracy", 3, {"accuracy"}])
def test_weighted_metrics_are_a_list(weighted):
    with pytest.raises(TypeError, match="compile: weighted_metrics must be a list"):
        classifier().compile("adam", "cce", weighted_metrics=weighted)
    with pytest.raises(
        ValueError, match=r"compile: weighted_metrics: unknown metric 'acuracy'.*did"
    ):
        classifier([], ["acuracy"])
    with pytest.raises(AttributeError, match="weighted_metrics cannot be set; call compile"):
        classifier().weighted_metrics = []


# -- kept ------------------------------------------------------------------------------------------


def fitted(model, **options):
    model.fit(X, Y, **{"epochs": 2, "sample_weight": WEIGHT, "verbose": 0} | options)
    return model


@pytest.mark.parametrize("way", ["save", "pickle", "deepcopy"])
def test_weighted_metrics_are_kept(tmp_path, way):
    model = fitted(classifier(["accuracy"], [F1(task="classes"), "accuracy"]))
    if way == "save":
        model.save(tmp_path / "model.h5")
        twin = ffnn.load_model(tmp_path / "model.h5")
    else:
        twin = pickle.loads(pickle.dumps(model)) if way == "pickle" else copy.deepcopy(model)
    assert [each.name for each in twin.weighted_metrics] == ["f1", "accuracy"]
    assert twin.weighted_metrics[0].task == "classes"
    options = {"sample_weight": WEIGHT, "return_dict": True}
    assert twin.evaluate(X, Y, **options) == model.evaluate(X, Y, **options)


def test_a_training_with_weighted_metrics_is_resumed(tmp_path):
    path = tmp_path / "model.h5"
    fitted(classifier()).save(path)
    resumed = fitted(classifier(), epochs=4, resume_from=path)
    straight = fitted(classifier(), epochs=4)
    assert resumed.history.history == straight.history.history
    for other in (classifier(["accuracy"], []), classifier(["accuracy"], ["f1"])):
        with pytest.raises(ValueError, match="of another model: weighted metrics there"):
            fitted(other, epochs=4, resume_from=path)


def test_an_estimator_has_the_weighted_metrics_of_its_network():
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    from ffnn.estimators import FFNNClassifier

    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=3, seed=0)
    model.compile("adam", "bce", ["accuracy"], ["accuracy"])
    options = {"shuffle": False, "batch_size": 40, "max_iter": 1, "random_state": 0}
    right = (model.predict(X)[:, 0] > 0.5) == Y
    continued = model.as_estimator(**options).partial_fit(X, Y, sample_weight=WEIGHT)
    measured = continued.model_.history.history
    assert measured["accuracy"][0] == right.mean()
    expected = np.average(right, weights=WEIGHT)
    assert measured["weighted_accuracy"][0] == pytest.approx(expected, rel=1e-6)

    data = X[:20], Y[:20], WEIGHT[:20]
    estimator = FFNNClassifier(network=model, max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        estimator.fit(X, Y, sample_weight=WEIGHT, validation_data=data)
    right = estimator.predict(X[:20]) == Y[:20]
    logs = estimator.model_.history.history
    assert logs["val_accuracy"][-1] == right.mean()
    expected = np.average(right, weights=WEIGHT[:20])
    assert logs["val_weighted_accuracy"][-1] == pytest.approx(expected, rel=1e-6)
