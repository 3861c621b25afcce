"""Targets and weights: what is accepted, in which form it comes back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.data.targets import (
    class_weights_of_rows,
    prepare_classes,
    prepare_dense,
    prepare_labels,
    prepare_probabilities,
    prepare_weights,
)
from ffnn.errors import DataError

# Numbers for each output


def test_dense_targets_of_one_unit_may_be_flat():
    result = prepare_dense([1.0, 2.0, 3.0], 1, "mse")
    np.testing.assert_array_equal(result, [[1.0], [2.0], [3.0]])


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8", "?", ">f8"])
def test_dense_targets_are_kept_as_they_are(dtype):
    y = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    result = prepare_dense(y, 2, "mse")
    assert result.shape == (3, 2)
    np.testing.assert_array_equal(result, y)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 1), (4, 2, 1), ()])
def test_dense_targets_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match=r"huber: expected y of shape \(rows, 2\).*got shape \("):
        prepare_dense(np.zeros(shape), 2, "huber")


def test_class_numbers_where_numbers_are_wanted_get_a_hint():
    with pytest.raises(DataError, match="For class labels end in a softmax"):
        prepare_dense(np.array([0, 1, 2]), 3, "mse")
    with pytest.raises(DataError) as caught:
        prepare_dense(np.array([0.5, 1.5]), 3, "mse")
    assert "class labels" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_dense_targets_that_are_not_finite_are_named(bad):
    y = np.zeros((5, 2))
    y[3, 1] = bad
    with pytest.raises(DataError, match=f"y: got {bad} in row 3, column 1"):
        prepare_dense(y, 2, "mse")


# Probabilities


def test_probabilities_may_touch_the_ends():
    y = [[0.0, 1.0], [0.25, 0.75]]
    np.testing.assert_array_equal(prepare_probabilities(y, 2), y)


def test_booleans_are_probabilities():
    np.testing.assert_array_equal(prepare_probabilities(np.array([True, False]), 1), [[1], [0]])


@pytest.mark.parametrize("bad", [-1e-6, 1.001, 2, -1])
def test_values_outside_zero_to_one_are_named(bad):
    y = np.full((3, 2), 0.5)
    y[2, 0] = bad
    with pytest.raises(DataError, match=r"between 0 and 1, got .* in row 2, column 0.*0 and 1"):
        prepare_probabilities(y, 2)


# Class numbers


@pytest.mark.parametrize("dtype", ["u1", "i1", "i8", "u8", "f4", "f8", "?", ">i4"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_labels_come_back_flat_as_intp(dtype, shape):
    result = prepare_labels(np.array([0, 1, 1, 0], dtype).reshape(shape), 2)
    assert result.dtype == np.intp
    assert result.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("label", [-1, 3, 255, 2**62])
def test_label_out_of_range_is_named_with_its_row(label):
    message = f"labels from 0 to 2, since the network has 3 outputs, got {label} in row 1"
    with pytest.raises(DataError, match=message):
        prepare_labels([0, label], 3)


@pytest.mark.parametrize("label", [0.5, 1e300, -1e300])
def test_label_that_is_not_an_integer_is_named_without_a_warning(label):
    with pytest.raises(DataError, match=r"integers as class labels|labels from 0 to 2"):
        prepare_labels([0.0, label], 3)


def test_label_that_is_nan_is_named():
    with pytest.raises(DataError, match="y: got nan in row 1"):
        prepare_labels([0.0, np.nan], 3)


def test_one_hot_rows_are_no_labels():
    with pytest.raises(DataError, match=r"labels of shape \(rows,\), got y of shape \(3, 3\)"):
        prepare_labels(np.eye(3), 3)


# Classes in any form


def test_class_numbers_one_hot_and_soft_rows_are_told_apart_by_shape():
    assert prepare_classes([2, 0], 3).tolist() == [2, 0]
    assert prepare_classes([[2], [0]], 3).tolist() == [2, 0]
    one_hot = np.eye(3, dtype=np.uint8)
    np.testing.assert_array_equal(prepare_classes(one_hot, 3), one_hot)
    soft = [[0.2, 0.3, 0.5]]
    np.testing.assert_array_equal(prepare_classes(soft, 3), soft)


def test_soft_rows_may_be_rounded_to_three_digits():
    assert prepare_classes([[0.333, 0.333, 0.333]], 3).shape == (1, 3)
    third = np.full((1, 3), 1 / 3, np.float16)
    np.testing.assert_array_equal(prepare_classes(third, 3), third)


@pytest.mark.parametrize(
    "row", [[0.0, 0.0, 0.0], [1, 1, 0], [0.5, 0.4, 0.0], [1.2, -0.2, 0.0]], ids=repr
)
def test_row_that_is_no_distribution_is_shown(row):
    with pytest.raises(DataError, match=r"sum to 1 .*got \[.*\] in row 1.*binary_crossentropy"):
        prepare_classes([[0, 1, 0], row], 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_class_rows_that_are_not_finite_are_named(bad):
    with pytest.raises(DataError, match=f"y: got {bad} in row 0, column 2"):
        prepare_classes([[0.0, 1.0, bad]], 3)


@pytest.mark.parametrize("prepare", [prepare_labels, prepare_classes, prepare_probabilities])
def test_text_is_refused_with_its_place(prepare):
    with pytest.raises(DataError, match=r"y: expected numbers, got .*cat.* in row 1"):
        prepare(np.array(["1", "cat"]), 2)


@pytest.mark.parametrize("prepare", [prepare_labels, prepare_classes, prepare_probabilities])
def test_ragged_rows_are_refused(prepare):
    with pytest.raises(DataError, match="y: expected rows of one length"):
        prepare([[1.0], [1.0, 0.0]], 2)


# Weights of classes and rows


def test_class_weights_of_labels_one_hot_and_soft_rows():
    weights = {0: 2.0, 2: 0.5}
    labels = np.array([0, 1, 2, 0])
    expected = [2.0, 1.0, 0.5, 2.0]
    np.testing.assert_array_equal(class_weights_of_rows(weights, labels, 3, "classes"), expected)
    np.testing.assert_array_equal(
        class_weights_of_rows(weights, np.eye(3)[labels], 3, "classes"), expected
    )
    soft = np.eye(3)[labels] * 0.7 + 0.1
    np.testing.assert_array_equal(class_weights_of_rows(weights, soft, 3, "classes"), expected)


def test_class_weights_of_one_unit_are_those_of_zero_and_one():
    y = np.array([[0], [1], [1]])
    np.testing.assert_array_equal(
        class_weights_of_rows({0: 0.25, 1: 4.0}, y, 1, "classes"), [0.25, 4, 4]
    )


def test_class_weights_of_targets_that_are_no_labels_are_refused():
    with pytest.raises(ValueError, match=r"class_weight: .*not class labels.*sample_weight"):
        class_weights_of_rows({0: 2.0}, np.array([[2.5], [1.0]]), 1, "classes")


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8])
def test_class_weights_take_integers_of_numpy(kind):
    weights = {kind(0): 2.0, kind(1): 3.0}
    np.testing.assert_array_equal(
        class_weights_of_rows(weights, np.array([1, 0]), 2, "classes"), [3, 2]
    )


@pytest.mark.parametrize(
    "weights", [{False: 2.0, True: 3.0}, {0.0: 2.0, 1.0: 3.0}], ids=["bool", "float"]
)
def test_class_weights_under_other_keys_act_as_meant_or_are_refused(weights):
    # As an index, True means every entry: it would weigh all classes 3 without a word.
    try:
        result = class_weights_of_rows(weights, np.array([1, 0]), 2, "classes")
    except (ValueError, TypeError) as error:
        assert "class_weight: expected class numbers" in str(error)  # noqa: PT017
    else:
        np.testing.assert_array_equal(result, [3, 2])


@pytest.mark.parametrize("key", [3, -1, "1", None, 0.5])
def test_class_weight_of_an_unknown_class_is_refused(key):
    with pytest.raises(ValueError, match="class_weight: expected class numbers from 0 to 2, got"):
        class_weights_of_rows({key: 1.0}, np.array([0, 1]), 3, "classes")


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_class_weight_that_is_negative_or_not_finite_is_refused(weight):
    with pytest.raises(ValueError, match="class_weight: weight of class 1 must be a finite number"):
        class_weights_of_rows({1: weight}, np.array([0, 1]), 2, "classes")


def test_sample_weights_are_checked_and_kept():
    np.testing.assert_array_equal(prepare_weights([0, 1, 2.5], 3), [0, 1, 2.5])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(2), r"one weight for each of 3 rows, shape \(3,\), got shape \(2,\)"),
        (np.ones((3, 1)), r"shape \(3,\), got shape \(3, 1\)"),
        ([1.0, -0.5, 1.0], r"expected at least 0, got -0\.5 in row 1"),
        ([1.0, np.nan, 1.0], "sample_weight: got nan in row 1"),
        ([1.0, 1.0, np.inf], "sample_weight: got inf in row 2"),
        (["a", "b", "c"], "sample_weight: expected numbers, got .*a.* in row 0"),
        (1.0, r"shape \(3,\), got shape \(\)"),
    ],
)
def test_sample_weights_that_do_not_fit_are_refused(weight, message):
    with pytest.raises(DataError, match=message):
        prepare_weights(weight, 3)
