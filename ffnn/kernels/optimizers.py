"""Updates in one pass over parameters, gradients and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import Twin, twin_for
from ffnn.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from ffnn.optimizers.groups import Block
from ffnn.schedules import Schedule


@loop("vvs")
def descend(w: Array, g: Array, step: float) -> None:
    """Apply w ← w + step g, with step = -η."""
    for i in range(w.size):
        w[i] += g[i] * step


@loop("vvvss")
def roll(w: Array, g: Array, velocity: Array, step: float, momentum: float) -> None:
    """Apply v ← μ v + step g, then w ← w + v."""
    for i in range(w.size):
        velocity[i] = velocity[i] * momentum + g[i] * step
        w[i] += velocity[i]


@loop("vvvss")
def look_ahead(w: Array, g: Array, velocity: Array, step: float, momentum: float) -> None:
    """Apply v ← μ v + step g, then w ← w + step g + μ v."""
    for i in range(w.size):
        change = g[i] * step
        velocity[i] = velocity[i] * momentum + change
        w[i] = w[i] + change + velocity[i] * momentum


# Bytes of a cache line, which vectors should not cross, and from which size on that pays.
_LINE, _LONG = 64, 2048


def at_lines(blocks: list[Block]) -> list[Block]:
    """Return the same blocks, long ones in two: up to a cache line, and from there on.

    All arrays of a block begin at the same place in a line. Loops whose vectors lie across two
    lines take more than twice as long.
    """
    cut: list[Block] = []
    for factor, own, arrays in blocks:
        w = arrays[0]
        head = -(w.__array_interface__["data"][0] // w.itemsize) % (_LINE // w.itemsize)
        is_cut = head and w.size >= _LONG
        parts = (slice(head), slice(head, None)) if is_cut else (slice(None),)
        cut += [(factor, own, tuple(array[part] for array in arrays)) for part in parts]
    return cut


class Cut(NamedTuple):
    """Blocks cut at cache lines, each with the place of its kind."""

    kinds: list[tuple[float, dict[str, Any]]]  # the factor of η, and the other numbers of one's own
    blocks: list[tuple[int, tuple[Array, ...]]]  # the kind; w, g and memory


class OptimizerTwin(Twin):
    """What updates all parameters in one pass."""

    moves: ClassVar[str] = ""  # the name of its only loop
    _blocks: list[Block] | None = None

    @property
    def moving(self) -> str:
        """The name of the loop that changes a block."""
        return self.moves

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the last arguments of the loop, for parameters with η and such numbers."""
        raise NotImplementedError

    def foretell(self, rates: Array, own: Mapping[str, Any]) -> Array:
        """Return `numbers` of the next updates, with such an η each, one in a row."""
        if (rates == rates[0]).all():
            return np.repeat([self.numbers(float(rates[0]), own)], len(rates), axis=0)
        return np.array([self.numbers(rate, own) for rate in rates.tolist()])

    def update_all(self, rate: float, blocks: list[Block]) -> None:
        """Do what `update` of the optimizer does, for each of the blocks."""
        cut, number, move = self.at_lines(blocks), self.number, getattr(self, self.moving)
        numbers = [
            tuple(map(number, self.numbers(rate * factor, own))) for factor, own in cut.kinds
        ]
        for kind, arrays in cut.blocks:
            move(*arrays, *numbers[kind])

    def at_lines(self, blocks: list[Block]) -> Cut:
        """Return the blocks cut at cache lines, which are kept for the next update."""
        if blocks is not self._blocks:
            kinds: list[tuple[float, dict[str, Any]]] = []
            cut: list[tuple[int, tuple[Array, ...]]] = []
            for factor, own, (w, g, _, *memory) in at_lines(blocks):
                if (factor, own) not in kinds:
                    kinds.append((factor, own))
                cut.append((kinds.index((factor, own)), (w, g, *memory)))
            self._blocks, self._cut = blocks, Cut(kinds, cut)
        return self._cut


