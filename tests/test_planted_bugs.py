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
from ffnn.activations import ELU, ActivationFunction, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from ffnn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Normalization,
    ParametricActivation,
    Rescaling,
    RMSNorm,
    Scale,
)
from ffnn.layers.standardization import Standardization
from ffnn.losses import Huber
from ffnn.losses.categorical_crossentropy import ClassLoss
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
    Bug(
        "lost transpose of delta",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.x",
        "self.dot(dz, self.x",
    ),
    Bug(
        "transposed dL/dW",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.x",
        "self.dot(self.x.T, dz",
    ),
    Bug("transposed W", Dense, "linear_backward", "self.W_t.dot", "self.W.dot"),
    Bug(
        "dL/dW accumulated",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.x, self.dW)",
        "self.dW += dz.T @ self.x",
    ),
    Bug(
        "forgotten bias sum",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.ones, self.db)",
        "self.db[...] = dz[0]",
    ),
    Bug(
        "bias mean for bias sum",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.ones, self.db)",
        "np.mean(dz, axis=0, out=self.db)",
    ),
    Bug(
        "bias without gradient",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.ones, self.db)",
        NOTHING,
    ),
    Bug(
        "bias gradient accumulated",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.ones, self.db)",
        "self.db += dz.sum(axis=0)",
    ),
    Bug(
        "dL/dx from updated weights",
        Dense,
        "linear_backward",
        "self.W_t.dot(dz_t, self.dx_t)",
        "self.dx[...] = dz @ (self.W - 0.01 * self.dW)",
    ),
    Bug(
        "x of the first batch kept",
        Dense,
        "linear",
        "self.x = x\n",
        'self.x = self.__dict__.get("x", x)\n',
    ),
]

DENSE_BUGS += [
    Bug(
        "ntk's root forgotten on the way back",
        Dense,
        "linear_backward",
        "dz *= self.factor",
        NOTHING,
    ),
    Bug(
        "ntk's root in dL/db",
        Dense,
        "linear_backward",
        "self.dot(dz_t, self.ones, self.db)",
        "self.dot(dz_t, self.ones, self.db); self.db *= self.factor",
    ),
    Bug("ntk's root twice", Dense, "linear_backward", "dz *= self.factor", "dz *= self.factor**2"),
]

ACTIVATION_BUGS = [
    Bug("relu mask from the wrong side", ReLU, "backward", "np.greater(self.y", "np.greater(grad"),
    Bug("relu mask turned round", ReLU, "backward", "np.greater", "np.less_equal"),
    Bug(
        "leaky slope lost",
        LeakyReLU,
        "backward",
        "np.maximum(self.slope, self.negative_slope, out=self.slope)",
        NOTHING,
    ),
    Bug("leaky slope of the default", LeakyReLU, "backward", "self.negative_slope", "0.01"),
    Bug("sigmoid without y", Sigmoid, "backward", "self.slope *= self.y", NOTHING),
    Bug("sigmoid with the wrong sign", Sigmoid, "backward", "np.subtract(1.0", "np.add(1.0"),
    Bug("tanh without the square", Tanh, "backward", "self.y, self.y", "self.y, 1.0"),
    Bug(
        "softmax with the Jacobian's diagonal alone",
        Softmax,
        "backward",
        "grad -= self.column",
        "grad *= 1.0 - self.y",
    ),
    Bug("softmax without the outer y", Softmax, "backward", "grad *= self.y", NOTHING),
    Bug(
        "softmax with the mean over the row",
        Softmax,
        "backward",
        "self.product.sum(",
        "self.product.mean(",
    ),
    Bug(
        "swish without its first term",
        activations.Swish,
        "backward",
        "self.slope += self.s",
        NOTHING,
    ),
    Bug(
        "swish with x for y",
        activations.Swish,
        "backward",
        "self.slope *= self.y",
        "self.slope *= self.s",
    ),
    Bug("elu of the default alpha", ELU, "backward", "self.alpha", "1.0"),
    Bug(
        "elu's negative slope everywhere",
        ELU,
        "backward",
        "np.copyto(self.slope, 1.0, where=self.positive)",
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
        "self.du *= self._C\n",
        "self.du *= 0.8\n",
    ),
    Bug("gelu without the inner x", activations.GELU, "backward", "self.slope *= self.x", NOTHING),
    Bug(
        "softplus turned round",
        activations.Softplus,
        "backward",
        "sigmoid(self.x",
        "sigmoid(-self.x",
    ),
]

