"""Rows on disk are read like arrays, checked as they are read, and come in an order for disks."""

from __future__ import annotations

import os
import signal
import threading
from importlib import import_module
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import ffnn
from ffnn.data import open_rows, windows
from ffnn.data.batches import Batches, Examples
from ffnn.data.npy import NpyRows
from ffnn.data.rows import JoinedRows
from ffnn.data.sources import ArraySource, check_finite, open_source
from ffnn.data.windows import BLOCK, block_order
from ffnn.errors import DataError
from ffnn.layers import Dense, Dropout

KINDS = ["npy", "npy >f4", "h5", "h5 chunked", "h5 zipped", "folder", "parquet", "duckdb", "zarr"]


def write_parquet(path, x, **settings):
    pytest.importorskip("duckdb", reason="Parquet files are read by DuckDB")
    arrow = pytest.importorskip("pyarrow", reason="Parquet files are written by pyarrow here")
    columns = {f"c{i}": column for i, column in enumerate(x if isinstance(x, list) else x.T)}
    import_module("pyarrow.parquet").write_table(
        arrow.table(columns), path, **{"row_group_size": 70, **settings}
    )


def hide_pyarrow(monkeypatch):
    """Have Parquet files read as where pyarrow is not installed."""
    monkeypatch.setattr("ffnn.data.parquet_files._ArrowFile", lambda path: import_module("no.such"))


@pytest.fixture(params=["pyarrow", "duckdb"])
def reader(request, monkeypatch):
    """Read Parquet files with each library."""
    if request.param == "duckdb":
        hide_pyarrow(monkeypatch)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return a function that writes an array as files of some kind and opens its rows."""

    def build(kind, x):
        suffix, _, form = kind.partition(" ")
        path = tmp_path / f"x{len(list(tmp_path.iterdir()))}.{suffix}"
        if suffix == "npy":
            np.save(path, x.astype(form or x.dtype))
        elif suffix in ("parquet", "duckdb"):
            path = path.with_suffix(".parquet")
            write_parquet(path, x)
            if suffix == "duckdb":
                hide_pyarrow(monkeypatch)
        elif suffix == "zarr":
            zarr = pytest.importorskip("zarr", reason="zarr is an extra")
            zarr.create_array(store=str(path), data=x, chunks=(50, *x.shape[1:]))
        elif suffix == "folder":
            path.mkdir()
            for number, part in enumerate(np.array_split(x, 3)):
                np.save(path / f"{number}.npy", part)
        else:
            options = {"chunked": {"chunks": (7, 2)}, "zipped": {"compression": "gzip"}}
            with h5py.File(path, "w") as file:
                file.create_dataset("x", data=x, **options.get(form, {}))
                file["y"] = np.arange(len(x))
        return open_rows(path)

    return build


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32)


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of four blocks, so that a few hundred rows have several."""
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1)


# Reading


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_array(store, x, kind):
    rows = store(kind, x)

    assert (rows.shape, rows.dtype, rows.ndim, len(rows)) == ((300, 5), np.float32, 2, 300)
    np.testing.assert_array_equal(rows, x)
    for key in (slice(3, 250), slice(None), slice(9, 2), slice(0, 99, 7), -1, 299, [5, 1, 5, 280]):
        np.testing.assert_array_equal(rows[key], x[key])
    np.testing.assert_array_equal(rows[x[:, 0] > 0], x[x[:, 0] > 0])
    some = np.sort(np.random.default_rng(1).choice(300, 80, replace=False))
    np.testing.assert_array_equal(rows.select(some), x[some])
    np.testing.assert_array_equal(rows.select(some)[[70, 3, 4]], x[some][[70, 3, 4]])
    with pytest.raises(IndexError):
        rows[300]
    with pytest.raises(IndexError, match="number of a row"):
        rows[:, 2]


