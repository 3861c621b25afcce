"""The end of the chain: the loss, its derivative, and the penalties on parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.explanation import table
from ffnn.explanation.steps import SYMBOLS, Step, copy_kept, is_known, kind_of, symbol_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array
    from ffnn.explanation.taps import Link
    from ffnn.layers.base import Layer
    from ffnn.losses import Loss
    from ffnn.training.step import Penalty

_FUSED = (
    "Activation and loss are computed in one, from the input of the activation: both are exact, "
    "however far it is from 0, and this is the derivative of the two together."
)
_ROLES = {
    "p": "p is the output of the last layer",
    "y": "y the target",
    "w": "w the weight of each row",
    "n": "n the number of rows",
    "u": "u the number of outputs",
}
_CLASSES = " Class numbers are written as rows: 1 at the class, else 0."


class WatchedLoss:
    """A loss that makes a step of its value and one of its derivative.

    Parameters
    ----------
    loss : Loss
        What computes them.
    named : Loss
        What the model was compiled with; another one where `loss` takes the place of the last
        activation.
    last : Link
        The last stage; if `loss` takes its place, it is not run, and its step is made here.
    """

    def __init__(self, loss: Loss, named: Loss, last: Link) -> None:
        self.loss, self.last = loss, last
        self.is_fused = loss is not named
        self.kind = kind_of(named)
        self.entry = table.LOSSES[self.kind] if is_known(named) else table.OTHER_LOSS
        self.kept = copy_kept(named, self.entry.kept)
        self.value = 0.0

    def forward(self, output: Array, target: Array, weight: Array | None) -> Step:
        """Return the step to L; `value` is its number."""
        source = np.array(output)
        self.value = self.loss.forward(output, target, weight)
        p = np.array(getattr(self.loss, "output", source))
        if self.is_fused:
            self.last.note_forward(source, p, {})
        y = np.array(getattr(self.loss, "target", target))  # class numbers are rows there
        counts = {"n": np.array(len(p)), "u": np.array(p.shape[1])}
        self.given = {"p": p, "y": y}
        if weight is not None:
            self.given["w"] = np.array(weight)
        self.given |= {symbol: counts[symbol] for symbol in self.entry.counts} | self.kept
        note = ", ".join(role for symbol, role in _ROLES.items() if symbol in self.given) + "."
        note += _CLASSES if target.ndim < y.ndim else ""
        formula = self.entry.value.fill("p", self._weights)
        arrays = {**self.given, "L": np.array(self.value)}
        place = self.last.place + 1
        return Step("loss", "loss", self.kind, (formula,), arrays, ("L",), note, place)

    def backward(self) -> tuple[Step, Array]:
        """Return the step to the derivative by what `forward` was given, and that derivative."""
        grad = self.loss.backward()
        kind, source, note, place = self.kind, "p", "", self.last.place + 1
        formula = self.entry.slope
        if self.is_fused:
            kind, source, note = f"{self.last.kind} and {kind}", self.last.source, _FUSED
            formula = table.FUSED.get(kind_of(self.loss), table.OTHER_LOSS.slope)
            place = self.last.place
        formula = formula.fill(source, self._weights)
        arrays = {**self.given, formula.symbol: np.array(grad)}
        results = (formula.symbol,)
        return Step("backward", "loss", kind, (formula,), arrays, results, note, place), grad

    @property
    def _weights(self) -> str:
        return "w ∘ " if "w" in self.given else ""


class WatchedPenalties:
    """The penalties of a model, of which each makes a step of its value and its derivative.

    Parameters
    ----------
    penalties : sequence of Penalty
        In the order of the layers and of their regularizers.
    layers : sequence of Layer
        The layers.
    """

    def __init__(self, penalties: Sequence[Penalty], layers: Sequence[Layer]) -> None:
        of = [(layer, name) for layer in layers for name in layer.regularizers()]
        self._all = [(penalty, *owner) for penalty, owner in zip(penalties, of, strict=True)]

    def __len__(self) -> int:
        return len(self._all)

    def forward(self, loss: float) -> tuple[list[Step], float]:
        """Return the steps from L to J, and J."""
        steps, values = [], []
        for penalty, layer, name in self._all:
            values.append(penalty.value())
            results = {"R": np.array(values[-1])}
            steps.append(self._step("loss", penalty, layer, name, {}, results))
        total = sum(values, start=loss)
        each = np.array(values[0] if len(values) == 1 else values)
        arrays = {"L": np.array(loss), "R": each, "J": np.array(total)}
        return [*steps, Step("loss", "loss", "total", (table.TOTAL,), arrays, ("J",))], total

    def backward(self, places: dict[Layer, int]) -> list[Step]:
        """Return the steps from ∂L/∂w to ∂J/∂w, which the gradients are then.

        Parameters
        ----------
        places : dict of Layer to int
            Each layer's place.
        """
        steps = []
        for penalty, layer, name in self._all:
            sign = symbol_of(name)
            given = {f"∂L/∂{sign}": penalty.grad.copy()}
            slope = np.zeros_like(penalty.grad)
            penalty.regularizer.add_gradient(penalty.w, slope, penalty.scratch)
            penalty.add_gradient()
            results = {f"∂R/∂{sign}": slope, f"∂J/∂{sign}": penalty.grad.copy()}
            place = places[layer]
            steps.append(self._step("backward", penalty, layer, name, given, results, place))
        return steps

    def _step(
        self,
        direction: str,
        penalty: Penalty,
        layer: Layer,
        name: str,
        given: dict[str, Array],
        results: dict[str, Array],
        place: int | None = None,
    ) -> Step:
        rule, sign = penalty.regularizer, symbol_of(name)
        kind = kind_of(rule)
        entry = table.PENALTIES[kind] if is_known(rule) else table.OTHER_PENALTY
        entries = (entry.value,) if direction == "loss" else (entry.slope, table.TOTAL_SLOPE)
        letter = sign if sign in SYMBOLS.values() else "θ"
        formulas = tuple(formula.fill(letter) for formula in entries)
        arrays = {sign: penalty.w.copy(), **copy_kept(rule, entry.kept), **given, **results}
        return Step(direction, layer.name, kind, formulas, arrays, tuple(results), place=place)
