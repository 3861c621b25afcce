"""``ffnn play``: a page on which a network trains before one's eyes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.cli.data import training_data
from ffnn.cli.exit_codes import usage_errors
from ffnn.cli.output import say
from ffnn.core.console import show
from ffnn.core.text import counted
from ffnn.datasets.toys import TOYS
from ffnn.errors import DataError
from ffnn.play.play import Page
from ffnn.play.problems import MOST_ROWS, Problem
from ffnn.play.server import require_bokeh
from ffnn.play.session import Session
from ffnn.play.settings import DIGITS, OWN, Settings

if TYPE_CHECKING:
    from ffnn._types import Array

# What the readers of data need to know besides, which train has options for.
_READING = {
    "preset": "plain",
    "ensemble": 1,
    "validation_split": 0.0,
    "patience": None,
    "epochs": 1,
    "batch_size": 10,
    "accumulate": 1,
    "seed": 0,
    "quiet": True,
    "report": None,
}
_LARGEST_PIXEL = {"digits": 16.0}  # of other uint8 data: 255


def play(args: argparse.Namespace) -> None:
    """Show the page until Ctrl-C, which is how it ends."""
    with usage_errors(ImportError):
        require_bokeh()
    settings, problem = _settings(args), None
    if args.data in (*TOYS, DIGITS):
        settings = settings.change({"data": args.data})
    elif args.data is not None:
        problem = _problem(args)
        settings = settings.change({"data": OWN})
    with usage_errors(ValueError):
        session = Session(settings, problem)
    title = "ffnn play" if problem is None else f"ffnn play {Path(args.data).name}"
    show("a page for this machine alone; Ctrl-C ends it")
    page = Page(session, title, args.port, browser=not args.no_browser)
    page.wait()
    page.stop()


def _settings(args: argparse.Namespace) -> Settings:
    if args.settings is None:
        return Settings()
    with usage_errors(ValueError, TypeError, OSError, label="--settings: "):
        return Settings.from_json(Path(args.settings).read_text(encoding="utf-8"))


def _problem(args: argparse.Namespace) -> Problem:
    """Return the rows of DATA; of very many, the first ones, which is said."""
    vars(args).update(_READING)
    data = training_data(args)
    if data.x_test is None or data.y_test is None:
        raise DataError(f"{args.data}: expected rows to train on and rows to test on, got too few")
    largest = 0.0
    if data.x_train.dtype == np.uint8:
        largest = _LARGEST_PIXEL.get(args.data, 255.0)
    if len(data.y_train) > MOST_ROWS:
        say(f"of {counted(len(data.y_train), 'training row')}, the first {MOST_ROWS:,} are used")
    return Problem(
        _first_rows(data.x_train),
        _first_rows(data.y_train),
        _first_rows(data.x_test),
        _first_rows(data.y_test),
        class_names=data.class_names,
        feature_names=data.feature_names,
        largest=largest,
        encoder=data.encoder,
    )


def _first_rows(rows: Any) -> Array:
    """Return the first rows as an array, also of those still in their file."""
    return np.asarray(rows[:MOST_ROWS])
