from ffnn.core.formulas import Formulas
from ffnn.schedules import SCHEDULES, Schedule


@SCHEDULES.register("harmonic")
class Harmonic(Schedule):
    formulas = Formulas(("η = a / (1 + t)",), where={"a": "first"})

    def __init__(self, first=0.05):
        self.first = first

    def __call__(self, step):
        return self.first / (1 + step)
