"""One training step, and the loop around it.

A batch flows one way: stages forward → loss and its gradient → stages backward → penalties →
optimizer. Everything here works on objects that it is handed and knows no model class.
"""

from __future__ import annotations

import math
import signal
import threading
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from ffnn.chain import forget_batch, run_backward, run_forward
from ffnn.errors import TrainingDivergedError
from ffnn.position import Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import FrameType

    from ffnn._types import Array
    from ffnn.base import Layer
    from ffnn.callbacks import CallbackList, Logs
    from ffnn.chain import Stage
    from ffnn.losses import Loss
    from ffnn.metrics import Metric
    from ffnn.optimizers import Optimizer
    from ffnn.parameters import ParameterVector
    from ffnn.position import Position
    from ffnn.regularizers import Regularizer


class Penalty(NamedTuple):
    """A regularizer with the arrays that it works on."""

    regularizer: Regularizer
    w: Array
    grad: Array
    scratch: Array

    def value(self) -> float:
        """Return R(w)."""
        return self.regularizer.value(self.w, self.scratch)

    def add_gradient(self) -> None:
        """Add ∂R/∂w to the gradient."""
        self.regularizer.add_gradient(self.w, self.grad, self.scratch)


class TrainStep:
    """One step of training on one batch.

    Parameters
    ----------
    stages : sequence of Stage
        What a batch passes, without the last activation where `loss` takes its place.
    layers : sequence of Layer
        The layers that the stages belong to.
    loss : Loss
        The last layer.
    penalties : sequence of Penalty
        Added to the loss and to the gradients.
    vector : ParameterVector
        All parameters and gradients.
    optimizer : Optimizer
        Updates the parameters.
    metrics : sequence of Metric
        Told of every batch.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        layers: Sequence[Layer],
        loss: Loss,
        penalties: Sequence[Penalty],
        vector: ParameterVector,
        optimizer: Optimizer,
        metrics: Sequence[Metric],
    ) -> None:
        self.stages = stages
        # Nothing before the first layer with parameters needs a gradient.
        first = next((i for i, stage in enumerate(stages) if stage.layer.params), len(stages))
        self.backward_stages = stages[first:][::-1]
        if self.backward_stages:
            self.backward_stages[-1].layer.needs_input_grad = False
        self.layers_with_state = [layer for layer in layers if layer.state]
        # For those who watch: the stages of each layer, and which one the loss ends.
        self._by_layer = [
            (name, list(own)) for name, own in groupby(stages, lambda stage: stage.layer.name)
        ]
        whole = [stage for layer in layers for stage in layer.stages()]
        self._ended_by_loss = whole[-1].layer.name if len(whole) > len(stages) else None
        self.loss = loss
        self.penalties = penalties
        self.vector = vector
        self.optimizer = optimizer
        self.metrics = metrics

    def __call__(
        self, x: Array, y: Array, weight: Array | None, watching: CallbackList | None = None
    ) -> float:
        """Train on one batch and return its loss before the update.

        Parameters
        ----------
        x, y : ndarray
            The batch.
        weight : ndarray or None
            The rows' weights.
        watching : CallbackList, optional
            Told of the forward and the backward pass.

        Raises
        ------
        FloatingPointError
            The loss or the gradient is infinite or NaN; nothing was updated.
        """
        outputs: dict[str, Array] = {}
        loss = self.forward(x, y, weight, None if watching is None else outputs)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss became {loss}")
        for metric in self.metrics:
            metric.update(y, self.loss.output)
        if watching is not None:
            watching.forward_end(outputs)
        self.backward()
        if watching is not None:
            watching.backward_end()
        self.optimizer.step()
        for layer in self.layers_with_state:
            layer.update_state()
        return loss

    def forward(
        self, x: Array, y: Array, weight: Array | None, outputs: dict[str, Array] | None = None
    ) -> float:
        """Return the loss of one batch, penalties included; `outputs` takes what layers put out."""
        if outputs is None:
            output = run_forward(self.stages, x, training=True)
        else:
            output = x
            for name, stages in self._by_layer:
                output = outputs[name] = run_forward(stages, output, training=True)
        loss = self.loss.forward(output, y, weight)
        if outputs is not None and self._ended_by_loss is not None:
            outputs[self._ended_by_loss] = self.loss.output
        for penalty in self.penalties:
            loss += penalty.value()
        return loss

    def backward(self) -> None:
        """Fill all gradients for the batch of the last `forward`."""
        run_backward(self.backward_stages, self.loss.backward())
        self.vector.has_gradients = True
        for penalty in self.penalties:
            penalty.add_gradient()


class EvaluationStep:
    """The loss and the metrics of one batch, with nothing trained.

    Parameters
    ----------
    stages : sequence of Stage
        What a batch passes, without the last activation where `loss` takes its place.
    loss : Loss
        The last layer.
    penalties : sequence of Penalty
        Added to the loss.
    metrics : sequence of Metric
        Told of every batch.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        loss: Loss,
        penalties: Sequence[Penalty],
        metrics: Sequence[Metric],
    ) -> None:
        self.stages = stages
        self.loss = loss
        self.metrics = metrics
        self._penalty = sum(penalty.value() for penalty in penalties)

    def __call__(self, x: Array, y: Array, weight: Array | None) -> float:
        """Return the loss of one batch, penalties included."""
        output = run_forward(self.stages, x, training=False)
        loss = self.loss.forward(output, y, weight)
        for metric in self.metrics:
            metric.update(y, self.loss.output)
        return loss + self._penalty


class Terminated(KeyboardInterrupt):
    """SIGTERM, as `terminate` raises it."""


def terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Raise `Terminated`: a handler of SIGTERM for programs that train and nothing else."""
    raise Terminated


class Interrupt:
    """Ctrl-C held back until the batch is done; a second one ends at once.

    Used as a context manager. It takes over only where Python's own handler is in place, in the
    main thread; elsewhere Ctrl-C stays what it is. SIGTERM is held back too where `terminate`
    handles it.

    Attributes
    ----------
    requested : int
        The number of the signal that came, 0 as long as none did.
    """

    def __init__(self) -> None:
        self.requested = 0
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            known = ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, terminate))
            for number, handler in known:
                if signal.getsignal(number) is handler:
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self._handlers[number](number, frame)
        self.requested = number


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
