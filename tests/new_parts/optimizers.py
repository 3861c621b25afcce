import numpy as np

from ffnn.core.formulas import Formulas
from ffnn.optimizers.base import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("sign_descent")
class SignDescent(Optimizer):
    formulas = Formulas(update=("m ← (m + g) / 2", "w ← w - η sign(m)"), where={"m": "slots.mean"})
    slot_names = ("mean",)

    def __init__(self, learning_rate=0.002, clipnorm=None):
        super().__init__(learning_rate, clipnorm)

    def update(self, rate, w, g, scratch, *memory):
        (mean,) = memory
        mean += g
        mean /= 2.0
        w -= rate * np.sign(mean)
