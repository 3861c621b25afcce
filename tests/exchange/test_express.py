"""What layers say they compute, as elementary operations, is what they compute."""

import numpy as np
import pytest
from random_networks import distance, random_network

import ffnn
from ffnn import layers
from ffnn.activations import ACTIVATIONS
from ffnn.core.operations import NumPyRuntime, Value, in_order, join, row
from ffnn.exchange.program import express
from ffnn.layers.base import LAYERS, Layer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(60))
def test_the_operations_of_a_network_are_its_predictions(seed, dtype):
    model, x = random_network(seed, dtype)
    program = express(model)
    found = NumPyRuntime().compute(program.result, x)
    assert found.dtype == dtype
    assert distance(found, model.predict(x)) < (1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("family", [ACTIVATIONS, LAYERS], ids=["activations", "layers"])
def test_each_part_says_what_it_computes(family):
    silent = [
        kind.__name__
        for kind in set(family.classes.values())
        if getattr(kind, "express", Layer.express) is Layer.express
    ]
    assert silent == []


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS.classes) - {"softmax"}))
def test_activations_of_extreme_numbers(name):
    x = np.array([[-1e30, -1e4, -90.0, -1e-30, 0.0, 1e-30, 17.0, 80.0]])
    activation = ACTIVATIONS.get(name)
    found = NumPyRuntime().compute(activation.express(row(x.shape[1], "float64")), x)
    np.testing.assert_allclose(found, activation.forward(x), rtol=1e-9, atol=1e-12)


class Doubling(Layer):
    """A layer that does not say what it computes."""

    def forward(self, x, training=False):
        return 2.0 * x


def test_a_silent_layer_is_named():
    model = ffnn.Sequential([layers.Dense(3), Doubling()], 2)
    with pytest.raises(NotImplementedError, match="'Doubling_1' does not define express"):
        express(model)


def test_a_network_without_parameters_has_no_program():
    with pytest.raises(RuntimeError, match="no parameters yet"):
        express(ffnn.Sequential([layers.Dense(3)]))


# -- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x: 3.0 - x, [2.0, 1.0, 5.0]),
        (lambda x: 2.0 / x, [2.0, 1.0, -1.0]),
        (lambda x: x * x + 1.0, [2.0, 5.0, 5.0]),
        (lambda x: -x.maximum(1.5), [-1.5, -2.0, -1.5]),
        (lambda x: x.take([2, 2, 0]), [-2.0, -2.0, 1.0]),
        (lambda x: join([x.take([]), x.take([1]), x.sum()]), [2.0, 1.0]),
        (lambda x: x.mean() + x * 0.0, [1.0 / 3.0] * 3),
        (lambda x: x - x.largest(), [-1.0, 0.0, -4.0]),
        (lambda x: (x + 0.5).round(), [2.0, 2.0, -2.0]),  # 1.5, 2.5 and -1.5: to even
        (lambda x: x.linear(np.array([[1.0, 10.0, 100.0]])), [-179.0]),
        (lambda x: x.take([0, 1]).lookup(np.array([[0.0], [7.0], [9.0]])), [7.0, 9.0]),
    ],
)
def test_operations_by_hand(make, expected):
    value = make(row(3, "float64"))
    found = NumPyRuntime().compute(value, np.array([[1.0, 2.0, -2.0]]))
    np.testing.assert_allclose(found, [expected])
    assert value.width == len(expected)


def test_groups_of_columns_have_weights_of_their_own():
    weight = np.array([[[1.0, 2.0], [0.0, 1.0]], [[3.0, 0.0], [1.0, 1.0]]])
    found = NumPyRuntime().compute(
        row(4, "float64").linear(weight), np.array([[1.0, 2.0, 3.0, 4.0]])
    )
    np.testing.assert_allclose(found, [[5.0, 2.0, 9.0, 7.0]])


def test_widths_that_do_not_go_together_are_refused():
    x = row(3, "float32")
    with pytest.raises(ValueError, match=r"add: widths \[2, 3\]"):
        x + x.take([0, 1])


def test_a_long_chain_needs_no_recursion():
    value = row(1, "float64")
    for _ in range(5000):
        value = value + 1.0
    assert len(in_order(value)) == 10_001
    assert NumPyRuntime().compute(value, np.zeros((1, 1)))[0, 0] == 5000.0
    assert isinstance(value, Value)
