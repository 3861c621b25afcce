"""Argument checks: what passes, what type comes back, and what the messages say."""

from __future__ import annotations

import inspect
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import ffnn.sequential  # noqa: F401  # which imports every family of parts
from ffnn.core.checks import (
    check_bool,
    check_choice,
    check_int,
    check_items,
    check_number,
    check_path,
    check_seed,
    check_text,
    nearest,
)
from ffnn.core.registry import Family, find_classes


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_int_comes_back_as_a_python_int(value):
    result = check_int("Dense", "units", value, low=1)
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, [3]])
def test_int_refuses_what_is_not_an_integer(value):
    with pytest.raises(TypeError, match="Dense: units must be an integer, got "):
        check_int("Dense", "units", value, low=1)


def test_int_accepts_its_smallest_value_and_refuses_one_less():
    assert check_int("Dense", "units", 1, low=1) == 1
    with pytest.raises(ValueError, match="Dense: units must be at least 1, got 0"):
        check_int("Dense", "units", 0, low=1)


def test_int_refuses_more_than_64_bits_hold_unless_told_otherwise():
    assert check_int("Dense", "units", 2**63 - 1, low=1) == 2**63 - 1
    with pytest.raises(ValueError, match="Dense: units must be at most 9223372036854775807, got "):
        check_int("Dense", "units", 2**63, low=1)
    assert check_int("Dense", "seed", 2**200, low=0, high=None) == 2**200


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.float64(2), np.int8(2), Fraction(4, 2)]
)
def test_number_comes_back_as_a_python_float(value):
    result = check_number("SGD", "learning_rate", value)
    assert result == 2.0
    assert type(result) is float


@pytest.mark.parametrize("value", [True, "0.1", None, 1j, [0.1], np.array([0.1])])
def test_number_refuses_what_is_not_a_number(value):
    with pytest.raises(TypeError, match="SGD: learning_rate must be a number, got "):
        check_number("SGD", "learning_rate", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_refuses_nan_and_infinity(value):
    with pytest.raises(ValueError, match=r"must be a finite number in \(-inf, inf\), got "):
        check_number("SGD", "learning_rate", value)


@pytest.mark.parametrize("sign", [1, -1])
def test_number_refuses_an_integer_beyond_all_floats_with_a_message(sign):
    with pytest.raises(ValueError, match="SGD: learning_rate must be a finite number"):
        check_number("SGD", "learning_rate", sign * 10**400)


@pytest.mark.parametrize(
    ("options", "inside", "outside", "interval"),
    [
        ({"low": 0.0}, [0.0, 9.0], [-1e-9], r"\[0.0, inf\)"),
        ({"low": 0.0, "low_open": True}, [1e-9], [0.0, -1.0], r"\(0.0, inf\)"),
        ({"low": 0.0, "high": 1.0}, [0.0, 1.0], [-0.1, 1.1], r"\[0.0, 1.0\]"),
        ({"low": 0.0, "high": 1.0, "high_open": True}, [0.0, 0.99], [1.0], r"\[0.0, 1.0\)"),
        ({"high": 1.0}, [-9.0, 1.0], [1.1], r"\(-inf, 1.0\]"),
    ],
)
def test_number_keeps_to_its_interval_and_prints_it(options, inside, outside, interval):
    for value in inside:
        assert check_number("X", "y", value, **options) == value
    for value in outside:
        with pytest.raises(ValueError, match=f"X: y must be a finite number in {interval}, got "):
            check_number("X", "y", value, **options)


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_bool_comes_back_as_a_python_bool(value):
    result = check_bool("Dense", "use_bias", value)
    assert result == value
    assert type(result) is bool


NO_BOOLEANS = ["no", "False", "", 0, 1, 0.0, None, [], np.array([True])]


@pytest.mark.parametrize("value", NO_BOOLEANS)
def test_bool_refuses_all_else(value):
    with pytest.raises(TypeError, match="Dense: use_bias must be True or False, got "):
        check_bool("Dense", "use_bias", value)


def switches():
    """Return each class that takes booleans, what else it needs, and a boolean's name."""
    cases, needed = [], {"int": 2, "float": 0.5, "FilePath": "log.csv"}
    parts = [cls for family in Family.by_kind.values() for cls in family]
    for cls in [*parts, *find_classes("ffnn.callbacks").values()]:
        parameters = inspect.signature(cls).parameters.values()
        others = {p.name: needed.get(p.annotation) for p in parameters if p.default is p.empty}
        cases += [
            pytest.param(cls, others, p.name, id=f"{cls.__name__}-{p.name}")
            for p in parameters
            if p.annotation == "bool"
        ]
    return cases


@pytest.mark.parametrize("value", NO_BOOLEANS)
@pytest.mark.parametrize(("cls", "others", "name"), switches())
def test_each_boolean_argument_is_a_boolean(cls, others, name, value):
    with pytest.raises(TypeError, match=f"{name} must be True or False, got "):
        cls(**others, **{name: value})


def test_all_booleans_are_found():
    assert {case.id for case in switches()} >= {
        "Dense-use_bias",
        "SGD-nesterov",
        "ExponentialDecay-staircase",
        "InverseTimeDecay-staircase",
        "CSVLogger-append",
        "EarlyStopping-restore_best_weights",
        "ModelCheckpoint-save_best_only",
    }


@pytest.mark.parametrize("value", ["a/log.csv", b"a/log.csv", Path("a/log.csv")])
def test_path_comes_back_as_a_string(value):
    assert check_path("CSVLogger", "filename", value) == str(Path("a/log.csv"))


NO_NAMES = [".", "..", "a/.", "a/..", "a/b/", "/"]


@pytest.mark.parametrize("name", ["...", ".h5", "a/..h5", "a./b", "./b", "\udc80.h5"])
def test_path_takes_names_with_dots_and_bytes_that_are_no_text(name):
    assert check_path("CSVLogger", "filename", name) == name


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "must be a path, got None"),
        (3, TypeError, "must be a path, got 3"),
        (["a"], TypeError, "must be a path"),
        ("", ValueError, "must be the path of a file, got ''"),
        ("x.h5/", ValueError, "must be the path of a file, got 'x.h5/'"),
        ("a\0b", ValueError, "must be the path of a file"),
        ("\ud800.h5", ValueError, r"must be the path of a file, got '\\ud800.h5'"),
        *((name, ValueError, "must be the path of a file") for name in NO_NAMES),
        *((name.encode(), ValueError, "must be the path of a file") for name in NO_NAMES),
    ],
)
def test_path_refuses_what_names_no_file(value, error, message):
    with pytest.raises(error, match=f"CSVLogger: filename {message}"):
        check_path("CSVLogger", "filename", value)


