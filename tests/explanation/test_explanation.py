"""Explanations: by hand, by formulas written out here, and against the training step itself."""

import copy
import math
import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest

import ffnn
from ffnn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    Exponential,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from ffnn.explanation import explain_step, table
from ffnn.explanation.number_format import write_number, write_numbers
from ffnn.initializers import Constant, GlorotUniform, Ones
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)
from ffnn.layers.base import LAYERS
from ffnn.losses import LOSSES, Huber, Loss, MeanSquaredError
from ffnn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSprop
from ffnn.regularizers import L1, L1L2, L2, REGULARIZERS, Regularizer

X = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1]])
ACTIVATION_OBJECTS = [
    Linear(),
    ReLU(),
    LeakyReLU(0.2),
    Sigmoid(),
    Tanh(),
    Softmax(),
    Swish(),
    ELU(0.7),
    GELU(),
    Softplus(),
    Exponential(),
]


def names(objects):
    return [type(each).__name__ for each in objects]


def find(explanation, direction, layer, kind):
    """Return the only step of that direction, layer and kind."""
    (step,) = (s for s in explanation if (s.direction, s.layer, s.kind) == (direction, layer, kind))
    return step


def check(step, **arrays):
    """Compare arrays given by the name of their symbol, in which d_W stands for ∂L/∂W."""
    for name, expected in arrays.items():
        symbol = re.sub("^d_", "∂L/∂", name)
        np.testing.assert_allclose(step.arrays[symbol], expected, rtol=1e-12, err_msg=name)


def randomized(model, seed=0):
    """Return the model with parameters away from zero biases and gains of one."""
    rng = np.random.default_rng(seed)
    model.parameters[:] = rng.normal(size=model.count_params())
    return model


# -- by hand ---------------------------------------------------------------------------------------

A = math.log(3.0)  # sigmoid(A) = 3/4


def two_two_one():
    model = ffnn.Sequential(
        [Dense(2, "sigmoid"), Dense(1, "sigmoid")], input_dim=2, dtype="float64"
    )
    model.layers[0].params["weight"][:] = [[A, 0.0], [A, -A]]
    model.layers[0].params["bias"][:] = [0.0, A]
    model.layers[1].params["weight"][:] = [[4.0, -2.0]]
    model.layers[1].params["bias"][:] = [-2.0]
    model.compile(SGD(2.0), "mse")
    return model


def test_two_two_one_network_worked_by_hand():
    explanation = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])

    assert [(s.direction, s.layer, s.kind, s.place) for s in explanation] == [
        ("forward", "dense_1", "dense", 0),
        ("forward", "dense_1", "sigmoid", 1),
        ("forward", "dense_2", "dense", 2),
        ("forward", "dense_2", "sigmoid", 3),
        ("loss", "loss", "mean_squared_error", 4),
        ("backward", "loss", "mean_squared_error", 4),
        ("backward", "dense_2", "sigmoid", 3),
        ("backward", "dense_2", "dense", 2),
        ("backward", "dense_1", "sigmoid", 1),
        ("backward", "dense_1", "dense", 0),
        ("update", "optimizer", "sgd", None),
        ("update", "dense_1", "sgd of weight", None),
        ("update", "dense_1", "sgd of bias", None),
        ("update", "dense_2", "sgd of weight", None),
        ("update", "dense_2", "sgd of bias", None),
    ]
    linear, logistic, output, last, loss = explanation[:5]
    check(linear, x=[[1, 2]], W=[[A, 0], [A, -A]], b=[0, A], z=[[A, 0]])
    check(logistic, z=[[A, 0]], y=[[0.75, 0.5]])
    check(output, x=[[0.75, 0.5]], W=[[4, -2]], b=[-2])
    np.testing.assert_allclose(output.arrays["z"], [[0.0]], atol=1e-15)
    check(last, y=[[0.5]])
    check(loss, p=[[0.5]], y=[[1]], n=1, u=1, L=0.25)
    assert explanation.loss == pytest.approx(0.25)
    slope, last, output, logistic, linear = explanation[5:10]
    check(slope, d_p=[[-1]])
    check(last, d_y=[[-1]], y=[[0.5]], d_z=[[-0.25]])
    check(output, δ=[[-0.25]], d_W=[[-0.1875, -0.125]], d_b=[-0.25], d_x=[[-1, 0.5]])
    check(logistic, d_y=[[-1, 0.5]], y=[[0.75, 0.5]], d_z=[[-0.1875, 0.125]])
    check(linear, δ=[[-0.1875, 0.125]], d_W=[[-0.1875, -0.375], [0.125, 0.25]])
    check(linear, d_b=[-0.1875, 0.125])
    rule, weight_1, bias_1, weight_2, bias_2 = explanation[10:]
    check(rule, η=2)
    check(weight_1, W=[[A, 0], [A, -A]], d_W=[[-0.1875, -0.375], [0.125, 0.25]])
    check(weight_1, W_new=[[A + 0.375, 0.75], [A - 0.25, -A - 0.5]])
    check(bias_1, b_new=[0.375, A - 0.25])
    check(weight_2, W_new=[[4.375, -1.75]])
    check(bias_2, b_new=[-1.5])


def test_formulas_of_the_network_worked_by_hand():
    steps = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])[:11]

    assert [[formula.text for formula in step.formulas] for step in steps] == [
        ["z = x Wᵀ + b"],
        ["y = 1 / (1 + e^-z)"],
        ["z = x Wᵀ + b"],
        ["y = 1 / (1 + e^-z)"],
        ["L = 1/(n u) Σ (p - y)²"],
        ["∂L/∂p = 2/(n u) (p - y)"],
        ["∂L/∂z = ∂L/∂y ∘ y ∘ (1 - y)"],
        ["δ = ∂L/∂z", "∂L/∂W = δᵀ x", "∂L/∂b = Σ_rows δ", "∂L/∂x = δ W"],
        ["∂L/∂z = ∂L/∂y ∘ y ∘ (1 - y)"],
        ["δ = ∂L/∂z", "∂L/∂W = δᵀ x", "∂L/∂b = Σ_rows δ"],
        ["g = ∂L/∂w", "w ← w - η g"],
    ]


def test_gradient_that_nothing_needs_is_absent_and_the_reason_is_told():
    step = find(explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]), "backward", "dense_1", "dense")

    assert "∂L/∂x" not in step.arrays
    assert "W" not in step.arrays
    assert step.note == "The gradient by x is not needed: no layer before has parameters."


@pytest.mark.parametrize("y", [[0, 1], [[1.0, 0.0], [0.0, 1.0]]])
def test_softmax_and_crossentropy_have_one_derivative(y):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=1, dtype="float64")
    model.layers[0].params["weight"][:] = [[0.0], [A]]
    model.compile("sgd", "cce")

    explanation = explain_step(model, [[1.0], [0.0]], y)

    assert [(s.direction, s.layer, s.kind, s.place) for s in explanation[:5]] == [
        ("forward", "dense_1", "dense", 0),
        ("forward", "dense_1", "softmax", 1),
        ("loss", "loss", "categorical_crossentropy", 2),
        ("backward", "loss", "softmax and categorical_crossentropy", 1),
        ("backward", "dense_1", "dense", 0),
    ]
    _, softmax, loss, slope, linear = explanation[:5]
    check(softmax, z=[[0, A], [0, 0]], y=[[0.25, 0.75], [0.5, 0.5]])
    check(loss, p=[[0.25, 0.75], [0.5, 0.5]], y=[[1, 0], [0, 1]], n=2)
    check(loss, L=(math.log(4) + math.log(2)) / 2)
    assert ("Class numbers are written as rows" in loss.note) is (np.ndim(y) == 1)
    check(slope, d_z=[[-0.375, 0.375], [0.25, -0.25]])
    assert [formula.text for formula in slope.formulas] == ["∂L/∂z = (p - y) / n"]
    assert slope.note.startswith("Activation and loss are computed in one")
    check(linear, δ=[[-0.375, 0.375], [0.25, -0.25]], d_W=[[-0.375], [0.375]], d_b=[-0.125, 0.125])


