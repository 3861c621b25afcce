"""Metrics by hand and against scikit-learn, for any batch size."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.metrics import (
    F1,
    METRICS,
    R2,
    Accuracy,
    BinaryAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    Precision,
    Recall,
)


def measure(metric, target, output, batch_size=1000):
    target, output = np.asarray(target), np.asarray(output)
    metric.reset()
    for start in range(0, len(output), batch_size):
        metric.update(target[start : start + batch_size], output[start : start + batch_size])
    return metric.result()


def column(values):
    return np.asarray(values, float).reshape(-1, 1)


# By hand

# found 0 0 1 2 2, wanted 0 1 1 2 0
SCORES = np.array(
    [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9], [0.3, 0.3, 0.4]]
)
LABELS = np.array([0, 1, 1, 2, 0])
# class 0: predicted 2, actual 2, hits 1; class 1: 1, 2, 1; class 2: 2, 1, 1
BY_HAND = [
    (Accuracy, 3 / 5),
    (Precision, (1 / 2 + 1 + 1 / 2) / 3),
    (Recall, (1 / 2 + 1 / 2 + 1) / 3),
    (F1, (2 / 4 + 2 / 3 + 2 / 3) / 3),
]


@pytest.mark.parametrize(("metric", "value"), BY_HAND)
@pytest.mark.parametrize("form", ["int", "one-hot", "soft"])
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_several_classes_by_hand(metric, value, form, batch_size):
    target = {
        "int": LABELS,
        "one-hot": np.eye(3)[LABELS],
        "soft": np.eye(3)[LABELS] * 0.7 + 0.1,
    }[form]
    assert measure(metric(), target, SCORES, batch_size) == pytest.approx(value, rel=1e-15)


# cut at 0.5: found 1 0 0 1 1, wanted 1 1 0 0 1; hits of class 1: 2, predicted 3, actual 3
PROBABILITY = column([0.9, 0.4, 0.5, 0.7, 0.51])
BINARY = column([1, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("metric", "value"),
    [(Accuracy, 3 / 5), (BinaryAccuracy, 3 / 5), (Precision, 2 / 3), (Recall, 2 / 3), (F1, 2 / 3)],
)
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_one_unit_is_cut_at_a_half(metric, value, batch_size):
    assert measure(metric(), BINARY, PROBABILITY, batch_size) == pytest.approx(value, rel=1e-15)


def test_binary_precision_and_recall_are_told_apart():
    # found 1 1 1 0, wanted 1 0 0 1: precision 1/3, recall 1/2, F1 2/5
    output, target = column([0.9, 0.8, 0.7, 0.1]), column([1, 0, 0, 1])
    assert measure(Precision(), target, output) == pytest.approx(1 / 3)
    assert measure(Recall(), target, output) == pytest.approx(1 / 2)
    assert measure(F1(), target, output) == pytest.approx(2 / 5)


def test_several_yes_or_no_labels():
    output = np.array([[0.9, 0.2, 0.6], [0.4, 0.8, 0.1]])
    target = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    assert measure(BinaryAccuracy(), target, output) == pytest.approx(4 / 6)
    assert measure(BinaryAccuracy(), target, output, 1) == pytest.approx(4 / 6)


def test_class_without_rows_counts_as_zero():
    output = np.eye(3)[[0, 0]]  # class 0 twice; wanted 0 and 1, never 2
    assert measure(Precision(), [0, 1], output) == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert measure(Recall(), [0, 1], output) == pytest.approx((1 + 0 + 0) / 3)
    assert measure(F1(), [0, 1], output) == pytest.approx((2 / 3 + 0 + 0) / 3)
    nothing = column([0.1, 0.2])
    for metric in (Precision, Recall, F1):
        assert measure(metric(), column([0, 0]), nothing) == 0.0


P = np.array([[1.0, 2.0], [3.0, 5.0]])
Y = np.array([[1.0, 4.0], [0.0, 5.5]])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (MeanSquaredError, (0 + 4 + 9 + 0.25) / 4),
        (MeanAbsoluteError, (0 + 2 + 3 + 0.5) / 4),
        # means 0.5 and 4.75: spreads 0.5 and 1.125
        (R2, (1 - 9 / 0.5 + 1 - 4.25 / 1.125) / 2),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 2])
def test_residual_metrics_by_hand(metric, value, batch_size):
    output, target = P.copy(), Y.copy()
    assert measure(metric(), target, output, batch_size) == pytest.approx(value, rel=1e-14)
    np.testing.assert_array_equal(output, P)
    np.testing.assert_array_equal(target, Y)


# Against scikit-learn

REFERENCES = {
    "accuracy": lambda m, y, p: m.accuracy_score(y, p),
    "precision": lambda m, y, p: m.precision_score(
        y, p, labels=range(4), average="macro", zero_division=0
    ),
    "recall": lambda m, y, p: m.recall_score(
        y, p, labels=range(4), average="macro", zero_division=0
    ),
    "f1": lambda m, y, p: m.f1_score(y, p, labels=range(4), average="macro", zero_division=0),
}
BINARY_REFERENCES = {
    "accuracy": lambda m, y, p: m.accuracy_score(y, p),
    "precision": lambda m, y, p: m.precision_score(y, p, zero_division=0),
    "recall": lambda m, y, p: m.recall_score(y, p, zero_division=0),
    "f1": lambda m, y, p: m.f1_score(y, p, zero_division=0),
}


@pytest.fixture
def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is an extra")


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_several_classes_agree_with_sklearn(sklearn_metrics, name, seed, batch_size):
    rng = np.random.default_rng(seed)
    output = rng.dirichlet(np.ones(4), 30 if seed else 3)  # with 3 rows a class is missing
    labels = rng.integers(0, 4, len(output))
    expected = REFERENCES[name](sklearn_metrics, labels, output.argmax(axis=1))
    came = measure(METRICS.get(name), labels, output, batch_size)
    assert came == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", BINARY_REFERENCES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_one_unit_agrees_with_sklearn(sklearn_metrics, name, seed, batch_size):
    rng = np.random.default_rng(seed)
    output = rng.uniform(size=(30, 1)).astype(np.float32)
    labels = rng.integers(0, 2, 30)
    expected = BINARY_REFERENCES[name](sklearn_metrics, labels, output[:, 0] > 0.5)
    target = labels[:, None].astype(np.float32)
    came = measure(METRICS.get(name), target, output, batch_size)
    assert came == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", "mean_squared_error"),
        ("mae", "mean_absolute_error"),
        ("r2", "r2_score"),
    ],
)
@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_residual_metrics_agree_with_sklearn(sklearn_metrics, name, function, units, batch_size):
    rng = np.random.default_rng(units)
    y = rng.normal(5, 2, (40, units))
    p = y + rng.normal(0, 1, y.shape)
    expected = getattr(sklearn_metrics, function)(y, p)
    assert measure(METRICS.get(name), y, p, batch_size) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 100])
def test_r2_survives_a_large_offset(batch_size):
    # Exact in float64: y runs over k/16, p is off by 1/16. Spread and errors need no mean of 1e9.
    k = np.arange(100.0)[:, None]
    y = k / 16 + 1e9
    p = y + 1 / 16
    expected = 1 - 100 / ((k - k.mean()) ** 2).sum()
    assert measure(R2(), y, p, batch_size) == pytest.approx(expected, rel=1e-9)


def test_r2_of_float32_data_with_an_offset():
    k = np.arange(64, dtype=np.float32)[:, None]
    y, p = k / 16 + 4096, k / 16 + np.float32(4096.0625)
    expected = 1 - 64 / ((k - k.mean()) ** 2).sum()
    assert measure(R2(), y, p, 7) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, -7.7, 1e6 + 0.1])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_r2_of_a_target_that_never_varies(value, batch_size):
    y = np.full((23, 1), value)
    assert measure(R2(), y, y.copy(), batch_size) == 1.0
    assert measure(R2(), y, y + 0.5, batch_size) == 0.0


# Rules


@pytest.mark.parametrize("name", list(METRICS.classes))
def test_reset_forgets_all_batches(name):
    rng = np.random.default_rng(0)
    metric = METRICS.get(name)
    measure(metric, np.eye(7)[rng.permutation(28) % 7], rng.uniform(size=(28, 7)))
    y, p = np.eye(7)[rng.permutation(14) % 7], rng.uniform(size=(14, 7))
    np.testing.assert_array_equal(measure(metric, y, p), measure(METRICS.get(name), y, p))


@pytest.mark.parametrize("name", list(METRICS.classes))
def test_result_is_a_python_float_or_a_table_and_the_data_stays(name):
    rng = np.random.default_rng(0)
    y, p = np.eye(7)[rng.permutation(14) % 7], rng.uniform(size=(14, 7))
    kept = y.copy(), p.copy()
    metric = METRICS.get(name)
    assert type(measure(metric, y, p, 4)) is (np.ndarray if metric.is_table else float)
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(p, kept[1])


@pytest.mark.parametrize("name", ["mse", "mae", "r2", "binary_accuracy"])
def test_metrics_of_numbers_refuse_class_numbers(name):
    metric = METRICS.get(name)
    with pytest.raises(ValueError, match=f"metric '{metric.name}'.*class numbers.*one-hot"):
        metric.check_target(np.array([0, 1, 2]))
    metric.check_target(np.zeros((3, 2)))


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1"])
def test_metrics_of_classes_take_class_numbers(name):
    METRICS.get(name).check_target(np.array([0, 1, 2]))


@pytest.mark.parametrize(
    ("name", "cls", "shown"),
    [
        ("accuracy", Accuracy, "accuracy"),
        ("acc", Accuracy, "accuracy"),
        ("binary_accuracy", BinaryAccuracy, "binary_accuracy"),
        ("precision", Precision, "precision"),
        ("recall", Recall, "recall"),
        ("f1", F1, "f1"),
        ("f1_score", F1, "f1"),
        ("mse", MeanSquaredError, "mean_squared_error"),
        ("mean_squared_error", MeanSquaredError, "mean_squared_error"),
        ("mae", MeanAbsoluteError, "mean_absolute_error"),
        ("mean_absolute_error", MeanAbsoluteError, "mean_absolute_error"),
        ("r2", R2, "r2"),
        ("r2_score", R2, "r2"),
    ],
)
def test_names(name, cls, shown):
    metric = METRICS.get(name)
    assert type(metric) is cls
    assert metric.name == shown
