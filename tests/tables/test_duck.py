"""DuckDB reads what the core reads, or leaves the file to it."""

import gzip
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.tables import duck, read_table

pytest.importorskip("duckdb")
FILES = sorted(p for p in (Path(__file__).parent / "files").iterdir() if p.suffix != ".json")
ROWS = "".join(f"{i},{i / 7},{'ab'[i % 2]}\n" for i in range(50))

# What differs from the first rows, and whether DuckDB may read it.
OTHERS = {
    "plain": ("n,x,s\n" + ROWS, True),
    "no header": (ROWS, True),
    "missing": ("n,x,s\n" + ROWS + ",NA,?\nnan,,\n", True),
    "spaces": ("n,x,s\n" + ROWS + " 7 , 8.5 , a \n", True),
    "quotes": ("n,x,s\n" + ROWS + '"7","8.5","a ""b"", c"\n', True),
    "text among numbers": ("n,x,s\n" + ROWS * 200 + "x,1,a\n", False),
    "codes among numbers": ("n,x,s\n" + ROWS * 200 + "007,1,a\n", False),
    "underscores": ("n,x,s\n" + ROWS * 200 + "1_000,1,a\n", False),
    "infinite": ("n,x,s\n" + ROWS * 200 + "inf,1,a\n", False),
    "1e999": ("n,x,s\n" + ROWS * 200 + "1e999,1,a\n", False),
    "a line break in the header": ('"n\n(m)",x,s\n' + ROWS, False),
    "packed": (gzip.compress(("\n\nn,x,s\n" + ROWS).encode()), True),
    "comments": ("# c\nn,x,s\n" + ROWS, False),
    "footnote": ("n,x,s\n" + ROWS * 200 + "a note\n", False),
    "shorter": ("n,x,s\n" + ROWS * 200 + "7,8\n", False),
    "longer": ("n,x,s\n" + ROWS * 200 + "7,8,a,b\n", False),
    "unclosed quote": ("n,x,s\n" + ROWS * 200 + '7,8,"a\n', False),
    "not UTF-8": (("n,x,s\n" + ROWS + "7,8,\xe9\n").encode("latin-1"), False),
}


@pytest.fixture
def used(monkeypatch):
    """Let DuckDB read files of any size, and return a list of what it returned."""
    results, read = [], duck.read_columns

    def spy(*args):
        results.append(read(*args))
        return results[-1]

    monkeypatch.setattr(duck, "read_columns", spy)
    return results


def outcome(path, monkeypatch, least):
    """Return all that is read of a file, or the error's message."""
    monkeypatch.setattr(duck, "LEAST_BYTES", least)
    try:
        table = read_table(path)
    except ffnn.DataError as error:
        return str(error)
    return table.notes, [
        (c.name, c.kind, c.reason, c.note, c.array.tolist()) for c in table.columns
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_small_files_are_read_alike(path, used, monkeypatch):
    by_core, by_duckdb = (outcome(path, monkeypatch, least) for least in (1 << 40, 0))
    np.testing.assert_equal(by_duckdb, by_core)


@pytest.mark.parametrize("name", OTHERS)
def test_what_differs_later_is_read_alike(name, used, monkeypatch, tmp_path):
    text, is_read = OTHERS[name]
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    by_core, by_duckdb = (outcome(path, monkeypatch, least) for least in (1 << 40, 0))
    np.testing.assert_equal(by_duckdb, by_core)
    assert used[0] is None
    assert (used[1] is not None) == is_read


def test_it_is_not_needed(used, monkeypatch, tmp_path):
    monkeypatch.setattr(duck.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    (tmp_path / "t.csv").write_text("n,x,s\n" + ROWS)
    assert read_table(tmp_path / "t.csv").num_rows == 50
    assert used == [None]
