"""Targets that do not fit the loss, the last layer or each other are found."""

import math

import numpy as np
import pytest
from diagnosis import (
    DIGITS,
    LABELS,
    LOSS_CHECKS,
    PIXELS,
    X,
    Y,
    classifier,
    compiled,
    kinds,
    only,
    regressor,
)

import ffnn
from ffnn.diagnostics import diagnose
from ffnn.layers import Dense, Normalization
from ffnn.optimizers import Adam, RMSprop

rng = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("make", "y", "advice"),
    [
        (classifier, LABELS + 1, "Number the 10 classes from 0"),
        (classifier, LABELS - 1.0, "Number the 10 classes from 0"),
        (classifier, np.sin(np.arange(1437.0)), "end in Dense(1) without an activation"),
        (classifier, LABELS.astype(str), "number them from 0"),
        (classifier, np.where(LABELS > 3, np.nan, LABELS), "Leave such rows out"),
        (classifier, np.eye(9)[LABELS % 9], "Give the last layer 9 units"),
        (classifier, np.ones((1437, 10)), "Dense(10, 'sigmoid')"),
        (lambda: regressor(ending="sigmoid", loss="bce"), LABELS % 2 + 1, "as 0 and 1"),
        (lambda: regressor(ending="sigmoid", loss="bce"), LABELS % 2 * 2 - 1, "as 0 and 1"),
        (lambda: regressor(ending="sigmoid", loss="bce"), LABELS, "Dense(10, 'softmax')"),
        (lambda: regressor(ending="sigmoid", loss="bce"), LABELS + 0.5, "Dense(1) without"),
        (
            lambda: regressor(units=64, ending="sigmoid", loss="bce"),
            DIGITS,
            "scale y into [0, 1]",
        ),
        (lambda: regressor(units=10, ending="softmax"), LABELS, "categorical_crossentropy"),
        (lambda: regressor(units=1), np.ones((1437, 3)), "Give the last layer 3 units"),
    ],
)
def test_targets_that_fit_would_reject_are_a_finding(make, y, advice):
    model = make()
    diagnosis = diagnose(model, PIXELS, y)
    found = only(diagnosis, "targets-rejected")

    assert found.severity == "problem"
    assert advice in found.remedy
    assert set(diagnosis.skipped) == LOSS_CHECKS
    with pytest.raises(ffnn.DataError) as error:
        model.fit(PIXELS, y, verbose=0)
    assert str(error.value).rstrip(".") in found.message


def test_the_range_of_rejected_labels_is_measured():
    found = only(diagnose(classifier(), PIXELS, LABELS + 1), "targets-rejected")

    assert found.evidence == {
        "error": "expected class labels from 0 to 9, since the network has 10 outputs, got 10 in "
        f"row {LABELS.argmax()}. Number the classes from 0, or give the last layer more units",
        "shape": (1437,),
        "outputs": 10,
        "targets": 1437,
        "min": 1.0,
        "max": 10.0,
        "distinct": 10,
        "columns": 1,
        "needed_units": 11,
        "misnumbered": True,
    }
    assert "ranges from 1 to 10" in found.message


def test_class_numbers_with_a_loss_of_distances_are_found():
    found = only(diagnose(regressor(), PIXELS, LABELS), "class-numbers")

    assert found.severity == "warning"
    assert found.evidence["classes"] == 10
    assert "Dense(10, 'softmax')" in found.remedy
    assert only(diagnose(regressor(), PIXELS, LABELS * 1.0), "class-numbers").severity == "note"


@pytest.mark.parametrize(
    "y",
    [LABELS * 2, LABELS + 3, LABELS + 0.25, np.arange(1437) % 200, rng.normal(size=1437)],
)
def test_other_numbers_are_not_taken_for_classes(y):
    assert not kinds(diagnose(regressor(), PIXELS, y)) & {"class-numbers", "linear-ending"}


def test_few_rows_are_not_taken_for_classes():
    found = kinds(diagnose(regressor(), PIXELS[:95], LABELS[:95]))

    assert "class-numbers" not in found


