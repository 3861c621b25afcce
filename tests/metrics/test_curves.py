"""Curves of scores and the confusion matrix: by hand, and as scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.metrics import (
    area_under_roc,
    average_precision,
    calibration_curve,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)

Y = [0, 1, 0, 1, 1]
SCORES = [0.1, 0.4, 0.4, 0.8, 0.8]
NAN = float("nan")


# -- by hand ---------------------------------------------------------------------------------------


def test_the_roc_curve_of_five_rows():
    fpr, tpr, thresholds = roc_curve(Y, SCORES)
    np.testing.assert_allclose(fpr, [0, 0, 1 / 2, 1])
    np.testing.assert_allclose(tpr, [0, 2 / 3, 1, 1])
    np.testing.assert_array_equal(thresholds, [np.inf, 0.8, 0.4, 0.1])


def test_the_precision_recall_curve_of_five_rows():
    precision, recall, thresholds = precision_recall_curve(Y, SCORES)
    np.testing.assert_allclose(precision, [1, 1, 3 / 4, 3 / 5])
    np.testing.assert_allclose(recall, [0, 2 / 3, 1, 1])
    np.testing.assert_array_equal(thresholds, [np.inf, 0.8, 0.4, 0.1])
    assert average_precision(Y, SCORES) == pytest.approx(2 / 3 + 1 / 3 * 3 / 4)


def test_the_area_counts_pairs_and_ties_half():
    # pairs (yes, no): of 3 · 2, five are ordered right and one is a tie
    assert area_under_roc(Y, SCORES) == 5.5 / 6
    assert area_under_roc(Y, np.zeros(5)) == 0.5
    assert area_under_roc([0, 1], [1, 0]) == 0.0
    assert area_under_roc(np.array([False, True]), [0.25, 0.5]) == 1.0
    # the wrong pair weighs 2 · 3, the right one 1 · 3
    assert area_under_roc([1, 1, 0], [0.9, 0.1, 0.5], [1, 2, 3]) == pytest.approx(1 / 3)


def test_a_row_of_weight_0_is_not_there():
    weight, extra = [1.0, 2.0, 1.0, 0.5, 1.0, 0.0], ([*Y, 1], [*SCORES, 0.05])
    for function in (roc_curve, precision_recall_curve, area_under_roc, average_precision):
        np.testing.assert_equal(function(*extra, weight), function(Y, SCORES, weight[:5]))
    curve = calibration_curve(*extra, 5, weight)
    np.testing.assert_equal(curve, calibration_curve(Y, SCORES, 5, weight[:5]))


@pytest.mark.parametrize("answer", [0, 1])
def test_what_one_answer_alone_does_not_define_is_nan(answer):
    y = [answer] * 5
    fpr, tpr, _ = roc_curve(y, SCORES)
    assert np.isnan(area_under_roc(y, SCORES))
    assert np.isnan(fpr if answer else tpr).all()
    assert not np.isnan(tpr if answer else fpr).any()
    precision, recall, _ = precision_recall_curve(y, SCORES)
    np.testing.assert_array_equal(precision, [1, answer, answer, answer])
    assert np.isnan(recall).all() != answer
    assert average_precision(y, SCORES) == 1.0 if answer else np.isnan(average_precision(y, SCORES))


def test_no_rows_define_nothing():
    assert np.isnan(area_under_roc([], []))
    assert np.isnan(area_under_roc([0, 1], [0.5, 0.5], [0, 0]))
    assert all(len(array) == 0 for array in calibration_curve([], []))


def test_calibration_of_six_rows():
    p = [0.0, 0.2, 0.25, 0.4, 0.9, 1.0]  # 0.2 and 0.4 are on edges, and in the lower bins
    curve = calibration_curve([0, 1, 0, 1, 1, 1], p, bins=5)
    np.testing.assert_allclose(curve.confidence, [0.1, 0.325, 0.95])
    np.testing.assert_allclose(curve.fraction, [0.5, 0.5, 1.0])
    np.testing.assert_array_equal(curve.rows, [2, 2, 2])
    assert curve.rows.dtype == np.intp
    weighted = calibration_curve([0, 1, 0, 1, 1, 1], p, 5, [3, 1, 1, 1, 0, 0.5])
    np.testing.assert_allclose(weighted.confidence, [0.05, 0.325, 1.0])
    np.testing.assert_allclose(weighted.fraction, [0.25, 0.5, 1.0])
    np.testing.assert_array_equal(weighted.rows, [4.0, 2.0, 0.5])


def test_the_confusion_matrix_of_six_rows():
    true, predicted = [0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 2, 0]
    expected = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    one_hot, scores = np.eye(3)[true], np.eye(3)[predicted] * 0.4 + 0.3
    for y_true in (true, np.array(true, float), one_hot):
        for y_pred in (predicted, np.array(predicted, np.uint8), scores):
            matrix = confusion_matrix(y_true, y_pred)
            np.testing.assert_array_equal(matrix, expected)
            assert matrix.dtype.kind == "i"
    weighted = confusion_matrix(true, predicted, [1, 0.5, 0.25, 2, 3, 0])
    np.testing.assert_array_equal(weighted, [[1, 0.75, 0], [0, 2, 0], [0, 0, 3]])


def test_the_confusion_matrix_has_all_classes_that_are_known():
    np.testing.assert_array_equal(confusion_matrix([0], [0]), [[1, 0], [0, 0]])
    assert confusion_matrix([0], [[0.2, 0.7, 0.0, 0.1]]).shape == (4, 4)
    assert confusion_matrix([0], [1], num_classes=5).shape == (5, 5)
    column = [[0.5], [0.51], [0.9]]  # more than 0.5 is class 1
    np.testing.assert_array_equal(confusion_matrix([0, 0, 1], column), [[1, 1], [0, 1]])
    np.testing.assert_array_equal(confusion_matrix([True, False], column[:2]), [[0, 1], [1, 0]])


# -- scikit-learn ----------------------------------------------------------------------------------


def trial(seed, weighted):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(2, 80))
    y = rng.integers(0, 2, rows)
    y[:2] = 0, 1
    scores = rng.uniform(size=rows)
    if seed % 3 == 0:
        scores = scores.round(1)  # ties
    if seed % 3 == 1:
        scores = scores.astype(np.float32)
    weight = rng.integers(0, 4, rows) * rng.uniform(0.5, 2.0) if weighted else None
    if weighted:
        weight[:2] = 1.5
    return y, scores, weight


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_curves_are_those_of_scikit_learn(seed, weighted):
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    y, scores, weight = trial(seed, weighted)
    options = {"sample_weight": weight}
    expected = m.roc_curve(y, scores, **options, drop_intermediate=False)
    for found, wanted in zip(roc_curve(y, scores, weight), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)
    assert area_under_roc(y, scores, weight) == pytest.approx(
        m.roc_auc_score(y, scores, **options), rel=1e-12
    )
    assert average_precision(y, scores, weight) == pytest.approx(
        m.average_precision_score(y, scores, **options), rel=1e-12
    )
    expected = m.precision_recall_curve(y, scores, **options)
    found = precision_recall_curve(y, scores, weight)
    np.testing.assert_allclose(found.precision, expected[0][::-1], rtol=1e-12)
    np.testing.assert_allclose(found.recall, expected[1][::-1], rtol=1e-12)
    np.testing.assert_array_equal(found.thresholds[1:], expected[2][::-1])


@pytest.mark.parametrize("seed", range(30))
def test_calibration_is_that_of_scikit_learn(seed):
    calibration = pytest.importorskip("sklearn.calibration", reason="scikit-learn is an extra")
    y, scores, _ = trial(seed, False)
    bins = seed % 7 + 1
    fraction, confidence = calibration.calibration_curve(y, scores, n_bins=bins)
    curve = calibration_curve(y, scores, bins)
    np.testing.assert_allclose(curve.fraction, fraction)
    np.testing.assert_allclose(curve.confidence, confidence)
    assert curve.rows.sum() == len(y)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_the_confusion_matrix_is_that_of_scikit_learn(seed, weighted):
    m = pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")
    rng = np.random.default_rng(seed)
    rows, classes = int(rng.integers(1, 60)), int(rng.integers(2, 7))
    true, scores = rng.integers(0, classes, rows), rng.uniform(size=(rows, classes))
    weight = np.append(1.0, rng.integers(0, 3, rows - 1) * 0.5) if weighted else None
    predicted = scores.argmax(axis=1)
    expected = m.confusion_matrix(true, predicted, sample_weight=weight, labels=range(classes))
    np.testing.assert_array_equal(confusion_matrix(true, scores, weight), expected)


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "scores", "weight", "message"),
    [
        (
            [0, 1, 2],
            [0.1, 0.2, 0.3],
            None,
            r"y_true: expected answers of 0 and 1, got 2.0 in row 2",
        ),
        ([0, NAN], [0.1, 0.2], None, "y_true: expected answers of 0 and 1, got nan in row 1"),
        (["no", "yes"], [0.1, 0.2], None, "y_true: expected numbers, got 'no'"),
        ([0, 1], [0.1, NAN], None, "scores: expected numbers, got nan in row 1"),
        ([0, 1], [0.1], None, "scores: expected one for each of 2 answers in y_true, got 1"),
        ([0, 1], [[0.1], [0.2]], None, r"scores: expected one number for each row.*\(2, 1\)"),
        ([0, 1], [0.1, 0.2], [1, -1], "sample_weight: expected at least 0, got -1 in row 1"),
        ([0, 1], [0.1, 0.2], [1], "sample_weight: expected one weight for each of 2 rows"),
    ],
)
@pytest.mark.parametrize(
    "function", [roc_curve, precision_recall_curve, area_under_roc, average_precision]
)
def test_arrays_that_do_not_fit_are_refused(function, y, scores, weight, message):
    with pytest.raises(ffnn.DataError, match=message):
        function(y, scores, weight)


def test_probabilities_are_from_0_to_1():
    with pytest.raises(ffnn.DataError, match=r"from 0 to 1, got 1\.5 in row 1"):
        calibration_curve([0, 1], [0.5, 1.5])
    with pytest.raises(ValueError, match="bins must be at least 1"):
        calibration_curve([0, 1], [0.5, 0.5], bins=0)


@pytest.mark.parametrize(
    ("true", "predicted", "options", "message"),
    [
        ([0, 1], [0], {}, "y_pred: expected a row for each of 2 rows of y_true, got 1"),
        ([0, -1], [0, 1], {}, "y_true: expected class numbers from 0 to 9999, got -1 in row 1"),
        ([0, 1], [0.2, 0.8], {}, r"y_pred: expected class numbers.*0.2 in row 0; .*\(rows, 1\)"),
        ([0, 1], [0, NAN], {}, "y_pred: expected class numbers.*got nan in row 1"),
        ([0, 10**9], [0, 1], {}, "y_true: expected class numbers from 0 to 9999, got 1000000000"),
        ([0, 3], [0, 1], {"num_classes": 3}, "y_true: expected classes from 0 to 2, got 3 in row"),
        ([0, 1], [[[0]], [[1]]], {}, r"y_pred: .*got shape \(2, 1, 1\)"),
        ([0, 1], [0, 1], {"sample_weight": [1, 2, 3]}, "sample_weight: .*2 rows"),
    ],
)
def test_a_confusion_matrix_of_what_are_no_classes_is_refused(true, predicted, options, message):
    with pytest.raises(ffnn.DataError, match=message):
        confusion_matrix(true, predicted, **options)