def test_logits_are_explained_where_the_sigmoid_is_one():
    model = ffnn.Sequential([Dense(1, "sigmoid", weight_initializer=Ones())], input_dim=1)
    model.compile("sgd", "bce")

    explanation = explain_step(model, [[100.0]], [[0.0]])

    assert explanation.loss == pytest.approx(100.0)
    loss, slope = explanation[2:4]
    check(loss, p=[[1.0]], L=100.0)
    check(slope, d_z=[[1.0]])
    assert [formula.text for formula in slope.formulas] == ["∂L/∂z = (p - y) / (n u)"]


def test_activation_that_stands_alone_is_called_by_x():
    model = randomized(ffnn.Sequential([Dense(2), Activation("softmax")], 3, "float64"))
    model.compile("sgd", "cce")

    linear, softmax, _, slope, back = explain_step(model, X, [0, 1])[:5]

    assert [linear.formulas[0].text, softmax.formulas[0].text, slope.formulas[0].text] == [
        "y = x Wᵀ + b",
        "y = e^x / Σ_units e^x",
        "∂L/∂x = (p - y) / n",
    ]
    assert back.formulas[0].text == "δ = ∂L/∂y"
    np.testing.assert_array_equal(linear.arrays["y"], softmax.arrays["x"])
    np.testing.assert_array_equal(slope.arrays["∂L/∂x"], back.arrays["δ"])


def test_penalties_are_named_and_added():
    layer = Dense(
        1,
        weight_initializer=Constant(2.0),
        bias_initializer=Constant(-3.0),
        weight_regularizer=L2(0.5),
        bias_regularizer=L1(0.25),
    )
    model = ffnn.Sequential([layer], input_dim=1, dtype="float64")
    model.compile(SGD(0.1), "mse")

    explanation = explain_step(model, [[1.0]], [[0.0]])  # p = -1, L = 1, ∂L/∂p = -2

    assert explanation.loss == pytest.approx(1.0 + 0.5 * 4.0 + 0.25 * 3.0)
    check(find(explanation, "loss", "dense_1", "l2"), W=[[2]], R=2.0, **{"λ₂": 0.5})
    check(find(explanation, "loss", "dense_1", "l1"), b=[-3], R=0.75, **{"λ₁": 0.25})
    total = find(explanation, "loss", "loss", "total")
    check(total, L=1.0, R=[2.0, 0.75], J=3.75)
    weight, bias = (find(explanation, "backward", "dense_1", kind) for kind in ("l2", "l1"))
    check(weight, d_W=[[-2]])
    np.testing.assert_allclose(weight.arrays["∂R/∂W"], [[2.0]])
    np.testing.assert_allclose(weight.arrays["∂J/∂W"], [[0.0]])
    np.testing.assert_allclose(bias.arrays["∂R/∂b"], [-0.25])
    np.testing.assert_allclose(bias.arrays["∂J/∂b"], [-2.25])
    assert [formula.text for formula in bias.formulas] == [
        "∂R/∂b = λ₁ sign(b)",
        "∂J/∂b = ∂L/∂b + ∂R/∂b",
    ]
    update = find(explanation, "update", "dense_1", "sgd of bias")
    check(update, b_new=[-3 + 0.225])
    np.testing.assert_allclose(update.arrays["∂J/∂b"], [-2.25])
    assert find(explanation, "update", "optimizer", "sgd").formulas[0].text == "g = ∂J/∂w"


# -- formulas, evaluated ---------------------------------------------------------------------------


def logistic(x):
    return 1 / (1 + np.exp(-x))


def of_units(x):
    return x.mean(axis=1, keepdims=True)


def of_rows(x):
    return x.mean(axis=0, keepdims=True)


def standardized_slope(a, mean):
    g = a["∂L/∂y"] * a["γ"]
    return (g - mean(g) - a["x̂"] * mean(g * a["x̂"])) / a["σ"]


def rms_slope(a):
    g = a["∂L/∂y"] * a["γ"]
    return (g - a["x̂"] * of_units(g * a["x̂"])) / a["r"]


def gelu_slope(x, a):
    inner = math.sqrt(2 / math.pi) * (1 + 0.134145 * x**2)
    return a["∂L/∂y"] * ((1 + a["t"]) / 2 + x * (1 - a["t"] ** 2) * inner / 2)


def weights(a):
    return a["w"][:, None] if "w" in a else 1.0


def huber(p, a):
    r, d = p - a["y"], a["d"]
    each = r**2 / 2 * (abs(r) <= d) + d * (abs(r) - d / 2) * (abs(r) > d)
    return np.sum(weights(a) * each) / (a["n"] * a["u"])


def bits(p, y):
    return y * np.log(p) + (1 - y) * np.log(1 - p)


