"""A small training with everything that it depends on, to be changed, stopped and resumed."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn import schedules
from ffnn.callbacks import (
    Callback,
    EarlyStopping,
    LossThreshold,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
)
from ffnn.layers import BatchNorm, Dense, Dropout

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES, COLUMNS = 3, 4
KINDS: dict[str, type[Callback]] = {
    "checkpoint": ModelCheckpoint,
    "plateau": ReduceLROnPlateau,
    "recorder": Recorder,
    "stopping": EarlyStopping,
    "threshold": LossThreshold,
}


@dataclass
class Training:
    """What `fit` is given, and the model that it trains.

    Attributes
    ----------
    x, y : ndarray
        Rows and labels.
    options : dict
        Further arguments of `fit`.
    callbacks : dict of str to dict
        Arguments of callbacks, by their names in `KINDS`, in order.
    optimizer : dict
        Arguments of `Adam`, if no schedule sets the rate of `SGD`.
    schedule : dict or None
        Arguments of `CosineDecay`.
    model : dict
        ``seed``, ``units``, ``rate`` of the dropout, ``loss``, ``metrics``.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    options: dict[str, Any]
    callbacks: dict[str, dict[str, Any]]
    optimizer: dict[str, Any] = field(default_factory=lambda: {"learning_rate": 0.01})
    schedule: dict[str, Any] | None = None
    model: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Training:
        """Return a random training."""
        rows = int(rng.integers(20, 50))
        options: dict[str, Any] = {"batch_size": int(rng.integers(4, 9))}
        if rng.integers(2):
            options["validation_split"] = 0.25
        else:
            held_out = rng.standard_normal((6, COLUMNS)), rng.integers(0, CLASSES, 6)
            options["validation_data"] = held_out
        if rng.integers(2):
            options["steps_per_epoch"] = 2
        if rng.integers(3) == 0:
            options["sample_weight"] = rng.uniform(0.5, 2.0, rows)
        if rng.integers(3) == 0:
            options["class_weight"] = {0: 1.0, 1: 2.0, 2: 0.5}
        if rng.integers(4) == 0:
            options["shuffle"] = False
        watchers: dict[str, dict[str, Any]] = {
            "stopping": {"monitor": "val_loss", "patience": 50},
            "checkpoint": {"save_best_only": True, "monitor": "val_loss"},
            "recorder": {"snapshots": 2, "histograms": 8},
            "threshold": {"threshold": 1e-9},
        }
        scheduled = rng.integers(3) == 0
        if not scheduled:
            watchers["plateau"] = {"monitor": "val_loss", "patience": 1, "factor": 0.5}
        names = [str(name) for name in rng.permutation(sorted(watchers))]
        return cls(
            rng.standard_normal((rows, COLUMNS)),
            rng.permutation(np.arange(rows) % CLASSES),
            options,
            {name: watchers[name] for name in names[: rng.integers(1, len(names) + 1)]},
            schedule={"initial_learning_rate": 0.1, "decay_steps": 40} if scheduled else None,
            model={
                "seed": int(rng.integers(1 << 30)),
                "units": 6,
                "rate": 0.2,
                "loss": "cce",
                "metrics": ["accuracy", "f1"],
            },
        )

    def make_model(self) -> ffnn.Sequential:
        """Return a new model, built and compiled."""
        made = self.model
        layers = [
            Dense(made["units"], "relu"),
            BatchNorm(),
            Dropout(made["rate"]),
            Dense(CLASSES, "softmax"),
        ]
        model = ffnn.Sequential(layers, input_dim=COLUMNS, seed=made["seed"])
        optimizer = (
            ffnn.optimizers.Adam(**self.optimizer)
            if self.schedule is None
            else ffnn.optimizers.SGD(schedules.CosineDecay(**self.schedule))
        )
        model.compile(optimizer, made["loss"], made["metrics"])
        return model

    def make_callbacks(self, folder: Path) -> list[Callback]:
        """Return new callbacks; a checkpoint is written into `folder`."""
        paths = {"checkpoint": {"filepath": folder / "best.h5"}}
        return [KINDS[name](**paths.get(name, {}), **own) for name, own in self.callbacks.items()]

    def fit(
        self,
        model: ffnn.Sequential,
        callbacks: list[Callback],
        epochs: int,
        **more: Any,
    ) -> ffnn.callbacks.History:
        """Train `model`."""
        options = {"verbose": 0} | self.options | more
        return model.fit(self.x, self.y, epochs=epochs, callbacks=callbacks, **options)

    def save(self, path: Path, epochs: int, batch: int | None = None) -> None:
        """Train for some epochs, and behind a batch of the next one if given; then save."""
        model, callbacks = self.make_model(), self.make_callbacks(path.parent)
        if batch is None:
            self.fit(model, [*callbacks, Saver(path)], epochs)
        else:
            self.fit(model, [*callbacks, Saver(path, epochs, batch)], epochs + 1)


class Saver(Callback):
    """Saves the model at each epoch's end, or presses Ctrl-C in a batch and saves it then."""

    saves_model = True

    def __init__(self, path: Path | None = None, epoch: int = -1, batch: int = -1) -> None:
        self.path, self.place = path, (epoch, batch)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        """Note the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Press Ctrl-C, if it is time."""
        if (self.epoch, batch) == self.place:
            signal.raise_signal(signal.SIGINT)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Save."""
        if self.path is not None:
            self.model.save(self.path)

    def on_interrupt(self, number: int) -> None:
        """Save."""
        if self.path is not None:
            self.model.save(self.path)
