import numpy as np

from ffnn.core.memory import ParameterVector

SHAPES = [{"weight": (2, 3), "bias": (2,)}, {}, {"gamma": (4,)}]


def test_vector_holds_all_parameters_in_order():
    vector = ParameterVector(SHAPES, "float64")
    vector.values[:] = np.arange(12)

    first, second, third = vector.views(vector.values)

    np.testing.assert_array_equal(first["weight"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(first["bias"], [6, 7])
    assert second == {}
    np.testing.assert_array_equal(third["gamma"], [8, 9, 10, 11])


def test_views_are_live_in_both_directions():
    vector = ParameterVector(SHAPES, "float32")
    views = vector.views(vector.gradients)

    views[0]["bias"][1] = 5.0
    vector.gradients[0] = 3.0

    assert vector.gradients[7] == 5.0
    assert views[0]["weight"][0, 0] == 3.0


def test_values_and_gradients_start_at_zero_in_the_asked_dtype():
    vector = ParameterVector(SHAPES, "float32")

    assert vector.values.dtype == vector.gradients.dtype == vector.scratch.dtype == np.float32
    assert not vector.values.any()
    assert not vector.gradients.any()


def test_no_parameters_make_an_empty_vector():
    assert ParameterVector([{}, {}], "float32").values.shape == (0,)
