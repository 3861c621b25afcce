"""The area under the ROC curve and the accuracy of the first k, by hand and as scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.metrics import AUC, TopKAccuracy

NAN = float("nan")


def measure(metric, target, output, weight=None, batch_size=1000):
    target, output = np.asarray(target), np.asarray(output)
    metric.reset()
    for start in range(0, len(output), batch_size):
        rows = slice(start, start + batch_size)
        metric.update(target[rows], output[rows], None if weight is None else weight[rows])
    return metric.result()


def column(values):
    return np.asarray(values, float).reshape(-1, 1)


# -- the area under the ROC curve ------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_area_of_one_unit_by_hand(batch_size):
    # pairs (yes, no): of 3 · 2, five are ordered right and one is a tie
    y, p = column([0, 1, 0, 1, 1]), column([0.1, 0.4, 0.4, 0.8, 0.8])
    assert measure(AUC(), y, p, batch_size=batch_size) == 5.5 / 6


@pytest.mark.parametrize("target", [[0, 1, 1], [[1, 0], [0, 1], [0, 1]]], ids=["int", "one-hot"])
def test_of_two_classes_the_second_unit_is_the_score(target):
    # pairs: 0.5 > 0.4, 0.3 < 0.4; the first unit would order both right
    output = np.array([[0.1, 0.4], [0.0, 0.5], [0.05, 0.3]])
    assert measure(AUC(), target, output) == 0.5


def test_more_classes_are_measured_one_against_the_rest():
    target = [0, 1, 2, 2]
    output = np.array([[0.9, 0.2, 0.0], [0.5, 0.1, 0.5], [0.5, 0.3, 0.2], [0.1, 0.0, 0.9]])
    # class 0: 3 of 3 pairs; class 1: 0.1 above 0.0 alone, 1 of 3; class 2: 1 + 2 of 4, 0.2 < 0.5
    expected = (1 + 1 / 3 + 3 / 4) / 3
    assert measure(AUC(), target, output) == pytest.approx(expected, rel=1e-15)


def test_labels_are_measured_each_by_itself():
    target = np.array([[1, 0], [1, 1], [0, 1.0]])
    output = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.05]])
    # label 0: 1 of 2 pairs; label 1: 0.8 above 0.1, 0.05 not
    assert measure(AUC(), target, output) == 0.5
    assert measure(AUC("labels"), np.eye(2), np.array([[0.9, 0.1], [0.2, 0.3]])) == 1.0


def test_the_area_of_a_model_does_not_depend_on_its_batches():
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = (x[:, 0] + rng.normal(size=200) > 0).astype(int)
    model = ffnn.Sequential([Dense(1, "sigmoid")], seed=0)
    model.compile("adam", "bce", ["auc"])
    model.fit(x, y, epochs=2, verbose=0)
    expected = m.roc_auc_score(y, model.predict(x).ravel())
    for batch_size in (1, 64, 1024):
        assert model.evaluate(x, y, batch_size)[1] == pytest.approx(expected, rel=1e-12)
    assert isinstance(model.history.history["auc"][-1], float)
    assert "auc" in model.history.higher_is_better


@pytest.mark.parametrize(
    ("target", "units", "message"),
    [
        (column([1, 1]), 1, "of 2 rows, all are of class 1"),
        (column([0]), 1, "of 1 row, all are of class 0"),
        ([0, 0], 2, "of 2 rows, all are of class 0"),
        ([0, 1, 1], 3, "of 3 rows, none is of class 2"),
        (np.array([[1, 0], [1, 1], [1, 0.0]]), 2, "of 3 rows, label 0 is 1 in all"),
    ],
)
def test_the_area_of_one_class_alone_is_nan_and_said_to_be(target, units, message):
    output = np.arange(len(target) * units).reshape(-1, units) / 10
    metric = AUC("auto" if np.ndim(target) == 1 or units == 1 else "labels")
    with pytest.warns(UserWarning, match=f"metric 'auc' is not defined, and nan: {message}"):
        assert np.isnan(measure(metric, target, output))


def test_rows_of_weight_0_do_not_make_a_class():
    y, p = column([0, 1, 1]), column([0.5, 0.9, 0.2])
    assert measure(AUC(), y, p, np.array([1.0, 1.0, 0.0])) == 1.0
    with pytest.warns(UserWarning, match="of 2 rows that weigh more than 0, all are of class 1"):
        assert np.isnan(measure(AUC(), y, p, np.array([0.0, 1.0, 1.0])))


def test_a_state_gives_the_rows_back():
    metric, twin = AUC(), AUC()
    y, p = column([0, 1, 1, 0]), column([0.5, 0.9, 0.2, 0.1])
    value = measure(metric, y, p, batch_size=3)
    twin.set_state(metric.get_state())
    assert twin.result() == value
    twin.update(y, p)
    assert metric.result() == value
    metric.reset()
    assert metric.get_state() == dict.fromkeys(("targets", "outputs", "weights"))
    assert np.isnan(metric.result())


ROWS = {"targets": np.zeros((2, 1)), "outputs": np.zeros((2, 1)), "weights": None}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "value", [3, [[0.0], [1.0]], np.zeros(()), np.zeros((3, 1)), np.array([["a"], ["b"]])], ids=repr
)
def test_a_state_that_no_rows_have_is_refused(name, value):
    with pytest.raises(ValueError, match="metric 'auc': expected an array of rows as "):
        AUC().set_state(ROWS | {name: value})


@pytest.mark.parametrize("name", ["targets", "outputs"])
def test_a_state_of_half_the_arrays_is_refused(name):
    with pytest.raises(ValueError, match="metric 'auc': expected an array of rows as "):
        AUC().set_state(ROWS | {name: None})


def test_outputs_that_are_nan_have_no_area():
    assert np.isnan(measure(AUC(), column([0, 1]), column([NAN, 0.5])))


# -- the first k -----------------------------------------------------------------------------------

SCORES = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])


@pytest.mark.parametrize(("k", "value"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0)])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_first_k_by_hand(k, value, batch_size):
    # the places of the right classes: third, second, first
    labels = np.array([2, 2, 0])
    for target in (labels, np.eye(4)[labels]):
        for output in (SCORES, np.asfortranarray(SCORES), SCORES.astype("f")):
            found = measure(TopKAccuracy(k), target, output, batch_size=batch_size)
            assert found == pytest.approx(value, rel=1e-15)
    weight = np.array([2.0, 1.0, 0.5])
    expected = {1: 0.5 / 3.5, 2: 1.5 / 3.5, 3: 1.0}[k]
    assert measure(TopKAccuracy(k), labels, SCORES, weight) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(40))
def test_ties_are_those_of_scikit_learn(seed):
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(seed)
    rows, units = int(rng.integers(1, 40)), int(rng.integers(3, 9))
    k, labels = int(rng.integers(1, units)), rng.integers(0, units, rows)
    output = rng.integers(0, 4, (rows, units)) / 4.0
    expected = m.top_k_accuracy_score(labels, output, k=k, labels=range(units))
    assert measure(TopKAccuracy(k), labels, output, batch_size=7) == pytest.approx(expected)


def test_a_class_whose_output_is_nan_is_not_found():
    output = np.array([[NAN, 0.1, 0.2], [0.5, NAN, 0.3], [0.1, 0.2, 0.3]])
    assert measure(TopKAccuracy(1), [0, 1, 2], output) == 1 / 3
    assert measure(TopKAccuracy(1), [1, 0, 2], output) == 1 / 3


def test_the_name_says_k():
    assert TopKAccuracy().name == "top_k_accuracy"
    assert TopKAccuracy(3).name == "top_3_accuracy"
    model = ffnn.Sequential([Dense(7, "softmax")], seed=0)
    model.compile("sgd", "cce", ["top_k_accuracy", TopKAccuracy(2)])
    x, y = np.ones((14, 2)), np.arange(14) % 7
    history = model.fit(x, y, epochs=1, verbose=0).history
    assert list(history) == ["loss", "top_k_accuracy", "top_2_accuracy"]


@pytest.mark.parametrize(("k", "units"), [(5, 5), (5, 3), (2, 2)])
def test_as_many_as_there_are_classes_are_refused_before_work(k, units):
    model = ffnn.Sequential([Dense(units, "softmax")], seed=0)
    model.compile("sgd", "cce", [TopKAccuracy(k)])
    x, y = np.ones((4, 2)), np.arange(4) % units
    message = (
        rf"'{TopKAccuracy(k).name}': expected more than {k} classes, got {units}.*k below {units}"
    )
    for run in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ffnn.DataError, match=message):
            run(x, y)
    assert not model.is_built
    with pytest.raises(ffnn.DataError, match=message):
        measure(TopKAccuracy(k), y, np.ones((4, units)))


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "5", None])
def test_k_is_a_positive_integer(k):
    with pytest.raises((TypeError, ValueError), match="TopKAccuracy: k must be"):
        TopKAccuracy(k)


def test_no_warning_comes_where_all_is_defined():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure(AUC(), [0, 1, 2], np.eye(3)) == 1.0
