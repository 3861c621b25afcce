import numpy as np

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formulas


@ACTIVATIONS.register("softsign")
class Softsign(ActivationFunction):
    formulas = Formulas(("y = x / (1 + |x|)",), ("∂L/∂x = ∂L/∂y / (1 + |x|)²",))
    output_range = (-1.0, 1.0)

    def forward(self, x, training=False):
        self.x = x
        return x / (1.0 + np.abs(x))

    def backward(self, grad):
        return grad / (1.0 + np.abs(self.x)) ** 2
