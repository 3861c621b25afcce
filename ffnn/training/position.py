"""Where a training stands, so that it can go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ffnn.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ffnn.callbacks import Callback
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
    """What an epoch has added up so far.

    Attributes
    ----------
    total : float
        Σ loss · rows over its batches.
    rows, batches : int
        How many it has seen.
    """

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

    Attributes
    ----------
    batches : Batches
        What is trained on.
    has_stopped : callable
        Whether a callback has asked for the end.
    metrics : sequence of Metric
        What is reported besides.
    callbacks : sequence of Callback
        The user's.
    epoch : int
        The epoch that the training goes on with, counted from 0.
    sums : Sums
        Of that epoch, as far as it has come.
    is_known : bool
        Whether model and position are of one moment; between two batches of an epoch they are not.
    """

    batches: Any
    has_stopped: Callable[[], bool]
    metrics: Sequence[Metric] = ()
    callbacks: Sequence[Callback] = ()
    epoch: int = 0
    sums: Sums = field(default_factory=Sums)
    is_known: bool = False

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
        """Go to the begin of the next epoch."""
        self.epoch, self.sums, self.is_known = self.epoch + 1, Sums(), True

    def check(self, data: dict[str, Any]) -> None:
        """Raise ValueError if a training that stands at `data` is another one than this.

        Raises
        ------
        ModelFileError
            There is no such place.
        """
        sums = Sums(**data["sums"])
        if data["epoch"] < 0 or sums.batches < 0 or sums.rows < sums.batches:
            raise ModelFileError("/config/model/position: counts below what is possible")
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

    def resume(self, data: dict[str, Any]) -> None:
        """Go to where `data` says, once the callbacks have begun.

        Raises
        ------
        ModelFileError
            A metric or a callback does not know its state, or there is no such batch.
        """
        self.epoch, self.sums = data["epoch"], Sums(**data["sums"])
        try:
            self.batches.set_state(data["batches"])
            for metric, state in zip(self.metrics, data["metrics"], strict=False):
                metric.set_state(state)
            for callback, told in zip(self.callbacks, data["callbacks"], strict=True):
                callback.set_state(told["state"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"/config/model/position: cannot be gone on with: {error!r}"
            ) from error
