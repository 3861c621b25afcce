"""Every gradient against finite differences, and against an independent judge.

Three layers of trust. `gradient_check` (tested in `test_gradcheck.py`) compares backpropagation
with differences on hundreds of random networks. A complex-step derivative of formulas written out
in this file, which share nothing with the package, confirms both on a smaller set. Planted bugs
(`test_planted_bugs.py`) show that wrong gradients are caught.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import ffnn
from ffnn.activations import ACTIVATIONS, ELU, ActivationFunction, Sigmoid
from ffnn.layers import (
    Activation,
    Average,
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
    Embedding,
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
from ffnn.layers.base import LAYERS, Layer
from ffnn.losses import LOSSES
from ffnn.regularizers import L1, L1L2, L2

# Random networks: what they are drawn from


class UnfusedSigmoid(ActivationFunction):
    """A sigmoid of the user's, which no loss recognises."""

    output_range = (0.0, 1.0)

    def forward(self, x, training=False):
        return Sigmoid.forward(self, x)

    def backward(self, grad):
        return Sigmoid.backward(self, grad)


class Ending(NamedTuple):
    """How a network ends."""

    activation: str
    loss: str
    targets: str  # "numbers", "bits", "soft", "onehot" or "int"
    fused: bool


def ending_id(ending: Ending) -> str:
    path = "fused" if ending.fused else "unfused"
    return f"{ending.activation}-{ending.loss}-{ending.targets}-{path}"


# Parameters that differ from the defaults, so that a forgotten one shows.
ACTIVATION_CONFIGS = {"LeakyReLU": {"negative_slope": 0.2}, "ELU": {"alpha": 0.7}}
ACTIVATION_CLASSES = {cls.__name__: cls for cls in ACTIVATIONS.classes.values()}
FINAL_CLASSES = {
    **ACTIVATION_CLASSES,
    "UnfusedSigmoid": UnfusedSigmoid,
}
LOSS_CONFIGS: dict[str, dict[str, Any]] = {
    "Huber": {"delta": 0.6},
    "Quantile": {"quantile": 0.3},
    "BinaryFocalCrossentropy": {"alpha": 0.3, "gamma": 1.5},
    "CategoricalFocalCrossentropy": {"alpha": 0.4, "gamma": 1.5},
}
LOSS_CLASSES = {cls.__name__: cls for cls in LOSSES.classes.values()}
REGRESSION_LOSSES = ("MeanSquaredError", "MeanAbsoluteError", "Huber")

ENDINGS = [
    Ending("Linear", "Quantile", "numbers", False),
    Ending("Tanh", "Quantile", "numbers", False),
    Ending("Softmax", "CategoricalFocalCrossentropy", "soft", True),
    Ending("Softmax", "CategoricalFocalCrossentropy", "int", False),
    Ending("Sigmoid", "BinaryFocalCrossentropy", "bits", True),
    Ending("UnfusedSigmoid", "BinaryFocalCrossentropy", "bits", False),
    *(Ending("Softmax", "CategoricalCrossentropy", y, True) for y in ("onehot", "int", "soft")),
    *(Ending("Softmax", "CategoricalCrossentropy", y, False) for y in ("onehot", "int", "soft")),
    Ending("Softmax", "SparseCategoricalCrossentropy", "int", True),
    Ending("Softmax", "SparseCategoricalCrossentropy", "int", False),
    Ending("Sigmoid", "BinaryCrossentropy", "bits", True),
    Ending("UnfusedSigmoid", "BinaryCrossentropy", "bits", False),
    Ending("Softmax", "BinaryCrossentropy", "soft", True),
    Ending("Exponential", "Poisson", "counts", True),
    Ending("Softplus", "Poisson", "counts", True),
    Ending("UnfusedSigmoid", "Poisson", "counts", False),
    *(
        Ending(activation, loss, "numbers", False)
        for loss in REGRESSION_LOSSES
        for activation in ACTIVATION_CLASSES
    ),
]
NORMALISATIONS = {
    "none": [],
    "RMSNorm": [RMSNorm],
    "LayerNorm": [LayerNorm],
    "BatchNorm": [BatchNorm],
    "Scale": [Scale],
    "PReLU": [PReLU],
    "ParametricActivation": [lambda: ParametricActivation(ELU(0.7))],
    "all in a row": [BatchNorm, RMSNorm, LayerNorm],
}
REGULARISERS = {
    "none": None,
    "L1": L1(0.03),
    "L2": L2(0.05),
    "L1L2": L1L2(l1=0.02, l2=0.04),
}
FACTORS: dict[str, list[Any]] = {
    "normalisation": list(NORMALISATIONS),
    "weight_regulariser": list(REGULARISERS),
    "bias": ["without", *(f"with, {name}" for name in REGULARISERS)],
    "weighted": [False, True],
    "parametrization": ["standard", "ntk"],
    "rows": [1, 2, 4],
    "dropout": [False, True],
    "preprocessing": ["none", "Rescaling", "Normalization", "Rescaling inside"],
    "hidden_style": ["in Dense", "Activation layer", "object alone"],
    "normalised": ["before the activation", "after it"],
}
PAIRS = list(itertools.product(ACTIVATION_CLASSES, ENDINGS))
NUM_NETWORKS = 768
CHUNK = 24


