"""Activations in chains have the bits of their layers, pass by pass and in whole trainings."""

import itertools
import math

import numpy as np
import pytest
from bits import rough, same_bits
from passes import with_bug

import ffnn
from ffnn.activations import ELU, GELU, SELU, Exponential, LeakyReLU, Mish, Softplus, Swish
from ffnn.core import gaussian
from ffnn.core.memory import Workspace
from ffnn.kernels.chains import activations
from ffnn.kernels.chains.chain import run_for
from ffnn.kernels.chains.codes import Code
from ffnn.kernels.chains.parts import WRITERS
from ffnn.kernels.chains.program import Program
from ffnn.kernels.compiler import find_problem
from ffnn.layers import Activation, Dense, LayerNorm, Rescaling

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

MAKERS = {
    "leaky_relu": LeakyReLU,
    "leaky_relu(0)": lambda: LeakyReLU(0.0),
    "leaky_relu(0.3)": lambda: LeakyReLU(0.3),
    "elu": ELU,
    "elu(0.7)": lambda: ELU(0.7),
    "selu": SELU,
    "gelu": GELU,
    "gelu(tanh)": lambda: GELU("tanh"),
    "swish": Swish,
    "softplus": Softplus,
    "mish": Mish,
    "exponential": Exponential,
}
DTYPES = ["float32", "float64"]
SIZES = [(1, 3), (2, 1), (7, 5), (32, 20), (33, 31)]

