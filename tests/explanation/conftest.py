"""What tests of explanations share."""

import math
import re

import numpy as np
import pytest

import ffnn
from ffnn.initializers import Constant
from ffnn.layers import Dense, Layer
from ffnn.optimizers import SGD
from ffnn.regularizers import L2


@pytest.fixture
def find():
    """Return a function that gives the only step of a direction, layer and kind."""

    def find(explanation, direction, layer, kind):
        wanted = (direction, layer, kind)
        (step,) = (s for s in explanation if (s.direction, s.layer, s.kind) == wanted)
        return step

    return find


@pytest.fixture
def check():
    """Return a function that compares a step's arrays; d_W stands for ∂L/∂W."""

    def check(step, **arrays):
        for name, expected in arrays.items():
            symbol = re.sub("^d_", "∂L/∂", name)
            np.testing.assert_allclose(step.arrays[symbol], expected, rtol=1e-12, err_msg=name)

    return check


@pytest.fixture
def two_two_one():
    """Return a function that makes a small network; sigmoid(a) = 3/4."""

    def two_two_one():
        a = math.log(3.0)
        layers = [Dense(2, "sigmoid"), Dense(1, "sigmoid")]
        model = ffnn.Sequential(layers, input_dim=2, dtype="float64")
        model.layers[0].params["weight"][:] = [[a, 0.0], [a, -a]]
        model.layers[0].params["bias"][:] = [0.0, a]
        model.layers[1].params["weight"][:] = [[4.0, -2.0]]
        model.layers[1].params["bias"][:] = [-2.0]
        model.compile(SGD(2.0), "mse")
        return model

    return two_two_one


class Scale_Shift(Layer):  # noqa: N801
    """Two parameters of names of their own, one of them called as an array is."""

    def parameter_shapes(self, input_dim):
        return {"a_b$": (input_dim,), "x": (2, input_dim)}

    def initializers(self):
        return {"a_b$": Constant(2.0), "x": Constant(1.0)}

    def regularizers(self):
        return {"a_b$": L2(0.5)}

    def forward(self, x, training=False):
        self._x = x
        return x * self.params["a_b$"] + self.params["x"].sum(axis=0)

    def backward(self, grad):
        self.grads["a_b$"][...] = (grad * self._x).sum(axis=0)
        self.grads["x"][...] = grad.sum(axis=0)
        return grad * self.params["a_b$"]


@pytest.fixture
def scale_shift():
    """Return a layer of a user's, with strange names."""
    return Scale_Shift
