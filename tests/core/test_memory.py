import ast
import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.core import memory
from ffnn.core.memory import Buffered, Workspace, aligned_empty, aligned_full
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, RMSNorm


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.intp, bool])
@pytest.mark.parametrize("size", [1, 1000])
def test_vectors_begin_at_a_cache_line(size, dtype):
    vector = aligned_empty(size, dtype)

    assert vector.shape == (size,)
    assert vector.dtype == dtype
    assert vector.__array_interface__["data"][0] % 64 == 0


def test_equal_numbers_also_begin_at_a_cache_line():
    vector = aligned_full(3, np.float64, 1.5)

    assert vector.tolist() == [1.5, 1.5, 1.5]
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


def test_arrays_of_several_shapes_are_kept_until_their_memory_is_replaced():
    space = Workspace()
    full, short = (space.get("z", (rows, 4), np.float32) for rows in (5, 3))

    assert space.get("z", (5, 4), np.float32) is full
    assert space.get("z", (3, 4), np.float32) is short

    larger = space.get("z", (6, 4), np.float32)
    assert np.shares_memory(space.get("z", (3, 4), np.float32), larger)
    assert not np.shares_memory(short, larger)


def test_only_so_many_arrays_are_kept_for_batches_of_ever_new_sizes():
    space = Workspace()
    for rows in range(1000, 0, -1):
        space.get("z", (rows, 4), np.float32)

    assert len(space._views) <= memory._MAX_VIEWS


def test_a_workspace_knows_its_arrays_and_views_of_them():
    space = Workspace()
    z = space.get("z", (5, 4), np.float32)

    assert space.owns(z.T[1:])
    assert not space.owns(z.copy())
    assert not space.owns("z")


# Parts


class Doubling(Buffered):
    """Doubles batches of any kind."""

    borrowed = ("x",)

    def __init__(self):
        self.table = np.arange(3)
        self.allocations = 0

    def allocate(self, rows):
        super().allocate(rows)
        self.y = self.like("y")
        self.y_t, self.ones = self.y.T, self.full("ones", 1.0)
        self.is_large = self.like("is_large", bool)
        self.columns = self.counting("columns", self.shape[1])
        self.two = self.scalar(2.0)
        self.allocations += 1

    def forward(self, x):
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        return np.multiply(x, self.two, self.y)


X = np.ones((5, 4), np.float32)


def test_arrays_are_made_once_for_a_kind_of_batch():
    part = Doubling()

    first = part.forward(X)
    assert part.forward(X + 1.0) is first
    assert part.allocations == 1
    assert (part.rows, part.shape, part.dtype) == (5, (5, 4), np.float32)

    short = part.forward(X[:3])
    assert part.allocations == 2
    assert np.shares_memory(short, first)
    assert part.ones.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("x", [X[:, :2], X.astype(np.float64)], ids=["width", "dtype"])
def test_another_width_or_dtype_is_another_kind_of_batch(x):
    part = Doubling()
    part.forward(X)

    y = part.forward(x)

    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(y, 2.0 * x)


def test_arrays_have_the_dtype_of_the_part_unless_said_otherwise():
    part = Doubling()
    part.forward(X)

    assert part.y.dtype == part.ones.dtype == part.two.dtype == np.float32
    assert part.two.shape == ()
    assert (part.is_large.dtype, part.is_large.shape) == (np.bool_, (5, 4))
    assert part.columns.tolist() == [0, 1, 2, 3]
    assert part.y_t.flags.c_contiguous


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_a_copy_takes_neither_the_batch_nor_working_memory_along(make):
    part = Doubling()
    ours = part.forward(X)

    twin = make(part)

    assert vars(twin).keys() == {"table", "allocations", "dtype", "two"}
    theirs = twin.forward(X)
    assert not np.shares_memory(theirs, ours)
    np.testing.assert_array_equal(theirs, ours)


def test_only_the_batch_is_let_go_of():
    part = Doubling()
    y = part.forward(X)

    part.release()

    assert "x" not in vars(part)
    assert part.y is y
    assert part.forward(X) is y


def test_what_failed_for_lack_of_memory_is_made_anew(monkeypatch):
    part = Doubling()
    part.forward(X[:3])

    def no_memory(size, dtype):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(memory, "aligned_empty", no_memory)
        with pytest.raises(MemoryError):
            part.forward(X)

    np.testing.assert_array_equal(part.forward(X), 2.0 * X)


