"""A machine on which time passes only where it is told to."""

from ffnn.core import clock
from ffnn.training.step import EvaluationStep, TrainStep


class SlowMachine:
    """A clock that updates and validations move on, and nothing else.

    Attributes
    ----------
    seconds : float
        What the clock shows.
    update, validation : float
        How long an update takes, and a batch that is validated on.
    warming : float
        How much longer the first update and the first validation take.
    updates, validations : int
        How many there were.
    """

    def __init__(self, monkeypatch, update=0.1, validation=0.0, warming=0.0):
        self.update, self.validation, self.warming = update, validation, warming
        self.seconds, self.updates, self.validations = 0.0, 0, 0
        train, evaluate = TrainStep.__call__, EvaluationStep.__call__

        def slow_update(step, *batch):
            self.seconds += self.update + (0.0 if self.updates else self.warming)
            self.updates += 1
            return train(step, *batch)

        def slow_validation(step, *batch):
            self.seconds += self.validation + (0.0 if self.validations else self.warming)
            self.validations += 1
            return evaluate(step, *batch)

        monkeypatch.setattr(TrainStep, "__call__", slow_update)
        monkeypatch.setattr(EvaluationStep, "__call__", slow_validation)
        monkeypatch.setattr(clock, "now", lambda: self.seconds)
