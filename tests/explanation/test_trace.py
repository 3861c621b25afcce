"""Explanations by hand, and against the training step itself."""

import copy
import math
from itertools import pairwise

import numpy as np
import pytest

import ffnn
from ffnn.explanation import explain_step
from ffnn.initializers import Constant, Ones
from ffnn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Normalization,
    Rescaling,
    RMSNorm,
)
from ffnn.optimizers import OPTIMIZERS, SGD
from ffnn.regularizers import L1, L2

X = np.array([[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1]])
A = math.log(3.0)  # sigmoid(A) = 3/4

# -- by hand ---------------------------------------------------------------------------------------


def test_two_two_one_network_worked_by_hand(check, two_two_one):
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


def test_formulas_of_the_network_worked_by_hand(two_two_one):
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


def test_gradient_that_nothing_needs_is_absent_and_the_reason_is_told(find, two_two_one):
    step = find(explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]), "backward", "dense_1", "dense")

    assert "∂L/∂x" not in step.arrays
    assert "W" not in step.arrays
    assert step.note == (
        "The gradient with respect to x is not needed: no layer before has parameters."
    )


@pytest.mark.parametrize("y", [[0, 1], [[1.0, 0.0], [0.0, 1.0]]])
def test_softmax_and_crossentropy_have_one_derivative(check, y):
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
    assert slope.note.startswith("Activation and loss are computed together")
    check(linear, δ=[[-0.375, 0.375], [0.25, -0.25]], d_W=[[-0.375], [0.375]], d_b=[-0.125, 0.125])


def test_logits_are_explained_where_the_sigmoid_is_one(check):
    model = ffnn.Sequential([Dense(1, "sigmoid", weight_initializer=Ones())], input_dim=1)
    model.compile("sgd", "bce")

    explanation = explain_step(model, [[100.0]], [[0.0]])

    assert explanation.loss == pytest.approx(100.0)
    loss, slope = explanation[2:4]
    check(loss, p=[[1.0]], L=100.0)
    check(slope, d_z=[[1.0]])
    assert [formula.text for formula in slope.formulas] == ["∂L/∂z = (p - y) / (n u)"]


def test_activation_that_stands_alone_is_called_by_x():
    model = ffnn.Sequential([Dense(2), Activation("softmax")], 3, "float64", seed=0)
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


def test_penalties_are_named_and_added(find, check):
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


def test_clipped_gradient_is_explained(find, check):
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


def test_moving_averages_follow(find, check):
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
def test_numbers_are_those_of_the_training_step_bit_for_bit(find, check, optimizer, dtype):
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


def test_mask_is_the_one_that_the_next_training_step_draws(find):
    model = ffnn.Sequential([Dense(8), Dropout(0.5), Dense(1)], 3, seed=0)
    model.compile("sgd", "mse")

    first, second = (explain_step(model, X, [1.0, 2.0]) for _ in range(2))

    mask = find(first, "forward", "dropout_1", "dropout").arrays["m"]
    assert set(mask.ravel().tolist()) == {0.0, 2.0}
    np.testing.assert_array_equal(mask, find(second, "forward", "dropout_1", "dropout").arrays["m"])
    model.train_on_batch(X, [1.0, 2.0])
    np.testing.assert_array_equal(mask, model.layers[1].m)
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


def test_model_that_is_not_built_stays_so(find):
    model = every_layer_model()

    explanation = explain_step(model, X, [1, 0])

    assert not model.is_built
    model.build(3)
    first = find(explanation, "forward", "dense_1", "dense")
    np.testing.assert_array_equal(first.arrays["W"], model.layers[1].params["weight"])


def test_arrays_are_copies_that_nothing_changes_later(two_two_one):
    model = two_two_one()
    x = np.array([[1.0, 2.0]])
    explanation = explain_step(model, x, [[1.0]])
    text = str(explanation)

    x[:] = 0.0
    model.fit(x, [[1.0]], epochs=2, verbose=0)

    assert str(explanation) == text


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


def test_bad_data_is_refused_as_by_fit(two_two_one):
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

    with pytest.raises(
        ValueError,
        match=r"at most 400 parameters, .* got 481. Explain a part of it, such as layer=",
    ):
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


def test_many_rows_are_refused(two_two_one):
    with pytest.raises(ValueError, match=r"at most 8 rows, got 9. Take the first ones: x\[:2\]"):
        explain_step(two_two_one(), np.ones((9, 2)), np.ones(9))


@pytest.mark.parametrize("name", ["to_text", "to_markdown", "to_latex", "plot"])
def test_precision_must_be_a_positive_integer(two_two_one, name):
    write = getattr(explain_step(two_two_one(), [[1.0, 2.0]], [[1.0]]), name)

    with pytest.raises(ValueError, match=f"{name}: precision must be at least 1, got 0"):
        write(precision=0)
    with pytest.raises(TypeError, match=f"{name}: precision must be an integer"):
        write(precision=2.5)