# Each takes what stands for @ and all arrays of the step.
EVALUATE = {
    "% = x Wᵀ + b": lambda x, a: x @ a["W"].T + a["b"],
    "% = x Wᵀ": lambda x, a: x @ a["W"].T,
    "∂L/∂W = δᵀ x": lambda x, a: a["δ"].T @ a["x"],
    "∂L/∂b = Σ_rows δ": lambda x, a: a["δ"].sum(axis=0),
    "∂L/∂x = δ W": lambda x, a: a["δ"] @ a["W"],
    "y = @": lambda x, a: x,
    "∂L/∂@ = ∂L/∂y": lambda x, a: a["∂L/∂y"],
    "y = max(@, 0)": lambda x, a: np.maximum(x, 0),
    "∂L/∂@ = ∂L/∂y ∘ [@ > 0]": lambda x, a: a["∂L/∂y"] * (x > 0),
    "y = max(@, a @)": lambda x, a: np.maximum(x, a["a"] * x),
    "∂L/∂@ = ∂L/∂y ∘ ([@ > 0] + a [@ ≤ 0])": lambda x, a: (
        a["∂L/∂y"] * ((x > 0) + a["a"] * (x <= 0))
    ),
    "y = 1 / (1 + e^-@)": lambda x, a: logistic(x),
    "∂L/∂@ = ∂L/∂y ∘ y ∘ (1 - y)": lambda x, a: a["∂L/∂y"] * a["y"] * (1 - a["y"]),
    "y = tanh(@)": lambda x, a: np.tanh(x),
    "∂L/∂@ = ∂L/∂y ∘ (1 - y²)": lambda x, a: a["∂L/∂y"] * (1 - a["y"] ** 2),
    "y = e^@ / Σ_units e^@": lambda x, a: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
    "∂L/∂@ = y ∘ (∂L/∂y - Σ_units ∂L/∂y ∘ y)": lambda x, a: (
        a["y"] * (a["∂L/∂y"] - (a["∂L/∂y"] * a["y"]).sum(axis=1, keepdims=True))
    ),
    "s = 1 / (1 + e^-@)": lambda x, a: logistic(x),
    "y = @ ∘ s": lambda x, a: x * a["s"],
    "∂L/∂@ = ∂L/∂y ∘ (s + y ∘ (1 - s))": lambda x, a: a["∂L/∂y"] * (a["s"] + a["y"] * (1 - a["s"])),
    "y = max(@, 0) + a (e^min(@, 0) - 1)": lambda x, a: (
        np.maximum(x, 0) + a["a"] * (np.exp(np.minimum(x, 0)) - 1)
    ),
    "∂L/∂@ = ∂L/∂y ∘ ([@ > 0] + (y + a) ∘ [@ ≤ 0])": lambda x, a: (
        a["∂L/∂y"] * ((x > 0) + (a["y"] + a["a"]) * (x <= 0))
    ),
    "t = tanh(√(2/π) (@ + 0.044715 @³))": lambda x, a: np.tanh(
        math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    ),
    "y = @ ∘ (1 + t) / 2": lambda x, a: x * (1 + a["t"]) / 2,
    "∂L/∂@ = ∂L/∂y ∘ ((1 + t) / 2 + @ ∘ (1 - t²) ∘ √(2/π) (1 + 0.134145 @²) / 2)": gelu_slope,
    "y = log(1 + e^@)": lambda x, a: np.log(1 + np.exp(x)),
    "∂L/∂@ = ∂L/∂y / (1 + e^-@)": lambda x, a: a["∂L/∂y"] / (1 + np.exp(-x)),
    "y = e^@": lambda x, a: np.exp(x),
    "∂L/∂@ = ∂L/∂y ∘ y": lambda x, a: a["∂L/∂y"] * a["y"],
    "y = x ∘ m": lambda x, a: x * a["m"],
    "∂L/∂x = ∂L/∂y ∘ m": lambda x, a: a["∂L/∂y"] * a["m"],
    "y = x": lambda x, a: x,
    "∂L/∂x = ∂L/∂y": lambda x, a: a["∂L/∂y"],
    "r = √(mean_units(x²) + ε)": lambda x, a: np.sqrt(of_units(x**2) + a["ε"]),
    "x̂ = x / r": lambda x, a: x / a["r"],
    "y = γ ∘ x̂": lambda x, a: a["γ"] * a["x̂"],
    "∂L/∂γ = Σ_rows ∂L/∂y ∘ x̂": lambda x, a: (a["∂L/∂y"] * a["x̂"]).sum(axis=0),
    "∂L/∂x = (g - x̂ ∘ mean_units(g ∘ x̂)) / r with g = ∂L/∂y ∘ γ": lambda x, a: rms_slope(a),
    "μ = mean_units(x)": lambda x, a: of_units(x),
    "μ = mean_rows(x)": lambda x, a: of_rows(x),
    "v = mean_units((x - μ)²)": lambda x, a: of_units((x - a["μ"]) ** 2),
    "v = mean_rows((x - μ)²)": lambda x, a: of_rows((x - a["μ"]) ** 2),
    "σ = √(v + ε)": lambda x, a: np.sqrt(a["v"] + a["ε"]),
    "x̂ = (x - μ) / σ": lambda x, a: (x - a["μ"]) / a["σ"],
    "y = γ ∘ x̂ + β": lambda x, a: a["γ"] * a["x̂"] + a["β"],
    "∂L/∂β = Σ_rows ∂L/∂y": lambda x, a: a["∂L/∂y"].sum(axis=0),
    "∂L/∂x = (g - mean_units(g) - x̂ ∘ mean_units(g ∘ x̂)) / σ with g = ∂L/∂y ∘ γ": (
        lambda x, a: standardized_slope(a, of_units)
    ),
    "∂L/∂x = (g - mean_rows(g) - x̂ ∘ mean_rows(g ∘ x̂)) / σ with g = ∂L/∂y ∘ γ": (
        lambda x, a: standardized_slope(a, of_rows)
    ),
    "y = a x + c": lambda x, a: a["a"] * x + a["c"],
    "∂L/∂x = a ∂L/∂y": lambda x, a: a["a"] * a["∂L/∂y"],
    "y = (x - μ) / σ": lambda x, a: (x - a["μ"]) / a["σ"],
    "∂L/∂x = ∂L/∂y / σ": lambda x, a: a["∂L/∂y"] / a["σ"],
    "L = 1/(n u) Σ %(p - y)²": lambda p, a: (
        np.sum(weights(a) * (p - a["y"]) ** 2) / (a["n"] * a["u"])
    ),
    "∂L/∂p = 2/(n u) %(p - y)": lambda p, a: 2 / (a["n"] * a["u"]) * weights(a) * (p - a["y"]),
    "L = 1/(n u) Σ %|p - y|": lambda p, a: np.sum(weights(a) * abs(p - a["y"])) / (a["n"] * a["u"]),
    "∂L/∂p = 1/(n u) %sign(p - y)": lambda p, a: (
        weights(a) * np.sign(p - a["y"]) / (a["n"] * a["u"])
    ),
    "L = 1/(n u) Σ %(r² / 2 ∘ [|r| ≤ d] + d (|r| - d/2) ∘ [|r| > d]) with r = p - y": huber,
    "∂L/∂p = 1/(n u) %min(max(p - y, -d), d)": lambda p, a: (
        weights(a) * np.clip(p - a["y"], -a["d"], a["d"]) / (a["n"] * a["u"])
    ),
    "L = -1/(n u) Σ %(y ∘ log p + (1 - y) ∘ log(1 - p))": lambda p, a: (
        -np.sum(weights(a) * bits(p, a["y"])) / (a["n"] * a["u"])
    ),
    "∂L/∂p = 1/(n u) %(p - y) / (p ∘ (1 - p))": lambda p, a: (
        weights(a) * (p - a["y"]) / (p * (1 - p)) / (a["n"] * a["u"])
    ),
    "L = 1/(n u) Σ %(y ∘ log(y / p) - y + p)": lambda p, a: (
        np.sum(weights(a) * (a["y"] * np.log(a["y"] / p) - a["y"] + p)) / (a["n"] * a["u"])
    ),
    "∂L/∂p = 1/(n u) %(1 - y / p)": lambda p, a: weights(a) * (1 - a["y"] / p) / (a["n"] * a["u"]),
    "L = -1/n Σ %y ∘ log p": lambda p, a: -np.sum(weights(a) * a["y"] * np.log(p)) / a["n"],
    "∂L/∂p = -1/n %y / p": lambda p, a: -weights(a) * a["y"] / p / a["n"],
    "∂L/∂@ = %(p - y) / n": lambda x, a: weights(a) * (a["p"] - a["y"]) / a["n"],
    "∂L/∂@ = %(p - y) / (n u)": lambda x, a: weights(a) * (a["p"] - a["y"]) / (a["n"] * a["u"]),
    "R = λ₁ Σ |@|": lambda w, a: a["λ₁"] * abs(w).sum(),
    "∂R/∂@ = λ₁ sign(@)": lambda w, a: a["λ₁"] * np.sign(w),
    "R = λ₂ Σ @²": lambda w, a: a["λ₂"] * (w**2).sum(),
    "∂R/∂@ = 2 λ₂ @": lambda w, a: 2 * a["λ₂"] * w,
    "R = λ₁ Σ |@| + λ₂ Σ @²": lambda w, a: a["λ₁"] * abs(w).sum() + a["λ₂"] * (w**2).sum(),
    "∂R/∂@ = λ₁ sign(@) + 2 λ₂ @": lambda w, a: a["λ₁"] * np.sign(w) + 2 * a["λ₂"] * w,
    "J = L + Σ R": lambda w, a: a["L"] + np.sum(a["R"]),
    "∂J/∂@ = ∂L/∂@ + ∂R/∂@": lambda w, a: (
        next(v for s, v in a.items() if s.startswith("∂L"))
        + next(v for s, v in a.items() if "∂R" in s)
    ),
}


def templates():
    """Return every formula of layers, losses and penalties as it may be filled in → its entry."""
    entries = [f for e in table.LAYERS.values() for f in (*e.forward, *e.backward)]
    entries += [f for d in (table.LOSSES, table.PENALTIES) for e in d.values() for f in e[:2]]
    entries += [*table.FUSED.values(), table.TOTAL, table.TOTAL_SLOPE]
    return {
        entry.fill(at, percent): entry
        for entry in entries
        for at in ("x", "z", "p", "W", "b", "γ", "β")
        for percent in ("y", "z", "", "w ∘ ")
    }


