"""What the text, Markdown, LaTeX and the figure of an explanation have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from ffnn.core.text import printable
from ffnn.explanation.steps import Step

_SECTIONS = {"forward": "Forward", "loss": "Loss", "backward": "Backward", "update": "Update"}
_SIGNS = {
    "∘": "entry by entry",
    "Σ": "sum over all entries",
    "Σ_rows": "sum over the rows of the batch",
    "Σ_units": "sum over the units of each row",
    "mean_rows": "mean over the rows of the batch",
    "mean": "mean over all entries",
    "mean_units": "mean over the units of each row",
    "max_units": "largest of the units of each row",
    "join": "columns side by side",
    "head": "the first column",
    "tail": "all columns but the first",
    "[c]": "1 where c holds, else 0",
    "θ": "each parameter of the layer",
}


class Head(NamedTuple):
    """What stands above the steps: a title, the loss, and "inputs" and "outputs" → their names.

    The names stand by the numbers of the columns.
    """

    title: str
    loss: float
    names: Mapping[str, Mapping[int, str]]

    def numbered(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the names with their numbers, on one line each."""
        for what, names in self.names.items():
            yield what, [f"{index} {printable(name)}" for index, name in names.items()]


def signs_of(steps: Iterable[Step]) -> dict[str, str]:
    """Return sign → meaning, of the signs in the formulas of steps that need a word."""
    texts = [formula.text for step in steps for formula in step.formulas]
    spaced = " ".join(texts).replace("(", " ").replace("[", " [c] ").replace("θ", " θ ")
    words = set(spaced.split())
    return {sign: meaning for sign, meaning in _SIGNS.items() if sign in words}


def sections_of(steps: Iterable[Step]) -> Iterator[tuple[str, list[Step]]]:
    """Yield each part's heading with its steps."""
    for direction, members in groupby(steps, lambda step: step.direction):
        yield _SECTIONS[direction], list(members)


def heading_of(step: Step) -> tuple[str, str]:
    """Return the name and the kind that stand above a step."""
    return printable(step.layer), printable(step.kind, 60)


def width_of(text: str) -> int:
    """Return how many columns a text takes where all letters are equally wide."""
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def pad(text: str, width: int) -> str:
    """Return a text with as many spaces behind it as fill `width` columns."""
    return text + " " * (width - width_of(text))
