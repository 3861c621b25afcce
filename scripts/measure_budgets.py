"""Measure how well ``ffnn train --time`` keeps its time, also beside a busy process.

    python scripts/measure_budgets.py TABLE.csv ... --target NAME

For each table, budget and size of ensemble it runs the command, twice: alone, and while another
process keeps a core busy. It prints how many seconds the command took, from start to end, and their
share of the budget. What ended before its epochs were done is marked: because the time was
over, or a wave of the learning rate brought nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BUDGETS, ENSEMBLES = (3.0, 10.0, 30.0), (1, 3)


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep a core busy inside a ``with`` block."""
    process = multiprocessing.Process(target=_work, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _work() -> None:
    while True:
        pass


def measure(table: Path, target: str | None, budget: float, ensemble: int) -> tuple[float, str]:
    """Return the seconds that a training took, and why it ended before its time if it did."""
    command = [sys.executable, "-m", "ffnn", "train", str(table), "--time", str(budget)]
    command += ["--ensemble", str(ensemble), *(["--target", target] if target else [])]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        return seconds, done.stderr.strip()[:60]
    planned = re.search(r"at most ([\d,]+) epochs?", done.stdout)
    found = re.findall(r"(?:trained|: )(?: ?)([\d,]+) (?:of [\d,]+ )?epochs? in", done.stdout)
    epochs = [int(number.replace(",", "")) for number in found]
    most = int(planned[1].replace(",", "")) if planned else 0
    return seconds, "" if not epochs or max(epochs) >= most else f"{max(epochs)} of {most} epochs"


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--target")
    parser.add_argument("--budgets", nargs="+", type=float, default=BUDGETS)
    parser.add_argument("--ensembles", nargs="+", type=int, default=ENSEMBLES)
    args = parser.parse_args()
    print(
        f"{'table':<14}{'networks':>9}{'budget':>8}{'alone':>8}{'share':>7}{'busy':>8}{'share':>7}"
    )
    for table in args.tables:
        for ensemble in args.ensembles:
            for budget in args.budgets:
                alone, why = measure(table, args.target, budget, ensemble)
                with busy_core():
                    busy, other = measure(table, args.target, budget, ensemble)
                print(
                    f"{table.stem:<14}{ensemble:>9}{budget:>8g}{alone:>8.2f}{alone / budget:>7.2f}"
                    f"{busy:>8.2f}{busy / budget:>7.2f}  {'; '.join(filter(None, (why, other)))}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
