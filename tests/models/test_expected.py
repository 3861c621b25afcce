"""Functions of models say what they expect where they are given something else."""

import pytest

import ffnn
from ffnn.estimators import FFNNClassifier
from ffnn.visualization import plot_boundary

FUNCTIONS = [ffnn.find_learning_rate, ffnn.gradient_check, plot_boundary]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("other", [None, "m.h5", ffnn.Sequential, [1.0]])
def test_what_is_no_model_is_told(function, other):
    expected = f"^{function.__name__}: model must be a Sequential, got "
    with pytest.raises(TypeError, match=expected):
        function(other, [[1.0, 2.0]], [1])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_of_an_estimator_its_model_is_wanted(function):
    with pytest.raises(TypeError, match=r"got FFNNClassifier\(\); .* give its model_$"):
        function(FFNNClassifier(), [[1.0, 2.0]], [1])
