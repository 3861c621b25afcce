"""`Positioned`: a network that knows where its last training stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import CallbackList, History
from ffnn.core.descriptions import describe
from ffnn.data.batches import Batches, Examples
from ffnn.data.streams import StreamBatches
from ffnn.models.batchwise import Batchwise
from ffnn.models.resume import take_over, unless_refused
from ffnn.schedules import Schedule
from ffnn.training.fingerprint import fingerprint
from ffnn.training.position import Position
from ffnn.training.settings import Settings


class Positioned(Batchwise):
    """A network that can say where its training is resumed, as long as nothing else changes it.

    Arrays that are written into past the network are not noticed.
    """

    _position: Position | dict[str, Any] | None = None
    _standing: tuple[Any, ...] = ()
    stop_training: bool = False
    history: History | Any = None  # None before fit; Any spares readers a check

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

    def _train(
        self,
        settings: Settings,
        batches: Batches,
        held_out: Examples | StreamBatches | None,
        called: CallbackList,
        rate: float | Schedule,
        saved: Any,
    ) -> History:
        """Check the rest and train; whatever is refused before the training begins changes nothing.

        Returns the history that the callbacks have kept.
        """
        users, history = called.users, called.callbacks[0]
        assert isinstance(history, History)
        parts = settings.accumulate, settings.micro_batches
        training = fingerprint(batches, held_out, rate, users, self.layers, *parts)
        metrics = self.epoch_metrics
        position = Position(batches, lambda: self.stop_training, metrics, users, training)
        position.epoch = settings.initial_epoch
        if saved is not None:
            position.resume(saved.position or {}, saved)
        called = settings.called_here(called)
        position.callbacks = called.users
        validate = None
        if held_out is not None and settings.is_speaker:
            validate = partial(self._validate, held_out)
        with unless_refused(self, position):
            self.build(batches.examples.x.shape[1])
            if isinstance(held_out, StreamBatches):
                _ = held_out.examples  # its first batch, which is checked before any is trained on
            self._begin(rate, saved)
            self.history, self._position = history, position
            try:
                step = settings.step_of(self.step, position)
                with settings.threads():
                    settings.agree(self, training)
                    interrupted = self.run(step, called, validate, position, settings.epochs)
                history.interrupted = interrupted
            finally:
                self.hold_position(self.position)  # plain data, which does not hold the rows
        return history

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

        Examples
        --------
        >>> weights = model.get_weights()
        >>> loss = model.train_on_batch(x, y)
        >>> model.set_weights(weights)  # as before the update
        """
        super().set_weights(weights)
        if not isinstance(self._position, Position):  # else a callback does it, each time alike
            self.forget_position()
