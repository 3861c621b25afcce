"""What computes parts of a batch: layers that share the parameters, with all else of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import aligned_empty
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import all_layers, release
from ffnn.training.step import TrainStep
from ffnn.training.tree import add_up, blocks

LOSS, FAILED, INTERRUPTED, STATES = 0, 1, 2, 3  # places in `Total.rest`


class Part(NamedTuple):
    """The rows of one part of a batch, and what share of the batch's rows they are."""

    x: Array
    y: Array
    weight: Array | None
    share: float
    output: Array | None  # where the predictions for the rows that count are put, if anyone asks


class Total(NamedTuple):
    """What parts of a batch add up to, each multiplied by its share of the rows."""

    gradients: Array  # as all parameters, in one vector
    rest: Array  # float64: `LOSS`, `FAILED`, `INTERRUPTED`, then by how much layer states change


Totals: TypeAlias = dict[tuple[int, int], Total]  # by start and size in the tree


class Worker:
    """A replica of a step's layers that computes parts of its batches, in a thread of its own.

    Parameters
    ----------
    step : TrainStep
        Whose layers, loss and parameters are taken. The optimizer's update is not the worker's.
    """

    def __init__(self, step: TrainStep) -> None:
        vector = step.vector.replica()
        layers = [layer.replica() for layer in step.layers]
        places = zip(vector.views(vector.values), vector.views(vector.gradients), strict=True)
        for layer, origin, arrays in zip(layers, step.layers, places, strict=True):
            assert origin.input_dim is not None
            layer.bind(origin.input_dim, origin.dtype, *arrays)
            if origin.state:
                layer.load_state(origin.state)
        self.generators = _own_generators(layers, step.layers)
        all_stages: list[Stage] = [stage for layer in layers for stage in layer.stages()]
        stages, loss = all_stages[: len(step.stages)], step.loss.clone()
        self.step = TrainStep(
            step.compile_stages(stages),
            layers,
            loss,
            (),
            vector,
            step.optimizer,
            (),
            chain=step.make_chain(stages, loss),
        )
        self.problem = ""  # of the last batch: what a layer cannot follow
        changing = [
            (own, origin)
            for own, origin in zip(layers, step.layers, strict=True)
            if own in self.step.layers_with_state and changes_state(own)
        ]
        self._layers = [own for own, _ in changing]
        self._states = [
            (own.state[name], origin.state[name])
            for own, origin in changing
            for name in origin.state
        ]
        self._unused: list[Total] = []
        self._made: list[Total] = []

    def compute(self, parts: Mapping[int, Part], number: int, keys: Sequence[Array]) -> Totals:
        """Return the sums of the tree that these parts make up, by start and size.

        Parameters
        ----------
        parts : mapping of int to Part
            Parts that follow one another, by their numbers.
        number : int
            How many parts the batch has.
        keys : sequence of ndarray of shape (2,)
            What the random numbers of this batch follow from, for each generator of the layers.
        """
        self.problem, self._unused = "", list(self._made)
        first, last = min(parts, default=0), max(parts, default=-1) + 1

        def find(start: int, size: int) -> Total | None:
            return self._compute_part(start, parts[start], keys) if size == 1 else None

        with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
            return {
                (start, size): add_up(start, size, number, find, self.add)
                for start, size in blocks(first, last)
            }

    def add(self, left: Total, right: Total) -> Total:
        """Return the sum of two totals, in place of the left one."""
        np.add(left.gradients, right.gradients, out=left.gradients)
        np.add(left.rest, right.rest, out=left.rest)
        self._unused.append(right)
        return left

    def _compute_part(self, number: int, part: Part, keys: Sequence[Array]) -> Total:
        step, total = self.step, self._take_total()
        for own, shared in self._states:
            own[...] = shared
        for rng, key in zip(self.generators, keys, strict=True):
            rng.bit_generator.state = philox_state(key, number)
        loss = step.forward(part.x, part.y, part.weight, for_update=True)
        assert step.target is not None
        if part.output is not None and len(step.target):
            part.output[...] = step.loss.output
        total.rest.fill(0.0)
        total.rest[LOSS] = part.share * loss
        step.backward()
        np.multiply(step.vector.gradients, part.share, out=total.gradients)
        if math.isfinite(loss) and len(step.target):
            self._follow_states(part.share, total.rest)
        return total

    def _follow_states(self, share: float, rest: Array) -> None:
        """Note by how much the states change that follow each batch."""
        try:
            self.step.check_layers()
        except FloatingPointError as error:
            self.problem, rest[FAILED] = str(error), 1.0
            return
        for layer in self._layers:
            layer.update_state()
        start = STATES
        for own, shared in self._states:
            change = rest[start : start + own.size]
            np.subtract(own.reshape(-1), shared.reshape(-1), out=change, dtype=np.float64)
            change *= share
            start += own.size

    def _take_total(self) -> Total:
        """Return a total to be overwritten that is in no other sum of this batch."""
        if not self._unused:
            gradients, size = self.step.vector.gradients, sum(own.size for own, _ in self._states)
            own = aligned_empty(gradients.size, gradients.dtype)
            self._made.append(Total(own, aligned_empty(STATES + size, np.float64)))
            return self._made[-1]
        return self._unused.pop()

    def change_states(self, rest: Array) -> None:
        """Change the states that the replica shares with the model, as `rest` of a total says."""
        start = STATES
        for _, shared in self._states:
            change = rest[start : start + shared.size].reshape(shared.shape)
            np.add(shared, change, out=shared, casting="same_kind")
            start += shared.size

    def release(self) -> None:
        """Release the last batch, which may be the caller's own memory."""
        self.step.target = None
        release(self.step.stages)
        self.step.loss.release()


def changes_state(layer: Layer) -> bool:
    """Tell whether training changes a state of the layer."""
    return type(layer).update_state is not Layer.update_state


def _own_generators(
    replicas: Sequence[Layer], layers: Sequence[Layer]
) -> list[np.random.Generator]:
    """Give replicas generators of their own, which `philox_state` sets, and return them."""
    for layer in all_layers(replicas):
        for name, value in vars(layer).items():
            if isinstance(value, np.random.Generator):
                vars(layer)[name] = np.random.Generator(np.random.Philox(0))
    own = [rng for layer in replicas for rng in layer.random_generators()]
    for layer, origin in zip(replicas, layers, strict=True):
        if shared := {*map(id, layer.random_generators())} & {*map(id, origin.random_generators())}:
            raise ValueError(
                f"fit: micro_batches needs layers that keep a random generator as an attribute, "
                f"but {origin.title} keeps {len(shared)} elsewhere"
            )
    return own


def philox_state(key: Array, part: int) -> dict[str, object]:
    """Return the state of NumPy's Philox from which a part of a batch draws.

    Its counter begins at part · 2¹⁹², so that no two parts draw the same numbers.
    """
    return {
        "bit_generator": "Philox",
        "state": {"counter": np.array([0, 0, 0, part], np.uint64), "key": key},
        "buffer": np.zeros(4, np.uint64),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
