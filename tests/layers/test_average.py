"""`Average`: the mean of chains of layers, their gradients, and all that they keep."""

import numpy as np
import pytest

import ffnn
from ffnn.layers import (
    Average,
    BatchNorm,
    Clamp,
    Dense,
    Dropout,
    Embedding,
    Normalization,
    ParametricActivation,
    PeriodicEmbedding,
    PReLU,
    Rescaling,
    Scale,
)
from ffnn.schedules import FlatCosine

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))
LABELS = (Y[:, 0] > 0).astype(int)


def members():
    """Return two chains that have all that layers can have: state, masks, penalties, kinks."""
    return [
        [Dense(4, "relu", weight_regularizer="l2"), Dropout(FlatCosine(0.2, 50)), Dense(2)],
        [Normalization().adapt(X), BatchNorm(), Scale(), Dense(2, "selu"), Clamp(-1.0, 1.0)],
    ]


def network(*before, dtype="float32", seed=0):
    model = ffnn.Sequential([*before, Average(members())], input_dim=3, seed=seed, dtype=dtype)
    model.compile("adam", "mse")
    return model


# -- what it computes ------------------------------------------------------------------------------


def test_the_output_is_the_mean_of_what_the_members_make():
    model = network(dtype="float64")
    p = model.layers[0].params
    first = np.maximum(X @ p["member_1.dense_1.weight"].T + p["member_1.dense_1.bias"], 0.0)
    first = first @ p["member_1.dense_2.weight"].T + p["member_1.dense_2.bias"]
    second = (X - X.mean(axis=0)) / X.std(axis=0) / np.sqrt(1.0 + 1e-3)  # of a new BatchNorm
    second = second @ p["member_2.dense_1.weight"].T
    selu = 1.0507009873554805 * np.where(second > 0, second, 1.6732632423543773 * np.expm1(second))
    expected = (first + np.clip(selu, -1.0, 1.0)) / 2.0
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-10)


def test_of_one_member_it_is_that_member():
    one = ffnn.Sequential([Average([[Dense(2, "tanh")]])], input_dim=3, seed=0)
    same = ffnn.Sequential([Dense(2, "tanh")], input_dim=3, seed=0)
    same.parameters[...] = one.parameters
    np.testing.assert_array_equal(one.predict(X), same.predict(X))


@pytest.mark.parametrize("before", [[], [Dense(3, "tanh")]], ids=["first", "inside"])
def test_gradients_agree_with_finite_differences(before):
    report = ffnn.gradient_check(network(*before), X, Y)
    assert report.checked > 30
    assert report.is_right


def test_gradients_of_the_parts_of_the_network_for_tables_agree():
    x = np.column_stack([np.arange(40) % 3, X])
    member = [
        PeriodicEmbedding(3, 2, columns=[1, 2]),
        Embedding([3], 2, columns=[4]),
        Scale(),
        Dense(4, parametrization="ntk"),
        ParametricActivation("mish"),
        PReLU(),
        Dense(2, "softmax", parametrization="ntk"),
    ]
    model = ffnn.Sequential([Average([member, member])], input_dim=4, seed=1)
    model.compile("sgd", ffnn.losses.CategoricalCrossentropy(0.1))
    report = ffnn.gradient_check(model, x, np.eye(2)[LABELS])
    assert report.is_right


def test_the_formulas_are_those_of_the_code():
    layer = Average([[Dense(2)], [Dense(2)], [Dense(2)]]).build(3, dtype="float64")
    y = layer.forward(X).copy()
    p, grad = layer.params, np.ones((40, 2))
    outputs = [X @ p[f"member_{k}.dense_1.weight"].T for k in (1, 2, 3)]
    np.testing.assert_allclose(y, np.mean(outputs, axis=0))
    dx = layer.backward(grad.copy())
    each = grad / 3
    expected = sum(each @ p[f"member_{k}.dense_1.weight"] for k in (1, 2, 3))
    np.testing.assert_allclose(dx, expected)
    np.testing.assert_allclose(layer.grads["member_2.dense_1.weight"], each.T @ X)


