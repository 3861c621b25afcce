"""Messages about entries of a file name its line, whatever stands before it."""

import gzip
import json

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder, duck, read_table

BAD = "n/a?"
ROWS = [f"{i},{i / 2},{'no' if i % 3 else 'yes'}" for i in range(40)]
WRONG = f"7,{BAD},no"
HEADER = "a,b,c"


def lines(*before, wrong=WRONG, end="\n"):
    return end.join([*before, wrong, *ROWS, ""])


FORMS = {
    "plain": lines(HEADER, *ROWS),
    "far below the first rows": lines(HEADER, *ROWS * 500),
    "no header": lines(*ROWS),
    "blank lines": lines(HEADER, "", ROWS[0], "", "", *ROWS[1:]),
    "blank lines at the top": lines("", "", HEADER, *ROWS),
    "line breaks in quotes": lines(
        "a,b,c,d", *(f'{row},"one\ntwo\r\nthree"' for row in ROWS), wrong=f'{WRONG},"x\ny"'
    ).replace("\n0,0.0,yes\n", "\n0,0.0,yes,x\n"),
    "a line break in the header": lines('"a\n(years)",b,c', *ROWS),
    "comments": lines("# one", "# two, three, four", HEADER, ROWS[0], "# more", *ROWS[1:]),
    "titles": lines("A table", "", "of numbers", HEADER, *ROWS),
    "footnotes between": lines(HEADER, *ROWS[:9], "a note", *ROWS[9:]),
    "rows that are shorter": lines(HEADER, *ROWS[:9], "5,6", *ROWS[9:]),
    "CR LF": lines(HEADER, *ROWS, end="\r\n"),
    "CR": lines(HEADER, *ROWS, end="\r"),
    "semicolons": lines(HEADER, *ROWS).replace(",", ";"),
    "spaces": lines(HEADER, "", *ROWS).replace(",", "  "),
    "spaces around quotes": lines(HEADER, '"1"  ,2,no', *ROWS),
}


def line_of(text):
    """Return the line of the entry, by counting the ends of lines before it."""
    before = text[: text.index(BAD)].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1


@pytest.fixture(params=["core", "DuckDB"])
def reader(request, monkeypatch):
    if request.param == "DuckDB":
        pytest.importorskip("duckdb")
    monkeypatch.setattr(duck, "LEAST_BYTES", 0 if request.param == "DuckDB" else 1 << 40)


def second(table):
    return table.names[1]


@pytest.mark.parametrize("packed", ["utf-8", "utf-8-sig", "utf-16", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_a_kind_that_does_not_fit_names_the_line(reader, form, packed, tmp_path):
    text = FORMS[form]
    data = text.encode("utf-8" if packed == "gzip" else packed)
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(data) if packed == "gzip" else data)
    name = second(read_table(path))
    with pytest.raises(ffnn.DataError, match=rf"the first 'n/a\?' in line {line_of(text):,};"):
        read_table(path, kinds={name: "number"})
    assert f"in line {line_of(text):,}" in read_table(path)[name].note


def test_every_error_of_an_entry_names_the_line(reader, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([HEADER, *ROWS]))
    by_number, by_word = TableEncoder().fit(path, "b"), TableEncoder().fit(path, "c")
    path.write_text("\n".join([HEADER, "", *ROWS, f"7,{BAD},maybe", "8,9,maybe", "x,,"]))
    table = read_table(path)
    place = "in line 43"
    cases = {
        "boolean": lambda: by_number.transform(table),
        "number": lambda: by_number.target.values_of(table),
        "class": lambda: by_word.target.values_of(table),
        "regression": lambda: TableEncoder().fit(table, "b", task="regression"),
    }
    for case in cases.values():
        with pytest.raises(ffnn.DataError, match=place):
            case()
    with pytest.raises(ffnn.DataError, match=r"'a' is a number, .* the first 'x' in line 45"):
        by_word.transform(table)
    path.write_text("\n".join([HEADER, *ROWS, "7,,no", "8,,no"]))
    with pytest.raises(
        ffnn.DataError, match=r"'b' is missing in 2 rows, the first of them line 42"
    ):
        by_number.target.values_of(read_table(path))


def test_rows_that_were_taken_keep_their_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([HEADER, *ROWS, WRONG]))
    column = read_table(path)["b"].take(np.array([3, 40, 2]))
    assert [column.raw.place(i) for i in range(3)] == ["line 5", "line 42", "line 4"]


def test_a_file_that_is_gone_leaves_the_number_of_the_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([HEADER, "", *ROWS]))
    raw = read_table(path).raw("a")
    assert raw.place(4) == "line 7"
    path.unlink()
    assert raw.place(4) == "row 5"


def test_lines_of_json_and_rows_of_a_sheet(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "t.jsonl"
    rows = [{"a": i, "b": BAD if i == 8 else i} for i in range(12)]
    path.write_text("\n\n".join(map(json.dumps, rows)))
    with pytest.raises(ffnn.DataError, match=r"in line 17;"):
        read_table(path, kinds={"b": "number"})
    book = openpyxl.Workbook()
    for row in ([], ["a", "b"], [], *(list(row.values()) for row in rows)):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    number = next(cell.row for cell in sheet["B"] if cell.value == BAD)
    with pytest.raises(ffnn.DataError, match=rf"in row {number};"):
        read_table(tmp_path / "t.xlsx", kinds={"b": "number"})
