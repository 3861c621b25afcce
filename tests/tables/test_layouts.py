"""Rare delimiters, and lines of empty fields alone."""

import pytest

from ffnn.tables import duck, read_table

ROWS = range(40)


@pytest.fixture(params=["core", "DuckDB"])
def reader(request, monkeypatch):
    if request.param == "DuckDB":
        pytest.importorskip("duckdb")
        monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    return request.param


def file(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", ["~", "^", ":"])
@pytest.mark.parametrize("names", [["a", "kind of wood", "b"], None], ids=["header", "none"])
def test_rare_delimiters_are_found(tmp_path, reader, delimiter, names):
    rows = [[f"{i}.5", ["red oak, old", "elm"][i % 2], str(i % 7)] for i in ROWS]
    path = file(
        tmp_path / "d.txt", [delimiter.join(row) for row in [*([names] if names else []), *rows]]
    )
    table = read_table(path)
    assert table.names == tuple(names or ["column_1", "column_2", "column_3"])
    assert [column.kind for column in table.columns] == ["number", "category", "number"]
    assert table.columns[0].array.tolist() == [i + 0.5 for i in ROWS]


@pytest.mark.parametrize(
    "lines",
    [
        ["at", *(f"{i % 24:02d}:{i:02d}" for i in ROWS)],
        [f"{i % 24:02d}:{i:02d}:00" for i in ROWS],
        ["page", *(f"http://a.b/{i}" for i in ROWS)],
        ["note", *(f"{i}:x" for i in ROWS)],
    ],
)
def test_colons_within_entries_delimit_nothing(tmp_path, lines):
    assert len(read_table(file(tmp_path / "d.txt", lines)).columns) == 1


def test_usual_delimiters_go_before(tmp_path):
    lines = ["a,b,c", *(f"{i}~{i},{i}:30,x^2" for i in ROWS)]
    assert read_table(file(tmp_path / "d.csv", lines)).names == ("a", "b", "c")
    lines = ["a b", *(f"{i}:x {i}" for i in ROWS)]
    assert read_table(file(tmp_path / "d.csv", lines)).names == ("a", "b")


@pytest.mark.parametrize("blank", [[",,"], [",,", " , ,", ","]])
def test_lines_of_empty_fields_alone_are_no_rows(tmp_path, reader, blank):
    lines = [f"{i},{'xyz'[i % 3]},{i}.5" for i in ROWS]
    lines[20] = "NA,?,"
    lines[7:7] = blank
    lines += [",,"] * 4
    table = read_table(file(tmp_path / "d.csv", ["a,b,c", *lines]))
    assert table.num_rows == 40
    assert table["a"].is_missing.sum() == 1  # a row that says that it knows nothing
    assert table.notes == (
        f"what has empty fields alone is left out: {len(blank) + 4} lines, the first of them "
        "line 9",
    )
    assert table["a"].raw.place(7) == f"line {9 + len(blank)}"
