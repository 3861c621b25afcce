"""Dead, saturated and symmetric units are found in their layer."""

import warnings

import numpy as np
import pytest
from diagnosis import DIGITS, LABELS, PIXELS, X, Y, classifier, compiled, kinds, only, regressor

import ffnn
from ffnn.activations import ActivationFunction
from ffnn.diagnostics import diagnose
from ffnn.initializers import Constant
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Rescaling
from ffnn.optimizers import SGD

rng = np.random.default_rng(1)


def with_dead_units(dead, units=10, activation="relu", rows=X):
    model = regressor(Dense(units, activation), Dense(4, "tanh"))
    model.build(rows.shape[1])
    bias = model.layers[0].params["bias"]
    bias[:] = 5.0  # alive, surely
    bias[dead] = -1e3
    return model


@pytest.mark.parametrize(
    ("dead", "severity"),
    [([4], "note"), ([0, 1, 2], "note"), ([0, 3, 5, 9], "warning"), (range(10), "problem")],
)
def test_dead_relus_are_found_with_their_layer_and_share(dead, severity):
    dead = list(dead)
    found = only(diagnose(with_dead_units(dead), X, Y), "dead-relu")

    assert (found.severity, found.layer, found.units) == (severity, "dense_1", tuple(dead))
    assert found.evidence["share"] == len(dead) / 10
    assert f"{len(dead)} of 10 ReLU units" in found.message
    assert "all 400 rows" in found.message


def test_units_that_leak_are_not_dead():
    assert "dead-relu" not in kinds(diagnose(with_dead_units([1, 2], activation="leaky_relu"), X))


def test_a_unit_that_is_active_on_one_row_of_the_last_batch_is_not_dead():
    x = np.tile(X, (7, 1))  # 2,800 rows are three batches
    x[-1, 0] = 1e4
    model = with_dead_units([2, 3])
    model.layers[0].params["weight"][2:4] = [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]

    assert only(diagnose(model, x), "dead-relu").units == (3,)


def test_on_few_rows_silent_units_are_only_noted():
    found = only(diagnose(with_dead_units([0, 1, 2, 3, 4, 5]), X[:31], Y[:31]), "dead-relu")

    assert found.severity == "note"


def test_a_relu_layer_and_an_activation_layer_are_named():
    model = regressor(Dense(6), Activation("relu"), Dense(5), ffnn.activations.ReLU())
    model.build(5)
    model.layers[0].params["bias"][:] = -1e3
    model.layers[2].params["bias"][:] = -1e3

    layers = [f.layer for f in diagnose(model, X, Y) if f.kind == "dead-relu"]

    assert layers == ["activation_1", "relu_1"]


def test_dead_units_of_zero_weights_lead_to_the_initializer():
    model = classifier(Dense(12, "relu", weight_initializer="zeros"))
    found = only(diagnose(model, PIXELS, LABELS), "dead-relu")

    assert found.remedy == "Their weights are all 0: use weight_initializer='he_normal'."


def test_units_that_died_in_training_lead_to_the_learning_rate():
    model = classifier(Rescaling(1 / 16), Dense(32, "relu"), optimizer=SGD(0.25))
    model.fit(DIGITS, LABELS, verbose=0)
    model.layers[1].params["bias"][:20] = -1e3
    found = only(diagnose(model, DIGITS, LABELS), "dead-relu")

    assert "learning_rate=0.025 instead of 0.25" in found.remedy


def with_saturated_units(activation, biases):
    model = regressor(Dense(len(biases), activation))
    model.build(5)
    model.layers[0].params["weight"][...] *= 0.1
    model.layers[0].params["bias"][:] = biases
    return model


@pytest.mark.parametrize("end", [-30.0, 30.0])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize(("count", "severity"), [(1, "note"), (5, "warning"), (9, "problem")])
def test_saturated_units_are_found_with_their_layer(activation, end, count, severity):
    model = with_saturated_units(activation, [end] * count + [0.0] * (10 - count))
    found = only(diagnose(model, X, Y), "saturated-units")

    assert (found.severity, found.layer) == (severity, "dense_1")
    assert found.units == tuple(range(count))
    assert found.evidence["share"] == count / 10


# sigmoid z = 0.99 at z = log 99 = 4.595; tanh z is within 1 % of its range at half of that.
@pytest.mark.parametrize(
    ("activation", "z", "is_saturated"),
    [
        ("sigmoid", 4.59, False),
        ("sigmoid", 4.6, True),
        ("sigmoid", -4.6, True),
        ("tanh", 2.29, False),
        ("tanh", 2.3, True),
        ("relu", 30.0, False),
        ("softplus", -30.0, False),
    ],
)
def test_saturation_begins_at_one_percent_of_the_range(activation, z, is_saturated):
    model = with_saturated_units(activation, [z] * 4)
    model.layers[0].params["weight"][...] = 0.0

    assert ("saturated-units" in kinds(diagnose(model, X))) is is_saturated


