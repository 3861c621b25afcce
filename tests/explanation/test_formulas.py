"""Every formula that is printed gives the numbers that are printed with it."""

import copy
import dataclasses
import re

import numpy as np
import pytest

import ffnn
from ffnn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    ActivationFunction,
    LeakyReLU,
    Linear,
    Sigmoid,
    Softplus,
    Tanh,
)
from ffnn.core.formulas import Formula, Formulas
from ffnn.core.registry import family_of
from ffnn.explanation import explain_step
from ffnn.explanation.steps import formulas_of
from ffnn.initializers import INITIALIZERS, Constant, HeNormal, RandomNormal, RandomUniform
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
    Scale,
)
from ffnn.layers.base import LAYERS
from ffnn.losses import (
    LOSSES,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    Huber,
    Quantile,
    SoftmaxCrossentropy,
)
from ffnn.metrics import AUC, METRICS, MeanAbsoluteError, TopKAccuracy
from ffnn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Nadam
from ffnn.regularizers import L1L2, L2, REGULARIZERS
from ffnn.schedules import (
    SCHEDULES,
    CosineDecay,
    CosineLog,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    Schedule,
)

X = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1]])
Y = [[0.3, 2.0], [0.5, 1.25]]
WEIGHT = [0.5, 2.0]

FOCAL = (BinaryFocalCrossentropy, CategoricalFocalCrossentropy)

# Parts that need arguments, and settings that change a formula; any other part is made by its name.
SAMPLES = {
    LAYERS: [
        Dense(3),
        Dense(3, use_bias=False),
        Dense(3, parametrization="ntk"),
        Activation("tanh"),
        Dropout(0.4, seed=1),
        Dropout(0.0),
        Clamp(-0.5, 0.5),
        Dropout(FlatCosine(0.4, 20), seed=1),
        Dropout(CosineLog(0.4, 20), seed=1),
        Rescaling(0.5, -0.25),
        Normalization().adapt(X),
        *(PReLU(), PReLU(shared=True, initial_slope=-0.5)),
        *(ParametricActivation(each) for each in ("mish", LeakyReLU(0.2), "softmax", "linear")),
    ],
    ACTIVATIONS: [LeakyReLU(0.2), ELU(0.7), GELU("none"), GELU("tanh")],
    LOSSES: [
        Huber(0.4),
        Quantile(0.3),
        *(cls(0.3, 1.5, s) for cls in FOCAL for s in (0.0, 0.2)),
        *(FOCAL[0](None, gamma) for gamma in (2.0, 0.5)),
        *(cls(s) for cls in (CategoricalCrossentropy, BinaryCrossentropy) for s in (0.0, 0.2)),
    ],
    REGULARIZERS: [L1L2(0.1, 0.2)],
    OPTIMIZERS: [
        SGD(0.1, momentum=0.9),
        SGD(0.1, momentum=0.9, nesterov=True),
        AdamW(0.1, weight_decay=0.2),
        AdamW(CosineDecay(0.1, 5), weight_decay=FlatCosine(0.2, 4)),
        SGD(0.1, momentum=0.9, learning_rate_factors={"bias": 0.25}),
        SGD(0.1, clipvalue=0.01),
        Nadam(0.1, beta_1=0.5),
        AdamW(0.1, 0.2, learning_rate_factors={"weight": 3.0}, decay_exclude=["bias"]),
    ],
    SCHEDULES: [
        ExponentialDecay(0.1, 10, 0.5),
        ExponentialDecay(0.1, 10, 0.5, staircase=True),
        InverseTimeDecay(0.1, 10, 0.5),
        InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        PiecewiseConstantDecay([3, 8], [0.1, 0.01, 0.001]),
        CosineDecay(0.1, 20, 0.2),
        CosineDecay(0.1, 20, 0.2, warmup_steps=5),
        FlatCosine(0.1, 20),
        CosineLog(0.1, 20, cycles=3),
    ],
    INITIALIZERS: [Constant(0.3), RandomUniform(-1.0, 3.0), RandomNormal(0.5, 4.0)],
    METRICS: [TopKAccuracy(2)],
}


# Their formulas are those of one column or member: test_embeddings.py, test_piecewise_linear.py and
# test_average.py in tests/layers evaluate them.
BY_COLUMN = (Average, Embedding, PeriodicEmbedding, PiecewiseLinear)


