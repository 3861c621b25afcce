"""The outputs of a model by name: probabilities of classes or labels, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import nearest
from ffnn.core.text import listed, shorten, shown
from ffnn.models.decisions import names_of, task_of
from ffnn.models.trainable import Trainable
from ffnn.reports.pieces import number, rate


@dataclass(frozen=True)
class Outputs:
    """What the outputs of a model are.

    `task` is "classes", "labels" or "numbers". One unit may stand for two classes: then it is the
    probability of the second one.
    """

    task: str
    names: tuple[str, ...]
    units: int
    are_probabilities: bool

    @property
    def has_both(self) -> bool:
        """Whether one unit tells two classes apart."""
        return self.units < len(self.names)

    def unit(self, place: int) -> tuple[int, bool]:
        """Return the unit of a name, and whether it is 1 minus that."""
        return (0, place == 0) if self.has_both else (place, False)

    def find(self, owner: str, output: Any) -> int:
        """Return the place of a name, or of a place counted from 0; ValueError if there is none."""
        names = list(self.names)
        is_number = isinstance(output, (int, np.integer)) and not isinstance(output, bool)
        if is_number and 0 <= output < len(names):
            return int(output)
        if isinstance(output, str) and output in names:
            return names.index(output)
        if not isinstance(output, str) and not is_number:
            raise TypeError(f"{owner}: output must be a name or a number, got {shown(output)}")
        hint = nearest(output, names) if isinstance(output, str) else ""
        raise ValueError(
            f"{owner}: there is no output {shown(output, 60)}{hint}; there are "
            f"{listed((shown(name, 60) for name in names), 12)}"
        )

    def quantity(self, place: int) -> str:
        """Return what an output is called in a sentence."""
        name = shorten(self.names[place], 40)
        if self.task == "numbers":
            return f"the predicted {name}" if name else "the prediction"
        return f"the {'probability' if self.are_probabilities else 'output'} of {name!r}"

    def text(self, value: float) -> str:
        """Return a value of an output as it is shown."""
        return rate(value) if self.are_probabilities else number(value)

    def change(self, value: float) -> str:
        """Return a difference of outputs as it is shown, with its sign."""
        if not value:
            return "0"
        text = self.text(value)
        return text if text.startswith("-") else f"+{text}"


def outputs_of(model: Trainable) -> Outputs:
    """Return what the outputs of a compiled and built model are."""
    task, units = task_of(model), model.output_dim or 0
    names, encoder = model.class_names, model.encoder
    if task == "numbers":
        target = None if encoder is None else encoder.target
        single = "" if target is None else target.name
        names = [f"output {i}" for i in range(units)] if units > 1 else [single]
    low, high = getattr(model.last_activation, "output_range", (-np.inf, np.inf))
    are_probabilities = bool(task != "numbers" and low >= 0.0 and high <= 1.0)
    return Outputs(task, names_of(names, units, task), units, are_probabilities)


def decide(outputs: Outputs, values: Array) -> Array:
    """Return the place of the class that each row of outputs (rows, units) speaks for."""
    if outputs.has_both:
        return (values[:, 0] > 0.5).astype(np.intp)
    places: Array = values.argmax(axis=1)
    return places
