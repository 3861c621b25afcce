"""Rescaling and Normalization: raw rows in, the model's dtype out."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ffnn
from ffnn.errors import DataError
from ffnn.layers import Dense, Normalization, Rescaling

# Rescaling


def test_rescaling_by_hand():
    layer = Rescaling(0.5, offset=-1.0).build(2, dtype="float64")
    x = np.array([[0.0, 2.0], [4.0, -2.0]])
    np.testing.assert_array_equal(layer.forward(x), [[-1, 0], [1, -2]])
    np.testing.assert_array_equal(layer.backward(np.array([[2.0, 4.0]])), [[1, 2]])


@pytest.mark.parametrize("dtype", ["u1", "i4", "?", "f4", "f8", ">f4"])
@pytest.mark.parametrize("model_dtype", ["float32", "float64"])
def test_rescaling_writes_the_models_dtype_from_any_rows(dtype, model_dtype):
    x = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    kept = x.copy()
    y = Rescaling(3.0, 1.0).build(3, dtype=model_dtype).forward(x)
    assert y.dtype == np.dtype(model_dtype)
    np.testing.assert_array_equal(y, [[1, 4, 4], [4, 1, 4]])
    np.testing.assert_array_equal(x, kept)


def test_pixels_stay_uint8_and_become_floats_from_zero_to_one():
    x = np.array([[0, 51, 255]], np.uint8)
    model = ffnn.Sequential([Rescaling(1 / 255)], input_dim=3)
    y = model.predict(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, [[0.0, 0.2, 1.0]], rtol=1e-6)
    assert x.dtype == np.uint8


def test_rescaling_uses_its_buffer_again():
    layer = Rescaling(2.0).build(2)
    y = layer.forward(np.ones((4, 2), np.uint8))
    assert np.shares_memory(layer.forward(np.ones((2, 2), np.uint8)), y)


def test_rescaling_has_no_parameters_and_replicas_share_no_buffers():
    layer = Rescaling(2.0).build(2, dtype="float64")
    assert dict(layer.params) == dict(layer.grads) == dict(layer.state) == {}
    y = layer.forward(np.ones((4, 2)))
    layer.replica().forward(np.zeros((4, 2)))
    np.testing.assert_array_equal(y, np.full((4, 2), 2.0))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Rescaling("1/255"), TypeError, "Rescaling: scale must be a number, got '1/255'"),
        (lambda: Rescaling(math.nan), ValueError, "Rescaling: scale must be a finite number"),
        (lambda: Rescaling(1, math.inf), ValueError, "Rescaling: offset must be a finite number"),
    ],
)
def test_wrong_arguments_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


# Normalization

# means (2, 20), population variances (1, 100)
ROWS = np.array([[1.0, 10.0], [3.0, 30.0]])


def test_normalization_by_hand():
    layer = Normalization().adapt(ROWS).build(2, dtype="float64")
    np.testing.assert_array_equal(layer.state["mean"], [2, 20])
    np.testing.assert_array_equal(layer.state["variance"], [1, 100])
    np.testing.assert_array_equal(layer.forward(ROWS), [[-1, -1], [1, 1]])
    np.testing.assert_array_equal(layer.forward(np.array([[2.0, 50.0]])), [[0, 3]])
    np.testing.assert_array_equal(layer.backward(np.array([[2.0, 5.0]])), [[2, 0.5]])


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
@pytest.mark.parametrize("model_dtype", ["float32", "float64"])
def test_normalization_writes_the_models_dtype_from_any_rows(dtype, model_dtype):
    layer = Normalization().adapt(ROWS.astype(dtype)).build(2, dtype=model_dtype)
    x = ROWS.astype(dtype)
    y = layer.forward(x)
    assert y.dtype == np.dtype(model_dtype)
    np.testing.assert_array_equal(y, [[-1, -1], [1, 1]])
    np.testing.assert_array_equal(x, ROWS)


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, -7.7, 1e6 + 0.1])
@pytest.mark.parametrize("rows", [3, 10, 1797])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_column_that_never_varies_becomes_zero_and_stays_tame(value, rows, dtype):
    x = np.column_stack([np.full(rows, value), np.arange(rows)])
    layer = Normalization().adapt(x).build(2, dtype=dtype)
    y = layer.forward(x)
    # 0 up to the rounding of the mean itself, and σ = 1: another value is not blown up
    np.testing.assert_allclose(y[:, 0], 0.0, atol=abs(value) * 1e-14)
    other = layer.forward(np.array([[value + 0.5, 0.0]]))
    assert other[0, 0] == pytest.approx(0.5, rel=1e-5)


def test_a_large_offset_does_not_spoil_float32_rows():
    # x - μ is taken before rounding to float32, where 1e8 + 3 would become 1e8.
    x = 1e8 + np.array([[0.0], [2.0], [4.0], [6.0]])
    y = Normalization().adapt(x).build(1, dtype="float32").forward(x)
    np.testing.assert_allclose(y[:, 0], np.array([-3, -1, 1, 3]) / math.sqrt(5), rtol=1e-6)


def test_statistics_stay_fixed_in_training():
    model = ffnn.Sequential([Normalization().adapt(ROWS), Dense(1)], input_dim=2, seed=0)
    model.compile()
    before = {name: array.copy() for name, array in model.layers[0].state.items()}
    model.fit(ROWS * 5, [[0.0], [1.0]], epochs=2, verbose=0)
    for name, array in model.layers[0].state.items():
        np.testing.assert_array_equal(array, before[name])


def test_adapting_again_replaces_the_statistics_also_for_replicas():
    layer = Normalization().adapt(ROWS).build(2, dtype="float64")
    twin = layer.replica()
    layer.adapt(ROWS + 1)
    for each in (layer, twin):
        np.testing.assert_array_equal(each.state["mean"], [3, 21])
        np.testing.assert_array_equal(each.forward(ROWS + 1), [[-1, -1], [1, 1]])


def test_a_built_model_can_be_adapted_after_a_first_failed_prediction():
    model = ffnn.Sequential([Normalization()], input_dim=2, dtype="float64")
    with pytest.raises(Exception, match=r"call adapt\(x\)"):
        model.predict(ROWS)
    model.layers[0].adapt(ROWS)
    np.testing.assert_array_equal(model.predict(ROWS), [[-1, -1], [1, 1]])


def test_replicas_share_no_buffers():
    layer = Normalization().adapt(ROWS).build(2, dtype="float64")
    y = layer.forward(ROWS)
    layer.replica().forward(ROWS * 9)
    np.testing.assert_array_equal(y, [[-1, -1], [1, 1]])


def test_state_is_a_read_only_mapping_and_empty_before_adapt():
    layer = Normalization()
    assert dict(layer.state) == {}
    layer.adapt(ROWS)
    with pytest.raises(TypeError):
        layer.state["mean"] = np.zeros(2)
    assert dict(layer.params) == dict(layer.grads) == {}


def test_kept_statistics_are_copied():
    mean = np.array([1.0, 2.0])
    layer = Normalization()
    layer.load_state({"mean": mean, "variance": np.ones(2)})
    mean[...] = 0.0
    np.testing.assert_array_equal(layer.state["mean"], [1, 2])


@pytest.mark.parametrize(
    ("mean", "variance", "message"),
    [
        (np.zeros(2), np.array([1.0, -1.0]), "^variance: expected a variance, got a negative"),
        (np.zeros(2), np.array([1.0, math.nan]), "^variance: expected a variance, got a negative"),
        (np.zeros(3), np.ones(2), "a mean and a variance for each column"),
        (np.zeros((1, 2)), np.ones((1, 2)), "a mean and a variance for each column"),
    ],
)
def test_impossible_statistics_are_refused(mean, variance, message):
    layer, values = Normalization(), {"mean": mean, "variance": variance}
    with pytest.raises(ValueError, match=message):
        layer.check_state(values)
    with pytest.raises(ValueError, match=message):
        layer.load_state(values)
    assert dict(layer.state) == {}


def test_use_before_adapt_says_what_to_call():
    with pytest.raises(ValueError, match=r"Normalization: call adapt\(x\) with the training rows"):
        Normalization().build(2).forward(ROWS)


def test_adapted_to_another_number_of_columns_is_refused_when_built():
    with pytest.raises(ValueError, match="adapted to 2 columns, but the input has 3"):
        ffnn.Sequential([Normalization().adapt(ROWS)], input_dim=3)


@pytest.mark.parametrize("adapted", [True, False])
def test_a_built_layer_refuses_rows_with_another_number_of_columns(adapted):
    layer = Normalization()
    if adapted:
        layer.adapt(ROWS)
    layer.build(2)
    with pytest.raises(ValueError, match="Normalization: built for 2 columns, got 3"):
        layer.adapt(np.ones((4, 3)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((0, 2)), "at least one row"),
        (np.zeros(3), r"rows of shape \(rows, columns\)"),
        (np.array([[1.0, np.nan]]), "got nan in row 0, column 1"),
        ([["a", "b"]], "expected numbers"),
    ],
)
def test_adapt_refuses_bad_rows(rows, message):
    with pytest.raises(DataError, match=message):
        Normalization().adapt(rows)
