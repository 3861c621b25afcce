"""The estimators' parts: losses in scikit-learn's conventions, batches, sparse rows, lists."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import scipy.sparse as sp
from sklearn.utils import shuffle

import ffnn
from ffnn.data.batches import Batches
from ffnn.estimators import FFNNRegressor
from ffnn.estimators.conventions import ClippedLogLoss, ScaledLoss, WeightedStep, normalize
from ffnn.estimators.epochs import Score, shuffle_with
from ffnn.estimators.networks import LiveArrays, hidden_sizes, per_layer
from ffnn.estimators.samples import Samples, SparseBatch, SparseLinear, open_matrix
from ffnn.layers import Dense, Rescaling
from ffnn.layers.base import Stage
from ffnn.losses import Loss, MeanSquaredError, SigmoidCrossentropy, SoftmaxCrossentropy

# Losses


def test_scaled_loss_multiplies_value_and_gradient_each_by_its_own():
    loss = ScaledLoss(MeanSquaredError(), value_factor=0.5, gradient_factor=3.0)
    p, y = np.array([[1.0, 3.0]]), np.array([[0.0, 5.0]])
    assert loss.forward(p, y) == 0.5 * (1 + 4) / 2
    np.testing.assert_allclose(loss.backward(), [[3.0 * 1.0, 3.0 * -2.0]])
    assert loss.output is p


@pytest.mark.parametrize("weight", [None, np.array([0.5, 1.5])])
def test_a_log_loss_of_classes_is_clipped_row_by_row(weight):
    z = np.array([[0.0, 100.0, 0.0], [1.0, 0.0, 0.0]])
    loss = ClippedLogLoss(SoftmaxCrossentropy(), 1.0, 1.0)
    rows = np.array([-math.log(np.finfo(float).eps), math.log(math.e + 2) - 1.0])
    w = np.ones(2) if weight is None else weight
    assert loss.forward(z, np.array([0, 0]), weight) == pytest.approx(
        (w * rows).sum() / 2, rel=1e-12
    )
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = w[:, None] * (p - np.eye(3)[[0, 0]]) / 2
    np.testing.assert_allclose(loss.backward(), expected, atol=1e-15)


@pytest.mark.parametrize("weight", [None, np.array([0.5, 1.5])])
def test_a_log_loss_of_labels_is_clipped_output_by_output(weight):
    z, y = np.array([[100.0, -100.0], [0.0, -100.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    loss = ClippedLogLoss(SigmoidCrossentropy(), 2.0, 2.0)
    cut = -math.log(np.finfo(float).eps)
    w = np.ones(2) if weight is None else weight
    expected = (w * np.array([cut, math.log(2.0) + cut])).sum() / 2
    assert loss.forward(z, y, weight) == pytest.approx(expected, rel=1e-12)
    p = np.array([[1.0, 0.0], [0.5, 0.0]])
    np.testing.assert_allclose(loss.backward(), w[:, None] * (p - y) / 2, atol=1e-15)


def test_a_log_loss_that_needs_no_cut_is_the_exact_one():
    z, y = np.array([[-30.0]]), np.array([[1.0]])
    assert ClippedLogLoss(SigmoidCrossentropy(), 1.0, 1.0).forward(z, y) == pytest.approx(
        30.0 + math.log1p(math.exp(-30.0)), rel=1e-14
    )


# Steps and batches


def compiled(**params):
    """Return an estimator with a network of four weights, compiled for a loss that is always 0."""
    layer = Dense(2, use_bias=False)
    model = ffnn.Sequential([layer], input_dim=2, dtype="float64")
    layer.params["weight"][...] = [[1.0, -2.0], [0.0, 3.0]]
    model.compile("sgd", Nothing())
    estimator = FFNNRegressor(**params)
    estimator.model_ = model
    return estimator


class Nothing(Loss):
    """No loss at all: what a step computes is the penalty."""

    def forward(self, output, target, weight=None):
        self.output, self.weight = output, weight
        return 0.0

    def backward(self):
        return np.zeros_like(self.output)


@pytest.mark.parametrize(
    ("weight", "batch_weight", "shares"), [(None, 2.0, None), ([1.0, 3.0], 4.0, [0.5, 1.5])]
)
def test_a_batch_has_weights_of_mean_one_and_a_penalty_divided_by_their_sum(
    weight, batch_weight, shares
):
    estimator, loss = compiled(alpha=0.5, l1=0.25), Nothing()
    step = WeightedStep(estimator, estimator.model_.step.stages, loss)
    w = estimator.model_.layers[0].params["weight"]
    x = np.ones((2, 2))
    for rows in (x[:1], x):  # the penalty goes by the last batch alone
        own = None if weight is None else np.array(weight)[: len(rows)]
        value = step.forward(rows, rows, own)
    step.backward()
    assert value == pytest.approx((0.5 * 14 / 2 + 0.25 * 6) / batch_weight)
    np.testing.assert_allclose(
        estimator.model_.layers[0].grads["weight"], (0.5 * w + 0.25 * np.sign(w)) / batch_weight
    )
    assert (None if loss.weight is None else loss.weight.tolist()) == shares


def test_without_strength_there_is_no_penalty():
    estimator = compiled(alpha=0.0)
    step = WeightedStep(estimator, estimator.model_.step.stages, Nothing())
    assert step.penalties == []
    assert step.forward(np.ones((2, 2)), np.ones((2, 2)), None) == 0.0


def test_weights_without_a_sum_are_rejected():
    with pytest.raises(ZeroDivisionError, match="weights of a batch sum to zero"):
        normalize(np.zeros(3))


@pytest.mark.parametrize("rows", [1, 7, 50])
def test_each_epoch_shuffles_the_last_order_as_scikit_learn_does(rows):
    examples, _ = Samples(np.arange(rows)[:, None], np.arange(rows), None).open(
        np.dtype(float), Dense(1).build(1).stages()
    )
    batches = Batches(examples, 3, shuffle_with(np.random.RandomState(5)))
    order, reference = np.arange(rows), np.random.RandomState(5)
    for _ in range(3):
        order = shuffle(order, random_state=reference)
        seen = np.concatenate([x[:, 0].copy() for x, _, _ in batches])
        np.testing.assert_array_equal(seen, order)


def test_a_score_is_that_of_all_rows_together_with_their_weights():
    target, weight = np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0])
    metric = Score(lambda p, y, w: float((w * (p[:, 0] - y)).sum()), target, weight)
    metric.reset()
    buffer = np.empty((2, 1))
    for rows in (slice(0, 2), slice(2, 3)):
        batch = buffer[: len(target[rows])]  # the memory is used again
        batch[:, 0] = target[rows] + 1.0
        metric.update(target[rows], batch)
    assert metric.result() == 6.0


# Sparse rows


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_sparse_batch_passes_the_linear_part_as_a_dense_one(use_bias):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 5)) * (rng.random((6, 5)) < 0.4)
    layer = Dense(3, use_bias=use_bias).build(5, dtype="float64", seed=1)
    dz = rng.normal(size=(6, 3))
    z = layer.linear(x).copy()
    layer.linear_backward(dz.copy())
    expected = {name: grad.copy() for name, grad in layer.grads.items()}
    for grad in layer.grads.values():
        grad[...] = np.nan
    linear = SparseLinear(layer)
    np.testing.assert_allclose(linear.forward(SparseBatch(sp.csr_array(x)), True), z, rtol=1e-13)
    linear.backward(dz)
    for name, grad in layer.grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array])
def test_a_sparse_batch_of_very_many_rows_has_the_gradients_of_float64(container):
    rows, rng = 500_000, np.random.default_rng(0)
    x = container(np.repeat(np.array([[0.1, 0.0, 0.3]], np.float32), rows, axis=0))
    dz = np.asarray(np.abs(rng.normal(size=(rows, 2))), np.float32, order="F")
    layer = Dense(2).build(3)
    linear = SparseLinear(layer)
    linear.forward(SparseBatch(x))
    linear.backward(dz)
    total = dz.sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(layer.grads["bias"], total, rtol=1e-6)
    np.testing.assert_allclose(
        layer.grads["weight"], np.outer(total, np.float32([0.1, 0.0, 0.3])), rtol=1e-6
    )


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_array])
def test_sparse_rows_stay_sparse_before_a_dense_layer_alone(container):
    x = container(np.eye(4))
    dense, rescaling = Dense(2).build(4), Rescaling(2.0).build(4)
    rows, stages = open_matrix(x, np.dtype(np.float32), dense.stages())
    batch = rows.take(np.array([2, 0]))
    assert isinstance(batch, SparseBatch)
    assert (len(batch), batch.shape, batch.dtype) == (2, (2, 4), np.float32)
    np.testing.assert_array_equal(batch.matrix.toarray(), np.eye(4)[[2, 0]])
    assert stages[0].layer is dense
    stage = Stage(rescaling, rescaling.forward, rescaling.backward)
    rows, stages = open_matrix(x, np.dtype(np.float64), [stage])
    np.testing.assert_array_equal(rows.slice(1, 3), np.eye(4)[1:3])
    assert stages == [stage]


# Parameters


def test_live_arrays_write_into_their_arrays():
    first, second = np.zeros(2), np.zeros((1, 2))
    live = LiveArrays([first, second])
    live[0] = [1.0, 2.0]
    live[1:] = [[[3.0, 4.0]]]
    np.testing.assert_array_equal(first, [1.0, 2.0])
    np.testing.assert_array_equal(second, [[3.0, 4.0]])
    assert live[0] is first
    with pytest.raises(ValueError, match="zip"):
        live[:] = [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("value", "sizes"),
    [(5, [5]), ((3, 4), [3, 4]), (np.array([2, 1]), [2, 1]), ([], []), (np.int64(3), [3])],
)
def test_hidden_sizes(value, sizes):
    assert hidden_sizes(value) == sizes


def test_per_layer_repeats_one_value_and_takes_a_list():
    assert per_layer("activation", "relu", 2) == ["relu", "relu"]
    assert per_layer("dropout", (0.1, 0.2), 2) == [0.1, 0.2]
    with pytest.raises(ValueError, match=r"dropout has 2 entries, but .* makes 3 hidden layers"):
        per_layer("dropout", (0.1, 0.2), 3)
