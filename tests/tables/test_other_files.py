"""Parquet and Excel files, with the libraries of the extra, and what is said without them."""

import json
import sys

import numpy as np
import pytest

import ffnn
from ffnn.tables import read_table

pandas = pytest.importorskip("pandas")

FRAME = pandas.DataFrame(
    {
        "size": ["M", None, "S"],
        "age": [1.5, 2.5, np.nan],
        "count": [3, 4, 5],
        "smokes": [True, False, True],
        "sold": pandas.to_datetime(["2020-01-01", "2021-02-03", None]),
    }
)


def check(table):
    assert {c.name: c.kind for c in table.columns} == {
        "size": "category", "age": "number", "count": "number", "smokes": "boolean", "sold": "date",
    }  # fmt: skip
    assert table["size"].array.tolist() == ["M", None, "S"]
    np.testing.assert_array_equal(table["age"].array, [1.5, 2.5, np.nan])
    np.testing.assert_array_equal(table["count"].array, [3.0, 4.0, 5.0])
    np.testing.assert_array_equal(table["smokes"].array, [1.0, 0.0, 1.0])
    expected = np.array(["2020-01-01", "2021-02-03", "NaT"], "datetime64[s]")
    np.testing.assert_array_equal(table["sold"].array, expected)


def test_parquet(tmp_path):
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    FRAME.to_parquet(tmp_path / "t.parquet")
    check(read_table(tmp_path / "t.parquet"))


def test_excel(tmp_path):
    pytest.importorskip("openpyxl")
    FRAME.to_excel(tmp_path / "t.xlsx", index=False)
    check(read_table(tmp_path / "t.xlsx"))


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_files_that_are_something_else(tmp_path, suffix):
    pytest.importorskip({".parquet": "duckdb", ".xlsx": "openpyxl"}[suffix])
    (tmp_path / f"t{suffix}").write_bytes(b"size,age\nM,1\n")
    with pytest.raises(ffnn.DataError, match=f"t{suffix}"):
        read_table(tmp_path / f"t{suffix}")
    with pytest.raises(ffnn.DataError, match="none"):
        read_table(tmp_path / f"none{suffix}")


@pytest.mark.parametrize(("suffix", "module"), [(".parquet", "duckdb"), (".xlsx", "openpyxl")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, suffix, module):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / f"t{suffix}").write_bytes(b"")
    with pytest.raises(ModuleNotFoundError, match=rf"needs {module}.*ffnn\[tables\]"):
        read_table(tmp_path / f"t{suffix}")


SHEET = [["t", "n", "y"], *([i, i % 7, f"{i / 4:g} %"] for i in range(30))]
# The rows of a sheet, and the names that are found.
SHEETS = {
    "plain": (SHEET, "t n y"),
    "titles": ([["Survey 2023"], [], ["Source:", "our office"], *SHEET], "t n y"),
    "further to the right": ([[], *([None, None, *row] for row in SHEET)], "t n y"),
    "row numbers": ([["", *SHEET[0]], *([i, *row] for i, row in enumerate(SHEET[1:]))], " t n y"),
    "no header": (SHEET[1:], "column_1 column_2 column_3"),
    "notes below": ([*SHEET, [], ["Source: our office"], ["* estimated"]], "t n y"),
    "years": ([["name", 2019, 2020, 2021], *([f"n{i % 9}", i, i + 1, i * 2] for i in range(30))],
              "name 2019 2020 2021"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_the_table_of_a_sheet_is_found(tmp_path, name):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    rows, names = SHEETS[name]
    for row in rows:
        book.active.append([cell if cell != "" else None for cell in row])
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert list(table.names) == names.split(" ")
    assert table.num_rows == 30
    assert [column.kind for column in table.columns[-2:]] == ["number", "number"]


def test_sheets_that_are_not_read_are_named_and_header_is_heeded(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["c", "d"], ["e", "d"]):
        book.active.append(row)
    book.create_sheet("2022")
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx", header=False)
    assert table["column_1"].array.tolist() == ["a", "c", "e"]
    assert table.notes[0] == "the sheet 'Sheet' is read, and not '2022'"


OBJECTS = [{"name": "ab"[i % 2], "y": i / 2} for i in range(30)]
JSON = {
    "a list of objects": json.dumps(OBJECTS),
    "an object a line": "\n".join(map(json.dumps, OBJECTS)),
    "a list in an object": json.dumps({"status": "ok", "count": 30, "rows": OBJECTS}),
    "an object with nothing but a list": json.dumps({"rows": OBJECTS}),
    "columns": pandas.DataFrame(OBJECTS).to_json(orient="columns"),
    "rows by number": pandas.DataFrame(OBJECTS).to_json(orient="index"),
    "lists": json.dumps({key: [each[key] for each in OBJECTS] for key in ("name", "y")}),
}


@pytest.mark.parametrize("name", JSON)
def test_json_in_many_forms_is_the_same_table(tmp_path, name):
    (tmp_path / "t.json").write_text(JSON[name])
    table = read_table(tmp_path / "t.json")
    assert table.names == ("name", "y")
    assert table["name"].array.tolist() == ["a", "b"] * 15
    np.testing.assert_array_equal(table["y"].array, np.arange(30) / 2)


@pytest.mark.parametrize(
    "text", ["[[1, 2]]", "3", '{"a": 1}', '{"a": {"x": 1}}', '{"a": [1], "b": []}']
)
def test_json_that_is_no_table(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ffnn.DataError, match="expected"):
        read_table(tmp_path / "t.json")