@pytest.mark.parametrize("shape", [(40, 3, 2), (40,)])
@pytest.mark.parametrize("kind", ["npy", "h5", "h5 zipped"])
def test_other_dimensions_are_flattened(store, shape, kind):
    values = np.arange(np.prod(shape)).reshape(shape)
    rows = store(kind, values) if len(shape) > 1 else store(kind.split()[0], values)
    np.testing.assert_array_equal(rows, values.reshape(40, -1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64", None])
def test_a_source_and_a_part_of_it_read_the_same(store, x, kind, dtype):
    source = open_source(store(kind, x), dtype)
    for part, rows in ((source, x), (source.part(20, 290), x[20:290])):
        numbers = np.array([200, 3, 3, 77])
        np.testing.assert_array_equal(part.slice(5, 260), rows[5:260])
        np.testing.assert_array_equal(part.take(numbers), rows[numbers])
        np.testing.assert_array_equal(part.part(30, 40).slice(0, 10), rows[30:40])


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="of Linux and other Unixes")
@pytest.mark.parametrize(("kind", "first"), [("npy", 128), ("h5", None)])
def test_the_system_is_told_of_all_blocks_before_the_first_is_read(
    store, x, kind, first, monkeypatch
):
    rows, calls = store(kind, x), []
    read, first = os.preadv, rows._offset if first is None else first
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *advice: calls.append(advice))
    monkeypatch.setattr(os, "preadv", lambda *args: calls.append("read") or read(*args))

    numbers = np.r_[64:128, 2500:2564]  # of 20 bytes; 1,024 rows are read over rather than left out
    joined = JoinedRows("joined", [rows] * 9)
    out = np.empty((128, 5), np.float32)
    joined.gather_into(out, numbers)
    np.testing.assert_array_equal(out, np.tile(x, (9, 1))[numbers])
    place = first + (2500 - 8 * 300) * 20
    will_need = os.POSIX_FADV_WILLNEED
    assert calls[:2] == [(first + 64 * 20, 1280, will_need), (place, 1280, will_need)]
    assert calls[2:] == ["read", "read"]


def test_a_dataset_is_named_or_found(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["a/b"], file["c"] = np.ones((2, 3)), np.zeros((2, 3))
    np.testing.assert_array_equal(open_rows(tmp_path / "d.h5", "a/b"), np.ones((2, 3)))
    with pytest.raises(DataError, match=r"give name, one of a/b, c"):
        open_rows(tmp_path / "d.h5")
    with pytest.raises(DataError, match=r"no array 'a/d' \(did you mean 'a/b'\?\); .*a/b, c"):
        open_rows(tmp_path / "d.h5", "a/d")


def store_h5(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.ones((2, 2))
    return path


@pytest.mark.usefixtures("reader")
def test_columns_of_a_parquet_file_are_named_or_all(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("duckdb")
    path = tmp_path / "d.parquet"
    table = arrow.table({"a": np.arange(9), "b 2": np.arange(9) / 2, "t": list("abcdefghi")})
    import_module("pyarrow.parquet").write_table(table, path)

    rows = open_rows(path, ["b 2", "a"])
    np.testing.assert_array_equal(rows, np.column_stack([np.arange(9) / 2, np.arange(9)]))
    y = open_rows(path, "a")
    assert (y.shape, y.dtype) == ((9, 1), np.int64)
    with pytest.raises(
        DataError, match=r"numbers in column 't', got (string|VARCHAR); name the columns"
    ):
        open_rows(path)
    with pytest.raises(DataError, match=r"no column 'b'.*the file has a, b 2, t"):
        open_rows(path, "b")


@pytest.mark.usefixtures("reader")
def test_missing_numbers_of_a_parquet_file_are_named(tmp_path, monkeypatch):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("duckdb")
    path, write = tmp_path / "d.parquet", import_module("pyarrow.parquet").write_table
    write(arrow.table({"a": [1.0, 2.0, None], "b": [1, None, 3]}), path)

    np.testing.assert_array_equal(open_rows(path), [[1, 1], [2, np.nan], [np.nan, 3]])
    with pytest.raises(DataError, match="missing in row 1, column 'b'"):
        open_rows(path, "b")[:]

    monkeypatch.setattr("ffnn.data.parquet._PART_BYTES", 8 * 40)
    write(arrow.table({"n": [*range(200), None, 7]}), path, row_group_size=70)
    with pytest.raises(DataError, match="missing in row 200, column 'n'"):
        open_rows(path)[:]


@pytest.mark.usefixtures("reader")
def test_a_parquet_file_that_is_cut_short_is_named(tmp_path, x, monkeypatch):
    path = tmp_path / "x.parquet"
    write_parquet(path, x)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"x\.parquet: this Parquet file .*cut short"):
        open_rows(path)
    path.write_bytes(whole)
    rows = open_rows(path)
    path.write_bytes(whole[:200] + bytes(len(whole) - 1200) + whole[-1000:])
    with pytest.raises(DataError, match=r"x\.parquet: "):
        rows[:]
    path.write_bytes(whole)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10))
    with pytest.raises(OSError, match=r"takes 5\.86 KiB in .*10 bytes are free.*TMPDIR"):
        rows[:]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("most", [1 << 26, 1200])  # 600 bytes a column of a row group: one, or two
