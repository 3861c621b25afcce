"""Numbers as text."""

import math

import numpy as np
import pytest

from ffnn.explanation.number_format import fill, write_number, write_numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5, -0.25], ["0.50", "-0.25"]),  # fewer decimals tell all
        ([1.0, 0.0, 3.0], ["1", "0", "3"]),
        ([1 / 3, 2 / 3], ["0.3333", "0.6667"]),
        ([1 / 3, 0.0, -0.0], ["0.3333", "0", "0"]),
        ([100 / 3, 1.0], ["33.33", "1.00"]),
        ([0.123456, 0.00012345], ["0.12346", "0.00012"]),  # the smallest has two digits
        ([1.23456, 1e-7], ["1.235", "1e-07"]),  # one tiny number changes no other
        ([0.5, 0.25, 1 / 3, 1.2345e-9], ["0.5000", "0.2500", "0.3333", "1.2e-09"]),
        ([1.23e-5, 4.56789e-6, 0.1], ["0.000012", "4.6e-06", "0.100000"]),
        ([1.5e-8, 2.25e-9, 1.0], ["1.50e-08", "2.25e-09", "1.00e+00"]),  # most are tiny
        ([1e-8], ["1e-08"]),
        ([123456.7, 3.0], ["123456.7", "3.0"]),
        ([1.5e9, 1.0], ["1.5e+09", "1"]),
        ([1.23456e9, 1.0, 2.5], ["1.235e+09", "1.0", "2.5"]),
        ([math.nan, math.inf, -math.inf, 1.5], ["nan", "inf", "-inf", "1.5"]),
        ([], []),
    ],
)
def test_entries_of_an_array_are_written_alike(values, expected):
    assert write_numbers(np.array(values), 4).tolist() == expected


def test_float32_and_integers_are_written_as_they_were_meant():
    assert write_numbers(np.array([0.1, 0.25], "float32"), 4).tolist() == ["0.10", "0.25"]
    assert write_numbers(np.array([[255, 3]], "uint8"), 2).tolist() == [["255", "3"]]
    assert write_number(np.float32(0.01), 4) == "0.01"
    assert write_number(math.pi, 3) == "3.14"


def test_nothing_but_zero_is_written_as_zero():
    rng = np.random.default_rng(0)
    for precision in (1, 2, 4, 7):
        values = rng.normal(size=(200, 5)) * 10.0 ** rng.integers(-12, 12, size=(200, 5))
        for row in values:
            assert all(float(text) != 0.0 for text in write_numbers(row, precision))


def test_columns_are_cut_where_the_next_one_no_longer_fits():
    assert fill([3, 3, 3], 13) == [slice(0, 3)]
    assert fill([3, 3, 3], 12) == [slice(0, 2), slice(2, 3)]
    assert fill([3, 3, 3], 12, gap=1) == [slice(0, 3)]
    assert fill([9, 1, 9], 4) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert fill([], 4) == []
