"""Compiled updates end in the same bits as NumPy's formulas."""

import inspect
import textwrap

import numpy as np
import pytest
from bits import rough, same_bits

from ffnn.core.memory import aligned_full
from ffnn.kernels import optimizers
from ffnn.kernels.compiler import Loop, find_problem
from ffnn.kernels.twins import TWINS, twin_of
from ffnn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop

needs_numba = pytest.mark.skipif(bool(find_problem()), reason=find_problem() or "numba is there")

RULES = {
    "sgd": SGD,
    "momentum": lambda: SGD(momentum=0.9),
    "nesterov": lambda: SGD(momentum=0.9, nesterov=True),
    "adam": Adam,
    "adamw": lambda: AdamW(weight_decay=0.3),
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "nadam": Nadam,
}
FEW = [3, 17]
SIZES = [0, 1, *FEW, 16, 1000, 1003, 2100]


def updated(rule, update_all, arrays, **own):
    """Return the arrays w, g and memory after three updates of a slice of them."""
    arrays = [array.copy() for array in arrays]
    w, g, *memory = (array[1:] for array in arrays)  # which begins at no cache line
    with np.errstate(all="ignore"):
        for rate in (0.013, 3.0, 0.0):
            update_all(rate, [(0.5, own, (w, g, np.empty_like(w), *memory))])
            rule.iterations += 1
    rule.iterations = 0
    return arrays


def in_turn(rule):
    """Return what updates blocks as an optimizer does: by its formula, one after another."""

    def update_all(rate, blocks):
        for factor, own, arrays in blocks:
            rule.update(rate * factor, *arrays, **own)

    return update_all


def arrays_for(rule, size, dtype, kind, seed=0):
    rng = np.random.default_rng(seed)
    made = [rough(rng, size + 1, dtype=dtype, kind=kind) for _ in range(2 + len(rule.slot_names))]
    return [
        abs(array) if index > 1 and rule.slot_names[index - 2] in rule.non_negative else array
        for index, array in enumerate(made)
    ]


def differences(rule, twin, kinds=("plain", "tiny", "every"), dtype="float32", sizes=SIZES):
    """Return for which arrays the update of `twin` ends in other bits than that of the rule."""
    found = []
    owns = [{}, {"d": 0.0}, {"d": 1.0}] if isinstance(rule, AdamW) else [{}]
    for size in sizes:
        for kind in kinds:
            arrays = arrays_for(rule, size, dtype, kind)
            for own in owns:
                expected = updated(rule, in_turn(rule), arrays, **own)
                computed = updated(rule, twin.update_all, arrays, **own)
                if not all(map(same_bits, expected, computed)):
                    found.append((size, kind, own))
    return found


@needs_numba
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_a_compiled_update_has_the_bits_of_the_formula(name, dtype):
    rule = RULES[name]()

    assert differences(rule, twin_of(rule, np.dtype(dtype)), dtype=dtype) == []


@pytest.fixture
def interpreted(monkeypatch):
    """Let Python itself run the loops, which makes the same operations on NumPy's numbers."""
    monkeypatch.setattr(Loop, "compiled", lambda self, dtype: self.function)


@pytest.mark.parametrize("name", RULES)
def test_a_loop_says_the_same_without_a_compiler(name, interpreted):
    rule = RULES[name]()

    assert differences(rule, twin_of(rule, np.dtype("float32")), ["plain"], sizes=FEW) == []


BUGS = [  # rule, loop, what is right, and what is wrong
    ("sgd", "descend", "w[i] += g[i] * step", "w[i] -= g[i] * step"),
    ("momentum", "roll", "velocity[i] * momentum + g", "velocity[i] + momentum * g"),
    ("nesterov", "look_ahead", "w[i] + change + velocity", "w[i] + velocity"),
    ("nesterov", "look_ahead", "w[i] + change + velocity[i] * momentum",
     "w[i] + (change + velocity[i] * momentum)"),
    ("adam", "adam", "g[i] * g[i]", "g[i]"),
    ("adam", "adam", "(np.sqrt(v[i]) + epsilon)", "np.sqrt(v[i] + epsilon)"),
    ("adam", "adam", "m[i] / (np.sqrt(v[i]) + epsilon) * step",
     "m[i] * step / (np.sqrt(v[i]) + epsilon)"),
    ("adamw", "adam", "w[i] * shrink - ", "w[i] - "),
    ("rmsprop", "rmsprop", "g[i] * g[i] * rest", "g[i] * g[i]"),
    ("rmsprop", "rmsprop", "range(w.size)", "range(w.size - 1)"),
    ("nadam", "nadam", "m[i] * of_m + g[i] * of_g", "m[i] * of_g + g[i] * of_m"),
    ("adagrad", "adagrad", "total[i] + start", "total[i]"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "loop", "right", "wrong"), BUGS)
def test_a_bug_in_a_loop_is_noticed(name, loop, right, wrong, interpreted, monkeypatch):
    original = getattr(optimizers, loop)
    source = textwrap.dedent(inspect.getsource(original.function))
    source = source[source.index("def ") :]
    assert source.count(right) == 1
    names = dict(vars(optimizers))
    exec(source.replace(right, wrong), names)
    monkeypatch.setattr(original, "function", names[loop])
    rule = RULES[name]()

    assert differences(rule, twin_of(rule, np.dtype("float32")), ["plain"], sizes=FEW)


def test_every_rule_that_has_a_twin_is_compared():
    compared = {type(make()) for make in RULES.values()}

    assert {cls for cls in OPTIMIZERS if cls in TWINS} == compared


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_compiled_update_follows_an_argument_that_is_set(nesterov, interpreted):
    rule = SGD(momentum=0.9, nesterov=nesterov)
    twin = twin_of(rule, np.dtype("float32"))

    rule.nesterov = not nesterov

    assert differences(rule, twin, ["plain"], sizes=FEW) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("start", [0, 1, 5])
def test_long_blocks_are_cut_at_a_cache_line(start, dtype):
    arrays = tuple(aligned_full(6000, dtype, 1.0)[start:] for _ in range(3))
    short = tuple(array[:100] for array in arrays)

    cut = optimizers.at_lines([(2.0, {"d": 0.0}, arrays), (1.0, {}, short)])

    assert cut[-1][2][0].ctypes.data == short[0].ctypes.data
    assert all(block[:2] == (2.0, {"d": 0.0}) for block in cut[:-1])
    for place, array in enumerate(arrays):
        pieces = [block[2][place] for block in cut[:-1]]
        assert sum(piece.size for piece in pieces) == array.size
        assert np.shares_memory(pieces[0], array[:1])
        assert pieces[-1].ctypes.data % 64 == 0
    assert len(cut) == (2 if start == 0 else 3)


def test_blocks_are_cut_once_for_all_updates(interpreted):
    rule = Adam()
    twin = twin_of(rule, np.dtype("float32"))
    blocks = [(1.0, {}, tuple(np.ones(3000, "f")[1:] for _ in range(5)))]

    twin.update_all(0.1, blocks)
    first = twin.at_lines(blocks)
    twin.update_all(0.1, blocks)

    assert twin.at_lines(blocks) is first
    assert twin.at_lines(list(blocks)) is not first


@needs_numba
def test_a_rule_of_the_users_own_has_no_twin():
    class Own(SGD):
        def update(self, rate, w, g, scratch, *memory):
            w -= rate

    assert twin_of(Own(), np.dtype("float32")) is None
    assert twin_of(Optimizer(0.1), np.dtype("float32")) is None