@twin_for(SGD)
class SGDTwin(OptimizerTwin):
    """`SGD` in one pass."""

    part: SGD
    loops: ClassVar = {"descend": descend, "roll": roll, "look_ahead": look_ahead}
    saved = 0.2

    @property
    def moving(self) -> str:
        """The name of the loop: with momentum there is memory to be moved as well."""
        if not self.part.momentum:
            return "descend"
        return "look_ahead" if self.part.nesterov else "roll"

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return -η, and μ if there is one."""
        return (-rate, self.part.momentum) if self.part.momentum else (-rate,)


@loop("vvvvsssss")
def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    shrink: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: float,
) -> None:
    """Apply M ← β₁ M + g, V ← β₂ V + g², then w ← shrink w - step M / (√V + ε)."""
    for i in range(w.size):
        m[i] = m[i] * beta_1 + g[i]
        v[i] = v[i] * beta_2 + g[i] * g[i]
        w[i] = w[i] * shrink - m[i] / (np.sqrt(v[i]) + epsilon) * step


@twin_for(Adam, AdamW)
class AdamTwin(OptimizerTwin):
    """`Adam` and `AdamW` in one pass."""

    part: Adam
    loops: ClassVar = {"adam": adam}
    moves, saved = "adam", 1.0

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return 1 - η λ of the parameters that decay, and the numbers of Adam's update."""
        part = self.part
        shrink = 1.0
        if isinstance(part, AdamW) and own.get("d", 1.0):
            shrink -= rate * part.current_weight_decay
        epsilon, step = part.quotient_factors(rate)
        return shrink, part.beta_1, part.beta_2, epsilon, step

    def foretell(self, rates: Array, own: Mapping[str, Any]) -> Array:
        """Return `numbers` of the next updates; what they have alike is computed once."""
        part, first, count = self.part, self.part.iterations, len(rates)
        numbers = np.repeat([self.numbers(float(rates[0]), own)], count, axis=0)
        if isinstance(part, AdamW) and own.get("d", 1.0):
            decay = part.weight_decay
            decays = [
                float(decay(first + i)) if isinstance(decay, Schedule) else decay
                for i in range(count)
            ]
            numbers[:, 0] = 1.0 - rates * decays
        powers = [(part.beta_2**t, part.beta_1**t) for t in range(first + 1, first + 1 + count)]
        rest = 1.0 - np.array(powers)
        correction = np.sqrt(rest[:, 0]) / rest[:, 1]
        numbers[:, 4] = rates * correction * (1.0 - part.beta_1) / math.sqrt(1.0 - part.beta_2)
        return numbers


@loop("vvvvsssss")
def nadam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    of_g: float,
    of_m: float,
) -> None:
    """Apply M ← β₁ M + g, V ← β₂ V + g², then w ← w - (of_m M + of_g g) / (√V + ε)."""
    for i in range(w.size):
        m[i] = m[i] * beta_1 + g[i]
        v[i] = v[i] * beta_2 + g[i] * g[i]
        w[i] -= (m[i] * of_m + g[i] * of_g) / (np.sqrt(v[i]) + epsilon)


@twin_for(Nadam)
class NadamTwin(OptimizerTwin):
    """`Nadam` in one pass."""

    part: Nadam
    loops: ClassVar = {"nadam": nadam}
    moves, saved = "nadam", 1.0

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the numbers of Nadam's update."""
        return (self.part.beta_1, self.part.beta_2, *self.part.factors(rate))


@loop("vvvssss")
def rmsprop(
    w: Array, g: Array, square: Array, rho: float, rest: float, epsilon: float, rate: float
) -> None:
    """Apply s ← ρ s + (1 - ρ) g², then w ← w - η g / (√s + ε)."""
    for i in range(w.size):
        square[i] = square[i] * rho + g[i] * g[i] * rest
        w[i] -= g[i] / (np.sqrt(square[i]) + epsilon) * rate


@twin_for(RMSprop)
class RMSpropTwin(OptimizerTwin):
    """`RMSprop` in one pass."""

    part: RMSprop
    loops: ClassVar = {"rmsprop": rmsprop}
    moves, saved = "rmsprop", 0.8

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return ρ, 1 - ρ, ε and η."""
        return (self.part.rho, 1.0 - self.part.rho, self.part.epsilon, rate)


@loop("vvvsss")
def adagrad(w: Array, g: Array, total: Array, start: float, epsilon: float, rate: float) -> None:
    """Apply s ← s + g², then w ← w - η g / (√(s + s₀) + ε)."""
    for i in range(w.size):
        total[i] += g[i] * g[i]
        w[i] -= g[i] / (np.sqrt(total[i] + start) + epsilon) * rate


@twin_for(Adagrad)
class AdagradTwin(OptimizerTwin):
    """`Adagrad` in one pass."""

    part: Adagrad
    loops: ClassVar = {"adagrad": adagrad}
    moves, saved = "adagrad", 0.6

    def numbers(self, rate: float, own: Mapping[str, Any]) -> tuple[float, ...]:
        """Return s₀, ε and η."""
        return (self.part.initial_accumulator_value, self.part.epsilon, rate)
