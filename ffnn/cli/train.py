"""``ffnn train``: from the options to a network, its training, and its test."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ffnn import callbacks
from ffnn.activations import ACTIVATIONS
from ffnn.cli.classes import TrainingData
from ffnn.cli.data import training_data
from ffnn.cli.exit_codes import usage_errors
from ffnn.cli.output import check_writable, print_scores, say
from ffnn.cli.parts import normalizations, optimizer_defaults
from ffnn.cli.plan import describe_plan
from ffnn.cli.preset import TablePreset
from ffnn.cli.values import is_file
from ffnn.cli.verdict import require_learning
from ffnn.core.checks import nearest
from ffnn.core.console import show
from ffnn.core.text import counted, listed
from ffnn.data.batches import rows_kept
from ffnn.errors import DataError
from ffnn.initializers import INITIALIZERS
from ffnn.layers import Dense, Dropout, Normalization, Rescaling
from ffnn.losses import LOSSES, MeanSquaredError
from ffnn.models.raw_rows import targets_for
from ffnn.optimizers import OPTIMIZERS, Optimizer
from ffnn.regularizers import L1L2
from ffnn.reports import report
from ffnn.sequential import Sequential
from ffnn.training.signals import Terminated, terminate

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.layers.base import Layer

_SNAPSHOT_BYTES = 1 << 18  # that an epoch of a recording adds to the model file, on average
_SMALLEST = 1e-18  # of a target's largest number, and 1 by it the largest
_LARGEST_PIXEL = {"digits": 16.0}  # of other uint8 data: 255


def train(args: argparse.Namespace) -> None:
    """Train a new network, save it if asked to, and test it on held-out rows.

    The last line printed is the test rows' accuracy or R²; if that is no better than a constant
    prediction, stderr says so, and a training that diverged is an error. Ctrl-C or SIGTERM ends
    the training after the batch; the model so far is saved. A second one ends it at once.
    """
    _check_files(args)
    with usage_errors(TypeError, ValueError):  # unknown names are found before the data is read
        optimizer, hidden = _optimizer(args), _hidden_layers(args)
        if args.loss is not None:
            LOSSES.get(args.loss)
    preset = TablePreset(args) if args.preset == "table" else None
    data = training_data(args)
    with usage_errors(TypeError, ValueError):
        if preset is not None:
            model, stopping = preset.network(data), preset.callbacks()
        else:
            model, stopping = _network(args, data, hidden, optimizer), _callbacks(args)
    if not args.quiet:
        _describe(args, data, model)
        settings = _settings(args, data, model) if preset is None else str(preset.recipe)
        for line in settings.splitlines():
            say(line)
    saver = _Saver(args.out, args.save_every)
    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():  # SIGTERM does what Ctrl-C does
            before = signal.signal(signal.SIGTERM, terminate)
            stack.callback(signal.signal, signal.SIGTERM, before)
        history = _fit(args, data, model, [*stopping, saver], saver)
    if args.out:
        if not saver.signal:
            model.save(args.out)
        if not args.quiet:
            show(f"saved {args.out}")
            if args.record:
                show(f"to see what was recorded:\n  ffnn graph {args.out} --html")
                show(f"  ffnn plot {args.out}")
    if saver.signal:
        ending = Terminated if saver.signal == signal.SIGTERM else KeyboardInterrupt
        raise ending(f"after {len(history.epoch)} of {counted(args.epochs, 'epoch')}")
    _test(args, data, model)


def _check_files(args: argparse.Namespace) -> None:
    """Raise an error if a file that is asked for cannot be written."""
    for option, path in (("--out", args.out), ("--report", args.report)):
        if path:
            check_writable(path, args.data, label=f"{option} ")
    if args.out and args.report and os.path.realpath(args.out) == os.path.realpath(args.report):
        raise argparse.ArgumentTypeError(f"--out and --report name the same file, {args.out}")


def _test(args: argparse.Namespace, data: TrainingData, model: Sequential) -> None:
    """Print how well the test rows are answered, and write a page about them if asked to."""
    x, y, label = data.x_test, data.y_test, "test"
    if y is None:
        x, y, label = data.x_train, data.y_train, "training"
    target = targets_for(model, y)
    if args.report:
        title = f"{Path(args.data).name}: {label} rows"
        report(model, x, target, data.tested).save(args.report, title)
        if not args.quiet:
            show(f"written: {args.report}")
    is_told = is_file(args.data) and not args.quiet
    scores = print_scores(model, x, target, label, with_baseline=is_told)
    require_learning(args, data, model, scores)


# -- the network -------------------------------------------------------------------------------


def _optimizer(args: argparse.Namespace) -> Optimizer:
    kind = OPTIMIZERS.class_named(args.optimizer)
    takers = optimizer_defaults("momentum")
    if args.momentum is not None and args.optimizer.lower() not in takers:
        raise argparse.ArgumentTypeError(f"--momentum belongs to --optimizer {', '.join(takers)}")
    given = {name: getattr(args, name) for name in ("learning_rate", "momentum", "clipnorm")}
    return kind(**{name: value for name, value in given.items() if value is not None})


def _hidden_layers(args: argparse.Namespace) -> list[Layer]:
    activations = args.activation
    if len(activations) == 1:
        activations = activations * len(args.hidden)
    if len(activations) != len(args.hidden):
        raise argparse.ArgumentTypeError(
            f"--activation: expected one name, or one for each of {len(args.hidden)} hidden "
            f"layers, got {len(activations)}",
        )
    known = {"none": None, **normalizations()}
    if args.normalization not in known:
        raise argparse.ArgumentTypeError(
            f"--normalization: unknown name {args.normalization!r}"
            f"{nearest(args.normalization, known)}; known: {', '.join(known)}"
        )
    normalization = known[args.normalization]
    layers: list[Layer] = []
    for units, activation in zip(args.hidden, activations, strict=True):
        if normalization is None:
            layers.append(_dense(args, units, activation))
        else:
            layers += [_dense(args, units), normalization(), ACTIVATIONS.get(activation)]
        if args.dropout:
            layers.append(Dropout(args.dropout))
    return layers


def _dense(args: argparse.Namespace, units: int, activation: str | None = None) -> Dense:
    return Dense(
        units,
        activation,
        weight_initializer=INITIALIZERS.get(args.initializer),
        weight_regularizer=L1L2(args.l1, args.l2) if args.l1 or args.l2 else None,
    )


def _network(
    args: argparse.Namespace, data: TrainingData, hidden: list[Layer], optimizer: Optimizer
) -> Sequential:
    """Put the layers together: column scaling, hidden layers, then classes or numbers.

    Of a table, the encoder scales the columns.
    """
    layers = hidden if data.encoder is not None else [_first_layer(args, data), *hidden]
    if data.class_names is not None:
        layers.append(_dense(args, len(data.class_names), "softmax"))
        loss, metrics = "categorical_crossentropy", ["accuracy"]
    else:
        # Inside the network targets have mean 0 and standard deviation 1, whatever their unit; the
        # last layer brings them back. Weights that had to reach 200,000 would learn nothing.
        units = 1 if data.y_train.ndim == 1 else data.y_train.shape[1]
        layers += [_dense(args, units), Rescaling(*_target_scale(data))]
        loss, metrics = "mean_squared_error", ["mse", "r2"]
    model = Sequential(layers, seed=args.seed)
    model.compile(optimizer, args.loss or loss, metrics)
    if len(data.x_train.shape) == 2:  # fit complains of any other shape
        model.build(data.x_train.shape[1])
    model.class_names, model.feature_names = data.class_names, data.feature_names
    model.encoder = data.encoder
    return model


def _first_layer(args: argparse.Namespace, data: TrainingData) -> Layer:
    if data.x_train.dtype == np.uint8:
        return Rescaling(1.0 / _LARGEST_PIXEL.get(args.data, 255.0))
    x = data.x_train
    if isinstance(x, np.ndarray):  # of rows still in their file, validation rows count too
        x = x[: rows_kept(len(x), args.validation_split)]
    return Normalization().adapt(x)


def _target_scale(data: TrainingData) -> tuple[float, float]:
    """Return the standard deviation (1 where it is 0) and the mean of the training targets."""
    y = np.asarray(data.y_train, dtype=np.float64)
    if not np.isfinite(y).all():
        return 1.0, 0.0  # fit says where
    largest = float(np.abs(y).max())
    if largest and not _SMALLEST < largest < 1.0 / _SMALLEST:
        raise DataError(
            f"target {data.target!r}: expected numbers of a size from {_SMALLEST:g} to "
            f"{1.0 / _SMALLEST:g}, whose squares float32 holds, got {largest:g}; multiply the "
            f"column by a power of ten"
        )
    return float(y.std()) or 1.0, float(y.mean())


# -- training ----------------------------------------------------------------------------------


def _describe(args: argparse.Namespace, data: TrainingData, model: Sequential) -> None:
    """Print what the network is trained on, and its layers and settings."""
    name = Path(args.data).name
    rows, features = data.x_train.shape[:2]
    columns = counted(len(data.encoder.encodings) if data.encoder else features, "column")
    apart = f", {counted(len(data.y_test), 'test row')}" if data.y_test is not None else ""
    classes = "" if data.class_names is None else f", {counted(len(data.class_names), 'class')}"
    say(f"{name}: {counted(rows, 'training row')}{apart}, {columns}{classes}")
    if data.class_names is not None and is_file(args.data):
        hint = ""
        if args.task == "auto" and data.class_names[0].lstrip("-").isdigit():
            hint = " (to learn it as a number: --task regression)"
        say(f"classes of {data.target!r}: {listed(data.class_names, 30)}{hint}")
    elif data.class_names is None:
        low, high = data.y_train.min(), data.y_train.max()
        say(f"target {data.target!r}: numbers from {low:g} to {high:g}")
    for paragraph in data.account:
        show(paragraph)
    model.summary()


def _settings(args: argparse.Namespace, data: TrainingData, model: Sequential) -> str:
    """Return with what the network is trained, and of a table for how long."""
    assert model.optimizer is not None
    assert model.loss is not None
    settings = (
        f"{OPTIMIZERS.name_of(model.optimizer)}, learning rate {model.optimizer.learning_rate:g}, "
        f"batch size {args.batch_size}, loss {LOSSES.name_of(model.loss)}"
    )
    plan = "" if data.encoder is None else f"\n{describe_plan(args, len(data.y_train))}"
    return settings + plan


class _Saver(callbacks.Callback):
    """Saves the model every so many epochs, and when a signal ends the training."""

    saves_model = True

    def __init__(self, out: str | None, every: int | None) -> None:
        self.out, self.every, self.signal, self.earlier = out, every, 0, 0

    def on_train_begin(self, logs: callbacks.Logs) -> None:
        """Remember how many epochs were trained before."""
        self.earlier = len(self.model.history.epoch)

    def on_epoch_end(self, epoch: int, logs: callbacks.Logs) -> None:
        """Save if `every` epochs have passed."""
        if self.out and self.every and (epoch + 1) % self.every == 0:
            self.model.save(self.out)

    def on_interrupt(self, number: int) -> None:
        """Save the model as it stands, before the best weights are restored."""
        self.signal = number
        if self.out:
            self.model.save(self.out)


def _fit(
    args: argparse.Namespace,
    data: TrainingData,
    model: Sequential,
    called: list[callbacks.Callback],
    saver: _Saver,
) -> callbacks.History:
    """Train, or resume a training, and say how long it took."""
    resume_from = args.out if args.resume and Path(args.out).exists() else None
    if resume_from is not None and not args.quiet:
        show(f"resuming from {resume_from}")
    start = time.perf_counter()
    with usage_errors(*([ValueError] if resume_from else [])):  # as other options than before
        history = model.fit(
            data.x_train,
            targets_for(model, data.y_train),
            batch_size=args.batch_size,
            epochs=args.epochs,
            verbose=0 if args.quiet else 2 if args.verbose else "auto",
            callbacks=[*_recorders(args, data, model), *called],
            validation_split=args.validation_split,
            sample_weight=_loss_unit(data, model),
            resume_from=resume_from,
        )
    if not args.quiet:
        seconds = time.perf_counter() - start
        done, wanted = len(history.epoch), counted(args.epochs, "epoch")
        shown = wanted if done == args.epochs else f"{done} of {wanted}"
        if saver.earlier:
            shown = f"{counted(done - saver.earlier, 'more epoch')}, {shown} in all,"
        show(f"trained {shown} in {seconds:.{2 if seconds < 1.0 else 1}f} s")
    return history


def _callbacks(args: argparse.Namespace) -> list[callbacks.Callback]:
    chosen: list[callbacks.Callback] = []
    if args.patience is not None:
        watched = "val_loss" if args.validation_split else "loss"
        chosen.append(callbacks.EarlyStopping(watched, patience=args.patience))
    if args.loss_threshold is not None:
        chosen.append(callbacks.LossThreshold(args.loss_threshold))
    return chosen


def _recorders(
    args: argparse.Namespace, data: TrainingData, model: Sequential
) -> list[callbacks.Callback]:
    """Return what --record asks for: about ten batches of an epoch, parameters while there is room.

    That depends on nothing that may differ where the training is resumed.
    """
    if not args.record:
        return []
    batches = math.ceil(rows_kept(len(data.y_train), args.validation_split) / args.batch_size)
    size = 2 * model.parameters.nbytes if model.is_built else 0  # with the gradients
    snapshots = max(1, math.ceil(size / _SNAPSHOT_BYTES))
    return [callbacks.Recorder(max(1, batches // 10), snapshots)]


def _loss_unit(data: TrainingData, model: Sequential) -> Array | None:
    """Return sample weights that measure the loss of numbers in units of their own scale.

    Then learning rates, penalties and thresholds mean the same for prices as for fractions.
    """
    if data.class_names is not None:
        return None
    power = 2 if isinstance(model.loss, MeanSquaredError) else 1
    return np.full(len(data.y_train), _target_scale(data)[0] ** -power)
