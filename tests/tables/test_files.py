"""Small files of the kinds that owners of data have: each is read rightly with no option."""

import json
from pathlib import Path

import numpy as np
import pytest

from ffnn.tables import TableEncoder, read_table

FILES = Path(__file__).parent / "files"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


def target_of(name, table):
    return EXPECTED[name]["target"] or table.names[-1]


@pytest.mark.parametrize("name", EXPECTED)
def test_columns_are_of_the_right_kinds(name):
    table, expected = read_table(FILES / name), EXPECTED[name]
    assert table.num_rows == expected["rows"]
    kinds = {column.name: column.kind for column in table.columns}
    assert {name: kinds[name] for name in expected.get("kinds", {})} == expected.get("kinds", {})
    ignored = {c.name: c.reason for c in table.columns if c.kind == "ignore"}
    assert ignored == expected.get("ignored", {})


@pytest.mark.parametrize("name", EXPECTED)
def test_rows_and_targets_become_numbers(name):
    table, expected = read_table(FILES / name), EXPECTED[name]
    encoder = TableEncoder().fit(table, target_of(name, table))
    assert encoder.target.task == expected["task"]
    if "classes" in expected:
        assert encoder.target.class_names == expected["classes"]
    used = table.take(encoder.target.rows_of(table))
    assert used.num_rows == expected["used"]
    x, y = encoder.transform(used), encoder.target.values_of(used)
    assert x.shape == (expected["used"], len(encoder.feature_names))
    assert np.isfinite(x).all()
    assert y.shape == (expected["used"],)
    assert not set(expected.get("ignored", {})) & set(encoder.feature_names)


# What the invented population has, whatever the form of the file.
SAME = ["text_columns.csv", "semicolon_quoted.csv", "tab.tsv", "pipe.txt", "decimal_comma.csv"]
SAME += ["packed.csv.gz", "bom_crlf.csv", "cr_only.csv", "index_column.csv"]
SAME += ["trailing_comma.csv", "comments.csv", "money.csv", "ids.csv", "dates.csv"]


@pytest.mark.parametrize("name", SAME[1:])
def test_the_form_of_a_file_does_not_matter(name):
    one, other = read_table(FILES / SAME[0]), read_table(FILES / name)
    for column in one.columns:
        np.testing.assert_array_equal(other[column.name].array, column.array)


def test_values_are_those_in_the_file():
    table = read_table(FILES / "text_columns.csv")
    assert [c.array[1] for c in table.columns] == ["M", 55.0, "oak", "Porto", 1.0, 1028.62]
    percent = read_table(FILES / "percent_target.csv")["share"]
    assert (percent.array[0], percent.note) == (96.3, "in %")
    dates = read_table(FILES / "dates.csv")["sold"].array
    assert dates[1] == np.datetime64("2020-02-02T01:15:00")
    city = read_table(FILES / "missing.csv")["city"].array
    assert city[0] is None
    assert city[1] == "Porto"


def test_what_is_decided_is_said():
    assert read_table(FILES / "sentinels.csv")["probe"].note == (
        "-200 in 8 of 48 rows may stand for a missing value: --missing-value '-200' "
        "(missing_values in Python) takes such as missing"
    )
    assert "not UTF-8" in read_table(FILES / "latin1.csv").notes[0]
    assert "no header" in read_table(FILES / "no_header.csv").notes[0]
    assert "'wood_2'" in read_table(FILES / "duplicate_names.csv").notes[0]
    assert "48 rows, 6 columns" in str(read_table(FILES / "text_columns.csv"))
