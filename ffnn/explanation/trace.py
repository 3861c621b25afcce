"""One training step of a model, made by its own parts, each of which is watched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ffnn.explanation.losses import WatchedLoss, WatchedPenalties
from ffnn.explanation.taps import link_stages
from ffnn.explanation.updates import WatchedUpdate, follow
from ffnn.layers.chain import run_backward, run_forward

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.explanation.steps import Step
    from ffnn.models.trainable import Trainable


def walk(model: Trainable, x: Array, y: Array, weight: Array | None) -> tuple[list[Step], float]:
    """Train a model on one batch; return each step, and the loss before the update.

    Parameters
    ----------
    model : Trainable
        Built and compiled. Its parameters, gradients and optimizer change.
    x, y : ndarray
        The batch, as training gets it.
    weight : ndarray or None
        The rows' weights.

    Returns
    -------
    steps : list of Step
        In the order of computation.
    loss : float
        Penalties included.
    """
    training, links = model.step, link_stages(model.layers)
    assert model.loss is not None
    run = links[: len(training.stages)]
    back = run[len(run) - len(training.backward_stages) :][::-1]
    loss = WatchedLoss(training.loss, model.loss, links[-1])
    penalties = WatchedPenalties(training.penalties, model.layers)
    update = WatchedUpdate(
        training.optimizer, training.vector, model.layers, "J" if len(penalties) else "L"
    )
    with np.errstate(all="ignore"):  # a number that is not finite is shown
        output = run_forward([link.watched() for link in run], x, training=True)
        at_loss, total = [loss.forward(output, y, weight)], loss.value
        if len(penalties):
            more, total = penalties.forward(total)
            at_loss += more
        slope, grad = loss.backward()
        run_backward([link.watched() for link in back], grad)
        places = {link.owner: link.place for link in links if link.owner is not None}
        after = penalties.backward(places)
        problem = None if math.isfinite(total) else f"the loss became {total}"
        updates = update.run(problem)
        if update.is_made:
            moved = [follow(layer) for layer in training.layers_with_state]
            updates += [step for step in moved if step is not None]
    forward = [link.forward for link in links if link.forward is not None]
    backward = [link.backward for link in back if link.backward is not None]
    return [*forward, *at_loss, slope, *backward, *after, *updates], total
