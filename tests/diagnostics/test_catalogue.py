"""The catalogue holds all that `diagnose` finds, and each of its texts fits the evidence."""

import json
import string

import numpy as np
import pytest
from diagnosis import (
    DIGITS,
    LABELS,
    PIXELS,
    X,
    Y,
    classifier,
    compiled,
    regressor,
    with_history,
)

import ffnn
from ffnn.diagnostics import catalogue, diagnose
from ffnn.diagnostics.catalogue.kinds import Kind, first, note
from ffnn.initializers import Constant
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, Normalization, Rescaling
from ffnn.optimizers import SGD
from ffnn.schedules import CosineDecay, ExponentialDecay


def written(model, layer, name, value, columns=5):
    """Return the model, built, with values written into a parameter."""
    model.build(columns)
    model.layers[layer].params[name][...] = value
    return model


def after(updates, model):
    model.optimizer.iterations = updates
    return model


def dead(model):
    """Return the model as if a training had left no ReLU of its first layer alive."""
    return after(100, written(model, 0, "bias", -1e3))


def line(rate, updates=0, weight=3.0):
    """Return a model y = w x of loss (w - 1)² on `SIGNS`."""
    model = compiled(Dense(1, use_bias=False), optimizer=SGD(rate), dtype="float64")
    return after(updates, written(model, 0, "weight", weight, columns=1))


def chain_of(*weights):
    model = compiled(*(Dense(1, use_bias=False) for _ in weights), loss="mae")
    model.build(1)
    for layer, weight in zip(model.layers, weights, strict=True):
        layer.params["weight"][...] = weight
    return model


ALIKE = {"weight_initializer": Constant(0.1)}
WITH_NAN = np.where(X > 2.5, np.nan, X)
SIGNS = np.where(np.arange(64) % 2, 1.0, -1.0)[:, None]
BRIGHT = DIGITS * 15.0
HALVES = np.repeat([0, 1], [380, 20])
BINARY = {"ending": "sigmoid", "loss": "bce"}

