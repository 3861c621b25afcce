"""One training step of a model, run by its own parts while each is watched."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.explanation.losses import add_penalties, pair_penalties, pass_loss
from ffnn.explanation.steps import Step
from ffnn.explanation.taps import link_stages
from ffnn.explanation.updates import update
from ffnn.layers.base import Stage
from ffnn.layers.chain import run_backward, run_forward, tap
from ffnn.models.trainable import Trainable


def trace(model: Trainable, x: Array, y: Array, weight: Array | None) -> tuple[list[Step], float]:
    """Train a built model on one batch; return its steps and the loss before the update.

    The model's parameters, gradients and optimizer change.
    """
    training, links = model.step, link_stages(model.layers)
    assert model.loss is not None
    link_of = {link.stage: link for link in links}

    def before(stage: Stage, direction: str, array: Array) -> None:
        link_of[stage].before(direction, array)

    def after(stage: Stage, direction: str, array: Array) -> None:
        link_of[stage].after(direction, array)

    with np.errstate(all="ignore"):  # a number that is not finite is shown
        training.aim(for_update=False)
        training.tell_updates()
        output = run_forward(tap(training.stages, before, after), x, training=True)
        loss, slope, grad = pass_loss(training.loss, model.loss, links[-1], output, y, weight)
        penalized = pair_penalties(training.penalties, model.layers)
        at_loss = [loss, *add_penalties(penalized, float(loss.arrays["L"]))]
        total = float(at_loss[-1].arrays[at_loss[-1].results[-1]])
        run_backward(tap(training.backward_stages, before, after), grad)
        backward = [link_of[stage].backward_step() for stage in training.backward_stages]
        places = {link.owner: link.place for link in links if link.owner is not None}
        backward += [each.slope_step(places[each.layer]) for each in penalized]
        problem = None if math.isfinite(total) else f"the loss became {total}"
        updates = update(training, model.layers, "J" if penalized else "L", problem)
    forward = [link.forward for link in links if link.forward is not None]
    return [*forward, *at_loss, slope, *backward, *updates], total
