"""`Sequential.from_sizes`; what else the face does is tested where it is done."""

import numpy as np
import pytest

import ffnn
from ffnn.initializers import Constant
from ffnn.layers import Dense


def test_from_sizes_takes_inputs_hidden_and_output_sizes():
    model = ffnn.Sequential.from_sizes([4, 5, 3], ["tanh", "softmax"], seed=0)

    assert [layer.params["weight"].shape for layer in model.layers] == [(5, 4), (3, 5)]
    assert [layer.params["bias"].shape for layer in model.layers] == [(5,), (3,)]
    assert model.count_params() == 5 * 4 + 5 + 3 * 5 + 3


def test_from_sizes_equals_the_list_of_layers():
    x = np.random.default_rng(0).standard_normal((6, 4))

    from_sizes = ffnn.Sequential.from_sizes([4, 5, 3], ["tanh", "softmax"], seed=0)

    from_layers = ffnn.Sequential([Dense(5, "tanh"), Dense(3, "softmax")], input_dim=4, seed=0)
    np.testing.assert_array_equal(from_sizes.predict(x), from_layers.predict(x))


def test_from_sizes_passes_options_to_every_layer():
    model = ffnn.Sequential.from_sizes(
        [2, 3, 1], "relu", weight_initializer=Constant(0.5), bias_initializer="ones"
    )

    assert set(model.parameters) == {0.5, 1.0}


@pytest.mark.parametrize(
    ("sizes", "activations", "message"),
    [([4], ["relu"], "at least one layer"), ([4, 3, 2], ["relu"], "make 2 layers")],
)
def test_from_sizes_refuses_lists_that_do_not_fit(sizes, activations, message):
    with pytest.raises(ValueError, match=message):
        ffnn.Sequential.from_sizes(sizes, activations)