def parts_of(family):
    """Return a part of each class of a family, and those of other settings."""
    given = SAMPLES[family]
    classes = dict.fromkeys(family.classes.values())
    for cls in BY_COLUMN:
        classes.pop(cls, None)
    return [*given, *(cls() for cls in classes if not any(type(part) is cls for part in given))]


def each(*families):
    return pytest.mark.parametrize("part", [p for f in families for p in parts_of(f)], ids=repr)


def assert_same(value, expected, text):
    expected = np.asarray(expected)
    value = np.reshape(value, expected.shape)
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=text)


def check_step(step):
    """Evaluate a step's formulas one after the other; each array that one gives must be that."""
    known, given, compared = dict(step.arrays), step.given, set()
    for formula in step.formulas:
        symbol = formula.symbol
        if symbol in given and f"{symbol}_new" not in step.results:
            continue  # a shorter name for what is given, such as δ
        known[symbol] = formula.evaluate(known)
        result = symbol if symbol in step.results else f"{symbol}_new"
        if result in step.results:
            assert_same(known[symbol], step.arrays[result], formula.text)
            compared.add(result)
    assert compared == set(step.results)


def check_updates(explanation):
    """Evaluate the optimizer's formulas: of g on all parameters together, then on each."""
    updates = [step for step in explanation if step.direction == "update"]
    first, *steps = (step for step in updates if step.kind not in SCHEDULES.classes)
    steps = [step for step in steps if " of " in step.kind]
    of_g = [formula for formula in first.formulas if formula.symbol == "g"]
    whole = dict(first.arrays)
    (name,) = of_g[0].symbols
    whole[name] = np.concatenate([gradient_of(step).ravel() for step in steps])
    for formula in of_g:
        whole["g"] = formula.evaluate(whole)
    start = 0
    for step in steps:
        known, expected = dict(first.arrays), {}
        gradient, sign = gradient_of(step), next(iter(step.arrays))
        known["g"] = whole["g"][start : (start := start + gradient.size)].reshape(gradient.shape)
        for symbol, array in step.arrays.items():
            name = symbol.removesuffix("_new").removesuffix(sign).removesuffix("_") or "w"
            (expected if symbol.endswith("_new") else known)[name] = array
        for formula in first.formulas:
            if formula not in of_g:
                known.setdefault(formula.symbol, np.zeros_like(gradient))  # not yet remembered
                known[formula.symbol] = formula.evaluate(known)
        assert expected
        for name, array in expected.items():
            assert_same(known[name], array, name)


def gradient_of(step):
    return next(array for symbol, array in step.arrays.items() if symbol.startswith("∂"))


def explained(layers, y=Y, loss="mse", optimizer="sgd", weight=WEIGHT, updates_before=0):
    model = ffnn.Sequential(layers, 3, "float64", seed=0)
    model.parameters[:] = np.random.default_rng(0).normal(size=model.count_params())
    model.compile(optimizer, loss)
    for _ in range(updates_before):
        model.train_on_batch(X, y, weight)
    return explain_step(model, X, y, weight)


def check_all(explanation):
    for step in explanation:
        if step.layer != "optimizer" and " of " not in step.kind:
            check_step(step)
    check_updates(explanation)


# -- parts of a network ----------------------------------------------------------------------------


@each(LAYERS)
def test_layer(part):
    explanation = explained([Dense(3), copy.deepcopy(part), Dense(2)])

    check_all(explanation)
    name = LAYERS.name_of(part)
    if not isinstance(part, Activation):  # which is explained as what it holds
        for direction in ("forward", "backward", "update"):
            steps = [s for s in explanation if s.direction == direction]
            own = [s for s in steps if s.place == 1 or (direction == "update" and s.kind == name)]
            shown = own[0].formulas if own else ()
            assert len(shown) == len(getattr(part.formulas, direction))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@each(ACTIVATIONS)
def test_activation_inside_a_layer_and_alone(part, weight):
    layers = [Dense(3, part), Dense(2, use_bias=False), Activation(part), Dense(2)]
    explanation = explained(layers, weight=weight)

    check_all(explanation)
    found = [step for step in explanation if step.kind == ACTIVATIONS.name_of(part)]
    assert [len(step.formulas) for step in found] == [
        *2 * [len(part.formulas.forward)],
        *2 * [len(part.formulas.backward)],
    ]


