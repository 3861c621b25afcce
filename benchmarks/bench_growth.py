"""How much faster a training is with several workers, and on several ranks, than in one process.

A network 784-128-64-10 is trained on random rows of 0 to 255, as those of MNIST, with SGD. Each
side is a process of its own, or several under ``mpiexec``; sides run in turn, and ratios are those
of one turn. Each uses one thread for a product. Run it where nothing else runs, with ffnn[mpi]::

    python benchmarks/bench_growth.py
    python benchmarks/bench_growth.py --batch 1024 --turns 9

With --page the table is put into ``docs/growth.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from common import cpu_model
from page_sections import DOCS, put

import ffnn
from ffnn.layers import Dense, Rescaling

SIDES = {  # ranks, parts, workers
    "one process": (1, 1, 1),
    "4 parts, 1 worker": (1, 4, 1),
    "2 parts, 2 workers": (1, 2, 2),
    "2 ranks": (2, 2, 1),
    "4 ranks": (4, 4, 1),
}
GOALS = {
    (1024, "2 ranks"): 1.6,
    (1024, "2 parts, 2 workers"): 1.5,
    (256, "2 ranks"): 1.1,
    (256, "2 parts, 2 workers"): 1.1,
}


def main() -> None:
    """Print a table of the milliseconds of a step, and of how much faster the sides are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--batch", type=int, action="append", help="default: 256 and 1024")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--page", action="store_true", help="put the table into docs/growth.md")
    parser.add_argument("--side", nargs=3, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        measure(*options.side, options.batch[0], options.steps)
        return
    load = os.getloadavg()[0]
    print(f"load before: {load:.2f}, {os.cpu_count()} processors")
    lines: list[str] = []
    for batch in options.batch or (256, 1024):
        lines += times_of(batch, options.turns, options.steps)
    print(f"load after: {os.getloadavg()[0]:.2f}")
    if options.page:
        about = f"{cpu_model()}, {os.cpu_count()} cores, {date.today()}, load {load:.1f}:"
        put(DOCS / "growth.md", "steps", [about, "", "```text", *lines, "```"])


def times_of(batch: int, turns: int, steps: int) -> list[str]:
    """Let all sides take turns, print a table, and return its lines."""
    times = [
        {name: start(side, batch, steps) for name, side in SIDES.items()} for _ in range(turns)
    ]
    lines = [f"batch {batch}: ms a step, median of {turns}; times as fast as one process"]
    for name in SIDES:
        middle = statistics.median(turn[name] for turn in times)
        ratio = statistics.median(turn["one process"] / turn[name] for turn in times)
        goal = GOALS.get((batch, name))
        told = "" if goal is None else f"  goal {goal}: {'met' if ratio >= goal else 'missed'}"
        lines.append(f"  {name:20} {middle:8.2f} {ratio:8.2f}{told}")
    print("\n".join(lines), flush=True)
    return lines


def start(side: tuple[int, int, int], batch: int, steps: int) -> float:
    """Run a side in processes of its own and return its milliseconds for a step."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    command = [sys.executable, __file__, "--batch", str(batch), "--steps", str(steps), "--side"]
    launched = [mpiexec, "-n", str(side[0]), *command] if side[0] > 1 else command
    done = subprocess.run(
        [*launched, *map(str, side)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(done.stdout))


class Clock(ffnn.callbacks.Callback):
    """Notes when each epoch begins, behind what a training does once."""

    def __init__(self) -> None:
        self.begun: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object) -> None:
        """Note the time."""
        self.begun.append(time.perf_counter())


def measure(ranks: int, parts: int, workers: int, batch: int, steps: int) -> None:
    """Print the milliseconds of a step, the best epoch's mean."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch * steps, 784), dtype=np.uint8)
    y = rng.integers(10, size=len(x))
    layers = [Rescaling(1 / 255), Dense(128, "relu"), Dense(64, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, 784, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    clock = Clock()
    how = {"micro_batches": parts, "workers": workers, "distributed": ranks > 1}
    model.fit(x, y, batch, 4, verbose=0, callbacks=[clock], **how)
    if not os.environ.get("PMI_RANK", "0").strip("0"):
        print(min(np.diff(clock.begun)) / steps * 1e3)


if __name__ == "__main__":
    main()
