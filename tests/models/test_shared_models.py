"""One model in many threads and in a child, and what stays open or in memory."""

import gc
import os
import sys
import threading

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.layers import BatchNorm, Dense, Dropout

h5py = pytest.importorskip("h5py")
X = np.random.default_rng(0).standard_normal((30, 4))


def trained():
    model = ffnn.Sequential([Dense(5, "relu"), BatchNorm(), Dropout(0.2), Dense(1)], 4, seed=0)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], verbose=0)
    return model


def test_eight_threads_predict_what_one_predicts(soak):
    result = soak("threads")

    assert result["failures"] == []
    assert result["cases"] == 5_000
    assert result["control"] > 0  # threads in one working memory get other numbers


def test_training_does_not_leak_memory(soak):
    result = soak("memory")

    assert result["failures"] == []
    assert result["notes"]["bytes grown"] < 2 << 20
    assert result["control"] == 1  # half a kilobyte a batch is noticed


def test_random_networks_come_back_whole(soak):
    result = soak("networks")

    assert result["failures"] == []
    assert result["cases"] == 200
    assert result["control"] > 0  # without the optimizer's memory the next steps differ


def open_descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_saving_and_loading_leave_nothing_open(tmp_path):
    model = trained()
    model.save(tmp_path / "model.h5")
    before = open_descriptors()

    model.save(tmp_path / "model.h5")
    loaded = ffnn.load_model(tmp_path / "model.h5")

    assert open_descriptors() == before
    kinds = h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_GROUP | h5py.h5f.OBJ_DATASET | h5py.h5f.OBJ_ATTR
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, kinds) == 0
    reachable = gc.get_referents(loaded.__dict__, *loaded.layers, *loaded.get_weights())
    assert not any(type(item).__module__.startswith("h5py") for item in reachable)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of newer Pythons with threads
def test_a_forked_child_predicts_trains_and_saves_like_its_parent(tmp_path):
    trained().save(tmp_path / "model.h5")
    model = ffnn.load_model(tmp_path / "model.h5")
    before = model.predict(X)

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            assert (model.predict(X) == before).all()
            model.fit(X, X[:, 1], verbose=0)
            model.save(tmp_path / "child.h5")
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)

    assert status == 0
    np.testing.assert_array_equal(model.predict(X), before)
    model.fit(X, X[:, 1], verbose=0)
    child = ffnn.load_model(tmp_path / "child.h5")
    np.testing.assert_array_equal(child.parameters, model.parameters)


class Slow(dict):
    """Arrays of a model that are slow to be written: another thread forks meanwhile."""

    def items(self):
        yield from list(super().items())[:1]
        self.begun.set()
        self.forked.wait(30)
        yield from list(super().items())[1:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_while_another_thread_saves_can_save(tmp_path):
    model = trained()
    config, arrays = model.capture()
    slow = Slow(arrays)
    slow.begun, slow.forked = threading.Event(), threading.Event()
    thread = threading.Thread(target=saving.write, args=(tmp_path / "slow.h5", config, slow))
    thread.start()
    assert slow.begun.wait(30)

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            for _ in range(3):
                model.save(tmp_path / "child.h5")
            code = 0
        finally:
            os._exit(code)
    slow.forked.set()
    thread.join()
    _, status = os.waitpid(pid, 0)

    assert status == 0
    model.save(tmp_path / "parent.h5")
    written = [(tmp_path / f"{name}.h5").read_bytes() for name in ("slow", "child", "parent")]
    assert written[0] == written[1] == written[2]
