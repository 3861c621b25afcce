"""What the tests of the diagnosis share: rows, small models, and ways to ask for findings."""

import numpy as np

import ffnn
from ffnn.callbacks import History
from ffnn.layers import Dense

(DIGITS, LABELS), (TEST_DIGITS, TEST_LABELS) = ffnn.datasets.load_digits()
PIXELS = DIGITS / 16.0

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
Y = np.sin(X[:, 0]) + X[:, 1]
Y = (Y - Y.mean()) / Y.std()

LOSS_CHECKS = {"targets", "gradients", "learning rate"}


def compiled(*layers, loss="mse", optimizer="sgd", seed=0, **options):
    model = ffnn.Sequential(layers, seed=seed, **options)
    model.compile(optimizer, loss)
    return model


def classifier(*hidden, optimizer="sgd", seed=0):
    return compiled(*hidden, Dense(10, "softmax"), loss="cce", optimizer=optimizer, seed=seed)


def regressor(*hidden, optimizer="sgd", seed=0, units=1, ending=None, loss="mse"):
    layers = hidden or (Dense(8, "tanh"),)
    return compiled(*layers, Dense(units, ending), optimizer=optimizer, seed=seed, loss=loss)


def with_history(model, **numbers):
    """Return the model with a history of these numbers; of r2 and accuracy higher is better."""
    model.history = History()
    model.history.history = {name: list(map(float, values)) for name, values in numbers.items()}
    model.history.epoch = list(range(len(numbers["loss"])))
    model.history.higher_is_better = [name for name in ("accuracy", "r2") if name in numbers]
    return model


def grave(diagnosis):
    return [(f.severity, f.title) for f in diagnosis if f.severity != "note"]


def kinds(diagnosis):
    return {finding.kind for finding in diagnosis}


def only(diagnosis, kind):
    """Return the one finding of a kind."""
    (finding,) = (finding for finding in diagnosis if finding.kind == kind)
    return finding