ACTIVATION_BUGS += [
    Bug(
        "selu's positive slope of 1",
        activations.SELU,
        "backward",
        "*= self.scale - self.scale",
        "*= 1.0 - self.scale",
    ),
    Bug(
        "selu's negative slope everywhere",
        activations.SELU,
        "backward",
        "self.slope += self.positive",
        NOTHING,
    ),
    Bug("mish without the 4", activations.Mish, "backward", "self.slope *= 4.0", NOTHING),
    Bug("mish without the outer t", activations.Mish, "backward", "self.slope += self.t", NOTHING),
    Bug(
        "mish without x",
        activations.Mish,
        "backward",
        "self.slope *= self.clipped",
        NOTHING,
    ),
]

NORMALISATION_BUGS = [
    Bug("RMS taken as constant", RMSNorm, "backward", "grad -= self.product", NOTHING),
    Bug("RMS term without gamma", RMSNorm, "backward", "self.product *= self.gamma", NOTHING),
    Bug("RMSNorm without gamma", RMSNorm, "backward", "grad *= self.gamma", NOTHING),
    Bug("RMSNorm's gamma without x_hat", RMSNorm, "backward", "self.product.sum(", "grad.sum("),
    Bug("RMSNorm without 1/r", RMSNorm, "backward", "grad /= self.r", NOTHING),
    Bug(
        "RMS term over all rows",
        RMSNorm,
        "backward",
        "self.product.mean(axis=1, keepdims=True, out=self.mean)",
        "self.mean[...] = self.product.mean()",
    ),
    Bug("mean term missing", Standardization, "backward", "g -= self.mean_g", NOTHING),
    Bug("x_hat term missing", Standardization, "backward", "g -= self.product", NOTHING),
    Bug("1/sigma missing", Standardization, "backward", "g /= self.std", NOTHING),
    Bug(
        "sigma of n - 1 forward, of n backward",
        Standardization,
        "_standardize",
        "self.average(self.product, self.variance)",
        "x.var(axis=self.axis, ddof=1, keepdims=True, out=self.variance)",
    ),
    Bug("gamma left out of g", Standardization, "fill_gradients", "grad *= self.gamma", NOTHING),
    Bug(
        "gamma without x_hat",
        Standardization,
        "fill_gradients",
        "sum_rows(self.product, self.dgamma)",
        "sum_rows(grad, self.dgamma)",
    ),
    Bug(
        "beta as a mean",
        Standardization,
        "fill_gradients",
        "sum_rows(grad, self.dbeta)",
        "grad.mean(axis=0, out=self.dbeta)",
    ),
    Bug(
        "batch norm backward by the moving statistics",
        BatchNorm,
        "backward",
        "return super().backward(grad)",
        "self.std[...] = np.sqrt(self.moving_variance + self.epsilon)",
    ),
    Bug(
        "batch norm with 1/sigma once more",
        BatchNorm,
        "backward",
        "super().backward(grad)",
        "super().backward(grad) / self.std",
    ),
]

OTHER_LAYER_BUGS = [
    Bug("dropout mask forgotten", Dropout, "backward", "grad *= self.m", NOTHING),
    Bug("dropout scale forgotten", Dropout, "backward", "*= self.m", "*= self.m > 0"),
    Bug(
        "stale dropout mask",
        Dropout,
        "forward",
        "return np.multiply(x, self.m, out=self.y)",
        "y = x * self.m; self.m = self.__dict__.setdefault('stale', self.m.copy()); return y",
    ),
    Bug(
        "new dropout mask on the way back",
        Dropout,
        "backward",
        "grad *= self.m",
        "grad *= self._rng.permuted(self.m)",
    ),
    Bug("rescaling forgotten", Rescaling, "backward", "grad *= self.scale", NOTHING),
    Bug("normalization turned round", Normalization, "backward", "grad /= ", "grad *= "),
]

