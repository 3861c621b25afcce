"""Files that are odd in one way each: what becomes of them, or the one line that refuses them."""

import gzip
import io
import json
import warnings
import zipfile

import numpy as np
import pytest

import ffnn
from ffnn.cli import main
from ffnn.tables import TableEncoder, duck, read_table

N = 40
PLAIN = "a,b,y\n" + "".join(f"{i},{'xyz'[i % 3]},{i * 1.5}\n" for i in range(N))


def column(entries, name="v"):
    return f"{name},n,y\n" + "".join(f"{e},{i % 5},{i * 1.5}\n" for i, e in enumerate(entries))


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def records(**changes):
    rows = [{"v": i, "n": i % 5, "y": i * 1.5} for i in range(N)]
    return json.dumps([{**row, **changes} if i == 7 else row for i, row in enumerate(rows)])


BIG = 2**60
# A file's name, its content, and the kind that its column v is of, or a part of the error.
READ = {
    "UTF-16 without a mark": ("t.csv", column(range(N)).encode("utf-16-le"), "number"),
    "UTF-16, big end first": ("t.csv", column(range(N)).encode("utf-16-be"), "number"),
    "UTF-32": ("t.csv", column(range(N)).encode("utf-32"), "number"),
    "the delimiter in a line of its own": (
        "t.csv", "sep=;\r\n" + column(range(N)).replace(",", ";"), "number"),
    "that line in quotes, with a tab": (
        "t.csv", '"sep=\t"\n' + column(range(N)).replace(",", "\t"), "number"),
    "whole numbers beyond 2^53": ("t.csv", column(BIG + i % 4 for i in range(N)), "category"),
    "identifiers beyond 2^53": ("t.csv", column(BIG + i for i in range(N)), "ignore"),
    "those among small ones": ("t.csv", column([*range(N - 1), BIG + 1]), "ignore"),
    "large numbers with a point": ("t.csv", column(f"{BIG * i}.5" for i in range(N)), "number"),
    "large numbers with an exponent": ("t.csv", column(f"{i + 1}e25" for i in range(N)), "number"),
    "whole numbers beyond 2^53 in JSON": (
        "t.json", json.dumps([{"v": BIG + i % 4, "y": i * 1.5} for i in range(N)]), "category"),
    "a number of 400 digits in JSON": ("t.json", records(v=10**400), "ignore"),
    "an infinite number in JSON": ("t.json", records(v=float("inf")), "text"),
    "NaN in JSON": ("t.json", records(v=float("nan")), "number"),
    "infinite numbers": ("t.csv", column([*range(N - 1), "inf"]), "text"),
    "numbers beyond float": ("t.csv", column(f"{i}e400" for i in range(1, N + 1)), "text"),
    "the same text within quotes, with a space": (
        "t.csv", column(f"'{'x' if i % 2 else 'x '}'" if i % 3 else "'z'" for i in range(N)),
        "category"),
    "formulas": ("t.csv", column(f'"=cmd|\' /C calc\'!A{i % 3}"' for i in range(N)), "category"),
    "a cell of a million characters": (
        "t.csv", column(["q" * 10**6, *("xy"[i % 2] for i in range(N))]), "text"),
    "line ends of all kinds": (
        "t.csv", "".join(line + end for line, end in zip(
            column(range(N)).splitlines(), ["\n", "\r\n", "\r"] * 14, strict=False)), "number"),
    "1,000 columns": (
        "t.csv", "v,y," + ",".join(f"c{i}" for i in range(1000)) + "\n" + "".join(
            f"{r},{r * 1.5}," + ",".join(["1"] * 1000) + "\n" for r in range(N)), "number"),
    "20,000 columns, whose rows are far apart": (
        "t.csv", "v,y," + ",".join(f"column {i}" for i in range(20_000)) + "\n" + "".join(
            f"{r},{r * 1.5}," + ",".join(["1"] * 20_000) + "\n" for r in range(3)), "number"),
}  # fmt: skip

