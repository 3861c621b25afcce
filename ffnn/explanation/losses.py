"""The end of the chain: the loss, its derivative, and the penalties on parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formula
from ffnn.explanation.steps import SYMBOLS, Step, formulas_of, kind_of, symbol_of, symbols_in
from ffnn.explanation.taps import Link
from ffnn.layers.base import Layer
from ffnn.losses import Loss
from ffnn.training.step import Penalty

_FUSED = (
    "Activation and loss are computed together, from the input of the activation: both are exact, "
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
_TOTAL, _TOTAL_SLOPE = Formula("J = L + Σ R"), Formula("∂J/∂w = ∂L/∂w + ∂R/∂w")


def pass_loss(
    loss: Loss, named: Loss, last: Link, output: Array, target: Array, weight: Array | None
) -> tuple[Step, Step, Array]:
    """Return the step to L, the one to ∂L/∂output, and ∂L/∂output.

    `named` is the loss that the model was compiled with. Where another one computes it and takes
    the place of the last activation, that activation is not run, and its forward step is made here.
    """
    source, is_fused = np.array(output), loss is not named
    value = np.array(loss.forward(output, target, weight))
    p = np.array(getattr(loss, "output", source))
    y = np.array(getattr(loss, "target", target))  # class numbers are rows there
    formulas, slopes = formulas_of(named).forward, formulas_of(loss).backward
    given = {"p": p, "y": y}
    if weight is None:
        formulas, slopes = (tuple(f.without("w") for f in each) for each in (formulas, slopes))
    else:
        given["w"] = np.array(weight)[:, None]
    used = symbols_in([*formulas, *slopes])
    counts = {"n": np.array(len(p)), "u": np.array(p.shape[1])}
    given |= {symbol: count for symbol, count in counts.items() if symbol in used}
    given |= formulas_of(named).copy_kept(named, used)
    kind, place = kind_of(named), last.place + 1
    note = ", ".join(role for symbol, role in _ROLES.items() if symbol in given) + "."
    note += _CLASSES if target.ndim < y.ndim else ""
    note = f"{note} {formulas_of(named).note}".rstrip()
    step = Step.made("loss", "loss", kind, formulas, given, {"L": value}, note, place)
    if is_fused:
        last.pass_forward(source, p, {})
        kind, place = f"{last.kind} and {kind}", last.place
        slopes = tuple(slope.rename({slopes[-1].symbol[-1]: last.source}) for slope in slopes)
    grad = loss.backward()
    results, note = {slopes[-1].symbol: np.array(grad)}, _FUSED if is_fused else ""
    return step, Step.made("backward", "loss", kind, slopes, given, results, note, place), grad


class Penalized(NamedTuple):
    """A parameter with its penalty."""

    penalty: Penalty
    layer: Layer
    name: str

    def value_step(self) -> Step:
        """Return the step to the penalty's value."""
        formulas = formulas_of(self.penalty.regularizer).forward
        return self._step("loss", formulas, {}, {"R": np.array(self.penalty.value())}, None)

    def slope_step(self, place: int) -> Step:
        """Return the step from ∂L/∂w to ∂J/∂w, which the gradient is then."""
        (rule, w, grad, scratch), sign = self.penalty, symbol_of(self.name)
        given, slope = {f"∂L/∂{sign}": grad.copy()}, np.zeros_like(grad)
        rule.add_gradient(w, slope, scratch)
        self.penalty.add_gradient()
        results = {f"∂R/∂{sign}": slope, f"∂J/∂{sign}": grad.copy()}
        formulas = (*formulas_of(rule).backward, _TOTAL_SLOPE)
        return self._step("backward", formulas, given, results, place)

    def _step(
        self,
        direction: str,
        formulas: Iterable[Formula],
        given: Mapping[str, Array],
        results: Mapping[str, Array],
        place: int | None,
    ) -> Step:
        rule, sign = self.penalty.regularizer, symbol_of(self.name)
        letter = sign if sign in SYMBOLS.values() else "θ"
        named = [formula.rename({"w": letter}) for formula in formulas]
        kept = formulas_of(rule).copy_kept(rule, symbols_in(named))
        arrays = {sign: self.penalty.w.copy(), **kept, **given}
        name, kind = self.layer.name, kind_of(rule)
        return Step.made(direction, name, kind, named, arrays, results, place=place)


def pair_penalties(penalties: Sequence[Penalty], layers: Iterable[Layer]) -> list[Penalized]:
    """Return the penalties of a model with the parameters that they are on."""
    owners = [(layer, name) for layer in layers for name in layer.regularizers()]
    return [Penalized(each, *owner) for each, owner in zip(penalties, owners, strict=True)]


def add_penalties(penalized: Sequence[Penalized], loss: float) -> list[Step]:
    """Return the steps from L to J; none if there are no penalties."""
    if not penalized:
        return []
    steps = [each.value_step() for each in penalized]
    values = [float(step.arrays["R"]) for step in steps]
    given = {"L": np.array(loss), "R": np.array(values[0] if len(values) == 1 else values)}
    total = {"J": np.array(sum(values, start=loss))}
    return [*steps, Step.made("loss", "loss", "total", [_TOTAL], given, total)]