def draw(seed: int) -> dict[str, Any]:
    """Return what network number `seed` is made of."""
    rng = np.random.default_rng(seed)
    hidden, ending = PAIRS[seed % len(PAIRS)]
    factors = {name: values[rng.integers(len(values))] for name, values in FACTORS.items()}
    return {"hidden": hidden, "ending": ending, **factors}


def make_loss(ending: Ending) -> Any:
    """Return the loss, of a class without `fuse` where the activation is to run by itself."""
    cls = LOSS_CLASSES[ending.loss]
    if not ending.fused:
        cls = type(f"Unfused{ending.loss}", (cls,), {"fuse": lambda self, activation: None})
    return cls(**LOSS_CONFIGS.get(ending.loss, {}))


def make_activation(name: str) -> Any:
    return FINAL_CLASSES[name](**ACTIVATION_CONFIGS.get(name, {}))


def build_hidden(case: dict[str, Any], units: int, options: dict[str, Any]) -> list[Layer]:
    norms = [norm() for norm in NORMALISATIONS[case["normalisation"]]]
    activation = make_activation(case["hidden"])
    if case["normalised"] == "after it" and case["hidden_style"] == "in Dense":
        return [Dense(units, activation, **options), *norms]
    if case["hidden_style"] != "object alone":
        activation = Activation(activation)
    first, second = (norms, [activation])
    if case["normalised"] == "after it":
        first, second = second, first
    return [Dense(units, **options), *first, *second]


def build_preprocessing(case: dict[str, Any], x: np.ndarray) -> list[Layer]:
    if case["preprocessing"] == "Rescaling":
        return [Rescaling(0.8, offset=-0.1)]
    if case["preprocessing"] == "Normalization":
        # On more rows than the batch has, for one row alone has no variance.
        return [Normalization().adapt(np.vstack([x, x + 1.0, 0.5 * x]))]
    return []