def test_the_mean_of_probabilities_has_the_plain_loss():
    model = ffnn.Sequential([Average([[Dense(2, "softmax")]] * 3)], input_dim=3, seed=0)
    model.compile("sgd", "cce", ["accuracy"])
    loss, accuracy = model.evaluate(X, np.eye(2)[LABELS])
    p = model.predict(X).astype(float)
    assert loss == pytest.approx(-np.log(p[np.arange(40), LABELS]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((p.argmax(axis=1) == LABELS).mean())
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
    assert isinstance(model.last_activation, ffnn.activations.Softmax)
    mixed = ffnn.Sequential([Average([[Dense(2, "softmax")], [Dense(2)]])], input_dim=3)
    with pytest.raises(ValueError, match="needs a softmax at the end"):
        mixed.compile("sgd", "cce")


# -- what it keeps ---------------------------------------------------------------------------------


def test_members_draw_numbers_of_their_own_whatever_their_seeds():
    same = Dense(4, weight_initializer=ffnn.initializers.RandomNormal(seed=3))
    model = ffnn.Sequential([Average([[same], [same]]), Dense(4)], input_dim=3, seed=0)
    p = model.layers[0].params
    assert (p["member_1.dense_1.weight"] != p["member_2.dense_1.weight"]).all()


def test_a_saved_one_predicts_and_trains_on_as_it_was(tmp_path):
    model = network()
    model.fit(X, Y, epochs=3, verbose=0)
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    for each in (model, loaded):
        each.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    for name, array in model.layers[0].state.items():
        np.testing.assert_array_equal(loaded.layers[0].state[name], array)


def test_what_the_layers_are_told_reaches_them():
    model = network()
    average = model.layers[0]
    layers = dict(average.named_layers())
    assert list(layers)[:3] == ["member_1.dense_1", "member_1.dropout_1", "member_1.dense_2"]
    assert layers["member_2.batch_norm_1"].name == "average_1.member_2.batch_norm_1"
    assert len(average.random_generators()) == 1
    assert len(average.regularizers()) == 1
    assert average.depends_on_batch
    assert average.min_batch_rows == BatchNorm().min_batch_rows == 2
    before = {name: array.copy() for name, array in average.state.items()}
    model.fit(X, Y, epochs=2, verbose=0)
    assert layers["member_1.dropout_1"].updates == 3  # told before each of four updates
    assert (
        average.state["member_2.batch_norm_1.moving_mean"]
        != before["member_2.batch_norm_1.moving_mean"]
    ).all()
    np.testing.assert_array_equal(
        average.state["member_2.normalization_1.mean"], before["member_2.normalization_1.mean"]
    )


def test_predictions_follow_an_argument_of_a_layer_in_it():
    inner = Average([[Rescaling(2.0)], [Rescaling(4.0)]])
    model = ffnn.Sequential([inner], input_dim=3)
    np.testing.assert_allclose(model.predict(X), 3.0 * X, rtol=1e-6)
    inner.members[0][0].scale = 6.0
    np.testing.assert_allclose(model.predict(X), 5.0 * X, rtol=1e-6)


def test_an_average_of_averages_is_one():
    model = ffnn.Sequential(
        [Average([[Average([[Dense(2)], [Dense(2)]])], [Dense(2, "tanh")]])], input_dim=3, seed=0
    )
    model.compile("sgd", "mse")
    assert ffnn.gradient_check(model, X, Y).is_right


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "at least one member"),
        ([[]], ValueError, r"layers in members\[0\], got none"),
        ([[Dense(2)], ["relu"]], TypeError, r"layers such as Dense\(64\) in members\[1\]"),
        (Dense(2), TypeError, "members"),
        ([Dense(2)], TypeError, r"members\[0\]"),
    ],
)
def test_what_is_no_chain_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        Average(given)


def test_numbers_of_no_category_are_refused_before_the_work():
    model = ffnn.Sequential([Average([[Embedding([3], 2, columns=[0]), Dense(1)]])], input_dim=3)
    with pytest.raises(ffnn.DataError, match="in row 1, column 0, expected the number of a categ"):
        model.predict([[2.0, 0.5, 0.5], [3.0, 0.5, 0.5]])


def test_members_must_have_as_many_outputs():
    with pytest.raises(ValueError, match=r"as many outputs as one another, got \[2, 3\]"):
        ffnn.Sequential([Average([[Dense(2)], [Dense(3)]])], input_dim=3)


def test_a_wrong_state_is_named():
    model = network()
    weights = model.get_weights()
    place = next(i for i, a in enumerate(weights) if a.dtype == np.float64 and (a > 0).all())
    weights[place] = -weights[place]
    with pytest.raises(ValueError, match=r"average_1: member_2\.\w+_1\."):
        model.set_weights(weights)