def test_large_row_groups_are_decoded_in_parts(tmp_path, x, monkeypatch, most):
    x = np.random.default_rng(0).standard_normal((337, 7)).astype("f4")
    x[[3, 200], [6, 0]] = np.nan
    columns = [*x.T[:6], [None if np.isnan(each) else each for each in x[:, 6]]]
    write_parquet(tmp_path / "x.parquet", columns, row_group_size=150, use_dictionary=False)
    monkeypatch.setattr("ffnn.data.parquet._PART_BYTES", 40 * 28)
    monkeypatch.setattr("ffnn.data.parquet._TILE", 2)
    monkeypatch.setattr("ffnn.data.parquet._MOST_BYTES", most)
    np.testing.assert_array_equal(open_rows(tmp_path / "x.parquet"), x)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("most", [1 << 26, 100])
def test_columns_of_several_dtypes_become_rows_of_one(tmp_path, monkeypatch, most):
    kinds = [*"bBhHiIlLfd?"]
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 2 if kind == "?" else 100, 90).astype(kind) for kind in kinds]
    write_parquet(tmp_path / "x.parquet", columns)
    monkeypatch.setattr("ffnn.data.parquet._TILE", 4)
    monkeypatch.setattr("ffnn.data.parquet._MOST_BYTES", most)
    rows = open_rows(tmp_path / "x.parquet")
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, np.column_stack(columns))
    for index, kind in enumerate(kinds):
        one = open_rows(tmp_path / "x.parquet", f"c{index}")
        assert one.dtype == np.dtype("u1" if kind == "?" else kind)
        np.testing.assert_array_equal(one, columns[index][:, None])


