"""``ffnn train``: from the options to a network, its training, and its test."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ffnn import callbacks
from ffnn.callbacks.recorder import start_recording
from ffnn.cli.classes import TrainingData, target_scale
from ffnn.cli.data import training_data
from ffnn.cli.ensemble import TableEnsemble
from ffnn.cli.exit_codes import usage_errors
from ffnn.cli.misplaced import plain_options
from ffnn.cli.output import check_writable, print_scores, say
from ffnn.cli.plain import PlainPreset
from ffnn.cli.preset import TablePreset
from ffnn.cli.values import is_file
from ffnn.cli.verdict import require_learning
from ffnn.core import clock
from ffnn.core.console import show
from ffnn.core.text import counted, listed
from ffnn.data import Rows
from ffnn.data.batches import rows_kept
from ffnn.losses import MeanSquaredError
from ffnn.models.raw_rows import targets_for
from ffnn.reports import report
from ffnn.sequential import Sequential
from ffnn.training.signals import Terminated, terminate

if TYPE_CHECKING:
    from ffnn._types import Array

_SNAPSHOT_BYTES = 1 << 18  # that an epoch of a recording adds to the model file, on average
_WATCHED = 1_000  # rows
_OF_PARTS = ("micro_batches", "workers", "distributed")  # of a batch
_SMALLEST = 1e-18  # of a target's largest number, and 1 by it the largest
_LARGEST_PIXEL = {"digits": 16.0}  # of other uint8 data: 255


def train(args: argparse.Namespace) -> None:
    """Train a new network, save it if asked to, and test it on held-out rows.

    The last line printed is the test rows' accuracy or R²; if that is no better than a constant
    prediction, stderr says so, and a training that diverged is an error. Ctrl-C or SIGTERM ends
    the training after the batch; the model so far is saved. A second one ends it at once.
    """
    if not args.rank:
        _check_files(args)
    if args.watch:
        _require_bokeh()
    preset = TablePreset(args) if args.preset == "table" else PlainPreset(args)
    data = training_data(args)
    with usage_errors(TypeError, ValueError):
        ensemble = None if preset.is_single else TableEnsemble(args, data)
        model = preset.network(data) if ensemble is None else ensemble.network()
    if not args.quiet:
        if others := plain_options(args):
            say(f"{listed(others)}: options of --preset plain, which is used")
        _describe(args, data, model)
        chosen = preset.describe(data, model) if ensemble is None else str(ensemble)
        for line in chosen.splitlines():
            say(line)
    saver = _Saver(args.out if ensemble is None else None, args.save_every)
    with contextlib.ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():  # SIGTERM does what Ctrl-C does
            before = signal.signal(signal.SIGTERM, terminate)
            stack.callback(signal.signal, signal.SIGTERM, before)
        if ensemble is None:
            epochs = len(_fit(args, data, model, preset, saver).epoch)
            done = f"{epochs} of {counted(args.epochs, 'epoch')}"
        else:
            model, networks = ensemble.train(saver)
            done = f"{networks} of {counted(args.ensemble, 'network')}"
    if args.rank:
        if model.history is not None and model.history.interrupted:
            raise KeyboardInterrupt
        return
    if args.out:
        _keep(args, model, is_saved=bool(saver.signal) and ensemble is None)
    if saver.signal:
        ending = Terminated if saver.signal == signal.SIGTERM else KeyboardInterrupt
        raise ending(f"after {done}")
    _test(args, data, model)


def _keep(args: argparse.Namespace, model: Sequential, *, is_saved: bool) -> None:
    """Save the model if that has not been done, and say so."""
    if not is_saved:
        model.save(args.out)
    if not args.quiet:
        show(f"saved {args.out}")
        if args.record:
            show(f"to see what was recorded:\n  ffnn graph {args.out} --html")
            show(f"  ffnn plot {args.out}")


def _require_bokeh() -> None:
    from ffnn.play.server import require_bokeh  # which loads what serves pages

    with usage_errors(ImportError, label="--watch: "):
        require_bokeh()


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


class _Saver(callbacks.Callback):
    """Saves the model every so many epochs, and when a signal ends the training.

    A few rows are saved with it, which the page of ``ffnn graph --html`` sends through the network.
    """

    saves_model = True

    def __init__(self, out: str | None, every: int | None) -> None:
        self.out, self.every, self.signal, self.earlier = out, every, 0, 0

    def on_train_begin(self, logs: callbacks.Logs) -> None:
        """Remember how many epochs were trained before, and keep a few rows."""
        self.earlier = len(self.model.history.epoch)
        if self.model.recording is None:  # else a Recorder has kept them
            self.model.recording = start_recording(self.model)

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
    preset: PlainPreset | TablePreset,
    saver: _Saver,
) -> callbacks.History:
    """Train, or resume a training, and say how long it took."""
    resume_from = args.out if args.resume and Path(args.out).exists() else None
    if resume_from is not None and not args.quiet:
        show(f"resuming from {resume_from}")
    start = clock.now()
    is_cut = args.distributed or not args.given.isdisjoint({"--micro-batches", "--workers"})
    is_usage = is_cut or resume_from is not None  # as other options than before
    with usage_errors(*([ValueError] if is_usage else [])):
        history = model.fit(
            data.x_train,
            targets_for(model, data.y_train),
            batch_size=preset.batch_size,
            epochs=args.epochs,
            verbose=0 if args.quiet else 2 if args.verbose else "auto",
            callbacks=[
                *_recorders(args, data, model, preset.batch_size),
                *preset.callbacks(),
                *_watchers(args, data, model),
                saver,
            ],
            validation_split=args.validation_split,
            shuffle="blocks" if isinstance(data.x_train, Rows) else True,
            sample_weight=_loss_unit(data, model),
            steps_per_epoch=preset.steps_per_epoch,
            accumulate=preset.accumulate,
            **{name: getattr(args, name) for name in _OF_PARTS},
            **({"timeout": args.timeout} if args.distributed else {}),
            resume_from=resume_from,
        )
    if not args.quiet:
        _tell_length(args, model, saver.earlier, clock.now() - start)
    return history


def _tell_length(args: argparse.Namespace, model: Sequential, earlier: int, seconds: float) -> None:
    """Print for how many epochs, some of them `earlier`, and how long was trained."""
    assert model.history is not None
    done, wanted = len(model.history.epoch), counted(args.epochs, "epoch")
    told = wanted if done == args.epochs else f"{done} of {wanted}"
    if earlier:
        told = f"{counted(done - earlier, 'more epoch')}, {told} in all,"
    loops = ", with compiled loops" if model.compiled_parts else ""
    show(f"trained {told} in {seconds:.{2 if seconds < 1.0 else 1}f} s{loops}")


def _recorders(
    args: argparse.Namespace, data: TrainingData, model: Sequential, batch_size: int
) -> list[callbacks.Callback]:
    """Return what --record asks for: about ten batches of an epoch, parameters while there is room.

    That depends on nothing that may differ where the training is resumed.
    """
    if not args.record:
        return []
    batches = math.ceil(rows_kept(len(data.y_train), args.validation_split) / batch_size)
    size = 2 * model.parameters.nbytes if model.is_built else 0  # with the gradients
    snapshots = max(1, math.ceil(size / _SNAPSHOT_BYTES))
    return [callbacks.Recorder(max(1, batches // 10), snapshots)]


def _watchers(
    args: argparse.Namespace, data: TrainingData, model: Sequential
) -> list[callbacks.Callback]:
    """Return what --watch asks for: the page, with test rows or else training rows."""
    if not args.watch:
        return []
    x, y = (data.x_train, data.y_train) if data.y_test is None else (data.x_test, data.y_test)
    return [callbacks.Watch((x[:_WATCHED], targets_for(model, y[:_WATCHED])))]


def _loss_unit(data: TrainingData, model: Sequential) -> Array | None:
    """Return sample weights that measure the loss of numbers in units of their own scale.

    Then learning rates, penalties and thresholds mean the same for prices as for fractions.
    """
    if data.class_names is not None:
        return None
    power = 2 if isinstance(model.loss, MeanSquaredError) else 1
    return np.full(len(data.y_train), target_scale(data)[0] ** -power)
