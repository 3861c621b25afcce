"""The report on one class out of several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted, printable, shown
from ffnn.metrics.confusion import confusion_matrix
from ffnn.reports.base import Report
from ffnn.reports.curves import Calibration, curve_charts
from ffnn.reports.mistakes import MOST_MISTAKES, Mistake, show_mistakes
from ffnn.reports.pieces import MOST_IN_MATRIX, Matrix, Piece, Table, rate, tally
from ffnn.reports.rows import Answers
from ffnn.reports.scores import Question, Scores, ask_each, means, scores_table

FEWEST_FOR_PAIRS = 6  # classes; of fewer, the matrix says it all
MOST_PAIRS = 12


class ClassReport(Report):
    """A report on one class out of several, or on yes and no.

    Attributes
    ----------
    class_names : tuple of str
        The classes.
    confusion_matrix : ndarray of int, shape (classes, classes)
        How many rows of each class, which are the rows, are taken for which, the columns.
    classes : list of Scores
        Precision, recall, F1, areas and number of rows of each class.
    macro_mean, weighted_mean : Scores
        The means over the classes, plain and weighted by their rows.
    calibration : Calibration or None
        How often the model is right where it says how sure it is: of two classes about the second
        one, of more about the one predicted. None if outputs are no probabilities.
    mistakes : list of Mistake
        The most confident ones.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> report = ffnn.reports.report(model, x[:200], y[:200])
    >>> report.confusion_matrix.shape, len(report.classes)
    ((10, 10), 10)
    """

    task: ClassVar[str] = "classes"

    def __init__(self, answers: Answers) -> None:
        target, (predicted, sureness) = answers.target, _decide(answers.output)
        self.class_names, self.num_rows = answers.names, len(target)
        size = len(self.class_names)
        self.confusion_matrix: Array = confusion_matrix(target, predicted, num_classes=size)
        questions = _ask(answers, predicted)
        self.classes: list[Scores] = [question.scores for question in questions]
        there = [each for each in self.classes if not math.isnan(each.f1)]
        self.macro_mean, self.weighted_mean = means(there)
        self.calibration = None
        if answers.are_probabilities:
            last, right = questions[-1], predicted == target
            about = (last.actual, last.values) if size == 2 else (right, sureness)
            self.calibration = Calibration.of(*about)
        self.scores = self._measure(predicted == target)
        self.baseline = self._measure_constant(there)
        wrong = np.flatnonzero(predicted != target)
        worst = wrong[np.argsort(-sureness[wrong], kind="stable")][:MOST_MISTAKES].tolist()
        self.selected = [(row, int(predicted[row])) for row in worst]
        self.mistakes: list[Mistake] = [
            Mistake(
                answers.inputs.number(row),
                self.class_names[target[row]],
                self.class_names[predicted[row]],
                float(sureness[row]),
            )
            for row in worst
        ]
        self.pieces = [*self._tables(), *self._charts(questions)]
        if self.mistakes:
            self.pieces.append(show_mistakes(self.mistakes, worst, answers))

    def _measure(self, right: Array) -> dict[str, float]:
        scores = {
            "accuracy": float(np.mean(right)),
            "macro F1": self.macro_mean.f1,
            "macro AUC": self.macro_mean.auc,
            "macro average precision": self.macro_mean.average_precision,
        }
        if self.calibration is not None:
            scores["calibration error"] = self.calibration.error
        return scores

    def _measure_constant(self, there: Sequence[Scores]) -> dict[str, float]:
        """Return what always predicting the most frequent class reaches."""
        rows = np.array([scores.rows for scores in there if scores.rows])
        share = float(rows.max()) / self.num_rows
        return {
            "accuracy": share,
            "macro F1": 2 * share / (share + 1) / len(rows),
            "macro AUC": 0.5 if len(rows) > 1 else float("nan"),
            "macro average precision": float(np.mean(rows)) / self.num_rows,
        }

    @property
    def headline(self) -> str:
        """The accuracy and that of the most frequent class."""
        most_frequent = int(self.confusion_matrix.sum(axis=1).argmax())
        name = shown(self.class_names[most_frequent], 40)
        return (
            f"accuracy {rate(self.scores['accuracy'])} on {counted(self.num_rows, 'row')} of "
            f"{counted(len(self.class_names), 'class')}; always {name}: "
            f"{rate(self.baseline['accuracy'])}"
        )

    def _tables(self) -> list[Piece]:
        """Return scores, classes and confusion matrix."""
        how = "Rows are true classes, columns predicted ones."
        matrix = Matrix("Confusion matrix", self.class_names, self.confusion_matrix, how)
        size = len(self.class_names)
        pieces: list[Piece] = [
            overview(self),
            scores_table("class", self.classes, (self.macro_mean, self.weighted_mean)),
        ]
        pieces += [matrix] if size <= MOST_IN_MATRIX else []
        return pieces + (
            [confused_pairs(matrix)] if size > FEWEST_FOR_PAIRS and self.mistakes else []
        )

    def _charts(self, questions: Sequence[Question]) -> list[Piece]:
        """Return curves and calibration; two classes have the same ones, but for the direction."""
        are_two = len(questions) == 2
        pieces: list[Piece] = [*curve_charts(questions[1:] if are_two else questions, "classes")]
        if self.calibration is not None:
            said, found = "probability of the predicted class", "fraction right"
            if are_two:
                name = printable(self.class_names[1], 24)
                said, found = f"probability of {name}", f"fraction that is {name}"
            pieces += self.calibration.pieces(said, found)
        return pieces


def _ask(answers: Answers, predicted: Array) -> list[Question]:
    """Return for each class whether a row belongs to it."""
    output, target = answers.output, answers.target
    columns = (
        (
            name,
            target == index,
            predicted == index,
            output[:, index] if output.shape[1] > 1 else output[:, 0] * (2 * index - 1),
        )
        for index, name in enumerate(answers.names)
    )
    return ask_each(columns, len(answers.names))


def confused_pairs(matrix: Matrix) -> Table:
    """Return the pairs of classes that are confused most often."""
    counts = matrix.counts.copy()
    np.fill_diagonal(counts, 0)
    size, order = len(counts), np.argsort(-counts, axis=None, kind="stable")[:MOST_PAIRS]
    rows = tuple(
        (
            matrix.names[true],
            matrix.names[predicted],
            tally(counts[true, predicted]),
            rate(matrix.shares[true, predicted]),
        )
        for true, predicted in (divmod(int(place), size) for place in order)
        if counts[true, predicted]
    )
    header = ("true", "predicted", "rows", "of the true class")
    return Table("Most confused classes", header, rows, "llrr")


def overview(report: Report) -> Table:
    """Return the main scores beside the baseline's."""
    rows = tuple(
        (name, rate(value), rate(report.baseline[name]) if name in report.baseline else "")
        for name, value in report.scores.items()
    )
    return Table("Scores", ("", "model", "baseline"), rows, "lrr")


def _decide(output: Array) -> tuple[Array, Array]:
    """Return the predicted class of each row, and how sure the model is of it, both (rows,)."""
    if output.shape[1] > 1:
        return output.argmax(axis=1), output.max(axis=1)
    is_one = output[:, 0] > 0.5
    return is_one.astype(np.intp), np.where(is_one, output[:, 0], 1.0 - output[:, 0])
