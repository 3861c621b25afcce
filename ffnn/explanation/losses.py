"""The end of the chain: the loss, its derivative, and the penalties on parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.core.formulas import Formula
from ffnn.explanation.steps import (
    SYMBOLS,
    Step,
    copy_kept,
    formulas_of,
    kind_of,
    symbol_of,
    symbols_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ffnn._types import Array
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
    """Return the step to L, the one to its derivative by `output`, and that derivative.

    Parameters
    ----------
    loss : Loss
        What computes them.
    named : Loss
        What the model was compiled with; another one where `loss` takes the place of the last
        activation.
    last : Link
        The last stage; if `loss` takes its place, it is not run, and its forward step made here.
    output, target : ndarray
        What the stages that are run put out, and the batch's targets.
    weight : ndarray or None
        The rows' weights.
    """
    source, is_fused = np.array(output), loss is not named
    value = np.array(loss.forward(output, target, weight))
    p = np.array(getattr(loss, "output", source))
    y = np.array(getattr(loss, "target", target))  # class numbers are rows there
    formulas = [Formula(text) for text in formulas_of(named).forward]
    slopes = [Formula(text) for text in formulas_of(loss).backward]
    given = {"p": p, "y": y}
    if weight is None:
        formulas, slopes = ([f.without("w") for f in each] for each in (formulas, slopes))
    else:
        given["w"] = np.array(weight)[:, None]
    used = symbols_in([*formulas, *slopes])
    counts = {"n": np.array(len(p)), "u": np.array(p.shape[1])}
    given |= {symbol: count for symbol, count in counts.items() if symbol in used}
    given |= copy_kept(named, formulas_of(named).where, used)
    kind, note, place = kind_of(named), _describe(given, target.ndim < y.ndim), last.place + 1
    arrays = {**given, "L": value}
    step = Step("loss", "loss", kind, tuple(formulas), arrays, ("L",), note, place)
    note = ""
    if is_fused:
        last.pass_forward(source, p, {})
        kind, note, place = f"{last.kind} and {kind}", _FUSED, last.place
        slopes = [slope.rename({slopes[-1].symbol[-1]: last.source}) for slope in slopes]
    grad = loss.backward()
    symbol = slopes[-1].symbol
    arrays = {**given, symbol: np.array(grad)}
    return step, Step("backward", "loss", kind, tuple(slopes), arrays, (symbol,), note, place), grad


def _describe(given: Mapping[str, Array], has_classes: bool) -> str:
    note = ", ".join(role for symbol, role in _ROLES.items() if symbol in given) + "."
    return note + (_CLASSES if has_classes else "")


class Penalized(NamedTuple):
    """A parameter with its penalty."""

    penalty: Penalty
    layer: Layer
    name: str

    def step(self, direction: str, arrays: Mapping[str, Array], place: int | None = None) -> Step:
        """Return a step of the penalty; `arrays` are its own and begin with what is given."""
        rule, sign = self.penalty.regularizer, symbol_of(self.name)
        formulas = formulas_of(rule)
        way = [Formula(text) for text in formulas.forward]
        results: tuple[str, ...] = ("R",)
        if direction == "backward":
            way = [*map(Formula, formulas.backward), _TOTAL_SLOPE]
            results = (f"∂R/∂{sign}", f"∂J/∂{sign}")
        letter = sign if sign in SYMBOLS.values() else "θ"
        way = [formula.rename({"w": letter}) for formula in way]
        kept = copy_kept(rule, formulas.where, symbols_in(way))
        arrays = {sign: self.penalty.w.copy(), **kept, **arrays}
        kind = kind_of(rule)
        return Step(direction, self.layer.name, kind, tuple(way), arrays, results, place=place)


def pair_penalties(penalties: Sequence[Penalty], layers: Iterable[Layer]) -> list[Penalized]:
    """Return the penalties of a model with the parameters that they are on."""
    owners = [(layer, name) for layer in layers for name in layer.regularizers()]
    return [Penalized(each, *owner) for each, owner in zip(penalties, owners, strict=True)]


def add_penalties(penalized: Sequence[Penalized], loss: float) -> list[Step]:
    """Return the steps from L to J; none if there are no penalties."""
    if not penalized:
        return []
    values = [each.penalty.value() for each in penalized]
    steps = [
        each.step("loss", {"R": np.array(value)})
        for each, value in zip(penalized, values, strict=True)
    ]
    each_value = np.array(values[0] if len(values) == 1 else values)
    arrays = {"L": np.array(loss), "R": each_value, "J": np.array(sum(values, start=loss))}
    return [*steps, Step("loss", "loss", "total", (_TOTAL,), arrays, ("J",))]


def add_slopes(penalized: Iterable[Penalized], places: Mapping[Layer, int]) -> list[Step]:
    """Return the steps from ∂L/∂w to ∂J/∂w, which the gradients are then."""
    steps = []
    for each in penalized:
        penalty, sign = each.penalty, symbol_of(each.name)
        arrays = {f"∂L/∂{sign}": penalty.grad.copy(), f"∂R/∂{sign}": np.zeros_like(penalty.grad)}
        penalty.regularizer.add_gradient(penalty.w, arrays[f"∂R/∂{sign}"], penalty.scratch)
        penalty.add_gradient()
        arrays[f"∂J/∂{sign}"] = penalty.grad.copy()
        steps.append(each.step("backward", arrays, places[each.layer]))
    return steps
