"""The gradient checks catch what they are there to catch: each bug below is planted and found.

A bug is a snippet of a method's source and what stands there instead. The method is compiled anew
in its module with the bug in it and put into its class; the checks must then fail. With nothing
planted they pass. A snippet that is no longer found says that the source was rewritten: take the
new wording into the table.
"""

from __future__ import annotations
import __future__

import inspect
import pickle
import sys
import textwrap

import numpy as np
import pytest
from planted import BUGS

import ffnn
from ffnn import losses
from ffnn.activations import ELU, GELU, ActivationFunction, LeakyReLU, ReLU, Sigmoid
from ffnn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    Normalization,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    PReLU,
    Rescaling,
    RMSNorm,
    Scale,
)
from ffnn.losses import Huber
from ffnn.regularizers import L1L2

# Planting


def plant(bug, monkeypatch):
    """Put `bug` into its class."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(getattr(bug.owner, bug.method))))
    assert source.count(bug.right) == 1, f"{bug.right!r} must stand once in\n{source}"
    source = source.replace(bug.right, bug.wrong)
    # In a function whose parameter is `__class__`, super() without arguments finds its class.
    factory = f"def make(__class__):\n{textwrap.indent(source, '    ')}\n    return {bug.method}\n"
    module = sys.modules[bug.owner.__module__]
    names = {}
    # Annotations stay text, as in the module, whose imports for them are for type checkers alone.
    flags = __future__.annotations.compiler_flag
    exec(compile(factory, f"<bug: {bug.name}>", "exec", flags), vars(module), names)
    monkeypatch.setattr(bug.owner, bug.method, names["make"](bug.owner))


# The networks that the bugs must show in, and the checks


class Unfused(losses.CategoricalCrossentropy):
    """It takes the probabilities of a softmax, whose own Jacobian is then used."""

    def fuse(self, activation):
        return None


class UnfusedSigmoid(ActivationFunction):
    """A sigmoid of the user's, which no loss recognises."""

    output_range = (0.0, 1.0)

    def forward(self, x, training=False):
        return Sigmoid.forward(self, x)

    def backward(self, grad):
        return Sigmoid.backward(self, grad)


class Step(Layer):
    """1 where x > 0, else 0: the numbers of two categories."""

    def forward(self, x, training=False):
        return (x > 0.0).astype(x.dtype)

    def backward(self, grad):
        return np.zeros_like(grad)


def bins():
    """Return a layer whose edges no number of a network here hits."""
    return PiecewiseLinear(4).adapt(np.linspace(-2.1, 1.9, 30).reshape(10, 3))


SIZE = 3  # rows, inputs and units alike, so that a lost transpose still fits
PENALTIES = {"weight_regularizer": L1L2(0.03, 0.05), "bias_regularizer": L1L2(0.02, 0.04)}
COLUMNS = np.array([[0.0, 1.0, -2.0], [1.0, 5.0, 1.0]])
# Name → what makes the layers, the loss, and the kind of targets.
NETWORKS = {
    "relu, rms norm, penalties, labels": (
        lambda: [Dense(SIZE, **PENALTIES), RMSNorm(), ReLU(), Dense(SIZE, "softmax")],
        "cce",
        "int",
    ),
    "leaky relu, layer norm, soft labels": (
        lambda: [Dense(SIZE), LayerNorm(), LeakyReLU(0.2), Dense(SIZE, "softmax")],
        "cce",
        "soft",
    ),
    "elu, batch norm, unfused cce": (
        lambda: [Dense(SIZE), BatchNorm(), ELU(0.7), Dense(SIZE, "softmax")],
        Unfused(),
        "onehot",
    ),
    "tanh, dropout, bce": (
        lambda: [Dense(SIZE, "tanh"), Dropout(0.4), Dense(SIZE, "sigmoid")],
        "bce",
        "bits",
    ),
    "tanh, bce after a softmax": (
        lambda: [Dense(SIZE, "tanh"), Dense(SIZE, "softmax")],
        "bce",
        "soft",
    ),
    "swish, unfused bce": (
        lambda: [Dense(SIZE, "swish"), Dense(SIZE, UnfusedSigmoid())],
        "bce",
        "bits",
    ),
    "gelu, scaling, mse": (
        lambda: [
            Dense(SIZE, "gelu"),
            Rescaling(0.7),
            Dense(SIZE, GELU("tanh")),
            Normalization().adapt(COLUMNS),
            Dense(SIZE),
        ],
        "mse",
        "numbers",
    ),
    "scale, selu, parametric mish, mse": (
        lambda: [
            Dense(SIZE, "selu"),
            Scale(),
            Dense(SIZE, bias_initializer="ones"),
            ParametricActivation("mish"),
            Dense(SIZE, "mish", parametrization="ntk"),
            Dense(SIZE, parametrization="ntk"),
        ],
        "mse",
        "numbers",
    ),
    "prelu, mse": (
        lambda: [Dense(SIZE), PReLU(), Dense(SIZE), PReLU(shared=True), Dense(SIZE)],
        "mse",
        "numbers",
    ),
    "periodic, mse": (
        lambda: [Dense(SIZE), PeriodicEmbedding(3, 4), Dense(SIZE)],
        "mse",
        "numbers",
    ),
    "bins, mse": (
        lambda: [Dense(SIZE), bins(), Dense(SIZE)],
        "mse",
        "numbers",
    ),
    "categories of a sign, mse": (
        lambda: [Step(), Embedding([2] * SIZE, 2), Dense(SIZE)],
        "mse",
        "numbers",
    ),
    "sigmoid, softplus, mae": (
        lambda: [Dense(SIZE, "sigmoid"), Dense(SIZE, "softplus")],
        "mae",
        "numbers",
    ),
    "softmax, huber": (lambda: [Dense(SIZE, "softmax"), Dense(SIZE)], Huber(0.6), "numbers"),
}
RATE = 0.05
CAUGHT = 1e-5


