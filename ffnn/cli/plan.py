"""How long to train, and what to validate on, where the options do not say so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ffnn.core.text import counted
from ffnn.data.batches import rows_kept
from ffnn.errors import DataError
from ffnn.tabular.recipe import VALIDATION_SHARE

if TYPE_CHECKING:
    import argparse

# Small networks have learned most of what a table tells after so many updates; more epochs than the
# most are of no use for a few rows, and fewer than the fewest leave rows seen too rarely.
UPDATES, FEWEST_EPOCHS, MOST_EPOCHS = 5_000, 20, 120
FEWEST_ROWS = 100  # of which a tenth can tell when to stop
VALIDATION_SPLIT, PATIENCE = 0.1, 20


def plan_training(args: argparse.Namespace, rows: int | None = None) -> None:
    """Fill in the options that were not given: of a table of so many training rows, or of others.

    A table is validated on a tenth of its rows, and training stops where that gets no better, with
    the best weights. It takes as many epochs as make about 5,000 updates.
    """
    if args.preset == "table":
        if args.ensemble > 1:
            args.validation_split = 0.0  # each network has a fold of its own
            return
        if args.validation_split is None:
            args.validation_split = VALIDATION_SHARE
        if rows is not None and rows_kept(rows, args.validation_split) in (0, rows):
            raise DataError(
                f"{args.data}: expected training rows for --preset table to learn from and others "
                f"to validate on, got {counted(rows, 'row')}; --preset plain needs no others"
            )
        return  # the rest follows from the recipe
    args.validation_split = args.validation_split or 0.0
    if rows is None:
        args.epochs = args.epochs or FEWEST_EPOCHS
        return
    is_planned = not args.given & {"--validation-split", "--patience", "--loss-threshold"}
    if is_planned and rows >= FEWEST_ROWS:
        args.validation_split, args.patience = VALIDATION_SPLIT, PATIENCE
    batches = math.ceil(rows_kept(rows, args.validation_split) / args.batch_size)
    wanted = math.ceil(UPDATES / max(math.ceil(batches / args.accumulate), 1))
    args.epochs = args.epochs or min(max(wanted, FEWEST_EPOCHS), MOST_EPOCHS)


def describe_plan(args: argparse.Namespace, rows: int) -> str:
    """Return how long the training will take at most, for the line of settings."""
    held = rows - rows_kept(rows, args.validation_split)
    epochs = counted(args.epochs, "epoch")
    if not held:
        return epochs
    stop = "" if args.patience is None else f", stopped after {args.patience} without a better loss"
    return f"at most {epochs}{stop} on {counted(held, 'validation row')}"
