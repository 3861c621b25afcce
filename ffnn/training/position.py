"""Where a training stands, so that it can be resumed as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import Callback
from ffnn.callbacks.monitor import Monitor
from ffnn.core.checks import LARGEST
from ffnn.core.text import listed, shorten
from ffnn.data.batches import Batches
from ffnn.data.streams import StreamBatches
from ffnn.errors import ModelFileError, visible
from ffnn.metrics import Metric
from ffnn.training.fingerprint import FOUND_AGAIN, plain

# What `Position.capture` returns, once the arrays are taken out.
POSITION = {
    "epoch": int,
    "stopped": bool,
    "training": (dict, None),  # None in files of earlier versions
    "batches": {
        "rows": int,
        "batch_size": int,
        "next_batch": int,
        "left": (int, None),
        "shuffled_from": (dict, None),
        "stream?": (dict, None),  # of batches that come from one
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
    training: Mapping[str, Any] = field(default_factory=dict)  # its fingerprint
    epoch: int = 0  # that has begun or comes next, counted from 0
    sums: Sums = field(default_factory=Sums)  # of that epoch, as far as it has come
    is_known: bool = False
    has_begun: bool = False  # before that, whatever fails has trained nothing
    weights: Sequence[Array] = ()  # that it arrived at, where the model has left them for others
    is_resumed: bool = False
    _states: Sequence[dict[str, Any]] = ()  # of callbacks, from the file that is resumed

    def capture(self) -> dict[str, Any] | None:
        """Return the position as plain data and arrays, None while it is not known."""
        if not self.is_known:
            return None
        begun = self.sums.batches > 0
        return {
            "epoch": self.epoch,
            "stopped": self.has_stopped(),
            "training": dict(self.training),
            "batches": plain(self.batches.get_state()),
            "sums": dict(vars(self.sums)),
            "metrics": [plain(metric.get_state()) for metric in self.metrics] if begun else [],
            "callbacks": [
                {"kind": type(callback).__name__, "state": plain(callback.get_state())}
                for callback in self.callbacks
            ],
            "weights": list(self.weights),
        }

    def end_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.sums, self.is_known = self.epoch + 1, Sums(), True

    def resume(self, data: Mapping[str, Any], model: Any) -> None:
        """Go to where `data` says; the callbacks follow in `resume_callbacks`.

        `model` is the one that was saved there. ValueError says that it is another training's,
        ModelFileError that there is no such place; nothing is changed then.
        """
        self._check_same_training(data)
        self._check_sums(data)
        with _refusing():
            self.batches.set_state(data["batches"])
            for metric, state in zip(self.metrics, data["metrics"], strict=False):
                self._try_metric(metric.clone(), state, model.output_dim)
            for callback, kept in zip(self.callbacks, data["callbacks"], strict=True):
                callback.check_state(kept["state"], model)
            if data["weights"]:
                model.check_weights(data["weights"], "the weights of the training")
            for metric, state in zip(self.metrics, data["metrics"], strict=False):
                metric.set_state(state)
        self.epoch, self.sums = data["epoch"], Sums(**data["sums"])
        self.training = data["training"] or self.training
        self._states = [kept["state"] for kept in data["callbacks"]]
        self.is_resumed = True

    def _check_same_training(self, data: Mapping[str, Any]) -> None:
        for name in ("rows", "batch_size"):
            _check_same(name, data["batches"][name], self.batches.get_state()[name])
        if isinstance(self.batches, StreamBatches):
            _check_stream(self.batches, data["batches"])
        there = [callback["kind"] for callback in data["callbacks"]]
        here = [type(callback).__name__ for callback in self.callbacks]
        if there != here:
            had, has = (listed(names) or "none" for names in (there, here))
            raise ValueError(f"resume_from: the training had the callbacks {had}; now: {has}")
        if data["training"] is not None:
            for name in sorted((self.training.keys() | data["training"].keys()) - _COMPARED_APART):
                there = data["training"].get(name, _IN_OLDER_FILES.get(name))
                _check_same(name, there, self.training.get(name))

    def _check_sums(self, data: Mapping[str, Any]) -> None:
        sums, left = data["sums"], data["batches"]["left"]
        done = 0 if left is None else len(self.batches) - left
        batch_size = self.batches.batch_size or LARGEST  # which a stream does not say
        if data["epoch"] < 0 or sums["batches"] != done:
            raise ModelFileError(f"{_PLACE}: {sums['batches']} batches of an epoch cannot be done")
        if not done <= sums["rows"] <= done * batch_size:
            raise ModelFileError(f"{_PLACE}: {done} batches cannot have {sums['rows']} rows")
        if not np.isfinite(sums["total"]):
            raise ModelFileError(f"{_PLACE}: the sum of the losses is {sums['total']}")
        expected = len(self.metrics) if done else 0
        if len(data["metrics"]) != expected:
            raise ModelFileError(
                f"{_PLACE}: expected {expected} metrics, got {len(data['metrics'])}"
            )

    def _try_metric(self, metric: Metric, state: Mapping[str, Any], units: int) -> None:
        """Raise an error if a metric cannot go on from a state."""
        metric.set_state(state)
        output = np.full((1, units), 1.0 / units)
        _, y, weight = self.batches.examples
        with np.errstate(all="ignore"):
            metric.value()  # of the batches done, which may be all of the epoch
            metric.measure(y.slice(0, 1), output, None if weight is None else weight.slice(0, 1))
            metric.value()
        own = plain(metric.get_state())
        if {name: type(value) for name, value in own.items()} != {
            name: type(value) for name, value in state.items()
        }:
            raise ValueError(f"expected a state like {own}, got {state}")

    def keep_monitors(self, model: Any) -> None:
        """Let monitors that the last training of `model` had begin with what they know by now."""
        monitors = [each for each in self.callbacks if isinstance(each, Monitor)]
        self.callbacks = [each for each in monitors if getattr(each, "model", None) is model]
        self._states = [each.get_state() for each in self.callbacks]

    def resume_callbacks(self) -> None:
        """Hand the callbacks of a resumed training, which have begun, their states."""
        with _refusing():
            for callback, state in zip(self.callbacks, self._states, strict=False):
                callback.set_state(state)


_PLACE = "/config/model/position"
_IN_OLDER_FILES = {
    "accumulate": 1,
    "micro_batches": 1,
}  # what the training of one that does not say it had
_COMPARED_APART = {"learning_rate", "frozen", *FOUND_AGAIN}  # callbacks change the first two


def _check_stream(batches: StreamBatches, state: Mapping[str, Any]) -> None:
    """Raise ValueError if a stream cannot go on exactly where it was."""
    if not batches.can_be_resumed:
        raise ValueError(
            "resume_from: x is a stream that does not say where it is, so other batches would "
            "come than in that training; give a callable object with the methods state_dict() and "
            "load_state_dict(state), see docs/growth.md"
        )
    if state.get("stream") is None:
        raise ValueError(
            "resume_from: the training had a stream that did not say where it was, so it cannot "
            "be resumed; train anew with one that has state_dict() and load_state_dict(state)"
        )


def _check_same(name: str, there: Any, here: Any) -> None:
    if there != here:
        before, now = (visible(shorten(str(value), 200)) for value in (there, here))
        raise ValueError(
            f"resume_from: the training had {name}={before}, now it is {now}; only epochs, verbose "
            f"and the files that callbacks write may differ"
        )


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn the errors of states made up by a stranger into one that says where they stand."""
    try:
        yield
    except Exception as error:
        raise ModelFileError(f"{_PLACE}: cannot be resumed: {error!r}") from error
