"""Updates in one pass over parameters, gradients and memory."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.kernels.compiler import loop
from ffnn.kernels.twins import Twin, twin_for
from ffnn.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from ffnn.optimizers.groups import Block


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


class OptimizerTwin(Twin):
    """What updates all parameters in one pass."""

    _blocks: list[Block] | None = None

    def update_all(self, rate: float, blocks: list[Block]) -> None:
        """Do what `update` of the optimizer does, for each of the blocks."""
        for factor, own, arrays in self.at_lines(blocks):
            self.update(rate * factor, *arrays, **own)

    def at_lines(self, blocks: list[Block]) -> list[Block]:
        """Return the blocks cut at cache lines, which are kept for the next update."""
        if blocks is not self._blocks:
            self._blocks, self._cut = blocks, at_lines(blocks)
        return self._cut

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Change one block of parameters in place."""
        raise NotImplementedError


@twin_for(SGD)
class SGDTwin(OptimizerTwin):
    """`SGD` in one pass."""

    part: SGD
    loops: ClassVar = {"descend": descend, "roll": roll, "look_ahead": look_ahead}
    saved = 0.2

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g, or its form with momentum."""
        if not memory:
            self.descend(w, g, self.number(-rate))
            return
        moving = self.look_ahead if self.part.nesterov else self.roll
        moving(w, g, *memory, self.number(-rate), self.number(self.part.momentum))


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
    saved = 1.0

    def update_all(self, rate: float, blocks: list[Block]) -> None:
        """Shrink the parameters that decay, and apply Adam's update."""
        part, number = self.part, self.number
        decay = part.current_weight_decay if isinstance(part, AdamW) else 0.0
        epsilon, step = part.quotient_factors(rate)
        fixed = tuple(map(number, (part.beta_1, part.beta_2, epsilon)))
        own_rate = rate
        for factor, own, (w, g, _, m, v) in self.at_lines(blocks):
            if own_rate != rate * factor:
                own_rate = rate * factor
                _, step = part.quotient_factors(own_rate)
            shrink = 1.0 - own_rate * decay if own.get("d", 1.0) else 1.0
            self.adam(w, g, m, v, number(shrink), *fixed, number(step))


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
    saved = 1.0

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply Nadam's update."""
        numbers = (self.part.beta_1, self.part.beta_2, *self.part.factors(rate))
        self.nadam(w, g, *memory, *map(self.number, numbers))


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
    saved = 0.8

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g / (√s + ε)."""
        numbers = (self.part.rho, 1.0 - self.part.rho, self.part.epsilon, rate)
        self.rmsprop(w, g, *memory, *map(self.number, numbers))


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
    saved = 0.6

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g / (√(s + s₀) + ε)."""
        numbers = (self.part.initial_accumulator_value, self.part.epsilon, rate)
        self.adagrad(w, g, *memory, *map(self.number, numbers))
