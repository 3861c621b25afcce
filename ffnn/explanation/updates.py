"""The end of a training step: the optimizer's update, and the layers' moving averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.formulas import equation
from ffnn.explanation import table
from ffnn.explanation.steps import Step, copy_kept, is_known, kind_of, symbol_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array
    from ffnn.core.formulas import Formula
    from ffnn.core.memory import ParameterVector
    from ffnn.layers.base import Layer
    from ffnn.optimizers import Optimizer

_FRESH = "It is the first update: what the optimizer remembers was 0 before."


class WatchedUpdate:
    """An optimizer's update, which makes a step of each parameter array.

    Parameters
    ----------
    optimizer : Optimizer
        What updates them.
    vector : ParameterVector
        The parameters and their gradients.
    layers : sequence of Layer
        The layers.
    total : {"L", "J"}
        What the gradients are of: the loss, or the loss with penalties.
    """

    def __init__(
        self, optimizer: Optimizer, vector: ParameterVector, layers: Sequence[Layer], total: str
    ) -> None:
        self.optimizer, self.vector, self.layers, self.total = optimizer, vector, layers, total
        self.kind = kind_of(optimizer)
        self.entry = _entry_of(optimizer, self.kind)
        self.is_first = optimizer.iterations == 0
        self.is_made = False

    def run(self, problem: str | None) -> list[Step]:
        """Return the steps of the update; if there can be none, the one that says why.

        `is_made` tells then whether there was one.

        Parameters
        ----------
        problem : str or None
            Why there can be no update, if that is known already.
        """
        constants, before = self._constants(), self.vector.values.copy()
        memory = self._memory()
        note = _FRESH if self.is_first and memory else ""
        if problem is None:
            try:
                self.optimizer.step()
                self.is_made = True
            except FloatingPointError as error:
                problem = str(error)
        if not self.is_made:
            note = f"Nothing is updated: {problem}."
        first = Step("update", "optimizer", self.kind, self._formulas(), constants, (), note)
        return [first, *self._array_steps(before, memory)] if self.is_made else [first]

    def _formulas(self) -> tuple[Formula, ...]:
        clipping = () if self.optimizer.clipnorm is None else (table.CLIPPING,)
        return (equation("g", f"∂{self.total}/∂w"), *clipping, *self.entry.formulas)

    def _constants(self) -> dict[str, Array]:
        rule = self.optimizer
        numbers = {"η": np.array(rule.current_learning_rate), **copy_kept(rule, self.entry.kept)}
        if any("ᵗ" in formula.text for formula in self.entry.formulas):
            numbers["t"] = np.array(rule.iterations + 1)
        if rule.clipnorm is not None:
            numbers["c"] = np.array(rule.clipnorm)
            numbers["‖g‖"] = np.array(rule.norm(self.vector.gradients))
        return numbers

    def _memory(self) -> dict[str, Array]:
        """Return sign → a copy of what the optimizer remembers of all parameters."""
        kept = {sign: self.optimizer.slots[name].copy() for name, sign in self.entry.memory.items()}
        for name, attribute in self.entry.scale.items():
            kept[self.entry.memory[name]] *= 1.0 - getattr(self.optimizer, attribute)
        return kept

    def _array_steps(self, before: Array, memory: dict[str, Array]) -> list[Step]:
        vectors = {"": before, f"∂{self.total}/∂": self.vector.gradients.copy()}
        if not self.is_first:
            vectors |= {f"{sign}_": array for sign, array in memory.items()}
        after = {f"{sign}_": array for sign, array in self._memory().items()}
        after[""] = self.vector.values.copy()
        given = {prefix: self.vector.views(vector) for prefix, vector in vectors.items()}
        results = {prefix: self.vector.views(vector) for prefix, vector in after.items()}
        steps = []
        for index, layer in enumerate(self.layers):
            for name in layer.params:
                symbol = symbol_of(name)
                arrays = {f"{prefix}{symbol}": v[index][name] for prefix, v in given.items()}
                new = {f"{prefix}{symbol}_new": v[index][name] for prefix, v in results.items()}
                kind = f"{self.kind} of {name}"
                steps.append(Step("update", layer.name, kind, (), arrays | new, tuple(new)))
        return steps


def _entry_of(optimizer: Optimizer, kind: str) -> table.UpdateEntry:
    if not is_known(optimizer):
        return table.OTHER_OPTIMIZER
    if getattr(optimizer, "nesterov", False):
        return table.OPTIMIZERS[f"{kind} with nesterov"]
    return table.OPTIMIZERS[f"{kind} with momentum" if "velocity" in optimizer.slots else kind]


def follow(layer: Layer) -> Step | None:
    """Let a layer take the batch into its state; return the step, or None if nothing changed."""
    kind = kind_of(layer)
    known = table.MOVING.get(kind) if is_known(layer) else None
    entry = table.UpdateEntry(()) if known is None else known
    given = copy_kept(layer, entry.kept)
    before = {name: array.copy() for name, array in layer.state.items()}
    layer.update_state()
    new: dict[str, Array] = {}
    for name, array in layer.state.items():
        if not np.array_equal(array, before[name]):
            symbol = entry.memory.get(name, symbol_of(name))
            given[symbol], new[f"{symbol}_new"] = before[name], array.copy()
    if not new:
        return None
    return Step("update", layer.name, kind, entry.formulas, {**given, **new}, tuple(new))
