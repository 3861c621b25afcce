"""``ffnn train --preset table``: the network for tables that needs no tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.text import counted
from ffnn.data.batches import rows_kept
from ffnn.errors import DataError
from ffnn.losses import CategoricalCrossentropy, Loss, MeanSquaredError
from ffnn.models.averaging import members_of
from ffnn.schedules import CosineLog
from ffnn.sequential import Sequential
from ffnn.tables import TableEncoder
from ffnn.tabular.budget import Budget, Deadline
from ffnn.tabular.network import make_layers, make_optimizer
from ffnn.tabular.recipe import LARGEST_ONE_HOT, Recipe
from ffnn.tabular.start import start_from_rows
from ffnn.tabular.training import Rows, best_average

if TYPE_CHECKING:
    import argparse

    from ffnn.callbacks import Callback
    from ffnn.cli.classes import TrainingData
    from ffnn.optimizers import Optimizer


_CLOSING = 0.25  # of the time that loading the program took: about what its end takes


def make_encoder(args: argparse.Namespace) -> TableEncoder:
    """Return the encoder of the tables that a network of a preset learns from."""
    return TableEncoder("robust", LARGEST_ONE_HOT) if args.preset == "table" else TableEncoder()


def make_budget(args: argparse.Namespace, data: TrainingData) -> Budget:
    """Return the budget of --time, which began with the command and includes the test."""
    tested = 0 if data.y_test is None else args.ensemble * len(data.y_test)
    closing = _CLOSING * args.loading
    return Budget(args.time, args.ensemble, "--time", args.began, tested, closing)


def compile_for_table(model: Sequential, recipe: Recipe, features: int) -> None:
    """Compile a network for a table, with the metrics that the command line tells."""
    loss: Loss = CategoricalCrossentropy(recipe.label_smoothing)
    metrics = ["accuracy"]
    if recipe.is_regression:
        loss, metrics = MeanSquaredError(), ["mse", "r2"]
    model.compile(make_optimizer(recipe, model.parameter_names(features)), loss, metrics)
    model.take_jit_compile(recipe.jit_compile)


class TablePreset:
    """What `ffnn.tabular` chooses for a table: the network and how it is trained.

    Parameters
    ----------
    args : Namespace
        The options. The number of epochs is filled in if it was not given.
    """

    accumulate = 1  # batches to an update
    recipe: Recipe
    budget: Budget | None = None

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args

    @property
    def is_single(self) -> bool:
        """Whether there is one network."""
        return bool(self.args.ensemble == 1)

    def network(self, data: TrainingData) -> Sequential:
        """Return the network, compiled and with its first weights."""
        args, encoder, y = self.args, data.encoder, np.asarray(data.y_train)
        assert encoder is not None
        kept = rows_kept(len(y), args.validation_split)
        rows, held_out = Rows(data.x_train[:kept], y[:kept]), Rows(data.x_train[kept:], y[kept:])
        task = "regression" if data.class_names is None else "classification"
        recipe = Recipe.of(task, kept, rows.x.shape[1], len(data.class_names or [""]))
        recipe = recipe.lasting(args.epochs or recipe.epochs)
        if args.time is not None:
            self.budget = make_budget(args, data)
            trial = Sequential(make_layers(recipe, encoder, y), seed=args.seed)
            recipe = self.budget.plan(recipe, trial, rows, held_out)
        self.recipe = recipe
        args.epochs = recipe.epochs
        if args.resume and Path(args.out).exists():
            saved = Sequential.load(args.out)
            self._check_single(saved)
            self._check_length(saved.optimizer)
        return self._make(data, encoder, kept)

    def _make(self, data: TrainingData, encoder: TableEncoder, kept: int) -> Sequential:
        recipe, features = self.recipe, data.x_train.shape[1]
        model = Sequential(make_layers(recipe, encoder, data.y_train), seed=self.args.seed)
        compile_for_table(model, recipe, features)
        model.build(features)
        start_from_rows(model, data.x_train[:kept], np.random.default_rng(self.args.seed))
        model.encoder, model.class_names = encoder, data.class_names
        return model

    def _check_single(self, saved: Sequential) -> None:
        """Raise DataError if an ensemble is to be resumed."""
        if members := members_of(saved):
            raise DataError(
                f"{self.args.out} holds the mean of {counted(len(members), 'network')}, which "
                f"cannot be resumed: leave out --resume, or give another --out for one network"
            )

    def _check_length(self, saved: Optimizer | None) -> None:
        """Raise DataError if a training to be resumed is of another number of epochs."""
        rate, recipe = getattr(saved, "learning_rate", None), self.recipe
        if not isinstance(rate, CosineLog) or rate.decay_steps == recipe.updates:
            return  # the training itself tells other differences
        epochs, rest = divmod(rate.decay_steps, recipe.batches)
        if not rest:
            raise DataError(
                f"{self.args.out} holds a training of {counted(epochs, 'epoch')}, which its "
                f"learning rate follows, not of {recipe.epochs}: give --epochs {epochs}"
            )

    @property
    def batch_size(self) -> int:
        """Mini-batch size."""
        return self.recipe.batch_size

    @property
    def steps_per_epoch(self) -> int | None:
        """The most updates of an epoch."""
        return self.recipe.steps_per_epoch

    def callbacks(self) -> list[Callback]:
        """Return what restores the best epoch, and what keeps to the time."""
        best = best_average(self.recipe)
        return [best] if self.budget is None else [best, Deadline(self.budget)]

    def describe(self, data: TrainingData, model: Sequential) -> str:
        """Return what was chosen."""
        return str(self.recipe)
