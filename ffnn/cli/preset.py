"""``ffnn train --preset table``: the network for tables that needs no tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.cli.exit_codes import usage_errors
from ffnn.data.batches import rows_kept
from ffnn.losses import CategoricalCrossentropy, Loss, MeanSquaredError
from ffnn.sequential import Sequential
from ffnn.tables import TableEncoder
from ffnn.tabular.budget import Budget
from ffnn.tabular.network import make_layers, make_optimizer
from ffnn.tabular.recipe import LARGEST_ONE_HOT, VALIDATION_SHARE, Recipe
from ffnn.tabular.start import start_from_rows
from ffnn.tabular.training import Rows, make_callbacks

if TYPE_CHECKING:
    import argparse

    from ffnn.callbacks import Callback
    from ffnn.cli.classes import TrainingData


def make_encoder(args: argparse.Namespace) -> TableEncoder:
    """Return the encoder of the tables that a network of a preset learns from."""
    return TableEncoder("robust", LARGEST_ONE_HOT) if args.preset == "table" else TableEncoder()


class TablePreset:
    """What `ffnn.tabular` chooses for a table: the network and how it is trained.

    Parameters
    ----------
    args : Namespace
        The options. Those that follow from the recipe are filled in. If `args.time` is given, it
        begins now.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.budget = None if args.time is None else Budget(args.time, 1)
        self.until = None if self.budget is None else self.budget.end

    def network(self, data: TrainingData) -> Sequential:
        """Return the network, compiled and with its first weights."""
        args, encoder = self.args, data.encoder
        assert encoder is not None
        kept = rows_kept(len(data.y_train), VALIDATION_SHARE)
        task = "regression" if data.class_names is None else "classification"
        recipe = Recipe.of(task, kept, data.x_train.shape[1], len(data.class_names or [""]))
        recipe = recipe.lasting(args.epochs or recipe.epochs)
        if self.budget is not None:
            y = np.asarray(data.y_train)
            rows, held_out = (
                Rows(data.x_train[:kept], y[:kept]),
                Rows(data.x_train[kept:], y[kept:]),
            )
            trial = Sequential(make_layers(recipe, encoder, y), seed=args.seed)
            with usage_errors(ValueError):
                recipe = self.budget.fit(recipe, trial, rows, held_out)
        self.recipe = recipe
        args.validation_split, args.epochs = VALIDATION_SHARE, recipe.epochs
        args.batch_size = recipe.batch_size
        return self._make(data, encoder, kept)

    def _make(self, data: TrainingData, encoder: TableEncoder, kept: int) -> Sequential:
        recipe, features = self.recipe, data.x_train.shape[1]
        model = Sequential(make_layers(recipe, encoder, data.y_train), seed=self.args.seed)
        loss: Loss
        loss, metrics = CategoricalCrossentropy(recipe.label_smoothing), ["accuracy"]
        if recipe.is_regression:
            loss, metrics = MeanSquaredError(), ["mse", "r2"]
        model.compile(make_optimizer(recipe, model.parameter_names(features)), loss, metrics)
        model.build(features)
        start_from_rows(model, data.x_train[:kept], np.random.default_rng(self.args.seed))
        model.encoder, model.class_names = encoder, data.class_names
        return model

    def callbacks(self) -> list[Callback]:
        """Return what restores the best epoch, and what keeps to the time."""
        return make_callbacks(self.recipe, self.until)