def test_an_array_of_a_group_of_zarr_is_named_or_found(tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr is an extra")
    group = zarr.create_group(store=str(tmp_path / "g"))
    group.create_array("x", data=np.ones((5, 2, 2)))
    group.create_array("z", data=np.arange(5))
    assert open_rows(tmp_path / "g").shape == (5, 4)
    np.testing.assert_array_equal(open_rows(tmp_path / "g", "z"), np.arange(5)[:, None])
    with pytest.raises(DataError, match=r"no array 'y'.*x, z"):
        open_rows(tmp_path / "g", "y")


def test_what_cannot_be_rows_is_refused_as_what_it_is(tmp_path):
    def refused(message, *args):
        with pytest.raises(DataError, match=message):
            open_rows(*args)

    x, path = np.ones((50, 4)), tmp_path / "x.npy"
    refused("there is no such file", path)
    refused(r"expected files ending in \.npy, .*found none", tmp_path)
    np.save(path, x)
    path.write_bytes(path.read_bytes()[:-1])
    refused("cut short: 50 rows take 1,728 bytes, it has 1,727", path)
    path.write_bytes(b"PK nothing")
    refused("expected a .npy file", path)
    np.save(path, np.asfortranarray(x))
    refused(r"column by column.*ascontiguousarray", path)
    np.save(path, np.array(["a"]))
    refused("array of numbers", path)
    refused("holds one array, and no name 'x'", path, "x")
    (tmp_path / "x.h5").write_bytes(b"no")
    refused("cannot be read", tmp_path / "x.h5")
    (tmp_path / "x.rar").touch()
    refused(r"ending in \.npy, \.h5", tmp_path / "x.rar")
    refused("expected the name of one array", store_h5(tmp_path / "named.h5"), ["a", "b"])
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / "a.npy", x)
    np.save(folder / "b.npy", x[:, :3])
    refused("same columns and dtype, got <50 rows of 4 columns.*<50 rows of 3 columns", folder)


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path, x):
    path = tmp_path / "x.npy"
    np.save(path, x)
    rows = open_rows(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(DataError, match=r"x\.npy: the file was cut short while it was read"):
        rows[250:]


@pytest.mark.parametrize("kind", KINDS)
def test_bad_entries_are_named_when_their_batch_is_read(store, x, kind):
    x[217, 3] = np.nan
    source = open_source(store(kind, x), "float32")
    check_finite(source, "x")
    source.slice(0, 217)
    for read in (lambda s: s.slice(200, 300), lambda s: s.take(np.array([299, 217]))):
        with pytest.raises(DataError, match="x: got nan in row 217, column 3"):
            read(source)
    with pytest.raises(DataError, match="row 217, column 3"):
        source.part(100, 300).slice(100, 150)


# The order


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 300, 1000, 1024])
@pytest.mark.parametrize("window", [4, 5, 100])
def test_every_row_comes_once_and_windows_are_whole_blocks(rows, window):
    order, ends = block_order(rows, window * BLOCK, np.random.default_rng(0))

    assert sorted(order) == list(range(rows))
    seen = set()
    for start, end in zip([0, *ends], ends, strict=False):
        blocks = set(order[start:end] // BLOCK)
        assert len(blocks) <= window
        assert not blocks & seen
        seen |= blocks
    assert ends[-1] == rows


def test_blocks_and_rows_within_a_window_come_in_any_order():
    # 400 orders of 10 blocks in windows of 5. Block 3 begins a window's half as often as not, and
    # row 7 of it is as often among the first half of its window: 200 expected, standard deviation
    # √(400/4) = 10, of which 5 are passed by chance in 6e-7 of all runs.
    rng, first, early = np.random.default_rng(1), 0, 0
    for _ in range(400):
        order, ends = block_order(10 * BLOCK, 5 * BLOCK, rng)
        place = int(np.flatnonzero(order == 3 * BLOCK + 7)[0])
        first += place < ends[0]
        early += place % (5 * BLOCK) < 5 * BLOCK // 2
    assert abs(first - 200) < 50
    assert abs(early - 200) < 50


def batches_of(x, seed=0, size=48, **settings):
    y = ArraySource(np.arange(float(len(x)))[:, None])
    examples = Examples(open_source(x, None), y, None)
    return Batches(examples, size, np.random.default_rng(seed), by_blocks=True, **settings)


def copies(batches):
    return [(x.copy(), y.copy()) for x, y, _ in batches]


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("kind", KINDS)
def test_the_order_is_the_same_in_memory_and_on_disk(store, x, kind):
    here, there = batches_of(x), batches_of(store(kind, x))
    for _ in range(2):
        for (a, b), (c, d) in zip(copies(here), copies(there), strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
            np.testing.assert_array_equal(a, x[b[:, 0].astype(int)])


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("shuffle", [None, 5])
def test_rows_on_disk_come_in_any_other_order_too(store, x, shuffle):
    def batches(data):
        rng = None if shuffle is None else np.random.default_rng(shuffle)
        return Batches(Examples(open_source(data, "float64"), ArraySource(x), None), 48, rng)

    for (a, b), (c, d) in zip(copies(batches(x)), copies(batches(store("npy", x))), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("use", ["predict", "evaluate"])
def test_predictions_and_evaluations_read_the_next_window_ahead(store, x, use, monkeypatch):
    readers, x = [], np.tile(x, (5, 1))
    model = network().fit(x, labels(x), verbose=0).model
    read, rows = NpyRows.read_into, store("npy", x)
    thread = threading.current_thread
    record = lambda *args: readers.append((thread().name, args[2])) or read(*args)  # noqa: E731
    monkeypatch.setattr(NpyRows, "read_into", record)
    given = [] if use == "predict" else [labels(x)]
    expected = getattr(model, use)(x, *given, batch_size=32)
    np.testing.assert_array_equal(getattr(model, use)(rows, *given, batch_size=32), expected)
    assert [start for _, start in readers] == [*range(0, 1500, 256)]  # windows of four blocks
    assert all(name.startswith("ffnn-rows") for name, _ in readers)


@pytest.mark.usefixtures("small_windows")
def test_an_epoch_that_was_left_is_resumed_in_the_middle_of_a_window(store, x):
    rows = store("npy", x)
    whole = copies(batches_of(rows))
    first = batches_of(rows)
    done = [batch.copy() for _, (batch, _, _) in zip(range(3), first, strict=False)]
    resumed = batches_of(rows, seed=9)
    resumed.set_state(first.get_state())
    done += [batch for batch, _ in copies(resumed)]
    for a, (b, _) in zip(done, whole, strict=True):
        np.testing.assert_array_equal(a, b)


# Training


def network():
    model = ffnn.Sequential([Dense(8, "relu"), Dropout(0.2), Dense(2, "softmax")], seed=3)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def labels(x):
    return (x[:, 0] > 0).astype(int)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_same_bits_as_from_memory(store, x, kind):
    def train(data):
        model = network()
        history = model.fit(
            data,
            labels(x),
            epochs=3,
            verbose=0,
            shuffle="blocks",
            validation_split=0.2,
        )
        return model, history.history

    (here, told_here), (there, told_there) = train(x), train(store(kind, x))
    np.testing.assert_array_equal(here.parameters, there.parameters)
    assert told_here == told_there
    np.testing.assert_array_equal(here.predict(x), there.predict(store(kind, x)))
    assert here.evaluate(x, labels(x)) == there.evaluate(store(kind, x), labels(x))


@pytest.mark.usefixtures("small_windows")
def test_a_training_is_resumed_within_an_epoch(store, x, tmp_path):
    rows, path = store("npy", x), tmp_path / "m.h5"

    whole = network()
    whole.fit(rows, labels(x), epochs=3, verbose=0, shuffle="blocks")

    class Leave(ffnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            if batch == 4 and len(self.model.history.epoch) == 1:
                signal.raise_signal(signal.SIGINT)

    cut = network()
    cut.fit(rows, labels(x), epochs=3, verbose=0, shuffle="blocks", callbacks=[Leave()])
    assert cut.position["batches"]["next_batch"] == 5
    cut.save(path)
    resumed = network()
    resumed.fit(
        rows,
        labels(x),
        epochs=3,
        verbose=0,
        shuffle="blocks",
        callbacks=[Leave()],
        resume_from=path,
    )
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    with pytest.raises(ValueError, match=r"shuffle=blocks of 64 rows .*now it is True"):
        network().fit(rows, labels(x), epochs=3, verbose=0, callbacks=[Leave()], resume_from=path)


@pytest.mark.usefixtures("small_windows")
def test_the_batch_with_a_bad_row_updates_nothing(store, x):
    rows, seen = store("npy", x), []

    class Weights(ffnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(self.model.parameters.copy())

    x[130, 2] = np.inf
    bad, model = store("npy", x), network()
    message = "x: got inf in row 130, column 2"
    with pytest.raises(DataError, match=message):
        model.fit(bad, labels(x), verbose=0, shuffle=False, callbacks=[Weights()])
    assert len(seen) == 4  # batches of 32 rows: 130 is in the fifth
    np.testing.assert_array_equal(model.parameters, seen[-1])
    straight = network()
    straight.fit(rows, labels(x), verbose=0, shuffle=False, steps_per_epoch=4)
    np.testing.assert_array_equal(model.parameters, straight.parameters)
    for use in (model.predict, lambda data: model.evaluate(data, labels(x))):
        with pytest.raises(DataError, match=message):
            use(bad)


@pytest.mark.usefixtures("small_windows")
def test_a_full_shuffle_of_rows_on_disk_says_what_it_costs(store, x):
    with pytest.warns(UserWarning, match=r"each of the 300 rows by itself.*shuffle='blocks'"):
        network().fit(store("npy", x), labels(x), verbose=0, epochs=2)


def test_a_full_shuffle_of_what_fits_into_a_window_says_nothing(store, x):
    network().fit(store("npy", x), labels(x), verbose=0, epochs=2)


@pytest.mark.parametrize("shuffle", ["block", 2, None])
def test_another_shuffle_is_refused(x, shuffle):
    with pytest.raises((TypeError, ValueError), match="fit: shuffle"):
        network().fit(x, labels(x), verbose=0, shuffle=shuffle)
