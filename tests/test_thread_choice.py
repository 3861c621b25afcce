"""``set_num_threads("auto")``: what trainings choose, when it is measured, and where it is kept."""

import contextlib
import json

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback
from ffnn.core import thread_choice
from ffnn.layers import Dense
from ffnn.threads import get_num_threads, limit_threads, one_thread, set_num_threads

FLOAT = np.dtype("float32")


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path):
    """Keep what is measured in a folder of the test, on a machine of four cores."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(thread_choice, "cache_folder", lambda: tmp_path / "ffnn")
    monkeypatch.setattr(thread_choice, "available_cores", lambda: 4)


@pytest.fixture
def auto():
    """Let a test set "auto" or a number, and put all back."""
    before = get_num_threads()
    if before is None:
        pytest.skip("threadpoolctl is not installed, or does not know this BLAS")
    yield before
    set_num_threads(before)


@pytest.fixture
def measured(monkeypatch):
    """Measure nothing: two threads are fastest; return the shapes that were asked for."""
    asked = []

    def measure(shape, dtype, cores, limit):
        asked.append((shape, str(dtype), cores))
        return {1: 1.0, 2: 0.6, 4: 0.7}

    monkeypatch.setattr(thread_choice, "measure", measure)
    return asked


def fit(batch_size=32, callbacks=(), **options):
    x = np.random.default_rng(0).standard_normal((64, 10))
    model = ffnn.Sequential([Dense(40, "relu"), Dense(1)], seed=0)
    model.compile()
    model.fit(x, x[:, 0], batch_size=batch_size, verbose=0, callbacks=callbacks, **options)


class Seeing(Callback):
    def __init__(self):
        self.found = set()

    def on_train_batch_end(self, batch, logs):
        self.found.add(get_num_threads())


@pytest.mark.parametrize(
    ("seconds", "number"),
    [
        ({1: 1.0, 2: 0.6, 4: 0.7}, 2),
        ({1: 1.0, 2: 0.95, 4: 0.91}, 1),  # less than a tenth faster
        ({1: 1.0, 2: 1.5, 4: 3.0}, 1),
        ({1: 1.0, 2: 0.6, 4: 0.4}, 4),
        ({1: 1.0}, 1),
    ],
)
def test_more_threads_are_chosen_where_they_are_clearly_faster(seconds, number):
    assert thread_choice.fastest(seconds) == number


def test_a_training_uses_what_was_measured_for_its_largest_product(auto, measured):
    set_num_threads("auto")
    seeing = Seeing()

    fit(callbacks=[seeing])

    assert measured == [((40, 10, 32), "float32", 4)]
    assert seeing.found <= {1, 2}  # no more than the library was built for
    assert get_num_threads() == auto


def test_a_size_is_measured_once_and_kept(auto, measured, tmp_path):
    set_num_threads("auto")

    fit()
    fit()
    fit(batch_size=30)  # of the same class
    fit(batch_size=4)

    assert [shape for shape, _, _ in measured] == [(40, 10, 32), (40, 10, 4)]
    kept = json.loads((tmp_path / "ffnn/threads.json").read_text("utf-8"))
    assert kept == {thread_choice.machine(): {"float32 2^14": 2, "float32 2^11": 2}}


def test_other_machines_keep_their_numbers_and_a_broken_file_is_written_anew(measured, tmp_path):
    file = tmp_path / "ffnn/threads.json"
    file.parent.mkdir()
    file.write_text('{"other": {"float32 2^20": 3}}', "utf-8")

    def limit(number):
        return contextlib.nullcontext()

    assert thread_choice.choose((64, 64, 64), FLOAT, limit) == 2
    assert json.loads(file.read_text("utf-8"))["other"] == {"float32 2^20": 3}

    file.write_text("{", "utf-8")
    assert thread_choice.choose((64, 64, 64), FLOAT, limit) == 2
    assert len(measured) == 2


def test_where_nothing_can_be_kept_it_is_measured_each_time(measured, tmp_path):
    (tmp_path / "ffnn").write_text("a file, not a folder", "utf-8")

    for _ in range(2):
        assert thread_choice.choose((8, 8, 8), FLOAT, lambda _: contextlib.nullcontext()) == 2
    assert len(measured) == 2


def test_a_machine_of_one_core_measures_nothing(measured, monkeypatch):
    monkeypatch.setattr(thread_choice, "available_cores", lambda: 1)

    assert thread_choice.choose((8, 8, 8), FLOAT, lambda _: contextlib.nullcontext()) == 1
    assert measured == []


def test_a_measurement_tries_every_power_of_two_and_all_cores():
    tried = []

    def limit(number):
        tried.append(number)
        return contextlib.nullcontext()

    seconds = thread_choice.measure((8, 8, 8), FLOAT, 6, limit)

    assert list(seconds) == [1, 2, 4, 6]
    assert all(each > 0.0 for each in seconds.values())
    assert tried[1:] == [1, 2, 4, 6] * 7


def test_a_number_or_a_block_comes_before_auto(auto, measured):
    set_num_threads("auto")
    with limit_threads(1):
        fit()
    with one_thread(always=True):
        fit()
    fit(micro_batches=2)
    set_num_threads(1)
    fit()

    assert measured == []


def test_a_block_of_auto_ends(auto, measured):
    with limit_threads("auto"):
        fit()
    fit()

    assert len(measured) == 1
