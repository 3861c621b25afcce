"""The base of callbacks that watch one number."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import check_choice, check_number, check_text
from ffnn.saving.schema import check_form


class Monitor(Callback, abc.ABC):
    """The base of callbacks that watch one number.

    Parameters
    ----------
    monitor : str
        A key of `logs`, such as ``"val_loss"``.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto" takes lower for the loss, and
        asks the metric; a metric of your own has to say it by its `higher_is_better`.
    min_delta : float
        The smallest change that counts as an improvement, at least 0.
    """

    settings: ClassVar[tuple[str, ...]] = ("monitor", "mode", "min_delta")
    # What a resumed training needs beside `best`: attributes, and what each may be (`check_form`).
    kept: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        name = type(self).__name__
        self.monitor = check_text(name, "monitor", monitor)
        self.mode = check_choice(name, "mode", mode, ("auto", "min", "max"))
        self.min_delta = check_number(name, "min_delta", min_delta, low=0.0)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch.

        Raises
        ------
        ValueError
            The training has no number of this name, or "auto" cannot tell whether higher is better.
        """
        known = self.params["metrics"]
        if self.monitor not in known:
            hint, name = "", self.monitor.removeprefix("val_")
            if name in (each.name for each in self.model.all_metrics if each.is_table):
                hint = f" {name!r} is a table, which only evaluate returns."
            elif self.monitor != name:
                hint = " Give fit validation_data or validation_split."
            raise ValueError(
                f"{type(self).__name__}: there is no {self.monitor!r} in this training; "
                f"known: {', '.join(known)}.{hint}"
            )
        higher = self.mode == "max"
        if self.mode == "auto":
            higher = self.params["higher_is_better"][self.monitor]
        if higher is None:
            raise ValueError(
                f"{type(self).__name__}: cannot tell whether a lower or a higher {self.monitor!r} "
                f"is better, as its metric does not say: give mode='min' or mode='max', or the "
                f"metric's class the attribute higher_is_better"
            )
        self._sign = -1.0 if higher else 1.0
        self.best = math.inf * self._sign

    @abc.abstractmethod
    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Act on whether the epoch `_improves` on the best so far."""

    def get_state(self) -> dict[str, Any]:
        """Return the best number so far, None standing for none, and all that is `kept`."""
        best = self.best if math.isfinite(self.best) else None
        return {"best": best} | {name: getattr(self, name) for name in self.kept}

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise ValueError if these are not a best number and all that is `kept`."""
        form = {"best": (float, int, None), **self.kept}
        check_form({name: state[name] for name in form}, form, type(self).__name__)
        if state["best"] is not None:
            check_number(type(self).__name__, "best", state["best"])
        for name in self.kept:
            if not -1 <= (state[name] or 0) < 1 << 63:
                raise ValueError(f"{type(self).__name__}: {name} cannot be {state[name]}")

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number so far, and all that is `kept`."""
        if state["best"] is not None:
            self.best = float(state["best"])
        for name in self.kept:
            setattr(self, name, state[name])

    def _improves(self, logs: Logs) -> bool:
        """Tell whether the epoch is better than the best so far, and remember it if so."""
        value = float(logs[self.monitor])
        better = self._sign * value < self._sign * self.best - self.min_delta
        if better:
            self.best = value
        return better
