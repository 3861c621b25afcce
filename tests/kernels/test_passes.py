"""The passes of the machine are the formulas that they stand for; bugs in them are noticed."""

import numpy as np
import pytest
from bits import rough, same_bits
from passes import with_bug

from ffnn.kernels.compiler import find_problem

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

F = np.float32
LABELS = np.array([2, 0, 1, 2])


def squared(p, target):
    return p - target.T, (p - target.T) * (p - target.T)


def logit(z, target):
    return np.maximum(z, F(0)) - z * target.T, -abs(z), np.minimum(-z, F(88.0))


def mean(sums, count):
    return (sums.astype(float) / count).astype(F)


def added(x):
    """Return Σ over the units, one after another."""
    total = np.zeros(x.shape[1], F)
    for row in x:
        total = total + row
    return total


def taken(z, y, row):
    total = added(z * y)
    return {0: np.vstack([total, (z * y)[1:]]), 2: row - total}


def centered(x, mu, *_):
    x_hat = x - mu[:, None]
    return {2: x_hat, 3: x_hat * x_hat}


def divided(x_hat, variance, std, gamma, beta, y):
    std = np.sqrt(variance + F(0.1))
    x_hat = x_hat / std[:, None]
    return {0: x_hat, 2: std, 5: x_hat * gamma[:, None] + beta[:, None]}


def standardized(x, mu, variance, gamma, beta, y):
    std = np.sqrt(variance + F(0.1))[:, None]
    return {5: (x - mu[:, None]) / std * gamma[:, None] + beta[:, None]}


def weighed(x_hat, gamma, grad, product):
    g = grad * gamma[:, None]
    return {2: g, 3: g * x_hat}


def back_by_units(x_hat, std, g, product, grad):
    centered = grad - g[:, None] - x_hat * product[:, None]
    return {4: centered / std[:, None]}


def normalized(x, gamma, beta, *_):
    mu = mean(added(x), 3)
    x_hat = x - mu
    std = np.sqrt(mean(added(x_hat * x_hat), 3) + F(0.1))
    x_hat = x_hat / std
    return {3: x_hat, 4: x_hat * gamma[:, None] + beta[:, None], 5: mu, 6: std}


def back_by_rows(x_hat, std, gamma, grad, *_):
    g = grad * gamma[:, None]
    means = mean(added(g), 3), mean(added(g * x_hat), 3)
    return {3: (g - means[0] - x_hat * means[1]) / std, 4: means[0], 5: means[1]}


def refused(square, sums):
    return {} if square[0] < F(1.0) else {1: np.array([np.nan, *sums[1:]], F)}


