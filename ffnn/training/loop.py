"""The loop around the step: passes over the batches, epochs, callbacks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.errors import TrainingDivergedError
from ffnn.layers.chain import forget_batch
from ffnn.training.position import Sums
from ffnn.training.signals import Interrupt
from ffnn.training.step import TrainStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ffnn._types import Array
    from ffnn.callbacks import CallbackList, Logs
    from ffnn.metrics import Metric
    from ffnn.optimizers import Optimizer
    from ffnn.training.position import Position


def run_pass(
    step: Callable[[Array, Array, Array | None], float],
    batches: Iterable[tuple[Array, Array, Array | None]],
    metrics: Sequence[Metric],
    callbacks: CallbackList | None = None,
    interrupt: Interrupt | None = None,
    sums: Sums | None = None,
) -> Logs:
    """Run `step` on every batch, for training and for evaluation alike.

    Parameters
    ----------
    step : callable
        Takes (x, y, weight) and returns the batch's loss.
    batches : iterable
        The batches.
    metrics : sequence of Metric
        What `step` updates.
    callbacks : CallbackList, optional
        Told of every batch.
    interrupt : Interrupt, optional
        Ends the pass early when it is requested.
    sums : Sums, optional
        Added to, batch by batch; what it holds at the start are batches of the same pass that were
        run earlier.

    Returns
    -------
    dict of str to float
        ``"loss"``, the mean over the rows whatever the batches' sizes, and each metric.
    """
    sums = Sums() if sums is None else sums
    if not sums.batches:
        for metric in metrics:
            metric.reset()
    watched = callbacks if callbacks is not None and callbacks.watches_batches else None
    for x, y, weight in batches:
        if watched is not None:
            watched.batch_begin(sums.batches)
        sums.total += float(step(x, y, weight)) * len(x)
        sums.rows += len(x)
        sums.batches += 1
        if watched is not None:
            watched.batch_end(sums.batches - 1, {"loss": sums.loss})
        if interrupt is not None and interrupt.requested:
            break
    # Plain floats, whatever a custom metric returns: they are printed and saved.
    results = {metric.name: float(metric.result()) for metric in metrics}
    return {"loss": sums.loss, **results}


def train(
    step: TrainStep,
    callbacks: CallbackList,
    validate: Callable[[], Mapping[str, float]] | None,
    position: Position,
    epochs: int,
    resumed: dict[str, Any] | None = None,
) -> bool:
    """Train from where `position` is to the end of the last epoch.

    Parameters
    ----------
    step : TrainStep
        Trains on one batch.
    callbacks : CallbackList
        Called at each begin and end.
    validate : callable or None
        Returns the validation numbers, run after each epoch.
    position : Position
        Has the batches, and follows the training.
    epochs : int
        The epoch to stop before, counted from 0.
    resumed : dict, optional
        Where an earlier training stood, which is gone on with.

    Returns
    -------
    bool
        Whether Ctrl-C ended the training.

    Raises
    ------
    TrainingDivergedError
        The loss or the gradient became infinite or NaN; the parameters are the last finite ones.
    """
    logs: Logs = {}
    run = partial(step, watching=callbacks) if callbacks.watches_steps else step
    # Overflow on the way to a diverging loss is reported by the error, not by warnings.
    with Interrupt() as interrupt, np.errstate(over="ignore", invalid="ignore"):
        try:
            callbacks.train_begin()
            if resumed is not None:
                position.resume(resumed)
            end = position.epoch if position.has_stopped() else epochs
            while position.epoch < end:
                position.is_known = False
                callbacks.epoch_begin(position.epoch)
                try:
                    logs = run_pass(
                        run, position.batches, step.metrics, callbacks, interrupt, position.sums
                    )
                except FloatingPointError as error:
                    place = position.epoch + 1, position.sums.batches + 1
                    raise diverged(error, step.optimizer, *place) from None
                if interrupt.requested:
                    position.is_known = True
                    break
                if validate is not None:
                    logs |= {f"val_{name}": value for name, value in validate().items()}
                callbacks.epoch_end(position.epoch, logs)
                position.end_epoch()
                callbacks.save(position.epoch - 1, logs)
                if interrupt.requested or position.has_stopped():
                    break
            if interrupt.requested:
                callbacks.interrupt(interrupt.requested)
            callbacks.train_end(logs)
        finally:
            callbacks.close()
            forget_batch(step.stages)
    return bool(interrupt.requested)


def diverged(
    error: FloatingPointError, optimizer: Optimizer, epoch: int, batch: int
) -> TrainingDivergedError:
    """Return the error that says where training diverged and what to try."""
    rate = optimizer.current_learning_rate
    return TrainingDivergedError(
        f"training diverged: {error} in epoch {epoch}, batch {batch}, at learning rate {rate:g}. "
        f"The weights are those before this batch. Try a lower learning rate, an optimizer with "
        f"clipnorm 1.0, or scaled inputs.",
        epoch=epoch,
        batch=batch,
        learning_rate=rate,
    )
