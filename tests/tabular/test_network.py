"""The layers for a table: every feature arrives where it belongs, and rates follow the recipe."""

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder
from ffnn.tabular.network import make_layers, make_optimizer
from ffnn.tabular.recipe import Recipe

NAMES = [f"k{i}" for i in range(12)]
ROWS = [
    {"code": NAMES[i % 12], "x": i * 0.5, "color": "rgb"[i % 3], "other": NAMES[-i % 12], "y": -i}
    for i in range(48)
]


def network(rows=ROWS, task="regression", outputs=1, targets=None):
    encoder = TableEncoder("robust", 9).fit(rows)
    x = encoder.transform(rows)
    recipe = Recipe.of(task, len(rows), x.shape[1], outputs)
    y = np.linspace(-5.0, 15.0, len(rows)) if targets is None else targets
    model = ffnn.Sequential(make_layers(recipe, encoder, y), input_dim=x.shape[1], seed=0)
    return model, encoder, recipe, x


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_numbers_and_codes_are_embedded_where_they_stand():
    model, encoder, _, x = network()
    assert encoder.feature_names == [
        *("code (code)", "x", "color=b", "color=g", "color=r", "other (code)", "y")
    ]
    bins, periodic, embedding, scale = model.layers[:4]
    assert (bins.bins, bins.columns) == (16, [1, 6])
    assert (periodic.columns, embedding.categories) == ([0, 17], [13, 13])
    y = x.astype(np.float32)
    for layer in (bins.adapt(y), periodic, embedding):
        y = layer.forward(y)
    vectors = embedding.params["embedding"]
    np.testing.assert_array_equal(y[:, :8], vectors[x[:, 0].astype(int)])
    np.testing.assert_array_equal(y[:, 8:16], vectors[13 + x[:, 5].astype(int)])
    np.testing.assert_array_equal(y[:, 16], x[:, 1].astype(np.float32))
    np.testing.assert_array_equal(y[:, 20], x[:, 6].astype(np.float32))
    assert y[:, 24:56].min() == 0.0  # the bins of both
    assert y[:, 24:56].max() == 1.0
    np.testing.assert_array_equal(y[:, 56:], x[:, 2:5].astype(np.float32))
    assert y.shape[1] == scale.input_dim == 59


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (["x", "y"], ["PiecewiseLinear", "PeriodicEmbedding", "Scale"]),
        (["code", "other"], ["Embedding", "Scale"]),
        (["color"], ["Scale"]),
    ],
)
def test_only_what_is_there_is_embedded(columns, first):
    model, *_ = network([{name: row[name] for name in columns} for row in ROWS])
    assert kinds(model)[: len(first)] == first
    assert kinds(model)[len(first)] == "Dense"


def test_hidden_layers_learn_their_activation_and_drop_units():
    model, _, recipe, _ = network(task="classification", outputs=3)
    block = ["Dense", "ParametricActivation", "Dropout"]
    assert kinds(model)[3:] == [*block * 3, "Dense"]
    assert [layer.units for layer in model.layers if hasattr(layer, "parametrization")] == [
        *(256, 256, 256, 3)
    ]
    rate = model.layers[5].rate
    assert (rate(0), rate(recipe.updates)) == (pytest.approx(0.15), pytest.approx(0.0))
    np.testing.assert_allclose(model.predict(np.zeros((2, 7))).sum(axis=1), 1.0, rtol=1e-6)


def test_numbers_come_back_to_their_scale_and_range():
    model, *_ = network(targets=np.array([100.0, 300.0, 200.0, 600.0]))
    scale, clamp = model.layers[-2:]
    assert (scale.offset, scale.scale) == (300.0, pytest.approx(35_000**0.5))
    assert (clamp.low, clamp.high) == (100.0, 600.0)


def test_rates_follow_their_schedules_for_the_whole_training():
    model, _, recipe, x = network()
    optimizer = make_optimizer(recipe, model.parameter_names(x.shape[1]))
    rate, decay = optimizer.learning_rate, optimizer.weight_decay
    half_a_cycle = (2**0.5 - 1) / 15  # log2(1 + 15 t) = 1/2
    assert rate(half_a_cycle * recipe.updates) == pytest.approx(recipe.learning_rate)
    assert rate(recipe.updates) == pytest.approx(0.0, abs=1e-12)
    assert (decay(0), decay(recipe.updates)) == (pytest.approx(0.02), pytest.approx(0.0))
    assert (optimizer.beta_2, optimizer.decay_exclude) == (0.95, ["bias"])
    assert optimizer.learning_rate_factors == {
        "alpha": 0.1,
        "bias": 0.1,
        "frequency": 0.1,
        "gamma": 6.0,
        "mixing": 0.1,
        "offset": 0.1,
        "phase": 0.1,
    }


def test_factors_are_of_parameters_that_are_there():
    model, _, recipe, x = network([{"color": row["color"]} for row in ROWS])
    optimizer = make_optimizer(recipe, model.parameter_names(x.shape[1]))
    assert optimizer.learning_rate_factors.keys() == {"alpha", "bias", "gamma"}