def test_choice_returns_a_valid_value_and_lists_the_choices_otherwise():
    assert check_choice("Sequential", "dtype", "float32", ("float32", "float64")) == "float32"
    with pytest.raises(ValueError, match="dtype must be one of float32, float64, got 'float16'"):
        check_choice("Sequential", "dtype", "float16", ("float32", "float64"))


def test_choice_accepts_a_generator_of_choices():
    with pytest.raises(ValueError, match="must be one of a, b, got 3"):
        check_choice("X", "y", 3, (letter for letter in "ab"))


@pytest.mark.parametrize("value", [None, np.array(["a", "b"]), np.zeros(0), ["a"], b"a"])
def test_choice_refuses_what_is_not_a_string(value):
    with pytest.raises(ValueError, match="X: y must be one of a, b, got "):
        check_choice("X", "y", value, ("a", "b"))


def test_text_is_a_string():
    assert check_text("EarlyStopping", "monitor", "loss") == "loss"
    for value in (None, 3, b"loss", ["loss"]):
        with pytest.raises(TypeError, match="EarlyStopping: monitor must be a string, got "):
            check_text("EarlyStopping", "monitor", value)


@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.array([1, 2]), range(1, 3), iter([1, 2])])
def test_items_come_back_as_a_list(value):
    assert check_items("X", "y", value) == [1, 2]


@pytest.mark.parametrize("value", [None, 5, "12", b"12", {1: 2}, {1, 2}, list, np.array(1)])
def test_items_refuse_what_has_none_in_order(value):
    with pytest.raises(TypeError, match="X: y must be a list, got "):
        check_items("X", "y", value)


def test_seed_is_none_or_an_integer_from_zero():
    assert check_seed("Dropout", None) is None
    assert check_seed("Dropout", np.int32(0)) == 0
    with pytest.raises(ValueError, match="Dropout: seed must be at least 0, got -1"):
        check_seed("Dropout", -1)
    with pytest.raises(TypeError, match=r"Dropout: seed must be an integer, got 1\.5"):
        check_seed("Dropout", 1.5)


def test_nearest_names_the_closest_or_nothing():
    assert "id you mean 'relu'?" in nearest("rellu", ["relu", "tanh"])
    assert "id you mean 'tanh'?" in nearest("TanH", ["relu", "tanh"])
    assert nearest("qqqq", ["relu", "tanh"]) == ""