TEMPLATES = templates()
DEFINITIONS = {"δ = ∂L/∂%"}


def evaluate(explanation):
    """Check each formula of an explanation against its numbers; return which ones."""
    done = set()
    for step in explanation:
        source = next(iter(step.arrays.values()), None)
        for formula in step.formulas:
            if step.direction == "update":
                continue
            entry = TEMPLATES[formula]
            if entry.text in DEFINITIONS:
                continue
            if step.direction == "backward" and step.layer != "loss" and "@" in entry.text:
                symbol = formula.symbol.rpartition("∂")[2]
                source = step.arrays.get(symbol)
            expected = EVALUATE[entry.text](source, step.arrays)
            np.testing.assert_allclose(
                step.arrays[formula.symbol], expected, rtol=1e-9, atol=1e-12, err_msg=formula.text
            )
            done.add(entry.text)
    return done


def layer_networks():
    """Yield networks that have every layer of the library, and every activation in two places."""
    for inside, alone in zip(ACTIVATION_OBJECTS, [*ACTIVATION_OBJECTS[1:], Linear()], strict=True):
        yield [Dense(3, inside), Dense(2, use_bias=False), copy.deepcopy(alone), Dense(2)]
    yield [Dense(3), RMSNorm(), LayerNorm(), BatchNorm(), Dropout(0.4, seed=1), Dense(2)]
    yield [Dense(3), Rescaling(0.5, -0.25), Dropout(0.0), Normalization().adapt(X), Dense(2)]


@pytest.mark.parametrize("weighted", [False, True])
def test_every_layer_formula_gives_the_numbers_shown(weighted):
    done = set()
    for layers in layer_networks():
        model = randomized(ffnn.Sequential(layers, 3, "float64", seed=0))
        model.compile("sgd", "mse")
        y = [[1.0, -1.0], [0.5, 2.0]]
        done |= evaluate(explain_step(model, X, y, [0.5, 2.0] if weighted else None))

    expected = {f.text for e in table.LAYERS.values() for f in (*e.forward, *e.backward)}
    assert expected - done - DEFINITIONS == set()


@pytest.mark.parametrize("weight", [None, [0.5, 2.0]], ids=["even", "weighted"])
def test_every_loss_and_penalty_formula_gives_the_numbers_shown(weight):
    class Unfused(Softmax):
        """A softmax that no loss recognises."""

    class UnfusedSigmoid(Sigmoid):
        """A sigmoid that no loss recognises."""

    counts = [[1.0, 3.0], [0.5, 2.0]]
    numbers, soft = [[0.3, -0.8], [0.5, 2.0]], [[0.75, 0.25], [0.0, 1.0]]
    cases = [
        ("linear", "mse", numbers),
        ("linear", "mae", numbers),
        ("linear", Huber(0.4), numbers),
        (UnfusedSigmoid(), "bce", soft),
        ("sigmoid", "bce", soft),
        (Unfused(), "cce", soft),
        ("softmax", "cce", soft),
        ("softmax", "sparse_categorical_crossentropy", [1, 0]),
        (Unfused(), "sparse_categorical_crossentropy", [1, 0]),
        ("softplus", "poisson", counts),
        ("exponential", "poisson", counts),
        ("exponential", "poisson", counts),
    ]
    done = set()
    for (activation, loss, y), rule in zip(
        cases, 4 * [L1(0.2), L2(0.3), L1L2(0.1, 0.2)], strict=True
    ):
        layer = Dense(2, activation, weight_regularizer=rule)
        model = randomized(ffnn.Sequential([layer], 3, "float64"))
        model.compile("sgd", loss)
        explanation = explain_step(model, X, y, weight)
        done |= evaluate(
            step for step in explanation if step.kind not in names([Unfused(), UnfusedSigmoid()])
        )

    expected = {f.text for d in (table.LOSSES, table.PENALTIES) for e in d.values() for f in e[:2]}
    expected |= {f.text for f in (*table.FUSED.values(), table.TOTAL, table.TOTAL_SLOPE)}
    assert expected - done == set()


def test_every_part_of_the_library_has_its_formulas():
    layers = {LAYERS.name_of(cls.__new__(cls)) for cls in LAYERS.classes.values()} - {"activation"}
    activations = {ACTIVATIONS.name_of(each) for each in ACTIVATION_OBJECTS}

    assert {type(each) for each in ACTIVATION_OBJECTS} == set(ACTIVATIONS.classes.values())
    assert set(table.LAYERS) == layers | activations | {"dense without bias", "dropout of nothing"}
    assert set(table.LOSSES) == {LOSSES.name_of(cls()) for cls in LOSSES.classes.values()}
    assert set(table.PENALTIES) == {
        REGULARIZERS.name_of(cls()) for cls in REGULARIZERS.classes.values()
    }
    assert {name.split()[0] for name in table.OPTIMIZERS} == set(OPTIMIZERS.classes)


def rule_sgd(w, g, old, c):
    return {"w": w - c["η"] * g}


def rule_momentum(w, g, old, c):
    v = c["μ"] * old["v"] - c["η"] * g
    return {"v": v, "w": w + v}


def rule_nesterov(w, g, old, c):
    v = c["μ"] * old["v"] - c["η"] * g
    return {"v": v, "w": w + c["μ"] * v - c["η"] * g}


def rule_rmsprop(w, g, old, c):
    s = c["ρ"] * old["s"] + (1 - c["ρ"]) * g**2
    return {"s": s, "w": w - c["η"] * g / (np.sqrt(s) + c["ε"])}


def rule_adam(w, g, old, c):
    m = c["β₁"] * old["m"] + (1 - c["β₁"]) * g
    v = c["β₂"] * old["v"] + (1 - c["β₂"]) * g**2
    root = np.sqrt(1 - c["β₂"] ** c["t"]) / (1 - c["β₁"] ** c["t"])
    return {"m": m, "v": v, "w": w - c["η"] * root * m / (np.sqrt(v) + c["ε"])}


def rule_adamw(w, g, old, c):
    return rule_adam((1 - c["η"] * c["λ"]) * w, g, old, c)


ADAM_TEXTS = [
    "m ← β₁ m + (1 - β₁) g",
    "v ← β₂ v + (1 - β₂) g²",
    "w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)",
]
RULES = [
    (SGD(0.1), rule_sgd, ["w ← w - η g"]),
    (SGD(0.1, momentum=0.9), rule_momentum, ["v ← μ v - η g", "w ← w + v"]),
    (
        SGD(0.1, momentum=0.9, nesterov=True),
        rule_nesterov,
        ["v ← μ v - η g", "w ← w + μ v - η g"],
    ),
    (RMSprop(0.1), rule_rmsprop, ["s ← ρ s + (1 - ρ) g²", "w ← w - η g / (√s + ε)"]),
    (Adam(0.1), rule_adam, ADAM_TEXTS),
    (AdamW(0.1, weight_decay=0.2), rule_adamw, ["w ← (1 - η λ) w", *ADAM_TEXTS]),
]


