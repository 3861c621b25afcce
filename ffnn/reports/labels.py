"""The report on several labels a row, each of which is a question of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted
from ffnn.reports.base import Report
from ffnn.reports.classes import overview
from ffnn.reports.curves import Calibration, curve_charts
from ffnn.reports.mistakes import MOST_MISTAKES, Mistake, show_mistakes
from ffnn.reports.pieces import Piece, Table, rate
from ffnn.reports.rows import Answers
from ffnn.reports.scores import MOST_GROUPS, Question, Scores, ask_each, means, scores_table


class LabelReport(Report):
    """A report on several labels a row.

    Attributes
    ----------
    label_names : tuple of str
        The labels.
    counts : ndarray of int, shape (labels, 2, 2)
        The confusion matrix of each label: no and yes, the truth in rows.
    labels : list of Scores
        Precision, recall, F1, areas and number of rows of each label.
    macro_mean, weighted_mean : Scores
        The means over the labels, plain and weighted by their rows.
    calibration : Calibration
        How often a label is there where the model says how likely it is, all labels together.
    mistakes : list of Mistake
        The most confident ones.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> from ffnn.layers import Dense
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ffnn.Sequential([Dense(2, "sigmoid")], seed=0)
    >>> model.compile("adam", "binary_crossentropy")
    >>> history = model.fit(x, x, verbose=0)
    >>> report = ffnn.reports.report(model, x, x)
    >>> report.label_names, report.counts.shape
    (('0', '1'), (2, 2, 2))
    """

    task: ClassVar[str] = "labels"

    def __init__(self, answers: Answers) -> None:
        target, output = answers.target, answers.output
        self.label_names, self.num_rows = answers.names, len(target)
        predicted = output > 0.5
        self.counts = np.stack(
            [
                np.bincount(2 * actual + found, minlength=4).reshape(2, 2)
                for actual, found in zip(target.T, predicted.T, strict=True)
            ]
        )
        columns = zip(self.label_names, target.T, predicted.T, output.T, strict=True)
        questions = ask_each(columns, len(self.label_names))
        self.labels: list[Scores] = [question.scores for question in questions]
        self.macro_mean, self.weighted_mean = means(self.labels)
        self.calibration = Calibration.of(target.ravel(), output.ravel())
        right = predicted == target
        self.scores = self._measure(right)
        self.baseline = _measure_constant(target)
        worst = _most_confident(~right, output)
        self.selected = worst
        self.mistakes: list[Mistake] = [
            Mistake(
                answers.inputs.number(row),
                "yes" if target[row, i] else "no",
                "yes" if predicted[row, i] else "no",
                float(output[row, i] if predicted[row, i] else 1.0 - output[row, i]),
                self.label_names[i],
            )
            for row, i in worst
        ]
        self.pieces = self._compose(questions)
        if self.mistakes:
            rows = [row for row, _ in worst]
            self.pieces.append(show_mistakes(self.mistakes, rows, answers))

    def _measure(self, right: Array) -> dict[str, float]:
        return {
            "all labels of a row": float(right.all(axis=1).mean()),
            "each label": float(right.mean()),
            "macro F1": self.macro_mean.f1,
            "macro AUC": self.macro_mean.auc,
            "macro average precision": self.macro_mean.average_precision,
            "calibration error": self.calibration.error,
        }

    @property
    def headline(self) -> str:
        """The share of rows whose labels are all right, and the baseline's."""
        both = "all labels of a row", "each label"
        right, usual = (
            [rate(where[name]) for name in both] for where in (self.scores, self.baseline)
        )
        return (
            f"{both[0]} right {right[0]}, {both[1]} {right[1]} on {counted(self.num_rows, 'row')} "
            f"of {counted(len(self.labels), 'label')}; always the more frequent answer: "
            f"{usual[0]}, {usual[1]}"
        )

    def _compose(self, questions: Sequence[Question]) -> list[Piece]:
        """Return scores, labels, counts, curves and calibration."""
        return [
            overview(self),
            scores_table("label", self.labels, (self.macro_mean, self.weighted_mean)),
            self._counts(),
            *curve_charts(questions, "labels"),
            *self.calibration.pieces("probability of a label", "fraction that has it"),
        ]

    def _counts(self) -> Table:
        header = ("label", "found", "missed", "false alarms", "rightly no")
        pairs = list(zip(self.label_names, self.counts, strict=True))[:MOST_GROUPS]
        rows = tuple(
            (name, *(f"{n:,}" for n in (both[1, 1], both[1, 0], both[0, 1], both[0, 0])))
            for name, both in pairs
        )
        some = "" if len(pairs) == len(self.labels) else f"The first {MOST_GROUPS}."
        return Table("Confusion of each label", header, rows, "lrrrr", some)


def _measure_constant(target: Array) -> dict[str, float]:
    """Return what the more frequent answer to each label reaches; means leave out absent labels."""
    shares = target.mean(axis=0)
    usual, there = shares > 0.5, shares[shares > 0.0]
    f1 = np.where(there > 0.5, 2 * there / (there + 1), 0.0)
    return {
        "all labels of a row": float((target == usual).all(axis=1).mean()),
        "each label": float(np.maximum(shares, 1.0 - shares).mean()),
        "macro F1": float(f1.mean()) if len(there) else math.nan,
        "macro AUC": 0.5 if (there < 1.0).any() else math.nan,
        "macro average precision": float(there.mean()) if len(there) else math.nan,
    }


def _most_confident(wrong: Array, output: Array) -> list[tuple[int, int]]:
    """Return row and label of the mistakes of which the model is most sure."""
    places = np.flatnonzero(wrong)
    sureness = np.abs(output.ravel()[places] - 0.5)
    chosen = places[np.argsort(-sureness, kind="stable")][:MOST_MISTAKES]
    return [divmod(int(place), wrong.shape[1]) for place in chosen]