@pytest.mark.parametrize("ending", [None, "relu", "tanh"])
def test_classes_with_a_linear_ending_are_found(ending):
    binary = diagnose(regressor(ending=ending), PIXELS, LABELS % 2)
    assert only(binary, "linear-ending").severity == "warning"
    assert "binary_crossentropy" in only(binary, "linear-ending").remedy

    onehot = diagnose(regressor(units=10, ending=ending), PIXELS, np.eye(10)[LABELS])
    assert only(onehot, "linear-ending").layer == "dense_2"
    assert "categorical_crossentropy" in only(onehot, "linear-ending").remedy


@pytest.mark.parametrize(
    ("units", "ending", "y"),
    [(1, "sigmoid", LABELS % 2), (10, "sigmoid", np.eye(10)[LABELS]), (10, "softmax", None)],
)
def test_classes_by_distance_behind_a_sigmoid_or_softmax_are_noted(units, ending, y):
    y = np.eye(10)[LABELS] if y is None else y
    diagnosis = diagnose(regressor(units=units, ending=ending), PIXELS, y)

    assert only(diagnosis, "class-loss").severity == "note"
    assert "linear-ending" not in kinds(diagnosis)


@pytest.mark.parametrize(
    ("ending", "y", "outside"),
    [
        ("relu", Y, int((Y < 0).sum())),
        ("sigmoid", np.clip(Y, 0, None), int((Y > 1).sum())),
        ("tanh", Y, int((np.abs(Y) > 1).sum())),
        ("softplus", Y, int((Y < 0).sum())),
    ],
)
def test_targets_that_the_last_activation_cannot_reach_are_found(ending, y, outside):
    found = only(diagnose(regressor(ending=ending), X, y), "targets-out-of-range")

    assert (found.severity, found.layer) == ("problem", "dense_2")
    assert found.evidence["outside"] == outside


@pytest.mark.parametrize(
    ("ending", "y"),
    [
        ("relu", np.abs(Y)),
        ("sigmoid", (Y - Y.min()) / np.ptp(Y)),
        ("tanh", np.tanh(Y)),
        ("elu", Y),
        (None, Y),
    ],
)
def test_targets_within_reach_are_left_alone(ending, y):
    assert "targets-out-of-range" not in kinds(diagnose(regressor(ending=ending), X, y))


def test_few_targets_out_of_reach_are_a_warning():
    y = np.abs(Y)
    y[3] = -1.0

    found = only(diagnose(regressor(ending="relu"), X, y), "targets-out-of-range")
    assert found.severity == "warning"


@pytest.mark.parametrize("scale", [1e3, 1e-5])
def test_targets_of_another_size_are_found(scale):
    found = only(diagnose(regressor(optimizer="adam"), X, Y * scale), "unscaled-targets")

    assert found.severity == "warning"
    assert found.evidence["std"] == pytest.approx(scale)


@pytest.mark.parametrize("scale", [5.0, 1e-2])
def test_targets_of_about_the_size_of_outputs_are_left_alone(scale):
    assert "unscaled-targets" not in kinds(diagnose(regressor(), X, Y * scale))


def test_large_targets_that_are_learned_are_left_alone():
    model = compiled(Dense(1))
    model.build(5)
    model.layers[0].params["weight"][...] = 100.0
    y = X.sum(axis=1) * 100.0

    assert "unscaled-targets" not in kinds(diagnose(model, X, y + rng.normal(size=400)))


def test_one_class_only_is_a_problem():
    threes = LABELS == 3
    diagnosis = diagnose(classifier(), PIXELS[threes], LABELS[threes])

    assert only(diagnosis, "one-class").severity == "problem"
    assert diagnosis.skipped == {"learning rate": "all targets are the same"}
    binary = diagnose(regressor(ending="sigmoid", loss="bce"), X, np.ones(400))
    assert only(binary, "one-class").evidence["class"] == 1
    assert only(diagnose(regressor(), X, Y * 0 + 3), "constant-targets").severity == "problem"