@pytest.mark.parametrize(("share", "is_saturated"), [(0.895, False), (0.9, True)])
def test_a_unit_counts_as_saturated_from_nine_rows_in_ten_on(share, is_saturated):
    x = np.zeros((2000, 5))
    x[: int(2000 * share), 0] = rng.choice([-50.0, 50.0], int(2000 * share))  # at either end
    model = with_saturated_units("tanh", [0.0] * 4)
    model.layers[0].params["weight"][:] = [1, 0, 0, 0, 0]

    assert ("saturated-units" in kinds(diagnose(model, x))) is is_saturated


def test_sure_and_right_answers_are_no_saturation():
    x = np.repeat(np.eye(3), 50, axis=0)
    y = np.repeat(np.arange(3), 50)
    softmax = compiled(Dense(3, "softmax"), loss="cce")
    softmax.build(3)
    softmax.layers[0].params["weight"][...] = 50 * np.eye(3)
    assert diagnose(softmax, x, y) == []

    for loss in ("bce", "mse"):
        sigmoid = compiled(Dense(1, "sigmoid"), loss=loss)
        sigmoid.build(3)
        sigmoid.layers[0].params["weight"][...] = [-50, 50, 50]
        assert "saturated-units" not in kinds(diagnose(sigmoid, x, y > 0))
        assert ("saturated-units" in kinds(diagnose(sigmoid, x, y == 0))) is (loss == "mse")


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("initializer", ["zeros", Constant(0.3)])
def test_symmetric_units_are_found_with_their_layer(activation, initializer):
    model = classifier(Dense(6, activation, weight_initializer=initializer))
    model.compile("sgd", "cce")
    model.build(64)
    model.layers[-1].params["weight"][...] = 0.2
    found = only(diagnose(model, PIXELS, LABELS), "symmetric-units")

    assert (found.severity, found.layer, found.units) == ("problem", "dense_1", tuple(range(6)))
    value, name = (0.0, "Zeros()") if initializer == "zeros" else (0.3, "Constant(value=0.3)")
    assert found.evidence == {
        "symmetric": 6,
        "units": 6,
        "groups": 1,
        "largest_group": 6,
        "act_as_one": [0, 1, 2, 3, 4, 5],
        "following": "dense_2",
        "is_dropped": False,
        "is_uniform": True,
        "weight": pytest.approx(value),
        "initializer": name,
    }
    assert "weight_initializer='glorot_uniform'" in found.remedy
    assert f"instead of {name}." in found.remedy


def test_symmetry_lasts_through_training_and_is_still_found():
    layers = [
        Dense(units, activation, weight_initializer=Constant(0.05))
        for units, activation in ((50, "sigmoid"), (10, "softmax"))
    ]
    model = compiled(*layers, loss="cce")  # 50 units: rounding makes them differ a little
    model.fit(PIXELS, LABELS, epochs=3, verbose=0)
    weight = model.layers[0].params["weight"]

    assert len(np.unique(weight, axis=0)) > 1
    evidence = only(diagnose(model, PIXELS, LABELS), "symmetric-units").evidence
    counts = {name: evidence[name] for name in ("symmetric", "units", "groups", "largest_group")}
    assert counts == {"symmetric": 50, "units": 50, "groups": 1, "largest_group": 50}


def test_in_a_deep_network_the_layers_whose_outgoing_weights_differ_are_left_out():
    constant = {"weight_initializer": Constant(0.1)}
    model = regressor(Dense(4, "tanh", **constant), Dense(4, "tanh", **constant))

    assert [f.layer for f in diagnose(model, X, Y) if f.kind == "symmetric-units"] == ["dense_1"]


def test_two_copies_among_many_units_are_found():
    model = regressor(Dense(12, "tanh"))
    model.build(5)
    first, last = model.layers
    first.params["weight"][7] = first.params["weight"][2]
    assert "symmetric-units" not in kinds(diagnose(model, X, Y))  # the way out differs

    last.params["weight"][0, 7] = last.params["weight"][0, 2]
    found = only(diagnose(model, X, Y), "symmetric-units")
    assert (found.severity, found.units) == ("warning", (2, 7))

    first.params["bias"][7] = 0.01
    assert "symmetric-units" not in kinds(diagnose(model, X, Y))


def test_several_groups_of_copies_are_told_apart():
    model = regressor(Dense(6, "tanh", weight_initializer=Constant(0.1)))
    model.build(5)
    model.layers[1].params["weight"][0] = [1, 2, 1, 2, 1, 3]
    found = only(diagnose(model, X, Y), "symmetric-units")

    assert found.units == (0, 1, 2, 3, 4)
    assert (found.evidence["groups"], found.evidence["largest_group"]) == (2, 3)


