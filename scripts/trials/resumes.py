"""Trainings that are killed at a random batch, and resumed from their last checkpoint."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import ffnn
from ffnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.optimizers import SGD, Adagrad, Adam, Nadam, RMSprop
from ffnn.schedules import CosineDecay
from trials.common import Result, content_of, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EPOCHS = 8
ROWS, BATCH_SIZE = 60, 8
BATCHES = -(-48 // BATCH_SIZE)  # an epoch; a fifth of the rows is for validation

OPTIMIZERS: tuple[Callable[[], Any], ...] = (
    lambda: Adam(0.01),
    lambda: RMSprop(0.01),
    lambda: Adagrad(0.1),
    lambda: Nadam(0.01),
    lambda: SGD(0.05, momentum=0.9, nesterov=True),
    lambda: SGD(CosineDecay(0.1, 40)),
)


class _Kill(Callback):
    """Ends the process in the middle of a batch, without any cleanup."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_backward_end(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


class _Training:
    """One case: a network, its data, its callbacks."""

    def __init__(self, seed: int, case: int, path: Path) -> None:
        rng = rng_of(seed, case)
        self.seed = int(rng.integers(1 << 30))
        self.optimizer = OPTIMIZERS[int(rng.integers(len(OPTIMIZERS)))]
        self.rate = float(rng.uniform(0.0, 0.6))
        self.steps = None if rng.random() < 0.5 else int(rng.integers(1, BATCHES + 1))
        self.x = rng.standard_normal((ROWS, 4))
        self.y = rng.integers(0, 3, ROWS)
        self.kill_at = int(rng.integers(BATCHES, EPOCHS * (self.steps or BATCHES) + BATCHES))
        self.path = path

    def fit(self, kill: bool = False, resume: bool = False) -> ffnn.Sequential:
        layers = [Dense(8, "relu"), BatchNorm(), Dropout(self.rate), Dense(3, "softmax")]
        model = ffnn.Sequential(layers, input_dim=4, seed=self.seed)
        model.compile(self.optimizer(), "cce", ["accuracy", "f1"])
        watching: list[Any] = [
            ModelCheckpoint(self.path),
            EarlyStopping("val_loss", patience=3),
            _Kill(self.kill_at if kill else -1),
        ]
        if not isinstance(model.optimizer.learning_rate, CosineDecay):  # type: ignore[union-attr]
            watching.append(ReduceLROnPlateau("val_loss", patience=1, factor=0.5))
        model.fit(
            self.x,
            self.y,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            verbose=0,
            callbacks=watching,
            validation_split=0.2,
            steps_per_epoch=self.steps,
            resume_from=self.path if resume else None,
        )
        return model


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Kill trainings at random batches; each must end like one that was never killed."""
    result = Result()
    for case in cases:
        path = folder / f"{case}.h5"
        training = _Training(seed, case, path)
        whole = content_of(training.fit())
        path.unlink()
        result.count("killed", _killed(training))
        if path.exists():
            resumed = content_of(training.fit(resume=True))
            if resumed != whole:
                result.fail(case, "ended otherwise", path.read_bytes())
            result.control += content_of(_restart(training)) != whole
            result.count("resumed")
        result.cases += 1
        advance(1)
    return result


def _killed(training: _Training) -> bool:
    """Train in a child until it is killed, or ends."""
    pid = os.fork()
    if pid == 0:
        try:
            training.fit(kill=True)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def _restart(training: _Training) -> ffnn.Sequential:
    """Load the checkpoint and just train for the remaining epochs."""
    model = ffnn.load_model(training.path)
    done = len(model.history.epoch)  # type: ignore[union-attr]
    x, y = training.x[:48], training.y[:48]
    model.fit(x, y, BATCH_SIZE, EPOCHS, verbose=0, initial_epoch=done)
    return model