# pass → shapes of its arrays, its other arguments, and what NumPy makes of the arrays: those that
# are written, in their order, by the places of these.
M, V, R = (3, 4), (3,), (4,)
PASSES = {
    "add_bias": ([M, V], (), lambda z, b: {0: z + b[:, None]}),
    "add_bias_relu": ([M, V, M], (), lambda z, b, y: {2: np.maximum(z + b[:, None], F(0))}),
    "relu": ([R, R], (), lambda x, y: {1: np.maximum(x, F(0))}),
    "relu_back": ([R, R], (), lambda y, g: {1: g * (y > 0).astype(F)}),
    "tanh_back": ([R, R], (), lambda y, g: {1: g * (F(1) - y * y)}),
    "scale": ([R], (F(0.3),), lambda x: {0: x * F(0.3)}),
    "oppose": ([R, R], (F(0.5),), lambda x, y: {1: np.minimum(-x, F(0.5))}),
    "invert": ([R], (), lambda y: {0: F(1) / (F(1) + y)}),
    "sigmoid_back": ([R, R], (), lambda y, g: {1: g * ((F(1) - y) * y)}),
    "rescale": ([M[::-1], M], (F(0.3), F(-0.7)), lambda x, y: {1: x.T * F(0.3) + F(-0.7)}),
    "add_bias_clip": ([M, V], (), lambda z, b: {0: np.maximum(z + b[:, None], F(0))}),
    "shift_clip": ([M, (4,)], (), lambda z, b: {0: np.maximum(z + b, F(0))}),
    "shift": ([M, (4,)], (), lambda z, b: {0: z + b}),
    "divide": ([M, R], (), lambda y, row: {0: y / row}),
    "below_largest": ([M, M, R], (), lambda x, z, row: {1: x - x.max(axis=0), 2: x.max(axis=0)}),
    "divide_by_sum": ([M, R], (), lambda p, row: {0: p / p.sum(axis=0), 1: p.sum(axis=0)}),
    "one_hot": ([None, M], (F(0.1), F(0.8)),
                lambda _, y: {1: np.where(np.arange(3)[:, None] == LABELS, F(0.8), F(0.1))}),
    "shares": ([M[::-1], M], (F(0.8), F(0.1)), lambda t, y: {1: t.T * F(0.8) + F(0.1)}),
    "differences": ([R, R], (F(0.3),), lambda p, y: {0: (p - y) * F(0.3)}),
    "square_errors": ([M, M[::-1], M, M], (),
                      lambda p, t, *_: dict(zip((2, 3), squared(p, t), strict=True))),
    "double": ([R], (F(0.3),), lambda e: {0: e * F(2) * F(0.3)}),
    "logit_errors": ([M, M[::-1], M, M, M], (F(88.0),),
                     lambda z, t, *_: dict(zip((2, 3, 4), logit(z, t), strict=True))),
    "add": ([R, R], (), lambda x, y: {0: x + y}),
    "weigh_rows": ([M, R], (), lambda x, w: {0: x * w}),
    "take_right": ([M, M, R], (), taken),
    "sizes": ([R, R], (), lambda w, _: {1: abs(w)}),
    "add_signs": ([R, R], (F(0.3),), lambda w, g: {1: g + np.sign(w) * F(0.3)}),
    "add_shares": ([R, R], (F(0.3),), lambda w, g: {1: g + w * F(0.3)}),
    "target_errors": ([M, M[::-1], M], (F(0.3),), lambda p, t, _: {2: (p - t.T) * F(0.3)}),
    "divide_sums": ([R], (7,), lambda sums: {0: mean(sums, 7)}),
    "center_units": ([M, V, M, M], (), centered),
    "divide_units": ([M, V, V, V, V, M], (F(0.1),), divided),
    "standardize_units": ([M, V, V, V, V, M], (F(0.1),), standardized),
    "multiply": ([R, R, R], (), lambda x, g, _: {2: g * x}),
    "weigh_units": ([M, V, M, M], (), weighed),
    "units_back": ([M, V, V, V, M], (), back_by_units),
    "layer_norm": ([M, V, V, M, M, R, R], (F(0.1),), normalized),
    "layer_norm_back": ([M, R, V, M, R, R], (), back_by_rows),
    "follow": ([R, R], (F(0.9), F(0.1)), lambda m, b: {0: m * F(0.9) + b * F(0.1)}),
    "refuse": ([V, V], (F(1.0),), refused),
}  # fmt: skip


def function(name):
    return passes()[name].py_func


def passes():
    """Return all functions that numba compiles for the machine, by name."""
    from ffnn.kernels.native import losses, machine, norms, penalties

    found = vars(machine) | vars(losses) | vars(norms) | vars(penalties)
    return {name: value for name, value in found.items() if hasattr(value, "py_func")}


def is_right(name, computed):
    """Tell whether a pass, as Python runs it, writes what NumPy computes, and nothing else."""
    shapes, others, formula = PASSES[name]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kind = ("plain", "every")[seed % 2]
        arrays = [
            LABELS if shape is None else rough(rng, *shape, dtype="float32", kind=kind)
            for shape in shapes
        ]
        with np.errstate(all="ignore"):
            written = formula(*(array.copy() for array in arrays))
            expected = [written.get(place, array.copy()) for place, array in enumerate(arrays)]
            computed(*arrays, *others)
        if not all(map(same_bits, expected, arrays)):
            return False
    return True


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_is_its_formula(name):
    assert is_right(name, function(name))


def test_shares_are_the_target_itself_where_nothing_is_smoothed():
    target, y = np.arange(12, dtype=F).reshape(4, 3), np.zeros((3, 4), F)

    function("shares")(target, y, F(1), F(0))

    assert np.array_equal(y, target.T)


def test_every_pass_is_compared():
    tools = {
        *("vector", "matrix", "penalty"),  # of which the last is seen in whole trainings
        *("compute", "compute_layer", "compute_loss", "compute_mask", "compute_norm"),
        *("compute_penalty", "compute_prediction", "compute_weights"),
        "compute_activation",  # in test_activations_in_chains
    }

    assert set(passes()) - tools == set(PASSES)