def test_classes_without_rows_are_noted():
    kept = (LABELS != 4) & (LABELS != 9)
    found = only(diagnose(classifier(), PIXELS[kept], LABELS[kept]), "missing-classes")

    assert (found.severity, found.evidence["missing"]) == ("note", [4, 9])


@pytest.mark.parametrize("form", ["labels", "onehot", "binary"])
def test_unbalanced_classes_are_noted_with_class_weights(form):
    classes = np.repeat([0, 1], [380, 20])
    model, y = regressor(units=2, ending="softmax", loss="cce"), classes
    if form == "onehot":
        y = np.eye(2)[classes]
    if form == "binary":
        model = regressor(ending="sigmoid", loss="bce")
    found = only(diagnose(model, X, y), "unbalanced-classes")

    assert found.severity == "note"
    assert found.evidence["ratio"] == 19.0
    # n / (classes · count): 400 / (2 · 380) and 400 / (2 · 20)
    assert found.evidence["class_weight"] == {0: 0.526, 1: 10.0}
    assert "fit(class_weight={0: 0.526, 1: 10})" in found.remedy
    model.fit(X, y, class_weight=found.evidence["class_weight"], verbose=0)


def test_classes_up_to_ten_to_one_or_with_weights_are_not_called_unbalanced():
    model = regressor(units=2, ending="softmax", loss="cce")

    assert "unbalanced-classes" not in kinds(diagnose(model, X, np.repeat([0, 1], [363, 37])))
    y = np.repeat([0, 1], [380, 20])
    assert "unbalanced-classes" not in kinds(diagnose(model, X, y, np.where(y, 19.0, 1.0)))


def test_numbers_between_zero_and_one_are_noted_as_labels():
    model = regressor(ending="sigmoid", loss="bce")
    y = 1 / (1 + np.exp(-Y))

    assert only(diagnose(model, X, y), "continuous-labels").severity == "note"
    assert "continuous-labels" not in kinds(diagnose(model, X, np.round(y, 1)))
    assert "continuous-labels" not in kinds(diagnose(model, X, Y > 0))


def test_a_trained_model_with_one_answer_is_found_and_a_fresh_one_is_not():
    model = classifier(Dense(8, "relu"))
    model.build(64)
    model.layers[-1].params["bias"][6] = 100.0
    assert "one-answer" not in kinds(diagnose(model, PIXELS, LABELS))

    model.optimizer.iterations = 1
    found = only(diagnose(model, PIXELS, LABELS), "one-answer")
    assert (found.severity, found.evidence["class"]) == ("warning", 6)
    assert found.evidence["accuracy"] == np.mean(LABELS == 6)


@pytest.mark.parametrize("optimizer", [Adam(100.0), RMSprop(10.0), RMSprop(1000.0)], ids=repr)
def test_a_rate_that_is_far_too_high_is_named(optimizer):
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    x = rng.normal(size=(150, 4)) + 1.5 * np.eye(3, 4)[labels]
    model = ffnn.Sequential(
        [Normalization().adapt(x), Dense(16, "relu"), Dense(3, "softmax")], seed=0
    )
    model.compile(optimizer, "categorical_crossentropy")
    model.fit(x, labels, epochs=20, batch_size=32, verbose=0)

    remedies = [found.remedy for found in diagnose(model, x, labels)]

    assert any(f"instead of {optimizer.learning_rate:.4g}" in remedy for remedy in remedies)


def test_a_loss_far_above_guessing_is_noted():
    y = np.repeat([0, 1, 2, 3], [100, 100, 100, 100])
    model = compiled(Dense(4, "softmax"), loss="cce")
    model.build(5)
    model.layers[0].params["weight"][...] = 0.0
    assert diagnose(model, X, y) == []

    model.layers[0].params["bias"][:] = [20.0, 0, 0, 0]
    found = only(diagnose(model, X, y), "loss-above-chance")
    assert found.severity == "note"
    assert found.evidence["chance_loss"] == pytest.approx(math.log(4))
    assert found.evidence["loss"] == pytest.approx(15.0, rel=1e-4)
    assert found.evidence["accuracy"] == 0.25
    assert found.evidence["share_certain"] == 1.0
