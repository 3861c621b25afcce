"""Metrics that are called alone check what they are given, as models do before."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.metrics import METRICS, FunctionMetric

NAMES = [names[0] for names in METRICS.names()]
WIDE = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]
ROWS = np.eye(3)[[0, 1, 2, 1]]
COLUMN = [[0.9], [0.2], [0.6], [0.4]]
ANSWERS = [[1.0], [0.0], [0.0], [1.0]]


def make(name):
    return METRICS.get(name)


def worst_error(y_true, y_pred):
    return float(np.abs(y_true - y_pred).max())


def with_entry(values, value):
    """Return rows whose third is spoilt."""
    rows = np.array(values, dtype=object if isinstance(value, str) else float)
    rows[2, 0] = value
    return rows


WRONG = {
    "text in output": (ROWS, with_entry(WIDE, "many"), "output: expected numbers, got 'many' in"),
    "text in target": (with_entry(ROWS, "many"), WIDE, "target: expected numbers, got 'many' in"),
    "text": ("yes", WIDE, "target: expected numbers, got"),
    "nothing": (None, WIDE, "target: "),
    "complex": (ROWS, np.array(WIDE) * 1j, "output: expected real numbers"),
    "nan in target": (with_entry(ROWS, np.nan), WIDE, "target: got nan in row 2, column 0"),
    "inf in target": (with_entry(ROWS, -np.inf), WIDE, "target: got -inf in row 2, column 0"),
    "nan in a column": (with_entry(ANSWERS, np.nan), COLUMN, "target: got nan in row 2"),
    "no rows": (np.zeros((0, 3)), np.zeros((0, 3)), "output: expected shape .* got shape .0, 3."),
    "empty lists": ([], [], "output: expected shape .* got shape .0,."),
    "no targets": (np.zeros((0, 3)), WIDE, "target: expected shape .* got shape .0, 3."),
    "one number": (1.0, 0.5, r"output: expected shape .* got shape \(\)"),
    "three dimensions": (ROWS, [WIDE], r"output: expected shape .* got shape \(1, 4, 3\)"),
    "ragged": (ROWS, [[0.5], [0.5, 0.5]], "output: expected rows of one length"),
    "fewer targets": (ROWS[:3], WIDE, "as many rows of target as of output, got 3 and 4"),
    "more targets": (ANSWERS, COLUMN[:2], "as many rows of target as of output, got 4 and 2"),
    "fewer columns": (ROWS[:, :2], WIDE, r"target: expected shape \(4, 3\), .* got \(4, 2\)"),
    "a column of classes": ([[0], [1], [2], [0]], WIDE, r"target: expected shape \(4, 3\)"),
    "a class too many": ([0, 1, 3, 2], WIDE, "target: expected class numbers from 0 to 2, got 3"),
    "a class below 0": ([0, 1, -1, 2], WIDE, "target: expected class numbers .* got -1 in row 2"),
    "half a class": ([0, 1, 0.5, 2], WIDE, "target: expected class numbers .* got 0.5 in row 2"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("name", [*NAMES, "a function"])
def test_what_cannot_be_measured_is_refused_and_changes_nothing(name, case):
    target, output, message = WRONG[case]
    metric = FunctionMetric(worst_error) if name == "a function" else make(name)
    metric.reset()
    before = repr(metric.get_state())

    with pytest.raises(ffnn.DataError, match=rf"^metric '{metric.name}': .*{message}"):
        metric.update(target, output)

    assert repr(metric.get_state()) == before


@pytest.mark.parametrize("weight", [[1.0, 2.0], [[1.0]] * 4, [1, 2, -1, 3], [1, np.nan, 1, 1], "a"])
@pytest.mark.parametrize("name", NAMES)
def test_wrong_weights_are_refused(name, weight):
    with pytest.raises(ffnn.DataError, match=rf"^metric '{make(name).name}': sample_weight"):
        make(name).update(ROWS, WIDE, weight)


@pytest.mark.parametrize("name", NAMES)
def test_lists_and_flat_answers_are_taken_and_reset_is_not_needed(name):
    if name == "top_k_accuracy":
        pytest.skip("it is about more than one unit")
    metric, flat = make(name), make(name)
    metric.update(np.array(ANSWERS), np.array(COLUMN))
    flat.update([1, 0, 0, 1], [0.9, 0.2, 0.6, 0.4])
    np.testing.assert_array_equal(metric.result(), flat.result())
    right = {"accuracy": 0.5, "binary_accuracy": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    right |= {"mean_squared_error": 0.1925, "mean_absolute_error": 0.375, "auc": 0.75}
    right |= {"r2": 1 - 0.77, "confusion_matrix": [[1, 1], [1, 1]]}
    np.testing.assert_allclose(flat.result(), right[name], rtol=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1", "confusion_matrix"])
def test_what_the_metric_itself_refuses_is_refused_alone_too(name):
    with pytest.raises(ffnn.DataError, match=f"metric '{name}' .*0 and 1|numbers from 0 to 1"):
        make(name).update([-1.0, 1.0], [0.3, 0.4])


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("counts", ["_hits", "_predicted", "_actual"])
def test_counts_of_another_number_of_classes_are_refused(name, counts):
    metric = METRICS.get(name)
    target, output = np.array([0, 0, 2]), np.eye(3)
    metric.update(target, output)
    metric.set_state(metric.get_state() | {counts: [1]})

    with pytest.raises(ValueError, match="broadcast"):
        metric.update(target[:1], output[:1])  # which are of class 0 alone


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("binary")])
def test_before_any_batch_there_is_nothing(name):
    metric = make(name)
    assert np.isnan(metric.result()).all()
    target = np.eye(7)[[0, 1, 2, 3, 4, 5, 6, 0]]
    metric.update(target, (target + np.linspace(0.1, 0.7, 7)) / 3.8)
    assert np.isfinite(metric.result()).any()
    metric.reset()
    assert np.isnan(metric.result()).all() or metric.is_table
