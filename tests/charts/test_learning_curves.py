import math
from types import SimpleNamespace

import pytest

from ffnn.charts.learning_curves import Curve, is_logarithmic, read_curves


def record(history, epochs, higher_is_better=()):
    return SimpleNamespace(history=history, epoch=epochs, higher_is_better=higher_is_better)


def curve(training, validation=None, *, name="loss", higher=False):
    return Curve(name, list(range(1, len(training) + 1)), training, validation, higher)


def test_a_history_is_read_into_a_curve_a_number():
    history = {"loss": [3.0, 2.0], "f1": [0.1, 0.2], "val_loss": [4.0, 5.0], "val_f1": [0.3, 0.4]}

    curves = read_curves(record(history, [0, 1], ["f1"]))

    assert curves == {
        "loss": Curve("loss", [1, 2], [3.0, 2.0], [4.0, 5.0], False),
        "f1": Curve("f1", [1, 2], [0.1, 0.2], [0.3, 0.4], True),
    }


def test_a_name_that_only_begins_like_validation_is_a_number_of_its_own():
    curves = read_curves(record({"loss": [1.0], "val_gain": [2.0]}, [4]))

    assert curves["val_gain"] == Curve("val_gain", [5], [2.0], None, False)


@pytest.mark.parametrize(
    ("training", "validation", "higher", "best"),
    [
        ([3.0, 1.0, 2.0], None, False, (2, 1.0)),
        ([3.0, 1.0, 4.0], None, True, (3, 4.0)),
        ([3.0, 1.0, 2.0], [5.0, 6.0, 4.0], False, (3, 4.0)),
        ([3.0, 1.0, 2.0], [5.0, 6.0, 4.0], True, (2, 6.0)),
        ([2.0, 1.0, 1.0], None, False, (2, 1.0)),  # of equals the first
        ([1.0, 2.0, 2.0], None, True, (2, 2.0)),
        ([math.nan, -math.inf, 2.0], None, False, (3, 2.0)),
        ([math.nan, math.inf, 2.0], None, True, (3, 2.0)),
        ([1.0, 2.0], [math.nan, math.inf], False, None),
    ],
)
def test_the_best_epoch_is_that_of_validation_else_of_training(training, validation, higher, best):
    assert curve(training, validation, higher=higher).best == best


def test_the_best_of_training_is_known_beside_validation():
    shown = curve([3.0, 1.0, 2.0], [5.0, 6.0, 4.0])

    assert shown.best_of(shown.training) == (2, 1.0)


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        ([curve([1.0, 0.0099])], True),
        ([curve([1.0, 0.01])], False),
        ([curve([1.0, 0.0])], False),
        ([curve([1.0, -0.001])], False),
        ([curve([1.0, 0.5], [1.0, 0.001])], True),
        ([curve([100.0]), curve([0.5])], True),
        ([curve([100.0, 0.5]), curve([0.0, 1.0])], False),
        ([curve([math.inf, 1.0])], False),
        ([curve([math.nan])], False),
        ([curve([1.0, 0.001], name="mean_squared_error")], False),
    ],
)
def test_a_positive_loss_of_more_than_two_decades_is_logarithmic(curves, expected):
    assert is_logarithmic(curves) is expected