BUGS = [  # pass, what is right, and what is wrong
    ("add_bias", "b[i]", "b[0]"),
    ("add_bias_relu", "zero if shifted <= zero else shifted", "shifted"),
    ("add_bias_relu", "<= zero", "< zero - 1"),
    ("relu", "x.size", "x.size - 1"),
    ("add_bias_clip", "b[i]", "b[0]"),
    ("add_bias_clip", "<= zero", "< zero - 1"),
    ("shift_clip", "b[j]", "b[i]"),
    ("shift_clip", "zero if shifted <= zero else shifted", "shifted"),
    ("relu_back", "> zero", ">= zero"),
    ("shift", "b[j]", "b[i]"),
    ("divide", "row[j]", "row[0]"),
    ("tanh_back", "one - y[i] * y[i]", "one - y[i]"),
    ("scale", "x[i] * factor", "x[i] / factor"),
    ("oppose", "opposite > largest", "opposite < largest"),
    ("invert", "one / (y[i] + one)", "one / y[i] + one"),
    ("sigmoid_back", "(one - y[i]) * y[i]", "one - y[i] * y[i]"),
    ("rescale", "x[j, i] * factor", "x[j, i]"),
    ("rescale", "y[i, j] + added", "added"),
    ("below_largest", "x[i, j] > row[j]", "x[i, j] < row[j]"),
    ("below_largest", "range(1, x.shape[0])", "range(2, x.shape[0])"),
    ("divide_by_sum", "row[j] + p[i, j]", "p[i, j]"),
    ("one_hot", "labels[j] == i", "labels[j] == j"),
    ("shares", "target[j, i]", "target[j, 0]"),
    ("shares", "* kept + added", "* kept"),
    ("differences", "(p[i] - y[i]) * factor", "p[i] - y[i] * factor"),
    ("square_errors", "error[i, j] * error[i, j]", "abs(error[i, j])"),
    ("double", "* two * factor", "* (two + factor)"),
    ("logit_errors", "high - z[i, j] * target[j, i]", "z[i, j] * target[j, i]"),
    ("logit_errors", "-abs(z[i, j])", "abs(z[i, j])"),
    ("logit_errors", "top if -z[i, j] > top else -z[i, j]", "-z[i, j]"),
    ("add", "x[i] + y[i]", "y[i]"),
    ("weigh_rows", "weight[j]", "weight[i]"),
    ("take_right", "range(1, z.shape[0])", "range(z.shape[0])"),
    ("take_right", "z[i, j] * y[i, j]", "z[i, j]"),
    ("take_right", "row[j] - z[0, j]", "row[j] - z[1, j]"),
    ("sizes", "abs(w[i])", "w[i]"),
    ("add_signs", "w[i] > zero", "w[i] >= zero"),
    ("add_signs", "sign * factor", "sign"),
    ("add_shares", "w[i] * factor", "factor"),
    ("target_errors", "target[j, i]", "target[0, i]"),
    ("divide_sums", "np.float64(count)", "np.float64(count - 1)"),
    ("center_units", "mean[i]", "mean[0]"),
    ("divide_units", "variance[i] + epsilon", "variance[i]"),
    ("divide_units", "+ beta[i]", "+ beta[0]"),
    ("standardize_units", "(x[i, j] - mean[i])", "x[i, j]"),
    ("multiply", "grad[i] * x[i]", "grad[i]"),
    ("weigh_units", "product[i, j] = grad[i, j] * x_hat", "product[i, j] = x_hat"),
    ("units_back", "- x_hat[i, j] * mean_product[i]", ""),
    ("units_back", "- mean_g[i]", ""),
    ("layer_norm", "np.float64(std[j]) / np.float64(units)", "std[j] / (units - 1)"),
    ("layer_norm", "std[j] + e", "std[j]"),
    ("layer_norm_back", "grad[i, j] * gamma[i]", "grad[i, j]"),
    ("layer_norm_back", "- x_hat[i, j] * mean_product[j]", ""),
    ("follow", "batch[i] * share", "batch[i] * kept"),
    ("refuse", "not square[0] < limit", "square[0] > limit"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_a_bug_in_a_pass_is_noticed(name, right, wrong):
    assert not is_right(name, with_bug(function(name), right, wrong))
