"""What the commands print, and where they may write."""

from __future__ import annotations

import argparse
import dataclasses
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.cli.verdict import baseline, main_score
from ffnn.core.console import show
from ffnn.core.files import check_target
from ffnn.metrics.confusion import ConfusionMatrix
from ffnn.reports.classes import confused_pairs
from ffnn.reports.pieces import Matrix
from ffnn.reports.text import in_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn._types import Array
    from ffnn.metrics import Metric
    from ffnn.sequential import Sequential

WIDTH = 80


def check_writable(out: str | Path, *read: str, label: str = "") -> None:
    """Raise ArgumentTypeError if `out` cannot be written, or is one of the files in `read`."""
    try:
        check_target(out)
    except OSError as error:
        problem = f"{label}{out} cannot be written: {error.strerror}"
        raise argparse.ArgumentTypeError(problem) from error
    if any(
        os.path.exists(out) and os.path.exists(each) and os.path.samefile(out, each)
        for each in read
    ):
        problem = f"{label}{out} is a file that the command reads; choose another name"
        raise argparse.ArgumentTypeError(problem)


def print_scores(
    model: Sequential, x: Any, target: Array, label: str, *, with_baseline: bool
) -> dict[str, float]:
    """Print and return the loss and the metrics of rows, called `label`, tables at the end.

    Before the main one comes what a constant prediction reaches.
    """
    scores = model.evaluate(x, target, return_dict=True)
    assert isinstance(scores, dict)
    constant = baseline(target, scores, model.class_names) if with_baseline else None
    for name, text in _in_words(scores).items():
        if constant is not None and name == main_score(scores):
            say(constant)
        show(f"{label} {name.replace('_', ' ')}: {text}")
    for metric in model.all_metrics:
        if metric.is_table:
            title = f"{label} {metric.name.replace('_', ' ')}"
            show(f"\n{_table_in_lines(title, metric, scores[metric.name], model.class_names)}")
    return scores


def _table_in_lines(title: str, metric: Metric, table: Array, names: list[str] | None) -> str:
    """Return the value of a metric that is a table as it is printed."""
    if not isinstance(getattr(metric, "metric", metric), ConfusionMatrix):
        return f"{title}:\n{np.array2string(table, max_line_width=WIDTH)}"
    if names is None or len(names) != len(table):
        names = [str(number) for number in range(len(table))]
    how = "Rows are true classes, columns predicted ones."
    matrix = Matrix(title, tuple(names), table, how)
    lines = in_lines(matrix)
    if lines:
        return lines
    pairs = dataclasses.replace(confused_pairs(matrix), title=f"{title}: the most confused classes")
    return in_lines(pairs)


def scores_in_words(scores: Mapping[str, Any]) -> str:
    """Return the metrics of rows in one line, such as ``"accuracy 0.9667"``; without any, the loss.

    Tables are left out.
    """
    texts = _in_words(scores)
    shown = {name: text for name, text in texts.items() if name != "loss"} or texts
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in shown.items())


def _in_words(scores: Mapping[str, Any]) -> dict[str, str]:
    """Return scores that are numbers as they are printed, by name.

    The loss of numbers is left out: it is measured in units of their standard deviation.
    """
    return {
        name: f"{value:.6g}" if "error" in name else f"{value:.4f}"
        for name, value in scores.items()
        if np.ndim(value) == 0 and (name != "loss" or "r2" not in scores)
    }


def say(text: str) -> None:
    """Print a paragraph that fits the screen."""
    show(filled(text))


def filled(text: str) -> str:
    """Return a paragraph in lines that fit the screen."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