@pytest.mark.parametrize("updates_before", [0, 3])
@pytest.mark.parametrize(
    ("optimizer", "rule", "texts"), RULES, ids=lambda r: getattr(r, "__name__", "")
)
def test_every_update_formula_gives_the_numbers_shown(optimizer, rule, texts, updates_before):
    model = ffnn.Sequential([Dense(2, "tanh"), Dense(1)], 3, "float64", seed=0)
    model.compile(optimizer.clone(), "mse")
    for _ in range(updates_before):
        model.train_on_batch(X, [1.0, 2.0])

    explanation = explain_step(model, X, [1.0, 2.0])

    first, *updates = (step for step in explanation if step.direction == "update")
    assert [formula.text for formula in first.formulas] == ["g = ∂L/∂w", *texts]
    remembers = len(texts) > 1
    assert ("It is the first update" in first.note) is (remembers and updates_before == 0)
    for step, symbol in zip(updates, ["W", "b", "W", "b"], strict=True):
        signs = [text[0] for text in texts if text[0] != "w"]
        old = {sign: step.arrays.get(f"{sign}_{symbol}", 0.0) for sign in signs}
        assert all((f"{sign}_{symbol}" in step.arrays) is (updates_before > 0) for sign in signs)
        expected = rule(step.arrays[symbol], step.arrays[f"∂L/∂{symbol}"], old, first.arrays)
        for sign, numbers in expected.items():
            name = f"{symbol}_new" if sign == "w" else f"{sign}_{symbol}_new"
            np.testing.assert_allclose(step.arrays[name], numbers, rtol=1e-9, atol=1e-15)
            assert name in step.results


def test_clipped_gradient_is_explained():
    model = ffnn.Sequential([Dense(1, weight_initializer=Ones())], 2, "float64")
    model.compile(SGD(0.1, clipnorm=0.5), "mse")

    explanation = explain_step(model, [[3.0, 0.0]], [1.0])  # ∂L/∂W = (12, 0), ∂L/∂b = 4

    first = find(explanation, "update", "optimizer", "sgd")
    assert first.formulas[1].text == "g ← g c / ‖g‖ if ‖g‖ > c"
    norm = math.hypot(12.0, 4.0)
    check(first, c=0.5, η=0.1)
    np.testing.assert_allclose(first.arrays["‖g‖"], norm)
    update = find(explanation, "update", "dense_1", "sgd of weight")
    check(update, d_W=[[12.0, 0.0]], W_new=[[1.0 - 0.1 * 12.0 * 0.5 / norm, 1.0]])


def test_moving_averages_follow():
    model = ffnn.Sequential([Dense(2), BatchNorm(momentum=0.75), Dense(1)], 3, "float64", seed=0)
    model.compile("sgd", "mse")

    step = find(explain_step(model, X, [1.0, 2.0]), "update", "batch_norm_1", "batch_norm")

    assert [formula.text for formula in step.formulas] == [
        "M ← ρ M + (1 - ρ) μ",
        "V ← ρ V + (1 - ρ) v",
    ]
    values = model.layers[0].forward(X)
    check(step, ρ=0.75, M=[0, 0], V=[1, 1], M_new=0.25 * values.mean(axis=0))
    check(step, V_new=0.75 + 0.25 * values.var(axis=0))
    check(step, μ=[values.mean(axis=0)], v=[values.var(axis=0)])


def test_statistics_that_stay_as_they_are_are_not_updated():
    model = ffnn.Sequential([Normalization().adapt(X), Dense(1)], 3)
    model.compile("sgd", "mse")

    assert explain_step(model, X, [1.0, 2.0])[-1].kind == "sgd of bias"


# -- against the training step itself --------------------------------------------------------------


def every_layer_model(dtype="float32", optimizer="adam"):
    layers = [
        Rescaling(0.5),
        Dense(3, "relu", weight_regularizer=L2(0.1)),
        BatchNorm(),
        Dropout(0.5),
        LayerNorm(),
        Dense(2, bias_regularizer=L1(0.1)),
        RMSNorm(),
        Activation("softmax"),
    ]
    model = ffnn.Sequential(layers, dtype=dtype, seed=3)
    model.compile(optimizer, "cce", metrics=["accuracy"])
    return model


def updates_of(explanation, model):
    """Return the parameters after the step, as one vector, from an explanation."""
    news = {
        (step.layer, name.removesuffix("_new")): step.arrays[name]
        for step in explanation
        if step.direction == "update"
        for name in step.results
    }
    symbols = {"weight": "W", "bias": "b", "gamma": "γ", "beta": "β"}
    pairs = [(layer.name, symbols[name]) for layer in model.layers for name in layer.params]
    return np.concatenate([news[pair].ravel() for pair in pairs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS.classes, SGD(0.5, momentum=0.5)])
def test_numbers_are_those_of_the_training_step_bit_for_bit(optimizer, dtype):
    if not isinstance(optimizer, str):
        optimizer = optimizer.clone()
    model = every_layer_model(dtype, optimizer)
    model.fit(X, [0, 1], epochs=2, verbose=0)

    explanation = explain_step(model, X, [1, 0], [0.5, 2.0])

    loss = model.compute_gradients(X, [1, 0], [0.5, 2.0])
    assert explanation.loss == loss
    check(find(explanation, "loss", "loss", "total"), J=loss)
    for layer in model.layers:
        for step in explanation:
            if (step.direction, step.layer) == ("update", layer.name):
                for name, symbol in (("weight", "W"), ("bias", "b"), ("gamma", "γ")):
                    if f"∂J/∂{symbol}" in step.arrays:
                        np.testing.assert_array_equal(
                            step.arrays[f"∂J/∂{symbol}"], layer.grads[name]
                        )
    assert model.train_on_batch(X, [1, 0], [0.5, 2.0]) == loss
    np.testing.assert_array_equal(updates_of(explanation, model), model.parameters)
    moving = find(explanation, "update", "batch_norm_1", "batch_norm")
    np.testing.assert_array_equal(moving.arrays["V_new"], model.layers[2].state["moving_variance"])


def test_each_step_begins_with_what_the_one_before_gave():
    explanation = explain_step(every_layer_model(), X, [1, 0])

    forward = [step for step in explanation if step.direction == "forward"]
    assert [step.place for step in forward] == list(range(9))
    for before, step in pairwise(forward):
        given = next(iter(step.arrays.values()))
        np.testing.assert_array_equal(given, before.arrays[before.results[-1]])
    backward = [
        step
        for step in explanation
        if step.direction == "backward" and step.kind not in ("l1", "l2")
    ]
    assert [step.place for step in backward] == list(range(8, 0, -1))
    for before, step in pairwise(backward):
        given = next(iter(step.arrays.values()))
        np.testing.assert_array_equal(given, before.arrays[before.results[-1]])


