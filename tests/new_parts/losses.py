import numpy as np

from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, Loss


@LOSSES.register("smooth_absolute_error", "smooth")
class SmoothAbsoluteError(Loss):
    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ √(r² + 1) with r = p - y",),
        backward=("∂L/∂p = 1/(n u) w ∘ r / √(r² + 1) with r = p - y",),
    )

    def forward(self, output, target, weight=None):
        self.output, self.target, self.weight = output, target, weight
        return float(np.mean(self._weighed(np.sqrt((output - target) ** 2 + 1.0))))

    def backward(self):
        residual = self.output - self.target
        return self._weighed(residual / np.sqrt(residual**2 + 1.0)) / residual.size

    def _weighed(self, values):
        return values if self.weight is None else values * self.weight[:, None]