@pytest.mark.parametrize("loss", ["mse", "cce"])
@each(REGULARIZERS)
def test_penalty(part, loss):
    ending = "softmax" if loss == "cce" else None
    layer = Dense(2, ending, weight_regularizer=part, bias_regularizer=part)
    check_all(explained([Dense(3, weight_regularizer=part), layer], [[0.75, 0.25], [0, 1]], loss))


@pytest.mark.parametrize("clipnorm", [None, 0.01, 100.0])
@pytest.mark.parametrize("updates_before", [0, 3])
@each(OPTIMIZERS)
def test_optimizer(part, updates_before, clipnorm):
    rule = part.clone()
    if rule.clipvalue is None:
        rule.clipnorm = clipnorm
    check_all(explained([Dense(2, "tanh"), Dense(2)], Y, "mse", rule, None, updates_before))


class UnfusedSigmoid(ActivationFunction):
    """A sigmoid of the user's, which no loss recognises."""

    formulas = Sigmoid.formulas
    output_range = (0.0, 1.0)

    def forward(self, x, training=False):
        return Sigmoid.forward(self, x)

    def backward(self, grad):
        return Sigmoid.backward(self, grad)


TARGETS = {
    "numbers": np.array(Y),
    "probabilities": np.array([[0.75, 0.25], [0.3, 0.9]]),
    "classes": np.array([1, 0]),
}


def endings(loss):
    """Return an activation that the loss can follow, and those with which it is computed."""
    suited = []
    apart = [Linear(), Softplus(), UnfusedSigmoid()]
    for activation in [*apart, *parts_of(ACTIVATIONS)]:
        try:
            loss.check_output(activation)
        except ValueError:
            continue
        if not suited or loss.fuse(activation) is not None:
            suited.append(activation)
    return suited


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@each(LOSSES)
def test_loss(part, weight):
    for ending in endings(part):
        check_all(explained([Dense(2, ending)], TARGETS[part.task], part.clone(), weight=weight))
        if part.fuse(ending) is not None:
            kept = {"formulas": part.formulas, "fuse": lambda self, activation: None}
            apart = type("Unfused", (type(part),), kept)(**part.get_config())
            check_all(explained([Dense(2, ending)], TARGETS[part.task], apart, weight=weight))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@each(LOSSES)
def test_loss_on_what_its_activation_is_given(part, weight):
    z, target = X[:, :2], part.prepare(TARGETS[part.task], 2)
    for fused in filter(None, map(part.fuse, endings(part))):
        rows = None if weight is None else np.array(weight)
        value = fused.forward(z.copy(), target, rows)
        known = formulas_of(fused).copy_kept(fused, fused.formulas.where)
        known |= {"z": z, "y": np.array(fused.target), "n": 2, "u": 2}
        known |= {"w": 1.0 if rows is None else rows[:, None], "p": np.array(fused.output)}
        results = {"L": value, "p": known["p"], "∂L/∂z": fused.backward()}
        for formula in map(Formula, [*fused.formulas.forward, *fused.formulas.backward]):
            assert_same(formula.evaluate(known), results[formula.symbol], formula.text)


# -- other parts -----------------------------------------------------------------------------------


def constants_of(part, formula):
    """Return what a part's formula takes of its settings; a list may be a function of a place."""
    kept = {symbol: getattr(part, path) for symbol, path in part.formulas.where.items()}
    for symbol in kept.keys() - set(formula.symbols):
        kept[symbol] = lambda place, values=kept[symbol]: values[int(place)]
    return kept


@each(SCHEDULES)
def test_schedule(part):
    (text,) = part.formulas.forward
    formula = Formula(text)
    for t in range(31):
        value = formula.evaluate({**constants_of(part, formula), "t": t})
        assert_same(value, part(t), text)


@each(SCHEDULES)
def test_a_schedule_is_explained_by_its_formula(part):
    model = ffnn.Sequential([Dense(1)], input_dim=3, seed=0)
    model.compile(SGD(part, clipnorm=1.0))
    model.fit(X, [0.5, 1.0], epochs=4, batch_size=2, verbose=0)
    explanation = explain_step(model, X, [0.5, 1.0])
    step = next(each for each in explanation.steps if each.kind in SCHEDULES.classes)
    (formula,) = step.formulas
    assert formula.text == part.formulas.forward[0]
    assert step.results == ("η",)
    assert step.arrays["t"] == 4
    assert step.arrays["η"] == part(4)
    value = formula.evaluate({**constants_of(part, formula), "t": 4})
    assert_same(value, part(4), formula.text)
    assert set(step.given) == {"t", *part.formulas.where}
    assert formula.text in " ".join(str(explanation).split())
    assert formula.latex.partition(" = ")[2] in explanation.to_latex()


