"""Parquet and Excel files, with the libraries of the extra, and what is said without them."""

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
