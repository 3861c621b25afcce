"""What ``ffnn play`` runs: a thread that trains the network of the settings by `fit`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ffnn.core.text import counted
from ffnn.errors import DataError, TrainingDivergedError
from ffnn.play.director import Director, copy_network
from ffnn.play.networks import losses_for, make_network, targets
from ffnn.play.problems import Problem, make_problem
from ffnn.play.script import Phase, write_script
from ffnn.play.settings import OWN, Settings
from ffnn.play.snapshot import DIVERGED, PAUSED
from ffnn.sequential import Sequential

MOST_EPOCHS = 50_000  # the history of more would fill the memory
_LIVE = {"learning_rate", "batch_size"}  # which leave the network as it is


class _RestartError(Exception):
    """Leaves a training, so that another one begins."""


class Session(Director):
    """A network of the settings, trained in a thread of its own.

    Parameters
    ----------
    begin : Settings
        What to begin with.
    rows : Problem, optional
        Rows that were given.
    given : Sequential, optional
        The network to train copies of, instead of that of the settings.

    Raises
    ------
    ValueError, DataError
        There can be no such network.
    """

    chosen: Settings
    problem: Problem
    trained: Sequential

    def __init__(
        self, begin: Settings, rows: Problem | None = None, given: Sequential | None = None
    ) -> None:
        super().__init__(runs=False)
        self.own, self.fixed = rows, given
        self._is_stopped = False
        self._prepare(begin)
        self._thread = threading.Thread(target=self._work, name="ffnn-play", daemon=True)

    def start(self) -> None:
        """Begin to take commands."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self.send({"do": "stop"})
        self._thread.join()

    # -- commands ------------------------------------------------------------------------------

    def do_settings(self, values: Mapping[str, Any]) -> None:
        """Change settings: most of them make a new network, which goes on as the old one did."""
        before, settings = self.chosen, self.chosen.change(dict(values))
        if settings == before:
            return
        changed = {
            name for name, value in asdict(settings).items() if asdict(before)[name] != value
        }
        if self.fixed is not None and not changed <= _LIVE:
            raise ValueError("settings: this network is fixed, as it was given to play")
        message = ""
        if "data" in changed and not self._takes_loss(settings):
            message = f"{settings.loss} takes no targets of these data: the loss is auto now"
            settings = settings.change({"loss": "auto"})
        if changed <= _LIVE:
            _check_batches(settings, self.trained)
            self._phases.append(self._phase())
            self._begun_at = self._epoch
            self.chosen = settings
            self.trained.step.optimizer.learning_rate = settings.learning_rate
        else:
            self._prepare(settings)
        if self.state == DIVERGED:
            self.state = PAUSED
        self.message = message
        raise _RestartError

    def do_reset(self) -> None:
        """Begin again with the initial weights, and wait."""
        self.state, self.message = PAUSED, ""
        self._prepare(self.chosen)
        raise _RestartError

    def do_rate(self, value: Any) -> None:
        """Set the learning rate, which is one of the settings here."""
        self.do_settings({"learning_rate": value})

    def do_stop(self) -> None:
        """End."""
        self._is_stopped = True
        raise _RestartError

    # -- the thread ----------------------------------------------------------------------------

    def _prepare(self, settings: Settings) -> None:
        """Make rows and network; an error leaves all as it was."""
        problem = make_problem(settings, self.own)
        if self.fixed is None:
            model = make_network(settings, problem)
            model.evaluate(problem.x_train[:2], targets(problem.y_train[:2], model))
            _check_batches(settings, model)
        else:
            model = copy_network(self.fixed)
            if model.jit_compile == "auto":  # as in `make_network`
                model.take_jit_compile(False)
        self.chosen, self.problem, self.trained = settings, problem, model
        self._phases: list[Phase] = []  # that are over
        self._begun_at = 0  # the epoch in which the last one began

    def _takes_loss(self, settings: Settings) -> bool:
        """Tell whether the targets of other data are such as the chosen loss takes."""
        problem = make_problem(settings, self.own)
        return settings.loss in ("auto", *losses_for(problem))

    def _phase(self) -> Phase:
        """Return what was trained since something was set."""
        rate, batch_size = self.chosen.learning_rate, self.chosen.batch_size
        return Phase(rate, batch_size, self._epoch - self._begun_at, self._batch)

    def script(self) -> str:
        """Return network and training as Python code."""
        phases = [*self._phases, self._phase()]
        return write_script(self.chosen, self.problem, self.trained, phases, self.num_edits)

    def _work(self) -> None:
        is_over = False
        while not self._is_stopped:
            try:
                if not is_over:
                    self._train()
                self.attend()
            except _RestartError:
                is_over = False
            except Exception as error:  # of a layer of the user's own, say; the page has to be told
                is_over = True
                self.end(DIVERGED, f"{type(error).__name__}: {error}")

    def _train(self) -> None:
        """Train until another network is wanted or the training is over."""
        model, problem = self.trained, self.problem
        is_same = self.edits is not None and self.edits.model is model
        try:
            model.fit(
                problem.x_train,
                targets(problem.y_train, model),
                batch_size=self.chosen.batch_size,
                epochs=MOST_EPOCHS,
                initial_epoch=self._epoch if is_same else 0,
                validation_data=(problem.x_test, targets(problem.y_test, model)),
                verbose=0,
                callbacks=[self],
            )
        except TrainingDivergedError as error:
            self.end(DIVERGED, str(error))
        except DataError as error:
            self.end(DIVERGED, str(error))

    def on_train_end(self, logs: Any) -> None:
        """Say that it is over."""
        self.end("finished", f"{counted(MOST_EPOCHS, 'epoch')} are done. Reset to begin again.")


def _check_batches(settings: Settings, model: Sequential) -> None:
    """Raise ValueError if a layer learns nothing from batches of so few rows."""
    for layer in model.layers:
        if settings.batch_size < layer.min_batch_rows:
            raise ValueError(
                f"settings: {type(layer).__name__} needs batches of at least "
                f"{layer.min_batch_rows} rows, got batch_size {settings.batch_size}"
            )


def settings_of(model: Sequential, batch_size: int = 32) -> Settings:
    """Return the settings of a network that was given: those that the page can change."""
    rate = 0.01 if model.optimizer is None else float(model.step.optimizer.current_learning_rate)
    return Settings(data=OWN, learning_rate=rate, batch_size=batch_size)