def test_mask_is_the_one_that_the_next_training_step_draws():
    model = ffnn.Sequential([Dense(8), Dropout(0.5), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    first, second = (explain_step(model, X, [1.0, 2.0]) for _ in range(2))

    mask = find(first, "forward", "dropout_1", "dropout").arrays["m"]
    assert set(mask.ravel().tolist()) == {0.0, 2.0}
    np.testing.assert_array_equal(mask, find(second, "forward", "dropout_1", "dropout").arrays["m"])
    model.train_on_batch(X, [1.0, 2.0])
    np.testing.assert_array_equal(mask, model.layers[1]._mask)
    later = find(explain_step(model, X, [1.0, 2.0]), "forward", "dropout_1", "dropout")
    assert (later.arrays["m"] != mask).any()


@pytest.mark.parametrize("trained", [False, True])
def test_model_is_as_before(trained):
    model = every_layer_model()
    model.feature_names = ["a", "b", "c"]
    if trained:
        model.fit(X, [0, 1], epochs=2, verbose=0)
    else:
        model.build(3)
    config, arrays = copy.deepcopy(model.capture())
    metrics = [metric.result() if trained else None for metric in model.metrics]
    outputs = model.predict(X)
    twin = copy.deepcopy(model)

    explain_step(model, X, [1, 0]).plot()

    after, arrays_after = model.capture()
    assert after == config
    assert arrays_after.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(arrays_after[name], array, err_msg=name)
    assert model.has_gradients is trained
    assert [metric.result() if trained else None for metric in model.metrics] == metrics
    np.testing.assert_array_equal(model.predict(X), outputs)
    for each in (model, twin):
        each.fit(X, [0, 1], epochs=1, verbose=0)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_model_that_is_not_built_stays_so():
    model = every_layer_model()

    explanation = explain_step(model, X, [1, 0])

    assert not model.is_built
    model.build(3)
    first = find(explanation, "forward", "dense_1", "dense")
    np.testing.assert_array_equal(first.arrays["W"], model.layers[1].params["weight"])


def test_arrays_are_copies_that_nothing_changes_later():
    model = two_two_one()
    x = np.array([[1.0, 2.0]])
    explanation = explain_step(model, x, [[1.0]])
    text = str(explanation)

    x[:] = 0.0
    model.fit(x, [[1.0]], epochs=2, verbose=0)

    assert str(explanation) == text


# -- other parts than the library's ----------------------------------------------------------------


class Scale_Shift(Layer):  # noqa: N801
    """Two parameters of names of their own, one of them called as an array is."""

    def parameter_shapes(self, input_dim):
        return {"a_b$": (input_dim,), "x": (2, input_dim)}

    def initializers(self):
        return {"a_b$": Constant(2.0), "x": Constant(1.0)}

    def regularizers(self):
        return {"a_b$": L2(0.5)}

    def forward(self, x, training=False):
        self._x = x
        return x * self.params["a_b$"] + self.params["x"].sum(axis=0)

    def backward(self, grad):
        self.grads["a_b$"][...] = (grad * self._x).sum(axis=0)
        self.grads["x"][...] = grad.sum(axis=0)
        return grad * self.params["a_b$"]


class Counting(Layer):
    """A layer with a state that training changes."""

    def __init__(self):
        self._count = np.zeros(1)

    @property
    def state(self):
        return {"rows": self._count}

    def forward(self, x, training=False):
        self._x = x
        return x + 0.0

    def backward(self, grad):
        return grad

    def update_state(self):
        self._count += len(self._x)


def test_layer_of_the_users_is_a_function_of_x():
    model = ffnn.Sequential([Dense(2), Scale_Shift(), Dense(1)], 3, "float64", seed=0)
    model.compile("sgd", "mse")

    explanation = explain_step(model, X, [1.0, 2.0])

    forward = find(explanation, "forward", "Scale_Shift_1", "Scale_Shift")
    assert [formula.text for formula in forward.formulas] == ["y = f(x)"]
    assert list(forward.arrays) == ["x", "a_b$", "parameter x", "y"]
    check(forward, y=2.0 * forward.arrays["x"] + 2.0)
    backward = find(explanation, "backward", "Scale_Shift_1", "Scale_Shift")
    assert [formula.text for formula in backward.formulas] == [
        "∂L/∂θ = (∂y/∂θ)ᵀ ∂L/∂y",
        "∂L/∂x = (∂y/∂x)ᵀ ∂L/∂y",
    ]
    assert backward.results == ("∂L/∂a_b$", "∂L/∂parameter x", "∂L/∂x")
    check(backward, d_x=2.0 * backward.arrays["∂L/∂y"])
    penalty = find(explanation, "backward", "Scale_Shift_1", "l2")
    assert penalty.formulas[0].text == "∂R/∂θ = 2 λ₂ θ"
    np.testing.assert_allclose(penalty.arrays["∂R/∂a_b$"], [2.0, 2.0])
    update = find(explanation, "update", "Scale_Shift_1", "sgd of a_b$")
    np.testing.assert_array_equal(update.arrays["∂J/∂a_b$"], penalty.arrays["∂J/∂a_b$"])


def test_layer_derived_from_a_known_one_is_not_taken_for_it():
    class Doubled(ReLU):
        """Whose formula the table does not know."""

        def forward(self, x, training=False):
            return 2.0 * super().forward(x, training)

        def backward(self, grad):
            return 2.0 * super().backward(grad)

    model = ffnn.Sequential([Dense(2, Doubled()), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    step = find(explain_step(model, X, [1.0, 2.0]), "forward", "dense_1", "Doubled")

    assert [formula.text for formula in step.formulas] == ["y = f(z)"]


def test_layer_made_of_others_shows_its_own_parameters():
    class Pair(Layer):
        """A dense layer and an activation inside a layer."""

        def __init__(self):
            self.inner, self.outer = Dense(2), Tanh()

        def parameter_shapes(self, input_dim):
            return {f"inner {k}": v for k, v in self.inner.parameter_shapes(input_dim).items()}

        def initializers(self):
            return {f"inner {k}": GlorotUniform() for k in ("weight", "bias")}

        def get_config(self):
            return {}

        def compute_output_dim(self, input_dim):
            return 2

        def bind(self, input_dim, dtype, values, grads):
            super().bind(input_dim, dtype, values, grads)
            parts = [{k[6:]: v for k, v in each.items()} for each in (values, grads)]
            self.inner.bind(input_dim, dtype, *parts)

        def stages(self):
            return [*self.inner.stages(), *self.outer.stages()]

    model = ffnn.Sequential([Pair(), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    first, second = explain_step(model, X, [1.0, 2.0])[:2]

    assert [formula.text for formula in first.formulas] == ["y = f(x)"]
    assert list(first.arrays) == ["x", "inner weight", "inner bias", "y"]
    assert [formula.text for formula in second.formulas] == ["y = tanh(x)"]


def test_loss_optimizer_and_penalty_of_the_users():
    class HalfOfError(MeanSquaredError):
        """Half of it."""

        def forward(self, output, target, weight=None):
            return super().forward(output, target, weight) / 2

        def backward(self):
            return super().backward() / 2

    class Sign(Optimizer):
        """Steps of one size."""

        def __init__(self, learning_rate=0.5):
            super().__init__(learning_rate)

        def update(self, rate, w, g, scratch, *memory):
            w -= rate * np.sign(g)

    class Sum(Regularizer):
        """The sum."""

        def value(self, w, scratch):
            return float(w.sum())

        def add_gradient(self, w, grad, scratch):
            grad += 1.0

    layer = Dense(1, weight_initializer=Ones(), weight_regularizer=Sum())
    model = ffnn.Sequential([layer], 1, "float64")
    model.compile(Sign(), HalfOfError())

    explanation = explain_step(model, [[3.0]], [[1.0]])

    loss = find(explanation, "loss", "loss", "HalfOfError")
    assert [formula.text for formula in loss.formulas] == ["L = ℓ(p, y)"]
    check(loss, p=[[3]], y=[[1]], L=2)
    slope = find(explanation, "backward", "loss", "HalfOfError")
    assert [formula.text for formula in slope.formulas] == ["∂L/∂p = ∂ℓ/∂p"]
    check(slope, d_p=[[2]])
    assert find(explanation, "loss", "dense_1", "Sum").formulas[0].text == "R = ρ(W)"
    check(find(explanation, "loss", "dense_1", "Sum"), R=1.0)
    rule = find(explanation, "update", "optimizer", "Sign")
    assert rule.formulas[-1].text == "w ← update(w, g)"
    check(find(explanation, "update", "dense_1", "Sign of weight"), W=[[1.0]], W_new=[[0.5]])


def test_loss_that_keeps_no_output_can_be_explained():
    class Plain(Loss):
        """Only what the protocol asks for."""

        def forward(self, output, target, weight=None):
            self._difference = output - target
            return float(self._difference.sum())

        def backward(self):
            return np.ones_like(self._difference)

    model = ffnn.Sequential([Dense(1, weight_initializer=Ones())], 1)
    model.compile("sgd", Plain())

    check(explain_step(model, [[3.0]], [[1.0]])[1], p=[[3]], y=[[1]], L=2)


def test_state_of_a_layer_of_the_users_is_shown_where_it_changes():
    model = ffnn.Sequential([Counting(), Dense(1)], 3)
    model.compile("sgd", "mse")

    explanation = explain_step(model, X, [1.0, 2.0])

    check(find(explanation, "update", "Counting_1", "Counting"), rows=[0], rows_new=[2])
    assert model.layers[0].state["rows"] == 0


def test_network_without_parameters_has_only_a_forward_pass():
    model = ffnn.Sequential([Rescaling(2.0)], 3)
    model.compile("sgd", "mse")

    explanation = explain_step(model, X, X)

    assert [step.direction for step in explanation] == ["forward", "loss", "backward", "update"]
    assert "loss: mean_squared_error" in str(explanation)
    explanation.plot()


def test_step_that_training_would_refuse_is_shown_without_an_update():
    model = ffnn.Sequential([Dense(1, weight_initializer=Ones())], 1)
    model.compile("sgd", "mse")

    explanation = explain_step(model, [[1e30]], [[0.0]])

    assert explanation.loss == math.inf
    last = explanation[-1]
    assert (last.layer, last.note) == ("optimizer", "Nothing is updated: the loss became inf.")
    assert "L = inf" in str(explanation)
    assert r"L = \infty" in explanation.to_latex()
    huge = explain_step(model, [[1e18]], [[0.0]])
    assert huge[-1].note.startswith("Nothing is updated: the norm of the gradient became ")


# -- what is refused -------------------------------------------------------------------------------


def test_bad_data_is_refused_as_by_fit():
    model = two_two_one()

    for x, y in [([[1.0]], [[1.0]]), ([[1.0, np.nan]], [[1.0]]), ([[1.0, 2.0]], [[1.0], [2.0]])]:
        with pytest.raises(ffnn.DataError) as by_fit:
            model.fit(x, y, verbose=0)
        with pytest.raises(ffnn.DataError) as here:
            explain_step(model, x, y)
        assert str(here.value) == str(by_fit.value)


def test_model_that_is_not_compiled_is_refused_as_by_fit():
    with pytest.raises(RuntimeError, match=r"not compiled: call compile"):
        explain_step(ffnn.Sequential([Dense(1)], 3), X, [1.0, 2.0])


@pytest.mark.parametrize("built", [False, True])
def test_large_network_is_refused(built):
    model = ffnn.Sequential([Dense(80), Dense(1)], 4 if built else None)
    model.compile("sgd", "mse")

    with pytest.raises(ValueError, match=r"at most 400 parameters, .* got 481. Explain a smaller"):
        explain_step(model, np.ones((1, 4)), [1.0])


def test_many_columns_are_refused():
    model = ffnn.Sequential([Dense(1), Dense(65)])
    model.compile("sgd", "mse")

    with pytest.raises(ValueError, match=r"at most 64 columns .* got 65 at 'dense_2'"):
        explain_step(model, np.ones((1, 4)), np.ones((1, 65)))


def test_largest_network_and_batch_are_explained():
    model = ffnn.Sequential([Dense(6), Dense(10)], 54)  # 6 · 55 + 10 · 7 = 400 parameters
    model.compile("sgd", "mse")

    assert len(explain_step(model, np.ones((8, 54)), np.ones((8, 10)))) == 11


def test_many_rows_are_refused():
    with pytest.raises(ValueError, match=r"at most 8 rows, got 9. Take the first ones: x\[:2\]"):
        explain_step(two_two_one(), np.ones((9, 2)), np.ones(9))


@pytest.mark.parametrize("name", ["to_text", "to_markdown", "to_latex", "plot"])
def test_precision_must_be_a_positive_integer(name):
    write = getattr(explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]), name)

    with pytest.raises(ValueError, match=f"{name}: precision must be at least 1, got 0"):
        write(precision=0)
    with pytest.raises(TypeError, match=f"{name}: precision must be an integer"):
        write(precision=2.5)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, -0.25], ["0.50", "-0.25"]),  # fewer decimals tell all
        ([1.0, 0.0, 3.0], ["1", "0", "3"]),
        ([1 / 3, 2 / 3], ["0.3333", "0.6667"]),
        ([1 / 3, 0.0, -0.0], ["0.3333", "0", "0"]),
        ([100 / 3, 1.0], ["33.33", "1.00"]),
        ([0.123456, 0.00012345], ["0.12346", "0.00012"]),  # the smallest has two digits
        ([1.23456, 1e-6], ["1.235e+00", "1.000e-06"]),
        ([1e-8], ["1e-08"]),
        ([123456.7, 3.0], ["123456.7", "3.0"]),
        ([1.5e9, 1.0], ["1.5e+09", "1.0e+00"]),
        ([math.nan, math.inf, -math.inf, 1.5], ["nan", "inf", "-inf", "1.5"]),
        ([], []),
    ],
)
def test_entries_of_an_array_are_written_alike(values, expected):
    assert write_numbers(np.array(values), 4).tolist() == expected


