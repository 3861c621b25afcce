"""End a trial of a search that does worse than others did."""

from __future__ import annotations

import importlib
from typing import Any

from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import check_text
from ffnn.core.text import shown


class TrialPruning(Callback):
    """Report a number to a trial of Optuna after each epoch, and end the trial if it says so.

    The training ends with ``optuna.TrialPruned``, which the study expects.

    Parameters
    ----------
    trial : optuna.Trial
        The trial, or another object with ``report(value, step)`` and ``should_prune()``. Where its
        package has no ``TrialPruned``, the training stops as if it were done.
    monitor : str, default "val_loss"
        The number to report, a key of `logs`.

    Raises
    ------
    TypeError
        `trial` has no such methods.
    ValueError
        The training has no number of the name `monitor`.

    Examples
    --------
    >>> import ffnn
    >>> def objective(trial):
    ...     model = make_model(units=trial.suggest_int("units", 8, 256, log=True))
    ...     pruning = ffnn.callbacks.TrialPruning(trial)
    ...     history = model.fit(x, y, epochs=30, validation_split=0.2, callbacks=[pruning])
    ...     return min(history.history["val_loss"])
    """

    settings = ("monitor",)

    def __init__(self, trial: Any, monitor: str = "val_loss") -> None:
        for name in ("report", "should_prune"):
            if not callable(getattr(trial, name, None)):
                raise TypeError(
                    f"TrialPruning: expected a trial with report and should_prune, got "
                    f"{shown(trial, 60)}"
                )
        self.trial = trial
        self.monitor = check_text("TrialPruning", "monitor", monitor)

    def on_train_begin(self, logs: Logs) -> None:
        """Check that the training has the number."""
        known = self.params["metrics"]
        if self.monitor not in known:
            raise ValueError(
                f"TrialPruning: there is no {self.monitor!r} in this training; known: "
                f"{', '.join(known)}"
            )

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Report the number; end the training if the trial is not worth more."""
        self.trial.report(float(logs[self.monitor]), epoch)
        if not self.trial.should_prune():
            return
        package = importlib.import_module(type(self.trial).__module__.partition(".")[0])
        pruned = getattr(package, "TrialPruned", None)
        if pruned is not None:
            raise pruned(f"at {self.monitor} {logs[self.monitor]:.6g} in epoch {epoch + 1}")
        self.model.stop_training = True
