"""Two small models and the rows that they are trained on."""

import numpy as np

import ffnn
from ffnn.initializers import Constant
from ffnn.layers import Dense
from ffnn.optimizers import SGD

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 4))
LABELS = RNG.integers(0, 3, 50)
ONE_HOT = np.eye(3)[LABELS]


def classifier(seed=0, optimizer="sgd", metrics=None, dtype="float64", **options):
    layers = [Dense(6, "tanh", **options), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=seed, dtype=dtype)
    model.compile(optimizer, "categorical_crossentropy", metrics)
    return model


def line(learning_rate=0.1, **options):
    """Return a model y = w x + b with w = 2, b = 1, trained on the squared error."""
    model = ffnn.Sequential(
        [Dense(1, weight_initializer=Constant(2.0), bias_initializer="ones", **options)],
        input_dim=1,
        dtype="float64",
    )
    model.compile(SGD(learning_rate), "mse")
    return model
