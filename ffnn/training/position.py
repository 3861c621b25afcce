"""Where a training stands, so that it can be resumed as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ffnn.callbacks import Callback
from ffnn.data.batches import Batches
from ffnn.errors import ModelFileError
from ffnn.metrics import Metric

# What `Position.capture` returns, once the arrays of callbacks are taken out.
POSITION = {
    "epoch": int,
    "stopped": bool,
    "batches": {
        "rows": int,
        "batch_size": int,
        "next_batch": int,
        "left": (int, None),
        "shuffled_from": (dict, None),
    },
    "sums": {"total": float, "rows": int, "batches": int},
    "metrics": [dict],
    "callbacks": [{"kind": str, "state": dict}],
}


@dataclass
class Sums:
    """What an epoch has added up so far: Σ loss · rows, and how many rows and batches."""

    total: float = 0.0
    rows: int = 0
    batches: int = 0

    @property
    def loss(self) -> float:
        """The mean over the rows, whatever the batches' sizes."""
        return float(self.total / self.rows)


@dataclass
class Position:
    """Where a training stands: at the end of an epoch, or behind a batch of one.

    While `is_known` is false, model and position are not of one moment.
    """

    batches: Batches
    has_stopped: Callable[[], bool]  # whether a callback has asked for the end
    metrics: Sequence[Metric] = ()
    callbacks: Sequence[Callback] = ()  # the user's
    epoch: int = 0  # that has begun or comes next, counted from 0
    sums: Sums = field(default_factory=Sums)  # of that epoch, as far as it has come
    is_known: bool = False
    _states: Sequence[dict[str, Any]] = ()  # of callbacks, from the file that is resumed

    def capture(self) -> dict[str, Any] | None:
        """Return the position as plain data and arrays, None while it is not known."""
        if not self.is_known:
            return None
        begun = self.sums.batches > 0
        return {
            "epoch": self.epoch,
            "stopped": self.has_stopped(),
            "batches": self.batches.get_state(),
            "sums": dict(vars(self.sums)),
            "metrics": [metric.get_state() for metric in self.metrics] if begun else [],
            "callbacks": [
                {"kind": type(callback).__name__, "state": callback.get_state()}
                for callback in self.callbacks
            ],
        }

    def end_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.sums, self.is_known = self.epoch + 1, Sums(), True

    def resume(self, data: dict[str, Any]) -> None:
        """Go to where `data` says; the callbacks follow in `resume_callbacks`.

        ValueError says that it is another training's, ModelFileError that there is no such place.
        """
        for name in ("rows", "batch_size"):
            there, here = data["batches"][name], self.batches.get_state()[name]
            if there != here:
                raise ValueError(f"resume_from: the training had {name}={there}, now it is {here}")
        there = [callback["kind"] for callback in data["callbacks"]]
        here = [type(callback).__name__ for callback in self.callbacks]
        if there != here:
            raise ValueError(f"resume_from: the training had the callbacks {there}, now {here}")
        if data["metrics"] and len(data["metrics"]) != len(self.metrics):
            raise ValueError("resume_from: the training had other metrics")
        self.epoch, self.sums = data["epoch"], Sums(**data["sums"])
        if self.epoch < 0 or self.sums.batches < 0 or self.sums.rows < self.sums.batches:
            raise ModelFileError(f"{_PLACE}: counts below what is possible")
        with _refusing():
            self.batches.set_state(data["batches"])
            for metric, state in zip(self.metrics, data["metrics"], strict=False):
                metric.set_state(state)
        self._states = [kept["state"] for kept in data["callbacks"]]

    def resume_callbacks(self) -> None:
        """Hand the callbacks of a resumed training, which have begun, their states."""
        with _refusing():
            for callback, state in zip(self.callbacks, self._states, strict=False):
                callback.set_state(state)


_PLACE = "/config/model/position"


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn the errors of states made up by a stranger into one that says where they stand."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{_PLACE}: cannot be resumed: {error!r}") from error
