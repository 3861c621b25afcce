"""Entries that stand for missing values, and what tells that some do."""

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder, duck, read_table

ROWS = range(40)


def write(path, columns):
    lines = map(";".join, [columns, *zip(*columns.values(), strict=True)])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def entries(form, **others):
    """Return entries of 40 rows: `form` with i filled in, but others in some rows."""
    return [others.get(f"r{i}", form.format(i=i)) for i in ROWS]


@pytest.mark.parametrize("reader", ["core", "DuckDB"])
@pytest.mark.parametrize(
    ("column", "decimal", "first"),
    [
        (entries("{i}.5", r5="n/a?", r9="Total"), None, 0.5),
        (entries("{i}", r5="-200", r9="-200"), None, 0.0),
        (entries("{i},5", r5="n/a?", r9="-200"), None, 0.5),
        (entries("{i},5", r5="Total", r9="-200"), ",", 0.5),
        (entries("1.{i:03d}", r5="Total", r9="n/a?"), ",", 1000.0),
        (entries("${i}.25", r5="Total", r9="n/a?"), None, 0.25),
    ],
)
def test_named_entries_are_missing(tmp_path, monkeypatch, reader, column, decimal, first):
    if reader == "DuckDB":
        pytest.importorskip("duckdb")
        monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    words = entries("w{i}", r3="Total")
    path = write(tmp_path / "d.csv", {"v": column, "words": words, "y": entries("{i}")})
    table = read_table(path, decimal=decimal, missing_values=["n/a?", "Total", "-200"])
    found = table["v"]
    assert (found.kind, found.note.startswith("in $")) == ("number", column[0][0] == "$")
    assert found.values[0] == first
    assert np.flatnonzero(found.is_missing).tolist() == [5, 9]
    assert np.flatnonzero(table["words"].is_missing).tolist() == [3]
    assert table["words"].raw.num_distinct == 39
    assert not table["y"].is_missing.any()


def test_what_is_left_is_as_if_the_others_were_empty(tmp_path):
    path = write(tmp_path / "d.csv", {"x": entries("{i}"), "y": [str(i % 2) for i in ROWS]})
    path.write_text(path.read_text().replace("5;1", "5;n.d."))
    named = read_table(path, missing_values=["n.d."])
    path.write_text(path.read_text().replace("n.d.", ""))
    empty = read_table(path)
    assert named["y"].raw.numbers.tolist() == pytest.approx(
        empty["y"].raw.numbers.tolist(), nan_ok=True
    )
    encoder = TableEncoder().fit(named, "y")
    assert encoder.target == TableEncoder().fit(empty, "y").target
    assert (encoder.target.class_names, encoder.target.are_numbers) == (["0", "1"], True)


def test_codes_stay_codes():
    codes = [f"{i % 7:03d}" for i in ROWS]
    codes[4] = "none given"
    encoder = TableEncoder()
    encoder.reading = {"missing_values": ["none given", "3"]}
    table = encoder.open({"code": codes, "n": [float(i % 5) for i in ROWS]})
    assert table["code"].kind == "category"
    assert np.flatnonzero(table["code"].is_missing).tolist() == [4]
    assert np.flatnonzero(table["n"].is_missing).tolist() == [3 + 5 * i for i in range(8)]


def test_stray_texts_and_far_numbers_are_told_with_the_option(tmp_path):
    columns = {"x": entries("{i}", r5="n/a?", r9="Total"), "y": entries("{i}", r0="999")}
    table = read_table(write(tmp_path / "d.csv", columns))
    assert table["x"].note == (
        "2 of 40 values are not numbers, the first 'n/a?' in line 7; --missing-value 'n/a?' "
        "--missing-value 'Total' (missing_values in Python) takes such as missing"
    )
    assert table["y"].note == (
        "999 in 1 of 40 rows may stand for a missing value: --missing-value '999' (missing_values "
        "in Python) takes such as missing"
    )
    with pytest.raises(ffnn.DataError, match="'x' is to be a number, but 2 of 40 values"):
        read_table(tmp_path / "d.csv", kinds={"x": "number"})
    table = read_table(tmp_path / "d.csv", missing_values=["n/a?", "Total"])
    assert (table["x"].kind, table["x"].raw.num_missing) == ("number", 2)


def test_one_stray_text_among_few_numbers_is_told(tmp_path):
    columns = {"x": ["1", "2", "3", "4", "Total"], "size": ["36", "38", "L", "36", "38"]}
    table = read_table(write(tmp_path / "d.csv", columns))
    assert "--missing-value 'Total'" in table["x"].note
    assert table["size"].note == ""


@pytest.mark.parametrize("bad", ["NA", ["NA", 3], {"NA": 1}])
def test_missing_values_are_a_list_of_texts(tmp_path, bad):
    path = write(tmp_path / "d.csv", {"x": ["1", "2"], "y": ["3", "4"]})
    with pytest.raises(TypeError, match="missing_values must be a"):
        read_table(path, missing_values=bad)


@pytest.mark.parametrize(("learned", "other"), [(",", "."), (".", ",")])
def test_another_mark_of_decimals_is_told_with_the_option(tmp_path, learned, other):
    def file(mark):
        return write(tmp_path / "d.csv", {"x": entries(f"{{i}}{mark}5"), "y": entries("{i}")})

    file(learned)
    encoder = TableEncoder()
    encoder.reading = {"decimal": learned}
    encoder.fit(tmp_path / "d.csv", "y")
    expected = encoder.transform(file(learned))
    with pytest.raises(ffnn.DataError, match=f"'x' is a number, but .* --decimal {other} "):
        encoder.transform(file(other))
    assert (encoder.transform(read_table(file(other), decimal=other)) == expected).all()


def test_a_comma_that_was_found_out_is_told_as_well(tmp_path):
    path = write(tmp_path / "d.csv", {"x": entries("{i},5"), "y": entries("{i}")})
    encoder = TableEncoder().fit(path, "y")
    assert encoder.reading == {"decimal": ","}
    write(path, {"x": entries("{i}.5")})
    with pytest.raises(ffnn.DataError, match=r"where a comma marks decimals: .*--decimal \."):
        encoder.transform(path)
