"""Training by epochs of mini-batches, by "adam", "sgd" and the library's optimizers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from sklearn.model_selection import train_test_split

from ffnn._types import Array
from ffnn.callbacks import CallbackList, History, Logs
from ffnn.core.console import warn
from ffnn.data.batches import Batches, open_weights
from ffnn.errors import TrainingDivergedError
from ffnn.estimators.conventions import WeightedStep, normalize
from ffnn.estimators.convergence import Convergence
from ffnn.estimators.parameters import Estimator
from ffnn.estimators.samples import Samples
from ffnn.losses import Loss
from ffnn.metrics import Metric, check_names
from ffnn.models.network import EVALUATION_BATCH_SIZE
from ffnn.models.trainable import Trainable
from ffnn.training.loop import run_pass
from ffnn.training.position import Position
from ffnn.training.reporters import reporters
from ffnn.training.settings import Settings
from ffnn.training.step import EvaluationStep

# Takes outputs, targets and the rows' weights, of all rows.
ScoreFunction: TypeAlias = Callable[[Array, Array, Array | None], float]

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def choose_batch_size(batch_size: int | str, rows: int) -> int:
    """Return the mini-batch size, at most `rows`."""
    if isinstance(batch_size, str):  # "auto"
        return min(200, rows)
    if batch_size > rows:
        warn(f"batch_size={batch_size} is more than the {rows} rows there are: they make one batch")
    return min(int(batch_size), rows)


def shuffle_with(random_state: np.random.RandomState) -> Callable[[Array], Array]:
    """Return a function that shuffles an order of rows from where it is, as scikit-learn does."""

    def shuffle(order: Array) -> Array:
        random_state.shuffle(order)
        return order

    return shuffle


def hold_out(
    samples: Samples, share: float, strata: Array | None, random_state: np.random.RandomState
) -> tuple[Samples, Samples]:
    """Return the samples to train on and those to validate on: the same ones as scikit-learn."""
    rows = len(samples.target)
    kept, held = train_test_split(
        np.arange(rows), random_state=random_state, test_size=share, stratify=strata
    )
    if len(held) < 2:
        raise ValueError(
            f"The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset: early_stopping with validation_fraction={share} of {rows} rows holds out "
            f"{len(held)}, and needs 2 at least."
        )
    return samples.take(kept), samples.take(held)


@dataclass(eq=False, repr=False)
class Score(Metric):
    """What an estimator's `score` returns: outputs are collected, and scored together."""

    score: ScoreFunction
    target: Array
    weight: Array | None
    name = "score"
    higher_is_better = True

    def reset(self) -> None:
        """Forget all batches."""
        self._outputs: list[Array] = []

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Keep the outputs of one batch; batches come in the order of the rows."""
        self._outputs.append(output.copy())

    def result(self) -> float:
        """Return the score of all rows."""
        return self.score(np.concatenate(self._outputs), self.target, self.weight)


def make_validation(
    model: Trainable, loss: Loss, samples: Samples, score: ScoreFunction
) -> Callable[[], Logs]:
    """Return a function that computes the numbers of samples to validate on.

    They are ``"loss"``, without penalty, the model's metrics, and ``"score"``, whose name no metric
    may have then.
    """
    given, share = open_weights(samples.weight, len(samples.target), model.dtype), None
    if given is not None:
        cast = given.data.astype(model.dtype, copy=False)
        share, _ = normalize(cast[cast != 0.0])
        if len(share) < len(cast):  # see `leave_out_absent`, for the score too
            samples = samples.take(np.flatnonzero(cast))
    stages = model.replicas()[: len(model.step.stages)]
    examples, stages = samples._replace(weight=share, class_weight=None).open(model.dtype, stages)
    metrics = [metric.clone() for metric in model.epoch_metrics]
    metrics.append(Score(score, samples.target, samples.weight))
    check_names(metrics)
    step = EvaluationStep(model.passing(stages), loss, [], metrics)
    return partial(run_pass, step, Batches(examples, EVALUATION_BATCH_SIZE))


def _history_to_extend(model: Trainable, names: list[str]) -> History:
    """Return the history of the training so far, a new one if that reported other numbers."""
    history = model.history
    return history if history is not None and list(history.history) == names else History()


def train_by_epochs(
    estimator: Estimator,
    loss: Loss,
    samples: Samples,
    random_state: np.random.RandomState,
    validate: Callable[[], Logs] | None,
    convergence: Convergence,
    incremental: bool,
) -> bool:
    """Train an estimator's compiled network, and return whether Ctrl-C ended the training.

    That is for one epoch if `incremental`. The epochs are counted from the first training of the
    network on, and callbacks that watch a number continue from there as well.
    """
    model = estimator.model_
    examples, stages = samples.open(model.dtype, model.step.stages)
    batch_size = choose_batch_size(estimator.batch_size, len(samples.target))
    first = len(estimator.loss_curve_)
    end = first + (1 if incremental else int(estimator.max_iter))
    settings = Settings(batch_size, first, end, None)
    batches = settings.cut(examples, shuffle_with(random_state) if estimator.shuffle else None)
    directions = model.directions(validated=validate is not None)
    directions |= {} if validate is None else {"val_score": True}
    params = settings.describe(directions, len(batches), estimator.verbose, first > 0, incremental)
    history = _history_to_extend(model, list(directions)) if first else History()
    model.history, model.stop_training = history, False
    shown = reporters(1 if estimator.progress_bar else 0)
    users = estimator.callbacks or ()
    position = Position(batches, lambda: model.stop_training, callbacks=users, epoch=first)
    if first:
        position.keep_monitors(model)
    called = CallbackList([history, convergence], users, shown, model=model, params=params)
    step = WeightedStep(estimator, stages, loss)
    try:
        history.interrupted = model.run(step, called, validate, position, settings.epochs)
    except KeyboardInterrupt:
        history.interrupted = True
    except TrainingDivergedError as error:
        if not convergence.end_diverged(error):
            raise ValueError(
                f"{NON_FINITE} They were not kept: {error} Also scale the columns of X, for "
                f"example with StandardScaler, or lower learning_rate_init."
            ) from error
    return history.interrupted
