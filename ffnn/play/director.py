"""The callback between a training and a page: it takes commands and publishes snapshots."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar, TypeVar

from ffnn._types import Array
from ffnn.callbacks import Callback, Logs
from ffnn.core.checks import check_choice, check_number
from ffnn.play.edits import Edits, norm_of
from ffnn.play.problems import Problem
from ffnn.play.snapshot import DIVERGED, FINISHED, PAUSED, RUNNING, Curves, Snapshot
from ffnn.sequential import Sequential

Command = Mapping[str, Any]  # "do" → its name, and its arguments
Result = TypeVar("Result")
_LISTEN_SECONDS = 0.2  # of waiting, after which a signal may end it
_SLOW = 10.0  # updates a second, for one of which nobody wants to wait to see anything
_MOST_BEHIND = 0.1  # seconds that a training which was slower than its pace may catch up


class Director(Callback):
    """Obeys the commands of pages between two batches, and publishes what they ask to see.

    All of it happens in the thread that trains. Others call `send` and read `latest`.

    Parameters
    ----------
    runs : bool
        Whether the training begins at once, or waits for a command.
    """

    refused: ClassVar[tuple[str, ...]] = ()  # commands

    def __init__(self, runs: bool) -> None:
        self.state = RUNNING if runs else PAUSED
        self.message = ""
        self.problem: Problem | None = None  # the rows that it learns, if known
        self.latest: Snapshot | None = None
        self.edits: Edits | None = None
        self.published: Callable[[], None] = lambda: None  # called after each snapshot
        self._commands: queue.SimpleQueue[Command | Callable[[], None]] = queue.SimpleQueue()
        self._is_looked_at = False  # since the last snapshot
        self._pace, self._due = math.inf, 0.0  # updates a second, and when the next one may begin
        self._until = ""  # "batch" or "epoch", after which it pauses
        self._number = 0
        self.interrupted: Callable[[], bool] = lambda: False
        self._ratios: dict[str, float] = {}
        self._before: Array | None = None

    # -- from other threads --------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Have a command obeyed after the batch."""
        self._commands.put(command)

    def ask(self, question: Callable[[], Result]) -> Future[Result]:
        """Have a function called after the batch, and return its result to come."""
        answer: Future[Result] = Future()

        def call() -> None:
            try:
                answer.set_result(question())
            except Exception as error:
                answer.set_exception(error)

        self._commands.put(call)
        return answer

    def look(self) -> None:
        """Ask for a snapshot."""
        if not self._is_looked_at:
            self._is_looked_at = True
            self.send({"do": "look"})

    def follow_interrupt(self, interrupted: Callable[[], bool]) -> None:
        """Know when Ctrl-C is to end a pause."""
        self.interrupted = interrupted

    # -- hooks ---------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs) -> None:
        """Begin with a network as it is."""
        if self.edits is None or self.edits.model is not self.model:
            self.network = copy_network(self.model)
            self.edits, self.curves = Edits(self.model), Curves()
            self._ratios, self._updates = {}, 0
        self._before, self._wants = None, False
        self._iterations = self.model.step.optimizer.iterations
        self._epoch, self._batch = self.params["initial_epoch"], 0
        self._measured = (time.monotonic(), self._updates, 0.0)
        self.publish()
        self.attend()

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Remember the parameters, if the update is to be measured."""
        if self._wants and self._before is None:
            self._before = self.model.parameters.copy()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Publish what was asked for, and obey."""
        made = self.model.step.optimizer.iterations - self._iterations
        self._iterations += made
        self._updates += made  # none, where the update of several batches is still to come
        self._batch = batch + 1
        if self._edits.off:
            self._edits.hold()
        if self._before is not None and made:
            self._ratios = self._measure_update(self._before)
            self._before, self._wants = None, False
            if self._until != "batch":
                self.publish()
        if self._until == "batch":
            self._pause()
        self.attend()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Keep what the epoch reported."""
        self._epoch, self._batch = epoch + 1, 0
        self.curves.add(self._epoch, logs)
        if self._until == "epoch":
            self._pause()
        self.attend()

    def on_train_end(self, logs: Logs) -> None:
        """Say that it is over."""
        self.end(FINISHED, "The training is over.")

    # -- commands ------------------------------------------------------------------------------

    def attend(self) -> None:
        """Obey what is asked, and wait while the training pauses or is ahead of its pace."""
        if self.state == RUNNING and self._pace < math.inf:
            now = time.monotonic()
            self._due = max(self._due + 1.0 / self._pace, now - _MOST_BEHIND)
        while True:
            wait = 0.0
            if self.state != RUNNING:
                wait = math.inf
            elif self._pace < math.inf:
                wait = self._due - time.monotonic()
            if wait <= 0.0 and self._commands.empty():
                return
            try:
                command = self._commands.get(timeout=min(max(wait, 0.0), _LISTEN_SECONDS))
            except queue.Empty:
                if self.interrupted():
                    return
                continue
            self.obey(command)
            if self.state == RUNNING and self._until == "batch":
                return  # whatever else is asked comes after the update

    def obey(self, command: Command | Callable[[], None]) -> None:
        """Do what a command says, or note why not."""
        if callable(command):
            command()
            return
        known = {
            name.removeprefix("do_"): getattr(self, name)
            for name in dir(type(self))
            if name.startswith("do_") and name.removeprefix("do_") not in self.refused
        }
        name = str(command.get("do"))
        try:
            known[check_choice("play", "do", name, known)](
                **{key: value for key, value in command.items() if key != "do"}
            )
        except (TypeError, ValueError, RuntimeError) as error:
            self.message = str(error)
            self.publish()

    def do_look(self) -> None:
        """Publish a snapshot: now if nothing moves, else after the next update."""
        self._wants = self.state == RUNNING
        if not self._wants or self._pace < _SLOW:
            self.publish()

    def do_run(self) -> None:
        """Train until told otherwise."""
        self._go("")

    def do_pause(self) -> None:
        """Wait."""
        if self.state == RUNNING:
            self._pause()

    def do_batch(self) -> None:
        """Make one update."""
        self._go("batch")

    def do_epoch(self) -> None:
        """Train to the end of the epoch."""
        self._go("epoch")

    def do_speed(self, value: Any) -> None:
        """Make at most so many updates a second; None for as many as it can."""
        self._pace = (
            math.inf if value is None else check_number("speed", "value", value, low=0.1, high=1e6)
        )
        self._due = time.monotonic()

    def do_rate(self, value: Any) -> None:
        """Set the learning rate."""
        self.model.optimizer.learning_rate = check_number(
            "rate", "value", value, low=0.0, high=100.0, low_open=True
        )
        self.publish()

    def do_edit(self, layer: Any, name: Any, place: Any, value: Any, begins: Any = True) -> None:
        """Set an entry of a weight or bias, see `Edits.set`."""
        self._edits.set(layer, name, place, value, begins)
        self.publish()

    def do_undo(self) -> None:
        """Take the last edit back."""
        self._edits.undo()
        self.publish()

    def do_switch(self, column: Any, unit: Any, off: Any) -> None:
        """Switch a neuron off or on."""
        self._edits.switch(column, unit, off)
        self.publish()

    def do_freeze(self, layer: Any, frozen: Any) -> None:
        """Let a layer keep its numbers, or learn again."""
        self._edits.freeze(layer, frozen)
        self.publish()

    @property
    def _edits(self) -> Edits:
        assert self.edits is not None  # as soon as a training has begun
        return self.edits

    @property
    def num_edits(self) -> int:
        """How much was changed by hand, whether undone or not."""
        return self._edits.made

    # -- publishing ----------------------------------------------------------------------------

    def publish(self) -> None:
        """Let pages see the network as it is now."""
        self._is_looked_at = False
        self._number += 1
        model: Sequential = self.model
        self.latest = Snapshot(
            network=self.network,
            problem=self.problem,
            number=self._number,
            state=self.state,
            message=self.message,
            values=model.parameters.copy(),
            gradients=model.gradients.copy() if model.has_gradients else None,
            layer_states=[array.copy() for layer in model.layers for array in layer.state.values()],
            updates=self._updates,
            epoch=self._epoch,
            updates_per_second=self._speed(),
            learning_rate=float(model.step.optimizer.current_learning_rate),
            ratios=self._ratios,
            curves=list(self.curves.points),
            off=frozenset(self._edits.off),
            frozen=self._edits.frozen,
            edits=len(self._edits),
        )
        self.published()

    def end(self, state: str, message: str) -> None:
        """Say that no more updates are made."""
        assert state in (DIVERGED, FINISHED)
        self.state, self.message = state, message
        self.publish()

    def _go(self, until: str) -> None:
        if self.state in (RUNNING, PAUSED):
            self.state, self._until, self.message = RUNNING, until, ""
            self._wants = until == "batch"
            now = time.monotonic()
            self._due, self._measured = now, (now, self._updates, 0.0)
            self.publish()

    def _pause(self) -> None:
        self.state, self._until = PAUSED, ""
        self.publish()

    def _measure_update(self, before: Array) -> dict[str, float]:
        """Return |Δw| / |w| of each layer for the update since `before`."""
        found, start = {}, 0
        for layer in self.model.layers:
            size = sum(array.size for array in layer.params.values())
            if size:
                part = slice(start, start + size)
                change = self.model.parameters[part] - before[part]
                found[layer.name] = norm_of(change) / norm_of(before[part])
            start += size
        return found

    def _speed(self) -> float:
        """Return the updates a second, measured over half a second or more."""
        since, updates, speed = self._measured
        now = time.monotonic()
        if self.state != RUNNING:
            return 0.0
        if now - since >= 0.5:
            speed = (self._updates - updates) / (now - since)
            self._measured = (now, self._updates, speed)
        return speed


def copy_network(model: Sequential) -> Sequential:
    """Return a copy to compute with in another thread."""
    return Sequential.restore(*model.capture(), model.parts().custom_objects())
