"""`Positioned`: a network that knows where its last training stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.descriptions import describe
from ffnn.models.batchwise import Batchwise
from ffnn.models.resume import take_over
from ffnn.schedules import Schedule
from ffnn.training.position import Position


class Positioned(Batchwise):
    """A network that can say where its training is resumed, as long as nothing else changes it.

    Arrays that are written into past the network are not noticed.
    """

    _position: Position | dict[str, Any] | None = None
    _standing: tuple[Any, ...] = ()
    stop_training: bool = False

    @cached_property
    def shuffling(self) -> np.random.Generator:
        """The generator that draws the order of the rows."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy))

    def random_generators(self) -> list[np.random.Generator]:
        """Return all generators that a training draws from: that of the rows, then the layers'."""
        return [self.shuffling, *super().random_generators()]

    @property
    def position(self) -> dict[str, Any] | None:
        """Where the last training stands (`ffnn.training.position`); None if not known.

        It is not known either once the network has been compiled again, has made other updates, or
        has another learning rate, other frozen layers or other random numbers before it.
        """
        place = self._position
        if isinstance(place, Position):
            return place.capture()
        return place if place is not None and self._standing == self._stand() else None

    def hold_position(self, place: dict[str, Any] | None) -> None:
        """Note where a training, which is not running, stands."""
        self._position = place
        self._standing = () if place is None else self._stand()

    def _stand(self) -> tuple[Any, ...]:
        """Return what other work than that training changes: here, by the next save, it shows."""
        optimizer = self.optimizer
        updates = None if optimizer is None else optimizer.iterations
        rate = None if optimizer is None else describe(optimizer.learning_rate)
        frozen = [tuple(layer.frozen) for layer in self.layers]
        return vars(self).get("step"), updates, rate, self.generator_states, frozen

    def _check_rate(self, learning_rate: float | Schedule | None) -> float | Schedule:
        """Return the learning rate to train with; ValueError or TypeError if it cannot be one."""
        self.require_compiled()
        assert self.optimizer is not None
        if learning_rate is None:
            return self.optimizer.learning_rate
        trial = self.optimizer.clone()
        trial.learning_rate = learning_rate
        return trial.learning_rate

    def _begin(self, rate: float | Schedule, saved: Any) -> None:
        """Go to where the training begins, which may be where a saved one stood."""
        self.step.optimizer.learning_rate, self.stop_training = rate, False
        if saved is not None and saved.position is not None:
            take_over(self, saved)
            self.stop_training = saved.position["stopped"]
            if saved.position["weights"]:
                self.set_weights(saved.position["weights"])

    def leave_position(self, weights: Sequence[Array]) -> None:
        """Set `weights`, and keep those that the training arrived at for when it is resumed."""
        place = self._position
        if isinstance(place, Position) and not place.weights:
            place.weights = self.get_weights()
        self.set_weights(weights)

    def forget_position(self) -> None:
        """Note that the parameters are no longer those that the last training arrived at."""
        self.hold_position(None)

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Write values from `get_weights` into the parameters and layer states.

        Outside a training, the last one can then no longer be resumed from a file of this model.

        Raises
        ------
        ValueError
            The number of arrays or a shape differs, or an array does not consist of finite
            numbers or cannot be a state. Nothing is written then.
        """
        super().set_weights(weights)
        if not isinstance(self._position, Position):  # else a callback does it, each time alike
            self.forget_position()