# What is found, how its remedy begins, and where: a model, x and y.
PLANTED = [
    ("non-finite-inputs", "Fill in", regressor, WITH_NAN, Y),
    ("non-finite-weights", "Make a new", lambda: written(regressor(), 0, "bias", np.inf), X, Y),
    ("non-finite-outputs", "Scale inputs", lambda: written(regressor(), 1, "weight", 3e38), X, Y),
    ("non-finite-outputs", "Scale inputs", regressor, X, Y * 1e30),
    ("non-finite-gradient", "Scale inputs", lambda: chain_of(1e-38, 1e25, 1e25), X[:, :1], Y),
    ("unscaled-inputs", "Put Rescaling(1 / 255)", regressor, BRIGHT, LABELS),
    ("unscaled-inputs", "Put Normalization()", regressor, X * 1e3, Y),
    ("unscaled-inputs", "Put Normalization()", regressor, X * 1e-3, Y),
    (
        "unscaled-inputs",
        "Replace rescaling_1 by Rescaling(0.004167).",  # 1 / 240
        lambda: regressor(Rescaling(2.0), Dense(8, "tanh")),
        BRIGHT,
        LABELS,
    ),
    (
        "unscaled-inputs",
        "normalization_1 was adapted to other data",
        lambda: regressor(Normalization().adapt(X), Dense(8, "tanh")),
        X * 1e3,
        Y,
    ),
    (
        "unscaled-inputs",
        "Is x scaled already? Then rescaling_1 scales it twice",
        lambda: regressor(Rescaling(1 / 255), Dense(8, "tanh")),
        PIXELS / 16,
        LABELS,
    ),
    (
        "unscaled-inputs",
        "Put Normalization()",
        lambda: regressor(Dense(8), BatchNorm(), Activation("tanh")),
        X * 1e3,
        Y,
    ),
    ("uncentred-inputs", "Put Normalization()", regressor, X * 0.01 + 3.0, Y),
    ("constant-inputs", "Check x", regressor, X * 0.0, Y),
    ("constant-inputs", "They carry no", regressor, X * [1, 1, 0, 1, 1], Y),
    (
        "dead-relu",
        "A few are normal",
        lambda: written(regressor(Dense(8, "relu")), 0, "bias", [-1e3, *[5.0] * 7]),
        X,
        Y,
    ),
    (
        "dead-relu",
        "Their weights are all 0",
        lambda: regressor(Dense(8, "relu", weight_initializer="zeros")),
        X,
        Y,
    ),
    (
        "dead-relu",
        "A ReLU at the end is stuck",
        lambda: written(regressor(ending="relu"), 1, "bias", -1e3),
        X,
        Y,
    ),
    (
        "dead-relu",
        "Use weight_initializer='he_normal' and bias_initializer='zeros' with scaled",
        lambda: written(regressor(Dense(8, "relu")), 0, "bias", -1e3),
        X,
        Y,
    ),
    (
        "dead-relu",
        "Train again from the start with a lower learning rate, such as learning_rate=0.001",
        lambda: after(1, written(regressor(Dense(8, "relu")), 0, "bias", -1e3)),
        X,
        Y,
    ),
    (
        "saturated-units",
        "Scale the inputs",
        lambda: after(1, written(regressor(), 0, "bias", 30.0)),
        X,
        Y,
    ),
    (
        "saturated-units",
        "End without an activation",
        lambda: written(regressor(ending="sigmoid"), 1, "bias", 30.0),
        X,
        -np.abs(Y),
    ),
    (
        "symmetric-units",
        "Start dense_1 from random weights",
        lambda: compiled(Dense(8, "tanh", **ALIKE), Dense(1, **ALIKE)),
        X,
        Y,
    ),
    (
        "symmetric-units",
        "Start dense_1 from random weights",
        lambda: compiled(Dense(8, "tanh", **ALIKE), Dropout(0.5), Dense(1, **ALIKE)),
        X,
        Y,
    ),
    ("no-activation", "Give dense_1 an", lambda: regressor(Dense(8), Dense(8, "tanh")), X, Y),
    (
        "small-batches",
        "Train with a batch_size of 2 at least, such as 32, or use LayerNorm() in place of batch_n",
        lambda: regressor(Dense(8), BatchNorm(), Activation("tanh")),
        X[:1],
        Y[:1],
    ),
    ("vanishing-gradients", "Use activation='relu'", lambda: chain_of(1.0, 1e-5), X[:, :1], Y),
    ("exploding-gradients", "Start from smaller", lambda: chain_of(1.0, 1e5), X[:, :1], Y),
    ("targets-rejected", "For classes, number", classifier, PIXELS, LABELS.astype(str)),
    ("targets-out-of-range", "End without", lambda: regressor(ending="relu"), X, Y),
    ("targets-out-of-range", "End without", lambda: regressor(ending="tanh"), X, Y * 2),
    ("class-numbers", "For classes, number", regressor, PIXELS, LABELS),
    ("linear-ending", "End in activation='sigmoid'", regressor, PIXELS, LABELS % 2),
    (
        "linear-ending",
        "End in activation='softmax' and compile with loss='categorical_crossentropy'",
        lambda: regressor(units=10),
        PIXELS,
        np.eye(10)[LABELS],
    ),
    (
        "class-loss",
        "Compile with loss='binary_crossentropy', which is made for classes.",
        lambda: regressor(ending="sigmoid"),
        PIXELS,
        LABELS % 2,
    ),
    ("continuous-labels", "For probabilities", lambda: regressor(**BINARY), X, 1 / (1 + Y**2)),
    ("constant-targets", "Check y", regressor, X, Y * 0.0),
    ("unscaled-targets", "Train on (y - y.mean", regressor, X, Y * 1e3),
    ("one-class", "Use rows of all classes", lambda: regressor(**BINARY), X, np.ones(400)),
    ("missing-classes", "If there are no such", classifier, PIXELS, LABELS % 9),
    ("unbalanced-classes", "To give all classes", lambda: regressor(**BINARY), X, HALVES),
    (
        "unbalanced-classes",
        "To give all classes the same total weight, fit(class_weight={0: 0.124, 1: 4.6, ",
        classifier,
        PIXELS[:460],
        np.repeat(np.arange(10), [370, *[10] * 9]),
    ),
    (
        "one-answer",
        "It has learned only",
        lambda: after(1, written(classifier(), 0, "bias", 50.0 * np.eye(10)[6], columns=64)),
        PIXELS,
        LABELS,
    ),
    (
        "loss-above-chance",
        "Before training",
        lambda: written(classifier(), 0, "bias", 50.0 * np.eye(10)[6], columns=64),
        PIXELS,
        LABELS,
    ),
    (
        "non-finite-outputs",
        "Train again from the start with a lower learning rate, such as learning_rate=0.001",
        lambda: after(1, written(regressor(), 1, "weight", 3e38)),
        X,
        Y,
    ),
    (
        "nothing-learned",
        "Train again from the start with a lower learning rate, such as learning_rate=0.001",
        lambda: after(1, written(regressor(), 1, "weight", 30.0)),
        X,
        Y,
    ),
    (
        "nothing-learned",
        "Are these rows scaled",
        lambda: after(1, written(regressor(), 1, "bias", 30.0)),
        X,
        Y,
    ),
    (
        "nothing-learned",
        "Train for more epochs",
        lambda: after(1, written(classifier(), 0, "weight", 0.0, columns=64)),
        PIXELS,
        LABELS,
    ),
    (
        "unfinished-training",
        "Train for more epochs.",
        lambda: with_history(regressor(), loss=np.linspace(1.0, 0.9, 20)),
        X,
        Y,
    ),
    (
        "risen-loss",
        "Train with a lower learning rate, such as learning_rate=0.001 instead of 0.01, or",
        lambda: with_history(
            after(1, written(regressor(), 0, "bias", 0.0)), loss=[1.0, 0.5, 0.4, 0.8, 1.2]
        ),
        X,
        Y,
    ),
    (
        "unsteady-loss",
        "Train with a lower learning rate.",
        lambda: with_history(regressor(), loss=[1.0, *[0.4, 0.6] * 6]),
        X,
        Y,
    ),
    (
        "overfitting",
        "Use more rows, Dropout, weight_regularizer='l2' or AdamW, or fewer units. End the "
        "training around epoch 2: EarlyStopping('val_loss', patience=5).",
        lambda: with_history(regressor(), loss=[0.5] * 6, val_loss=[0.9, 0.6, *[1.4] * 4]),
        X,
        Y,
    ),
    (
        "overfitting",
        "Use more rows",
        lambda: with_history(
            regressor(), loss=[0.5] * 6, val_loss=[0.6] * 6, r2=[0.8] * 6, val_r2=[0.5] * 6
        ),
        X,
        Y,
    ),
    ("learning-rate-too-high", "At 0.15 it ended at", lambda: line(1.5), SIGNS, SIGNS),
    (
        "learning-rate-too-high",
        "No lower rate made the loss fall",
        lambda: line(1e9, weight=1.0 + 1e-9),
        SIGNS,
        SIGNS,
    ),
    (
        "learning-rate-was-too-high",
        "Train again from the start with a lower learning rate, such as learning_rate=0.05 instead",
        lambda: dead(with_history(regressor(Dense(8, "relu"), optimizer=SGD(0.5)), loss=[1.0] * 6)),
        X,
        Y,
    ),
    ("learning-rate-too-low", "At 0.1 it ended at", lambda: line(1e-9), SIGNS, SIGNS),
    (
        "learning-rate-too-low",
        "At 0.1 it ended at",
        lambda: line(ExponentialDecay(1e-9, 1000, 0.9)),
        SIGNS,
        SIGNS,
    ),
    ("learning-rate-too-low", "Set one", lambda: line(0.0), SIGNS, SIGNS),
    ("learning-rate-too-low", "Set one", lambda: line(CosineDecay(0.1, 9), 50), SIGNS, SIGNS),
]


