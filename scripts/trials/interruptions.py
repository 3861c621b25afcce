"""Command-line trainings that get signals at random moments, and are resumed until done."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import ffnn
from ffnn.cli import main
from ffnn.tables import read_table
from ffnn.training.signals import Terminated, terminate
from trials.common import Result, content_of, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROWS, COLUMNS, EPOCHS = 90, 4, 40
OPTIONS = [
    *["--hidden", "8,6", "--batch-size", "7", "--epochs", str(EPOCHS), "--quiet"],
]
MOST_SIGNALS = 4  # in one training
DONE = {0, 3}  # exit codes of a training that no signal came to; 3 if it learned nothing
# Those of a training that a signal came to: done before it came, or ended by it.
ENDS = {0: "done", 3: "done", 130: "interrupted", 143: "terminated", -signal.SIGKILL: "killed"}


class _Signal(NamedTuple):
    """When which signal is sent, as a share of the time of the whole training."""

    moment: float
    number: int
    again: bool  # at once a second time


class _Case:
    """The options of a training, and the signals that come to it."""

    def __init__(self, seed: int, case: int, folder: Path) -> None:
        rng = rng_of(seed, case)
        self.data = folder / "data.csv"
        chosen = {
            "--patience": [None, "4"],
            "--validation-split": [None, "0.3"],
            "--save-every": [None, "1", "3"],
            "--dropout": [None, "0.3"],
            "--optimizer": ["sgd", "adam", "rmsprop"],
            "--normalization": [None, "batch"],
        }
        self.options = [*OPTIONS, "--seed", str(rng.integers(1 << 30))]
        for name, values in chosen.items():
            value = values[rng.integers(len(values))]
            self.options += [] if value is None else [name, value]
        self.signals = [
            _Signal(
                float(rng.uniform(0.0, 1.1)),
                int(rng.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])),
                bool(rng.integers(8) == 0),
            )
            for _ in range(rng.integers(1, MOST_SIGNALS + 1))
        ]

    def start(self, out: Path) -> int:
        """Return the number of a child that trains, resuming from `out` if it is there."""
        held_back = {signal.SIGINT, signal.SIGTERM}  # until the child can handle them
        signal.pthread_sigmask(signal.SIG_BLOCK, held_back)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                signal.signal(signal.SIGTERM, terminate)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, held_back)
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1)
                os.dup2(silent, 2)
                code = main(["train", str(self.data), *self.options, "--out", str(out), "--resume"])
            except Terminated:
                code = 143
            except KeyboardInterrupt:
                code = 130
            finally:
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held_back)
        return pid


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Send signals to trainings; resumed, each must end like one that got none, bit for bit."""
    result = Result()
    _write_data(folder / "data.csv")
    for case in cases:
        training = _Case(seed, case, folder)
        whole, out = folder / f"{case}-whole.h5", folder / f"{case}.h5"
        start = time.monotonic()
        if (code := _end(training.start(whole))) not in DONE:
            result.fail(case, f"exit code {code} without a signal")
            continue
        duration = time.monotonic() - start
        what = _disturb(training, out, duration, result)
        if not what and out.exists():
            result.control += _is_other_if_loaded(training, out, whole)
        if what or (what := _finish(training, out, whole)):
            result.fail(case, what, out.read_bytes() if out.exists() else None)
        result.cases += 1
        advance(1)
    return result


def _write_data(path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, COLUMNS))
    labels = np.where(x[:, 0] * x[:, 1] > 0, "same", "other")
    lines = [
        ",".join([*map(repr, map(float, row)), label]) for row, label in zip(x, labels, strict=True)
    ]
    path.write_text("\n".join(["a,b,c,d,kind", *lines, ""]), encoding="utf-8")


def _end(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _disturb(training: _Case, out: Path, duration: float, result: Result) -> str:
    """Start the training once for each signal and send it; return what goes wrong."""
    for each in training.signals:
        pid = training.start(out)
        time.sleep(each.moment * duration)
        for _ in range(1 + each.again):
            os.kill(pid, each.number)
        code = _end(pid)
        if code not in ENDS:
            return f"exit code {code} after {each}"
        result.count(ENDS[code])
        if not out.exists():
            continue
        model = ffnn.load_model(out)
        if model.position is None:
            return f"no position after {each}, {ENDS[code]}"
        result.count("left a file to resume from", code not in DONE)
    return ""


def _is_other_if_loaded(training: _Case, out: Path, whole: Path) -> bool:
    """Tell whether a model that is just loaded and trained for the other epochs is another one."""
    model, table = ffnn.load_model(out), read_table(training.data)
    done = len(model.history.epoch)  # type: ignore[union-attr]
    if done == EPOCHS:
        return False
    targets = model.encoder.target.values_of(table)  # type: ignore[union-attr]
    model.fit(table, targets, 7, EPOCHS, verbose=0, initial_epoch=done)
    return not np.array_equal(model.parameters, ffnn.load_model(whole).parameters)


def _finish(training: _Case, out: Path, whole: Path) -> str:
    """Resume the training until it is done; return what goes wrong."""
    if (code := _end(training.start(out))) not in DONE:
        return f"exit code {code} at the last start"
    expected, came = (content_of(ffnn.load_model(path)) for path in (whole, out))
    names = sorted(expected.keys() | came.keys())
    different = [name for name in names if came.get(name) != expected.get(name)]
    return f"ended otherwise: {', '.join(different[:4])}" if different else ""