each_activation = pytest.mark.parametrize("name", MAKERS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def odd_numbers(dtype):
    """Return numbers around which the formulas change, each beside its neighbours, and others."""
    info = np.finfo(dtype)
    edges = np.array([0.0, 25.0, 30.0, 40.0, 88.0, 709.0, 1000.0, info.max, info.tiny], dtype)
    with np.errstate(over="ignore"):
        beside = [np.nextafter(edges, dtype(end)) for end in (-math.inf, math.inf)]
    found = np.concatenate([edges, *beside, np.array([math.inf, math.nan], dtype)])
    return np.concatenate([found, -found])


def batches(dtype):
    """Return pairs of a batch and of what comes back, of many sizes and kinds of numbers."""
    rng, number = np.random.default_rng(5), np.dtype(dtype).type
    for shape, kind in itertools.product(SIZES, ["plain", "tiny", "every", "wide", "odd"]):
        if kind == "odd":
            x = rng.choice(odd_numbers(number), shape)
        elif kind == "wide":
            x = rng.uniform(-50.0, 50.0, shape).astype(dtype)
        else:
            x = rough(rng, *shape, dtype=dtype, kind=kind)
        grad = rough(rng, *shape, dtype=dtype, kind="every" if kind == "every" else "plain")
        yield np.asfortranarray(x), np.asfortranarray(grad)


def written(layer, x, grad=None, returns=True):
    """Return what the program of an activation makes of a batch: y, and ∂L/∂x in training."""
    program = Program(Workspace(), len(x), x.dtype, returns)
    writer = WRITERS[type(layer)](layer, "a")
    outputs = [writer.forward(program, x)]
    if grad is not None:
        outputs.append(writer.backward(program, grad))
    run_for(x.dtype)(*program.tables(), 0, len(program))
    return [np.array(each) for each in outputs]


# Bits


@each_dtype
@each_activation
def test_a_program_has_the_bits_of_its_layer(name, dtype):
    for x, grad in batches(dtype):
        layer, kept = MAKERS[name](), x.copy()
        with np.errstate(all="ignore"):
            y = layer.forward(x, training=True).copy()
            expected = [y, layer.backward(grad.copy(order="F"))]
            found = written(layer, x, grad.copy(order="F"))

        assert all(map(same_bits, expected, found)), (x.shape, x, expected, found)
        assert same_bits(x, kept)


@each_dtype
@each_activation
def test_a_program_predicts_with_the_bits_of_its_layer(name, dtype):
    for x, _ in batches(dtype):
        layer = MAKERS[name]()
        with np.errstate(all="ignore"):
            expected = layer.forward(x).copy()
            for order in "FC":  # both of which z of a Dense layer may have
                found = written(layer, np.array(x, order=order), returns=False)
                assert same_bits(expected, found[0]), (x.shape, order)


@each_activation
def test_rows_of_a_batch_that_lie_one_after_another_are_left_to_the_layer(name):
    x = np.ones((3, 2), np.float32)
    for returns in (True, False):
        program = Program(Workspace(), 3, x.dtype, returns)
        with pytest.raises(LookupError, match="row by row"):
            WRITERS[type(MAKERS[name]())](MAKERS[name](), "a").forward(
                program, program.move("x", x)
            )


@each_dtype
@pytest.mark.parametrize("keeps", [True, False])
def test_selu_has_the_zeros_of_numpys_clip(keeps, dtype, monkeypatch):
    monkeypatch.setattr(activations, "clips_zeros_alike", lambda: keeps)
    x = np.zeros((5, 4), dtype, order="F")

    (found,) = written(SELU(), -x, returns=False)

    assert np.array_equal(found, x)
    assert (np.signbit(found) == keeps).all()


# Trainings

X = np.random.default_rng(0).standard_normal((205, 6)).astype(np.float32)
Y = (np.arange(205) * 7 % 3).astype(int)


def network(name, jit_compile, ending="labels", dtype="float32"):
    """Return a network with an activation in several places."""
    layers = [Dense(9, MAKERS[name]()), Activation(MAKERS[name]()), LayerNorm()]
    layers += [Dense(8, use_bias=False), Rescaling(0.5), Activation(MAKERS[name]())]
    layers += [Dense(3, "softmax") if ending == "labels" else Dense(1, MAKERS[name]())]
    model = ffnn.Sequential(layers, seed=4, dtype=dtype)
    loss, metrics = "mse", []
    if ending == "labels":
        loss, metrics = "sparse_categorical_crossentropy", ["accuracy"]
    model.compile("adam", loss, metrics, jit_compile=jit_compile)
    return model


def trained(name, jit_compile, ending, dtype):
    """Return all that a training leaves."""
    model, y = network(name, jit_compile, ending, dtype), Y if ending == "labels" else Y % 2.0
    history = model.fit(X, y, epochs=4, batch_size=8, verbose=0, validation_split=0.2)
    arrays = {key: array.tobytes() for key, array in model.capture()[1].items()}
    predicted = [model.predict(X[:rows], 64).tobytes() for rows in (1, 40, 205)]
    return arrays, history.history, predicted, model.evaluate(X, y)


@each_dtype
@pytest.mark.parametrize("ending", ["labels", "numbers"])
@each_activation
def test_a_training_ends_in_the_same_bits(name, ending, dtype, made):
    compiled, plain = (trained(name, jit, ending, dtype) for jit in (True, False))

    assert compiled == plain
    assert sum(made) > 50


@each_activation
def test_a_network_is_compiled_as_a_whole(name):
    model = network(name, True)
    model.fit(X, Y, epochs=1, verbose=0)

    assert type(MAKERS[name]()).__name__ in model.compiled_parts


# Passes, as Python runs them

F = np.float32
TERMS = np.array(gaussian.P + gaussian.Q, F)


def positive(x):
    return np.maximum(x, F(0))


def size(x):
    return np.minimum(abs(x), F(40))


def bell_tail(x, bell):
    p, q = (np.full_like(x, terms[0]) for terms in (gaussian.P, gaussian.Q))
    for term in gaussian.P[1:]:
        p = p * size(x) + F(term)
    for term in gaussian.Q[1:]:
        q = q * size(x) + F(term)
    return p / q * bell


def gelu_slope(x, bell, tail):
    part = size(x) * bell * F(0.3) - tail + F(0.5)
    return np.copysign(part, x) + F(0.5)


def gelu_tanh_slope(x, t):
    near = x.clip(F(-30), F(30))
    return ((F(1) - t * t) * ((near * near * F(0.3) + F(1)) * F(0.7)) * x + t + F(1)) * F(0.5)


def mish_slope(x, n):
    t = (n + F(2)) * n
    d = t + F(2)
    return (n + F(1)) * n / d / d * x.clip(F(-2), F(1)) * F(4) + t / d


# pass → the number of its vectors, its other arguments, and what NumPy makes of the vectors: those
# that are written, by the places of these.
PASSES = {
    "clip": (2, (F(-0.5), F(0.7)), lambda x, y: {1: x.clip(F(-0.5), F(0.7))}),
    "add_positive": (2, (F(0.3), F(0.7)), lambda x, y: {1: positive(x) * F(0.3) + y * F(0.7)}),
    "selu": (2, (F(0.3), F(0.7)),
             lambda x, y: {1: np.where(x < 0, F(0), x) * F(0.3) + y * F(0.7)}),
    "selu_back": (3, (F(0.3), F(0.7)),
                  lambda x, e, g: {2: g * (e * F(0.3) + (x > 0).astype(F) * F(0.7))}),
    "elu_back": (2, (F(0.3),), lambda y, g: {1: g * np.where(y > 0, F(1), y + F(0.3))}),
    "leaky_relu": (2, (F(0.3),), lambda x, y: {1: np.maximum(x, x * F(0.3))}),
    "leaky_relu_back": (2, (F(0.3),), lambda x, g: {1: g * np.where(x > 0, F(1), F(0.3))}),
    "gelu_exponent": (2, (F(40),), lambda x, _: {1: size(x) * size(x) * F(-0.5)}),
    "gelu": (4, (TERMS, F(40)), lambda x, b, *_: {
        2: bell_tail(x, b), 3: positive(x) - size(x) * bell_tail(x, b)}),
    "gelu_back": (4, (F(0.3), F(40)), lambda x, b, t, g: {3: g * gelu_slope(x, b, t)}),
    "gelu_argument": (2, (F(0.3), F(0.7)),
                      lambda x, _: {1: (x * x * F(0.3) + F(1)) * x * F(0.7)}),
    "gelu_tanh": (3, (), lambda x, t, _: {2: (t + F(1)) * F(0.5) * x}),
    "gelu_tanh_back": (3, (F(0.3), F(0.7)), lambda x, t, g: {2: g * gelu_tanh_slope(x, t)}),
    "swish": (3, (F(-2),), lambda x, s, _: {
        1: F(1) / (s + F(1)), 2: np.maximum(x, F(-2)) * (F(1) / (s + F(1)))}),
    "swish_back": (3, (), lambda s, y, g: {2: g * ((F(1) - s) * y + s)}),
    "softplus_exponent": (2, (), lambda x, _: {1: -abs(x)}),
    "softplus_back": (2, (), lambda e, g: {1: g * (F(1) / (e + F(1)))}),
    "exponential_back": (2, (), lambda y, g: {1: g * y}),
    "mish": (3, (), lambda x, n, _: {
        2: x * ((n + F(2)) * n / ((n + F(2)) * n + F(2)))}),
    "mish_back": (3, (F(-2), F(1)), lambda x, n, g: {2: g * mish_slope(x, n)}),
}  # fmt: skip


def function(name):
    from ffnn.kernels.native import activations

    return vars(activations)[name].py_func


def numbers(rng, length, kind):
    """Return a vector, of "wide" numbers up to about ±100, or "whole" ones, ±0 among them."""
    if kind in ("wide", "whole"):
        x = rng.standard_normal(length).astype(F)
        return x * F(40) if kind == "wide" else np.trunc(x)
    return rough(rng, length, dtype="float32", kind=kind)


def is_right(name, computed):
    """Tell whether a pass, as Python runs it, writes what NumPy computes, and nothing else."""
    count, others, formula = PASSES[name]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kind, length = ("plain", "every", "tiny", "wide", "whole")[seed % 5], rng.integers(1, 40)
        vectors = [numbers(rng, length, kind) for _ in range(count)]
        with np.errstate(all="ignore"):
            made = formula(*(each.copy() for each in vectors))
            expected = [made.get(place, each.copy()) for place, each in enumerate(vectors)]
            computed(*vectors, *others)
        if not all(map(same_bits, expected, vectors)):
            return False
    return True


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_is_its_formula(name):
    assert is_right(name, function(name))


def test_every_pass_is_compared_and_has_a_code():
    from ffnn.kernels.native import activations

    tools = {"vector", "compute_forward", "compute_backward", "compute_activation"}
    found = {name for name, value in vars(activations).items() if hasattr(value, "py_func")}

    assert found - tools == set(PASSES)
    assert found - tools == {code.name.lower() for code in Code if code >= Code.CLIP}


BUGS = [  # pass, what is right, and what is wrong
    ("clip", "x[i] < low", "x[i] > low"),
    ("clip", "high if raised > high else raised", "raised"),
    ("add_positive", "<= zero", "< zero"),
    ("add_positive", "* factor", ""),
    ("add_positive", "y[i] * share", "y[i]"),
    ("selu", "< zero", "<= zero"),
    ("selu", "* factor", "* share"),
    ("selu_back", "> zero", ">= zero"),
    ("selu_back", "* share", ""),
    ("selu_back", "positive * rest", "rest"),
    ("elu_back", "> zero", ">= zero"),
    ("elu_back", "y[i] + alpha", "y[i]"),
    ("leaky_relu", "x[i] > low", "x[i] < low"),
    ("leaky_relu", "x[i] * slope", "slope"),
    ("leaky_relu_back", "> zero", ">= zero"),
    ("leaky_relu_back", "else slope", "else zero"),
    ("gelu_exponent", "far if abs(x[i]) > far else abs(x[i])", "abs(x[i])"),
    ("gelu_exponent", "* half", ""),
    ("gelu", "q3, q4, q5, q6, q7 = terms[10]", "q3, q4, q5, q6, q7 = terms[9]"),
    ("gelu", "p5) * z + p6", "p5) * z"),
    ("gelu", "- z * tail[i]", "- tail[i]"),
    ("gelu", "zero if x[i] <= zero else x[i]", "x[i]"),
    ("gelu", "far if abs(x[i]) > far else abs(x[i])", "abs(x[i])"),
    ("gelu_back", "* factor", ""),
    ("gelu_back", "- tail[i] + half", "- tail[i]"),
    ("gelu_back", "np.copysign(part, x[i])", "part"),
    ("gelu_argument", "* cubic + one", "* cubic"),
    ("gelu_argument", "* factor", ""),
    ("gelu_tanh", "(t[i] + one) * half * x[i]", "(t[i] + one) * x[i]"),
    ("gelu_tanh_back", "raised = -far if x[i] < -far else x[i]", "raised = x[i]"),
    ("gelu_tanh_back", "far if raised > far else raised", "raised"),
    ("gelu_tanh_back", "* inner * x[i]", "* inner"),
    ("swish", "(s[i] + one)", "s[i]"),
    ("swish", "lowest if x[i] < lowest else x[i]", "x[i]"),
    ("swish_back", "(one - s[i]) * y[i] + s[i]", "y[i] - s[i] * y[i] + s[i]"),
    ("swish_back", "+ s[i]", ""),
    ("softplus_exponent", "-abs(x[i])", "-x[i]"),
    ("softplus_back", "grad[i] * (one / (power[i] + one))", "grad[i] / (power[i] + one)"),
    ("exponential_back", "grad[i] * y[i]", "y[i]"),
    ("mish", "(n[i] + two)", "(n[i] + two - 1)"),
    ("mish", "x[i] * (t / (t + two))", "x[i] * t / (t + two)"),
    ("mish_back", "/ d / d", "/ (d * d)"),
    ("mish_back", "* four", ""),
    ("mish_back", "low if x[i] < low else x[i]", "x[i]"),
    ("mish_back", "high if raised > high else raised", "raised"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_a_bug_in_a_pass_is_noticed(name, right, wrong):
    assert not is_right(name, with_bug(function(name), right, wrong))


def test_every_pass_has_a_bug_that_is_noticed():
    assert {name for name, *_ in BUGS} == set(PASSES)
