"""The stages of a model, watched: each pass through one becomes a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.explanation import table
from ffnn.explanation.steps import Step, copy_kept, is_known, kind_of, symbol_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ffnn._types import Array
    from ffnn.core.formulas import Formula
    from ffnn.layers.base import Layer, Stage


class Link:
    """A stage that copies what goes in and what comes out.

    Parameters
    ----------
    stage : Stage
        What to watch.
    place : int
        Its place in the chain.
    owner : Layer or None
        The layer whose parameters belong to it, if any do.
    entry : LayerEntry
        Its formulas.
    source, output : str
        What its input and its output are called: x or z, and y or z.

    Attributes
    ----------
    forward, backward : Step or None
        What the last passes did.
    """

    def __init__(
        self,
        stage: Stage,
        place: int,
        owner: Layer | None,
        entry: table.LayerEntry,
        source: str,
        output: str,
    ) -> None:
        self.stage, self.place, self.owner = stage, place, owner
        self.params: Mapping[str, Array] = {} if owner is None else owner.params
        self.grads: Mapping[str, Array] = {} if owner is None else owner.grads
        self.source, self.output = source, output
        self.kind = kind_of(stage.layer)
        self.entry = entry
        self.forward: Step | None = None
        self.backward: Step | None = None

    def watched(self) -> Stage:
        """Return the stage, so that its passes become steps."""
        return self.stage._replace(forward=self._run_forward, backward=self._run_backward)

    def _run_forward(self, x: Array, training: bool) -> Array:
        source = np.array(x)
        y = self.stage.forward(x, training)
        self.note_forward(source, y, copy_kept(self.stage.layer, self.entry.kept))
        return y

    def note_forward(self, source: Array, output: Array, kept: Mapping[str, Array]) -> None:
        """Make the step of a forward pass.

        Parameters
        ----------
        source, output : ndarray
            What went in and what came out.
        kept : mapping of str to ndarray
            Symbol → constants, and what the layer keeps.
        """
        computed = [formula.symbol for formula in self.entry.forward]
        given = {self.source: source}
        given |= {symbol_of(name): array.copy() for name, array in self.params.items()}
        given |= {symbol: array for symbol, array in kept.items() if symbol not in computed}
        results = {symbol: kept[symbol] for symbol in computed if symbol in kept}
        results[self.output] = np.array(output)
        formulas = self._formulas(self.entry.forward, results)
        self.forward = self._step("forward", formulas, given, results)

    def _run_backward(self, grad: Array) -> Array | None:
        incoming = np.array(grad)
        outgoing = self.stage.backward(grad)
        results = {f"∂L/∂{symbol_of(n)}": array.copy() for n, array in self.grads.items()}
        note = "The gradient by x is not needed: no layer before has parameters."
        if outgoing is not None:
            results[f"∂L/∂{self.source}"], note = np.array(outgoing), ""
        formulas = self._formulas(
            self.entry.backward, [*results, self.entry.incoming, "∂L/∂θ" if self.params else ""]
        )
        given = {self.entry.incoming: incoming} | self._needed(formulas)
        self.backward = self._step("backward", formulas, given, results, note)
        return outgoing

    def _formulas(self, entries: Iterable[Formula], symbols: Iterable[str]) -> tuple[Formula, ...]:
        """Return those formulas that give one of `symbols`, with the names of this place."""
        filled = [formula.fill(self.source, self.output) for formula in entries]
        return tuple(formula for formula in filled if formula.symbol in symbols)

    def _needed(self, formulas: Iterable[Formula]) -> dict[str, Array]:
        """Return the arrays of the forward step that the backward formulas take."""
        assert self.forward is not None
        rights = [formula.text.partition(" = ")[2] for formula in formulas]
        symbols = [symbol.replace("@", self.source) for symbol in self.entry.needs]
        return {
            symbol: self.forward.arrays[symbol]
            for symbol in symbols
            if any(symbol in right for right in rights)
        }

    def _step(
        self,
        direction: str,
        formulas: tuple[Formula, ...],
        given: Mapping[str, Array],
        results: Mapping[str, Array],
        note: str = "",
    ) -> Step:
        arrays = {**given, **results}
        name = self.stage.layer.name
        return Step(direction, name, self.kind, formulas, arrays, tuple(results), note, self.place)


def link_stages(layers: Iterable[Layer]) -> list[Link]:
    """Return the stages of all layers in a row, to be watched."""
    links: list[Link] = []
    for layer in layers:
        stages = layer.stages()
        inside = "z" if is_known(layer) and kind_of(layer) == "dense" else "x"
        for index, stage in enumerate(stages):
            is_last = index == len(stages) - 1
            links.append(
                Link(
                    stage,
                    place=len(links),
                    owner=None if index else layer,
                    entry=_entry_of(stage.layer, layer),
                    source=inside if index else "x",
                    output="y" if is_last or inside == "x" else "z",
                )
            )
    return links


def _entry_of(part: Any, layer: Layer) -> table.LayerEntry:
    """Return the formulas of a stage's part; parameters of a part inside have other names."""
    if not is_known(part) or (part is not layer and part.params):
        return table.OTHER_LAYER
    kind = kind_of(part)
    if kind == "dense" and not part.use_bias:
        return table.LAYERS["dense without bias"]
    if kind == "dropout" and not part.rate:
        return table.LAYERS["dropout of nothing"]
    return table.LAYERS[kind]
