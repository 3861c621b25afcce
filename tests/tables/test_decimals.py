"""Blocks of decimals that NumPy reads as a whole: the bits of `float`, and what is refused."""

import re

import numpy as np
import pytest

from ffnn.tables import read_table
from ffnn.tables.decimals import parse_decimals
from ffnn.tables.entries import are_numbers, parse_numbers
from ffnn.tables.raw import has_codes


def entries_of(rng, count):
    """Return decimals of 1 to 15 digits, some whole, some without digits before the point."""
    found = []
    for _ in range(count):
        digits = "".join(map(str, rng.integers(10, size=rng.integers(1, 16))))
        place = int(rng.integers(-1, len(digits) + 1))
        entry = digits if place < 0 else f"{digits[:place]}.{digits[place:]}"
        entry = re.sub(r"^0+(?=\d)", "", entry)
        found.append("-" * int(rng.integers(2)) + entry)
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", "/"])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_numbers_have_the_bits_of_float(delimiter, width):
    entries = entries_of(np.random.default_rng(width), 700)
    rows = [entries[i : i + width] for i in range(0, 700, width)]
    text = "".join(delimiter.join(row) + "\n" for row in rows)

    numbers = parse_decimals(text, delimiter, width)

    assert numbers.tobytes() == np.array([*map(float, entries)]).tobytes()
    assert numbers.shape == (len(rows), width)


def test_values_by_hand():
    text = "0,-0,1.5\n-12.75,.5,7.\n999999999999999,0.00000000000001,-123456789.25\n"

    numbers = parse_decimals(text, ",", 3)

    assert numbers.tolist() == [
        [0.0, 0.0, 1.5], [-12.75, 0.5, 7.0], [999999999999999.0, 1e-14, -123456789.25]
    ]  # fmt: skip
    assert np.signbit(numbers[0]).tolist() == [False, True, False]


def test_a_few_numbers_with_exponents_or_many_digits_are_read_by_float():
    others = ["1e-05", "-2.5E+3", "0.12345678901234567890", "1.e5", "-9007199254740991"]
    entries = ["1.25"] * 200
    for place, entry in enumerate(others):
        entries[37 * place] = entry

    numbers = parse_decimals("\n".join(entries) + "\n", ",", 1)

    assert numbers.ravel().tolist() == [*map(float, entries)]


@pytest.mark.parametrize(
    "entry",
    ["", " ", " 1", "1 ", "-", ".", "-.", "+1", "--1", "1-", "1-2", "1.2.3", "a", "nan", "inf",
     "1_000", "01", "-01", "00.5", "007", "1e999", "9007199254740993", "\u0661", "1\u00a0", '"1"',
     "1e", "0x1", "e5", "1\r"],
)  # fmt: skip
def test_a_block_with_anything_else_is_left_to_others(entry):
    rows = [["1.5", "2"] for _ in range(100)]
    assert parse_decimals("".join(",".join(row) + "\n" for row in rows), ",", 2) is not None
    for row, column in ((0, 0), (50, 1), (99, 1)):
        changed = [list(each) for each in rows]
        changed[row][column] = entry
        text = "".join(",".join(each) + "\n" for each in changed)
        assert parse_decimals(text, ",", 2) is None, (row, column)


@pytest.mark.parametrize(
    "text",
    ["1,2\n3\n", "1,2\n3,4,5\n", "1,2\n3,4,5,6\n", "1\n2,3\n4\n", "1,2\n\n3,4\n", "1,2\n3,4"],
)
def test_uneven_lines_are_left_to_others(text):
    assert parse_decimals(text, ",", 2) is None


def test_many_long_numbers_are_left_to_numpy():
    assert parse_decimals("0.12345678901234567\n" * 50, ",", 1) is None


@pytest.mark.parametrize("form", ["%.6g", "%.3f", "%.17g", "%d"])
def test_a_file_has_the_same_columns_in_each_form(tmp_path, form):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((9000, 3)) * [1e3, 0.4e4, 1e6]  # more than a block
    np.savetxt(tmp_path / "t.csv", x, form, ",", header="a,b,c", comments="")

    table = read_table(tmp_path / "t.csv")

    expected = np.array([[float(form % value) for value in row] for row in x])
    assert np.array([column.array for column in table.columns]).T.tolist() == expected.tolist()


def test_a_code_in_a_late_block_makes_its_column_text(tmp_path):
    lines = ["a,b", *(f"{i}.5,{i}" for i in range(10000)), "1.5,007"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")

    columns = read_table(tmp_path / "t.csv").columns

    assert columns[0].array.tolist()[-1] == 1.5
    assert str(columns[1].array[-1]) == "007"


LETTERS = ["0019.,-+e \n", "0 1,", "01.;-", "0\u06601,\u00a0-", "012.e-,\t"]


def test_codes_are_what_the_expression_finds():
    rng, found = np.random.default_rng(1), 0
    for _ in range(5000):
        text = "".join(rng.choice([*rng.choice(LETTERS)], rng.integers(9)))
        for delimiter in (",", None, ";", ".", "\t"):
            before = r"\s" if delimiter is None else rf"\s{re.escape(delimiter)}"
            expected = re.search(rf"(?:^|[{before}])[-+]?0\d", text) is not None
            assert has_codes(text, delimiter) is expected, (text, delimiter)
            found += expected
    assert found > 1000


def test_are_numbers_agrees_with_parse_numbers():
    rng, found = np.random.default_rng(2), 0
    letters = [*"00123456789..-+eE_$%ninf,\u0660'"]
    for _ in range(5000):
        sizes = rng.integers(1, rng.choice([2, 4, 8]), size=rng.integers(4))
        texts = ["".join(rng.choice(letters, size)) for size in sizes]
        expected = parse_numbers(texts) is not None
        assert are_numbers(texts) is expected, texts
        found += expected
    assert found > 300
