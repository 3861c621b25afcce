"""`diagnose`: what is sound is left alone, the model and the data come back as they were."""

import copy
import tracemalloc

import numpy as np
import pytest
from diagnosis import (
    DIGITS,
    LABELS,
    LOSS_CHECKS,
    PIXELS,
    TEST_DIGITS,
    TEST_LABELS,
    X,
    Y,
    classifier,
    grave,
    kinds,
    only,
    regressor,
)

import ffnn
from ffnn.diagnostics import diagnose, sample
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Rescaling, RMSNorm
from ffnn.optimizers import SGD
from ffnn.schedules import CosineDecay

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
