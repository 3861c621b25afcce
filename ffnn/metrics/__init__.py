"""Metrics: numbers that are reported but not trained on.

A metric collects integer counts or float64 sums batch by batch, so its result is that of all rows
together, whatever the batch size. Sample weights are ignored, except that rows of weight 0 are as
if they were not there.

Outputs are (batch, units). Targets are (batch, units), or (batch,) class numbers. What a row of
targets means follows from the model's loss and last activation (`Loss.task_after`), never from the
values that happen to be in it, and values that do not fit that meaning are refused:

- after a softmax, **one class out of several**: the predicted class is the largest unit;
- with one unit, **yes or no**: 1 where the unit is above 0.5;
- several sigmoid units with binary cross-entropy, **several labels**: each unit is a question of
  its own, yes where it is above 0.5;
- several units with a loss on numbers: one class out of several, and targets must be one-hot rows.

``Accuracy(task="classes")`` and ``task="labels"`` choose between the two where several units could
mean either; precision, recall and F1 have the same argument.

Beside them are functions of arrays, for predictions from anywhere: `curves` of scores against
decisions, such as `roc_curve`, with their areas, and the `confusion_matrix`.

Read `base` first, then `classification` and `regression`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.registry import load_class
from ffnn.metrics.base import METRICS, DenseMetric, Metric, check_names
from ffnn.metrics.confusion import confusion_matrix
from ffnn.metrics.curves import (
    CalibrationCurve,
    PrecisionRecallCurve,
    RocCurve,
    area_under_roc,
    average_precision,
    calibration_curve,
    precision_recall_curve,
    roc_curve,
)

if TYPE_CHECKING:
    from ffnn.metrics.classification import (
        F1,
        Accuracy,
        BinaryAccuracy,
        ClassificationMetric,
        Precision,
        Recall,
    )
    from ffnn.metrics.regression import R2, MeanAbsoluteError, MeanSquaredError
else:

    def __getattr__(name):
        return load_class(__name__, name)


__all__ = [
    "F1",
    "METRICS",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "CalibrationCurve",
    "ClassificationMetric",
    "DenseMetric",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "PrecisionRecallCurve",
    "Recall",
    "RocCurve",
    "area_under_roc",
    "average_precision",
    "calibration_curve",
    "check_names",
    "confusion_matrix",
    "precision_recall_curve",
    "roc_curve",
]
