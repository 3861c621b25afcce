"""The passes of the machine are the formulas that they stand for; bugs in them are noticed."""

import inspect
import textwrap

import numpy as np
import pytest
from bits import rough, same_bits

from ffnn.kernels.compiler import find_problem

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

F = np.float32
LABELS = np.array([2, 0, 1, 2])


def squared(p, target):
    return p - target.T, (p - target.T) * (p - target.T)


def logit(z, target):
    return np.maximum(z, F(0)) - z * target.T, -abs(z), np.minimum(-z, F(88.0))


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
    "target_errors": ([M, M[::-1], M], (F(0.3),), lambda p, t, _: {2: (p - t.T) * F(0.3)}),
}  # fmt: skip


def function(name):
    from ffnn.kernels.native import losses, machine

    return vars(machine).get(name, vars(losses).get(name)).py_func


def is_right(name, computed):
    """Tell whether a pass, as Python runs it, writes what NumPy computes, and nothing else."""
    shapes, others, formula = PASSES[name]
    for seed in range(24):
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
    from ffnn.kernels.native import losses, machine

    tools = {"vector", "matrix", "compute", "compute_layer", "compute_loss", "compute_prediction"}
    found = {
        name for name, value in (vars(machine) | vars(losses)).items() if hasattr(value, "py_func")
    }

    assert found - tools == set(PASSES)


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
    ("target_errors", "target[j, i]", "target[0, i]"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_a_bug_in_a_pass_is_noticed(name, right, wrong):
    source = textwrap.dedent(inspect.getsource(function(name)))
    source = source[source.index("def ") :]
    head, body = source.split('"""', 1)[0], source.rsplit('"""', 1)[1]
    assert body.count(right) >= 1
    names = dict(function(name).__globals__)
    exec(f"{head.rstrip()}{body.replace(right, wrong)}", names)

    assert not is_right(name, names[name])
