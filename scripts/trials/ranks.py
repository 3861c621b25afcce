"""Trainings on several ranks: the same bits as on one, and whole after any of them has ended.

A trial starts ``mpiexec -n R python -m trials.ranks TASK ...``, of which this file is the program.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn.callbacks import EarlyStopping, ModelCheckpoint
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from ffnn.optimizers import SGD, Adam, AdamW, RMSprop
from ffnn.regularizers import L1L2
from trials.common import Result, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RANKS = (2, 3, 4, 8)
HOWS = ("SIGKILL", "SIGSTOP", "exception", "full disk")
_SCRIPTS = Path(__file__).resolve().parent.parent
_EPOCHS, _BATCHES, _PARTS = 12, 6, 8
_TIMEOUT = 5.0  # seconds after which the other ranks give one up


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Train random networks on 1, 2, 3, 4 and 8 ranks, and compare all that is left of it."""
    result = Result()
    for start in range(0, len(cases), 25):
        numbers = list(cases[start : start + 25])
        expected = [train(seed, case) for case in numbers]
        result.control += sum(
            train(seed, case, more_parts=1) != each
            for case, each in zip(numbers, expected, strict=True)
        )
        for ranks in RANKS:
            code, out = launch(ranks, "train", seed, json.dumps(numbers))
            found = json.loads(out.splitlines()[-1]) if code == 0 else [None] * len(numbers)
            for case, each, other in zip(numbers, expected, found, strict=True):
                if each != other:
                    result.fail(case, f"{ranks} ranks: {other} and not {each} {out[-300:]}")
        result.cases += len(numbers)
        advance(len(numbers))
    return result


def run_endings(
    cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]
) -> Result:
    """End or stop one rank at a random moment, resume on others, and compare the end."""
    result = Result(control=1)
    expected = to_the_end(folder / "whole.h5", distributed=False)
    for case in cases:
        rng = rng_of(seed, case)
        path, ranks = folder / f"{case}.h5", int(rng.integers(2, 5))
        how, which = str(rng.choice(HOWS)), int(rng.integers(ranks))
        parts = _PARTS * (which + 1) // ranks - _PARTS * which // ranks  # of that rank
        calls = _EPOCHS * _BATCHES * parts
        moment = {"call": int(rng.integers(calls)), "after": float(rng.uniform(0.0, 0.02))}
        plan = json.dumps({"how": how, "rank": which, **moment})
        began = time.monotonic()
        code, out = launch(ranks, "end", path, plan)
        what = f"{how} on rank {which} of {ranks}, exit code {code}: "
        if time.monotonic() - began > 60.0 + _TIMEOUT:
            result.fail(case, f"{what}it took {time.monotonic() - began:.0f} s")
        result.count(how)
        result.count(f"{how} ended it", code != 0)
        must_end = how != "full disk" or which == 0  # the others write nothing
        if must_end != (code != 0):
            result.fail(case, f"{what}{'it went on' if must_end else 'it ended'}: {out[-300:]}")
        time.sleep(0.5)
        if left := processes_of(path):
            result.fail(case, f"{what}processes are left: {left}")
        if path.exists():
            result.count("checkpoints")
            try:
                ffnn.load_model(path, {"Slow": Slow})
            except ffnn.ModelFileError as error:
                result.fail(case, f"{what}{error}", path.read_bytes())
        code, out = launch(int(rng.integers(1, 5)), "end", path, "{}")
        if code or out.splitlines()[-1] != expected:
            result.fail(case, f"{what}resumed: {code}, {out[-300:]}")
        result.cases += 1
        advance(1)
    return result


def launch(ranks: int, *arguments: object) -> tuple[int, str]:
    """Run this program on several ranks and return its exit code and what it printed."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "trials.ranks"]
    root = Path(ffnn.__file__).resolve().parent.parent
    paths = os.pathsep.join(map(str, (root, _SCRIPTS)))
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def processes_of(path: Path) -> list[str]:
    """Return the numbers of the processes that were started with a path."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(path) in (process / "cmdline").read_text():
                found.append(process.name)
        except OSError:  # it has ended
            continue
    return found


# -- what is trained ---------------------------------------------------------------------------


