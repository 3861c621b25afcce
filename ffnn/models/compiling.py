"""Whether a training runs compiled loops (`ffnn.kernels`), and the step that does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from ffnn._types import Array
from ffnn.core.console import warn
from ffnn.core.text import shown
from ffnn.layers.base import Stage
from ffnn.training.ahead import Ahead
from ffnn.training.step import TrainStep

JitCompile: TypeAlias = bool | str

# Loading numba and the loops that it has compiled before takes about a second.
LEAST_SAVED = 1.0
_MOST_SAVED = 5e-9  # seconds, by any twin or chain for an entry
_MOST_SAVED_A_STEP = 15e-6  # by a chain, besides

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
        if not (isinstance(value, str) and value == "auto"):
            raise ValueError(
                f"compile: jit_compile must be True, False or 'auto', got {shown(value)}"
            )
        return "auto"
    if value:
        from ffnn.kernels.compiler import find_problem

        if problem := find_problem():
            raise ImportError(f"compile: jit_compile=True, but {problem}")
    return value


def compile_step(step: TrainStep, wanted: JitCompile, updates: int, rows: int) -> TrainStep:
    """Return a step that does the same by compiled loops, to the last bit, where that pays.

    Parameters
    ----------
    step : TrainStep
        As NumPy computes it.
    wanted : bool or "auto"
        Whether to compile; "auto" where loops save `LEAST_SAVED` seconds, by `estimate_saved`.
    updates, rows : int
        How many updates there will be, each of how many rows.

    Returns
    -------
    TrainStep
        `step` itself if nothing is compiled. Where numba fails, a warning says so, once.
    """
    if wanted is False or (wanted == "auto" and estimate_saved(step, updates, rows) < LEAST_SAVED):
        return step
    from ffnn.kernels import compiler, twins
    from ffnn.kernels.chains.chain import chain_of
    from ffnn.kernels.chains.runs import Runs

    dtype = step.vector.values.dtype
    if problem := compiler.find_problem():
        if wanted is True or problem != compiler.MISSING:
            _tell(problem)
        return step
    try:
        found = [twins.twin_of(stage.layer, dtype) for stage in step.stages]
        optimizer = twins.twin_of(step.optimizer, dtype)
        make_chain = partial(chain_of, dtype=dtype)
        chain = make_chain(step.stages, step.loss)
        ahead = None
        if chain is not None and chain.is_whole and Runs.suits(optimizer):
            ahead = Ahead(Runs(chain, optimizer, step.vector.gradients))
    except Exception as error:  # whatever a compiler may raise
        _tell(f"numba failed: {error}")
        return step

    def compile_stages(stages: Sequence[Stage]) -> list[Stage]:
        of_stages = [twins.twin_of(stage.layer, dtype) for stage in stages]
        return [
            stage if twin is None else stage._replace(forward=twin.forward, backward=twin.backward)
            for stage, twin in zip(stages, of_stages, strict=True)
        ]

    update_all = None if optimizer is None else optimizer.update_all
    parts = [twin.part for twin in (*found, optimizer) if twin is not None]
    if chain is not None:
        losses = [step.loss] if chain.is_whole else []
        parts = [*(stage.layer for stage in step.stages), *losses, *parts]
    names = list(dict.fromkeys(type(part).__name__ for part in parts))
    return step.compiled_by(compile_stages, update_all, names, chain, ahead, make_chain)


class Forward(Protocol):
    """Stages outside training, computed in one call for each block of rows."""

    def compute(self, x: Array) -> Array | None:
        """Return y in working memory; None for rows that it does not take."""

    def predict(self, x: Array, batch_size: int) -> Array | None:
        """Return y as an array of its own; None for rows that it does not take, or not finite."""


def is_ready(wanted: JitCompile, dtype: np.dtype[Any]) -> bool:
    """Tell whether predictions run compiled loops: where they are asked for, or loaded already."""
    machine = sys.modules.get("ffnn.kernels.native.machine") if wanted == "auto" else None
    return wanted is True or (machine is not None and machine.run.is_compiled(dtype))


def compile_forward(stages: Sequence[Stage], dtype: np.dtype[Any]) -> Forward | None:
    """Return what computes stages by compiled loops, to the last bit; None if nothing does.

    Where numba fails, a warning says so, once.
    """
    from ffnn.kernels import compiler
    from ffnn.kernels.chains.forward import forward_of

    if problem := compiler.find_problem():
        _tell(problem, "predicting")
        return None
    try:
        return forward_of(stages, dtype)
    except Exception as error:  # whatever a compiler may raise
        _tell(f"numba failed: {error}", "predicting")
        return None


def estimate_saved(step: TrainStep, updates: int, rows: int) -> float:
    """Return about how many seconds compiled loops save in so many updates.

    It is what the twins of layers and optimizer save for each entry of y and each parameter, and
    what a chain saves in place of the layers'.
    """
    entries = sum(rows * (stage.layer.output_dim or 0) for stage in step.stages)
    parameters = step.vector.values.size
    if updates * ((entries + parameters) * _MOST_SAVED + _MOST_SAVED_A_STEP) < LEAST_SAVED:
        return 0.0  # whatever the parts are
    from ffnn.kernels.chains.chain import Chain
    from ffnn.kernels.twins import find_twin

    dtype = step.vector.values.dtype
    is_chain = Chain.suits(step.stages, step.loss, dtype)
    parts: list[tuple[Any, int]] = [(step.optimizer, parameters)]
    if not is_chain:
        parts += [(stage.layer, rows * (stage.layer.output_dim or 0)) for stage in step.stages]
    found = [(find_twin(part, dtype), size) for part, size in parts]
    saved = sum(1e-9 * twin.saved * size for twin, size in found if twin is not None)
    return updates * (saved + (Chain.saved(step.stages, rows) if is_chain else 0.0))


def _tell(problem: str, work: str = "training") -> None:
    """Warn that NumPy computes, which changes no result; each problem once."""
    if problem not in _told:
        _told.add(problem)
        warn(f"{work} without compiled loops, with the same results, only slower: {problem}")
