"""One run: a row of the table trained with one seed, in a process of its own."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import time
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import ffnn
from ffnn.callbacks import LossThreshold
from ffnn.datasets import load_mnist
from ffnn.errors import TrainingDivergedError
from ffnn.layers import LAYERS, Activation, Dense, Dropout, Rescaling
from ffnn.optimizers import OPTIMIZERS
from ffnn.regularizers import L1L2
from ffnn.schedules import CosineDecay
from report.settings import SklearnTraining

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ffnn.layers import Layer
    from ffnn.optimizers import Optimizer
    from report.settings import Row, Training

    Labels = NDArray[np.int64]

LOSS_THRESHOLD = 0.01
SPLIT_SEED = 20240301
NUM_PIXELS, PIXEL_SCALE = 784, 1.0 / 255.0
GRADIENT_ROWS = 5_000


@dataclass(frozen=True)
class Scale:
    """How much of the data and of the epochs a run takes.

    Attributes
    ----------
    train, validation, test : int
        Numbers of rows. Training and validation rows come from MNIST's 60,000, test rows from
        its 10,000.
    epochs : int or None
        The most epochs, whatever the table says.
    """

    train: int
    validation: int
    test: int
    epochs: int | None = None

    def shorten(self, training: Training | SklearnTraining) -> Training | SklearnTraining:
        """Return the training with no more than `epochs` epochs."""
        if self.epochs is None:
            return training
        return replace(training, epochs=min(training.epochs, self.epochs))


FULL = Scale(train=55_000, validation=5_000, test=10_000)
QUICK = Scale(train=2_000, validation=500, test=2_000, epochs=2)


class Data(NamedTuple):
    """Pixels from 0 to 255 as uint8 (rows, 784), and digits, in three parts."""

    x_train: NDArray[np.uint8]
    y_train: Labels
    x_validation: NDArray[np.uint8]
    y_validation: Labels
    x_test: NDArray[np.uint8]
    y_test: Labels


@lru_cache(maxsize=1)
def load_data(scale: Scale) -> Data:
    """Return the fixed split, the same for all runs; a process reads it once.

    Which of the 60,000 rows validate is drawn once, with the seed `SPLIT_SEED`.
    """
    (x, y), (x_test, y_test) = load_mnist()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(x))
    validation = order[: scale.validation]
    train = order[FULL.validation : FULL.validation + scale.train]
    test = slice(scale.test)
    return Data(x[train], y[train], x[validation], y[validation], x_test[test], y_test[test])


def file_name(text: str) -> str:
    """Return a text in letters, digits, points and "-"."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


class Run(NamedTuple):
    """A row of the table with one seed.

    Attributes
    ----------
    experiment : str
        The experiment's name.
    row : Row
        The setting.
    seed : int
        Of the initial weights, the order of the rows and dropout.
    scale : Scale
        How much is trained.
    """

    experiment: str
    row: Row
    seed: int
    scale: Scale

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells runs apart."""
        return self.experiment, self.row.name, self.seed

    @property
    def settings(self) -> str:
        """A hash of all that the numbers depend on, apart from the seed and library versions."""
        training = self.scale.shorten(self.row.training)
        content = repr((training, self.scale, LOSS_THRESHOLD, SPLIT_SEED))
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def library(self) -> str:
        """What trains, without its version."""
        return "scikit-learn" if isinstance(self.row.training, SklearnTraining) else "ffnn"

    @property
    def file_stem(self) -> str:
        """A name for this run's files."""
        return f"{self.experiment}_{file_name(self.row.name)}_{self.settings}_{self.seed}"


def current_version(library: str) -> str:
    """Return the name and the version of ``"ffnn"`` or ``"scikit-learn"``."""
    version = ffnn.__version__ if library == "ffnn" else importlib.metadata.version(library)
    return f"{library} {version}"


class Outcome(NamedTuple):
    """What a run has given.

    Attributes
    ----------
    epochs : int
        Epochs trained.
    end : {"all epochs", "threshold", "diverged", "converged"}
        Why it ended: it was trained to the end, its loss fell to the threshold, or became infinite
        or NaN, or scikit-learn saw no progress.
    losses : tuple of float
        Mean cross-entropy on the training, validation and test rows after training.
    correct : ndarray of bool, shape (test rows,)
        Which test rows were classified correctly.
    validation_accuracy : float
        In percent.
    seconds, cpu_seconds : float
        Of `fit`.
    history : dict of str to list of float
        ``"loss"`` and, where there is one, ``"val_loss"``, a number an epoch.
    version : str
        Library and version.
    network : dict of str to ndarray
        ``"parameters"`` and, of the loss of the first training rows, ``"gradients"``, as one vector
        each; empty if they were not wanted.
    """

    epochs: int
    end: str
    losses: tuple[float, float, float]
    correct: NDArray[np.bool_]
    validation_accuracy: float
    seconds: float
    cpu_seconds: float
    history: dict[str, list[float]]
    version: str
    network: dict[str, NDArray[np.float32]]


def execute(run: Run, keep_network: bool = False) -> Outcome:
    """Train and test.

    Parameters
    ----------
    run : Run
        What to train.
    keep_network : bool, default False
        Whether the trained network is part of the outcome, if it is one of this library.
    """
    training = run.scale.shorten(run.row.training)
    data = load_data(run.scale)
    if isinstance(training, SklearnTraining):
        return _train_sklearn(training, run.seed, data)
    return _train(training, run.seed, data, keep_network)


