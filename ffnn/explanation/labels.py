"""What the text, Markdown, LaTeX and the figure of an explanation have in common."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ffnn.core.formulas import to_tex
from ffnn.core.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ffnn.explanation.explanation import Explanation
    from ffnn.explanation.steps import Step

_SECTIONS = {"forward": "Forward", "loss": "Loss", "backward": "Backward", "update": "Update"}
_SIGNS = {
    "∘": "entry by entry",
    "Σ": "sum over all entries",
    "Σ_rows": "sum over the rows of the batch",
    "Σ_units": "sum over the units of each row",
    "mean_rows": "mean over the rows of the batch",
    "mean_units": "mean over the units of each row",
    "[c]": "1 where c holds, else 0",
    "θ": "each parameter of the layer",
}


class Sign(NamedTuple):
    """A sign and what it means."""

    text: str
    latex: str
    meaning: str


def signs_of(explanation: Explanation) -> list[Sign]:
    """Return the signs in the formulas of an explanation that need a word."""
    texts = [formula.text for step in explanation for formula in step.formulas]
    spaced = " ".join(texts).replace("(", " ").replace("[", " [c] ").replace("θ", " θ ")
    words = set(spaced.split())
    return [Sign(sign, to_tex(sign), _SIGNS[sign]) for sign in _SIGNS if sign in words]


def names_of(explanation: Explanation) -> list[tuple[str, list[str]]]:
    """Return what there is of ("inputs", names) and ("outputs", names), each with its number."""
    named = (("inputs", explanation.input_names), ("outputs", explanation.output_names))
    return [
        (what, [f"{index} {printable(name)}" for index, name in enumerate(names)])
        for what, names in named
        if names
    ]


def title_of(explanation: Explanation) -> str:
    """Return what an explanation is about."""
    return f"One training step on {counted(explanation.num_rows, 'row')} ({explanation.dtype})"


def sections_of(steps: Sequence[Step]) -> Iterator[tuple[str, list[Step]]]:
    """Yield each part's heading with its steps."""
    for direction, members in groupby(steps, lambda step: step.direction):
        yield _SECTIONS[direction], list(members)


def heading_of(step: Step) -> tuple[str, str]:
    """Return the name and the kind that stand above a step."""
    return printable(step.layer), printable(step.kind)


def width_of(text: str) -> int:
    """Return how many columns a text takes where all letters are equally wide."""
    marks = sum(unicodedata.combining(c) > 0 for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def pad(text: str, width: int) -> str:
    """Return a text with as many spaces behind it as fill `width` columns."""
    return text + " " * (width - width_of(text))
