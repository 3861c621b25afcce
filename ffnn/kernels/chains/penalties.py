"""What penalties on the size of parameters write into the program of a whole step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn.core.sums import is_summed_at_once
from ffnn.kernels.chains.codes import Code, Value
from ffnn.kernels.chains.program import Program
from ffnn.regularizers import L1, L1L2, L2

_KNOWN = (L1, L2, L1L2)


def penalty_settings(penalties: Sequence[Any]) -> tuple[Any, ...]:
    """Return what penalties are written for, either of which may change."""
    rules = [penalty.regularizer for penalty in penalties]
    return tuple(each for rule in rules for each in (rule, *vars(rule).values()))


def write_values(sums: Program, adding: Program, penalties: Sequence[Any]) -> list[float]:
    """Write what makes R(w) of each penalty, and what adds it; return all λ₁ and λ₂.

    LookupError says that one is not known, or adds its squares in another way.
    """
    strengths: list[float] = []
    for number, (rule, w, _, scratch) in enumerate(penalties):
        if type(rule) not in _KNOWN or not (w.flags.c_contiguous and is_summed_at_once(w)):
            raise LookupError("another penalty")
        both = sums.memory.get(f"penalty {number}", (2,), sums.dtype)
        flat, size = w.reshape(-1), scratch.reshape(-1)
        if rule.l1:
            sums.add(Code.SIZES, w.size, flat, size)
            sums.sum(size, both[:1])
        if rule.l2:
            sums.dot(flat, flat, both[1:])
        adding.add(Code.PENALTY, len(Value) + len(strengths), both[:1], both[1:])
        strengths += [rule.l1, rule.l2]
    return strengths


def write_gradients(program: Program, penalties: Sequence[Any]) -> None:
    """Write what adds ∂R/∂w = λ₁ sign(w) + 2 λ₂ w to the gradients."""
    for rule, w, grad, _ in penalties:
        flat = w.reshape(-1), np.reshape(grad, -1)
        if rule.l1:
            program.add(Code.ADD_SIGNS, w.size, *flat, numbers=(rule.l1,))
        if rule.l2:
            program.add(Code.ADD_SHARES, w.size, *flat, numbers=(2.0 * rule.l2,))
