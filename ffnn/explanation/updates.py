"""The end of a training step: the optimizer's update, and the layers' moving averages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ffnn._types import Array
from ffnn.core.expressions import parse
from ffnn.core.formulas import Formula
from ffnn.core.memory import ParameterVector
from ffnn.explanation.steps import Step, formulas_of, kind_of, symbol_of, symbols_in
from ffnn.layers.base import Layer
from ffnn.optimizers import Optimizer
from ffnn.schedules import Schedule
from ffnn.training.step import TrainStep

_FRESH = "It is the first update: what the optimizer remembers was 0 before."
_TIME = "t is the number of updates made before this one."
_OWN = {
    "f": "f is the factor of a parameter's learning rate.",
    "d": "d is 1 for a parameter that decays, else 0.",
}
_FACTOR = Formula("η ← η f")
_CLIPNORM = Formula("g ← g c / ‖g‖ if ‖g‖ > c")
_CLIPVALUE = Formula("g ← min(max(g, -c), c)")


def update(
    training: TrainStep, layers: Iterable[Layer], total: str, problem: str | None
) -> list[Step]:
    """Make the update; return its steps, or, if there is a `problem`, the one that tells it.

    `total` says what the gradients are of: "L", or with penalties "J".
    """
    rule, vector, kind = training.optimizer, training.vector, kind_of(training.optimizer)
    scheduled = [_schedule(rule, *each) for each in rule.schedules.items()]
    constants, given = _constants(rule, vector), {"": vector.values.copy(), **_memory(rule)}
    note = _FRESH if len(given) > 1 and not rule.iterations else ""
    given = {"": given.pop(""), f"∂{total}/∂": vector.gradients.copy(), **({} if note else given)}
    if problem is None:
        try:
            training.update()
        except FloatingPointError as error:
            problem = str(error)
    if problem is not None:
        note = f"Nothing is updated: {problem}."
    note = " ".join(filter(None, (note, formulas_of(rule).note, *_notes(rule, layers))))
    formulas = [Formula(f"g = ∂{total}/∂w"), *_preparations(rule), *formulas_of(rule).update]
    first = Step.made("update", "optimizer", kind, formulas, constants, {}, note)
    if problem is not None:
        return [*scheduled, first]
    results = {**_memory(rule), "": vector.values.copy()}
    before, after = ({key: vector.views(v) for key, v in each.items()} for each in (given, results))
    steps = [*scheduled, first]
    for index, layer in enumerate(layers):
        for name in layer.params:
            if name in layer.frozen:
                continue
            sign = symbol_of(name)
            old = {f"{prefix}{sign}": views[index][name] for prefix, views in before.items()}
            old |= {f"{own}_{sign}": np.array(n) for own, n in rule.own_numbers(name).items()}
            new = {f"{prefix}{sign}_new": views[index][name] for prefix, views in after.items()}
            steps.append(Step.made("update", layer.name, f"{kind} of {name}", (), old, new))
    moved = [follow(layer) for layer in training.layers_with_state]
    return [*steps, *(step for step in moved if step is not None)]


def _notes(rule: Optimizer, layers: Iterable[Layer]) -> Iterator[str]:
    """Yield what is to be said of parameters by name."""
    for sign in dict.fromkeys(
        s for each in layers for n in each.params for s in rule.own_numbers(n)
    ):
        yield _OWN.get(sign, "")
    if frozen := [layer.name for layer in layers if layer.frozen]:
        yield f"Frozen, and left as they are: {', '.join(frozen)}."


def _preparations(rule: Optimizer) -> Iterator[Formula]:
    """Yield what becomes of η and g before the rule's own formulas."""
    if rule.learning_rate_factors is not None:
        yield _FACTOR
    if rule.clipvalue is not None:
        yield _CLIPVALUE
    if rule.clipnorm is not None:
        yield _CLIPNORM


def _schedule(rule: Optimizer, sign: str, schedule: Schedule) -> Step:
    """Return the step in which a schedule gives the learning rate, or another number."""
    formulas, names = formulas_of(schedule), {"η": sign, "η₀": f"{sign}₀"}
    kept = formulas.copy_kept(schedule, formulas.where).items()
    given = {"t": np.array(rule.iterations), **{names.get(s, s): array for s, array in kept}}
    forward = [formula.rename(names) for formula in formulas.forward]
    result = {sign: np.array(schedule(rule.iterations))}
    return Step.made("update", "optimizer", kind_of(schedule), forward, given, result, _TIME)


def _constants(rule: Optimizer, vector: ParameterVector) -> dict[str, Array]:
    """Return the numbers in an optimizer's formulas."""
    formulas = formulas_of(rule)
    used = symbols_in(formulas.update)
    numbers = {"η": np.array(rule.current_learning_rate)}
    numbers |= formulas.copy_kept(rule, used - formulas.kept_in("slots").keys())
    if "t" in used:
        numbers["t"] = np.array(rule.iterations + 1)
    if rule.clipnorm is not None:
        numbers["c"] = np.array(rule.clipnorm)
        numbers["‖g‖"] = np.array(rule.norm_of_trained(vector.gradients))
    if rule.clipvalue is not None:
        numbers["c"] = np.array(rule.clipvalue)
    return numbers


def _memory(rule: Optimizer) -> dict[str, Array]:
    """Return sign and underscore → a copy of what an optimizer remembers of all parameters."""
    formulas = formulas_of(rule)
    signs = formulas.kept_in("slots").keys()
    memory = formulas.copy_kept(rule, signs)
    constants = formulas.copy_kept(rule, formulas.where.keys() - signs)
    for sign, factor in formulas.scale.items():
        memory[sign] *= float(parse(factor).value(constants))
    return {f"{sign}_": array for sign, array in memory.items()}


def follow(layer: Layer) -> Step | None:
    """Let a layer take the batch into its state; return the step, or None if nothing changed."""
    formulas = formulas_of(layer)
    symbols = {name: symbol for symbol, name in formulas.kept_in("state").items()}
    given = formulas.copy_kept(layer, symbols_in(formulas.update) - set(symbols.values()))
    before = {name: array.copy() for name, array in layer.state.items()}
    layer.update_state()
    new: dict[str, Array] = {}
    for name, array in layer.state.items():
        if not np.array_equal(array, before[name]):
            symbol = symbols.get(name, symbol_of(name))
            given[symbol], new[f"{symbol}_new"] = before[name], array.copy()
    if not new:
        return None
    return Step.made("update", layer.name, kind_of(layer), formulas.update, given, new)