def test_float32_and_integers_are_written_as_they_were_meant():
    assert write_numbers(np.array([0.1, 0.25], "float32"), 4).tolist() == ["0.10", "0.25"]
    assert write_numbers(np.array([[255, 3]], "uint8"), 2).tolist() == [["255", "3"]]
    assert write_number(np.float32(0.01), 4) == "0.01"
    assert write_number(math.pi, 3) == "3.14"


def test_nothing_but_zero_is_written_as_zero():
    rng = np.random.default_rng(0)
    for precision in (1, 2, 4, 7):
        values = rng.normal(size=(200, 5)) * 10.0 ** rng.integers(-12, 12, size=(200, 5))
        for row in values:
            assert all(float(text) != 0.0 for text in write_numbers(row, precision))


# -- text ------------------------------------------------------------------------------------------


def width(line):
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) > 0 for c in line)


def wide_model():
    model = ffnn.Sequential([Dense(5, "gelu"), LayerNorm(), Dense(3, "softmax")], 54, seed=0)
    model.compile("adam", "cce")
    model.feature_names = [f"特徴 {i} $x_1$ <b> {'long ' * i}" for i in range(54)]
    model.class_names = ["a_b", "100 %", "`c`"]
    return model


def wide_explanation():
    return explain_step(wide_model(), np.random.default_rng(0).normal(size=(3, 54)), [0, 2, 1])


TEXT = """\
One training step on 1 row (float64), loss 0.25

Numbers begin at 0. W has a row for each unit and a column for each input.
∘           entry by entry
Σ           sum over all entries
Σ_rows      sum over the rows of the batch

── Forward ─────────────────────────────────────────────────────────────────────

dense_1: dense
    z = x Wᵀ + b

    x  0  1     W           0       1     b  0      1
       1  2     unit 0  1.099       0        0  1.099
                unit 1  1.099  -1.099

    z      0  1
       1.099  0

dense_1: sigmoid
    y = 1 / (1 + e^-z)

    z      0  1
       1.099  0

    y     0     1
       0.75  0.50

"""


def test_text_shows_formulas_and_arrays_side_by_side():
    assert explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]).to_text().startswith(TEXT)


def test_text_is_what_print_shows():
    explanation = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])

    assert str(explanation) == explanation.to_text() == explanation.to_text(precision=4)
    assert "1.0986" in explanation.to_text(precision=5)
    assert repr(explanation) == (
        "<Explanation: One training step on 1 row (float64), 15 steps, loss 0.25>"
    )


@pytest.mark.parametrize("precision", [1, 4, 17])
def test_text_is_at_most_80_columns_wide(precision):
    text = wide_explanation().to_text(precision)

    assert max(map(width, text.splitlines())) <= 80


