"""A callable that returns batches trains as the same batches of an array do."""

from __future__ import annotations

import itertools
import signal

import numpy as np
import pytest

import ffnn
from ffnn.errors import DataError
from ffnn.layers import Dense, Dropout

ROWS, SIZE = 96, 16


@pytest.fixture
def data():
    x = np.random.default_rng(0).standard_normal((ROWS, 3)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def network(metrics=("accuracy",)):
    model = ffnn.Sequential([Dense(4, "relu"), Dropout(0.2), Dense(2, "softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", [*metrics])
    return model


def batches(*arrays, size=SIZE):
    return lambda: (tuple(a[i : i + size] for a in arrays) for i in range(0, ROWS, size))


class Shuffled:
    """A stream with a state: it draws a new order at each epoch."""

    def __init__(self, x, y):
        self.x, self.y, self.rng, self.calls = x, y, np.random.default_rng(5), 0

    def __call__(self):
        self.calls += 1
        order = self.rng.permutation(len(self.x))
        for start in range(0, len(order), SIZE):
            chosen = order[start : start + SIZE]
            yield self.x[chosen], self.y[chosen]

    def state_dict(self):
        return self.rng.bit_generator.state

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state


class Leave(ffnn.callbacks.Callback):
    """Stands for Ctrl-C in the third batch of the second epoch."""

    def on_train_batch_end(self, batch, logs):
        if batch == 2 and len(self.model.history.epoch) == 1:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"class_weight": {0: 1.0, 1: 3.0}}])
def test_a_stream_trains_as_the_same_rows_do(data, settings):
    x, y = data
    whole, parts = network(), network()
    told = whole.fit(
        x, y, SIZE, 3, verbose=0, shuffle=False, validation_data=(x, y), **settings
    ).history
    streamed = parts.fit(
        batches(x, y),
        epochs=3,
        steps_per_epoch=ROWS // SIZE,
        verbose=0,
        validation_data=batches(x, y, size=1024),
        **settings,
    )
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    assert streamed.history == told
    assert parts.evaluate(batches(x, y, size=1024)) == whole.evaluate(x, y)


def test_batches_may_have_weights(data):
    x, y = data
    weight = np.arange(ROWS) % 3.0
    whole, parts = network(), network()
    whole.fit(x, y, SIZE, verbose=0, shuffle=False, sample_weight=weight)
    parts.fit(batches(x, y, weight), steps_per_epoch=6, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)


def test_batches_may_be_lists_tensors_and_of_any_size(data):
    class Tensor:  # as PyTorch's and TensorFlow's are: with a shape, and read by NumPy
        dtype = "tensor.float32"

        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.array, dtype)

        def __len__(self):
            return len(self.array)

    x, y = data
    parts, whole = network(), network()
    cuts = [0, 10, 11, 40, 96]
    pairs = [(x[a:b], y[a:b]) for a, b in itertools.pairwise(cuts)]
    whole.fit(lambda: pairs, steps_per_epoch=4, verbose=0)
    (a, b), (c, d), *others = pairs
    mixed = [[a.tolist(), b.tolist()], (Tensor(c), Tensor(d)), *others]
    parts.fit(lambda: mixed, steps_per_epoch=4, verbose=0)
    np.testing.assert_allclose(parts.parameters, whole.parameters, rtol=1e-6)


def test_the_stream_is_called_once_an_epoch_and_drawn_no_further(data):
    stream, drawn = Shuffled(*data), []

    def counting():
        for batch in stream():
            drawn.append(len(batch[0]))
            yield batch

    network().fit(counting, steps_per_epoch=4, epochs=3, verbose=0)
    assert stream.calls == 3
    assert len(drawn) == 12


def test_torch_loaders_are_streams(data):
    torch = pytest.importorskip("torch", reason="PyTorch is an extra")
    x, y = data
    rows = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(rows, batch_size=SIZE)
    whole, parts = network(), network()
    whole.fit(x, y, SIZE, 2, verbose=0, shuffle=False)
    parts.fit(lambda: loader, steps_per_epoch=len(loader), epochs=2, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)


