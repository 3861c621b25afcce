"""What predicts: copies of the layers, which share parameters and state, for each thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from operator import is_, itemgetter
from typing import Any, TypeAlias

import numpy as np

from ffnn._types import Array
from ffnn.core.registry import argument_names
from ffnn.data.sources import Source
from ffnn.data.windows import in_order
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import all_layers, release, run_forward
from ffnn.models.compiling import Forward, JitCompile, compile_forward, is_ready

# What reads the arguments of a layer, from where, and what it has read.
_Read: TypeAlias = tuple[Callable[[Any], Any], dict[str, Any], Any]


class Replicas:
    """Replicas of layers, one of each for every thread.

    They are made again when an argument of a layer, or its `trainable`, is set, so that what is
    computed follows it. Where compiled loops are `wanted`, these compute them in one call.
    """

    def __init__(self, layers: Sequence[Layer], dtype: np.dtype[Any]) -> None:
        self._layers, self._dtype = layers, dtype
        self._switched: object = None
        self.renew()

    def renew(self) -> None:
        """Let every thread make new replicas, as the layers may have changed."""
        self._threads = threading.local()
        self._arguments: list[_Read] | None = None

    def stages(self) -> list[Stage]:
        """Return the stages of this thread's replicas, which `check` has found up to date."""
        threads = self._threads
        try:
            stages: list[Stage] = threads.stages
        except AttributeError:
            stages = [stage for layer in self._layers for stage in layer.replica().stages()]
            threads.forwards = {}
            threads.stages = stages
        return stages

    def _compiled(self, stages: Sequence[Stage], wanted: JitCompile) -> Forward | None:
        """Return what computes the first of this thread's stages in one call, if they are these."""
        own = self.stages()
        if stages is not own and not all(map(is_, stages, own)):
            return None
        forwards: dict[int, Forward | None] = self._threads.forwards
        if len(stages) not in forwards:
            if not is_ready(wanted, self._dtype):
                return None  # perhaps it is later
            forwards[len(stages)] = compile_forward(stages, self._dtype)
        return forwards[len(stages)]

    def passing(self, stages: Sequence[Stage], wanted: JitCompile) -> Callable[[Array], Array]:
        """Return what sends a batch through stages, outside training, into working memory."""
        forward = self._compiled(stages, wanted)
        by_stages = partial(run_forward, stages, training=False)
        if forward is None:
            return by_stages

        def compute(x: Array) -> Array:
            y = forward.compute(x)
            return by_stages(x) if y is None else y

        return compute

    def predict(self, x: Array, batch_size: int, wanted: JitCompile) -> Array | None:
        """Return the outputs for rows as the layers take them, if quickly done and all is finite.

        A single row is predicted in the time that opening it as data would take.
        """
        stages = self.stages()
        forward = self._compiled(stages, wanted)
        if forward is not None:
            return forward.predict(x, batch_size)
        if len(x) > batch_size or not math.isfinite(np.vdot(x, x)):
            return None
        result = np.array(run_forward(stages, x, training=False))
        release(stages)
        return result

    def compute(
        self, source: Source, stages: Sequence[Stage], batch_size: int, wanted: JitCompile
    ) -> Array:
        """Return as an array of its own what stages put out for all rows of checked inputs."""
        forward = self.passing(stages, wanted)
        if len(source) <= batch_size:
            result = np.array(forward(source.slice(0, len(source))))
        else:
            result = np.empty((len(source), self._layers[-1].output_dim or 0), self._dtype)
            start = 0
            for block in in_order(source, batch_size):
                result[start : start + len(block)] = forward(block)
                start += len(block)
        release(stages)
        return result

    def check(self) -> None:
        """Renew the replicas if an argument was set; ValueError if its layer does not follow it."""
        known = self._arguments
        if known is not None and self._switched is Layer.switched and not self._differ(known):
            return
        for layer in self._layers:
            if layer.is_built:
                layer.check_unchanged()
        self.renew()
        self._switched = Layer.switched
        arguments: list[_Read] = []
        for layer in all_layers(self._layers):
            if names := [name for name in argument_names(type(layer)) if name in vars(layer)]:
                read = itemgetter(*names, names[0])  # twice, as of one name it makes no tuple
                arguments.append((read, vars(layer), read(vars(layer))))
        self._arguments = arguments

    @staticmethod
    def _differ(arguments: list[_Read]) -> bool:
        """Tell whether an argument is another one; this runs at each prediction."""
        try:
            for read, attributes, kept in arguments:
                if read(attributes) != kept:
                    return True
        except (KeyError, ValueError):  # it was deleted, or is another array
            return True
        return False
