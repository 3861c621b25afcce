"""`Recipe`: the settings of the network for a table, by rules from its rows and columns."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from ffnn.core.text import counted

HIDDEN = (256, 256, 256)
BATCH_ROWS = 256
MOST_EPOCHS, FEWEST_EPOCHS, MOST_UPDATES = 256, 8, 9_000
VALIDATION_SHARE = 0.1
FEWEST_ROWS, FEW_ROWS, FEW_ROWS_NETWORKS = 10, 300, 5  # from, below: so many networks
WAVES = 4  # of the learning rate, each twice as long as the one before
LARGEST_ONE_HOT = 9  # columns; categories that would take more are embedded
MOST_BINS, FEWEST_BINS, BINNED_COLUMNS = 16, 4, 256
# Of one update, in seconds: what each takes, and what a row adds for each weight.
_SECONDS_AN_UPDATE, _SECONDS_A_WEIGHT_AND_ROW = 1e-3, 1e-10


@dataclass(frozen=True)
class Recipe:
    """What a network for a table is made of and how it is trained.

    The rules: three hidden layers of 256 units; batches of about 256 rows, all of nearly the same
    size; as many epochs as make 9,000 updates, but from 8 to 256, of which a training makes fewer
    if, from update 300 on, a wave of 16 epochs or more brings no better epoch. Classes are learned
    with `SELU` at a learning rate of 0.04 and label smoothing of 0.1; numbers with `Mish` at 0.2,
    and with bins for the features that are numbers: 16, or fewer where these would be more than 256
    columns for as many features, none of fewer than 4. Of 10 to 299 rows, validation included, five
    networks learn, each validated on another fifth, and their mean predicts: a tenth of so few rows
    does not tell when one is best.

    Attributes
    ----------
    task : {"classification", "regression"}
        What is learned.
    rows : int
        Rows to train on, without those for validation.
    features : int
        Columns of the encoded table.
    outputs : int
        Classes, or 1 for numbers.
    hidden : tuple of int
        Units of the hidden layers.
    activation : str
        Of the hidden layers.
    learning_rate, weight_decay, dropout : float
        The largest values that their schedules have.
    label_smoothing : float
        The share of each row's target that is spread over all classes.
    bins : int
        Of each feature that is a number, for `PiecewiseLinear`.
    batch_size, epochs : int
        How it is trained, and for how long at most.
    steps_per_epoch : int, optional
        Updates of an epoch, where it is shorter than a pass over the rows.
    measured_seconds : float, optional
        How long the training will take, if that was measured.
    jit_compile : bool or "auto"
        Whether it runs compiled loops, as `Sequential.compile` takes it.
    networks : int
        How many such networks predict together, by their mean.
    """

    task: str
    rows: int
    features: int
    outputs: int
    activation: str
    learning_rate: float
    label_smoothing: float
    bins: int
    batch_size: int
    epochs: int
    hidden: tuple[int, ...]
    weight_decay: float = 0.02
    dropout: float = 0.15
    steps_per_epoch: int | None = None
    measured_seconds: float | None = None
    jit_compile: bool | str = "auto"
    networks: int = 1

    @classmethod
    def of(cls, task: str, rows: int, features: int, outputs: int, networks: int = 1) -> Recipe:
        """Return the recipe for so many training rows of an encoded table."""
        batches = max(round(rows / BATCH_ROWS), 1)
        epochs = min(max(MOST_UPDATES // batches, FEWEST_EPOCHS), MOST_EPOCHS)
        choices = ("mish", 0.2, 0.0) if task == "regression" else ("selu", 0.04, 0.1)
        activation, rate, smoothing = choices
        bins = min(MOST_BINS, BINNED_COLUMNS // features) if task == "regression" else 0
        return cls(
            task=task,
            rows=rows,
            features=features,
            outputs=outputs,
            activation=activation,
            learning_rate=rate,
            label_smoothing=smoothing,
            bins=bins if bins >= FEWEST_BINS else 0,
            batch_size=math.ceil(rows / batches),
            epochs=epochs,
            hidden=HIDDEN,
            networks=networks,
        )

    def lasting(
        self, epochs: int, steps: int | None = None, seconds: float | None = None
    ) -> Recipe:
        """Return the recipe for so many epochs, perhaps of fewer updates, that take so long."""
        return replace(self, epochs=epochs, steps_per_epoch=steps, measured_seconds=seconds)

    @property
    def is_regression(self) -> bool:
        """Whether numbers are learned, and not classes."""
        return self.task == "regression"

    @property
    def batches(self) -> int:
        """Updates of an epoch."""
        whole = math.ceil(self.rows / self.batch_size)
        return min(whole, self.steps_per_epoch or whole)

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.epochs * self.batches

    @property
    def waves(self) -> list[int]:
        """The epochs in which the waves of the learning rate end."""
        parts = (2**wave - 1 for wave in range(1, WAVES + 1))
        return [math.ceil(self.epochs * part / (2**WAVES - 1)) for part in parts]

    @property
    def averaging(self) -> float:
        """β of the moving average of the weights: 0.75 for 256 epochs, less for fewer.

        So the average remembers the same share of any training. Between few epochs there are many
        updates, or much of the schedule: averages over several of them are far from each other.
        """
        return float(0.75 ** (256 / self.epochs))

    @property
    def seconds(self) -> float:
        """About how long all epochs take: as measured, else on one core of a machine of 2024."""
        if self.measured_seconds is not None:
            return self.measured_seconds
        sizes = [self.features, *self.hidden, self.outputs]
        weights = sum(a * b for a, b in itertools.pairwise(sizes))
        a_batch = _SECONDS_AN_UPDATE + _SECONDS_A_WEIGHT_AND_ROW * weights * self.batch_size
        return self.updates * a_batch

    def get_config(self) -> dict[str, Any]:
        """Return the recipe as plain data."""
        return {**asdict(self), "hidden": list(self.hidden)}

    def __str__(self) -> str:
        """Return all choices: the network, its training, its rates, and how many there are."""
        is_measured = self.measured_seconds is not None
        units = " + ".join(map(str, self.hidden))
        outputs = "1 number" if self.is_regression else counted(self.outputs, "class")
        own = f"\nlabel smoothing {self.label_smoothing:g}" if self.label_smoothing else ""
        own += f"\nnumbers in {self.bins} bins" if self.bins else ""
        if self.networks > 1:
            own += (
                f"\nmean of {self.networks} such networks, each validated on another of "
                f"{self.networks} parts: {_seconds(self.networks * self.seconds, is_measured)}"
            )
        batches = f"{counted(self.batches, 'batch')} of {counted(self.batch_size, 'row')}"
        length = f"at most {counted(self.epochs, 'epoch')} of {batches}"
        return (
            f"{counted(self.features, 'feature')} -> {units} units of {self.activation} -> "
            f"{outputs}\n"
            f"{length}: {counted(self.updates, 'update')}, {_seconds(self.seconds, is_measured)}\n"
            f"learning rate up to {self.learning_rate:g}, weight decay up to "
            f"{self.weight_decay:g}, dropout up to {self.dropout:g}{own}"
        )


def _seconds(number: float, is_measured: bool) -> str:
    """Return a time in words."""
    return f"{'about' if is_measured else 'an estimated'} {max(round(number), 1)} s"
