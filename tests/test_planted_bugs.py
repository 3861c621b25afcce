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
from typing import NamedTuple

import numpy as np
import pytest

import ffnn
from ffnn import activations, losses
from ffnn.activations import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from ffnn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)
from ffnn.layers.standardization import Standardization
from ffnn.losses import Huber
from ffnn.regularizers import L1L2
from ffnn.training.step import Penalty, TrainStep


class Bug(NamedTuple):
    """A snippet of `owner.method` and what stands there instead."""

    name: str
    owner: type
    method: str
    right: str
    wrong: str


NOTHING = "pass"

DENSE_BUGS = [
    Bug("lost transpose of delta", Dense, "linear_backward", "dz_t.dot(batch.x", "dz.dot(batch.x"),
    Bug("transposed dL/dW", Dense, "linear_backward", "dz_t.dot(batch.x", "batch.x_t.dot(dz"),
    Bug(
        "transposed W",
        Dense,
        "linear_backward",
        'self._params["weight"].T',
        'self._params["weight"]',
    ),
    Bug(
        "dL/dW accumulated",
        Dense,
        "linear_backward",
        'dz_t.dot(batch.x, self._grads["weight"])',
        'total = self._grads["weight"]; total += dz.T @ batch.x',
    ),
    Bug(
        "forgotten bias sum",
        Dense,
        "linear_backward",
        'dz_t.dot(batch.ones, self._grads["bias"])',
        'self._grads["bias"][...] = dz[0]',
    ),
    Bug(
        "bias mean for bias sum",
        Dense,
        "linear_backward",
        'dz_t.dot(batch.ones, self._grads["bias"])',
        'np.mean(dz, axis=0, out=self._grads["bias"])',
    ),
    Bug(
        "bias without gradient",
        Dense,
        "linear_backward",
        'dz_t.dot(batch.ones, self._grads["bias"])',
        NOTHING,
    ),
    Bug(
        "bias gradient accumulated",
        Dense,
        "linear_backward",
        'dz_t.dot(batch.ones, self._grads["bias"])',
        'total = self._grads["bias"]; total += dz.sum(axis=0)',
    ),
    Bug(
        "dL/dx from updated weights",
        Dense,
        "linear_backward",
        'self._params["weight"].T.dot(dz_t, dx.T)',
        'dx[...] = dz @ (self._params["weight"] - 0.01 * self._grads["weight"])',
    ),
    Bug(
        "x of the first batch kept",
        Dense,
        "linear",
        "batch is None or batch.x is not x",
        "batch is None",
    ),
]

ACTIVATION_BUGS = [
    Bug("relu mask from the wrong side", ReLU, "backward", "np.greater(y", "np.greater(grad"),
    Bug("relu mask turned round", ReLU, "backward", "np.greater", "np.less_equal"),
    Bug(
        "leaky slope lost",
        LeakyReLU,
        "backward",
        "np.maximum(slope, self.negative_slope, out=slope)",
        NOTHING,
    ),
    Bug("leaky slope of the default", LeakyReLU, "backward", "self.negative_slope", "0.01"),
    Bug("sigmoid without y", Sigmoid, "backward", "slope *= self._y", NOTHING),
    Bug("sigmoid with the wrong sign", Sigmoid, "backward", "np.subtract(1.0", "np.add(1.0"),
    Bug("tanh without the square", Tanh, "backward", "self._y, self._y", "self._y, 1.0"),
    Bug(
        "softmax with the Jacobian's diagonal alone",
        Softmax,
        "backward",
        "grad -= np.add.reduce(product, axis=-1, keepdims=True, out=row)",
        "grad *= 1.0 - self._y",
    ),
    Bug("softmax without the outer y", Softmax, "backward", "grad *= self._y", NOTHING),
    Bug(
        "softmax with the mean over the row",
        Softmax,
        "backward",
        "np.add.reduce(product",
        "np.mean(product",
    ),
    Bug(
        "swish without its first term",
        activations.Swish,
        "backward",
        "slope += self._sigmoid",
        NOTHING,
    ),
    Bug(
        "swish with x for y",
        activations.Swish,
        "backward",
        "slope *= self._y",
        "slope *= self._sigmoid",
    ),
    Bug("elu of the default alpha", ELU, "backward", "self.alpha", "1.0"),
    Bug(
        "elu's negative slope everywhere",
        ELU,
        "backward",
        "np.copyto(slope, 1.0, where=positive)",
        NOTHING,
    ),
    Bug(
        "gelu without the 3 of 3x^2",
        activations.GELU,
        "backward",
        "3.0 * self._CUBIC",
        "self._CUBIC",
    ),
    Bug(
        "gelu with a rounded constant",
        activations.GELU,
        "backward",
        "du *= self._C\n",
        "du *= 0.8\n",
    ),
    Bug("gelu without the inner x", activations.GELU, "backward", "slope *= x", NOTHING),
    Bug(
        "softplus turned round",
        activations.Softplus,
        "backward",
        "sigmoid(self._x",
        "sigmoid(-self._x",
    ),
]

