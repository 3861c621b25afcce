"""What a `Recorder` adds to the time of a step, as a ratio to the same fit without one.

    python benchmarks/bench_recorder.py [--rows all|NAME...] [--repeats N] [--quick] [--json FILE]
                                        [--page]

The networks, rows and settings are those of `bench_training.py`. One process, pinned to one core
where the system allows it, with one thread for its products, trains the same network from the same
weights without a recorder and with each kind of recorder; the kinds take turns, and in each round
every kind trains once. The table shows the median over the rounds of the time of a step, of its
ratio to the fit without a recorder in the same round, and the quartiles of that ratio. Work done
once per fit or epoch is included; an epoch has 20 to 100 steps here. All kinds must end with the
same weights, bit for bit, or the benchmark fails. With --page the ratios are put into
``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before NumPy is imported, because its BLAS reads the number of threads then.
os.environ |= dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")

import numpy as np
from common import (
    WORKS,
    BenchmarkError,
    chosen_core,
    environment,
    find_works,
    pin_to,
    threads_in_force,
)
from measure import work_name
from page_sections import keep
from sides import FFNN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common import Work

DEFAULT = "784-128-64-10/64"
KINDS: dict[str, dict[str, int] | None] = {
    "none": None,
    "every=1": {"every": 1},
    "every=10": {"every": 10},
    "every=1, snapshots=1": {"every": 1, "snapshots": 1},
    "every=1, histograms=64": {"every": 1, "histograms": 64},
    "every=10, histograms=64": {"every": 10, "histograms": 64},
}
HEADER = f"{'work':<26}{'recorder':<26}{'µs/step':>9}{'× none':>9}{'quartiles':>15}"


class Recorded(FFNN):
    """`Sequential.fit` with or without a recorder."""

    def run(self, options: Mapping[str, int] | None) -> tuple[float, bytes]:
        """Train once from the initial weights and return the seconds and the final weights.

        Parameters
        ----------
        options : mapping of str to int, or None
            The recorder's arguments; None for no recorder.
        """
        from ffnn.callbacks import Recorder

        self.reset()
        self.model.shuffling = np.random.default_rng(0)
        callbacks = [] if options is None else [Recorder(**options)]
        start = time.perf_counter()
        self.model.fit(
            self.x,
            self.y,
            batch_size=self.work.batch,
            epochs=self.work.epochs,
            verbose=0,
            callbacks=callbacks,
        )
        return time.perf_counter() - start, self.model.parameters.tobytes()


def measure(work: Work, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each fit by kind.

    Raises
    ------
    BenchmarkError
        A recorder changed the training.
    """
    side = Recorded(work)
    _, expected = side.run(None)  # which also allocates all memory, untimed
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    kinds = list(KINDS)
    for turn in range(repeats):
        start = turn % len(kinds)  # each round begins with another kind
        for kind in (*kinds[start:], *kinds[:start]):
            taken, weights = side.run(KINDS[kind])
            if weights != expected:
                raise BenchmarkError(f"{work.name}: {kind}: training gave other weights")
            seconds[kind].append(taken)
    return seconds


def summarize(seconds: Mapping[str, Sequence[float]], steps: int) -> dict[str, dict[str, Any]]:
    """Return the medians of each kind.

    Parameters
    ----------
    seconds : mapping of str to sequence of float
        Kind → its time in each round; "none" is one of the kinds.
    steps : int
        The number of steps in that time.
    """
    result: dict[str, dict[str, Any]] = {}
    for kind, times in seconds.items():
        ratios = [own / plain for own, plain in zip(times, seconds["none"], strict=True)]
        lower, middle, upper = statistics.quantiles(ratios * 2, method="inclusive")
        result[kind] = {
            "us_per_step": 1e6 * statistics.median(times) / steps,
            "ratio": middle,
            "quartiles": [lower, upper],
        }
    return result


def table(name: str, summary: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the lines of one work."""
    lines = []
    for kind, row in summary.items():
        lower, upper = row["quartiles"]
        line = f"{name:<26}{kind:<26}{row['us_per_step']:>9.1f}{row['ratio']:>9.3f}"
        lines.append(
            line + f"{f'{lower:.3f} - {upper:.3f}' if kind != 'none' else '':>15}".rstrip()
        )
        name = ""
    return "\n".join(lines)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(description="Time training with and without a Recorder.")
    known = ", ".join(work.name for work in WORKS)
    parser.add_argument(
        "--rows",
        nargs="+",
        default=[DEFAULT],
        metavar="NAME",
        help=f"works to run, by parts of their names, or all; known: {known}",
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="number of rounds")
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    parser.add_argument("--page", action="store_true", help="put it into docs/performance.md")
    options = parser.parse_args(argv)
    try:
        options.works = find_works(options.rows)
    except ValueError as error:
        parser.error(str(error))
    if options.repeats is None:
        options.repeats = 3 if options.quick else 15
    if options.repeats < 1:
        parser.error(f"--repeats: expected at least 1, got {options.repeats}")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    options = arguments(argv)
    core = chosen_core()
    pin_to("" if core is None else str(core))
    found = environment([])
    print(", ".join(f"{key} {value}" for key, value in found.items()))
    pinned = "not pinned" if core is None else f"pinned to core {core}"
    print(f"{options.repeats} rounds of five epochs, one process, {pinned}")
    results: dict[str, Any] = {}
    for work in options.works:
        try:
            seconds = measure(work, options.repeats)
        except BenchmarkError as error:
            print(f"bench_recorder: {error}", file=sys.stderr)
            return 1
        summary = summarize(seconds, work.steps)
        if not results:
            print(f"threads: {threads_in_force()['pools']}\n\n{HEADER}")
        print(table(work.name, summary), flush=True)
        results[work.name] = {"steps": work.steps, "seconds": seconds, "summary": summary}
    if options.page:
        others = [kind for kind in KINDS if kind != "none"]
        rows = [
            [work_name(work._asdict())]
            + [f"{results[work.name]['summary'][kind]['ratio']:.2f}" for kind in others]
            for work in options.works
        ]
        by = f"python benchmarks/bench_recorder.py --rows {' '.join(options.rows)} --page"
        keep("performance.md", "recorder", f"{found['cpu']}, one core", by, ["", *others], rows)
    if options.json is not None:
        content = {"environment": found, "threads": threads_in_force(), "works": results}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
