"""Large tables are read and encoded in place, and too little memory is told before and after."""

import tracemalloc

import numpy as np
import pytest

import ffnn
from ffnn.cli import main
from ffnn.core import free_memory
from ffnn.tables import TableEncoder, duck, outline, read_table

ROWS = 100_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Write a file of four columns of numbers and two of categories."""
    rng = np.random.default_rng(0)
    numbers, codes = rng.normal(size=(ROWS, 4)).round(3).tolist(), rng.integers(0, 9, (ROWS, 2))
    path = tmp_path_factory.mktemp("large") / "t.csv"
    lines = (
        f"{','.join(map(str, row))},k{a},m{b}\n"
        for row, (a, b) in zip(numbers, codes.tolist(), strict=True)
    )
    path.write_text("a,b,c,y,k,m\n" + "".join(lines))
    return path


def peak(work):
    """Return the most bytes that are held at once beyond those before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_table_is_encoded_into_one_array_with_little_besides(large):
    table = read_table(large)
    encoder = TableEncoder().fit(table, "y")
    size = ROWS * len(encoder.feature_names) * 4
    assert peak(lambda: encoder.transform(table, dtype=np.float32)) < size + 4 * ROWS + (8 << 20)
    rows = np.arange(0, ROWS, 2)
    held = peak(lambda: encoder.transform(table, rows=rows, dtype=np.float32))
    assert held < size / 2 + 4 * ROWS + (8 << 20)


def test_reading_holds_the_columns_and_little_besides(large, monkeypatch):
    monkeypatch.setattr(duck, "LEAST_BYTES", 1 << 40)
    columns = ROWS * (4 * 8 + 2 * 4)
    assert peak(lambda: read_table(large)) < 1.3 * columns + (16 << 20)


def test_training_holds_the_columns_and_the_numbers_that_are_learned(large, monkeypatch):
    monkeypatch.setattr(duck, "LEAST_BYTES", 1 << 40)
    # 3 numbers and 2 x 9 categories in float32; the columns as above; targets, weights, row numbers
    expected = ROWS * (21 * 4 + 4 * 8 + 2 * 4 + 6 * 8)
    argv = ["train", str(large), "--target", "y", "--epochs", "1", "--quiet", "--hidden", "4"]
    assert peak(lambda: main([*argv, "--batch-size", "1000"])) < 1.2 * expected + (8 << 20)


def test_some_rows_in_the_dtype_of_the_model_have_the_same_bits():
    rows = [{"a": i / 7, "b": "xyz"[i % 3], "y": i} for i in range(20_000)]
    table = ffnn.tables.frames.as_table(rows)
    encoder = TableEncoder().fit(table, "y")
    numbers = encoder.transform(table)
    chosen = np.random.default_rng(0).permutation(20_000)[:9000]
    found = encoder.transform(table, rows=chosen, dtype=np.float32)
    np.testing.assert_array_equal(found, numbers[chosen].astype(np.float32))
    again = TableEncoder().fit(table, "y", rows=chosen)
    assert again.get_config() == TableEncoder().fit(table.take(chosen), "y").get_config()