@pytest.mark.parametrize(("kind", "remedy", "make", "x", "y"), PLANTED)
def test_each_kind_is_found_and_its_texts_follow_from_plain_evidence(kind, remedy, make, x, y):
    found = [f for f in diagnose(make(), x, y) if f.kind == kind and f.remedy.startswith(remedy)]

    assert found
    for finding in found:
        assert json.loads(json.dumps(finding.evidence)).keys() == finding.evidence.keys()
        assert "{" not in finding.message
        assert "  " not in finding.message + finding.remedy
        assert finding.message.endswith(".")
        assert finding.remedy.endswith((".", "?"))
        again = catalogue.finding(kind, finding.layer, finding.units, **finding.evidence)
        assert again == finding


def test_every_kind_of_the_catalogue_is_planted_in_a_test():
    assert {kind for kind, *_ in PLANTED} == set(catalogue.KINDS)


def test_the_table_of_all_kinds_stands_in_the_help():
    rows = [line.split("``") for line in ffnn.diagnostics.__doc__.splitlines() if "``" in line]

    assert {name: summary.strip() for _, name, summary in rows} == {
        name: kind.summary for name, kind in catalogue.KINDS.items()
    }


def texts_of(text):
    """Yield all templates of a text."""
    if isinstance(text, str):
        yield text
    else:
        for part in text.values() if hasattr(text, "values") else text:
            yield from texts_of(part)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_all_texts_are_whole_templates(kind):
    entry = catalogue.KINDS[kind]
    for text in [*texts_of(entry.message), *texts_of(entry.remedy)]:
        list(string.Formatter().parse(text))
        assert text == text.strip()


