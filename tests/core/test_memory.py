import numpy as np
import pytest

import ffnn
from ffnn.core import memory
from ffnn.core.memory import Workspace, aligned_empty
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.intp, bool])
@pytest.mark.parametrize("size", [1, 1000])
def test_vectors_begin_at_a_cache_line(size, dtype):
    vector = aligned_empty(size, dtype)

    assert vector.shape == (size,)
    assert vector.dtype == dtype
    assert vector.__array_interface__["data"][0] % 64 == 0


@pytest.mark.parametrize(("order", "contiguous"), [("F", "F_CONTIGUOUS"), ("C", "C_CONTIGUOUS")])
@pytest.mark.parametrize("rows", [5, 3])
def test_arrays_lie_as_ordered_also_for_short_batches(order, contiguous, rows):
    space = Workspace(order)
    space.get("z", (5, 4), np.float32)

    assert space.get("z", (rows, 4), np.float32).flags[contiguous]


def test_memory_is_used_again_while_it_is_enough():
    space = Workspace()
    full = space.get("z", (5, 4), np.float32)

    assert space.get("z", (5, 4), np.float32) is full
    assert np.shares_memory(space.get("z", (3, 4), np.float32), full)
    assert not np.shares_memory(space.get("z", (6, 4), np.float32), full)
    assert not np.shares_memory(space.get("y", (5, 4), np.float32), full)
    assert space.get("z", (5, 4), np.float64).dtype == np.float64


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_nothing_is_read_before_it_is_written(monkeypatch, optimizer):
    def full_of_nan(size, dtype):
        vector = aligned_empty(size, dtype)
        vector.fill(np.nan if vector.dtype.kind == "f" else 77)
        return vector

    def train():
        layers = [Dense(8, "gelu"), RMSNorm(), Dense(6, "elu"), BatchNorm(), Dropout(0.2)]
        layers += [Dense(5, "swish"), LayerNorm(), Dense(4, "softmax", weight_regularizer="l1l2")]
        model = ffnn.Sequential(layers, input_dim=3, seed=0)
        model.compile(optimizer, "cce", ["accuracy", "f1"])
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((21, 3)), rng.integers(0, 4, 21)
        history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.2, verbose=0)
        return history.history, model.parameters

    history, parameters = train()
    monkeypatch.setattr(memory, "aligned_empty", full_of_nan)
    monkeypatch.setattr("ffnn.core.memory.aligned_empty", full_of_nan)
    monkeypatch.setattr("ffnn.optimizers.base.aligned_empty", full_of_nan)
    same_history, same_parameters = train()

    assert same_history == history
    np.testing.assert_array_equal(same_parameters, parameters)
