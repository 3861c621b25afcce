"""``ffnn train --ensemble K``: several networks for a table, each on other folds, in one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from ffnn.callbacks import Callback, Recorder
from ffnn.cli.preset import compile_for_table, make_budget
from ffnn.core import clock
from ffnn.core.console import is_terminal, show
from ffnn.core.text import counted
from ffnn.models.averaging import join
from ffnn.models.raw_rows import targets_for
from ffnn.sequential import Sequential
from ffnn.tabular.budget import Budget, Deadline
from ffnn.tabular.folds import Split, splits
from ffnn.tabular.network import make_layers
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import Rows, train

if TYPE_CHECKING:
    import argparse

    from ffnn.cli.classes import TrainingData


class TableEnsemble:
    """Several networks for a table: each is validated on another fold, and their mean predicts.

    Parameters
    ----------
    args : Namespace
        The options.
    data : TrainingData
        What they learn from.
    """

    def __init__(self, args: argparse.Namespace, data: TrainingData) -> None:
        assert data.encoder is not None
        self.args, self.data, self.encoder = args, data, data.encoder
        self.y = np.asarray(data.y_train)
        self.rng = np.random.default_rng(args.seed)
        are_classes = data.class_names is not None
        self.splits = splits(self.y, args.ensemble, self.rng, are_classes=are_classes)
        self.budget: Budget | None = None
        if args.time is not None:
            self.budget = make_budget(args, data)
        self.recipe = self._plan(self.splits[0], args.seed)

    def network(self) -> Sequential:
        """Return one of the networks, without what training brings."""
        model = Sequential(make_layers(self.recipe, self.encoder, self.y), seed=self.args.seed)
        model.encoder = self.encoder
        model.build(self.data.x_train.shape[1])
        return model

    def __str__(self) -> str:
        """Return what was chosen."""
        return str(self.recipe)

    def train(self, called: Callback) -> tuple[Sequential, int]:
        """Train the networks, tell of each, and return their mean and how many were finished.

        `called` notes a signal, which ends the training after the batch.
        """
        models, finished = list[Sequential](), 0
        for split in self.splits:
            began = clock.now()
            models.append(self._train(split, is_first=not models, called=called))
            history = models[-1].history
            assert history is not None
            if history.interrupted:
                break
            finished += 1
            if not self.args.quiet:
                epochs, seconds = counted(len(history.epoch), "epoch"), clock.now() - began
                show(
                    f"network {finished} of {len(self.splits)}: {epochs} in {seconds:.1f} s, "
                    f"validation {self._score(models[-1], split)}"
                )
        return self._join(models), finished

    def _train(self, split: Split, *, is_first: bool, called: Callback) -> Sequential:
        rows, held_out = self._rows(split)
        seed = int(self.rng.integers(2**31))
        recipe = self.recipe if is_first else self._plan(split, seed)
        model = Sequential(make_layers(recipe, self.encoder, self.y), seed=seed)
        deadline = [] if self.budget is None else [Deadline(self.budget)]
        verbose = 2 if self.args.verbose else int(is_terminal(sys.stderr))
        verbose = 0 if self.args.quiet else verbose
        train(model, recipe, rows, held_out, self.rng, [*deadline, called], verbose)
        return model

    def _plan(self, split: Split, seed: int) -> Recipe:
        """Return the recipe of a network, as long as there is time for."""
        rows, held_out = self._rows(split)
        names = self.data.class_names
        task = "regression" if names is None else "classification"
        features, outputs = rows.x.shape[1], len(names or [""])
        recipe = Recipe.of(task, len(rows.y), features, outputs, self.args.ensemble)
        recipe = recipe.lasting(self.args.epochs or recipe.epochs)
        if self.budget is None:
            return recipe
        trial = Sequential(make_layers(recipe, self.encoder, self.y), seed=seed)
        return self.budget.plan(recipe, trial, rows, held_out)

    def _rows(self, split: Split) -> tuple[Rows, Rows]:
        rows, held_out = (Rows(self.data.x_train[part], self.y[part]) for part in split)
        return rows, held_out

    def _score(self, model: Sequential, split: Split) -> str:
        """Return how well a network answers the rows that it was validated on."""
        _, (x, y) = self._rows(split)
        predicted = model.compute(model.open_inputs(x), model.replicas())
        if self.data.class_names is not None:
            return f"accuracy {np.mean(predicted.argmax(axis=1) == y):.4f}"
        return f"r2 {1.0 - np.mean((predicted[:, 0] - y) ** 2) / np.var(y):.4f}"

    def _join(self, models: list[Sequential]) -> Sequential:
        model = join(models, self.args.seed)
        compile_for_table(model, self.recipe, self.data.x_train.shape[1])
        model.encoder, model.class_names = self.encoder, self.data.class_names
        x, y = self.data.x_train, targets_for(model, self.y)
        history = model.history
        size = self.recipe.batch_size
        # It knows its rows, and keeps a few for pages.
        model.fit(x, y, batch_size=size, epochs=0, verbose=0, callbacks=[Recorder()])
        model.history = history
        return model
