"""How an estimator's network is trained by epochs of batches: the solvers "adam" and "sgd"."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from ffnn.callbacks import CallbackList, History
from ffnn.errors import TrainingDivergedError
from ffnn.estimators.convergence import Monitor
from ffnn.estimators.epochs import EpochBatches, open_targets
from ffnn.estimators.evaluating import HeldOut, Validation
from ffnn.estimators.sklearn_losses import BatchPenalty, CutLogLoss, ScaledLoss
from ffnn.estimators.sparse import open_matrix
from ffnn.layers import Dense
from ffnn.losses import Loss, SigmoidCrossentropy, SoftmaxCrossentropy
from ffnn.optimizers import SGD, Adam, Optimizer
from ffnn.training.loop import train
from ffnn.training.position import Position
from ffnn.training.reporters import reporters
from ffnn.training.step import TrainStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array
    from ffnn.layers.base import Stage
    from ffnn.sequential import Sequential


def make_optimizer(params: Any) -> Optimizer:
    """Return the optimizer that an estimator's parameters describe."""
    if params.solver == "adam":
        return Adam(
            params.learning_rate_init,
            params.beta_1,
            params.beta_2,
            params.epsilon,
            clipnorm=params.clipnorm,
        )
    return SGD(
        params.learning_rate_init,
        params.momentum,
        nesterov=bool(params.nesterovs_momentum and params.momentum),
        clipnorm=params.clipnorm,
    )


def make_penalty(model: Sequential, alpha: float, l1: float) -> BatchPenalty | None:
    """Return the penalty on the weights of the fully connected layers, if there is any."""
    if not (alpha or l1):
        return None
    vector = model.require_built()
    scratch = vector.views(vector.scratch)
    dense = [(i, layer) for i, layer in enumerate(model.layers) if isinstance(layer, Dense)]
    return BatchPenalty(
        [layer.params["weight"] for _, layer in dense],
        [layer.grads["weight"] for _, layer in dense],
        [scratch[i]["weight"] for i, _ in dense],
        alpha,
        l1,
    )


def make_loss(estimator: Any) -> ScaledLoss:
    """Return a new loss with scikit-learn's factors, for what the paired stages put out."""
    rule = estimator._make_loss()
    paired = estimator.model_.step.loss.clone()
    cut = isinstance(paired, (SoftmaxCrossentropy, SigmoidCrossentropy))
    kind = CutLogLoss if cut and not isinstance(rule.loss, Loss) else ScaledLoss
    return kind(paired, rule.value_factor, rule.gradient_factor)


def make_step(
    model: Sequential, stages: Sequence[Stage], loss: ScaledLoss, penalty: BatchPenalty | None
) -> TrainStep:
    """Return the library's training step, with scikit-learn's loss and penalty."""
    assert model.optimizer is not None
    penalties: list[Any] = [] if penalty is None else [penalty]
    vector = model.require_built()
    return TrainStep(stages, model.layers, loss, penalties, vector, model.optimizer, [])


def choose_batch_size(batch_size: int | str, rows: int) -> int:
    """Return the number of rows in a batch, at most `rows`."""
    if isinstance(batch_size, str):
        return min(200, rows)
    if batch_size > rows:
        warnings.warn(
            f"batch_size={batch_size} is more than the {rows} rows there are: they make one batch",
            stacklevel=2,
        )
    return min(int(batch_size), rows)


def split_rows(
    estimator: Any, X: Any, target: Array, weight: Array | None
) -> tuple[Any, Array, Array | None, HeldOut]:
    """Hold back rows for early stopping: the same ones that scikit-learn holds back."""
    kept, held = train_test_split(
        np.arange(X.shape[0]),
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=estimator._strata(target),
    )
    if len(held) < 2:
        raise ValueError(
            f"early_stopping: validation_fraction={estimator.validation_fraction} of "
            f"{X.shape[0]} rows leaves a validation set of {len(held)}, which is too small; let it "
            f"be greater, or fit on more rows"
        )
    X = X.tocsr() if hasattr(X, "tocsr") else X
    first, second = (None, None) if weight is None else (weight[kept], weight[held])
    return X[kept], target[kept], first, HeldOut(X[held], target[held], second)


def fit_stochastic(
    estimator: Any,
    X: Any,
    target: Array,
    weight: Array | None,
    held_out: HeldOut | None,
    incremental: bool,
) -> None:
    """Train by SGD or Adam: one epoch if `incremental`, else until the loss stands still."""
    if estimator.early_stopping and incremental:
        raise ValueError(
            "partial_fit does not support early_stopping=True: it has no rows to hold back"
        )
    model: Sequential = estimator.model_
    if not (incremental and estimator._compiled):
        model.compile(make_optimizer(estimator), estimator._make_loss().loss)
        estimator._compiled = True
    if not hasattr(estimator, "loss_curve_"):  # the weights come from lbfgs
        estimator._begin_record()
    if estimator.early_stopping and held_out is None:
        X, target, weight, held_out = split_rows(estimator, X, target, weight)
    batches, step = open_training(estimator, X, target, weight)
    validate = None if held_out is None else Validation(estimator, held_out, make_loss(estimator))
    epochs = 1 if incremental else int(estimator.max_iter)
    monitor = Monitor(estimator, X.shape[0], incremental)
    callbacks = gather_callbacks(estimator, monitor, epochs, len(batches), validate is not None)
    model.stop_training = False
    try:
        position = Position(batches, lambda: model.stop_training)
        interrupted = train(step, callbacks, validate, position, epochs)
    except KeyboardInterrupt:
        interrupted = True
    except TrainingDivergedError as error:
        raise ValueError(
            f"{error} Going on would have given non-finite parameter weights. Also scale the "
            f"columns of X, for example with StandardScaler, or lower learning_rate_init."
        ) from error
    finally:
        model.renew_replicas()
    monitor.finish(interrupted)


def open_training(
    estimator: Any, X: Any, target: Array, weight: Array | None
) -> tuple[EpochBatches, TrainStep]:
    """Return the batches of an epoch, and the step that trains on one."""
    model: Sequential = estimator.model_
    x, stages = open_matrix(X, model.dtype, model.step.stages)
    penalty = make_penalty(model, estimator.alpha, estimator.l1)
    weight = None if weight is None else weight.astype(model.dtype, copy=False)
    batches = EpochBatches(
        x,
        open_targets(target, model.dtype),
        weight,
        choose_batch_size(estimator.batch_size, len(x)),
        estimator._random_state if estimator.shuffle else None,
        penalty,
    )
    return batches, make_step(model, stages, make_loss(estimator), penalty)


def gather_callbacks(
    estimator: Any, monitor: Monitor, epochs: int, steps: int, validates: bool
) -> CallbackList:
    """Return all that is called at each begin and end: our own, the user's, the progress bar."""
    model: Sequential = estimator.model_
    params = {
        "epochs": epochs,
        "initial_epoch": 0,
        "steps": steps,
        "verbose": estimator.verbose,
        "metrics": ["loss", *(["val_loss", "val_score"] if validates else [])],
    }
    model.history = history = History()
    shown = reporters(1 if estimator.progress_bar else 0)
    return CallbackList([history, monitor], estimator.callbacks, shown, model=model, params=params)
