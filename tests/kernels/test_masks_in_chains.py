"""Networks with Dropout are trained in one call, with the masks that their layers would draw."""

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Callback
from ffnn.kernels import dropout
from ffnn.kernels.chains.masks import DropoutWriter
from ffnn.kernels.chains.program import Program
from ffnn.kernels.compiler import find_problem
from ffnn.kernels.generators import state_of
from ffnn.layers import Dense, Dropout, LayerNorm
from ffnn.optimizers import SGD
from ffnn.schedules import FlatCosine

pytestmark = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

X = np.random.default_rng(0).standard_normal((205, 6)).astype(np.float32)
Y = (np.arange(205) * 7 % 3).astype(int)


def inner(rate=0.3):
    return [Dense(9, "relu"), Dropout(rate), Dense(7, "tanh"), Dropout(0.1), Dense(3, "softmax")]


def trained(jit, layers=inner, optimizer="adam", x=X, dtype="float32", **options):
    """Return all that a training leaves: arrays, losses, and the states of all generators."""
    model = ffnn.Sequential(layers(), seed=4, dtype=dtype)
    optimizer = optimizer if isinstance(optimizer, str) else optimizer()
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit
    )
    arguments = {"epochs": 4, "batch_size": 8, "verbose": 0} | options
    if "callbacks" in arguments:
        arguments["callbacks"] = [make() for make in arguments["callbacks"]]
    history = model.fit(x, Y, **arguments)
    arrays = {name: array.tobytes() for name, array in model.capture()[1].items()}
    return arrays, history.history, model.generator_states


def odd():
    """Return layers whose masks have odd numbers of entries, so that halves are left over."""
    return [Dropout(0.2), Dense(3, "relu"), Dropout(0.5), Dense(3, "softmax")]


WHOLE = [8, 15, 24, 24, 24]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("layers", "options", "calls"),
    [
        (inner, {}, WHOLE),
        (odd, {"batch_size": 5}, [8, 31, 40, 40, 40]),
        (odd, {"batch_size": 8, "shuffle": False}, WHOLE),
        (odd, {"x": np.asfortranarray(X)}, WHOLE),
        (lambda: inner(0.0), {}, WHOLE),
        (lambda: inner(1e-9), {}, WHOLE),
        (lambda: [*inner()[:2], LayerNorm(), *inner()[2:]], {}, WHOLE),
        (inner, {"validation_split": 0.2}, [8, 10, 19, 19, 19]),
        (lambda: inner(FlatCosine(0.3, 50)), {}, []),  # another rate for each batch
        (inner, {"micro_batches": 2}, []),  # whose masks come from another generator
    ],
)
def test_a_training_ends_in_the_same_bits(layers, options, calls, dtype, made):
    runs, single = (trained(jit, layers, dtype=dtype, **options) for jit in (True, False))

    assert runs == single
    assert made == calls


class Changing(Callback):
    """Changes a rate and a generator between epochs."""

    def on_epoch_begin(self, epoch, logs):
        first, second = (layer for layer in self.model.layers if isinstance(layer, Dropout))
        first.rate = (0.3, 0.0, 0.6, 0.6)[epoch]
        if epoch == 3:
            second.initialize({}, 7, 11, 0)


def test_what_a_callback_changes_between_epochs_is_followed(made):
    runs, single = (trained(jit, callbacks=[Changing]) for jit in (True, False))

    assert runs == single
    assert sum(made) > 60


class Enlarging(Callback):
    """Has the squares of a norm overflow for an epoch."""

    def on_epoch_begin(self, epoch, logs):
        self.model.layers[0].params["weight"][0, 0] = 1e25 if epoch == 1 else 0.1


def before_a_norm():
    return [Dense(9, "relu"), Dropout(0.3), LayerNorm(), Dense(3, "softmax")]


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        (inner, {"optimizer": lambda: SGD(0.1, clipnorm=1.0)}),  # which some gradients reach
        (before_a_norm, {"callbacks": [Enlarging]}),
    ],
)
def test_a_batch_that_is_refused_leaves_no_mask_behind(layers, options, made):
    runs, single = (trained(jit, layers, **options) for jit in (True, False))

    assert runs == single
    assert 0 < sum(made) < 4 * 24