REFUSED = {
    "NUL": ("t.csv", PLAIN.replace("5,z", "5,\0z"), "NUL"),
    "a quote that is never closed": (
        "t.csv", PLAIN.replace("7,y", '7,"y'), "t.csv, line 9: a quote"),
    "one behind the first rows": ("t.csv", PLAIN * 400 + '1,"x,3\n', "t.csv, line 16,401: a quote"),
    "a cell that is too large": (
        "t.csv", PLAIN.replace("7,y", "7," + "q" * (1 << 24) + "q"),
        "t.csv, line 9: a field has more than 16,777,216 characters"),
    "a line without an end": ("t.csv", "x" * (1 << 25), "t.csv, line 1: a field has more than"),
    "columns without an end": ("t.csv", "1," * 200_000, "at most 100,000 columns, got 200,001"),
    "gzip cut short": ("t.csv.gz", gzip.compress(PLAIN.encode())[:-20], "packed file is damaged"),
    "a zip within a zip": (
        "t.csv.zip", zipped({"t.zip": zipped({"t.csv": PLAIN})}), "packed again; unpack it once"),
    "two files in a zip": ("t.csv.zip", zipped({"a": PLAIN, "b": PLAIN}), "expected one file"),
    "nothing": ("t.csv", "", "empty file"),
    "a number alone": ("t.json", "3", "expected a list of objects"),
    "JSON within JSON": ("t.json", records(v={"c": 1}), "'v' holds a list or an object"),
    "wrapped JSON": (
        "t.json", json.dumps({"data": [{"v": [1]}]}), "'v' holds a list or an"),
    "a number of 5,000 digits": ("t.json", '[{"v": ' + "9" * 5000 + "}]", "not valid JSON"),
    "brackets without an end": ("t.json", "[" * 100_000, "not valid JSON"),
    "a broken line": ("t.jsonl", '{"v": 1}\n{"v": 2\n', "t.jsonl, line 2: this is not valid"),
    "all missing": ("t.csv", "a,y\nNA,1.5\n?,2.5\n", "'a' (empty); to take one in, say its kind"),
    "a target that is mostly numbers": (
        "t.csv", "a,y\n" + "".join(f"{i},{i if i % 11 else 'n/k'}\n" for i in range(60)),
        "6 of 60 values are not numbers, the first 'n/k' in line 2; --missing-value 'n/k'"),
    "a target beyond the squares of float32": (
        "t.csv", "a,y\n" + "".join(f"{i},{i % 9}.5e20\n" for i in range(60)),
        "got 8.5e+20; multiply"),
    "a target whose squares are 0": (
        "t.csv", "a,y\n" + "".join(f"{i},{i % 9}.5e-30\n" for i in range(60)),
        "got 8.5e-30; multiply"),
}  # fmt: skip


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("least", [1 << 40, 0], ids=["core", "DuckDB"])
@pytest.mark.parametrize("case", READ)
def test_odd_files_are_read_and_learned_from(case, least, tmp_path, monkeypatch):
    if not least:
        pytest.importorskip("duckdb")
    monkeypatch.setattr(duck, "LEAST_BYTES", least)
    name, content, kind = READ[case]
    path = write(tmp_path, name, content)
    table = read_table(path)
    assert (table["v"].kind, "y" in table) == (kind, True)
    kinds = {"v": "category"} if kind in ("text", "ignore") else {}  # it can be taken in
    table = read_table(path, kinds=kinds)
    encoder = TableEncoder().fit(table, "y")
    used = encoder.target.rows_of(table)
    assert np.isfinite(encoder.transform(table, rows=used, dtype=np.float32)).all()


def test_numbers_beyond_2_53_stay_what_they_are(tmp_path):
    for entries in ([BIG, BIG + 1] * 20, np.array([BIG, BIG + 1] * 20), [float(BIG), BIG + 1] * 20):
        made = ffnn.tables.frames.as_table({"v": entries})["v"]
        assert made.raw.num_distinct == 2
    path = write(tmp_path, "t.csv", column([BIG, BIG + 1] * 20))
    assert read_table(path)["v"].array[:2].tolist() == [str(BIG), str(BIG + 1)]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_from_is_one_line(case, tmp_path, capsys):
    name, content, part = REFUSED[case]
    path, out = write(tmp_path, name, content), tmp_path / "m.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["train", str(path), "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert part in printed.err
    assert len(printed.err.splitlines()) == 1
    assert len(printed.err) < 1000
    assert not out.exists()


def test_a_target_of_few_numbers_and_a_word_is_of_classes(tmp_path):
    text = "a,y\n" + "".join(f"{i},{'10+' if i % 12 == 11 else i % 12}\n" for i in range(120))
    table = read_table(write(tmp_path, "t.csv", text))
    assert len(TableEncoder().fit(table, "y").target.class_names) == 12


def test_a_comma_that_marks_decimals_in_one_column_does_so_in_all(tmp_path):
    text = "v;n;y\n" + "".join(f"1.{i + 100};{i};{i},5\n" for i in range(N))
    table = read_table(write(tmp_path, "t.csv", text))
    assert table["v"].array[:2].tolist() == [1100.0, 1101.0]
    assert table["y"].array[:2].tolist() == [0.5, 1.5]
    assert table.decimal == ","
    assert "a comma marks decimals" in table.notes
    text = text.replace("1.1", "1.12")  # which no separator of thousands is
    table = read_table(write(tmp_path, "t.csv", text))
    assert table["v"].array[:2].tolist() == [1.1200, 1.1201]
    assert (table["y"].array[1], table.decimal) == (1.5, None)


def test_a_comma_that_was_found_is_kept_for_files_that_do_not_tell(tmp_path):
    text = "v;n;y\n" + "".join(f"{i},5;{i % 5};{i}\n" for i in range(N))
    encoder = TableEncoder().fit(write(tmp_path, "t.csv", text), "y")
    assert encoder.reading == {"decimal": ","}
    one = encoder.transform(write(tmp_path, "one.csv", "v;n\n1.234;1\n"))
    two = encoder.transform([{"v": 1234.0, "n": 1}])
    np.testing.assert_array_equal(one, two)
