"""One step: a batch forward, its loss, back, and the update."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ffnn.layers.chain import run_backward, run_forward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array
    from ffnn.callbacks import CallbackList
    from ffnn.core.memory import ParameterVector
    from ffnn.layers.base import Layer, Stage
    from ffnn.losses import Loss
    from ffnn.metrics import Metric
    from ffnn.optimizers import Optimizer
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
