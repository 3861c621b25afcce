"""What the commands print, and where they may write."""

from __future__ import annotations

import argparse
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn.cli.verdict import baseline
from ffnn.core.console import show
from ffnn.core.files import check_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn._types import Array
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
    """Print and return the loss and the metrics of rows, called `label`, the main one last.

    Before that one comes what a constant prediction reaches.
    """
    scores = model.evaluate(x, target, return_dict=True)
    assert isinstance(scores, dict)
    constant = baseline(target, scores, model.class_names) if with_baseline else None
    for name, text in _in_words(scores).items():
        if constant is not None and name == [*scores][-1]:
            say(constant)
        show(f"{label} {name.replace('_', ' ')}: {text}")
    return scores


def scores_in_words(scores: Mapping[str, float]) -> str:
    """Return the metrics of rows in one line, such as ``"accuracy 0.9667"``."""
    texts = _in_words(scores).items()
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in texts if name != "loss")


def _in_words(scores: Mapping[str, float]) -> dict[str, str]:
    """Return scores as they are printed, by name.

    The loss of numbers is left out: it is measured in units of their standard deviation.
    """
    return {
        name: f"{value:.6g}" if "error" in name else f"{value:.4f}"
        for name, value in scores.items()
        if name != "loss" or "r2" not in scores
    }


def say(text: str) -> None:
    """Print a paragraph that fits the screen."""
    show(filled(text))


def filled(text: str) -> str:
    """Return a paragraph in lines that fit the screen."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
