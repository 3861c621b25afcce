"""The judge itself: what `gradient_check` reports, and that it leaves the model as it was."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.gradcheck import GradientReport, GradientRow
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.layers.base import LAYERS, Layer
from ffnn.losses import Huber
from ffnn.regularizers import L1, L1L2


class Scaled(Layer):
    """y = c x with one c for each column, and a gradient that is wrong by a known factor."""

    def __init__(self, mistake: float = 0.0) -> None:
        self.mistake = mistake

    def parameter_shapes(self, input_dim):
        return {"scale": (input_dim,)}

    def initializers(self):
        return {"scale": ffnn.initializers.Ones()}

    def forward(self, x, training=False):
        self._x = x
        return x * self._params["scale"]

    def backward(self, grad):
        self._grads["scale"][...] = (grad * self._x).sum(axis=0) * (1.0 + self.mistake)
        return grad * self._params["scale"]


class NotANumber(Layer):
    """Hands its input through and loses the gradient on the way back."""

    def forward(self, x, training=False):
        return x

    def backward(self, grad):
        return np.full_like(grad, np.nan)


class NumberlessForward(Layer):
    """Has no value, and claims that nothing depends on it."""

    def forward(self, x, training=False):
        return np.full_like(x, np.nan)

    def backward(self, grad):
        return np.zeros_like(grad)


def busy_model(dtype="float64"):
    """Return a model with everything that could be disturbed, and rows for it."""
    rng = np.random.default_rng(3)
    model = ffnn.Sequential(
        [
            Dense(6, "tanh", weight_regularizer=L1L2()),
            BatchNorm(),
            Dropout(0.3),
            Dense(3, "softmax"),
        ],
        input_dim=4,
        dtype=dtype,
        seed=1,
    )
    model.compile("adam", "cce", metrics=["accuracy"])
    x, y = rng.normal(size=(20, 4)), rng.integers(3, size=20)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    return model, x, y


def test_check_leaves_the_model_bit_for_bit_unchanged():
    model, x, y = busy_model()
    twin = pickle.loads(pickle.dumps(model))
    before = model.__getstate__()
    ffnn.gradient_check(model, x[:5], y[:5])
    after = model.__getstate__()
    assert after["config"] == before["config"]  # optimizer, generators, history and all
    assert after["arrays"].keys() == before["arrays"].keys()
    kinds = {name.split("/")[0] for name in before["arrays"]}
    assert kinds == {"layers", "gradients", "state", "optimizer", "history"}
    for name, array in before["arrays"].items():
        assert after["arrays"][name].tobytes() == array.tobytes(), name
    for each in (model, twin):
        each.fit(x, y, batch_size=8, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_report_has_one_row_for_each_parameter_array():
    model, x, y = busy_model()
    report = ffnn.gradient_check(model, x[:5], y[:5])
    assert [(row.layer, row.parameter, row.entries) for row in report.rows] == [
        ("dense_1", "weight", 24),
        ("dense_1", "bias", 6),
        ("batch_norm_1", "gamma", 6),
        ("batch_norm_1", "beta", 6),
        ("dense_2", "weight", 18),
        ("dense_2", "bias", 3),
    ]
    assert all(row.checked + row.kinks == row.entries for row in report.rows)
    assert report.checked + report.kinks == 63
    assert report.max_error == max(row.max_error for row in report.rows) <= 1e-7
    lines = str(report).splitlines()
    assert [line.split()[:2] for line in lines[2:8]] == [list(row[:2]) for row in report.rows]


def test_max_entries_bounds_what_is_checked_of_each_array():
    model, x, y = busy_model()
    report = ffnn.gradient_check(model, x[:5], y[:5], max_entries=4)
    assert [row.checked + row.kinks for row in report.rows] == [4, 4, 4, 4, 4, 3]
    assert [row.entries for row in report.rows] == [24, 6, 6, 6, 18, 3]
    with pytest.raises(ValueError, match="max_entries"):
        ffnn.gradient_check(model, x[:5], y[:5], max_entries=0)


def test_check_needs_a_compiled_model():
    with pytest.raises(RuntimeError, match="compile"):
        ffnn.gradient_check(ffnn.Sequential([Dense(1)], input_dim=2), np.ones((1, 2)), np.ones(1))


def test_check_builds_a_model_that_has_seen_no_data():
    model = ffnn.Sequential([Dense(2, "tanh"), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert ffnn.gradient_check(model, np.eye(3), np.ones(3)).checked == 8 + 3


@pytest.mark.parametrize("mistake", [1e-1, 1e-3, 1e-5, -1e-6])
def test_reported_error_is_the_size_of_the_mistake_in_the_right_row(mistake):
    rng = np.random.default_rng(2)
    model = ffnn.Sequential([Dense(3, "tanh"), Scaled(mistake), Dense(2)], 2, "float64", seed=4)
    model.compile("sgd", "mse")
    report = ffnn.gradient_check(model, rng.normal(size=(4, 2)), rng.normal(size=(4, 2)))
    errors = {(row.layer, row.parameter): row.max_error for row in report.rows}
    wrong = errors.pop(("Scaled_1", "scale"))
    relative = mistake / max(1.0, 1.0 + mistake)
    assert wrong == pytest.approx(abs(relative), rel=1e-2)
    assert max(errors.values()) <= 1e-7


def test_check_takes_layer_classes_that_no_registry_knows():
    assert Scaled not in LAYERS.classes.values()
    model = ffnn.Sequential([Scaled(), Dense(2, "tanh"), Scaled(mistake=0.0)], 3, seed=4)
    model.compile("sgd", "mse")
    assert ffnn.gradient_check(model, np.ones((2, 3)), np.ones((2, 2))).max_error <= 1e-7


@pytest.mark.parametrize("place", [1, 2])
def test_a_gradient_that_is_not_a_number_never_counts_as_right(place):
    layers = [Dense(2, "tanh"), Dense(2, "tanh"), Dense(1)]
    layers.insert(place, NotANumber())
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile("sgd", "mse")
    report = ffnn.gradient_check(model, np.eye(2), np.ones(2))
    assert not report.rows[0].max_error <= 1e-7
    assert not report.max_error <= 1e-7


def test_a_gradient_that_is_not_a_number_shows_also_in_the_last_row():
    model = ffnn.Sequential([Dense(2, "tanh"), Scaled(mistake=np.nan)], input_dim=2, seed=0)
    model.compile("sgd", "mse")
    report = ffnn.gradient_check(model, np.eye(2), np.ones((2, 2)))
    assert np.isnan(report.rows[-1].max_error)
    assert not report.max_error <= 1e-7


def test_a_loss_that_is_not_a_number_never_counts_as_right():
    model = ffnn.Sequential([Dense(2, "tanh"), NumberlessForward()], input_dim=2, seed=0)
    model.compile("sgd", "mse")
    report = ffnn.gradient_check(model, np.eye(2), np.ones((2, 2)))
    assert not report.max_error <= 1e-7


def test_check_of_a_float32_model_computes_in_float64():
    model, x, y = busy_model("float32")
    before = model.parameters.copy()
    report = ffnn.gradient_check(model, x[:5], y[:5])
    assert report.max_error <= 1e-7
    assert model.parameters.dtype == np.float32
    np.testing.assert_array_equal(model.parameters, before)


# Kinks


def kinky(layers, loss, x, y, values):
    model = ffnn.Sequential(layers, input_dim=x.shape[1], dtype="float64")
    model.compile("sgd", loss)
    model.parameters[...] = values
    return ffnn.gradient_check(model, x, y)


def test_entries_at_the_kink_of_an_activation_are_left_out_and_counted():
    # z = w·x + b = 0 for the one row, so each step of w or b crosses the kink of the ReLU.
    report = kinky([Dense(1, "relu")], "mse", np.array([[1.0, 2.0]]), np.ones(1), [2.0, -1.0, 0.0])
    assert [(row.checked, row.kinks) for row in report.rows] == [(0, 2), (0, 1)]
    assert (report.checked, report.kinks, report.max_error) == (0, 3, 0.0)


def test_entries_at_the_kink_of_a_loss_are_left_out_and_counted():
    # The output is 3 for the one row. |p - y| has its kink at y = 3, Huber's with δ = 1 at y = 2.
    x, values = np.array([[1.0, 2.0]]), [1.0, 1.0, 0.0]
    assert kinky([Dense(1)], "mae", x, np.array([3.0]), values).kinks == 3
    assert kinky([Dense(1)], Huber(delta=1.0), x, np.array([2.0]), values).kinks == 3
    assert kinky([Dense(1)], "mae", x, np.array([2.0]), values).kinks == 0


def test_weights_at_the_kink_of_a_penalty_are_left_out_and_counted():
    layers = [Dense(1, weight_regularizer=L1(0.1))]
    report = kinky(layers, "mse", np.array([[1.0, 2.0]]), np.ones(1), [0.0, 1.0, 0.5])
    assert [(row.checked, row.kinks) for row in report.rows] == [(1, 1), (1, 0)]
    assert report.max_error <= 1e-7


def test_a_kink_within_the_first_steps_is_stepped_around():
    # 0.004 away from the kink: the steps 0.02, 0.01 and 0.005 cross it, the smaller ones do not.
    report = kinky([Dense(1, "relu")], "mse", np.ones((1, 1)), np.zeros(1), [1.004, -1.0])
    assert (report.checked, report.kinks) == (2, 0)
    assert report.max_error <= 1e-7


# The verdict


@pytest.mark.parametrize(
    ("errors", "checked", "is_right", "words"),
    [
        (
            [2e-9, 1e-6],
            5,
            True,
            "worst relative error: 1.00e-06, allowed: 1e-06. The gradients agree",
        ),
        (
            [2e-9, 1.1e-6],
            5,
            False,
            "do not agree with finite differences; the worst is that of bias",
        ),
        ([math.nan, 1.0], 5, False, "nan, allowed: 1e-06. The gradients do not agree"),
        ([0.0, 0.0], 0, False, "No entry could be checked"),
    ],
)
def test_a_report_ends_with_a_verdict(errors, checked, is_right, words):
    rows = [
        GradientRow("dense_1", name, checked, checked, 0, error)
        for name, error in zip(("weight", "bias"), errors, strict=True)
    ]
    report = GradientReport(rows)

    assert report.is_right is is_right
    assert words in str(report).splitlines()[-1]


def test_long_names_of_layers_have_room():
    layers = [Dense(2), ffnn.layers.ParametricActivation("selu"), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.compile("sgd", "mse")
    lines = str(ffnn.gradient_check(model, np.eye(2), np.ones(2))).splitlines()
    assert "parametric_activation_1 alpha" in " ".join(lines[4].split())
    assert {len(line) for line in lines[:-1]} == {80}


def test_layers_of_an_ensemble_have_lines_of_their_own():
    chain = [Dense(2), ffnn.layers.ParametricActivation("selu"), Dense(1)]
    model = ffnn.Sequential([ffnn.layers.Average([chain, chain])], input_dim=2, seed=0)
    model.compile("sgd", "mse")
    lines = str(ffnn.gradient_check(model, np.eye(2), np.ones(2))).splitlines()
    assert max(map(len, lines[:-1])) == 80
    first = lines.index("average_1.member_2.parametric_activation_1")
    assert lines[first + 1].split()[:3] == ["alpha", "2", "2"]
    assert [line for line in lines if line.startswith("average_1.member_2.")] == [
        f"average_1.member_2.{name}" for name in ("dense_1", "parametric_activation_1", "dense_2")
    ]
