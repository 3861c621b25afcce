"""What is said where rows to test a model on are those that it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.cli.output import say, scores_in_words
from ffnn.cli.stored import some_rows
from ffnn.core.text import counted
from ffnn.models.trained_rows import find_trained_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ffnn._types import Array
    from ffnn.sequential import Sequential


def tell_trained_rows(model: Sequential, x: Any, y: Array) -> None:
    """Say if a model was trained on rows that it is to be tested on, and what the others give."""
    for sentence in note_trained_rows(model, x, y):
        say(sentence)


def note_trained_rows(model: Sequential, x: Any, y: Array) -> Iterator[str]:
    """Yield what there is to say of rows that a model was trained on, and what the others give.

    `x` and `y` are rows and targets as `evaluate` takes them.
    """
    known = find_trained_rows(model, model.open_examples(x, y, measured=False))
    if known is None:
        return
    yield known.note
    if len(known.others):
        chosen = np.sort(known.others)
        scores = model.evaluate(some_rows(x, chosen), y[chosen], return_dict=True)
        assert isinstance(scores, dict)
        rows = counted(len(chosen), "row")
        yield f"on the {rows} that it has not seen: {scores_in_words(scores)}"
