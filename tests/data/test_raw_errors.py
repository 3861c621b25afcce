"""Values of a wrong kind are refused by errors of our own, before anything is changed."""

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from ffnn.data.numbers import as_numbers
from ffnn.data.sources import open_source
from ffnn.errors import DataError
from ffnn.layers import BatchNorm, Dense
from ffnn.optimizers import SGD
from ffnn.schedules import PiecewiseConstantDecay

HUGE, UNWRITABLE = 10**400, 10**5000  # Python writes no integer of more than 4,300 digits
RAGGED = [[1, 2], [3]]
X, Y = np.eye(2), np.array([0.0, 1.0])


def network():
    model = ffnn.Sequential([Dense(3, "relu"), BatchNorm(), Dense(1)], input_dim=2, seed=0)
    model.compile()
    return model


@pytest.mark.parametrize("place", [0, 3, 4, 5, 6])
@pytest.mark.parametrize("wrong", ["text", "complex", "nan", "infinite", "too large", "ragged"])
def test_weights_of_a_wrong_kind_are_refused_before_the_first_is_written(place, wrong):
    model = network()
    before, weights = model.get_weights(), [array + 1.0 for array in model.get_weights()]
    array = weights[place].astype(np.float64)
    weights[place] = {
        "text": lambda: array.astype(str).astype("U8").astype(object) + "x",
        "complex": lambda: array + 1j,
        "nan": lambda: array * np.nan,
        "infinite": lambda: np.full_like(array, np.inf),
        "too large": lambda: array * 0.0 + 1e300,
        "ragged": lambda: RAGGED,
    }[wrong]()
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"set_weights"):
        model.set_weights(weights)

    for now, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_a_negative_variance_and_no_list_are_refused_as_weights():
    model = network()
    weights = model.get_weights()
    weights[5] = -weights[5] - 1.0
    with pytest.raises(ValueError, match="batch_norm_1: moving_variance"):
        model.set_weights(weights)
    for wrong in (None, 5, "weights"):
        with pytest.raises(TypeError, match="set_weights: weights must be a list"):
            model.set_weights(wrong)


@pytest.mark.parametrize(
    "number", [HUGE, UNWRITABLE, -UNWRITABLE], ids=["1e400", "1e5000", "minus"]
)
@pytest.mark.parametrize(
    "use",
    [
        lambda number: network().predict([[number, 0]]),
        lambda number: network().fit(X, [number, 0], verbose=0),
        lambda number: network().fit(X, Y, sample_weight=[number, 0], verbose=0),
        lambda number: network().fit(X, Y, class_weight={0: number}, verbose=0),
        lambda number: network().fit(X, Y, class_weight={number: 1}, verbose=0),
        lambda number: network().fit(X, Y, epochs=number, verbose=0),
        lambda number: network().fit(X, Y, batch_size=number, verbose=0),
        lambda number: network().set_weights([number] * 8),
        SGD,
        Dense,
    ],
)
def test_integers_beyond_all_floats_are_refused_in_words_of_our_own(use, number):
    with pytest.raises(ValueError, match=r"expected|must be") as caught:
        use(number)

    assert "Exceeds the limit" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "use",
    [
        lambda model, y: model.fit(X, y, verbose=0),
        lambda model, y: model.fit(X, Y, validation_data=(X, y), verbose=0),
        lambda model, y: model.evaluate(X, y),
        lambda model, y: model.train_on_batch(X, y),
        lambda model, y: model.compute_gradients(X, y),
        lambda model, y: model.explain_step(X, y),
        lambda model, y: ffnn.gradient_check(model, X, y),
        lambda model, y: model.diagnose(X, y),
    ],
)
def test_ragged_targets_are_refused_with_the_row(use):
    with pytest.raises(
        DataError, match=r"y: expected rows of one length, got 2 entries in row 0 a"
    ):
        use(network(), RAGGED)


@pytest.mark.parametrize("y", [None, 5, {1, 2}, {"a": 1}])
def test_no_targets_are_refused(y):
    with pytest.raises(DataError, match="y: expected one target for each of 2 rows, got"):
        network().fit(X, y, verbose=0)


@pytest.mark.parametrize(
    ("x", "parts"),
    [
        (np.ones(5), ["x.reshape(1, -1)", "x.reshape(-1, 1)"]),
        (np.ones((2, 3, 4)), ["x.reshape(len(x), -1)"]),
        (None, ["Give an array"]),
        ([np.ones((4, 2)), np.ones((4, 2))], ["2 arrays", "np.hstack(x)", "np.reshape(x, (len(x)"]),
        ([np.ones((4, 2)), np.ones((4, 3))], ["2 arrays", "np.hstack(x)"]),
        ([[1, 2], [3]], ["rows of one length, got 2 entries in row 0 and 1 in row 1"]),
        (np.full((2, 2), "1.5"), ["numbers written as text", ".astype(float)"]),
        (np.full((2, 2), 1 + 1j), ["real numbers"]),
    ],
)
def test_inputs_of_another_shape_or_kind_say_what_to_do(x, parts):
    with pytest.raises(DataError) as caught:
        open_source(x, np.float32)

    for part in parts:
        assert part in str(caught.value)


def test_numbers_that_are_not_numpys_are_not_called_text():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for what in ("x", "y"):
        with pytest.raises(DataError, match="dtype bfloat16: not one of NumPy's") as caught:
            as_numbers(np.ones((2, 2), ml_dtypes.bfloat16), what)
        assert "text" not in str(caught.value)


@pytest.mark.parametrize("arguments", [(5, [1.0]), ([5], 1.0), (None, [1.0])])
def test_a_schedule_of_pieces_takes_lists(arguments):
    with pytest.raises(TypeError, match=r"PiecewiseConstantDecay: .* must be a list"):
        PiecewiseConstantDecay(*arguments)


@pytest.mark.parametrize("path", [None, 5, ""])
def test_a_checkpoint_takes_a_path(path):
    with pytest.raises((TypeError, ValueError), match="ModelCheckpoint: filepath must be"):
        ModelCheckpoint(path)


@pytest.mark.parametrize("callback", [EarlyStopping, ReduceLROnPlateau])
@pytest.mark.parametrize("monitor", [None, 5, ["loss"]])
def test_a_monitor_is_a_string(callback, monitor):
    with pytest.raises(TypeError, match=r"monitor must be a string"):
        callback(monitor=monitor)


@pytest.mark.parametrize("path", [None, 5, "", "x.h5/"])
def test_a_model_is_saved_in_a_file_with_a_name(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match="save: path must be"):
        network().save(path)

    assert list(tmp_path.iterdir()) == []
