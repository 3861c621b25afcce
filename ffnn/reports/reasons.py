"""What the answers of a report depend on: its columns, and what speaks for the rows it shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ffnn._types import Array
from ffnn.core.text import printable
from ffnn.inspection.rows import Rows, columns_of, draw, rows_of
from ffnn.models.trainable import Trainable
from ffnn.reports.base import Report
from ffnn.reports.contributions import Baseline, Contributions, find_baseline
from ffnn.reports.dependence import PartialDependence, dependence_on
from ffnn.reports.importance import importance_of
from ffnn.reports.outputs import outputs_of
from ffnn.reports.pieces import Table
from ffnn.reports.rows import Answers

MOST_COLUMNS = 60  # of more, and of pictures, a report tells nothing
MOST_ROWS, FEWEST_ROWS, MOST_PREDICTIONS = 2_000, 200, 200_000  # for importance
REPEATS = 5
MOST_DEPENDENCES = 4
_NAMED = 3
_LONGEST_NAME = 14


def add_reasons(report: Report, model: Trainable, answers: Answers) -> None:
    """Add to a report what its answers depend on, unless there are too many columns."""
    size = len(columns_of(model))
    if size > MOST_COLUMNS or answers.inputs.pictures([0]) is not None:
        return
    most = min(max(MOST_PREDICTIONS // (size * REPEATS), FEWEST_ROWS), MOST_ROWS)
    chosen = draw(len(answers.target), most)
    rows = _rows(model, answers, chosen)
    importance = importance_of(model, rows, answers.target[chosen], REPEATS)
    report.importance = importance
    report.pieces += importance.pieces
    if rows.table is not None or not rows.encodings:  # else the entries are not known
        names = [importance.columns[i] for i in importance.order if importance.mean[i] > 0.0]
        found = [dependence_on(model, rows, name) for name in names[:MOST_DEPENDENCES]]
        report.dependences = found
        report.pieces += [piece for each in found for piece in each.charts()]
        report.pieces += _spans([each for each in found if each.points is not None])
    if report.selected:
        report.pieces.append(_reasons(report, model, answers, rows))


def _rows(model: Trainable, answers: Answers, places: Array) -> Rows:
    origin, source = answers.inputs.origin, answers.inputs.source
    if origin is None:
        return rows_of(model, source, places, None, places)
    return rows_of(model, source, places, origin.table, origin.numbers[places])


def _spans(found: Sequence[PartialDependence]) -> list[Table]:
    """Return in numbers what the lines of partial dependence show."""
    rows = tuple(
        (each.column, low, first, high, last)
        for each in found
        for _, first, low, last, high in (each.span,)
    )
    header = ("column", "entry", "smallest mean", "entry", "largest mean")
    return [Table("Partial dependence on numbers", header, rows, "lrrrr")] if rows else []


def _reasons(report: Report, model: Trainable, answers: Answers, rows: Rows) -> Table:
    """Return what contributes the most to the answers for the rows that are shown."""
    places, chosen = zip(*report.selected, strict=True)
    shown = _rows(model, answers, np.array(places))
    found = Contributions(model, shown, _baseline(model, rows), np.array(chosen))
    report.contributions = found
    outputs = outputs_of(model)
    numbers = [f"{answers.inputs.number(place):,}" for place in places]
    cells = tuple(
        (
            number,
            *([] if len(outputs.names) == 1 else [found.output_names[row]]),
            outputs.text(float(found.outputs[row])),
            outputs.text(float(found.baseline_outputs[row])),
            *_largest(found, row),
        )
        for row, number in enumerate(numbers)
    )
    named = min(_NAMED, len(found.columns))
    kind = {"classes": "predicted", "labels": "label", "numbers": "output"}[outputs.task]
    header = ("row", *([] if len(outputs.names) == 1 else [kind]), "output", "typical")
    header += ("contributions", *[""] * (named - 1))
    alignments = "r" + "l" * (len(outputs.names) > 1) + "rr" + "l" * named
    title = {"numbers": "What leads to the largest errors"}.get(
        outputs.task, "What leads to the mistakes"
    )
    return Table(title, header, cells, alignments, found.note, most_in_text=10)


def _largest(found: Contributions, row: int) -> Sequence[str]:
    """Return the columns that contribute the most to a row, each with its contribution."""
    texts = [
        f"{printable(found.columns[i], _LONGEST_NAME)} {found.change(row, i)}"
        for i in found.order(row)[:_NAMED]
        if found.values[row, i]
    ]
    return [*texts, *[""] * (min(_NAMED, len(found.columns)) - len(texts))]


def _baseline(model: Trainable, rows: Rows) -> Baseline:
    """Return what rows are compared with: the encoder's typical row, else the medians of these."""
    if model.encoder is not None:
        return find_baseline(model)
    medians = np.median(rows.features, axis=0)[None].astype(model.dtype)
    entries = {name: f"{medians[0, places[0]]:.6g}" for name, places in rows.columns.items()}
    return Baseline(medians, entries, "the median of each column")
