"""How long ``import ffnn`` takes, as a ratio to ``import numpy``.

    python benchmarks/bench_import.py [--repeats N]

Each import runs in its own process, the statements alternate, and medians are compared. The third
one loads what a program needs to train (``ffnn.Sequential``), which ``import ffnn`` defers.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time

import numpy

STATEMENTS = {
    "import numpy": "import numpy",
    "import ffnn": "import ffnn",
    "import ffnn, use Sequential": "import ffnn; ffnn.Sequential",
}


def seconds(statement: str) -> float:
    """Return the wall time of a statement in a new interpreter, including its start-up."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Time the statements and print medians and ratios."""
    parser = argparse.ArgumentParser(description="Time import ffnn against import numpy.")
    parser.add_argument("--repeats", type=int, default=15, help="processes for each statement")
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    bare: list[float] = []
    for _ in range(repeats):
        bare.append(seconds("pass"))
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    start_up = statistics.median(bare)
    medians = {name: statistics.median(values) - start_up for name, values in times.items()}
    print(f"Python {platform.python_version()}, NumPy {numpy.__version__}, {repeats} repeats")
    print(f"{'statement':<30}{'ms':>8}{'ratio':>8}")
    for name, value in medians.items():
        print(f"{name:<30}{1000 * value:>8.1f}{value / medians['import numpy']:>8.2f}")


if __name__ == "__main__":
    main()