NORMALISATION_BUGS = [
    Bug(
        "RMS taken as constant",
        RMSNorm,
        "backward",
        "grad -= np.multiply(x_hat, mean, out=product)",
        NOTHING,
    ),
    Bug("RMS term without gamma", RMSNorm, "backward", 'product *= self._params["gamma"]', NOTHING),
    Bug("RMSNorm without gamma", RMSNorm, "backward", 'grad *= self._params["gamma"]', NOTHING),
    Bug(
        "RMSNorm's gamma without x_hat",
        RMSNorm,
        "backward",
        "np.add.reduce(product",
        "np.add.reduce(grad",
    ),
    Bug("RMSNorm without 1/r", RMSNorm, "backward", "grad /= self._rms", NOTHING),
    Bug(
        "RMS term over all rows",
        RMSNorm,
        "backward",
        "np.mean(product, axis=1, keepdims=True, out=mean)",
        "mean[...] = product.mean()",
    ),
    Bug("mean term missing", Standardization, "backward", "g -= mean_g", NOTHING),
    Bug(
        "x_hat term missing",
        Standardization,
        "backward",
        "g -= np.multiply(self._x_hat, mean_product, out=product)",
        NOTHING,
    ),
    Bug("1/sigma missing", Standardization, "backward", "g /= self._std", NOTHING),
    Bug(
        "sigma of n - 1 forward, of n backward",
        Standardization,
        "_standardize",
        "np.mean(square, axis=self.axis, keepdims=True, out=variance)",
        "np.var(x, axis=self.axis, ddof=1, keepdims=True, out=variance)",
    ),
    Bug(
        "gamma left out of g",
        Standardization,
        "_parameter_gradients",
        'grad *= self._params["gamma"]',
        NOTHING,
    ),
    Bug(
        "gamma without x_hat",
        Standardization,
        "_parameter_gradients",
        "np.add.reduce(product",
        "np.add.reduce(grad",
    ),
    Bug(
        "beta as a mean",
        Standardization,
        "_parameter_gradients",
        "np.add.reduce(grad, axis=0",
        "np.mean(grad, axis=0",
    ),
    Bug(
        "batch norm backward by the moving statistics",
        BatchNorm,
        "backward",
        "return super().backward(grad)",
        "self._std = np.sqrt(self._moving_variance + self.epsilon)",
    ),
    Bug(
        "batch norm with 1/sigma once more",
        BatchNorm,
        "backward",
        "super().backward(grad)",
        "super().backward(grad) / self._std",
    ),
]

OTHER_LAYER_BUGS = [
    Bug("dropout mask forgotten", Dropout, "backward", "grad *= self._mask", NOTHING),
    Bug("dropout scale forgotten", Dropout, "backward", "*= self._mask", "*= self._mask > 0"),
    Bug(
        "stale dropout mask",
        Dropout,
        "forward",
        "self._mask = mask",
        "self._mask = mask.copy() if self._mask is None else self._mask",
    ),
    Bug(
        "new dropout mask on the way back",
        Dropout,
        "backward",
        "grad *= self._mask",
        "grad *= self._rng.permuted(self._mask)",
    ),
    Bug("rescaling forgotten", Rescaling, "backward", "grad *= self.scale", NOTHING),
    Bug("normalization turned round", Normalization, "backward", "grad /= ", "grad *= "),
]

