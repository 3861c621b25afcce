import numpy as np

from ffnn.metrics import METRICS, Metric


@METRICS.register("worst_error")
class WorstError(Metric):
    name = "worst_error"
    higher_is_better = False

    def reset(self):
        self._worst = 0.0

    def update(self, target, output):
        self._worst = max(self._worst, float(np.abs(output - target).max()))

    def result(self):
        return self._worst
