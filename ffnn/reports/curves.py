"""Charts of scores against decisions: ROC, precision and recall, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import printable
from ffnn.metrics.curves import (
    CalibrationCurve,
    calibration_curve,
    precision_recall_curve,
    roc_curve,
)
from ffnn.reports.pieces import Chart, Mark, Table, rate
from ffnn.reports.scores import Question

MOST_CURVES = 6  # that can be told apart in one chart
MOST_POINTS = 300  # of a curve
BINS = 10
_WHOLE = (0.0, 1.0)
_LONGEST_NAME = 20


def curve_charts(questions: Sequence[Question], subject: str) -> list[Chart]:
    """Return the ROC and the precision-recall curves; of many questions, those of the lowest AUC.

    What has no row of one of both kinds has no curve.
    """
    areas = np.array([question.scores.auc for question in questions])
    num_defined = int(np.count_nonzero(~np.isnan(areas)))
    chosen = [questions[i] for i in sorted(np.argsort(areas)[: min(num_defined, MOST_CURVES)])]
    if not chosen:
        return []
    some = f"The {MOST_CURVES} {subject} of the lowest area." if num_defined > MOST_CURVES else ""
    rocs, precisions = list[Mark](), list[Mark]()
    for colour, (scores, actual, values) in enumerate(chosen):
        name = printable(scores.name, _LONGEST_NAME)
        roc, curve = roc_curve(actual, values), precision_recall_curve(actual, values)
        x, y = thinned(roc.false_positive_rate, roc.true_positive_rate)
        rocs.append(Mark("line", x, y, f"{name}, area {rate(scores.auc)}", colour))
        x, y = thinned(curve.recall, curve.precision)
        label = f"{name}, mean {rate(scores.average_precision)}"
        precisions.append(Mark("line", x, y, label, colour))
    diagonal = Mark("line", np.array(_WHOLE), np.array(_WHOLE), "by chance", None)
    fpr, tpr = "false positive rate", "true positive rate"
    return [
        _square("ROC curves", fpr, tpr, (diagonal, *rocs), some),
        _square("Precision and recall", "recall", "precision", tuple(precisions), some),
    ]


def _square(title: str, x_label: str, y_label: str, marks: tuple[Mark, ...], text: str) -> Chart:
    """Return a chart of fractions against fractions."""
    labels = "; ".join(mark.label for mark in marks if mark.colour is not None)
    alt = f"{y_label} against {x_label}: {labels}"
    return Chart(title, x_label, y_label, marks, alt, _WHOLE, _WHOLE, text)


def thinned(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Return the points of a curve that are needed to draw it, its ends among them.

    Those within a straight line are left out; of what remains, points at equal distances along the
    curve stay, so what is drawn is nowhere farther off than its length over `most`.
    """
    steps = np.diff(np.column_stack([x, y]), axis=0)
    turns = steps[1:, 0] * steps[:-1, 1] != steps[1:, 1] * steps[:-1, 0]
    kept = np.flatnonzero(np.concatenate([[True], turns, [True]]))
    if len(kept) > most:
        along = np.append(0.0, np.cumsum(np.abs(np.diff(x[kept])) + np.abs(np.diff(y[kept]))))
        places = np.searchsorted(along, np.linspace(0.0, along[-1], most))
        kept = kept[np.unique(np.minimum(places, len(kept) - 1))]
    return x[kept], y[kept]


class Calibration(NamedTuple):
    """How often a model is right where it says how sure it is.

    Attributes
    ----------
    curve : CalibrationCurve
        Per bin of probability the mean of what was said, the fraction that is so, and the rows.
    error : float
        The expected calibration error: the mean distance of both, weighted by the bins' rows.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3.
    """

    curve: CalibrationCurve
    error: float

    @classmethod
    def of(cls, actual: Array, probabilities: Array) -> Calibration:
        """Return the calibration of probabilities (rows,) that the answer is yes."""
        curve = calibration_curve(actual, probabilities, BINS)
        distance = np.abs(curve.confidence - curve.fraction)
        return cls(curve, float(distance @ curve.rows / curve.rows.sum()))

    def pieces(self, said: str, found: str) -> list[Chart | Table]:
        """Return the reliability diagram and its numbers; `said` and `found` name the axes."""
        confidence, fraction, _ = self.curve
        diagonal = Mark("line", np.array(_WHOLE), np.array(_WHOLE), "as said", None)
        marks = (
            diagonal,
            Mark("line", confidence, fraction, f"calibration error {rate(self.error)}"),
            Mark("points", confidence, fraction),
        )
        alt = f"{found} against {said}, expected calibration error {rate(self.error)}"
        rows = tuple((rate(a), rate(b), f"{int(c):,}") for a, b, c in zip(*self.curve, strict=True))
        text = f"Of rows with a similar {said}: its mean, and the {found}."
        return [
            Chart("Calibration", said, found, marks, alt, _WHOLE, _WHOLE),
            Table("Calibration in numbers", ("probability", "fraction", "rows"), rows, "rrr", text),
        ]