def test_schedules_of_weight_decay_and_dropout_are_explained():
    rule = AdamW(0.1, weight_decay=FlatCosine(0.2, 4))
    model = ffnn.Sequential([Dense(1), Dropout(FlatCosine(0.4, 4), seed=1)], 3, seed=0)
    model.compile(rule)
    for _ in range(3):
        model.train_on_batch(X, [0.5, 1.0])
    explanation = explain_step(model, X, [0.5, 1.0])
    text = " ".join(str(explanation).split())

    # After 3 of 4 updates the half cosine is at its middle.
    assert "λ = λ₀ (1 + cos(π max(2 s - 1, 0))) / 2 with s = min(t / T, 1)" in text
    assert "r = r₀ (1 + cos(π max(2 s - 1, 0))) / 2 with s = min(t / T, 1)" in text
    decay = next(step for step in explanation if step.results == ("λ",))
    assert float(decay.arrays["λ"]) == pytest.approx(0.1)
    dropped = next(step for step in explanation if step.kind == "dropout")
    assert float(dropped.arrays["r"]) == pytest.approx(0.2)
    assert float(dropped.arrays["m"].max()) in (0.0, pytest.approx(1.0 / 0.8))


def test_a_schedule_of_the_users_own_is_a_function_of_t():
    class Halving(Schedule):
        def __call__(self, step):
            return 0.5**step

    model = ffnn.Sequential([Dense(1)], input_dim=3, seed=0)
    model.compile(SGD(Halving()))
    assert "Halving\n    η = f(t)\n" in str(explain_step(model, X, [0.5, 1.0]))


@each(INITIALIZERS)
def test_initializer(part):
    drawn, distributions = (
        np.empty((300, 200)),
        {"U": lambda a, b: [a, b], "N": lambda m, v: [m, v]},
    )
    part.fill(drawn, 200, 300, np.random.default_rng(0))
    (text,) = part.formulas.forward
    formula = Formula(text)
    known = {"inputs": 200, "units": 300, **distributions, **constants_of(part, formula)}
    value = formula.evaluate(known)

    if " = " in text.partition(" with ")[0]:
        np.testing.assert_array_equal(drawn, value)
    elif " U(" in text:
        np.testing.assert_allclose([drawn.min(), drawn.max()], value, rtol=1e-3)
    else:
        mean, variance = value
        np.testing.assert_allclose(drawn.mean(), mean, atol=4 * np.sqrt(variance / drawn.size))
        np.testing.assert_allclose(drawn.var(), variance, rtol=0.03)


@each(METRICS)
def test_metric(part):
    rng = np.random.default_rng(0)
    p, y = rng.random((50, 3)), np.eye(3)[rng.integers(0, 3, 50)]
    if isinstance(part, AUC):  # whose formula is that of one class or label, with ties
        p, y = p[:, :1].round(1), y[:, :1]
    part.reset()
    part.update(y, p)
    formula = Formula(*part.formulas.forward)

    value = formula.evaluate({"p": p, "y": y, **constants_of(part, formula)})
    assert_same(value, part.result(), formula.text)


@each(*SAMPLES)
def test_every_part_of_the_library_says_its_formulas(part):
    assert "formulas" in vars(type(part)) or isinstance(part, Activation)


# -- what the checks are worth ---------------------------------------------------------------------


CHECKS = {
    LAYERS: test_layer,
    ACTIVATIONS: lambda part: test_activation_inside_a_layer_and_alone(part, None),
    LOSSES: lambda part: test_loss(part, WEIGHT),
    REGULARIZERS: lambda part: test_penalty(part, "mse"),
    OPTIMIZERS: lambda part: test_optimizer(part, 3, 0.01),
    SCHEDULES: test_schedule,
    INITIALIZERS: test_initializer,
    METRICS: test_metric,
}


