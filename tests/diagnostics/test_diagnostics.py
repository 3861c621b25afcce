"""`diagnose`: each fault, planted on purpose, is found and named; what is sound is left alone."""

import copy
import math
import pickle
import tracemalloc

import numpy as np
import pytest

import ffnn
from ffnn.diagnostics import Diagnosis, Finding, diagnose, sample
from ffnn.diagnostics.probe import chance_loss
from ffnn.initializers import Constant, RandomNormal
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
from ffnn.optimizers import SGD, Adam
from ffnn.schedules import CosineDecay, ExponentialDecay

ACTIVATIONS = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "leaky_relu",
    "swish",
    "elu",
    "gelu",
    "softplus",
]
INITIALIZERS = [
    "glorot_uniform",
    "glorot_normal",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "random_normal",
    "random_uniform",
]
(DIGITS, LABELS), (TEST_DIGITS, TEST_LABELS) = ffnn.datasets.load_digits()
PIXELS = DIGITS / 16.0

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
Y = np.sin(X[:, 0]) + X[:, 1]
Y = (Y - Y.mean()) / Y.std()


def compiled(*layers, loss="mse", optimizer="sgd", seed=0, **options):
    model = ffnn.Sequential(layers, seed=seed, **options)
    model.compile(optimizer, loss)
    return model


def classifier(*hidden, optimizer="sgd", seed=0):
    return compiled(*hidden, Dense(10, "softmax"), loss="cce", optimizer=optimizer, seed=seed)


def regressor(*hidden, optimizer="sgd", seed=0, units=1, ending=None, loss="mse"):
    layers = hidden or (Dense(8, "tanh"),)
    return compiled(*layers, Dense(units, ending), optimizer=optimizer, seed=seed, loss=loss)


def grave(diagnosis):
    return [(f.severity, f.title) for f in diagnosis if f.severity != "note"]


def kinds(diagnosis):
    return {finding.kind for finding in diagnosis}


def only(diagnosis, kind):
    """Return the one finding of a kind."""
    (finding,) = (finding for finding in diagnosis if finding.kind == kind)
    return finding


# What is sound is left alone


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_fresh_networks_have_no_more_than_notes(activation, seed):
    model = classifier(Rescaling(1 / 16), Dense(64, activation), Dense(32, activation), seed=seed)

    assert grave(diagnose(model, DIGITS, LABELS)) == []


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adamw"])
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_default_initializers_and_optimizers_have_no_more_than_notes(initializer, optimizer):
    hidden = [Dense(48, "relu", weight_initializer=initializer) for _ in range(2)]
    model = classifier(Rescaling(1 / 16), *hidden, optimizer=optimizer)

    assert grave(diagnose(model, DIGITS, LABELS)) == []


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_trained_networks_have_no_more_than_notes(activation):
    model = classifier(Rescaling(1 / 16), Dense(64, activation), Dense(32, activation))
    model.compile("adam", "cce", ["accuracy"])
    model.fit(DIGITS, LABELS, epochs=15, verbose=0)

    assert model.evaluate(TEST_DIGITS, TEST_LABELS, return_dict=True)["accuracy"] > 0.85
    assert grave(diagnose(model, DIGITS, LABELS)) == []
    assert grave(diagnose(model, TEST_DIGITS, TEST_LABELS)) == []


@pytest.mark.parametrize("epochs", [0, 60])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_regressions_fresh_and_trained_are_sound(loss, epochs):
    model = regressor(Dense(16, "tanh"), Dense(8, "swish"), optimizer="adam", loss=loss)
    model.fit(X, Y, epochs=epochs, verbose=0)

    assert diagnose(model, X, Y) == []


def test_normalised_and_dropped_out_networks_are_sound():
    model = classifier(
        Dropout(0.2),
        Dense(32),
        BatchNorm(),
        Activation("relu"),
        Dropout(0.5),
        Dense(32, "tanh"),
        LayerNorm(),
        Dense(16, "relu"),
        RMSNorm(),
    )

    assert grave(diagnose(model, PIXELS, LABELS)) == []


def test_the_four_rows_of_xor_are_sound():
    x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    model = regressor(Dense(4, "tanh"), ending="sigmoid", loss="bce", optimizer=SGD(0.5))

    assert diagnose(model, x, y) == []