def test_gains_that_differ_break_the_symmetry():
    constant = {"weight_initializer": Constant(0.1)}
    model = regressor(Dense(3, **constant), LayerNorm(), Activation("tanh"))
    model.build(5)
    model.layers[-1].params["weight"][...] = 1.0
    assert "symmetric-units" in kinds(diagnose(model, X, Y))

    model.layers[1].params["gamma"][:] = [1, 2, 3]
    assert "symmetric-units" not in kinds(diagnose(model, X, Y))


def test_dropout_masks_soften_symmetry_to_a_warning():
    constant = {"weight_initializer": Constant(0.1)}
    model = compiled(Dense(8, "tanh", **constant), Dropout(0.5), Dense(1, **constant))
    found = only(diagnose(model, X, Y), "symmetric-units")

    assert found.severity == "warning"
    assert "Dropout" in found.message


def test_zeros_in_the_last_layer_or_the_biases_alone_are_sound():
    last = Dense(1, weight_initializer="zeros")

    assert diagnose(compiled(Dense(8, "tanh"), Dense(8, "tanh"), last), X, Y) == []


def test_linear_maps_without_activation_between_them_are_noted():
    model = regressor(Dense(8), Dropout(0.1), Dense(6, "tanh"), Dense(4, "linear"))
    layers = [f.layer for f in diagnose(model, X, Y) if f.kind == "no-activation"]

    assert layers == ["dense_1", "dense_3"]
    model = regressor(Dense(8), Rescaling(0.5), Dense(6), Activation("linear"))
    layers = [f.layer for f in diagnose(model, X, Y) if f.kind == "no-activation"]
    assert layers == ["dense_1", "dense_2"]
    model = regressor(Dense(8), Activation("relu"), Dense(6), LayerNorm())
    assert "no-activation" not in kinds(diagnose(model, X, Y))


class Gate(ActivationFunction):
    """y = min(max(x, 0), 1): an activation from outside the library."""

    output_range = (0.0, 1.0)
    saturates = True
    can_die = True

    def forward(self, x, training=False):
        self.y = np.clip(x, 0.0, 1.0)
        return self.y

    def backward(self, grad):
        return grad * ((self.y > 0.0) & (self.y < 1.0))


def test_activations_from_outside_are_judged_by_what_they_say_of_themselves():
    model = regressor(Dense(4, Gate()))
    model.build(5)
    model.layers[0].params["bias"][:] = [-1e3, 1e3, 0.5, 0.5]
    model.layers[0].params["weight"][2:] *= 0.1
    diagnosis = diagnose(model, X, Y)

    dead = only(diagnosis, "dead-relu")
    assert dead.units == (0,)
    assert dead.message.startswith("1 of 4 Gate units (25%) are inactive on all 400 rows")
    assert only(diagnosis, "saturated-units").units == (0, 1)


# -- batches of too few rows -----------------------------------------------------------------------


def trained_in_batches_of(rows, layer, *, given=400):
    model = regressor(Dense(8), layer, Activation("tanh"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(X[:given], Y[:given], batch_size=rows, verbose=0)
    return model


@pytest.mark.parametrize(("rows", "given"), [(1, 400), (32, 1)])
def test_training_in_batches_of_one_row_is_found_also_in_the_file(rows, given, tmp_path):
    model = trained_in_batches_of(rows, BatchNorm(), given=given)
    model.save(tmp_path / "model.h5")

    for diagnosis in (diagnose(model, X, Y), diagnose(ffnn.load_model(tmp_path / "model.h5"), X)):
        found = only(diagnosis, "small-batches")
        assert (found.severity, found.layer) == ("problem", "batch_norm_1")
        assert found.evidence == {"batch_rows": 1, "needed": 2, "is_trained": True}
        assert "batches of the last training had 1 of the 2 rows that batch_norm_1" in found.message


@pytest.mark.parametrize(
    ("rows", "layer"), [(2, BatchNorm()), (399, BatchNorm()), (1, LayerNorm())]
)
def test_other_batches_and_layers_are_left_alone(rows, layer):
    assert "small-batches" not in kinds(diagnose(trained_in_batches_of(rows, layer), X, Y))


def test_before_a_training_the_rows_that_there_are_count():
    model = regressor(Dense(8), BatchNorm(), Activation("tanh"))

    assert only(diagnose(model, X[:1], Y[:1]), "small-batches").evidence["is_trained"] is False
    assert "small-batches" not in kinds(diagnose(model, X[:2], Y[:2]))
    again = trained_in_batches_of(32, BatchNorm())
    assert "small-batches" not in kinds(diagnose(again, X[:1], Y[:1]))