def test_masks_of_one_generator_are_undone_in_their_order(made):
    class Shared(Callback):
        def on_epoch_begin(self, epoch, logs):
            first, second = (each for each in self.model.layers if isinstance(each, Dropout))
            second._rng = first._rng
            weight = self.model.layers[0].params["weight"]
            weight[0, 0] = 1e25 if epoch == 1 else 0.1

    def layers():
        return [Dense(9), Dropout(0.3), Dropout(0.2), LayerNorm(), Dense(3, "softmax")]

    runs, single = (trained(jit, layers, callbacks=[Shared]) for jit in (True, False))

    assert runs == single
    assert 0 < sum(made) < 4 * 24


# Numbers


@pytest.mark.parametrize("size", [1, 2, 5, 8, 31])
def test_integers_of_32_bits_are_those_of_the_generator(size):
    ours, theirs, ended = np.random.default_rng(3), np.random.default_rng(3), []
    draw = dropout.draw.compiled(np.dtype("float32"))
    for _ in range(4):
        state = state_of(ours)
        first, drawn = 1 if state.has_half else 2, np.zeros(1 + (size + 1) // 2, np.uint64)
        draw(drawn, state.words, state.left, size)
        expected = theirs.integers(0, 1 << 32, size, np.uint32)

        assert np.array_equal(drawn.view(np.uint32)[first : first + size], expected)
        assert ours.bit_generator.state == theirs.bit_generator.state
        ended.append(state.has_half)
    assert any(ended) == (size % 2 == 1)


def test_numbers_of_64_bits_are_those_of_the_generator_and_leave_halves_alone():
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
    for rng in (ours, theirs):
        rng.integers(0, 9, 1, np.uint32)  # half of what was drawn is left over
    state, drawn = state_of(ours), np.zeros(8, np.uint64)

    dropout.draw.compiled(np.dtype("float32"))(drawn, state.words, state.left, 0)

    assert drawn[1:].tolist() == theirs.bit_generator.random_raw(7).tolist()
    assert ours.bit_generator.state == theirs.bit_generator.state


@pytest.mark.parametrize("kind", ["Philox", "PCG64DXSM", "MT19937", "SFC64"])
def test_the_state_of_another_generator_is_not_taken_for_one(kind):
    with pytest.raises(LookupError, match="another generator"):
        state_of(np.random.Generator(getattr(np.random, kind)(1)))


def test_a_state_that_is_not_where_it_should_be_is_noticed(monkeypatch):
    from ffnn.kernels import generators

    read = generators._integers
    monkeypatch.setattr(generators, "_integers", lambda address, count: read(address, count) ^ 1)

    with pytest.raises(LookupError, match="keeps the states of its generators elsewhere"):
        state_of(np.random.default_rng(1))


# Bugs that are noticed


def without_undoing(self, code, *integers):
    pass


def without_halves(rng):
    state = state_of(rng)
    return state._replace(left=state.left.copy())


def kept(cls, part):
    return ()


BUGS = [
    (Program, "undo", without_undoing, {"optimizer": lambda: SGD(0.1, clipnorm=1.0)}),
    (Program, "undo", without_undoing, {"layers": before_a_norm, "callbacks": [Enlarging]}),
    (DropoutWriter, "settings", classmethod(kept), {"callbacks": [Changing]}),
    ("ffnn.kernels.chains.masks", "state_of", without_halves, {"layers": odd, "batch_size": 5}),
]


@pytest.mark.parametrize(("owner", "name", "wrong", "options"), BUGS)
def test_a_bug_in_a_mask_is_noticed(owner, name, wrong, options, monkeypatch):
    expected = trained(False, **options)
    assert trained(True, **options) == expected
    if isinstance(owner, str):
        monkeypatch.setattr(f"{owner}.{name}", wrong)
    else:
        monkeypatch.setattr(owner, name, wrong)

    assert trained(True, **options) != expected
