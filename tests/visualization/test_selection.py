import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.visualization.selection import BIAS_DISTANCE, select
from ffnn.visualization.structure import BIAS, read_structure


def structure_of(weight, bias=None, weight_gradient=None):
    """Return the structure of one layer with these numbers."""
    units, inputs = np.shape(weight)
    model = ffnn.Sequential([Dense(units, use_bias=bias is not None)], input_dim=inputs)
    layer = model.layers[0]
    layer.params["weight"][...] = weight
    if bias is not None:
        layer.params["bias"][...] = bias
    if weight_gradient is not None:
        layer.grads["weight"][...] = weight_gradient
        model.require_built().has_gradients = True
    return read_structure(model)


def test_without_limits_all_is_shown():
    view = select(structure_of([[1, 2, 3], [4, 5, 6]], bias=[7, 8]))

    assert [column.units.tolist() for column in view.columns] == [[0, 1, 2], [0, 1]]
    assert [column.num_hidden for column in view.columns] == [0, 0]
    assert [column.folded_y for column in view.columns] == [None, None]
    (edges,) = view.edges
    assert edges.sources.tolist() == [0, 1, 2, BIAS, 0, 1, 2, BIAS]
    assert edges.targets.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert edges.weight.tolist() == [1, 2, 3, 7, 4, 5, 6, 8]
    assert edges.gradient is None
    assert view.num_edges == 8


def test_neurons_stand_in_order_around_the_middle_and_the_bias_above():
    inputs, outputs = select(structure_of(np.ones((2, 3)), bias=[1, 1])).columns

    assert inputs.y.tolist() == [1.0, 0.0, -1.0]
    assert outputs.y.tolist() == [0.5, -0.5]
    assert inputs.bias_y == 1.0 + BIAS_DISTANCE
    assert outputs.bias_y is None


def test_edges_begin_and_end_at_their_nodes():
    (edges,) = select(structure_of(np.ones((2, 3)), bias=[1, 1])).edges

    assert edges.source_y.tolist() == [1, 0, -1, 1 + BIAS_DISTANCE] * 2
    assert edges.target_y.tolist() == [0.5] * 4 + [-0.5] * 4


def test_without_bias_there_is_no_bias_node():
    view = select(structure_of([[1, 2], [3, 4]]))

    assert view.columns[0].bias_y is None
    assert view.edges[0].sources.tolist() == [0, 1, 0, 1]


def test_neurons_with_the_largest_norm_are_shown_and_the_rest_is_folded():
    # Norms of the inputs: 5, 1, 10; of the outputs: sqrt(9 + 0 + 64), sqrt(16 + 1 + 36 + 400).
    structure = structure_of([[3, 0, -8], [4, 1, 6]], bias=[0, 20])
    inputs, outputs = select(structure, max_units=2).columns

    assert inputs.units.tolist() == [0, 2]
    assert inputs.num_hidden == 1
    assert inputs.y.tolist() == [1.0, 0.0]
    assert inputs.folded_y == -1.0
    assert outputs.units.tolist() == [0, 1]
    assert outputs.num_hidden == 0
    assert select(structure, max_units=1).columns[0].units.tolist() == [2]


def test_bias_makes_a_neuron_strong():
    structure = structure_of([[3, 3], [1, 1]], bias=[0, 20])

    assert select(structure, max_units=1).columns[1].units.tolist() == [1]


def test_incoming_and_outgoing_weights_both_count():
    model = ffnn.Sequential([Dense(3, use_bias=False), Dense(1, use_bias=False)], input_dim=1)
    model.layers[0].params["weight"][:, 0] = [3, 4, 0]
    model.layers[1].params["weight"][0] = [4, 0, 4.5]  # together 5, 4, 4.5

    units = [select(read_structure(model), n).columns[1].units.tolist() for n in (1, 2)]

    assert units == [[0], [0, 2]]


def test_edges_with_the_largest_weights_are_shown_whatever_their_sign():
    (edges,) = select(structure_of([[1, -6, 3], [-4, 5, 2]], bias=[-7, 0]), max_edges=3).edges

    assert edges.sources.tolist() == [1, BIAS, 1]
    assert edges.targets.tolist() == [0, 0, 1]
    assert edges.weight.tolist() == [-6, -7, 5]


def test_edges_of_neurons_that_are_folded_are_not_shown():
    structure = structure_of([[9, 1, 2], [3, 8, 0], [0, 2, 0]])
    (edges,) = select(structure, max_units=2, max_edges=4).edges

    assert edges.sources.tolist() == [0, 1, 0, 1]
    assert edges.targets.tolist() == [0, 0, 1, 1]
    assert edges.weight.tolist() == [9, 1, 3, 8]


def test_gradients_may_decide():
    weight, gradient = [[5, 1], [4, 2]], [[0.1, -0.4], [0.2, 0.3]]
    view = select(structure_of(weight, None, gradient), 1, None, values="gradient")

    assert [column.units.tolist() for column in view.columns] == [[1], [0]]
    assert view.edges[0].weight.tolist() == [1]
    assert view.edges[0].gradient.tolist() == [np.float32(-0.4)]

    (edges,) = select(structure_of(weight, None, gradient), None, 2, values="gradient").edges
    assert edges.gradient.tolist() == [np.float32(-0.4), np.float32(0.3)]
    assert edges.weight.tolist() == [1, 2]


def test_what_is_not_a_number_is_shown_first():
    structure = structure_of([[np.nan, 5], [9, 2], [1, 1]])
    view = select(structure, max_units=1, max_edges=1)

    assert [column.units.tolist() for column in view.columns] == [[0], [0]]
    assert np.isnan(view.edges[0].weight).tolist() == [True]


@pytest.mark.parametrize("seed", range(5))
def test_selection_agrees_with_sorting_everything(seed):
    rng = np.random.default_rng(seed)
    weight, bias = rng.standard_normal((30, 40)), rng.standard_normal(30)
    view = select(structure_of(weight, bias), max_units=7, max_edges=11)
    weight, bias = np.float32(weight), np.float32(bias)

    inputs = sorted(np.argsort(-np.linalg.norm(weight, axis=0))[:7])
    outputs = sorted(np.argsort(-np.hypot(np.linalg.norm(weight, axis=1), bias))[:7])
    assert view.columns[0].units.tolist() == inputs
    assert view.columns[1].units.tolist() == outputs
    among = [(abs(weight[j, i]), weight[j, i], i, j) for j in outputs for i in inputs]
    among += [(abs(bias[j]), bias[j], BIAS, j) for j in outputs]
    expected = {(i, j, value) for _, value, i, j in sorted(among, reverse=True)[:11]}
    (edges,) = view.edges
    assert set(zip(edges.sources, edges.targets, edges.weight, strict=True)) == expected
    assert view.num_edges == 11


def test_gradients_that_were_never_computed_cannot_decide():
    with pytest.raises(RuntimeError, match=r"no gradients to show yet: call compute_gradients"):
        select(structure_of([[1]]), values="gradient")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"values": "sign"}, ValueError, "values must be one of weight, gradient, got 'sign'"),
        ({"max_units": 0}, ValueError, "max_units must be at least 1, got 0"),
        ({"max_edges": 2.5}, TypeError, "max_edges must be an integer, got 2.5"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        select(structure_of([[1]]), **arguments)