# -- this library ----------------------------------------------------------------------------------


def build_layers(training: Training) -> list[Layer]:
    """Return the layers of a network, rescaling of the pixels included."""
    weights = training.weights
    penalty = L1L2(training.l1, training.l2) if training.l1 or training.l2 else None
    layers: list[Layer] = [Rescaling(PIXEL_SCALE)]
    if training.input_dropout:
        layers.append(Dropout(training.input_dropout))
    for units in training.hidden:
        activation = None if training.norm else training.activation
        layers.append(
            Dense(units, activation, weight_initializer=weights, weight_regularizer=penalty)
        )
        if training.norm:
            layers += [LAYERS.get(training.norm), Activation(training.activation)]
        if training.dropout:
            layers.append(Dropout(training.dropout))
    layers.append(Dense(10, "softmax", weight_initializer=weights, weight_regularizer=penalty))
    return layers


def make_optimizer(training: Training, num_rows: int) -> Optimizer:
    """Return the optimizer for a training on so many rows."""
    rate: float | CosineDecay = training.learning_rate
    if training.cosine:
        steps = -(-num_rows // training.batch_size) * training.epochs
        rate = CosineDecay(training.learning_rate, steps)
    return OPTIMIZERS.classes[training.optimizer](learning_rate=rate, **dict(training.options))


def build_model(training: Training, seed: int | None = None) -> ffnn.Sequential:
    """Return an untrained network."""
    return ffnn.Sequential(build_layers(training), input_dim=NUM_PIXELS, seed=seed)


def _train(training: Training, seed: int, data: Data, keep_network: bool) -> Outcome:
    model = build_model(training, seed)
    optimizer = make_optimizer(training, len(data.x_train))
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    clock = _Clock()
    end = _fit(model, training, data)
    seconds = clock.read()
    assert model.history is not None
    train, validation, test = (
        model.evaluate(x, y, return_dict=True) for x, y in zip(data[::2], data[1::2], strict=True)
    )
    correct = model.predict(data.x_test).argmax(axis=1) == data.y_test
    network = {}
    if keep_network:
        model.compute_gradients(data.x_train[:GRADIENT_ROWS], data.y_train[:GRADIENT_ROWS])
        network = {"parameters": model.parameters, "gradients": model.gradients}
    penalty = _penalty(model)
    return Outcome(
        len(model.history.epoch),
        end,
        (train["loss"] - penalty, validation["loss"] - penalty, test["loss"] - penalty),
        correct,
        100.0 * validation["accuracy"],
        *seconds,
        {name: model.history.history.get(name, []) for name in ("loss", "val_loss")},
        current_version("ffnn"),
        network,
    )


def _fit(model: ffnn.Sequential, training: Training, data: Data) -> str:
    """Train a model and return why the training ended."""
    threshold = LossThreshold(LOSS_THRESHOLD)
    try:
        model.fit(
            data.x_train,
            data.y_train,
            batch_size=training.batch_size,
            epochs=training.epochs,
            verbose=0,
            callbacks=[threshold],
            validation_data=(data.x_validation, data.y_validation),
        )
    except TrainingDivergedError:
        return "diverged"  # the parameters are the last finite ones
    return "all epochs" if threshold.stopped_epoch is None else "threshold"


def _penalty(model: ffnn.Sequential) -> float:
    """Return what the penalties add to the loss."""
    return sum(
        rule.value(layer.params[name], np.empty_like(layer.params[name]))
        for layer in model.layers
        for name, rule in layer.regularizers().items()
    )


# -- scikit-learn ----------------------------------------------------------------------------------


def _train_sklearn(training: SklearnTraining, seed: int, data: Data) -> Outcome:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def scaled(x: NDArray[np.uint8]) -> NDArray[Any]:
        return np.multiply(x, PIXEL_SCALE, dtype=training.dtype)

    model = MLPClassifier(
        training.hidden, max_iter=training.epochs, random_state=seed, **training.options
    )
    x_train = scaled(data.x_train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all epochs were trained: as wanted
        clock = _Clock()
        model.fit(x_train, data.y_train)
        seconds = clock.read()
    test = model.predict_proba(scaled(data.x_test))
    validation = model.predict_proba(scaled(data.x_validation))
    return Outcome(
        model.n_iter_,
        "all epochs" if model.n_iter_ == training.epochs else "converged",
        (
            _cross_entropy(model.predict_proba(x_train), data.y_train),
            _cross_entropy(validation, data.y_validation),
            _cross_entropy(test, data.y_test),
        ),
        test.argmax(axis=1) == data.y_test,
        100.0 * float(np.mean(validation.argmax(axis=1) == data.y_validation)),
        *seconds,
        {"loss": [float(loss) for loss in model.loss_curve_]},
        current_version("scikit-learn"),
        {},
    )


def _cross_entropy(probabilities: NDArray[Any], y: Labels) -> float:
    chosen = probabilities[np.arange(len(y)), y].astype(np.float64)
    return float(-np.mean(np.log(np.maximum(chosen, np.finfo(np.float64).tiny))))


class _Clock:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._start = (time.perf_counter(), time.process_time())

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._start[0], time.process_time() - self._start[1]
