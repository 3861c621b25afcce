"""Whether a training runs compiled loops (`ffnn.kernels`), and the step that does."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ffnn.core.console import warn
from ffnn.core.text import shown
from ffnn.training.step import TrainStep

JitCompile: TypeAlias = bool | str

# Loading numba and the loops that it has compiled before takes about a second, and a training with
# them 0.6 to 0.9 of its time.
LEAST_SECONDS = 5.0

INSTALL = "pip install 'ffnn[fast]'"

_told: set[str] = set()  # of problems, each once in a process


def check_jit_compile(value: Any) -> JitCompile:
    """Return `value` if it is a bool or "auto".

    Raises
    ------
    ValueError
        It is neither.
    ImportError
        It is True, and numba is missing, too old, or cannot be loaded.
    """
    if isinstance(value, np.bool_):
        value = bool(value)
    if not isinstance(value, bool):
        if value != "auto":
            raise ValueError(
                f"compile: jit_compile must be True, False or 'auto', got {shown(value)}"
            )
        return "auto"
    if value:
        from ffnn.kernels.compiler import find_problem

        if problem := find_problem():
            raise ImportError(f"compile: jit_compile=True, but {problem}: {INSTALL}")
    return value


def estimate_seconds(updates: int, parameters: int, rows: int) -> float:
    """Return about how long a training takes without compiled loops.

    An update takes 30 µs and, for each parameter, 2 ns and 0.1 ns a row of the batch.
    """
    return updates * (30e-6 + parameters * (2e-9 + rows * 0.1e-9))


def compile_step(step: TrainStep, wanted: JitCompile, updates: int, rows: int) -> TrainStep:
    """Return a step that does the same by compiled loops, to the last bit, where that pays.

    Parameters
    ----------
    step : TrainStep
        As NumPy computes it.
    wanted : bool or "auto"
        Whether to compile; "auto" for trainings that last `LEAST_SECONDS`, by `estimate_seconds`.
    updates, rows : int
        How many updates there will be, each of how many rows.

    Returns
    -------
    TrainStep
        `step` itself if nothing is compiled. Where numba fails, a warning says so, once.
    """
    seconds = estimate_seconds(updates, step.vector.values.size, rows)
    if wanted is False or (wanted == "auto" and seconds < LEAST_SECONDS):
        return step
    from ffnn.kernels import compiler, twins

    dtype = step.vector.values.dtype
    if problem := compiler.find_problem():
        if wanted is True or not compiler.is_missing():
            _tell(f"{problem}: {INSTALL}")
        return step
    try:
        found = [twins.twin_of(stage.layer, dtype) for stage in step.stages]
        optimizer = twins.twin_of(step.optimizer, dtype)
    except Exception as error:  # whatever a compiler may raise
        _tell(f"numba failed: {error}")
        return step
    stages = [
        stage if twin is None else stage._replace(forward=twin.forward, backward=twin.backward)
        for stage, twin in zip(step.stages, found, strict=True)
    ]
    update_all = None if optimizer is None else optimizer.update_all
    names = [type(twin.part).__name__ for twin in (*found, optimizer) if twin is not None]
    return step.compiled_by(stages, update_all, list(dict.fromkeys(names)))


def _tell(problem: str) -> None:
    """Warn that NumPy computes, which changes no result; each problem once."""
    if problem not in _told:
        _told.add(problem)
        warn(f"training without compiled loops, with the same results, only slower: {problem}")
