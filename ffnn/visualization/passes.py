"""What single rows make of a network: sums, outputs and slopes of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.rows import number_of_rows
from ffnn.data.batches import Batches, Examples
from ffnn.layers.base import Stage
from ffnn.layers.chain import run_backward, run_forward, tap
from ffnn.models.raw_rows import with_targets_if_any
from ffnn.models.trainable import Trainable


@dataclass(frozen=True, eq=False)
class Passes:
    """The forward pass of some rows through a network, and the backward pass of each one's loss.

    The arrays have a row for each row. `inputs` are what the first `Dense` takes; `sums` are what
    the linear parts return, Wx + b, and `outputs` what becomes of them, before the next `Dense`;
    `slopes` are ∂L/∂z for each sum z, with L the row's own loss, without penalties. Sums, outputs
    and slopes have the units of all `Dense` side by side. Slopes and losses are None without
    targets.
    """

    inputs: Array
    sums: Array
    outputs: Array
    slopes: Array | None
    losses: Array | None


def open_rows(model: Trainable, x: Any, y: Any) -> tuple[Array, Array | None]:
    """Return a few of the rows, evenly spaced, and their targets if there are any.

    Both are as `fit` takes them.
    """
    if y is None:
        x, y, _ = with_targets_if_any(model, x, None, None)
    if y is not None:
        examples = model.open_examples(x, y, measured=False)
        return Batches(examples, 1).sample(number_of_rows(examples.x.shape[1]))
    source = model.open_inputs(x, model.input_dim)
    number = number_of_rows(source.shape[1])
    return Batches(Examples(source, source, None), 1).sample(number)[0], None


def run_rows(model: Trainable, x: Array, y: Array | None) -> Passes:
    """Send rows through a built model, each on its own, as `predict` does.

    The model's gradients and working memory change: give it a copy.
    """
    inputs, sums, slopes, losses = list[Array](), list[Array](), list[Array](), None

    def before(stage: Stage, direction: str, array: Array) -> None:
        if stage.layer.is_dense:
            (inputs if direction == "forward" else slopes).append(np.array(array))

    def after(stage: Stage, direction: str, array: Array) -> None:
        if stage.layer.is_dense:
            sums.append(np.array(array))

    with np.errstate(all="ignore"):  # a number that is not finite is shown
        output = np.array(run_forward(tap(model.stages, before, after), x, training=False))
        if y is not None:
            losses, grad = _losses(model, x, y)
            run_backward(tap(model.step.backward_stages, before), grad)
    return Passes(
        inputs=inputs[0],
        sums=np.hstack(sums),
        outputs=np.hstack([*inputs[1:], output]),
        slopes=None if losses is None else np.hstack(slopes[::-1]),
        losses=losses,
    )


def _losses(model: Trainable, x: Array, y: Array) -> tuple[Array, Array]:
    """Return each row's loss, and the gradient of each with respect to its own output."""
    step = model.step
    output = np.array(run_forward(step.stages, x, training=False))
    each = [step.loss.forward(output[[row]], y[[row]], None) for row in range(len(output))]
    step.loss.forward(output, y, None)
    return np.array(each), step.loss.backward() * len(output)  # which is that of their mean
