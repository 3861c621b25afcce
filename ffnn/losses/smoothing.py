"""Label smoothing: targets that are a little less certain, by which a network learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.losses.base import ElementwiseLoss

NOTE = "y is smoothed: (1 - s) y + s / k for k classes, two where each output is a yes or no."


def check_smoothing(owner: str, value: Any) -> float:
    """Return the share of the targets that is spread over all classes."""
    return check_number(owner, "label_smoothing", value, low=0.0, high=1.0, high_open=True)


class BinaryLoss(ElementwiseLoss):
    """What losses on bits share: targets y become (1 - s) y + s / 2."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = check_smoothing(type(self).__name__, label_smoothing)

    def allocate(self, rows: int) -> None:
        """Allocate also the smoothed targets, if they are."""
        super().allocate(rows)
        if self.label_smoothing:
            self.smooth = self.like("smooth")

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean of ℓ, by smoothed targets."""
        if self.label_smoothing:
            if output.shape != self.shape or output.dtype != self.dtype:
                self.allocate_for(output)
            np.multiply(target, 1.0 - self.label_smoothing, out=self.smooth)
            self.smooth += self.label_smoothing / 2.0
            target = self.smooth
        return super().forward(output, target, weight)