@pytest.fixture
def ages(monkeypatch):
    """Add a kind to the catalogue."""
    kind = Kind(
        lambda e: "problem" if e["count"] > 9 else "note",
        "something",
        ("{count} of {columns} in {listed},", first(many="many", otherwise="few"), "in {place}."),
        first(problem="Mend it.", layer="Leave {layer} out.", otherwise="Leave it."),
    )
    monkeypatch.setitem(catalogue.KINDS, "ages", kind)


def test_texts_are_filled_in_and_chosen_by_evidence_severity_and_layer(ages):
    evidence = {"count": 3, "columns": [4, 5], "many": 0, "column": 2, "column_name": "age"}
    found = catalogue.finding("ages", None, range(12), **evidence)
    assert found.message == "3 of 4, 5 in 0, 1, 2, 3, 4, 5, 6, 7 and 4 more, few in 2 ('age')."
    assert (found.severity, found.remedy) == ("note", "Leave it.")

    evidence |= {"many": 1, "column_name": None}
    found = catalogue.finding("ages", "dense_1", [7], **evidence)
    assert found.message == "3 of 4, 5 in 7, many in 2."
    assert (found.units, found.remedy) == ((7,), "Leave dense_1 out.")

    evidence["count"] = 10
    assert catalogue.finding("ages", "dense_1", **evidence).remedy == "Mend it."


def test_a_text_of_which_no_case_holds_is_left_out(monkeypatch):
    kind = note("something", ("It is so", first(many="often"), "here."), "Leave it.")
    monkeypatch.setitem(catalogue.KINDS, "some", kind)

    assert catalogue.finding("some", many=None).message == "It is so here."


def test_no_kind_is_described_twice():
    assert len(catalogue.KINDS) == sum(
        len(room.KINDS) for room in (catalogue.data, catalogue.model, catalogue.training)
    )


def test_braces_in_evidence_are_not_read_as_templates():
    model = regressor()
    model.feature_names = ["{layer} {0}", *"bcde"]
    found = [f for f in diagnose(model, X * [1e4, 1, 1, 1, 1], Y) if f.kind == "unscaled-inputs"]

    assert "column 0 ('{layer} {0}')" in found[0].message
