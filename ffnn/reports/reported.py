"""`report`: a model answers, and what it answers is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.reports.base import Report
from ffnn.reports.classes import ClassReport
from ffnn.reports.labels import LabelReport
from ffnn.reports.numbers import NumberReport
from ffnn.reports.reasons import add_reasons
from ffnn.reports.rows import TableRows, answer

if TYPE_CHECKING:
    from ffnn.models.trainable import Trainable

_REPORTS = {kind.task: kind for kind in (ClassReport, LabelReport, NumberReport)}


def report(model: Trainable, x: Any, y: Any = None, origin: TableRows | None = None) -> Report:
    """Return the report on a model's answers; `Sequential.report` says more.

    Where `x` was made from rows of a table, these are shown as they stand in it: `origin`.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> report = ffnn.reports.report(model, x, y)
    >>> report.task, report.scores["accuracy"] > report.baseline["accuracy"]
    ('classes', True)
    """
    answers = answer(model, x, y, origin)
    with np.errstate(over="ignore", invalid="ignore"):  # of squares; the numbers tell
        found: Report = _REPORTS[answers.task](answers)
        add_reasons(found, model, answers)
    found.note = answers.note
    return found