def test_wide_matrix_is_broken_between_columns():
    explanation = wide_explanation()
    lines = str(explanation).splitlines()
    start = lines.index("dense_1: dense")
    x = explanation[0].arrays["x"]

    heads = [line.split() for line in lines[start : start + 60] if line.startswith("    x ")]
    numbers = [line.split()[2:] for line in lines[start : start + 60] if " row 1 " in line]

    assert [int(n) for head in heads for n in head[1:]] == list(range(54))
    shown = [float(n) for row in numbers[: len(heads)] for n in row]
    np.testing.assert_allclose(shown, x[1], atol=1e-4)


def test_arrays_in_text_are_aligned():
    for line in str(wide_explanation()).splitlines():
        match = re.fullmatch(r"    row \d((?:\s+\S+)+)", line)
        if match and "row" not in match[1]:
            ends = [m.end() for m in re.finditer(r"\S+", match[1])]
            gaps = {b - a for a, b in pairwise(ends)}
            assert all(gap >= 3 for gap in gaps)


def test_hat_takes_no_column():
    model = ffnn.Sequential([LayerNorm()], 3, "float64")
    model.compile("sgd", "mse")
    lines = str(explain_step(model, X, X)).splitlines()

    start = next(i for i, line in enumerate(lines) if line.startswith("    x̂  "))
    parts = [re.split(" {5}(?=y|row)", line) for line in lines[start : start + 2]]
    assert len({width(part[0]) for part in parts}) == 1


def test_names_of_columns_are_told():
    model = two_two_one()
    model.feature_names, model.class_names = ["length", "new\nline\x1b[1m"], ["no", "yes"]

    text = str(explain_step(model, [[1.0, 2.0]], [[1.0]]))

    assert "inputs: 0 length, 1 new line [1m\n" in text
    assert "outputs:" not in text  # two classes of one output


# -- Markdown and LaTeX ----------------------------------------------------------------------------


def displays(markdown):
    return re.findall(r"\$\$\n(.*?)\n\$\$", markdown, flags=re.DOTALL)


TRICKY = r"$a_b$ `c` <i>\x</i> 50% #1 & {~^|}"


def tricky_explanation():
    tricky = type(TRICKY, (Scale_Shift,), {})
    model = ffnn.Sequential([Dense(2), tricky(), Dense(2, "softmax")], 3, seed=0)
    model.compile("adamw", "cce")
    model.feature_names = ["x_1", "`tick`", r"\end{document} $ <script>"]
    return explain_step(model, X, [0, 1], [1.0, 2.0])


def test_markdown_shows_formulas_and_matrices():
    explanation = explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]])
    markdown = explanation.to_markdown()

    assert markdown.startswith("## One training step on 1 row (float64), loss 0.25\n")
    assert "\n### Backward\n" in markdown
    assert "\n#### `dense_1: sigmoid`\n" in markdown
    shown = displays(markdown)
    assert r"\begin{aligned} z &= x W^\top + b \end{aligned}" in shown
    matrix = r"W = \left[\begin{array}{rr} 1.099 & 0 \cr 1.099 & -1.099 \end{array}\right]"
    assert any(matrix in line for line in shown)
    assert any(r"\frac{\partial L}{\partial b} = \left[" in line for line in shown)
    assert explanation._repr_markdown_() == markdown


@pytest.mark.parametrize("make", [wide_explanation, tricky_explanation])
def test_mathematics_in_markdown_says_the_same_before_and_after_markdown(make):
    for line in displays(make().to_markdown()):
        assert not re.search(r"\\[^a-zA-Z]", line), line  # Markdown takes such backslashes away
        assert not re.search("[*`<$]", line), line
        assert not re.search(r"(?<![a-zA-Z0-9)])_", line), line  # which could begin emphasis


def test_names_in_markdown_are_code():
    markdown = tricky_explanation().to_markdown()

    assert rf"#### `` {TRICKY}_1: {TRICKY} ``" in markdown
    assert r"inputs: `0 x_1`, `` 1 `tick` ``, `2 \end{document} $ <script>`" in markdown
    assert "\\text{a＿b＄}" in markdown


def test_latex_is_balanced_and_names_are_escaped():
    latex = tricky_explanation().to_latex()

    escaped = (
        r"\$a\_b\$ `c` \textless{}i\textgreater{}\textbackslash{}x\textless{}/i\textgreater{} "
        r"50\% \#1 \& \{\textasciitilde{}\textasciicircum{}\textbar{}\}"
    )
    assert rf"\subsubsection*{{\texttt{{{escaped}\_1}}: {escaped}}}" in latex
    assert r"2 \textbackslash{}end\{document\} \$ \textless{}script\textgreater{}" in latex
    assert r"\text{a\_b\$}" in latex
    assert_balanced(latex)


def assert_balanced(latex):
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", latex):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    assert latex.count("\\[\n") == latex.count("\n\\]")
    assert latex.count(r"\left[") == latex.count(r"\right]")
    bare = re.sub(r"\\[{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert latex.isascii() or set(latex) - {chr(i) for i in range(128)} <= {"…"}


def test_latex_needs_no_more_than_ascii():
    for layers in layer_networks():
        model = randomized(ffnn.Sequential(layers, 3, "float64", seed=0))
        model.compile(Adam(clipnorm=1.0), "mse")
        latex = explain_step(model, X, X[:, :2]).to_latex()
        assert latex.isascii()
        assert_balanced(latex)


def test_wide_matrices_are_broken_in_latex():
    latex = wide_explanation().to_latex()

    parts = re.findall(r"\bx \\text\{ \(columns (\d+) to (\d+)\)\} = ", latex)
    shown = [n for first, last in parts for n in range(int(first), int(last) + 1)]
    assert shown == 2 * list(range(54))  # forward and backward
    columns = [len(format_) for format_ in re.findall(r"\\begin\{array\}\{(r+)\}", latex)]
    assert max(columns) <= 8


def as_text(latex):
    """Return LaTeX as this module's plain text, without spaces, braces and brackets."""
    words = {
        r"\\underset\{\\mathrm\{(\w+)\}\}\{\\mathrm\{mean\}\}": r"mean_\1",
        r"\\sum_\{\\mathrm\{(\w+)\}\}": r"Σ_\1",
        r"\\mathrm\{(\w+)\}": r"\1",
        r"\^\\top": "ᵀ",
        r"\^2": "²",
        r"\^3": "³",
        r"\^t": "ᵗ",
        r"_1": "₁",
        r"_2": "₂",
        r"\\hat\{x\}": "x̂",
        r"\\quad": "",
    }
    for pattern, word in words.items():
        latex = re.sub(pattern, word, latex)
    previous = None
    part = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
    while latex != previous:
        previous = latex
        latex = re.sub(rf"\\frac{part}{part}", r"\1/\2", latex)
    signs = {
        "partial": "∂", "odot": "∘", "sum": "Σ", "sqrt": "√", "leq": "≤", "leftarrow": "←",
        "Vert": "‖", "cdot": "·", "pi": "π", "beta": "β", "gamma": "γ", "delta": "δ",
        "varepsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "rho": "ρ",
        "sigma": "σ", "ell": "ℓ", "max": "max", "min": "min", "tanh": "tanh", "log": "log",
    }  # fmt: skip
    latex = re.sub(r"\\([a-zA-Z]+)", lambda match: signs[match[1]], latex)
    return re.sub(r"[\s{}()]", "", latex)


def test_each_formula_is_the_same_in_latex():
    formulas = [*TEMPLATES, *table.OTHER_LAYER.forward, *table.OTHER_LAYER.backward]
    formulas += [*table.OTHER_LOSS[:2], *table.OTHER_PENALTY[:2], table.CLIPPING]
    for entry in (*table.OPTIMIZERS.values(), *table.MOVING.values(), table.OTHER_OPTIMIZER):
        formulas += entry.formulas
    for formula in formulas:
        expected = re.sub(r"[\s()]", "", formula.text)
        assert as_text(formula.latex) == expected
