"""Packed files, Parquet and workbooks that are odd: right columns, or the one line that refuses."""

import datetime
import decimal
import gzip
import io
import zipfile

import numpy as np
import pytest

import ffnn
from ffnn.core import free_memory
from ffnn.tables import TableEncoder, duck, read_table
from ffnn.tables.frames import as_table

N = 40
PLAIN = "v,n,y\n" + "".join(f"{i},{'xyz'[i % 3]},{i * 1.5}\n" for i in range(N))
PACKED = gzip.compress(PLAIN.encode())


def zipped(*files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def changed(data, **places):
    """Return a zip of one file with other bytes in its two headers: offset in each → value."""
    result, directory = bytearray(data), data.index(b"PK\1\2")
    for local, value in places.items():
        offset = int(local[1:])
        result[offset] = result[directory + offset + 2] = value
    return bytes(result)


ONE = zipped(("t.csv", PLAIN))
READ = {
    "gzip with zeros behind it": ("t.csv.gz", PACKED + bytes(100)),
    "gzip in two parts": (
        "t.csv.gz",
        gzip.compress(b"v,n,y\n") + gzip.compress(PLAIN[6:].encode()),
    ),
    "gzip by the name of text": ("t.csv", PACKED),
    "a zip of a folder": ("t.csv.zip", zipped(("d/", ""), ("d/t.csv", PLAIN))),
    "a zip made on a Mac": ("t.zip", zipped(("t.csv", PLAIN), ("__MACOSX/._t.csv", "x"))),
    "a zip with bzip2": ("t.zip", zipped(("t.csv", PLAIN), method=zipfile.ZIP_BZIP2)),
    "a zip with LZMA": ("t.zip", zipped(("t.csv", PLAIN), method=zipfile.ZIP_LZMA)),
}
REFUSED = {
    "other bytes behind it": ("t.csv.gz", PACKED + b"junk", "damaged: Not a gzipped file"),
    "cut short": ("t.csv.gz", PACKED[:-20], "damaged: Compressed file ended"),
    "two parts, the last one cut": ("t.csv.gz", PACKED + PACKED[:30], "damaged: Compressed file"),
    "a wrong checksum": ("t.csv.gz", PACKED[:-8] + b"abcd" + PACKED[-4:], "damaged: CRC check"),
    "a wrong bit": ("t.csv.gz", PACKED[:40] + bytes([PACKED[40] ^ 255]) + PACKED[41:], "damaged"),
    "a wrong byte in a zip": ("t.zip", ONE[:60] + bytes([ONE[60] ^ 255]) + ONE[61:], "damaged"),
    "gzip in gzip": ("t.csv.gz", gzip.compress(PACKED), "packed again; unpack it once"),
    "gzip in a zip": ("t.zip", zipped(("t.csv.gz", PACKED)), "packed again; unpack it once"),
    "an empty zip": ("t.zip", zipped(), "expected one file in the archive, got 0"),
    "a zip with a note": ("t.zip", zipped(("t.csv", PLAIN), ("README", "x")), "archive, got 2"),
    "a zip with a password": ("t.zip", changed(ONE, _6=1), "unpacked: File 't.csv' is encrypted"),
    "a zip of a later version": ("t.zip", changed(ONE, _4=232), "unpacked: zip file version 23.2"),
    "an unknown way to pack": ("t.zip", changed(ONE, _8=99), "unpacked: That compression"),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_packed_files_are_read(case, tmp_path):
    name, data = READ[case]
    (tmp_path / name).write_bytes(data)
    table = read_table(tmp_path / name)
    np.testing.assert_array_equal(table["v"].array, np.arange(N))
    assert table["n"].array.tolist() == [*"xyz" * 13, "x"]


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_with_a_packed_file_is_one_line(case, tmp_path):
    name, data, part = REFUSED[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ffnn.DataError) as caught:
        read_table(tmp_path / name)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zip"])
def test_a_bomb_is_refused_before_it_goes_off(name, tmp_path, monkeypatch):
    rows = b"1,x,2\n" * 400_000
    text = b"v,n,y\n" + rows * 5  # 2 million rows of two numbers and a code
    packed = zipped(("t.csv", text)) if name.endswith("zip") else gzip.compress(text)
    (tmp_path / name).write_bytes(packed)
    assert len(packed) < len(text) / 400
    monkeypatch.setattr(free_memory, "free_memory", lambda: 30 << 20)
    monkeypatch.setattr(free_memory, "_LEAST", 0)
    monkeypatch.setattr("ffnn.tables.text_file._read_columns", None)  # no row is read
    with pytest.raises(MemoryError, match=r"about 2,000,000 rows of 3 columns need 38\.1"):
        read_table(tmp_path / name)


def test_duckdb_is_left_out_where_what_is_packed_is_too_large(tmp_path, monkeypatch):
    pytest.importorskip("duckdb")
    text = b"v,n,y\n" + b"1,x,2\n" * 400_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    results, read = [], duck.read_columns
    monkeypatch.setattr(duck, "read_columns", lambda *args: results.append(read(*args)))
    for free in (8 * len(text) - 1, 8 * len(text)):
        monkeypatch.setattr(duck, "free_memory", lambda free=free: free)
        assert read_table(tmp_path / "t.csv.gz").num_rows == 400_000
    assert [result is None for result in results] == [True, False]


# -- Parquet -----------------------------------------------------------------------------------

UTC = datetime.timezone.utc
NOON = datetime.datetime(2020, 1, 1, 12, tzinfo=UTC)


def parquet_columns(pa):
    """Return columns with the kind of each and its first three entries."""
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(N)]
    hours = [NOON + datetime.timedelta(hours=i) for i in range(N)]
    long = [[*range(1500), i % 2] for i in range(N)]  # NumPy's text of it would be abbreviated
    return {
        "a list": (pa.array([[i % 2, 1] for i in range(N)]), "category", ["[0, 1]", "[1, 1]"]),
        "long lists": (pa.array(long), "text", [str(long[0]), str(long[1])]),
        "a struct": (
            pa.array([{"a": i % 2} for i in range(N)]), "category", ["{'a': 0}", "{'a': 1}"]),
        "decimals": (
            pa.array([decimal.Decimal(i) / 4 for i in range(N)], pa.decimal128(10, 2)),
            "number", [0.0, 0.25]),
        "decimals of many digits": (
            pa.array([decimal.Decimal(2**60 + i % 3) for i in range(N)], pa.decimal128(38, 0)),
            "category", [str(2**60), str(2**60 + 1)]),
        "short decimals among wide ones": (
            pa.array([decimal.Decimal(i) / 4 for i in range(N)], pa.decimal128(38, 2)),
            "number", [0.0, 0.25]),
        "words in bytes": (pa.array([b"oak", b"elm"] * 20), "category", ["oak", "elm"]),
        "bytes": (pa.array([b"\xff", b"\0"] * 20), "category", [r"\xFF", r"\x00"]),
        "a dictionary": (
            pa.array(["oak", None] * 20).dictionary_encode(), "category", ["oak", None]),
        "moments in a zone": (
            pa.array(hours, pa.timestamp("us", tz="Asia/Tokyo")), "date",
            [np.datetime64("2020-01-01T12"), np.datetime64("2020-01-01T13")]),
        "days": (
            pa.array(days), "date", [np.datetime64("2020-01-01"), np.datetime64("2020-01-02")]),
        "whole numbers and none": (pa.array([1, None, 3, 5] * 10), "number", [1.0, np.nan]),
        "numbers without a sign": (
            pa.array([2**64 - 1 - i % 2 for i in range(N)], pa.uint64()),
            "category", [str(2**64 - 1), str(2**64 - 2)]),
        "moments to the nanosecond, and none": (
            pa.array([None, *(hour.replace(tzinfo=None) for hour in hours[1:])],
                     pa.timestamp("ns")),
            "date", [np.datetime64("NaT", "s"), np.datetime64("2020-01-01T13")]),
        "nothing": (pa.nulls(N), "ignore", [None, None]),
    }  # fmt: skip


@pytest.mark.parametrize("case", range(15))
def test_columns_of_parquet_are_what_they_are(case, tmp_path):
    pytest.importorskip("duckdb")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    array, kind, first = list(parquet_columns(pa).values())[case]
    name = 'a "v", b'
    columns = {name: array, "n": [i % 5 for i in range(N)], "y": [i * 1.5 for i in range(N)]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table[name].kind == kind
    np.testing.assert_array_equal(table[name].array[:2], np.array(first, table[name].array.dtype))
    assert np.isfinite(TableEncoder().fit(table, "y").transform(table)).all()


@pytest.mark.parametrize("make", ["numpy", "pandas", "polars", "pyarrow", "DuckDB"])
def test_durations_are_numbers_of_seconds(make, tmp_path):
    hours = [None, *(datetime.timedelta(hours=i) for i in range(1, N))]
    columns = {"v": hours, "y": [i * 1.5 for i in range(N)]}
    if make == "DuckDB":
        pytest.importorskip("duckdb").sql(
            "SELECT CASE WHEN i > 0 THEN to_hours(i) END AS v, i * 1.5 AS y FROM range(40) t(i)"
        ).write_parquet(str(tmp_path / "t.parquet"))
        table = read_table(tmp_path / "t.parquet")
    elif make == "numpy":
        table = as_table({**columns, "v": np.array(hours, "m8[ms]")})
    else:
        table = as_table(getattr(pytest.importorskip(make), FRAMES[make])(columns))
    assert table["v"].kind == "number"
    np.testing.assert_array_equal(table["v"].array[:3], [np.nan, 3600.0, 7200.0])


FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}

# -- workbooks ---------------------------------------------------------------------------------


def book_of(change, tmp_path):
    """Write a workbook with rows as above, changed, and return its table."""
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (["v", "n", "y"], *([i, i % 5, i * 1.5] for i in range(N))):
        book.active.append(row)
    change(book, book.active)
    book.save(tmp_path / "t.xlsx")
    return read_table(tmp_path / "t.xlsx")


def test_of_merged_cells_the_first_has_the_value(tmp_path):
    table = book_of(lambda _, sheet: sheet.merge_cells("A3:A5"), tmp_path)
    np.testing.assert_array_equal(table["v"].array[:5], [0, 1, np.nan, np.nan, 4])


def test_formulas_without_values_are_told(tmp_path):
    def change(_, sheet):
        for i in range(2, N + 2):
            sheet[f"A{i}"] = f"=C{i}*2"

    table = book_of(change, tmp_path)
    assert (table["v"].kind, table["v"].reason) == ("ignore", "empty")
    assert any("formulas are read as what Excel last saved" in note for note in table.notes)
    assert book_of(lambda *_: None, tmp_path).notes == ()


def test_dates_of_a_sheet_are_dates(tmp_path):
    def change(_, sheet):
        for i in range(N):
            sheet.cell(i + 2, 1).value = datetime.datetime(2020, 1, 1 + i % 28, 6)

    table = book_of(change, tmp_path)
    assert (table["v"].kind, table["v"].array[1]) == ("date", np.datetime64("2020-01-02T06"))


def test_an_empty_first_sheet_is_told(tmp_path):
    with pytest.raises(ffnn.DataError, match="names and rows below it in the first sheet"):
        book_of(lambda book, _: book.create_sheet("empty", 0), tmp_path)
