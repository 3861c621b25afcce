"""The loop around the step: epochs, passes over the batches, callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import CallbackList, Logs
from ffnn.core.console import warn
from ffnn.core.text import counted
from ffnn.data.batches import Batches
from ffnn.data.windows import BLOCK
from ffnn.errors import TrainingDivergedError
from ffnn.layers.base import Layer
from ffnn.optimizers import Optimizer
from ffnn.training.position import Position, Sums
from ffnn.training.signals import Interrupt
from ffnn.training.step import EvaluationStep, TrainStep


def train(
    step: TrainStep,
    callbacks: CallbackList,
    validate: Callable[[], Mapping[str, float]] | None,
    position: Position,
    epochs: int,
) -> bool:
    """Train from `position`, which has the batches, until the epoch `epochs`.

    Returns whether Ctrl-C ended the training. `validate` is called after each epoch and returns the
    validation numbers.
    """
    logs: Logs = {}
    warn_of_small_batches(step.layers, position.batches.largest // step.parts)
    warn_of_slow_reads(position.batches)
    step.optimizer.forget_sizes()
    if callbacks.watches_steps:
        step = step.watched_by(callbacks)
    # Overflow on the way to a diverging loss is reported by the error, not by warnings.
    with Interrupt() as own, np.errstate(over="ignore", invalid="ignore"):
        interrupt = step.follow(own)
        try:
            callbacks.train_begin(lambda: bool(interrupt.requested))
            position.resume_callbacks()
            position.has_begun = position.is_known = True
            end = position.epoch if position.has_stopped() else epochs
            while position.epoch < end:
                logs = run_epoch(step, callbacks, validate, position, interrupt)
                if interrupt.requested or position.has_stopped():
                    break
            told = interrupt.requested
            if told:
                callbacks.call("on_interrupt", told)
            callbacks.call("on_train_end", logs)
            if interrupt.requested and not told:  # it came at the end
                callbacks.call("on_interrupt", interrupt.requested)
        finally:
            callbacks.close()
            step.release()
            position.batches.close()
    return bool(interrupt.requested)


def check_trained(layers: Sequence[Layer]) -> None:
    """Raise ValueError if there are parameters, but none that is trained."""
    if any(layer.frozen for layer in layers) and all(
        len(layer.frozen) == len(layer.params) for layer in layers
    ):
        raise ValueError(
            "there is nothing to train: all layers with parameters are frozen; set trainable = "
            "True on one of them, such as model.layers[-1]"
        )


def warn_of_small_batches(layers: Sequence[Layer], rows: int) -> None:
    """Warn of layers that learn nothing from batches of so few rows."""
    for layer in layers:
        if rows < layer.min_batch_rows:
            warn(
                f"{layer.title} needs batches of at least {layer.min_batch_rows} rows, and those "
                f"of this training have {counted(rows, 'row')}: its output is then the "
                f"same for all rows, and nothing is learned about the inputs. Train with a larger "
                f"batch_size, such as 32, or use LayerNorm, which looks at each row by itself"
            )


def warn_of_slow_reads(batches: Batches) -> None:
    """Warn of rows on disk that a full shuffle reads one by one."""
    if batches.is_slow:
        warn(
            f"the rows are on disk, and shuffle=True reads each of the {len(batches.examples.x):,} "
            f"rows by itself, in random order, in every epoch: from a cold disk that takes many "
            f"times as long as training. shuffle='blocks' reads {BLOCK} rows together, at the "
            f"speed of the disk"
        )


def run_epoch(
    step: TrainStep,
    callbacks: CallbackList,
    validate: Callable[[], Mapping[str, float]] | None,
    position: Position,
    interrupt: Interrupt,
) -> Logs:
    """Train for one epoch, or for what is left of it, and return its losses and metrics.

    If interrupted, `position` stays behind the last batch, and the epoch does not end.
    """
    position.is_known = False
    callbacks.call("on_epoch_begin", position.epoch, {})
    if callbacks.users:
        step.optimizer.forget_sizes()
    try:
        logs = run_pass(step, position.batches, callbacks, interrupt, position.sums)
    except FloatingPointError as error:
        place = position.epoch + 1, position.sums.batches + 1
        raise diverged(error, step.optimizer, *place) from None
    if interrupt.requested and position.batches.is_within_epoch:
        position.is_known = True
        return logs
    if validate is not None:
        callbacks.call("on_validation_begin", position.epoch)
        logs |= {f"val_{name}": value for name, value in validate().items()}
    callbacks.epoch_end(position.epoch, logs, saving=False)
    position.end_epoch()
    callbacks.epoch_end(position.epoch - 1, logs, saving=True)
    return logs


def run_pass(
    step: TrainStep | EvaluationStep,
    batches: Iterable[tuple[Array, Array, Array | None]],
    callbacks: CallbackList | None = None,
    interrupt: Interrupt | None = None,
    sums: Sums | None = None,
) -> Logs:
    """Run `step` on every batch, in training and in evaluation, until it is interrupted.

    Returns ``"loss"``, the mean over the rows whatever the batches' sizes, and each metric. What
    `sums` holds at the start are batches of the same pass that were run earlier.
    """
    sums = Sums() if sums is None else sums
    if not sums.batches:
        for metric in step.metrics:
            metric.reset()
    watched = callbacks if callbacks is not None and callbacks.watches_batches else None
    ahead = step.ahead if isinstance(step, TrainStep) else None
    if watched is not None and watched.watches_every_batch:
        ahead = None
    for x, y, weight in batches:
        if watched is not None:
            assert isinstance(step, TrainStep)
            watched.call("on_train_batch_begin", sums.batches, {})
            if watched.users_watch_batches:
                step.optimizer.forget_sizes()
        sums.total += float(step(x, y, weight)) * len(y)
        sums.rows += len(y)
        sums.batches += 1
        if ahead is not None and not (interrupt is not None and interrupt.requested):
            assert isinstance(step, TrainStep)
            ahead.run(step, batches, sums)
        if watched is not None:
            watched.call("on_train_batch_end", sums.batches - 1, {"loss": sums.loss})
        if interrupt is not None and interrupt.requested:
            assert isinstance(step, TrainStep)
            if step.is_between_updates:
                break
    return {"loss": sums.loss} | {metric.name: metric.value() for metric in step.metrics}


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
