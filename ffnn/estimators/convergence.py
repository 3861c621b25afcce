"""What scikit-learn does between epochs, as a callback: the record, the rate, when to stop."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ffnn._types import Array
from ffnn.callbacks import Callback, Logs
from ffnn.core.console import show, warn
from ffnn.errors import TrainingDivergedError
from ffnn.estimators.parameters import Estimator


class Standing:
    """What a training keeps besides the estimator's record, which starts anew with it."""

    def __init__(self, estimator: Estimator) -> None:
        self.stale_epochs = 0  # in a row, without improvement
        self.best_weights: list[Array] | None = None
        early = estimator.early_stopping
        estimator.loss_curve_ = []
        estimator.best_loss_ = None if early else np.inf
        estimator.validation_scores_ = [] if early else None
        estimator.best_validation_score_ = -np.inf if early else None


class Convergence(Callback):
    """Keep the record of a training, change its rate, and stop it when it no longer improves."""

    def __init__(self, estimator: Estimator, standing: Standing, num_rows: int) -> None:
        self._estimator, self._standing, self._num_rows = estimator, standing, num_rows
        choice = estimator.restore_best_weights
        self._restores = bool(estimator.early_stopping if choice == "auto" else choice)
        estimator.n_iter_ = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Record the epoch, and decide whether another one follows and at which rate."""
        estimator, standing = self._estimator, self._standing
        is_stale = self._record_loss(logs["loss"], decides="val_score" not in logs)
        if "val_score" in logs:
            score_is_stale = self._record_score(logs["val_score"])
            is_stale = score_is_stale if estimator.early_stopping else is_stale
        standing.stale_epochs = standing.stale_epochs + 1 if is_stale else 0
        if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
            self.model.optimizer.learning_rate = (
                float(estimator.learning_rate_init) / (estimator.t_ + 1) ** estimator.power_t
            )
        if standing.stale_epochs > estimator.n_iter_no_change:
            if self._lower_rate():
                standing.stale_epochs = 0
            else:
                self.model.stop_training = True

    def _record_loss(self, loss: float, decides: bool) -> bool:
        """Return whether the loss failed to improve; keep the best weights if it `decides`."""
        estimator = self._estimator
        estimator.n_iter_ += 1
        estimator.t_ += self._num_rows
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            show(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        best = estimator.best_loss_
        if best is None:  # with early stopping
            return True
        if loss < best:
            estimator.best_loss_ = loss
            if decides:
                self._keep_weights()
        return loss > best - estimator.tol

    def _record_score(self, score: float) -> bool:
        """Return whether the score failed to improve."""
        estimator = self._estimator
        if estimator.verbose:
            show(f"Validation score: {score:f}")
        if estimator.validation_scores_ is None:  # validation data without early stopping
            estimator.validation_scores_ = []
        estimator.validation_scores_.append(score)
        best = estimator.best_validation_score_
        if best is None:
            best = estimator.best_validation_score_ = -np.inf
        if score > best:
            estimator.best_validation_score_ = score
            self._keep_weights()
        return score < best + estimator.tol

    def end_diverged(self, error: TrainingDivergedError) -> bool:
        """End a training that diverged with its best weights; return whether it has such.

        The epoch is recorded as NaN.
        """
        if not self._restores or self._standing.best_weights is None:
            return False
        self._record_loss(np.nan, decides=False)
        if self._estimator.validation_scores_ is not None:
            self._record_score(np.nan)
        warn(f"{error} The network has the weights of its best epoch.", ConvergenceWarning)
        self.model.stop_training = True
        return True

    def _keep_weights(self) -> None:
        if self._restores:
            self._standing.best_weights = self.model.get_weights()

    def _lower_rate(self) -> bool:
        """Divide an adaptive rate by 5 unless it is too small already; return whether it was."""
        estimator, optimizer = self._estimator, self.model.optimizer
        what = "Validation score" if estimator.early_stopping else "Training loss"
        message = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs."
        )
        adaptive = estimator.solver == "sgd" and estimator.learning_rate == "adaptive"
        lowers: bool = adaptive and optimizer.learning_rate > 1e-6
        if lowers:
            optimizer.learning_rate /= 5.0
            message += f" Setting learning rate to {optimizer.learning_rate:f}"
        else:
            message += " Learning rate too small. Stopping." if adaptive else " Stopping."
        if estimator.verbose:
            show(message)
        return lowers

    def finish(self, *, interrupted: bool, incremental: bool) -> None:
        """Warn of a training that ended too early, and return to the best weights if wanted."""
        estimator, best = self._estimator, self._standing.best_weights
        if interrupted:
            warn("Training interrupted by user: what was learned so far is kept.")
        elif not (incremental or self.model.stop_training):
            warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached before "
                f"the loss, or the validation score, stopped improving by tol={estimator.tol:g}. "
                f"Increase max_iter, or scale the columns of X.",
                ConvergenceWarning,
            )
        if self._restores and best is not None:
            self.model.set_weights(best)
