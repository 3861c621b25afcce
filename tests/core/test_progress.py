"""Bars on what takes long: seen on a terminal after a second, and nowhere else."""

import contextlib
import gzip
import io
import itertools
import sys
import threading
import zipfile

import pytest

from ffnn.cli import main
from ffnn.core import progress
from ffnn.tables import TableEncoder, duck, read_table

TEXT = "a,b,y\n" + "".join(f"{i},{'xyz'[i % 3]},{i * 1.5}\n" for i in range(10_000))
ROWS = [{"a": i, "b": "xyz"[i % 3], "y": i * 1.5} for i in range(500)]


def image(name):
    """Return the bytes of a file of each kind that the core reads."""
    out = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", TEXT)
        return out.getvalue()
    if name.endswith(".xlsx"):
        book = pytest.importorskip("openpyxl").Workbook()
        for row in [[*ROWS[0]], *([*row.values()] for row in ROWS)]:
            book.active.append(row)
        book.save(out)
        return out.getvalue()
    return gzip.compress(TEXT.encode()) if name.endswith(".gz") else TEXT.encode()


class Terminal(io.StringIO):
    """Stands in for a terminal."""

    def isatty(self):
        return True


def terminal_of(monkeypatch):
    """Let standard error be a terminal, and each look at the clock come two seconds later.

    This is no fixture, as pytest puts its own stream in place before a test begins.
    """
    stream, seconds = Terminal(), itertools.count(0, 2)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("tqdm.std.time", lambda: next(seconds))
    monkeypatch.setattr(progress, "_SMALL_FILE", 1)
    monkeypatch.setattr(duck, "LEAST_BYTES", 1 << 40)
    return stream


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zip", "t.xlsx"])
def test_the_core_shows_how_much_of_a_file_it_has_read(name, tmp_path, monkeypatch):
    terminal = terminal_of(monkeypatch)
    (tmp_path / name).write_bytes(image(name))
    read_table(tmp_path / name)
    seen = terminal.getvalue()
    assert f"Reading {name}: 100%" in seen
    assert seen.endswith("\r")  # it is taken away


@pytest.mark.parametrize("hidden", ["a short while", "a small file", "no terminal", "no bars"])
def test_nothing_is_shown_otherwise(hidden, tmp_path, monkeypatch):
    terminal = terminal_of(monkeypatch)
    path = tmp_path / "t.csv"
    path.write_text(TEXT)
    if hidden == "a short while":
        monkeypatch.setattr("tqdm.std.time", lambda: 0.0)
    if hidden == "a small file":
        monkeypatch.setattr(progress, "_SMALL_FILE", 1 << 30)
    if hidden == "no terminal":
        monkeypatch.setattr(terminal, "isatty", lambda: False, raising=False)
    with progress.no_bars() if hidden == "no bars" else contextlib.nullcontext():
        table = read_table(path)
        if hidden != "a small file":  # whose encoding is another matter
            TableEncoder().fit(table, "y").transform(table)
    assert terminal.getvalue() == ""


def test_fitting_shows_how_many_columns_are_done(monkeypatch):
    terminal = terminal_of(monkeypatch)
    TableEncoder().fit(ROWS, "y")
    assert "Fitting: 100%" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_encoding_shows_how_many_columns_are_done(monkeypatch):
    terminal = terminal_of(monkeypatch)
    table = ROWS
    encoder = TableEncoder().fit(table, "y")
    terminal.truncate(0)
    encoder.transform(table)
    assert "Encoding: 100%" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_the_command_shows_them_unless_it_is_to_be_quiet(options, tmp_path, monkeypatch):
    terminal = terminal_of(monkeypatch)
    (tmp_path / "t.csv").write_text(TEXT)
    argv = ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1", "--hidden", "2"]
    assert main([*argv, "--out", str(tmp_path / "m.h5"), *options]) == 0
    assert ("Reading t.csv" in terminal.getvalue()) == (not options)
    assert ("Encoding" in terminal.getvalue()) == (not options)


def test_a_bar_follows_what_is_done_elsewhere(monkeypatch):
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)
    shares, is_seen = iter([-0.01, 0.5, 0.25]), threading.Event()

    def share():
        known = next(shares, None)
        if known is None:
            is_seen.set()
        return known or 0.0

    with progress.bar("Reading", 1000, "B") as seen, progress.following(seen, share):
        assert is_seen.wait(60)
    assert "50%" in terminal.getvalue()
    assert "25%" not in terminal.getvalue()


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_duckdb_tells_how_far_it_is(name, tmp_path, monkeypatch):
    terminal_of(monkeypatch)
    duckdb = pytest.importorskip("duckdb")
    (tmp_path / "t.csv").write_text(TEXT)
    if name == "t.parquet":
        duckdb.sql(f"FROM '{tmp_path / 't.csv'}'").write_parquet(str(tmp_path / name))
    monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    shares = []

    @contextlib.contextmanager
    def following(seen, share):
        yield
        shares.append(share())

    monkeypatch.setattr(duck, "following", following)
    read_table(tmp_path / name)
    assert len(shares) == 1
    assert -0.01 <= shares[0] <= 1.0


def test_duckdb_counts_and_draws_no_bar_of_its_own(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    (tmp_path / "t.csv").write_text(TEXT)
    with duck.connected(duckdb, tmp_path / "t.csv") as connection:
        for name, expected in (("enable_progress_bar", True), ("enable_progress_bar_print", False)):
            found = connection.execute(f"SELECT current_setting('{name}')").fetchone()
            assert found == (expected,)