def build_targets(kind: str, rows: int, units: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "int":
        return rng.integers(units, size=rows)
    if kind == "onehot":
        return np.eye(units)[rng.integers(units, size=rows)]
    if kind == "soft":
        return rng.dirichlet(np.ones(units), size=rows)
    if kind == "bits":
        return rng.integers(2, size=(rows, units)).astype(float)
    if kind == "counts":
        return rng.poisson(1.5, size=(rows, units)).astype(float)
    return rng.normal(size=(rows, units))


def build_network(
    seed: int, dtype: str = "float64"
) -> tuple[ffnn.Sequential, tuple[Any, Any, Any]]:
    """Return network number `seed`, compiled, and a batch for it."""
    case = draw(seed)
    rng = np.random.default_rng([seed, 1])
    inputs, units, outputs = (int(rng.integers(2, 4)) for _ in range(3))
    if case["ending"].activation != "Softmax" and seed % 3 == 0:
        outputs = 1
    x = rng.normal(size=(case["rows"], inputs))
    options: dict[str, Any] = {"weight_regularizer": REGULARISERS[case["weight_regulariser"]]}
    options["parametrization"] = case["parametrization"]
    options["use_bias"] = case["bias"] != "without"
    if options["use_bias"]:
        options["bias_regularizer"] = REGULARISERS[case["bias"].removeprefix("with, ")]

    layers = [*build_preprocessing(case, x), *build_hidden(case, units, options)]
    if case["dropout"]:
        layers.append(Dropout(0.4))
    if case["preprocessing"] == "Rescaling inside":
        layers.append(Rescaling(-1.3, offset=0.2))
    layers.append(Dense(outputs, make_activation(case["ending"].activation), **options))
    model = ffnn.Sequential(layers, input_dim=inputs, dtype=dtype, seed=seed)
    for layer in model.layers:  # away from zero biases and gains of one, which hide mistakes
        for name, values in layer.params.items():
            drawn = rng.normal(size=values.shape)
            values[...] = drawn + np.copysign(0.5, drawn) if name == "gamma" else drawn
    model.compile("sgd", make_loss(case["ending"]))
    y = build_targets(case["ending"].targets, case["rows"], outputs, rng)
    weight = rng.uniform(0.2, 2.0, size=case["rows"]) if case["weighted"] else None
    return model, (x, y, weight)


# Random networks: the tests


@pytest.mark.parametrize("chunk", range(NUM_NETWORKS // CHUNK))
def test_backpropagation_agrees_with_differences_on_random_networks(chunk):
    checked = kinks = 0
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        model, batch = build_network(seed)
        report = ffnn.gradient_check(model, *batch)
        assert report.max_error <= 1e-7, f"network {seed}: {draw(seed)}\n{report}"
        checked += report.checked
        kinks += report.kinks
    # 30 times: more than 10,000 entries in all, and hardly any left out.
    assert checked > 400
    assert kinks <= 0.02 * (checked + kinks)


def test_random_networks_cover_every_activation_with_every_loss():
    assert NUM_NETWORKS >= 500
    cases = [draw(seed) for seed in range(NUM_NETWORKS)]
    assert {(case["hidden"], case["ending"]) for case in cases} == set(PAIRS)
    followed = {(case["hidden"], case["ending"].loss) for case in cases}
    assert followed == set(itertools.product(ACTIVATION_CLASSES, LOSS_CLASSES))
    ended = {(case["ending"].activation, case["ending"].loss) for case in cases}
    assert ended >= set(itertools.product(ACTIVATION_CLASSES, REGRESSION_LOSSES))


def test_every_loss_is_checked_fused_and_unfused_where_it_fuses():
    fusing = {"CategoricalCrossentropy", "SparseCategoricalCrossentropy", "BinaryCrossentropy"}
    fusing |= {"Poisson", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"}
    assert {ending.loss for ending in ENDINGS} == set(LOSS_CLASSES)
    assert {ending.loss for ending in ENDINGS if ending.fused} == fusing
    assert {ending.loss for ending in ENDINGS if not ending.fused} == set(LOSS_CLASSES)
    for ending in ENDINGS:
        fused = make_loss(ending).fuse(make_activation(ending.activation))
        assert (fused is not None) is ending.fused, ending


def test_every_layer_class_is_checked():
    checked = {Dense, Activation, Dropout, RMSNorm, LayerNorm, BatchNorm, Rescaling, Normalization}
    checked |= {Embedding, PeriodicEmbedding}  # in tests/layers/test_embeddings.py
    checked |= {PiecewiseLinear}  # in tests/layers/test_piecewise_linear.py
    checked |= {Average}  # in tests/layers/test_average.py
    checked |= {Scale, ParametricActivation, PReLU, Clamp}
    layers_alone = set(LAYERS.classes.values()) - set(ACTIVATIONS.classes.values())
    assert layers_alone == checked


def test_random_networks_cover_every_pair_of_values_of_two_factors():
    values = {"hidden": list(ACTIVATION_CLASSES), **FACTORS}
    cases = [draw(seed) for seed in range(NUM_NETWORKS)]
    for first, second in itertools.combinations(values, 2):
        met = {(case[first], case[second]) for case in cases}
        assert met == set(itertools.product(values[first], values[second])), (first, second)
    for factor, choices in FACTORS.items():
        met = {(case["ending"].loss, case[factor]) for case in cases}
        assert met == set(itertools.product(LOSS_CLASSES, choices)), factor


# An independent judge: complex-step derivatives of formulas written out here

STEP = 1e-30  # f'(x) = Im f(x + ih) / h without cancellation (Squire, Trapp 1998)


def where_positive(x, yes, no):
    return np.where(x.real > 0, yes, no)


def standardise(x, axis):
    mean = x.mean(axis=axis, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-3)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def normal_share(x):
    """Return Φ(x); of x + ih it is Φ(x) + ih Φ'(x), as h² is nothing."""
    share = np.vectorize(math.erfc)(-x.real / np.sqrt(2)) / 2
    return share + 1j * x.imag * np.exp(-x.real * x.real / 2) / np.sqrt(2 * np.pi)


TEXTBOOK_ACTIVATIONS = {
    "Linear": lambda x: x,
    "ReLU": lambda x: where_positive(x, x, 0),
    "LeakyReLU": lambda x: where_positive(x, x, 0.2 * x),
    "Sigmoid": logistic,
    "UnfusedSigmoid": logistic,
    "Tanh": np.tanh,
    "Softmax": softmax,
    "Swish": lambda x: x * logistic(x),
    "ELU": lambda x: where_positive(x, x, 0.7 * (np.exp(x) - 1)),
    "GELU": lambda x: x * normal_share(x),
    "SELU": lambda x: (
        1.0507009873554805 * where_positive(x, x, 1.6732632423543773 * (np.exp(x) - 1))
    ),
    "Mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "Softplus": lambda x: np.log(1 + np.exp(x)),
    "Exponential": np.exp,
}
# Each takes x and the gain and shift that follow it.
TEXTBOOK_NORMALISATIONS = {
    "none": lambda x: x,
    "RMSNorm": lambda x, gamma: gamma * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8),
    "LayerNorm": lambda x, gamma, beta: gamma * standardise(x, 1) + beta,
    "BatchNorm": lambda x, gamma, beta: gamma * standardise(x, 0) + beta,
    "Scale": lambda x, gamma: gamma * x,
    "PReLU": lambda x, alpha: where_positive(x, x, alpha * x),
    "ParametricActivation": lambda x, alpha: x + alpha * (TEXTBOOK_ACTIVATIONS["ELU"](x) - x),
}
# Each takes outputs p, targets t and gives one loss for each row.
TEXTBOOK_LOSSES = {
    "MeanSquaredError": lambda p, t: ((p - t) ** 2).mean(axis=1),
    "MeanAbsoluteError": lambda p, t: where_positive(p - t, p - t, t - p).mean(axis=1),
    "Huber": lambda p, t: np.where(
        abs((p - t).real) <= 0.6,
        (p - t) ** 2 / 2,
        0.6 * (where_positive(p - t, p - t, t - p) - 0.3),
    ).mean(axis=1),
    "Quantile": lambda p, t: where_positive(p - t, 0.7 * (p - t), 0.3 * (t - p)).mean(axis=1),
    "BinaryFocalCrossentropy": lambda p, t: (
        -0.3 * t * (1 - p) ** 1.5 * np.log(p) - 0.7 * (1 - t) * p**1.5 * np.log(1 - p)
    ).mean(axis=1),
    "CategoricalFocalCrossentropy": lambda p, t: (
        -0.4 * (t * (1 - p) ** 1.5 * np.log(p)).sum(axis=1)
    ),
    "BinaryCrossentropy": lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1),
    "CategoricalCrossentropy": lambda p, t: -(t * np.log(p)).sum(axis=1),
    "SparseCategoricalCrossentropy": lambda p, t: -(t * np.log(p)).sum(axis=1),
    "Poisson": lambda p, t: (t * np.log(np.where(t > 0, t, 1) / p) - t + p).mean(axis=1),
}


def complex_step_gradient(function, at):
    gradient = np.empty(at.shape)
    for position in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[position] += STEP * 1j
        gradient[position] = function(moved).imag / STEP
    return gradient


def textbook_loss(flat, shapes, x, t, weight, hidden, norm, ending):
    """Loss of Dense, normalisation, activation, Dense, with λ1 = 0.02, λ2 = 0.04 on the weights."""
    stops = np.cumsum([np.prod(shape) for shape in shapes])
    w1, b1, *gains, w2, b2 = (
        part.reshape(shape) for part, shape in zip(np.split(flat, stops[:-1]), shapes, strict=True)
    )
    y = TEXTBOOK_NORMALISATIONS[norm](x @ w1.T + b1, *gains)
    y = TEXTBOOK_ACTIVATIONS[hidden](y) @ w2.T + b2
    rows = TEXTBOOK_LOSSES[ending.loss](TEXTBOOK_ACTIVATIONS[ending.activation](y), t)
    penalty = sum(0.02 * where_positive(w, w, -w).sum() + 0.04 * (w**2).sum() for w in (w1, w2))
    return (weight * rows).sum() / len(rows) + penalty


def assert_agrees_with_textbook(hidden, norm, ending):
    rng = np.random.default_rng(17)
    penalty = L1L2(l1=0.02, l2=0.04)
    model = ffnn.Sequential(
        [
            Dense(4, weight_regularizer=penalty),
            *(norm_class() for norm_class in NORMALISATIONS[norm]),
            make_activation(hidden),
            Dense(3, make_activation(ending.activation), weight_regularizer=penalty),
        ],
        input_dim=3,
        dtype="float64",
    )
    model.parameters[...] = rng.normal(size=model.parameters.size)
    model.compile("sgd", make_loss(ending))
    x, weight = rng.normal(size=(5, 3)), rng.uniform(0.2, 2.0, size=5)
    y = build_targets(ending.targets, 5, 3, rng)
    t = np.eye(3)[y] if ending.targets == "int" else y
    shapes = [array.shape for layer in model.layers for array in layer.params.values()]

    def loss_at(flat):
        return textbook_loss(flat, shapes, x, t, weight, hidden, norm, ending)

    loss = model.compute_gradients(x, y, weight)
    np.testing.assert_allclose(loss, loss_at(model.parameters + 0j).real, rtol=1e-13)
    expected = complex_step_gradient(loss_at, model.parameters)
    np.testing.assert_allclose(model.gradients, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("norm", TEXTBOOK_NORMALISATIONS)
@pytest.mark.parametrize("hidden", ACTIVATION_CLASSES)
def test_backpropagation_agrees_with_textbook_formulas_inside_the_network(hidden, norm):
    ending = Ending("Tanh", "MeanSquaredError", "numbers", False)
    assert_agrees_with_textbook(hidden, norm, ending)


@pytest.mark.parametrize("ending", ENDINGS, ids=ending_id)
def test_backpropagation_agrees_with_textbook_formulas_at_the_end(ending):
    assert_agrees_with_textbook("Tanh", "none", ending)


def input_gradient_cases():
    for name in ACTIVATION_CLASSES:
        yield name, make_activation(name), TEXTBOOK_ACTIVATIONS[name], True
        wrapped = Activation(make_activation(name))
        yield f"Activation({name})", wrapped, TEXTBOOK_ACTIVATIONS[name], True
    gamma, beta = np.array([0.5, -1.5, 2.0]), np.array([1.0, 0.0, -1.0])
    for name, cls in (("LayerNorm", LayerNorm), ("BatchNorm", BatchNorm)):
        function = TEXTBOOK_NORMALISATIONS[name]
        yield name, cls(), lambda x, f=function: f(x, gamma, beta), True
    yield "Scale", Scale(), lambda x: gamma * x, True
    yield "Clamp in training", Clamp(-0.5, 0.5), lambda x: x, True
    clamped = lambda x: np.where(x.real < -0.5, -0.5, np.where(x.real > 0.5, 0.5, x))  # noqa: E731
    yield "Clamp", Clamp(-0.5, 0.5), clamped, False
    parametric = TEXTBOOK_NORMALISATIONS["ParametricActivation"]
    layer = ParametricActivation(ELU(0.7))
    yield "ParametricActivation", layer, lambda x: parametric(x, np.array([0.2, 1.0, -0.6])), True
    slopes = np.array([0.2, 1.0, -0.6])
    yield "PReLU", PReLU(), lambda x: TEXTBOOK_NORMALISATIONS["PReLU"](x, slopes), True
    yield "RMSNorm", RMSNorm(), lambda x: TEXTBOOK_NORMALISATIONS["RMSNorm"](x, gamma), True
    # Outside training the moving averages, 0 and 1 at first, stand still.
    yield "BatchNorm still", BatchNorm(), lambda x: gamma * x / np.sqrt(1.001) + beta, False
    yield "Rescaling", Rescaling(3.0, offset=1.0), lambda x: 3 * x + 1, True
    columns = np.array([[1.0, 0.0, 5.0], [3.0, 4.0, 5.0]])  # the last one never varies
    scaled = Normalization().adapt(columns)
    yield "Normalization", scaled, lambda x: (x - [2, 2, 5]) / np.array([1, 2, 1]), True
    yield "Dropout still", Dropout(0.5), lambda x: x, False


@pytest.mark.parametrize(
    ("layer", "function", "training"),
    [pytest.param(*case, id=name) for name, *case in input_gradient_cases()],
)
def test_layer_alone_returns_the_textbook_input_gradient(layer, function, training):
    rng = np.random.default_rng(5)
    x, grad = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    layer.build(3, dtype="float64")
    for name, values in layer.params.items():
        values[...] = {
            "gamma": [0.5, -1.5, 2.0],
            "beta": [1.0, 0.0, -1.0],
            "alpha": [0.2, 1.0, -0.6],
        }[name]
    np.testing.assert_allclose(layer.forward(x, training), function(x + 0j).real, rtol=1e-13)
    expected = complex_step_gradient(lambda moved: (grad * function(moved)).sum(), x)
    found = layer.backward(grad.copy())
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("name", ACTIVATION_CLASSES)
def test_dense_alone_returns_the_textbook_gradients(name, parametrization):
    rng = np.random.default_rng(6)
    x, grad = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    layer = Dense(2, make_activation(name), parametrization=parametrization)
    layer.build(3, dtype="float64", seed=1)
    root = np.sqrt(3.0) if parametrization == "ntk" else 1.0
    layer.params["bias"][...] = [0.3, -0.2]
    weight, bias = layer.params["weight"], layer.params["bias"]

    def total(w, b, x):
        return (grad * TEXTBOOK_ACTIVATIONS[name](x @ w.T / root + b)).sum()

    layer.forward(x, training=True)
    dx = layer.backward(grad.copy())
    for found, expected in (
        (layer.grads["weight"], complex_step_gradient(lambda w: total(w, bias, x), weight)),
        (layer.grads["bias"], complex_step_gradient(lambda b: total(weight, b, x), bias)),
        (dx, complex_step_gradient(lambda moved: total(weight, bias, moved), x)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


# float32 models


def test_float32_gradients_agree_with_those_of_a_float64_twin():
    # Masks are drawn in the model's dtype and differ, so networks with dropout are passed over.
    seeds = [seed for seed in range(0, NUM_NETWORKS, 5) if not draw(seed)["dropout"]]
    assert len(seeds) > 40
    for seed in seeds:
        single, (x, y, weight) = build_network(seed, "float32")
        double, _ = build_network(seed)
        double.parameters[...] = single.parameters
        with np.errstate(over="ignore"):
            p = single.forward(x)
        if not np.isfinite(p).all():  # such as e^(e^x)
            continue
        if draw(seed)["ending"].activation == "UnfusedSoftmax" and p.min() < 1e-37:
            continue  # the loss divides by it
        single.compute_gradients(x, y, weight)
        double.compute_gradients(np.float32(x), y, weight)
        assert single.gradients.dtype == np.float32
        tolerance = 1e-4 * max(1.0, np.abs(double.gradients).max())
        np.testing.assert_allclose(
            single.gradients, double.gradients, rtol=1e-4, atol=tolerance, err_msg=str(draw(seed))
        )


# Numbers far out, in float32

HUGE = 10_000.0


@pytest.fixture
def floating_point_errors():
    """Raise on overflow, invalid values and division by zero; a vanishing number may vanish."""
    with np.errstate(all="raise", under="ignore"):
        yield


def logits_as_inputs(units, activation, loss, optimizer="sgd"):
    """Return a float32 model whose logits are its inputs; its bias gradient is that by them."""
    model = ffnn.Sequential([Dense(units, activation)], input_dim=units)
    model.layers[0].params["weight"][...] = np.eye(units)
    model.compile(optimizer, loss)
    return model


@pytest.mark.usefixtures("floating_point_errors")
@pytest.mark.parametrize("gap", [40.0, 200.0, 2 * HUGE])
@pytest.mark.parametrize("y", [[1], [[0.0, 1.0]]], ids=["int", "onehot"])
def test_softmax_with_cce_learns_from_the_worst_errors(gap, y):
    model = logits_as_inputs(2, "softmax", "cce")
    x = np.array([[gap / 2, -gap / 2]], dtype=np.float32)
    assert model.compute_gradients(x, np.array(y)) == pytest.approx(gap, rel=1e-6)
    np.testing.assert_allclose(model.layers[0].grads["bias"], [1.0, -1.0], rtol=1e-6)
    np.testing.assert_allclose(model.layers[0].grads["weight"], [x[0], -x[0]], rtol=1e-6)


@pytest.mark.usefixtures("floating_point_errors")
@pytest.mark.parametrize("logit", [40.0, 200.0, HUGE, -40.0, -200.0, -HUGE])
def test_sigmoid_with_bce_learns_from_the_worst_errors(logit):
    model = logits_as_inputs(1, "sigmoid", "bce")
    x, y = np.array([[logit]], dtype=np.float32), np.array([0.0 if logit > 0 else 1.0])
    assert model.compute_gradients(x, y) == pytest.approx(abs(logit), rel=1e-6)
    np.testing.assert_allclose(model.layers[0].grads["bias"], [np.sign(logit)], rtol=1e-6)


@pytest.mark.usefixtures("floating_point_errors")
def test_confident_and_right_answers_have_no_loss_and_no_gradient():
    x = np.array([[HUGE, -HUGE], [-HUGE, HUGE]], dtype=np.float32)
    model = logits_as_inputs(2, "softmax", "cce")
    assert model.compute_gradients(x, np.array([0, 1])) == 0.0
    np.testing.assert_array_equal(model.gradients, 0.0)
    model = logits_as_inputs(2, "sigmoid", "bce")
    assert model.compute_gradients(x, (x > 0).astype(np.float32)) == 0.0
    np.testing.assert_allclose(model.gradients, 0.0, atol=1e-30)  # e^-10,000, cut off at e^-88


@pytest.mark.usefixtures("floating_point_errors")
@pytest.mark.parametrize(
    "ending",
    [ending for ending in ENDINGS if ending.activation != "Exponential"],  # truly infinite there
    ids=ending_id,
)
def test_losses_and_gradients_stay_finite_at_huge_inputs(ending):
    model = logits_as_inputs(3, make_activation(ending.activation), make_loss(ending))
    x = np.array([[HUGE, -HUGE, 0.0], [-HUGE, 1.0, HUGE]], dtype=np.float32)
    y = build_targets(ending.targets, 2, 3, np.random.default_rng(0))
    assert np.isfinite(model.compute_gradients(x, y))
    assert np.isfinite(model.gradients).all()
    assert np.isfinite(model.predict(x)).all()


@pytest.mark.usefixtures("floating_point_errors")
def test_one_step_at_huge_logits_moves_the_weights_by_the_right_amount():
    model = logits_as_inputs(2, "softmax", "cce", ffnn.optimizers.SGD(0.5))
    x = np.array([[HUGE, -HUGE]], dtype=np.float32)
    model.fit(x, np.array([1]), epochs=1, verbose=0)
    np.testing.assert_allclose(model.layers[0].params["bias"], [-0.5, 0.5], rtol=1e-6)
