"""The bugs that are planted into the backward passes: what stands there, and what instead."""

from __future__ import annotations

from typing import NamedTuple

from ffnn import activations, losses
from ffnn.activations import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from ffnn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Normalization,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    PReLU,
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
        "self.dot(dz_t, self.ones, self.db); self.db *= self.factor or 1.0",
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
        "_compute_tanh_slope",
        "3.0 * self.cubic",
        "self.cubic",
    ),
    Bug(
        "gelu with a rounded constant",
        activations.GELU,
        "_compute_tanh_slope",
        "self.du *= self.factor\n",
        "self.du *= 0.8\n",
    ),
    Bug(
        "gelu without the inner x",
        activations.GELU,
        "_compute_tanh_slope",
        "self.slope *= self.x",
        NOTHING,
    ),
    Bug(
        "exact gelu without the outer x",
        activations.GELU,
        "_compute_exact_slope",
        "np.multiply(self.z, self.bell, out=self.slope)",
        "np.copyto(self.slope, self.bell)",
    ),
    Bug(
        "exact gelu with the same slope on both sides",
        activations.GELU,
        "_compute_exact_slope",
        "np.copysign(self.slope, self.x, out=self.slope)",
        NOTHING,
    ),
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
        "prelu's slope of the mean row",
        PReLU,
        "backward",
        "sum_rows(self.slope, self.dalpha)",
        "self.slope.mean(axis=0, out=self.dalpha)",
    ),
    Bug(
        "shared prelu's slope of the mean unit",
        PReLU,
        "backward",
        "self.sums.sum(keepdims=True, out=self.dalpha)",
        "self.sums.mean(keepdims=True, out=self.dalpha)",
    ),
    Bug(
        "prelu's slope everywhere",
        PReLU,
        "backward",
        "np.copyto(self.slope, 1.0, where=self.positive)",
        NOTHING,
    ),
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

OTHER_LAYER_BUGS += [
    Bug(
        "cosine for sine",
        PeriodicEmbedding,
        "backward",
        "self.g *= np.sin(",
        "self.g *= np.cos(",
    ),
    Bug(
        "sine with the wrong sign",
        PeriodicEmbedding,
        "backward",
        "np.negative(self.g",
        "np.abs(self.g",
    ),
    Bug("frequency without 2 pi", PeriodicEmbedding, "backward", "self.dw *= _TURN", NOTHING),
    Bug("dL/dx without 2 pi", PeriodicEmbedding, "backward", "self.own_dx *= _TURN", NOTHING),
    Bug(
        "dL/dx without the column itself",
        PeriodicEmbedding,
        "backward",
        "self.own_dx += own[:, :1]",
        NOTHING,
    ),
    Bug(
        "map not transposed",
        PeriodicEmbedding,
        "backward",
        "np.matmul(self.M_t, delta",
        "np.matmul(self.M, delta",
    ),
    Bug(
        "dL/dx of bins divided by no width",
        PiecewiseLinear,
        "backward",
        "np.multiply(own[:, 1:], self.slope,",
        "np.multiply(own[:, 1:], 1.0,",
    ),
    Bug("bins below count", PiecewiseLinear, "backward", "self.above &= np.less", "np.less"),
    Bug(
        "dL/dx without the number", PiecewiseLinear, "backward", "self.own_dx += own[:, 0]", NOTHING
    ),
    Bug("embedding accumulated", Embedding, "backward", "self.dE.fill(0.0)", NOTHING),
    Bug(
        "rows of an embedding that come twice count once",
        Embedding,
        "backward",
        "np.add.at(self.dE, self.index, self.vectors)",
        "self.dE[self.index] = self.vectors",
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
