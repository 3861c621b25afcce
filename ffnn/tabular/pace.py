"""How long a network for a table takes to train, as measured, and what fits into a time."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from ffnn.callbacks import Callback, Logs
from ffnn.core import clock
from ffnn.models.trainable import Trainable
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import Rows, train

_STEPS, _MOST_EPOCHS = 8, 50  # updates of an epoch that is measured, and how many such epochs


@dataclass(frozen=True)
class Pace:
    """How long the parts of an epoch take.

    Attributes
    ----------
    update : float
        Seconds of an update.
    validation : float
        Seconds from the last update of an epoch to its end.
    a_row : float
        Of these, seconds for each row that is validated on.
    """

    update: float
    validation: float
    a_row: float

    def epoch(self, recipe: Recipe) -> float:
        """Return the seconds of an epoch."""
        return recipe.batches * self.update + self.validation

    def fill(self, recipe: Recipe, seconds: float) -> Recipe:
        """Return a recipe of as many updates as there is time for, but no more than `recipe` has.

        Epochs are whole passes over the rows, or a little shorter if that uses more of the time.
        """
        epoch = self.epoch(recipe)
        epochs = min(int(seconds / epoch), recipe.epochs)
        if epochs == recipe.epochs:
            return recipe.lasting(epochs, seconds=epochs * epoch)
        steps = int((seconds / (epochs + 1) - self.validation) / self.update)
        if epochs and epochs * recipe.batches >= (epochs + 1) * steps:
            return recipe.lasting(epochs, seconds=epochs * epoch)
        shorter = recipe.lasting(epochs + 1, max(steps, 1))
        planned = shorter.epochs * self.epoch(shorter)
        return recipe.lasting(shorter.epochs, shorter.steps_per_epoch, planned)


class Stopwatch(Callback):
    """Measure updates and validations, of two epochs or more, and then end the training.

    Parameters
    ----------
    seconds : float
        About how long to measure.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.updates, self.validations = list[float](), list[float]()

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Start the clock."""
        self.last = clock.now()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Note how long an update took."""
        self._note(self.updates)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Note how long the validation took."""
        self._note(self.validations)
        if epoch and sum(self.updates) + sum(self.validations) > self.seconds:
            self.model.stop_training = True

    def _note(self, times: list[float]) -> None:
        now = clock.now()
        times.append(now - self.last)
        self.last = now


def measure(recipe: Recipe, trial: Trainable, rows: Rows, held_out: Rows, seconds: float) -> Pace:
    """Return the pace of a network, measured for about so many seconds by training it.

    The first epoch, in which memory is allocated, does not count.
    """
    steps = min(recipe.batches, _STEPS)
    watch = Stopwatch(seconds)
    short = recipe.lasting(_MOST_EPOCHS, steps)
    train(trial, short, rows, held_out, np.random.default_rng(0), [watch])
    validation = statistics.median(watch.validations[1:])
    return Pace(statistics.median(watch.updates[steps:]), validation, validation / len(held_out.y))