def train(seed: int, case: int, *, distributed: bool = False, more_parts: int = 0) -> str:
    """Train the network of a case and return a hash of what is left of it."""
    rng = rng_of(seed, case)
    rows, columns, classes = (
        int(rng.integers(low, high)) for low, high in ((40, 200), (2, 9), (2, 5))
    )
    x, y = rng.normal(size=(rows, columns)), rng.integers(classes, size=rows)
    layers: list[Any] = []
    for _ in range(rng.integers(1, 3)):
        penalty = L1L2(0.001, 0.01) if rng.random() < 0.3 else None
        layers.append(Dense(int(rng.integers(2, 20)), weight_regularizer=penalty))
        layers += [[], [BatchNorm()], [LayerNorm()]][rng.integers(3)]
        layers.append(Activation(str(rng.choice(["relu", "tanh", "gelu"]))))
        layers += [[], [Dropout(float(rng.uniform(0.0, 0.6)))]][rng.integers(2)]
    model = ffnn.Sequential(
        [*layers, Dense(classes, "softmax")], columns, str(rng.choice(["float32", "float64"])), case
    )
    optimizers = (SGD(0.1, momentum=0.9), Adam(0.01, clipnorm=0.5), AdamW(0.01), RMSprop(0.003))
    metrics = [[], ["accuracy"], ["accuracy", "auc"]][rng.integers(3)] if classes == 2 else []
    model.compile(optimizers[rng.integers(4)], "cce", metrics or ["accuracy"])
    weight = None
    if rng.random() < 0.5:
        weight = np.where(rng.random(rows) < 0.2, 0.0, rng.uniform(0.5, 2.0, rows))
    batch_size = int(rng.integers(10, 64))
    parts = min(int(rng.integers(8, 17)), batch_size - 1)
    callbacks = [EarlyStopping("loss", patience=1)] if rng.random() < 0.5 else None
    history = model.fit(
        *(x, y, batch_size, int(rng.integers(1, 5))),
        verbose=0,
        callbacks=callbacks,
        validation_split=float(rng.choice([0.0, 0.2])),
        shuffle=bool(rng.random() < 0.8),
        class_weight={0: 2.0} if rng.random() < 0.3 else None,
        sample_weight=weight,
        micro_batches=parts + more_parts,
        workers=int(rng.integers(1, 4)),
        distributed=distributed,
        timeout=120.0,
    )
    return hash_of(model, history.history)


def to_the_end(path: Path, *, distributed: bool) -> str:
    """Train or resume the training of a file, which keeps each epoch, and return its hash."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 30)), rng.integers(3, size=400)
    layers = [Dense(200, "relu"), BatchNorm(), Dropout(0.2), Slow(), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, 30, seed=0)
    model.compile(Adam(0.01), "cce", ["accuracy"])
    history = model.fit(
        *(x, y, 64, _EPOCHS),
        verbose=0,
        callbacks=[ModelCheckpoint(path), EarlyStopping("val_loss", patience=_EPOCHS)],
        validation_split=0.1,
        micro_batches=_PARTS,
        resume_from=path if path.exists() else None,
        distributed=distributed,
        timeout=_TIMEOUT,
    )
    return hash_of(model, history.history)


class Slow(LayerNorm):
    """Takes some time, in which something may happen."""

    fails, calls, begin = False, 0, -1
    timer: threading.Timer

    def forward(self, x: Any, training: bool = False) -> Any:
        """Wait, or fail if it has been said."""
        if training:
            if Slow.calls == Slow.begin:
                Slow.timer.start()
            Slow.calls += 1
            time.sleep(0.003)
        if Slow.fails:
            raise RuntimeError("an exception in one rank")
        return super().forward(x, training)


def hash_of(model: ffnn.Sequential, history: Any) -> str:
    """Return a hash of a trained network and its history."""
    total = hashlib.sha256(repr(history).encode())
    for array in (*model.get_weights(), *model.optimizer.slots.values()):  # type: ignore[union-attr]
        total.update(array.tobytes())
    return total.hexdigest()[:16]


def happen(how: str) -> None:
    """Do to this process what is to happen."""
    if how.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, how))
    elif how == "exception":
        Slow.fails = True
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))


def main(task: str, *arguments: str) -> None:
    """Do the work of one rank."""
    from ffnn.core.mpi import Ranks

    rank = Ranks(120.0).rank
    if task == "train":
        seed, cases = int(arguments[0]), json.loads(arguments[1])
        found: Any = [train(seed, case, distributed=True) for case in cases]
        text = json.dumps(found)
    else:
        plan = json.loads(arguments[1])
        if plan and plan["rank"] == rank:
            Slow.timer = threading.Timer(plan["after"], happen, [plan["how"]])
            Slow.timer.daemon, Slow.begin = True, plan["call"]
        text = to_the_end(Path(arguments[0]), distributed=True)
    if rank == 0:
        print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
