"""The rows that a model gets wrong, as tables of what stands in them or as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ffnn.core.text import printable
from ffnn.reports.pieces import Pictures, Table, rate
from ffnn.reports.rows import Answers, Inputs

MOST_MISTAKES = 24
MOST_IN_TEXT = 10
_LONGEST_NAME = 24


class Mistake(NamedTuple):
    """A row that a model gets wrong.

    Attributes
    ----------
    row : int
        Its number: from 1 in a table, from 0 in an array.
    true, predicted : str
        The classes; of a label, "yes" and "no".
    probability : float
        How sure the model is of what it predicts; a score, if its outputs are no probabilities.
    label : str
        Which label, if there are several.
    """

    row: int
    true: str
    predicted: str
    probability: float
    label: str = ""


def show_mistakes(
    mistakes: Sequence[Mistake], places: Sequence[int], answers: Answers
) -> Table | Pictures:
    """Return the mistakes with the rows' entries; `places` are the rows' positions in `answers`."""
    inputs, sure = answers.inputs, "probability" if answers.are_probabilities else "score"
    title = "Most confident mistakes"
    has_labels = any(mistake.label for mistake in mistakes)
    header = ("row", *(["label"] if has_labels else []), "true", "predicted", sure)
    facts = [
        (
            f"{each.row:,}",
            *([each.label] if has_labels else []),
            each.true,
            each.predicted,
            rate(each.probability),
        )
        for each in mistakes
    ]
    alignments = "r" + "l" * (len(header) - 2) + "r"
    text = f"Rows are counted from {inputs.counted_from}."
    table = Table(title, header, tuple(facts), alignments, text, most_in_text=MOST_IN_TEXT)
    pictures = inputs.pictures(places)
    if pictures is not None:
        captions = tuple(map(_caption, mistakes))
        return Pictures(title, pictures, captions, table, text)
    return with_entries(table, places, inputs)


def with_entries(table: Table, places: Sequence[int], inputs: Inputs) -> Table:
    """Return a table of facts on rows with the rows' entries in further columns."""
    names, entries = inputs.columns, inputs.cells(places)
    rows = zip(table.rows, entries, strict=True)
    is_cut = 0 < len(names) < inputs.num_columns
    some = f" The first {len(names)} of {inputs.num_columns:,} columns." if is_cut else ""
    return replace(
        table,
        text=table.text + some,
        header=(*table.header, *names),
        rows=tuple((*facts, *cells) for facts, cells in rows),
        alignments=table.alignments + "l" * len(names),
    )


def _caption(mistake: Mistake) -> str:
    true, predicted = (printable(n, _LONGEST_NAME) for n in (mistake.true, mistake.predicted))
    name = f"{mistake.label}: " if mistake.label else ""
    return f"{name}{true}, taken for {predicted}, {rate(mistake.probability)}, row {mistake.row:,}"
