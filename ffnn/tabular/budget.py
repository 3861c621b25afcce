"""A budget of time for some networks, one after another."""

from __future__ import annotations

from dataclasses import replace

from ffnn.callbacks import Callback, Logs
from ffnn.core import clock
from ffnn.core.text import counted
from ffnn.models.trainable import Trainable
from ffnn.tabular.pace import Pace, measure
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import Rows

_MEASURED = 0.02  # of the time
_PLANNED = 0.95  # of the time; the rest is for what takes longer than it did when it was measured
_TRAINED = 0.97  # of the time, when training ends at the latest; what follows takes some time, too
_COMPILED = 30.0  # seconds for a network, of which compiled loops save more than they take
_LEAST = 1.2  # times what is needed, where the time is too short


class Budget:
    """So many seconds for some networks, one after another, and for testing them.

    How long the first one may train follows from a measurement. Each of the others gets its share
    of the time that is left, by the speed of the one before it.

    Parameters
    ----------
    seconds : float
        For all of them.
    networks : int
        How many there will be.
    name : str, default "time_budget"
        What the user calls the time.
    began : float, optional
        When the time began to run, by `ffnn.core.clock`; else now.
    tested : int, default 0
        How many rows will be predicted at the end.
    closing : float, default 0.0
        How many seconds are needed at the end besides.
    """

    def __init__(
        self,
        seconds: float,
        networks: int,
        name: str = "time_budget",
        began: float | None = None,
        tested: int = 0,
        closing: float = 0.0,
    ) -> None:
        self.seconds, self.networks, self.name = seconds, networks, name
        self.tested, self.closing = tested, closing
        self.began = clock.now() if began is None else began
        self.pace: Pace | None = None  # not known yet

    def plan(self, recipe: Recipe, trial: Trainable, rows: Rows, held_out: Rows) -> Recipe:
        """Return a recipe of as many updates as the next network has time for.

        Raises
        ------
        ValueError
            The time is too short for one epoch of each network.
        """
        recipe = replace(recipe, jit_compile=self._compiles())
        if self.pace is None:
            self.pace = measure(recipe, trial, rows, held_out, self.seconds * _MEASURED)
            self._check(self.networks * self.pace.epoch(recipe))
        return self.pace.fill(recipe, self._left(_PLANNED) / self.networks)

    def _compiles(self) -> bool:
        """Return whether there is time to load compiled loops, or to compile them, if one can.

        The measured pace then is that of the training.
        """
        if self.seconds / self.networks < _COMPILED:
            return False
        from ffnn.kernels.compiler import find_problem  # which loads numba

        return not find_problem()

    def _check(self, needed: float) -> None:
        """Raise ValueError if there is less time left than is needed."""
        if self._left() < needed:
            least = _LEAST * (clock.now() - self.began + needed + self._end)
            raise ValueError(
                f"{self.name}: {self.seconds:g} seconds are too short for one epoch of "
                f"{counted(self.networks, 'network')}: give at least {least:.2g}"
            )

    def _left(self, share: float = _TRAINED) -> float:
        """Return the seconds until a share of the time is over, without those for the end."""
        return self.began + share * self.seconds - self._end - clock.now()

    @property
    def _end(self) -> float:
        """The seconds that the test takes, and what else there is to do."""
        assert self.pace is not None
        return self.tested * self.pace.a_row + self.closing

    def next_end(self) -> float:
        """Return when the next network has to be ready, by `ffnn.core.clock`."""
        return clock.now() + self._left() / self.networks

    def note(self, seconds: float, epochs: int, batches: int) -> None:
        """Take down that the next network is ready, and how long its epochs took."""
        assert self.pace is not None
        self.networks -= 1
        update = (seconds / epochs - self.pace.validation) / batches
        if update > 0.0:
            self.pace = replace(self.pace, update=update)


class Deadline(Callback):
    """End a training with the epoch whose end is closest to that of its time.

    Parameters
    ----------
    budget : Budget
        By which the training was planned.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def on_train_begin(self, logs: Logs) -> None:
        """Note when the training begins, and when it has to end."""
        self.began, self.until, self.epochs = clock.now(), self.budget.next_end(), 0

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Note when the epoch begins."""
        self.epoch_began = clock.now()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """End the training if half of another such epoch would be too long."""
        self.epochs, now = self.epochs + 1, clock.now()
        if now + 0.5 * (now - self.epoch_began) > self.until:
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        """Tell the budget how long it took."""
        if self.epochs:
            self.budget.note(clock.now() - self.began, self.epochs, self.params["steps"])
