"""A budget of time for some networks, one after another."""

from __future__ import annotations

import statistics
import time

import numpy as np

from ffnn.core.text import counted
from ffnn.models.trainable import Trainable
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.start import start_from_rows
from ffnn.tabular.training import Rows, prepare

_PROBES, _PROBED_SHARE = 20, 0.05  # updates to measure, at most, and the share of the time for them


class Budget:
    """So many seconds for some networks, from when it is made.

    Parameters
    ----------
    seconds : float
        For all of them.
    networks : int
        How many there will be.
    """

    def __init__(self, seconds: float, networks: int) -> None:
        self.seconds, self.networks = seconds, networks
        self.end = time.perf_counter() + seconds

    def next_end(self) -> float:
        """Return when the next network has to be ready, by `time.perf_counter`."""
        now = time.perf_counter()
        return now + (self.end - now) / self.networks

    def fit(self, recipe: Recipe, trial: Trainable, rows: Rows, held_out: Rows) -> Recipe:
        """Return a recipe of as many epochs as there is time for, by the speed of a trial.

        Raises
        ------
        ValueError
            The time is too short for one epoch of each network.
        """
        began = time.perf_counter()
        epoch = measure(recipe, trial, rows, held_out, self.seconds * _PROBED_SHARE)
        left = self.next_end() - time.perf_counter()
        if left < epoch:
            spent = self.seconds - (self.end - began)
            least = 1.2 * (spent + epoch * self.networks)
            raise ValueError(
                f"time_budget={self.seconds:g} seconds is too short for one epoch of "
                f"{counted(self.networks, 'network')}: give at least {least:.2g}"
            )
        self.networks -= 1
        return recipe.lasting(min(recipe.epochs, int(left / epoch)))


def measure(recipe: Recipe, trial: Trainable, rows: Rows, held_out: Rows, most: float) -> float:
    """Return how many seconds an epoch takes, by some updates of a network for trial."""
    prepare(trial, recipe, rows)
    size, began = recipe.batch_size, time.perf_counter()
    start_from_rows(trial, rows.x, np.random.default_rng(0))
    trial.evaluate(*held_out)
    validation = time.perf_counter() - began
    trial.train_on_batch(rows.x[:size], rows.y[:size])  # which allocates
    updates = list[float]()
    while len(updates) < _PROBES and sum(updates) < most:
        began = time.perf_counter()
        trial.train_on_batch(rows.x[:size], rows.y[:size])
        updates.append(time.perf_counter() - began)
    return validation + recipe.batches * statistics.median(updates)
