"""Metrics: numbers that are reported but not trained on.

Whatever the batch size, a metric is that of all rows together. Most collect counts or float64 sums
batch by batch; `AUC` and plain functions keep all rows of an epoch, and take memory for them
(`RowsMetric`). `ConfusionMatrix` is a table and not a number: `evaluate` returns it, and histories
leave it out.

In `metrics` of `compile` each row counts once, but for one of weight 0, which is as if it were not
there (Keras counts it, too). In `weighted_metrics` a row counts as much as it weighs: by
`sample_weight`, and in training by `class_weight` too.

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

A metric of one's own is a function, or a class with `reset`, `update` and `result`::

    def worst(y_true, y_pred):
        return abs(y_true - y_pred).max()

    class HitRate(ffnn.metrics.Metric):
        name = "hit_rate"
        higher_is_better = True

        def reset(self):
            self._hits = self._rows = 0

        def update(self, target, output):
            self._hits += int((output.argmax(axis=1) == target).sum())
            self._rows += len(target)

        def result(self):
            return self._hits / self._rows

    model.compile("adam", "cce", metrics=[HitRate(), "auc"])
    ffnn.load_model(path, custom_objects={"HitRate": HitRate})

Read `base` first, then `classification` and `regression`; `rows` and `weighted` are about all rows
together and about weights.
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
from ffnn.metrics.rows import FunctionMetric, RowsMetric
from ffnn.metrics.weighted import Weighted, weigh

if TYPE_CHECKING:
    from ffnn.metrics.classification import (
        F1,
        Accuracy,
        BinaryAccuracy,
        ClassificationMetric,
        Precision,
        Recall,
    )
    from ffnn.metrics.confusion import ConfusionMatrix
    from ffnn.metrics.ranking import AUC, TopKAccuracy
    from ffnn.metrics.regression import R2, MeanAbsoluteError, MeanSquaredError
else:

    def __getattr__(name):
        return load_class(__name__, name)


__all__ = [
    "AUC",
    "F1",
    "METRICS",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "CalibrationCurve",
    "ClassificationMetric",
    "ConfusionMatrix",
    "DenseMetric",
    "FunctionMetric",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "PrecisionRecallCurve",
    "Recall",
    "RocCurve",
    "RowsMetric",
    "TopKAccuracy",
    "Weighted",
    "area_under_roc",
    "average_precision",
    "calibration_curve",
    "check_names",
    "confusion_matrix",
    "precision_recall_curve",
    "roc_curve",
    "weigh",
]