LOSS_BUGS = [
    Bug("missing 1/n", losses.ElementwiseLoss, "backward", "1.0 / slopes.size", "1.0"),
    Bug("mean over rows alone", losses.ElementwiseLoss, "backward", "slopes.size", "len(slopes)"),
    Bug("mse without the 2", losses.MeanSquaredError, "_slopes", "residual *= 2.0", NOTHING),
    Bug(
        "mse with the wrong sign",
        losses.MeanSquaredError,
        "_values",
        "np.subtract(output, target",
        "np.subtract(target, output",
    ),
    Bug("mae without the sign", losses.MeanAbsoluteError, "_slopes", "np.sign(", "np.abs("),
    Bug("huber without the cut", Huber, "_slopes", '"cut"', '"residual"'),
    Bug(
        "huber cut at the default delta",
        Huber,
        "_slopes",
        'self._like("cut", output)',
        'np.clip(self._like("residual", output), -1.0, 1.0)',
    ),
    Bug(
        "bce with half the denominator",
        losses.BinaryCrossentropy,
        "_slopes",
        "spread *= output",
        NOTHING,
    ),
    Bug(
        "bce without the denominator",
        losses.BinaryCrossentropy,
        "_slopes",
        "slopes /= spread",
        NOTHING,
    ),
    Bug(
        "fused bce with the sigmoid's slope once more",
        losses.SigmoidCrossentropy,
        "_slopes",
        "np.subtract(output, target, out=output)",
        "(output - target) * output * (1.0 - output)",
    ),
    Bug("fused cce without 1/n", losses.SoftmaxCrossentropy, "backward", "1.0 / len(grad)", "1.0"),
    Bug(
        "fused cce without sample weights",
        losses.SoftmaxCrossentropy,
        "forward",
        "self._remember(p, y, weight)",
        "self._remember(p, y, None)",
    ),
    Bug(
        "fused cce on hardened soft labels",
        losses.SoftmaxCrossentropy,
        "backward",
        "grad -= self.target",
        "grad -= self.target == self.target.max(axis=1, keepdims=True)",
    ),
    Bug(
        "fused cce on classes counted from 1",
        losses.SoftmaxCrossentropy,
        "_fill_rows",
        "np.arange(y.shape[1])",
        "np.arange(1, y.shape[1] + 1)",
    ),
    Bug(
        "cce without 1/p",
        losses.CategoricalCrossentropy,
        "backward",
        "np.divide(self.target, self._probabilities(), out",
        "np.positive(self.target, out",
    ),
    Bug(
        "cce with the wrong sign",
        losses.CategoricalCrossentropy,
        "backward",
        "-1.0 / len",
        "1.0 / len",
    ),
    Bug(
        "sample weights lost", losses.Loss, "_weigh_rows", "grad *= self._weight[:, None]", NOTHING
    ),
    Bug(
        "sample weights divided by their sum",
        losses.Loss,
        "_weigh_rows",
        "self._weight[:, None]",
        "self._weight[:, None] * len(grad) / self._weight.sum()",
    ),
]

TRAINING_BUGS = [
    Bug("L2 without the factor 2", L1L2, "add_gradient", "2.0 * self.l2", "self.l2"),
    Bug("L1 without the sign", L1L2, "add_gradient", "np.sign(w, ", "np.positive(w, "),
    Bug("L1 without lambda", L1L2, "add_gradient", "scratch *= self.l1", NOTHING),
    Bug("L1 pulled outwards", L1L2, "add_gradient", "scratch *= self.l1", "scratch *= -self.l1"),
    Bug("L2 without the square in the loss", L1L2, "value", "np.vdot(w, w)", "np.abs(w).sum()"),
    Bug("penalty left out of the loss", TrainStep, "forward", "loss += penalty.value()", NOTHING),
    Bug(
        "penalty left out of the gradient", TrainStep, "backward", "penalty.add_gradient()", NOTHING
    ),
    Bug(
        "penalty on the gradient instead of the weight",
        Penalty,
        "add_gradient",
        "self.regularizer.add_gradient(self.w",
        "self.regularizer.add_gradient(self.grad",
    ),
    Bug(
        "update by the gradient of the batch before",
        TrainStep,
        "__call__",
        "loss = self.forward(",
        "self.optimizer.step(); loss = self.forward(",
    ),
    Bug("no gradient of this batch", TrainStep, "__call__", "self.backward()", NOTHING),
]

BUGS = [
    *DENSE_BUGS,
    *ACTIVATION_BUGS,
    *NORMALISATION_BUGS,
    *OTHER_LAYER_BUGS,
    *LOSS_BUGS,
    *TRAINING_BUGS,
]


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


class UnfusedSoftmax(Softmax):
    """A softmax that no loss recognises, so that its own Jacobian is used."""


class UnfusedSigmoid(Sigmoid):
    """A sigmoid that no loss recognises."""


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
        lambda: [Dense(SIZE), BatchNorm(), ELU(0.7), Dense(SIZE, UnfusedSoftmax())],
        "cce",
        "onehot",
    ),
    "tanh, dropout, bce": (
        lambda: [Dense(SIZE, "tanh"), Dropout(0.4), Dense(SIZE, "sigmoid")],
        "bce",
        "bits",
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
            Normalization().adapt(COLUMNS),
            Dense(SIZE),
        ],
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
