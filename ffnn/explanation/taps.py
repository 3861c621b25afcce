"""The stages of a model: what passes through each of them becomes a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ffnn._types import Array
from ffnn.explanation.steps import Mathematics, Step, formulas_of, kind_of, symbol_of, symbols_in
from ffnn.layers.base import Layer, Stage

_NOT_NEEDED = "The gradient with respect to x is not needed: no layer before has parameters."


class Link:
    """A stage in its place in the chain, which is told of what passes.

    The parameters belong to the first stage of a layer, its `owner`. Through `names` x may be
    called z here, and z be called y; `forward` is the forward pass, once it is over.
    """

    def __init__(
        self,
        stage: Stage,
        place: int,
        owner: Layer | None,
        formulas: Mathematics,
        names: dict[str, str],
    ) -> None:
        self.stage, self.place, self.owner = stage, place, owner
        self.kind, self.formulas = kind_of(stage.layer), formulas
        self.params: Mapping[str, Array] = {} if owner is None else owner.params
        self.grads: Mapping[str, Array] = {} if owner is None else owner.grads
        self._there = [formula.rename(names) for formula in formulas.forward]
        self._back = [formula.rename(names) for formula in formulas.backward]
        self.source, self.output = names.get("x", "x"), self._there[-1].symbol
        self.forward: Step | None = None
        self._taken: dict[str, Array] = {}

    def before(self, direction: str, array: Array) -> None:
        """Take what goes into a pass."""
        self._taken[direction] = np.array(array)

    def after(self, direction: str, array: Array) -> None:
        """Take what comes out of a pass."""
        if direction == "backward":
            self._taken["outgoing"] = np.array(array)
            return
        used = symbols_in(self._there) | {formula.symbol for formula in self._there}
        kept = self.formulas.copy_kept(self.stage.layer, used)
        self.pass_forward(self._taken["forward"], np.array(array), kept)

    def pass_forward(self, source: Array, output: Array, kept: Mapping[str, Array]) -> None:
        """Make the step of a forward pass; `kept` are constants, and what the layer keeps."""
        computed = [formula.symbol for formula in self._there]
        given = {self.source: source}
        given |= {symbol_of(name): array.copy() for name, array in self.params.items()}
        given |= {symbol: array for symbol, array in kept.items() if symbol not in computed}
        results = {symbol: kept[symbol] for symbol in computed if symbol in kept}
        results[self.output] = output
        name = self.stage.layer.name
        there = self._there
        self.forward = Step.made(
            "forward", name, self.kind, there, given, results, self.formulas.note, self.place
        )

    def backward_step(self) -> Step:
        """Return the step of the backward pass that has just been."""
        results = {f"∂L/∂{symbol_of(n)}": array.copy() for n, array in self.grads.items()}
        if "outgoing" in self._taken:
            results[f"∂L/∂{self.source}"] = self._taken["outgoing"]
        known = {*results, "∂L/∂θ" if self.grads else ""}
        back = [f for f in self._back if f.symbol in known or "∂" not in f.symbol]
        incoming = f"∂L/∂{self.output}"
        for formula in back:  # which may begin with a shorter name for it
            if formula.text == f"{formula.symbol} = {incoming}" and "∂" not in formula.symbol:
                incoming = formula.symbol
        assert self.forward is not None
        used, earlier = symbols_in(back), self.forward.arrays
        given = {incoming: self._taken["backward"]}
        given |= {symbol: array for symbol, array in earlier.items() if symbol in used}
        given |= self.formulas.copy_kept(self.stage.layer, used - earlier.keys())
        name, note = self.stage.layer.name, "" if "outgoing" in self._taken else _NOT_NEEDED
        return Step.made("backward", name, self.kind, back, given, results, note, self.place)


def link_stages(layers: Iterable[Layer]) -> list[Link]:
    """Return the stages of all layers in a row."""
    links: list[Link] = []
    for layer in layers:
        stages, source = layer.stages(), "x"
        for index, stage in enumerate(stages):
            # The parameters of a part inside a layer have other names.
            is_known = stage.layer is layer or not stage.layer.params
            formulas = formulas_of(stage.layer if is_known else Layer())
            names = {} if source == "x" else {"x": source}
            if index == len(stages) - 1:
                names[formulas.forward[-1].symbol] = "y"
            owner = None if index else layer
            links.append(Link(stage, len(links), owner, formulas, names))
            source = "x" if links[-1].output == "y" else links[-1].output
    return links
