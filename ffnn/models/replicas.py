"""What predicts: copies of the layers, which share parameters and state, for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from ffnn.core.registry import argument_names
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import all_layers

# What reads the arguments of a layer, from where, and what it has read.
_Read: TypeAlias = tuple[Callable[[Any], Any], dict[str, Any], Any]


class Replicas:
    """Replicas of layers, one of each for every thread.

    They are made again when an argument of a layer, or its `trainable`, is set, so that what is
    computed follows it.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
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
            threads.stages = stages
        return stages

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