# The model comes back as it was


def everything(model):
    config, arrays = model.capture()
    return copy.deepcopy(config), {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("trained", [False, True])
def test_the_model_comes_back_unchanged(trained):
    model = classifier(
        Rescaling(1 / 16),
        Dense(16),
        BatchNorm(),
        Activation("relu"),
        Dropout(0.3),
        optimizer=SGD(CosineDecay(0.1, 500), momentum=0.9),
    )
    model.build(64)
    if trained:
        model.fit(DIGITS, LABELS, verbose=0)
    before, has_gradients, step = everything(model), model.has_gradients, model.step
    global_state = np.random.get_state()[1].tobytes()  # noqa: NPY002

    diagnose(model, DIGITS, LABELS)

    assert everything(model) == before
    assert model.has_gradients is has_gradients is trained
    assert model.step is step
    assert model.optimizer.iterations == (45 if trained else 0)
    assert np.random.get_state()[1].tobytes() == global_state  # noqa: NPY002


def test_training_goes_on_as_if_there_had_been_no_diagnosis():
    diagnosed, other = (classifier(Dense(16, "relu"), Dropout(0.5)) for _ in range(2))
    for model in (diagnosed, other):
        model.fit(PIXELS, LABELS, verbose=0)
    diagnose(diagnosed, PIXELS, LABELS)
    for model in (diagnosed, other):
        model.fit(PIXELS, LABELS, verbose=0)

    assert diagnosed.parameters.tobytes() == other.parameters.tobytes()


def test_the_data_stays_as_it_is():
    x, y = X.copy(), Y.copy()
    diagnose(regressor(), x, y)

    assert x.tobytes() == X.tobytes()
    assert y.tobytes() == Y.tobytes()


def test_an_unbuilt_model_stays_unbuilt_and_is_seen_as_fit_would_build_it():
    model, built = regressor(Dense(8, "relu"), seed=3), regressor(Dense(8, "relu"), seed=3)
    built.build(5)
    x = X - 3.0  # so that some units are dead
    diagnosis = diagnose(model, x, Y)

    assert not model.is_built
    assert list(diagnosis) == list(diagnose(built, x, Y))
    assert "not built" in str(diagnosis)
    assert "not built" not in str(diagnose(built, x, Y))


def test_the_same_call_gives_the_same_findings():
    model = classifier(Dense(16, "relu"), Dropout(0.5), optimizer=SGD(20.0))

    assert list(diagnose(model, PIXELS, LABELS)) == list(diagnose(model, PIXELS, LABELS))


# What is checked with what is there


LOSS_CHECKS = {"targets", "gradients", "learning rate"}


def test_without_compile_only_what_needs_no_loss_is_checked_and_it_says_so():
    model = ffnn.Sequential([Dense(8, "relu", weight_initializer="zeros"), Dense(1)])
    diagnosis = diagnose(model, X, Y)

    assert "dead-relu" in kinds(diagnosis)
    assert diagnosis.skipped == dict.fromkeys(LOSS_CHECKS, "the model is not compiled")
    assert "Not checked, as the model is not compiled: targets, gradients," in str(diagnosis)


def test_without_targets_only_what_needs_none_is_checked():
    model = classifier(Dense(8, "relu", weight_initializer="zeros"))
    diagnosis = diagnose(model, PIXELS)

    assert "dead-relu" in kinds(diagnosis)
    assert diagnosis.skipped == dict.fromkeys(LOSS_CHECKS, "no targets were given")
    assert {"inputs", "dead ReLUs", "saturated units", "symmetric units"} < set(diagnosis.checked)


def test_everything_is_checked_of_a_compiled_model_with_targets():
    diagnosis = diagnose(regressor(), X, Y)

    assert diagnosis.skipped == {}
    assert set(diagnosis.checked) > LOSS_CHECKS
    assert diagnosis.num_rows == 400


def test_of_many_rows_a_sample_is_looked_at_and_it_says_so(monkeypatch):
    monkeypatch.setattr(sample, "MAX_ROWS", 150)
    diagnosis = diagnose(regressor(), X, Y)

    assert diagnosis.num_rows == 150
    assert "150 of 400 rows, drawn at random with a" in str(diagnosis)
    assert "drawn" not in str(diagnose(regressor(), X[:150], Y[:150]))


def test_a_sample_comes_from_all_rows(monkeypatch):
    monkeypatch.setattr(sample, "MAX_ROWS", 100)
    x = X.copy()
    x[:200, 0] = -1.0
    x[200:, 0] = 1.0
    model = regressor(Dense(2, "relu"))
    model.build(5)
    model.layers[0].params["weight"][...] = [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]

    assert only(diagnose(model, x, Y), "dead-relu").units == (1,)


@pytest.mark.parametrize("x", [X[:, :4], X[0], [["a"]], np.zeros((0, 5))])
def test_inputs_of_another_shape_are_an_error(x):
    model = regressor()
    model.build(5)

    with pytest.raises(ffnn.DataError):
        diagnose(model, x, Y[: len(x)])


def test_a_wrong_number_of_targets_or_weights_is_an_error():
    with pytest.raises(ffnn.DataError, match="400 rows, got 399"):
        diagnose(regressor(), X, Y[:-1])
    with pytest.raises(ffnn.DataError, match="sample_weight"):
        diagnose(regressor(), X, Y, np.ones(3))


def test_sparse_and_hdf5_rows_give_what_arrays_give(tmp_path):
    h5py, sparse = pytest.importorskip("h5py"), pytest.importorskip("scipy.sparse")
    model = classifier(Dense(16, "relu"))
    expected = list(diagnose(model, PIXELS, LABELS))
    with h5py.File(tmp_path / "digits.h5", "w") as file:
        file["x"], file["y"] = PIXELS, LABELS

        assert list(diagnose(model, file["x"], file["y"])) == expected
    assert list(diagnose(model, sparse.csr_matrix(PIXELS), LABELS)) == expected


def test_memory_does_not_grow_with_the_rows():
    x, y = np.zeros((60_000, 300), np.uint8), np.arange(60_000) % 10
    x[:, 0] = y
    model = classifier(Rescaling(0.1), Dense(16, "relu"))
    model.build(300)
    tracemalloc.start()
    diagnose(model, x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 20e6  # x as float32 alone has 72 MB


# The account


def finding(severity="warning", message="It is so.", layer="dense_1"):
    return Finding("some-kind", severity, layer, message, {"number": 1}, "Do this.", (0, 2))


def test_findings_come_with_the_gravest_first():
    found = [finding(severity) for severity in ("note", "problem", "warning", "problem")]
    diagnosis = Diagnosis(found, 7, ["inputs"], {})

    assert [f.severity for f in diagnosis] == ["problem", "problem", "warning", "note"]
    assert repr(diagnosis) == "<Diagnosis: 2 problems, 1 warning, 1 note>"
    assert str(diagnosis).startswith("Diagnosis over 7 rows: 2 problems, 1 warning, 1 note.\n\n")


def test_a_finding_is_printed_with_its_layer_and_remedy():
    assert str(finding()) == "WARNING: some-kind in dense_1\n  It is so.\n  Remedy: Do this."
    assert finding(layer=None).title == "some-kind"


def test_nothing_found_is_said_with_what_was_checked():
    model = regressor()
    model.build(5)
    diagnosis = diagnose(model, X, Y)

    assert isinstance(diagnosis, list)
    assert diagnosis == []
    assert str(diagnosis) == (
        "Diagnosis over 400 rows: nothing found.\n\n"
        "Checked: inputs, finite weights and outputs, activations between layers,\n"
        "symmetric units, dead ReLUs, saturated units, targets, gradients, learning rate."
    )


def test_the_account_fits_into_80_columns():
    model = regressor(Dense(8, "relu", weight_initializer="zeros"), optimizer=SGD(1e6))
    model.feature_names = ["a" * 200, *"bcde"]
    text = str(diagnose(model, X * 1e4, Y - 1e4))

    assert text.count("PROBLEM") > 1
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_text_and_not_markup_in_notebooks():
    model = regressor()
    model.feature_names = ["<script>alert(1)</script>", *"bcde"]
    diagnosis = diagnose(model, X * [1e4, 1, 1, 1, 1], Y)
    html = diagnosis._repr_html_()

    assert "<script>" in only(diagnosis, "unscaled-inputs").message
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "Remedy" in html


def test_a_diagnosis_can_be_pickled():
    diagnosis = diagnose(regressor(), X * 100, Y)
    again = pickle.loads(pickle.dumps(diagnosis))

    assert list(again) == list(diagnosis)
    assert str(again) == str(diagnosis)


# Inputs


def test_pixels_that_are_not_scaled_are_found_and_rescaling_is_named():
    pixels = (DIGITS * 15).astype(np.uint8)
    found = only(diagnose(classifier(Dense(16, "relu")), pixels, LABELS), "unscaled-inputs")

    assert (found.severity, found.layer) == ("problem", "dense_1")
    assert found.remedy == "Put Rescaling(1 / 255) first in the list of layers."
    column = found.evidence["column"]
    rms = np.sqrt((pixels.astype(float) ** 2).mean(axis=0))
    assert column == rms.argmax()
    assert found.evidence["largest_rms"] == pytest.approx(rms[column])
    assert set(found.units) == set(np.flatnonzero(rms > 10))


@pytest.mark.parametrize("first", [Rescaling(1 / 240), Normalization().adapt(DIGITS * 15)])
def test_inputs_are_judged_behind_the_scaling(first):
    model = classifier(first, Dense(16, "relu"))

    assert "unscaled-inputs" not in kinds(diagnose(model, DIGITS * 15, LABELS))


def test_pixels_scaled_twice_are_found():
    found = only(
        diagnose(classifier(Rescaling(1 / 255), Dense(16, "relu")), DIGITS / 255, LABELS),
        "unscaled-inputs",
    )

    assert found.severity == "warning"
    assert found.evidence["row_length"] == pytest.approx(
        np.sqrt(((DIGITS / 255**2) ** 2).sum(axis=1).mean())
    )
    assert "rescaling_1 scales it twice" in found.remedy


def test_rows_of_length_one_in_many_columns_are_not_too_small():
    x = np.eye(300)[rng.integers(0, 300, 900)]

    assert "unscaled-inputs" not in kinds(diagnose(regressor(), x, x[:, 0] + rng.normal(size=900)))


def test_one_large_column_is_found_by_its_name():
    model = regressor()
    model.feature_names = ["age", "income", "size", "c", "d"]
    found = only(diagnose(model, X * [1, 5e4, 1, 1, 1], Y), "unscaled-inputs")

    assert found.units == (1,)
    assert "column 1 ('income')" in found.message
    assert found.severity == "problem"
    assert found.evidence["large"] == 1
    assert "Normalization().adapt(x_train)" in found.remedy


def test_columns_of_usual_sizes_are_left_alone():
    x = X * [9.0, 0.2, 1, 1, 1] + [0, 0, 5, 0, 0]

    assert diagnose(regressor(Normalization().adapt(x), Dense(8, "tanh")), x, Y) == []
    assert kinds(diagnose(regressor(), x, Y)) <= {"saturated-units", "learning-rate-too-high"}


def test_a_normalisation_behind_the_first_layer_makes_unscaled_inputs_a_note():
    model = regressor(Dense(8), BatchNorm(), Activation("tanh"))

    assert only(diagnose(model, X * 1e3, Y), "unscaled-inputs").severity == "note"


def test_a_column_that_hardly_varies_beside_its_mean_is_found():
    x = X * [1, 1, 0.01, 1, 1] + [0, 0, 3, 0, 0]
    found = only(diagnose(regressor(), x, Y), "uncentred-inputs")

    assert (found.severity, found.units) == ("warning", (2,))
    assert found.evidence["mean"] == pytest.approx(x[:, 2].mean())
    assert found.evidence["std"] == pytest.approx(x[:, 2].std())
    near = X * [1, 1, 0.2, 1, 1] + [0, 0, 3, 0, 0]
    assert "uncentred-inputs" not in kinds(diagnose(regressor(), near, Y))


def test_an_indicator_that_is_nearly_always_one_is_left_alone():
    x, y = np.tile(X, (3, 1)), np.tile(Y, 3)
    x[:, 2] = np.arange(1200) != 7  # mean 1, standard deviation 0.03

    assert diagnose(regressor(), x, y) == []


def test_a_large_column_far_from_zero_is_found_once():
    x = X * [1, 1, 0.1, 1, 1] + [0, 0, 50, 0, 0]
    found = kinds(diagnose(regressor(), x, Y))

    assert "unscaled-inputs" in found
    assert "uncentred-inputs" not in found


def test_constant_columns_are_noted():
    x = X.copy()
    x[:, 3] = 1.0
    found = only(diagnose(regressor(), x, Y), "constant-inputs")

    assert (found.severity, found.units) == ("note", (3,))
    assert "constant-inputs" not in kinds(diagnose(regressor(), X, Y))


def test_inputs_that_are_all_alike_are_a_problem():
    assert only(diagnose(regressor(), X * 0 + 2, Y), "constant-inputs").severity == "problem"


def test_numbers_that_are_not_finite_are_counted_and_left_out():
    x = X.copy()
    x[7, 2], x[7, 3], x[399, 2] = np.nan, np.inf, 1e300
    diagnosis = diagnose(regressor(), x, Y)
    found = only(diagnosis, "non-finite-inputs")

    assert found.severity == "problem"
    assert found.evidence["entries"] == 3
    assert found.evidence["rows"] == 2
    assert found.units == (2, 3)
    assert "nan in row 7, column 2" in found.message
    assert diagnosis.num_rows == 398
    assert kinds(diagnosis) == {"non-finite-inputs"}


def test_rows_that_are_not_finite_are_left_out_wherever_they_are():
    x = np.tile(X, (4, 1))  # two blocks
    x[1500:, 4] = np.nan
    diagnosis = diagnose(regressor(), x, np.tile(Y, 4))

    assert only(diagnosis, "non-finite-inputs").evidence["rows"] == 100
    assert diagnosis.num_rows == 1500
    assert kinds(diagnosis) == {"non-finite-inputs"}


def test_without_a_finite_row_nothing_else_is_checked():
    diagnosis = diagnose(regressor(), X * np.nan, Y)

    assert kinds(diagnosis) == {"non-finite-inputs"}
    assert diagnosis.skipped == {"all else": "no row is finite"}


# Units


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

    assert "learning_rate=0.03 instead of 0.25" in found.remedy


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
    assert found.evidence == {"symmetric": 6, "units": 6, "groups": 1, "largest_group": 6}
    assert "weight_initializer='glorot_uniform'" in found.remedy
    assert ("Zeros()" if initializer == "zeros" else "Constant(0.3)") in found.remedy.replace(
        "value=", ""
    )


def test_symmetry_lasts_through_training_and_is_still_found():
    layers = [
        Dense(units, activation, weight_initializer=Constant(0.05))
        for units, activation in ((50, "sigmoid"), (10, "softmax"))
    ]
    model = compiled(*layers, loss="cce")  # 50 units: rounding makes them differ a little
    model.fit(PIXELS, LABELS, epochs=3, verbose=0)
    weight = model.layers[0].params["weight"]

    assert len(np.unique(weight, axis=0)) > 1
    assert only(diagnose(model, PIXELS, LABELS), "symmetric-units").evidence == {
        "symmetric": 50,
        "units": 50,
        "groups": 1,
        "largest_group": 50,
    }


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
    model = regressor(Dense(8), Activation("relu"), Dense(6), LayerNorm())
    assert "no-activation" not in kinds(diagnose(model, X, Y))


# Gradients and overflow


def chain_of_two(second_weight):
    """A network z = w x, y = v z whose gradient behind the first layer is v times that at y."""
    model = compiled(Dense(1, use_bias=False), Dense(1, use_bias=False), dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = 1.0
    model.layers[1].params["weight"][...] = second_weight
    return model


@pytest.mark.parametrize(
    ("v", "kind", "severity"),
    [
        (2e-3, None, None),
        (5e-4, "vanishing-gradients", "note"),
        (2e-5, "vanishing-gradients", "note"),
        (5e-6, "vanishing-gradients", "warning"),
        (5e-8, "vanishing-gradients", "problem"),
        (5e2, None, None),
        (2e3, "exploding-gradients", "note"),
        (2e5, "exploding-gradients", "warning"),
        (5e6, "exploding-gradients", "warning"),
        (2e7, "exploding-gradients", "problem"),
    ],
)
def test_gradients_are_compared_from_layer_to_layer(v, kind, severity):
    x = X[:, :1]
    y = x + rng.normal(size=x.shape)
    diagnosis = diagnose(chain_of_two(v), x, y)
    found = [f for f in diagnosis if f.kind.endswith("-gradients")]

    if kind is None:
        assert found == []
        return
    (finding,) = found
    assert (finding.kind, finding.severity, finding.layer) == (kind, severity, "dense_1")
    slope = np.sqrt(((2 * (v * x - y)) ** 2).mean())  # root mean square of ∂L_i/∂y
    assert finding.evidence["norms"]["dense_2"] == pytest.approx(slope)
    assert finding.evidence["norms"]["dense_1"] == pytest.approx(v * slope)
    assert finding.evidence["ratio"] == pytest.approx(max(v, 1 / v))


def test_many_sigmoids_make_gradients_vanish_and_relus_do_not():
    deep = classifier(*[Dense(32, "sigmoid") for _ in range(9)])
    found = only(diagnose(deep, PIXELS, LABELS), "vanishing-gradients")
    assert (found.severity, found.layer) == ("warning", "dense_1")
    assert list(found.evidence["norms"]) == [f"dense_{k}" for k in range(10, 0, -1)]

    he = [Dense(32, "relu", weight_initializer="he_normal") for _ in range(9)]
    assert "vanishing-gradients" not in kinds(diagnose(classifier(*he), PIXELS, LABELS))


def test_large_first_weights_make_gradients_explode():
    large = [Dense(64, "relu", weight_initializer=RandomNormal(0.0, 1.0)) for _ in range(8)]
    found = only(diagnose(classifier(*large), PIXELS, LABELS), "exploding-gradients")

    assert (found.severity, found.layer) == ("warning", "dense_1")


def test_a_gradient_of_zero_behind_zero_weights_is_not_called_vanishing():
    model = regressor(Dense(8, "tanh"), Dense(8, "tanh"))
    model.build(5)
    model.layers[-1].params["weight"][...] = 0.0

    assert diagnose(model, X, Y) == []


def test_weights_that_are_not_finite_are_found_in_their_layer():
    model = regressor(Dense(8, "relu"), Dense(4, "relu"))
    model.build(5)
    model.layers[1].params["weight"][0, 0] = np.nan
    diagnosis = diagnose(model, X, Y)
    found = only(diagnosis, "non-finite-weights")

    assert (found.severity, found.layer, found.evidence["entries"]) == ("problem", "dense_2", 1)
    assert kinds(diagnosis) == {"non-finite-weights"}
    assert diagnosis.skipped["gradients"] == "the weights are not finite"


def test_the_first_layer_that_overflows_is_named():
    model = regressor(Dense(8), Dense(8), Dense(8))
    model.build(5)
    model.layers[1].params["weight"][...] = 1e38
    model.layers[2].params["weight"][...] = 1e38
    diagnosis = diagnose(model, X, Y)
    found = only(diagnosis, "non-finite-outputs")
    with np.errstate(all="ignore"):
        second = model.layers[1].forward(model.layers[0].forward(X.astype(np.float32)))

    assert (found.severity, found.layer) == ("problem", "dense_2")
    assert found.evidence["entries"] == np.count_nonzero(~np.isfinite(second)) > 0
    assert "learning rate" in diagnosis.skipped


def test_a_loss_that_overflows_is_found():
    found = only(diagnose(regressor(), X, Y * 1e30), "non-finite-outputs")

    assert found.layer is None
    assert "the loss is" in found.message


# Targets


@pytest.mark.parametrize(
    ("make", "y", "advice"),
    [
        (classifier, LABELS + 1, "Number the 10 classes from 0"),
        (classifier, LABELS - 1.0, "Number the 10 classes from 0"),
        (classifier, np.sin(np.arange(1437.0)), "end in Dense(1) without activation"),
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
        "shape": (1437,),
        "outputs": 10,
        "min": 1.0,
        "max": 10.0,
        "distinct": 10,
    }
    assert "runs from 1 to 10" in found.message


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

    assert (found.severity, found.evidence["missing"]) == ("note", (4, 9))


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


# The learning rate. With x = ±1 and y = x, one weight w and no bias, the loss of any batch is
# (w - 1)², and a step of gradient descent multiplies w - 1 by 1 - 2η.

SIGNS = np.where(np.arange(64) % 2, 1.0, -1.0)[:, None]


def parabola(optimizer, w=3.0):
    model = compiled(Dense(1, use_bias=False), optimizer=optimizer, dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = w
    return model


def judged(model, x=SIGNS, y=SIGNS):
    return [f for f in diagnose(model, x, y) if f.kind.startswith("learning-rate")]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.9])
def test_learning_rates_that_lower_the_loss_are_left_alone(rate):
    assert judged(parabola(SGD(rate), w=-3.0)) == []


def test_a_learning_rate_that_raises_the_loss_is_found_with_one_that_lowers_it():
    (found,) = judged(parabola(SGD(1.5)))

    assert (found.kind, found.severity) == ("learning-rate-too-high", "problem")
    assert found.evidence["loss_before"] == pytest.approx(4.0)
    assert found.evidence["loss_after"] == pytest.approx(4.0 * 4.0**16)  # (1 - 2η)² = 4
    assert found.evidence["better_learning_rate"] == pytest.approx(0.15)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.7**32)
    assert "compile with SGD(learning_rate=0.15) instead of 1.5" in found.remedy
    assert "on batches of 32 rows, the loss began at 4 and went up to" in found.message
    (found,) = judged(parabola(SGD(1.5)), SIGNS[:6], SIGNS[:6])
    assert "on batches of 6 rows" in found.message


def test_a_loss_that_becomes_infinite_is_a_learning_rate_too_high():
    (found,) = judged(parabola(SGD(1e30)))

    assert found.severity == "problem"
    assert "became infinite or NaN" in found.message
    assert found.evidence["loss_worst"] == math.inf
    assert "nan of their size" not in found.message


def test_large_updates_that_a_lower_rate_beats_are_found():
    # 1 - 2η = -0.98: the loss hardly falls. A tenth of the rate: 1 - 2η = 0.802.
    (found,) = judged(parabola(SGD(0.99), w=3.0))

    assert (found.kind, found.severity) == ("learning-rate-too-high", "warning")
    assert found.evidence["update_ratio"] > 0.05
    assert found.evidence["loss_after"] == pytest.approx(4.0 * 0.98**32)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.802**32)


@pytest.mark.parametrize("rate", [1e-6, 1e-9, 1e-18])
def test_a_learning_rate_that_changes_nothing_is_found(rate):
    (found,) = judged(parabola(SGD(rate)))

    assert (found.kind, found.severity) == ("learning-rate-too-low", "warning")
    # Of the powers of ten, 0.1 is the best: (1 - 2η)² = 0.64.
    assert found.evidence["better_learning_rate"] == pytest.approx(0.1)
    assert found.evidence["better_loss_after"] == pytest.approx(4.0 * 0.8**32)
    # ‖Δw‖ / ‖w‖ = η · 2 (w - 1) / w
    assert found.evidence["update_ratio"] == pytest.approx(rate * 4 / 3, rel=1e-3, abs=1e-16)


def test_small_updates_of_a_model_that_has_learned_are_left_alone():
    assert judged(parabola(SGD(1e-7), w=1.1)) == []  # loss 0.01; answering 0 has 1
    assert judged(parabola(SGD(1e-7), w=1.5)) != []


def test_small_updates_that_no_rate_improves_are_left_alone():
    y = rng.permutation(np.repeat([-1.0, 1.0], 32))[:, None]  # nothing to do with x
    model = compiled(Dense(1, use_bias=False), optimizer=SGD(1e-8), dtype="float64")
    model.build(1)
    model.layers[0].params["weight"][...] = (
        float((SIGNS * y).mean()) + 0.1
    )  # 1 % above the least loss

    assert judged(model, SIGNS, y) == []


def test_a_learning_rate_of_zero_is_found():
    (found,) = judged(parabola(SGD(0.0)))

    assert (found.kind, found.severity) == ("learning-rate-too-low", "warning")


def test_real_networks_at_too_high_and_too_low_rates():
    def kinds_at(optimizer):
        model = classifier(Rescaling(1 / 16), Dense(64, "relu"), optimizer=optimizer)
        return {k for k in kinds(diagnose(model, DIGITS, LABELS)) if k.startswith("learning")}

    assert kinds_at(SGD(30.0)) == kinds_at(Adam(1.0)) == {"learning-rate-too-high"}
    assert kinds_at(SGD(1e-7)) == kinds_at(Adam(1e-9)) == {"learning-rate-too-low"}


def test_schedules_are_judged_by_the_steps_to_come():
    (high,) = judged(parabola(SGD(ExponentialDecay(1.5, 1000, 0.9))))
    assert high.kind == "learning-rate-too-high"
    assert "ExponentialDecay" in high.remedy

    (low,) = judged(parabola(SGD(ExponentialDecay(1e-7, 1000, 0.9))))
    assert (low.kind, low.severity) == ("learning-rate-too-low", "warning")


def test_a_warm_up_from_zero_is_left_alone():
    assert judged(parabola(SGD(CosineDecay(0.1, 10**7, warmup_steps=10**6)))) == []


def test_a_schedule_that_has_come_to_its_end_is_noted():
    for alpha in (0.0, 1e-7):
        model = parabola(SGD(CosineDecay(0.1, 100, alpha=alpha)))
        model.optimizer.iterations = 5_000
        (found,) = judged(model)

        assert (found.kind, found.severity) == ("learning-rate-too-low", "note")


def test_trials_begin_with_the_optimizers_memory():
    model = parabola(SGD(1e-3, momentum=0.999), w=1.5)
    assert judged(model) == []

    model.optimizer.slots["velocity"][...] = 2.0  # 16 steps of it lead far from 1
    (found,) = judged(model)
    assert found.kind == "learning-rate-too-high"
    assert model.optimizer.slots["velocity"][0] == 2.0


def test_each_trial_begins_with_the_optimizers_memory_anew():
    def loss_after(rate, momentum=0.9):
        distance, velocity = 2.0, 0.0
        for _ in range(16):
            velocity = momentum * velocity - rate * 2.0 * distance
            distance += velocity
        return distance**2

    (found,) = judged(parabola(SGD(5.0, momentum=0.9)))

    assert found.evidence["loss_after"] == pytest.approx(loss_after(5.0))
    best = min((loss_after(5.0 / 10.0**k), 5.0 / 10.0**k) for k in range(1, 6))
    assert found.evidence["better_loss_after"] == pytest.approx(best[0])
    assert found.evidence["better_learning_rate"] == pytest.approx(best[1])


def test_a_rise_on_the_way_to_much_less_is_left_alone():
    model = parabola(SGD(0.1, momentum=0.5), w=2.0)
    model.optimizer.slots["velocity"][...] = 3.0  # w - 1 goes from 1 to 2.3, then to nearly 0

    assert judged(model) == []


def test_dropout_is_switched_off_in_trials():
    model = compiled(Dropout(0.5), Dense(1, use_bias=False), optimizer=SGD(1.5), dtype="float64")
    model.build(1)
    model.layers[1].params["weight"][...] = 3.0
    (found,) = judged(model)

    assert found.evidence["loss_after"] == pytest.approx(4.0 * 4.0**16)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["labels", "onehot", "binary", "numbers"])