def draw_batch(kind, rng):
    y = {
        "int": lambda: rng.integers(SIZE, size=SIZE),
        "onehot": lambda: np.eye(SIZE)[rng.integers(SIZE, size=SIZE)],
        "soft": lambda: rng.dirichlet(np.ones(SIZE), size=SIZE),
        "bits": lambda: rng.integers(2, size=(SIZE, SIZE)),
        "numbers": lambda: rng.normal(size=(SIZE, SIZE)),
    }[kind]()
    return rng.normal(size=(SIZE, SIZE)), y, rng.uniform(0.2, 2.0, size=SIZE)


def difference(found, expected):
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


def slope_along(model, batch, direction, step=1e-5):
    """Return the loss's slope in a direction, by central differences and by the gradient."""
    start = model.parameters.copy()
    found = []
    for sign in (1.0, -1.0):
        model.parameters[...] = start + sign * step * direction
        found.append(model.compute_gradients(*batch))
    model.parameters[...] = start
    model.compute_gradients(*batch)
    return (found[0] - found[1]) / (2.0 * step), float(model.gradients @ direction)


def errors_of(network):
    """Yield the errors that each check finds in a network of that name."""
    make_layers, loss, kind = NETWORKS[network]
    rng = np.random.default_rng(11)
    model = ffnn.Sequential(make_layers(), input_dim=SIZE, dtype="float64", seed=0)
    model.parameters[...] = rng.normal(size=model.parameters.size)
    model.compile(ffnn.optimizers.SGD(RATE), loss)
    before, batch = draw_batch(kind, rng), draw_batch(kind, rng)
    model.train_on_batch(*before)  # leaves stale values wherever any may be kept

    # The gradient is that of the loss.
    yield from (row.max_error for row in ffnn.gradient_check(model, *batch).rows)
    # So is it for the loss that `compute_gradients` itself returns.
    loss_by, gradient_by = slope_along(model, batch, rng.normal(size=model.parameters.size))
    yield abs(loss_by - gradient_by) / abs(gradient_by)
    # It depends on the batch alone, not on what was computed before.
    twin = pickle.loads(pickle.dumps(model))
    twin.compute_gradients(*batch)
    model.compute_gradients(*batch)
    yield difference(model.gradients, twin.gradients)
    # And training goes along it.
    model.compute_gradients(*before)
    start = model.parameters.copy()
    model.train_on_batch(*batch)
    yield difference(start - model.parameters, RATE * twin.gradients)


def is_caught(network):
    """Tell whether a check fails; NaN counts as an error."""
    return any(not error <= CAUGHT for error in errors_of(network))


@pytest.mark.parametrize("network", NETWORKS)
def test_checks_pass_where_no_bug_is_planted(network):
    assert max(errors_of(network)) <= 1e-7


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_planted_bug_is_caught(bug, monkeypatch):
    plant(bug, monkeypatch)
    assert any(map(is_caught, NETWORKS))


def test_bugs_are_many_and_different():
    assert len(BUGS) >= 30
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert len({bug[1:] for bug in BUGS}) == len(BUGS)


METHODS = {(bug.owner, bug.method): bug for bug in BUGS}


@pytest.mark.parametrize(
    "bug", list(METHODS.values()), ids=[f"{o.__name__}.{m}" for o, m in METHODS]
)
def test_planting_alone_breaks_nothing(bug, monkeypatch):
    """A method that is compiled anew without a bug passes, so it is the bug that is caught."""
    plant(bug._replace(wrong=bug.right), monkeypatch)
    assert not any(map(is_caught, NETWORKS))
