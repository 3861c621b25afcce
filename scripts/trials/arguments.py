"""Wrong arguments, drawn by hypothesis, to all that users can call."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from trials.callables import Argument, constructors, others, refusal, wrong_kinds
from trials.common import Result, in_children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

BLOCK = 20  # so many values are drawn of an argument at a time


def strategies() -> dict[str, SearchStrategy[Any]]:
    """Return what the values of each kind are drawn from."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    numbers = st.integers(1, 1000) | st.floats(0.001, 0.999)
    leaves = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.binary(max_size=5)
    shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    return {
        "none": st.none(),
        "huge": st.integers(2**64, 2**300),
        "beyond all floats": st.integers(10**310, 10**320),
        "bool": st.booleans() | st.booleans().map(np.bool_),
        "int": st.integers(1, 1000) | st.integers(1, 100).map(np.int32),
        "negative": st.integers(max_value=-1) | st.integers(-(2**62), -1).map(np.int64),
        "float": st.floats(0.001, 0.999) | st.floats(0.25, 0.75, width=32).map(np.float32),
        "not finite": st.sampled_from([np.nan, np.inf, -np.inf]).flatmap(
            lambda value: st.sampled_from([value, np.float32(value), np.float64(value)])
        ),
        "complex": st.complex_numbers(),
        "text": st.text(max_size=30),
        "bytes": st.binary(max_size=30),
        "list": st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
        .map(lambda value: value if isinstance(value, list) else [value])
        .flatmap(lambda value: st.sampled_from([value, tuple(value)])),
        "dict": st.dictionaries(st.text(max_size=4), leaves, max_size=3),
        "class": st.sampled_from([int, str, dict, Argument, np.ndarray, ValueError]),
        "function": st.sampled_from([len, print, np.sum, refusal, str.upper]),
        "object": st.builds(object),
        "array": arrays.arrays(
            st.sampled_from(["f4", "f8", "i8", "?", "c16", "U3", "S2", "O", "M8[s]"]), shapes
        ),
    }


@functools.lru_cache(maxsize=4)
def drawn(seed: int, block: int) -> tuple[Argument, list[Any]]:
    """Return an argument, and wrong values for it."""
    import hypothesis

    arguments = [argument for argument in [*constructors(), *others()] if wrong_kinds(argument)]
    argument = arguments[block % len(arguments)]
    known = strategies()
    values = functools.reduce(lambda a, b: a | b, (known[kind] for kind in wrong_kinds(argument)))
    found: list[Any] = []

    @hypothesis.seed(seed + block)
    @hypothesis.settings(
        max_examples=BLOCK,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(values)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return argument, found


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Call everything with wrong arguments."""
    result = Result()

    def work(case: int) -> str:
        os.chdir(folder)
        argument, values = drawn(seed, case // BLOCK)
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return refusal(argument, values[case % len(values)])

    for case, outcome in in_children(work, cases, memory=1 << 30, seconds=60.0):
        if outcome:
            result.fail(case, str(outcome))
        result.cases += 1
        advance(1)
    result.control = _control()
    return result


def _control() -> int:
    """Return how many wrong values a function takes, or only runs into, that checks nothing."""

    def area(units: int) -> Any:
        return [0.0] * units + [units**0.5]

    argument = Argument("area", "units", "int", area)
    return sum(bool(refusal(argument, value)) for value in (None, True, -1, 0.5, "no", b"", []))
