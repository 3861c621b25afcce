"""What scikit-learn does between epochs, as a callback."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ffnn.callbacks import Callback

if TYPE_CHECKING:
    from ffnn.callbacks import Logs


class Monitor(Callback):
    """Keep the record of a training, change its rate, and stop it when it stands still.

    Parameters
    ----------
    estimator : BaseFFNN
        Whose training it is.
    num_rows : int
        The number of rows in an epoch.
    incremental : bool
        Whether the training is one epoch of `partial_fit`.
    """

    def __init__(self, estimator: Any, num_rows: int, incremental: bool) -> None:
        self._estimator = estimator
        self._num_rows = num_rows
        self._incremental = incremental
        estimator.n_iter_ = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Record the epoch, and decide how it goes on."""
        self._record(logs)
        estimator = self._estimator
        if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
            self.model.optimizer.learning_rate = (
                float(estimator.learning_rate_init) / (estimator.t_ + 1) ** estimator.power_t
            )
        if estimator._no_improvement_count > estimator.n_iter_no_change:
            if self._lower_rate():
                estimator._no_improvement_count = 0
            else:
                self.model.stop_training = True

    def _record(self, logs: Logs) -> None:
        estimator = self._estimator
        loss = logs["loss"]
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        estimator.t_ += self._num_rows
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if "val_score" in logs:
            self._record_score(logs["val_score"])
        if not estimator.early_stopping:
            stands = loss > estimator.best_loss_ - estimator.tol
            estimator._no_improvement_count = estimator._no_improvement_count + 1 if stands else 0
            if loss < estimator.best_loss_:
                estimator.best_loss_ = loss
                if estimator.validation_scores_ is None:
                    self._keep_best()

    def _record_score(self, score: float) -> None:
        estimator = self._estimator
        if estimator.validation_scores_ is None:  # validation data without early stopping
            estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        if estimator.early_stopping:
            stands = score < estimator.best_validation_score_ + estimator.tol
            estimator._no_improvement_count = estimator._no_improvement_count + 1 if stands else 0
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            self._keep_best()

    def _keep_best(self) -> None:
        if self._restores:
            self._estimator._best_weights = self.model.get_weights()

    @property
    def _restores(self) -> bool:
        choice = self._estimator.restore_best_weights
        return bool(self._estimator.early_stopping if choice == "auto" else choice)

    def _lower_rate(self) -> bool:
        """Divide an adaptive rate by 5 if it is not too small yet, and tell whether it was."""
        estimator, optimizer = self._estimator, self.model.optimizer
        what = "Validation score" if estimator.early_stopping else "Training loss"
        said = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs."
        )
        adaptive = estimator.solver == "sgd" and estimator.learning_rate == "adaptive"
        lowers: bool = adaptive and optimizer.learning_rate > 1e-6
        if lowers:
            optimizer.learning_rate /= 5.0
            said += f" Setting learning rate to {optimizer.learning_rate:f}"
        else:
            said += " Learning rate too small. Stopping." if adaptive else " Stopping."
        if estimator.verbose:
            print(said)
        return lowers

    def finish(self, interrupted: bool) -> None:
        """Say so if training ended too early, and go back to the best weights if that is wanted."""
        estimator = self._estimator
        if interrupted:
            warnings.warn(
                "Training interrupted by user: what was learned so far is kept.", stacklevel=2
            )
        elif not (self._incremental or self.model.stop_training):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached before "
                f"the loss, or the validation score, stood still within tol={estimator.tol:g}. Let "
                f"max_iter be greater, or scale the columns of X.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if self._restores and estimator._best_weights is not None:
            self.model.set_weights(estimator._best_weights)
