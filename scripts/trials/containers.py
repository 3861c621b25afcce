"""Tables that are not plain text, sound or damaged: packed ones, JSON, Parquet and Excel."""

from __future__ import annotations

import datetime
import gzip
import importlib.util
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

LARGE = 20 << 20  # bytes of a file that was packed into little


def packed(rng: np.random.Generator, text: bytes) -> tuple[str, bytes]:
    """Return a text packed in a usual or an odd way."""
    sound, parts = gzip.compress(text), [("t.csv", text)] * int(rng.integers(1, 3))
    archive = zipped(parts[0])
    makers: list[Callable[[], tuple[str, bytes]]] = [
        lambda: ("t.csv.gz", sound + bytes(rng.integers(1, 600))),
        lambda: ("t.csv.gz", sound + b"junk"),
        lambda: ("t.csv.gz", sound + gzip.compress(text[len(text) // 2 :])),
        lambda: ("t.csv.gz", sound[: rng.integers(len(sound))]),
        lambda: ("t.csv", sound),
        lambda: ("t.csv.gz", gzip.compress(sound)),
        lambda: ("t.csv.zip", archive),
        lambda: ("t.csv.zip", zipped(parts[0], ("d/u.csv", text))),
        lambda: ("t.csv.zip", zipped(parts[0], ("__MACOSX/._t.csv", b"x"))),
        lambda: ("t.csv.zip", zipped(("t.zip", archive))),
        lambda: ("t.zip", zipped()),
        lambda: ("t.csv.gz", gzip.compress(bytes(LARGE))),
        lambda: ("t.csv.zip", zipped(("t.csv", b"1,x,2\n" * (LARGE // 12)))),
        lambda: _broken("t.csv.gz", sound, rng),
        lambda: _broken("t.csv.zip", archive, rng),
    ]
    return makers[rng.integers(len(makers))]()


def zipped(*files: tuple[str, bytes]) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def _broken(name: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return a file with one to three other bytes."""
    changed = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 4)):
        changed[place] = rng.integers(256)
    return name, bytes(changed)


def objects(rng: np.random.Generator, _: bytes) -> tuple[str, bytes]:
    """Return JSON, which may hold what no table does, or be damaged."""
    odd = [10**400, 2**60, float("inf"), float("nan"), None, [1], {"a": 1}, "x", True, 1e300]
    rows: list[dict[str, Any]] = [
        {"a": i, "b": "xyz"[i % 3], "y": i * 1.5} for i in range(rng.integers(0, 50))
    ]
    for row in rows:
        if rng.random() < 0.05:
            row["ab"[rng.integers(2)]] = odd[rng.integers(len(odd))]
    name, text = "t.json", json.dumps(rows)
    choice = rng.integers(6)
    if choice == 0:
        name, text = "t.jsonl", "\n".join(map(json.dumps, rows))
    elif choice == 1:
        text = json.dumps({key: [row[key] for row in rows] for key in "aby"})
    elif choice == 2:
        text = json.dumps({"data": rows})
    elif choice == 3:
        text = "[" * int(rng.integers(1, 100_000))
    data = text.encode()
    return _broken(name, data, rng) if data and rng.random() < 0.3 else (name, data)


_COLUMNS = [  # as DuckDB writes them, of the row's number i
    "[i, i % 3]", "{'a': i}", "map {'k': i % 2}", "(i / 4)::DECIMAL(10, 2)", "[[i % 2]]",
    "(1152921504606846976 + i % 3)::DECIMAL(38, 0)", "encode('oak' || i % 3)", r"'\xFF\x00'::BLOB",
    "['oak', 'elm'][1 + i % 2]::ENUM('oak', 'elm')", "('2020-01-01T12:00:00+09:00'::TIMESTAMPTZ)",
    "DATE '2020-01-01' + i::INTEGER", "TIME '12:00:00'", "i % 3 = 0", "NULL", "uuid()",
    "i::UTINYINT",
    "to_hours(i)", "i::HUGEINT * 36893488147419103232", "if(i = 3, 'inf'::FLOAT, i::FLOAT)",
    "TIMESTAMP_NS '2020-01-01 00:00:00.123456789'", "i / 3", "'x' || i % 4", "'two\nlines'",
]  # fmt: skip


def parquet(rng: np.random.Generator, _: bytes) -> tuple[str, bytes]:
    """Return a Parquet file with columns of all types, which may be damaged."""
    import duckdb

    chosen = rng.choice(_COLUMNS, rng.integers(1, 6))
    columns = ", ".join(f'{each} AS "c ""{k}"' for k, each in enumerate(chosen))
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "t.parquet"
        connection.execute(
            f"COPY (SELECT {columns}, i * 1.5 AS y FROM range({rng.integers(0, 50)}) t(i)) "
            f"TO '{path}' (FORMAT parquet)"
        )
        data = path.read_bytes()
    if rng.random() < 0.2:
        return "t.parquet", data[: rng.integers(len(data))]
    return _broken("t.parquet", data, rng) if rng.random() < 0.3 else ("t.parquet", data)


def workbook(rng: np.random.Generator, _: bytes) -> tuple[str, bytes]:
    """Return an Excel file with all that cells may hold, which may be damaged."""
    import openpyxl

    makers: list[Callable[[int], object]] = [
        lambda i: i, lambda i: f"=B{i + 2}*2", lambda i: "xyz"[i % 3], lambda _: None,
        lambda i: datetime.datetime(2020, 1, 1 + i % 28, 6), lambda i: datetime.time(i % 24),
        lambda i: datetime.timedelta(hours=i), lambda i: i % 2 == 0, lambda _: "#DIV/0!",
        lambda i: i / 7,
    ]  # fmt: skip
    book = openpyxl.Workbook()
    sheet, chosen = book.active, rng.integers(0, len(makers), rng.integers(1, 6))
    assert sheet is not None
    for title in range(rng.integers(0, 2)):
        sheet.append([f"title {title}"])
    sheet.append([*(f"c{k}" for k in range(len(chosen))), "y"])
    for i in range(rng.integers(0, 50)):
        cells = [
            makers[k](i) if rng.random() < 0.95 else makers[rng.integers(10)](i) for k in chosen
        ]
        sheet.append([*cells, i * 1.5])
    if rng.random() < 0.3:
        sheet.merge_cells("A2:B4")
    for place in range(rng.integers(0, 3)):
        book.create_sheet(f"empty {place}", int(rng.integers(0, 2)))
    out = io.BytesIO()
    book.save(out)
    data = out.getvalue()
    return _broken("t.xlsx", data, rng) if rng.random() < 0.3 else ("t.xlsx", data)


MAKERS = [packed, packed, objects]
MAKERS += [parquet] if importlib.util.find_spec("duckdb") else []
MAKERS += [workbook] if importlib.util.find_spec("openpyxl") else []