def test_the_loss_of_guessing_is_that_of_the_best_constant_answer(form, weighted):
    classes = np.repeat([0, 1, 1, 1], 100)
    w = np.where(np.arange(400) % 4, 1.0, 0.5) if weighted else np.ones(400)
    w[:50] = 2.0 if weighted else 1.0
    model, y = regressor(units=2, ending="softmax", loss="cce"), classes
    p = np.average(classes, weights=w)
    expected = -np.mean(w * np.where(classes, math.log(p), math.log(1 - p)))
    if form == "onehot":
        y = np.eye(2)[classes]
    if form == "binary":
        model = regressor(ending="sigmoid", loss="bce")
    if form == "numbers":
        model, y = regressor(), Y
        expected = np.mean(w * (Y - np.average(Y, weights=w)) ** 2)
    opened, _, _ = sample.open_sample(model, X, y, w if weighted else None)

    assert chance_loss(opened) == pytest.approx(expected, rel=1e-5)


def test_weights_enter_the_loss_and_the_trials():
    # Half of the rows would have w = -3, but do not count.
    y = SIGNS * np.where(np.arange(64) < 32, -3.0, 1.0)[:, None]
    weight = np.where(np.arange(64) < 32, 0.0, 1.0)
    model = parabola(SGD(5.0))
    (found,) = (f for f in diagnose(model, SIGNS, y, weight) if f.kind == "learning-rate-too-high")

    assert found.evidence["loss_before"] == pytest.approx(2.0)  # (3 - 1)² on half of the rows