@pytest.mark.parametrize(
    ("part", "field", "right", "wrong"),
    [
        (Dense(3), "forward", "+ b", "- b"),
        (Dense(3), "backward", "= δᵀ x", "= -δᵀ x"),
        (Scale(), "backward", "∂L/∂y ∘ γ", "∂L/∂y ∘ x"),
        (ParametricActivation("mish"), "forward", "1 - α", "1 + α"),
        (ParametricActivation("mish"), "backward", "1 - α", "1 + α"),
        (Dropout(0.4, seed=1), "backward", "∂L/∂y ∘", "-∂L/∂y ∘"),
        (LayerNorm(), "forward", "v + ε", "v - ε"),
        (BatchNorm(), "backward", "(g - mean", "(g + mean"),
        (BatchNorm(), "update", "(1 - ρ) v", "(1 + ρ) v"),
        (Sigmoid(), "forward", "e^-x", "e^x"),
        (Tanh(), "backward", "1 - y²", "1 + y²"),
        (Huber(0.4), "forward", "|r| - d/2", "|r| + d/2"),
        (Huber(0.4), "backward", "-d", "d"),
        (CategoricalCrossentropy(), "forward", "-1/n", "1/n"),
        (L2(), "forward", "λ₂ Σ", "-λ₂ Σ"),
        (L2(), "backward", "2 λ₂", "-2 λ₂"),
        (SGD(0.1, momentum=0.9), "update", "μ v -", "μ v +"),
        (Adam(), "update", "w - η", "w + η"),
        (AdamW(0.1, 0.2, decay_exclude=["bias"]), "update", "λ d", "λ"),
        (Adam(), "scale", "1 - β₁", "1 + β₁"),
        (CosineDecay(0.1, 20, 0.2), "forward", "1 - α", "1 + α"),
        (FlatCosine(0.1, 20), "forward", "1 + cos", "1 - cos"),
        (CosineLog(0.1, 20), "forward", "2^c - 1", "2^c + 1"),
        (HeNormal(), "forward", "2 / inputs", "2 / units"),
        (MeanAbsoluteError(), "forward", "p - y", "p + y"),
    ],
    ids=repr,
)
def test_wrong_formula_is_caught(monkeypatch, part, field, right, wrong):
    check, formulas = CHECKS[family_of(part)], part.formulas
    check(part)
    old = getattr(formulas, field)
    if field == "scale":
        new = {symbol: text.replace(right, wrong) for symbol, text in old.items()}
    else:
        new = tuple(text.replace(right, wrong) for text in old)
    assert new != old
    monkeypatch.setattr(type(part), "formulas", dataclasses.replace(formulas, **{field: new}))

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(part)


def test_wrong_formula_of_what_replaces_loss_and_activation_is_caught(monkeypatch):
    monkeypatch.setattr(
        SoftmaxCrossentropy, "formulas", Formulas(backward=("∂L/∂z = (y - p) / n",))
    )

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_loss(CategoricalCrossentropy(), None)


# -- in LaTeX --------------------------------------------------------------------------------------


def as_text(latex):
    """Return LaTeX as this package's plain text, without spaces, braces and parentheses."""
    signs = {
        "partial": "∂", "odot": "∘", "sum": "Σ", "sqrt": "√", "leq": "≤", "leftarrow": "←",
        "geq": "≥", "sim": "~", "Vert": "‖", "cdot": "·", "lfloor": "⌊", "rfloor": "⌋", "ell": "ℓ",
        "pi": "π", "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε",
        "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ",
        "left": "", "right": "", "top": "ᵀ",
    }  # fmt: skip
    latex = re.sub(r"\\hat\{x\}", "x̂", latex.replace(r"\quad", ""))
    latex = re.sub(r"\\underset\{\\mathrm\{(\w+)\}\}\{\\(?:mathrm\{)?(\w+)\}+", r"\2_\1", latex)
    latex = re.sub(r"\\mathrm\{(\w+)\}", r"\1", latex)
    previous = None
    part = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
    while latex != previous:
        previous = latex
        latex = re.sub(rf"\\frac{part}{part}", r"\1/\2", latex)
    latex = re.sub(r"\\([a-zA-Z]+)", lambda match: signs.get(match[1], match[1]), latex)
    latex = re.sub(r"_(\d)", lambda match: "₀₁₂"[int(match[1])], latex)
    latex = re.sub(r"\^([23t])(?!\w)", lambda match: "²³ᵗ"["23t".index(match[1])], latex)
    return re.sub(r"[\s{}()]", "", latex).replace("^ᵀ", "ᵀ")


@each(*SAMPLES)
def test_each_formula_is_the_same_in_latex(part):
    formulas = part.formulas
    for text in (*formulas.forward, *formulas.backward, *formulas.update):
        assert as_text(Formula(text).latex) == re.sub(r"[\s()]", "", text)
