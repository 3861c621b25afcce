"""Training one network for a table: as the recipe says, or for as long as there is time."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import Callback, EarlyStopping, Logs
from ffnn.layers import Rescaling
from ffnn.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from ffnn.models.trainable import Trainable
from ffnn.tabular.network import make_optimizer
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.start import start_from_rows


class Rows(NamedTuple):
    """Encoded rows, and their class numbers or numbers."""

    x: Array  # (rows, features)
    y: Array  # (rows,)


class LastBest(EarlyStopping):
    """Restore the best weights; of epochs that are equally good, those of the last one.

    On few validation rows accuracies are often equal, and a network that was trained longer has
    seen more.
    """

    ties_improve = True


class Deadline(Callback):
    """End the training before an epoch that would pass a point in time."""

    def __init__(self, until: float) -> None:
        self.until = until  # by time.perf_counter

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Note when the epoch begins."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """End the training if another such epoch would not."""
        now = time.perf_counter()
        if now + (now - self.began) > self.until:
            self.model.stop_training = True


def prepare(model: Trainable, recipe: Recipe, rows: Rows) -> None:
    """Compile and build a network of the layers that `make_layers` made for `recipe`."""
    loss: Loss = MeanSquaredError()
    if not recipe.is_regression:
        loss = SparseCategoricalCrossentropy(recipe.label_smoothing)
    metrics = [] if recipe.is_regression else ["accuracy"]
    features = rows.x.shape[1]
    model.compile(make_optimizer(recipe, model.parameter_names(features)), loss, metrics)
    model.build(features)


def train(
    model: Trainable,
    recipe: Recipe,
    rows: Rows,
    held_out: Rows,
    rng: np.random.Generator,
    until: float | None = None,
) -> None:
    """Train a new network on rows, and restore the last of the epochs that were best on others.

    Parameters
    ----------
    model : Trainable
        A network of the layers that `make_layers` made for `recipe`.
    recipe : Recipe
        How long and how fast it is trained.
    rows, held_out : Rows
        To train on, and to find the best epoch with.
    rng : Generator
        Draws where the weights begin.
    until : float, optional
        When to be ready at the latest, by `time.perf_counter`.
    """
    prepare(model, recipe, rows)
    start_from_rows(model, rows.x, rng)
    watched = "val_loss" if recipe.is_regression else "val_accuracy"
    best = LastBest(watched, patience=recipe.epochs)
    model.fit(
        *rows,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        verbose=0,
        callbacks=[best] if until is None else [best, Deadline(until)],
        validation_data=(*held_out, _loss_unit(model, held_out)),
        sample_weight=_loss_unit(model, rows),
    )


def _loss_unit(model: Trainable, rows: Rows) -> Array | None:
    """Return weights that measure the loss of numbers in units of their own scale."""
    scales = [layer.scale for layer in model.layers if isinstance(layer, Rescaling)]
    return np.full(len(rows.y), scales[0] ** -2) if scales else None
