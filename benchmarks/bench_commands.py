"""How long whole programs take, and how much memory: a command, a cold start, whole trainings.

    python benchmarks/bench_commands.py [--peers sklearn,torch,keras,jax] [--cases NAME...]
                                        [--rounds N] [--rows N] [--all-cores] [--quick]
                                        [--json FILE]

- command: ``ffnn train`` of a CSV file with 30 columns, `--rows` rows of them, against a script of
  pandas and scikit-learn (`MLPClassifier`, 64-32, Adam, batch 256, 5 epochs), both with an input
  scaled by the training rows, a tenth held out, and the accuracy on it printed,
- cold-start: from the start of Python to the end of the first epoch of 784-128-64-10, with batches
  of 64 and SGD,
- validation: a fit of 10 epochs with a tenth of the rows held out, whose loss or accuracy is
  measured after each epoch, and a patience that is never used up; the fit alone is on the clock,
- sparse: a fit of two epochs on 12,800 sparse rows of 5,000 columns, 25 of them filled.

Each time is that of a process of its own, all pinned to one core with one thread; with
``--all-cores`` they have what their libraries take by default. The memory is the largest that the
process had in use. The programs take turns; the table shows medians over the rounds and of the
ratios to ffnn's in the same round. They begin with weights of their own; if one does not train to
the loss of ours within 15 %, or the accuracy within 2 %, the benchmark fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from common import (
    CHILD_SETTINGS,
    DEFAULT_SETTINGS,
    PEERS,
    UNSET,
    BenchmarkError,
    blas_kernel,
    child_environment,
    chosen_core,
    environment,
    pin_to,
    split_peers,
)
from programs import BEGIN, COLD, COMMAND, DATA, SPARSE, SPARSE_DATA, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Times = dict[str, dict[str, list[float]]]  # case → side → a number for each round
CASES = "command", "cold-start", "validation", "sparse"
MOST_LOSS, MOST_ACCURACY = 0.15, 0.02  # that sides may differ


class Run(NamedTuple):
    """What one process took, and what it reached: its loss, or its accuracy on held-out rows."""

    seconds: float
    megabytes: float
    loss: float | None
    accuracy: float | None


def write_table(path: Path, rows: int) -> None:
    """Write a CSV file of 30 columns of numbers and a target of two classes."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 30))
    y = (x[:, :5].sum(axis=1) + 0.5 * rng.standard_normal(rows) > 0).astype(int)
    head = ",".join([*(f"x{i}" for i in range(30)), "target"])
    table = np.column_stack([x, y])
    np.savetxt(path, table, "%.6g", ",", header=head, comments="")


def program(*parts: str) -> list[str]:
    """Return the command that runs pieces of Python."""
    return [sys.executable, "-c", "\n".join(map(textwrap.dedent, parts))]


