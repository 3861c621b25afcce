"""Single entries as people write them: numbers, what stands for a missing one, names of ids."""

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder, read_table
from ffnn.tables.entries import parse_numbers

# Entries, their values, and what all share around the numbers.
NUMBERS = {
    "no thousands begin with 0": (["0,123", "3,026"], [0.123, 3.026], ""),
    "a typographic apostrophe": (["32’103.21", "1’000’000"], [32103.21, 1e6], ""),
    "lakh and crore": (["₹12,34,567", "₹9,500.50"], [1234567.0, 9500.5], "₹"),
    "a code before": (["USD 1,200.50", "USD -3"], [1200.5, -3.0], "USD"),
    "a code with decimal comma": (["CHF1.200,50", "CHF 3"], [1200.5, 3.0], "CHF"),
    "dollars of a country": (["R$ 32.103,21", "R$ 5,00"], [32103.21, 5.0], "R$"),
    "kroner": (["kr. 500", "kr. 1 500"], [500.0, 1500.0], "kr."),
    "rupees": (["Rs. 500", "Rs. 1,500"], [500.0, 1500.0], "Rs."),
    "a unit with a slash": (["12 km/h", "7.5 km/h"], [12.0, 7.5], "km/h"),
    "a unit with a digit": (["12 µg/m3", "7µg/m3"], [12.0, 7.0], "µg/m3"),
    "square metres": (["85 m²", "120 m²"], [85.0, 120.0], "m²"),
    "a minus behind": (["12-", "1,200.50-", "3"], [-12.0, -1200.5, 3.0], ""),
    "a minus behind a decimal comma": (["1.200,50-", "3,5"], [-1200.5, 3.5], ""),
    "two dots for a missing one": (["12.5", ".."], [12.5, np.nan], ""),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_read_in_what_is_written_around_them(name):
    texts, values, unit = NUMBERS[name]
    found = parse_numbers(texts)
    np.testing.assert_array_equal(found.values, values)
    assert found.unit == unit


@pytest.mark.parametrize(
    "texts",
    [
        ["$5", "€5"],
        ["12 km/h", "12 m/s"],
        ["3 Jan 2020", "4 Jan 2020"],
        ["5-star", "3-star"],
        ["-5-", "3"],
        ["5-6", "7-8"],
        ["5--", "3"],
        ["120/80", "110/70"],
        ["USDX 5", "USDX 6"],
        ["12 of 15", "13 of 15"],
        ["1,00,00", "1,00,01"],
        ["0.123.456", "0.123.457"],
    ],
)
def test_what_only_begins_like_a_number_is_none(texts):
    assert parse_numbers(texts) is None


@pytest.mark.parametrize(
    "entry",
    ["\\N", "<NA>", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#N/A", "NULL"],
)
def test_what_databases_and_spreadsheets_write_for_nothing_is_missing(tmp_path, entry):
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\ty\n" + f"{entry}\tx\t1\n2\t{entry}\t3\n" + "5\tz\t7.5\n" * 20)
    table = read_table(path)
    assert [column.kind for column in table.columns] == ["number", "category", "number"]
    assert [int(column.is_missing.sum()) for column in table.columns] == [1, 1, 0]


@pytest.mark.parametrize(
    "name", ["id", "Id.", "No.", "Lfd. Nr.", "#", "№", "customerID", "customerId", "userid", "KEY"]
)
def test_different_whole_numbers_in_a_column_named_like_an_id_are_left_out(tmp_path, name):
    path = tmp_path / "t.csv"
    path.write_text(f"x,{name},y\n" + "".join(f"{i % 7},{i * 3},{i / 2}\n" for i in range(40)))
    assert read_table(path)[name].reason == "identifier"


@pytest.mark.parametrize("name", ["paid", "bid", "acid", "humid", "grid", "price_index", "wind"])
def test_a_name_that_only_ends_like_id_is_none_of_one(tmp_path, name):
    path = tmp_path / "t.csv"
    path.write_text(f"x,{name},y\n" + "".join(f"{i % 7},{i * 3},{i / 2}\n" for i in range(40)))
    assert read_table(path)[name].kind == "number"


CODES = ["01234", "10115", "00007"]


@pytest.mark.parametrize("form", [int, float, np.int32, lambda code: str(int(code))])
def test_codes_whose_zeros_were_lost_are_the_same_codes(tmp_path, form):
    path = tmp_path / "t.csv"
    path.write_text("zip,y\n" + "".join(f"{CODES[i % 3]},{i % 3}\n" for i in range(30)))
    encoder = TableEncoder().fit(path, "y")
    expected = encoder.transform({"zip": CODES})
    np.testing.assert_array_equal(expected.sum(axis=1), 1.0)
    path.write_text("zip\n" + "".join(f"{form(code)}\n" for code in CODES))
    np.testing.assert_array_equal(encoder.transform(path), expected)
    if form(CODES[0]) == 1234:
        numbers = {"zip": [form(code) for code in CODES]}
        np.testing.assert_array_equal(encoder.transform(numbers), expected)
        encoder.fit({"zip": CODES * 9, "x": range(27)}, "zip")
        np.testing.assert_array_equal(encoder.targets_of(numbers["zip"]), [1, 2, 0])
        with pytest.raises(ffnn.DataError, match="unknown class"):
            encoder.targets_of([8])


def test_two_codes_of_one_number_are_not_mixed_up():
    encoder = TableEncoder().fit({"c": ["7", "007", "01"] * 9, "y": range(27)}, "y")
    assert encoder.feature_names == ["c=007", "c=01", "c=7"]
    expected = [[0, 0, 1], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_array_equal(encoder.transform({"c": [7, 1, 2]}), expected)