# Arrays that cannot exist

HUGE = 10**15  # columns of 4 bytes are beyond all addresses


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (
            lambda: ffnn.Sequential([Dense(2), Dense(HUGE)], input_dim=3),
            ["Dense 'dense_2': weight of shape (1000000000000000, 2) needs 7.11 PiB"],
        ),
        (lambda: ffnn.Sequential([Dense(2**63 - 1)], input_dim=3), ["Dense 'dense_1'", "units"]),
        (lambda: ffnn.Sequential([Dense(2)], input_dim=HUGE), ["shape (2, 1000000000000000)"]),
        (lambda: ffnn.Sequential([RMSNorm()], input_dim=HUGE), ["RMSNorm 'rms_norm_1': gamma"]),
        (lambda: ffnn.Sequential.from_sizes([3, HUGE, 1], "relu"), ["needs 10.66 PiB"]),
        (lambda: Dense(HUGE).build(3), ["Dense: weight of shape (1000000000000000, 3)"]),
        (lambda: BatchNorm().build(HUGE), ["BatchNorm: gamma", "needs 3.55 PiB"]),
    ],
)
def test_parameters_that_cannot_exist_name_the_layer_the_shape_and_the_bytes(make, parts):
    with pytest.raises(MemoryError, match="cannot be allocated; use fewer") as caught:
        make()
    for part in parts:
        assert part in str(caught.value)


def test_a_model_that_cannot_be_built_is_as_it_was():
    layers = [Dense(HUGE), Dense(1)]
    with pytest.raises(MemoryError):
        ffnn.Sequential(layers, input_dim=3)
    model = ffnn.Sequential(layers)  # free again
    model.compile("adam")
    with pytest.raises(MemoryError):
        model.fit(X[:, :1], X[:, 0], verbose=0)
    assert not model.is_built
    assert model.history is None
    assert not any(layer.is_built for layer in layers)


def test_a_batch_that_cannot_exist_names_the_layer_the_shape_and_the_bytes():
    space = Workspace()
    with pytest.raises(MemoryError, match=r"'z' of shape \(1000000, 1000000000\) needs 3\.55 PiB"):
        space.get("z", (10**6, 10**9), np.dtype(np.float32))
    model = ffnn.Sequential([Dense(10**6)], input_dim=1)
    x = np.broadcast_to(np.float32(0.5), (10**9, 1))
    first = model.layers[0]
    with pytest.raises(MemoryError, match="use a smaller batch_size"):
        first.allocate(len(x))
    np.testing.assert_array_equal(model.predict(X[:, :1]), model.predict(X[:, :1]))


@pytest.mark.parametrize("size", [10**6, 2**40, 2**63 - 1])
def test_a_batch_size_beyond_the_rows_takes_no_memory(size):
    model = ffnn.Sequential([Dense(3), Dense(1)], seed=0)
    model.compile("sgd")
    x, y = np.eye(3), np.ones(3)
    model.fit(x, y, batch_size=size, verbose=0)
    expected = model.predict(x)
    np.testing.assert_array_equal(model.predict(x, batch_size=size), expected)
    assert model.evaluate(x, y, batch_size=size) == model.evaluate(x, y)


@pytest.mark.parametrize("bins", [2**20 + 1, 2**40, 2**63 - 1])
def test_a_recorder_of_too_many_bins_is_refused(bins):
    with pytest.raises(ValueError, match="histograms must be at most 1048576"):
        Recorder(histograms=bins)


# What networks compute in


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
    same_history, same_parameters = train()

    assert same_history == history
    np.testing.assert_array_equal(same_parameters, parameters)


# Where arrays come from

CREATORS = {"empty", "zeros", "ones", "full", "arange", "eye", "linspace"}
CREATORS |= {f"{name}_like" for name in ("empty", "zeros", "ones", "full")}
ROOT = Path(ffnn.__file__).parent
COMPUTING = sorted(
    path for room in ("activations", "layers", "losses") for path in (ROOT / room).glob("*.py")
)


@pytest.mark.parametrize("path", COMPUTING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_formulas_create_no_arrays_and_use_no_reductions_of_ufuncs(path):
    # So that another array library can stand in NumPy's place, with other memory.
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}

    assert not {f"np.{name}" for name in CREATORS} & used
    assert not [name for name in used if name.endswith(".reduce")]