def test_record_batches_of_duckdb_are_streams(data, tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is an extra")
    arrow = pytest.importorskip("pyarrow", reason="record batches are pyarrow's")
    parquet = pytest.importorskip("pyarrow.parquet")
    x, y = data
    table = arrow.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": y})
    parquet.write_table(table, tmp_path / "d.parquet")

    def stream():
        found = duckdb.sql(f"SELECT a, b, c, label FROM '{tmp_path / 'd.parquet'}'")
        for batch in found.to_arrow_reader(2048):  # DuckDB's own batches hold at least as many
            *columns, label = (np.asarray(column) for column in batch.columns)
            yield np.column_stack(columns), label

    whole, parts = network(), network()
    whole.fit(x, y, ROWS, epochs=2, verbose=0, shuffle=False)
    parts.fit(stream, steps_per_epoch=1, epochs=2, verbose=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)


# Resuming


def test_a_stream_that_says_its_state_is_resumed_exactly(data, tmp_path):
    path, settings = tmp_path / "m.h5", {"steps_per_epoch": 5, "epochs": 3, "verbose": 0}
    whole, cut, resumed = network(), network(), network()
    whole.fit(Shuffled(*data), **settings)
    cut.fit(Shuffled(*data), callbacks=[Leave()], **settings)
    assert cut.position["batches"]["next_batch"] == 3
    cut.save(path)
    history = resumed.fit(Shuffled(*data), callbacks=[Leave()], resume_from=path, **settings)
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert history.history == whole.history.history

    first = network()
    first.fit(Shuffled(*data), **{**settings, "epochs": 2})
    first.save(path)
    again = network()
    again.fit(Shuffled(*data), resume_from=path, **settings)
    np.testing.assert_array_equal(again.parameters, whole.parameters)


def test_a_stream_that_does_not_say_its_state_is_not_resumed(data, tmp_path):
    settings = {"steps_per_epoch": 5, "epochs": 3, "verbose": 0}
    model, path = network(), tmp_path / "m.h5"
    model.fit(batches(*data), **{**settings, "epochs": 1})
    model.save(path)
    before = model.parameters.copy()
    for stream, reason in (
        (batches(*data), "x is a stream that does not say where it is"),
        (Shuffled(*data), "a stream that did not say where it was"),
    ):
        with pytest.raises(ValueError, match=rf"{reason}.*state_dict\(\)"):
            model.fit(stream, resume_from=path, **settings)
    np.testing.assert_array_equal(model.parameters, before)
    with pytest.raises(ValueError, match="rows=0, now it is 96"):
        model.fit(*data, epochs=3, steps_per_epoch=5, verbose=0, resume_from=path)


# What is refused


def test_a_stream_that_ends_early_is_refused_by_its_numbers(data):
    with pytest.raises(DataError, match=r"x: the stream ended after 6 batches.*steps_per_epoch=7"):
        network().fit(batches(*data), steps_per_epoch=7, verbose=0)
    model = network()
    with pytest.raises(DataError, match="x: expected batches, the stream has none"):
        model.fit(lambda: iter(()), steps_per_epoch=7, verbose=0)
    assert not model.is_built


def bad(x, y, change):
    def stream():
        for number in range(6):
            part = slice(number * SIZE, (number + 1) * SIZE)
            yield change(x[part], y[part]) if number == 3 else (x[part], y[part])

    return stream


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, :2], y), r"expected input with 3 features, got .*\(16, 2\)"),
        (lambda x, y: (x, y[:-1]), "one target for each of 16 rows, got 15"),
        (lambda x, y: (x * np.nan, y), "got nan in row 0, column 0"),
        (lambda x, y: (x, y + 7), "class labels from 0 to 1"),
        (lambda x, y: x, r"expected \(x, y\) or \(x, y, weight\), got ndarray"),
        (lambda x, y: (x,), r"expected \(x, y\) or \(x, y, weight\), got 1"),
    ],
)
def test_a_bad_batch_is_named_and_updates_nothing(data, change, message):
    model, straight = network(), network()
    with pytest.raises(DataError, match=f"^x: batch 4 of the stream: .*{message}"):
        model.fit(bad(*data, change), steps_per_epoch=6, verbose=0)
    straight.fit(batches(*data), steps_per_epoch=3, verbose=0)
    np.testing.assert_array_equal(model.parameters, straight.parameters)


def test_what_a_stream_cannot_have_is_refused(data):
    x, y = data

    def refused(message, stream=None, kind=ValueError, **settings):
        with pytest.raises(kind, match=message):
            network().fit(stream or batches(x, y), verbose=0, **settings)

    refused("give steps_per_epoch, the number of batches of an epoch")
    refused("so give no y", y=y, steps_per_epoch=2)
    refused("so give no sample_weight", sample_weight=y, steps_per_epoch=2)
    refused("no validation_split; give validation_data", validation_split=0.1, steps_per_epoch=2)
    refused("whose order is its own", shuffle="blocks", steps_per_epoch=2)
    refused("an iterable of batches", stream=lambda: 3, kind=DataError, steps_per_epoch=2)
    refused(
        "validation_data: batch 1 of the stream: .*3 features",
        kind=DataError,
        steps_per_epoch=2,
        validation_data=batches(x[:, :2], y),
    )
