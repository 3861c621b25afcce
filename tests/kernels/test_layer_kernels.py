"""Compiled layers have the same bits as NumPy's formulas, forward and backward."""

import inspect
import textwrap

import numpy as np
import pytest
from bits import rough, same_bits

from ffnn.kernels import (
    dense,
    dropout,
    parametric_activation,
    periodic_embedding,
    piecewise_linear,
    scale,
)
from ffnn.kernels.compiler import Loop, find_problem
from ffnn.kernels.twins import TWINS, twin_of
from ffnn.layers import (
    LAYERS,
    Dense,
    Dropout,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    Scale,
)
from ffnn.schedules import FlatCosine

needs_numba = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

LAYERS_MADE = {
    "selu": lambda: ParametricActivation("selu"),
    "mish": lambda: ParametricActivation("mish"),
    "dropout": lambda: Dropout(0.3),
    "dropout by Philox": lambda: drawing_by_philox(Dropout(0.3)),
    "dropout by a schedule": lambda: Dropout(FlatCosine(0.3, 10)),
    "no dropout": lambda: Dropout(0.0),
    "embedding": lambda: PeriodicEmbedding(5, 3, sigma=2.0),
    "dense": lambda: Dense(6, parametrization="ntk", bias_initializer="glorot_uniform"),
    "scale": Scale,
    "bins": lambda: PiecewiseLinear(4),
    "bins of some": lambda: PiecewiseLinear(3, columns=[2, 0]),
    "embedding of some": lambda: PeriodicEmbedding(4, 2, columns=[2, 0]),
}
FEW = [(5, 3), (5, 4)]
SHAPES = [(1, 3), *FEW, (32, 7), (129, 3), (300, 5)]


def drawing_by_philox(layer):
    layer.initialize = lambda *_: vars(layer).update(_rng=np.random.Generator(np.random.Philox(3)))
    return layer


def made(name, columns, dtype):
    """Return a layer by itself, with rough parameters, the same ones each time."""
    layer, rng = LAYERS_MADE[name](), np.random.default_rng(5)
    if isinstance(layer, PiecewiseLinear):
        layer.adapt(rng.standard_normal((40, columns)))
    layer.build(columns, dtype=dtype, seed=3)
    for values in layer.params.values():
        values[...] += 0.5 * rng.standard_normal(values.shape).astype(dtype)
    return layer


def passed(layer, way, batches):
    """Return all that two batches and their gradients leave: y, ∂L/∂x and the gradients."""
    results = []
    with np.errstate(all="ignore"):
        for x, grad in batches:
            y = way.forward(x, True)
            dx = way.backward(grad[:, : y.shape[1]].copy(order="F"))
            results += [y.copy(), dx.copy(), *(each.copy() for each in layer.grads.values())]
    return results


def batches(rows, columns, dtype, kind, order="F"):
    rng = np.random.default_rng(rows)
    pairs = [
        (rough(rng, n, columns, dtype=dtype, kind=kind), rough(rng, n, 40, dtype=dtype, kind=kind))
        for n in (rows, max(rows - 2, 1))
    ]
    return [(np.array(x, order=order), grad) for x, grad in pairs]


def states(layer):
    return [repr(rng.bit_generator.state) for rng in layer.random_generators()]


def differences(name, dtype="float32", kinds=("plain", "tiny", "every"), shapes=SHAPES, **options):
    """Return for which batches the twin leaves other bits than the layer."""
    found = []
    for rows, columns in shapes:
        for kind in kinds:
            own, other = made(name, columns, dtype), made(name, columns, dtype)
            data = batches(rows, columns, dtype, kind, **options)
            expected = passed(own, own, data)
            computed = passed(other, twin_of(other, np.dtype(dtype)), data)
            if not all(map(same_bits, expected, computed)) or states(own) != states(other):
                found.append((rows, columns, kind))
    return found


@needs_numba
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS_MADE)
def test_a_compiled_layer_has_the_bits_of_the_formulas(name, dtype):
    assert differences(name, dtype) == []


@needs_numba
@pytest.mark.parametrize("name", LAYERS_MADE)
def test_a_batch_that_lies_row_by_row_goes_the_layers_own_way(name):
    assert differences(name, kinds=["plain"], order="C") == []


@needs_numba
@pytest.mark.parametrize("name", LAYERS_MADE)
def test_a_gradient_that_lies_row_by_row_goes_the_layers_own_way(name):
    own, other = made(name, 6, "float32"), made(name, 6, "float32")
    twin = twin_of(other, np.dtype("float32"))
    ((x, grad), _) = batches(32, 6, "float32", "plain")
    grad = np.ascontiguousarray(grad[:, : own.forward(x, True).shape[1]])
    if isinstance(own, Dropout):  # which drew a mask to find the width
        own = made(name, 6, "float32")
        own.forward(x, True)
    twin.forward(x, True)
    expected, computed = own.backward(grad.copy()), twin.backward(grad.copy())

    assert same_bits(expected, computed)
    for name, array in own.grads.items():
        assert same_bits(array, other.grads[name])