OTHER_LAYER_BUGS += [
    Bug("scale without x", Scale, "backward", "np.multiply(grad, self.x", "np.multiply(grad, 1.0"),
    Bug("scale handed through", Scale, "backward", "grad *= self.gamma", NOTHING),
    Bug(
        "share without x",
        ParametricActivation,
        "backward",
        "np.subtract(self.h, self.x",
        "np.subtract(self.h, 0.0",
    ),
    Bug(
        "share of the mean row",
        ParametricActivation,
        "backward",
        "sum_rows(self.product, self.dalpha)",
        "self.product.mean(axis=0, out=self.dalpha)",
    ),
    Bug("share without its rest", ParametricActivation, "backward", "grad *= self.rest", NOTHING),
    Bug(
        "activation without its share",
        ParametricActivation,
        "backward",
        "np.multiply(grad, self.alpha, out=self.product)",
        "np.copyto(self.product, grad)",
    ),
]

LOSS_BUGS = [
    Bug("missing 1/n", losses.ElementwiseLoss, "allocate", "1.0 / self.values.size", "1.0"),
    Bug("mean over rows alone", losses.ElementwiseLoss, "allocate", "self.values.size", "rows"),
    Bug("mse without the 2", losses.MeanSquaredError, "_slopes", "self.slopes *= 2.0", NOTHING),
    Bug(
        "mse with the wrong sign",
        losses.MeanSquaredError,
        "_values",
        "np.subtract(output, target",
        "np.subtract(target, output",
    ),
    Bug("mae without the sign", losses.MeanAbsoluteError, "_slopes", "np.sign(", "np.abs("),
    Bug("huber without the cut", Huber, "_slopes", "self.slopes", "self.spare"),
    Bug(
        "huber cut at the default delta",
        Huber,
        "_slopes",
        "self.slopes",
        "np.clip(self.spare, -1.0, 1.0)",
    ),
    Bug(
        "bce with half the denominator",
        losses.BinaryCrossentropy,
        "_slopes",
        "product *= output",
        NOTHING,
    ),
    Bug(
        "bce without the denominator",
        losses.BinaryCrossentropy,
        "_slopes",
        "self.slopes /= product",
        NOTHING,
    ),
    Bug(
        "fused bce with the sigmoid's slope once more",
        losses.SigmoidCrossentropy,
        "_slopes",
        "np.subtract(output, target, out=self.slopes)",
        "(output - target) * output * (1.0 - output)",
    ),
    Bug(
        "bce after a softmax without the largest entry",
        losses.SoftmaxBinaryCrossentropy,
        "_slopes",
        "self.slopes -= self.others",
        NOTHING,
    ),
    Bug("fused cce without 1/n", ClassLoss, "allocate", "1.0 / rows", "1.0"),
    Bug(
        "fused cce without sample weights",
        losses.SoftmaxCrossentropy,
        "forward",
        "= self.p, self.y, weight",
        "= self.p, self.y, None",
    ),
    Bug(
        "fused cce on hardened soft labels",
        losses.SoftmaxCrossentropy,
        "backward",
        "self.p -= self.y",
        "self.p -= self.y == self.y.max(axis=1, keepdims=True)",
    ),
    Bug(
        "cce on cumulative rows",
        ClassLoss,
        "fill_rows",
        "self.one_hot.take(target, ",
        "np.tri(len(self.one_hot), dtype=self.dtype).take(target, ",
    ),
    Bug(
        "cce without 1/p",
        losses.CategoricalCrossentropy,
        "backward",
        "np.divide(self.y, self.p, out",
        "np.positive(self.y, out",
    ),
    Bug(
        "cce with the wrong sign",
        losses.CategoricalCrossentropy,
        "backward",
        "np.negative(slopes, out=slopes)",
        NOTHING,
    ),
    Bug("sample weights lost", losses.Loss, "_weigh_rows", "grad *= self.weight[:, None]", NOTHING),
    Bug(
        "sample weights divided by their sum",
        losses.Loss,
        "_weigh_rows",
        "self.weight[:, None]",
        "self.weight[:, None] * len(grad) / self.weight.sum()",
    ),
]

TRAINING_BUGS = [
    Bug("L2 without the factor 2", L1L2, "add_gradient", "2.0 * self.l2", "self.l2"),
    Bug("L1 without the sign", L1L2, "add_gradient", "np.sign(w, ", "np.positive(w, "),
    Bug("L1 without lambda", L1L2, "add_gradient", "scratch *= self.l1", NOTHING),
    Bug("L1 pulled outwards", L1L2, "add_gradient", "scratch *= self.l1", "scratch *= -self.l1"),
    Bug("L2 without the square in the loss", L1L2, "value", "sum_of_squares(w)", "np.abs(w).sum()"),
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