def test_a_number_too_large_once_scaled_is_refused_with_its_place(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,1.5\n2,2.5\n3,3.5\n")
    encoder = TableEncoder().fit(path, "y")
    path.write_text("a,y\n1,1.5\n\n1e300,2.5\n")
    assert np.isfinite(encoder.transform(path)).all()
    with pytest.raises(ffnn.DataError, match=r"'a' has 1e\+300 in line 4, .* too far"):
        encoder.transform(path, dtype=np.float32)


# -- too little --------------------------------------------------------------------------------


@pytest.fixture
def little(monkeypatch):
    """Let so many bytes be free, and any number of them be worth looking at."""

    def little(size):
        monkeypatch.setattr(free_memory, "free_memory", lambda: size)
        monkeypatch.setattr(free_memory, "_LEAST", 0)

    return little


def test_a_file_that_is_too_large_is_refused_at_once(large, little, tmp_path, capsys):
    little(1 << 20)
    out = tmp_path / "m.h5"
    assert main(["train", str(large), "--target", "y", "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert error.startswith(f"ffnn: error: {large}: about 100,000 rows of 6 columns need 3.8")
    assert " MiB of memory, and 1 MiB are free; learn from fewer columns or rows, or" in error
    assert not out.exists()


def test_a_parquet_file_that_is_too_large_is_refused_at_once(little, tmp_path, capsys):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "d.parquet"
    query = "SELECT i AS a, i / 2 AS b, 'x' AS t FROM range(3000) r(i)"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    little(3000 * (8 + 8 + 4) - 1)
    assert main(["train", str(path), "--out", str(tmp_path / "m.h5")]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert error.startswith(f"ffnn: error: {path}: 3,000 rows of 3 columns need 58.")
    assert "or from a .h5 file of numbers" in error
    assert "ffnn.data.open_rows reads columns of numbers of a .parquet file so" in error
    assert not (tmp_path / "m.h5").exists()
    little(1 << 30)
    assert ffnn.tables.read_table(path).num_rows == 3000


def test_what_is_learned_from_is_refused_before_it_is_made(large, little, capsys):
    little(5 << 20)  # enough for the columns
    assert main(["train", str(large), "--target", "y", "--preset", "plain"]) == 1
    error = capsys.readouterr().err
    assert "80,000 rows of 21 numbers need 6.41 MiB of memory, and 5 MiB are free" in error
    assert "--only" in error


def test_running_out_of_memory_on_the_way_says_what_to_do(large, monkeypatch, capsys):
    def fail(*_, **options):
        raise MemoryError

    for owner, name in ((outline.ColumnReader, "add"), (TableEncoder, "fit")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            assert main(["train", str(large), "--target", "y"]) == 1
    for line in capsys.readouterr().err.splitlines():
        assert f"{large}: the memory is not enough; " in line
        assert ".h5" in line


def test_duckdb_is_left_out_where_memory_is_short(large, monkeypatch):
    pytest.importorskip("duckdb")
    monkeypatch.setattr(duck, "LEAST_BYTES", 0)
    results, read = [], duck.read_columns
    monkeypatch.setattr(duck, "read_columns", lambda *args: results.append(read(*args)))
    for free in (8 * large.stat().st_size - 1, 8 * large.stat().st_size):
        monkeypatch.setattr(duck, "free_memory", lambda free=free: free)
        assert read_table(large).num_rows == ROWS
    assert [result is None for result in results] == [True, False]


# -- how much is free --------------------------------------------------------------------------


def test_the_smallest_limit_counts(monkeypatch):
    pytest.importorskip("resource")
    files = {
        "/proc/self/statm": "10 5 1 1 0 1 0\n",
        "/proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 500 kB\n",
    }

    def text(path):
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    monkeypatch.setattr(free_memory, "_text", text)
    monkeypatch.setattr(free_memory.os.path, "exists", files.__contains__)
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert free_memory.free_memory() == 500 * 1024
    group = "/sys/fs/cgroup"
    files |= {f"{group}/memory.max": "max\n", f"{group}/memory.current": "400000\n"}
    assert free_memory.free_memory() == 500 * 1024
    files |= {
        f"{group}/memory.max": "700000\n",
        f"{group}/memory.stat": "anon 5\ninactive_file 1000\n",
    }
    assert free_memory.free_memory() == 301_000
    page = free_memory.os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr("resource.getrlimit", lambda _: (10 * page + 77, -1))
    assert free_memory.free_memory() == 77
    monkeypatch.setattr("resource.getrlimit", lambda _: (page, -1))
    assert free_memory.free_memory() == 0
    files.clear()
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert free_memory.free_memory() == float("inf")