@needs_numba
def test_a_layer_whose_input_needs_no_gradient_returns_none():
    layer = made("selu", 3, "float32")
    layer.needs_input_grad = False
    twin = twin_of(layer, np.dtype("float32"))
    ((x, grad), _) = batches(5, 3, "float32", "plain")
    twin.forward(x, True)

    assert twin.backward(np.asfortranarray(grad[:, :3])) is None


@needs_numba
def test_an_activation_without_loops_has_no_twin():
    assert twin_of(ParametricActivation("tanh"), np.dtype("float32")) is None


def test_every_layer_that_has_a_twin_is_compared():
    compared = {type(make()) for make in LAYERS_MADE.values()}

    assert {cls for cls in LAYERS if cls in TWINS} == compared


# Planted bugs


@pytest.fixture
def interpreted(monkeypatch):
    """Let Python itself run the loops, which makes the same operations on NumPy's numbers."""
    monkeypatch.setattr(Loop, "compiled", lambda self, dtype: quiet(self.function))


def quiet(function):
    """Return a function without the warnings of integers that begin anew at 2⁶⁴, as they should."""
    return np.errstate(over="ignore")(function)


@pytest.mark.parametrize("name", LAYERS_MADE)
def test_a_loop_says_the_same_without_a_compiler(name, interpreted):
    assert differences(name, kinds=["plain"], shapes=FEW) == []


BUGS = [  # layer, module, loop, what is right, and what is wrong
    ("selu", parametric_activation, "selu_forward", "e[i, j] * s_a", "e[i, j] * s"),
    ("selu", parametric_activation, "selu_forward", "h * share + x[i, j] * rest", "h * share"),
    ("selu", parametric_activation, "selu_backward", "(h - x[i, j])", "h"),
    ("selu", parametric_activation, "selu_backward", "x[i, j] > zero", "x[i, j] < zero"),
    ("selu", parametric_activation, "selu_backward", "share * slope", "slope"),
    ("mish", parametric_activation, "mish_forward", "(n[i, j] + two)", "(n[i, j] + one)"),
    ("mish", parametric_activation, "mish_forward", "x[i, j] * (t / (t + two))",
     "x[i, j] * t / (t + two)"),
    ("mish", parametric_activation, "mish_backward", "/ d / d", "/ (d * d)"),
    ("mish", parametric_activation, "mish_backward", "* four + t", "* four"),
    ("mish", parametric_activation, "mish_backward", "range(x.shape[1])", "range(x.shape[1] - 1)"),
    ("dropout by Philox", dropout, "mask", ">= rate", "< rate"),
    ("dropout", dropout, "mask_halves", "x[i] * m[i]", "x[i] * kept"),
    ("dropout", dropout, "mask_halves", "np.uint32(8)", "np.uint32(9)"),
    ("dropout", dropout, "draw", "low * _A_HIGH", "low * _A_LOW"),
    ("dropout", dropout, "draw", "if low < c_low", "if low > c_low"),
    ("dropout", dropout, "draw", "words[0], words[1] = low, high", "pass"),
    ("dropout", dropout, "draw", "| np.uint64(rest % 2)", ""),
    ("dropout", dropout, "draw", "halves - np.int64(left[0] & _ONE)", "halves"),
    ("dense", dense, "scale_and_shift", " + b[i]", ""),
    ("dense", dense, "scale_and_shift", "z[i, j] * factor + b[i]", "(z[i, j] + b[i]) * factor"),
    ("scale", scale, "scale_back", "grad[i, j] * gamma[i]", "grad[i, j] * gamma[0]"),
    ("scale", scale, "scale_back", "grad[i, j] * x[i, j]", "grad[i, j]"),
    ("bins", piecewise_linear, "encode", "one if e > one else e", "e"),
    ("bins", piecewise_linear, "encode", "slope[i, k]", "slope[i, 0]"),
    ("embedding", periodic_embedding, "turn", "x[i, j] * w[i, k]", "x[i, j] * w[0, k]"),
    ("embedding", periodic_embedding, "turn", "turns - np.rint(turns)", "turns"),
    ("embedding", periodic_embedding, "turn", " + phase[i, k]", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "module", "loop", "right", "wrong"), BUGS)
def test_a_bug_in_a_loop_is_noticed(name, module, loop, right, wrong, interpreted, monkeypatch):
    original = getattr(module, loop)
    source = textwrap.dedent(inspect.getsource(original.function))
    source = source[source.index("def ") :]
    head, body = source.split('"""', 1)[0], source.rsplit('"""', 1)[1]
    assert body.count(right) == 1
    names = dict(vars(module))
    exec(f"{head.rstrip()}{body.replace(right, wrong)}", names)
    monkeypatch.setattr(original, "function", names[loop])

    assert differences(name, kinds=["plain"], shapes=FEW)
