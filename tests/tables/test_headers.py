"""Where a table begins, and where its names are: titles, comments, units, quoted fields."""

import pytest

from ffnn.tables import read_table

ROWS = [(i, i % 7, f"{(i * 5) % 11 / 4:.2f}") for i in range(40)]
TWO = "".join(f"{a},{c}\n" for a, _, c in ROWS)
THREE = "".join(f"{a},{b},{c}\n" for a, b, c in ROWS)
SPACED = "".join(f"{a} {b} {c}\n" for a, b, c in ROWS)
QUOTED = "".join(f'"Mazda RX {a}" {b} {c}\n' for a, b, c in ROWS)

# The text of a file, and its names.
FILES = {
    "titles before two columns": ("Logger: TH-22\nNo. 17\n\nt,temp\n" + TWO, "t temp"),
    "one title before two columns": ("Logger\nt,temp\n" + TWO, "t temp"),
    "titles that hold the delimiter": (
        "Place: Berlin, Germany\nFrom: 2020-01-01, 2020-12-31\n\nt,n,temp\n" + THREE, "t n temp"),
    "titles with empty fields behind them": ("Report,,\n,,\nt,n,temp\n" + THREE, "t n temp"),
    "titles with empty fields before two columns": ("Report,\nt,temp\n" + TWO, "t temp"),
    "names and values above an empty line": (
        "Device,TH-22\nSerial,12345\nSite,Berlin\n\nt,temp\n" + TWO, "t temp"),
    "empty lines between rows": ("t,temp\n" + TWO.replace("\n", "\n\n"), "t temp"),
    "empty columns at the end": (
        "t,n,temp\n" + THREE.replace("\n", ",\n"), "t n temp"),
    "almost as many lines before as below": (
        "".join(f'Item {i}:,"words, and more"\n' for i in range(24)) + "t,n,temp\n" + THREE,
        "t n temp"),
    "titles and no header": ("Place: Berlin\n" + THREE, "column_1 column_2 column_3"),
    "a header without a name for row numbers": (
        "n,temp\n" + "".join(f"r{a},{b},{c}\n" for a, b, c in ROWS), " n temp"),
    "names in a comment": ("# t n temp\n" + SPACED, "t n temp"),
    "names in a comment, with commas": ("# t,n,temp\n" + THREE, "t n temp"),
    "names in the last comment": ("# from gnuplot\n# t n temp\n" + SPACED, "t n temp"),
    "a sign before the first name": ("%t,n,temp\n" + THREE, "t n temp"),
    "comments with as many fields as the rows": (
        "# Place: Berlin, Germany\nt,temp\n" + TWO, "t temp"),
    "comments before a header": ("# one, two, three\n# four\nt,n,temp\n" + THREE, "t n temp"),
    "names of rows in quotes": ('"n" "temp"\n' + QUOTED, " n temp"),
    "names in quotes": ('"the car" "n" "temp"\n' + QUOTED, "the car|n|temp"),
    "years": ("country,2019,2020,2021\n" + "".join(f"C{a},{a},{b},{c}\n" for a, b, c in ROWS),
              "country 2019 2020 2021"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_names_are_found(tmp_path, name):
    text, names = FILES[name]
    path = tmp_path / "t.csv"
    path.write_text(text)
    table = read_table(path)
    assert list(table.names) == names.split("|" if "|" in names else " ")
    assert table.num_rows == 40
    assert [column.kind for column in table.columns[-1:]] == ["number"]


@pytest.mark.parametrize("sign", ["#", "%", "//"])
@pytest.mark.parametrize("line", ["{} restarted", "{} a, b, and c", "{}"])
def test_comments_among_rows_are_left_out(tmp_path, sign, line):
    lines = ["t,temp", *TWO.splitlines()]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*lines[:20], line.format(sign), *lines[20:]]))
    table = read_table(path)
    assert [column.kind for column in table.columns] == ["number", "number"]
    assert table.num_rows == 40


def test_lines_of_a_text_that_begin_like_comments_stay(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("t,note\n" + "".join(f'{i},"one\n# two {i % 3}\nthree"\n' for i in range(30)))
    table = read_table(path)
    assert table.num_rows == 30
    assert table["note"].array[1] == "one\n# two 1\nthree"


def test_entries_that_begin_like_comments_stay(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("".join(f"#ff{i % 4}000,{i}.5\n" for i in range(30)))
    table = read_table(path)
    assert table.num_rows == 30
    assert table["column_1"].array[1] == "#ff1000"


def test_a_header_that_is_repeated_is_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(("t,temp\n" + TWO) * 2)
    table = read_table(path)
    assert table.names == ("t", "temp")
    assert table["t"].note.startswith("1 of 81 values are not numbers, the first 't' in line 42;")
