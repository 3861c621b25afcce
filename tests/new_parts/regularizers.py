import numpy as np

from ffnn.core.formulas import Formulas
from ffnn.regularizers import REGULARIZERS, Regularizer


@REGULARIZERS.register("quartic")
class Quartic(Regularizer):
    formulas = Formulas(("R = λ Σ w^4",), ("∂R/∂w = 4 λ w³",), where={"λ": "strength"})

    def __init__(self, strength=0.01):
        self.strength = strength

    def value(self, w, scratch):
        return self.strength * float(np.sum(w**4))

    def add_gradient(self, w, grad, scratch):
        grad += 4.0 * self.strength * w**3