def cases(peers: Sequence[str], table: Path, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return case → side → its command."""
    sides = ["ffnn", *peers]
    programs = {
        "cold-start": (DATA, COLD),
        "validation": (DATA, VALIDATION),
        "sparse": (SPARSE_DATA, SPARSE),
    }
    found: dict[str, dict[str, Any]] = {}
    for case in wanted:
        if case in programs:
            data, each = programs[case]
            found[case] = {side: program(BEGIN, data, each[side]) for side in sides if side in each}
            continue
        ours = [sys.executable, "-m", "ffnn", "train", str(table), *TRAIN]
        found[case] = {"ffnn": [*ours, "--out", str(table.with_suffix(".h5"))]}
        if "sklearn" in peers:
            found[case]["sklearn"] = [*program(COMMAND), str(table)]
    return found


def run_program(
    command: Sequence[str], core: int | None, settings: Mapping[str, str] = CHILD_SETTINGS
) -> Run:
    """Run a process to its end; its seconds are what it prints, or else all that it took.

    BenchmarkError has the end of what a process printed that failed.
    """
    here = str(Path(__file__).parent)
    paths = os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH")) if path)
    variables = child_environment({**settings, "PYTHONPATH": paths})
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # users' programs are compiled once
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={**variables, "STARTED": str(time.time())},
            stdout=out,
            stderr=err,
            preexec_fn=lambda: pin_to("" if core is None else str(core)),  # noqa: PLW1509
        )
        _, status, usage = os.wait4(process.pid, 0)
        taken, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        for file in (out, err):
            file.seek(0)
        printed, errors = out.read(), err.read()
    if process.returncode:
        raise BenchmarkError(f"a process failed:\n{errors[-2000:]}")
    found = re.findall(r"(seconds|megabytes|loss|accuracy)(?:=|: )([-+.\de]+)", printed)
    values = {name: float(value) for name, value in found}
    kilobytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return Run(values.get("seconds", taken), values.get("megabytes", kilobytes * 1024 / 1e6),
               values.get("loss"), values.get("accuracy"))  # fmt: skip


def check_reached(case: str, side: str, theirs: Run, ours: Run) -> None:
    """Raise BenchmarkError unless a side has reached what ours has."""
    loss, accuracy = (ours.loss, theirs.loss), (ours.accuracy, theirs.accuracy)
    if None not in accuracy and abs(accuracy[1] - accuracy[0]) <= MOST_ACCURACY:
        return
    if None not in loss and abs(loss[1] - loss[0]) <= MOST_LOSS * loss[0]:
        return
    raise BenchmarkError(
        f"{case}: the two sides did not reach the same: ffnn loss {ours.loss}, accuracy "
        f"{ours.accuracy}; {side} loss {theirs.loss}, accuracy {theirs.accuracy}"
    )


def measure(
    found: Mapping[str, Mapping[str, Sequence[str]]],
    rounds: int,
    *,
    all_cores: bool = False,
    is_checked: bool = True,
) -> tuple[Times, Times]:
    """Return the seconds of all programs, which take turns, and their megabytes."""
    core = None if all_cores else chosen_core()
    settings = DEFAULT_SETTINGS if all_cores else CHILD_SETTINGS
    times: Times = {case: {side: [] for side in sides} for case, sides in found.items()}
    memory: Times = {case: {side: [] for side in sides} for case, sides in found.items()}
    for case, sides in found.items():
        for command in sides.values():
            run_program(command, core, settings)  # which fills the caches of files
        for turn in range(rounds):
            names, runs = list(sides), dict[str, Run]()
            for side in (*names[turn % len(names) :], *names[: turn % len(names)]):
                run = runs[side] = run_program(sides[side], core, settings)
                times[case][side].append(run.seconds)
                memory[case][side].append(run.megabytes)
            for side, run in runs.items():
                if is_checked:
                    check_reached(case, side, run, runs["ffnn"])
    return times, memory


def table_of(times: Times, memory: Times) -> list[str]:
    """Return the lines of the result."""
    lines = [f"{'':<14}{'side':<10}{'seconds':>10}{'× ffnn':>10}{'MB':>10}"]
    for case, sides in times.items():
        name = case
        for side, seconds in sides.items():
            ratio = statistics.median(
                t / own for t, own in zip(seconds, sides["ffnn"], strict=True)
            )
            middle = statistics.median(memory[case][side])
            line = f"{name:<14}{side:<10}{statistics.median(seconds):>10.2f}{ratio:>10.2f}"
            lines.append(f"{line}{middle:>10.0f}")
            name = ""
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Time whole programs against other libraries.")
    add = parser.add_argument
    add("--peers", default=",".join(PEERS), help="libraries, separated by commas, or none")
    add("--rounds", type=int, default=5, metavar="N", help="turns of each program")
    add("--rows", type=int, default=100_000, metavar="N", help="rows of the CSV file")
    add("--quick", action="store_true", help="1 round and 2,000 rows, to see that it runs")
    add("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME", help=", ".join(CASES))
    add("--all-cores", action="store_true", help="threads and cores as each library takes them")
    add("--json", type=Path, metavar="FILE", help="write all times to this file")
    options = parser.parse_args(argv)
    try:
        named = [name for name in options.peers.split(",") if name not in ("", "none")]
        peers, missing = split_peers(named)
    except ValueError as error:
        parser.error(str(error))
    rounds, rows = (1, 2000) if options.quick else (max(1, options.rounds), options.rows)
    about: dict[str, Any] = {**environment(peers), "kernel": blas_kernel()}
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    for name in UNSET:
        if name in os.environ:
            print(f"{name} was set, and is not for the programs")
    if missing:
        print(f"not installed, left out: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        write_table(file, rows)
        try:
            wanted = cases(peers, file, options.cases)
            more = {"all_cores": options.all_cores, "is_checked": not options.quick}
            times, memory = measure(wanted, rounds, **more)
        except BenchmarkError as error:
            print(f"bench_commands: {error}", file=sys.stderr)
            return 1
    print("\n".join(table_of(times, memory)))
    if options.json is not None:
        content = {"environment": about, "rounds": rounds, "rows": rows}
        content |= {"seconds": times, "memory": memory}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
