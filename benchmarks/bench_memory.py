"""How much memory a fit takes beyond the size of the data.

    python benchmarks/bench_memory.py [--batch-size N] [--epochs N] [--synthetic] [--json FILE]

A 784-128-64-10 network behind ``Rescaling(1/255)`` is trained with Adam on MNIST's uint8 pixels and
validated on its test rows. Without MNIST, random bytes of the same shape take its place, and the
first line says so.

One child process loads NumPy and ffnn, then the data, then fits, and reads its resident memory from
the system after each (the memory of BLAS itself is part of the fit); the peak counts from the end
of loading, where the system allows it to be reset. A second one fits under tracemalloc, which sees
every array that NumPy makes, and nothing of the libraries. The goal: the peak is at most 60 MB (of
10⁶ bytes) above libraries and data.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import CHILD_SETTINGS, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Data = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]

GOAL = 60e6
TRAIN_ROWS, TEST_ROWS, COLUMNS = 60_000, 10_000, 784


def load_data(synthetic: bool, rows: int) -> tuple[str, Data]:
    """Return a name for the data, and rows and labels for training and for validation.

    Parameters
    ----------
    synthetic : bool
        Whether to take random bytes even if MNIST is there.
    rows : int
        The number of training rows; of MNIST, the first ones.
    """
    from ffnn import datasets

    _, _, there = datasets.find_mnist(None)
    if there and not synthetic:
        (x, y), (x_test, y_test) = datasets.load_mnist()
        if rows < len(x):
            x, y = x[:rows].copy(), y[:rows].copy()
        return "MNIST", (x, y, x_test, y_test)
    rng = np.random.default_rng(0)
    tests = min(TEST_ROWS, rows)
    x, x_test = (rng.integers(0, 256, (n, COLUMNS), dtype=np.uint8) for n in (rows, tests))
    y, y_test = (rng.integers(0, 10, n, dtype=np.uint8) for n in (rows, tests))
    name = "random bytes" if synthetic else "random bytes, as MNIST was not found"
    return f"{name} ({rows:,} rows)", (x, y, x_test, y_test)


# -- what the system reports -----------------------------------------------------------------------


def resident(field: str = "VmRSS") -> int:
    """Return this process's resident memory in bytes, now ("VmRSS") or at its peak ("VmHWM")."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return _peak_by_getrusage()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return 1024 * int(line.split()[1])


def _peak_by_getrusage() -> int:
    """Return the peak since the process began, where the system has no /proc."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def reset_peak() -> bool:
    """Make the peak count from now on; return whether the system could."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


# -- the child -------------------------------------------------------------------------------------


def fit(data: Data, batch_size: int, epochs: int) -> None:
    """Train and validate the network."""
    import ffnn
    from ffnn.layers import Dense, Rescaling

    x, y, x_test, y_test = data
    layers = [Rescaling(1 / 255), Dense(128, "relu"), Dense(64, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, input_dim=COLUMNS, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    held_out = (x_test, y_test)
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, validation_data=held_out)


def child(args: argparse.Namespace) -> dict[str, Any]:
    """Return this process's memory, in bytes, at each stage."""
    importlib.import_module("ffnn.sequential")  # what a program that makes a model has loaded

    libraries = resident()
    name, data = load_data(args.synthetic, args.rows)
    loaded, peak_of_loading = resident(), resident("VmHWM")
    if args.child == "traced":
        tracemalloc.start()
        fit(data, args.batch_size, args.epochs)
        return {"traced": tracemalloc.get_traced_memory()[1]}
    was_reset = reset_peak()
    fit(data, args.batch_size, args.epochs)
    return {
        "data": name,
        "data_bytes": sum(array.nbytes for array in data),
        "libraries": libraries,
        "loaded": loaded,
        "peak_of_loading": peak_of_loading,
        "peak": resident("VmHWM"),
        "was_reset": was_reset,
    }


# -- the parent ------------------------------------------------------------------------------------


def run_child(kind: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run one child to its end and return what it measured."""
    command = [sys.executable, __file__, "--child", kind, "--rows", str(args.rows)]
    command += ["--batch-size", str(args.batch_size), "--epochs", str(args.epochs)]
    command += ["--synthetic"] * args.synthetic
    done = subprocess.run(
        command, env=os.environ | CHILD_SETTINGS, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def report(found: dict[str, Any]) -> list[str]:
    """Return the lines of the result, in MB."""
    above = found["peak"] - found["libraries"] - found["data_bytes"]
    found["above"] = above
    rows = [
        ("data, its arrays", found["data_bytes"]),
        ("resident with the libraries", found["libraries"]),
        ("resident with the data too", found["loaded"]),
        ("peak while loading", found["peak_of_loading"]),
        ("peak of the fit", found["peak"]),
        ("peak - (libraries + data)", above),
        ("peak - resident before the fit", found["peak"] - found["loaded"]),
        ("arrays that the fit makes (tracemalloc)", found["traced"]),
    ]
    lines = [f"data: {found['data']}", *(f"{name:<42}{n / 1e6:>8.1f} MB" for name, n in rows)]
    if not found["was_reset"]:
        lines.append("the system cannot reset the peak: it may be that of loading the data")
    verdict = "met" if above <= GOAL else "missed"
    return [*lines, f"goal, libraries + data + {GOAL / 1e6:.0f} MB: {verdict}"]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description="Measure the peak memory of a fit.")
    add = parser.add_argument
    add("--batch-size", type=int, default=64, help="mini-batch size")
    add("--epochs", type=int, default=2, help="passes over the rows")
    add("--rows", type=int, default=TRAIN_ROWS, help="training rows")
    add("--synthetic", action="store_true", help="random bytes even if MNIST is there")
    add("--json", metavar="FILE", type=Path, help="also write the numbers to this file")
    add("--child", choices=("resident", "traced"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        print(json.dumps(child(args)))
        return 0
    about = environment([])
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    found = run_child("resident", args) | run_child("traced", args)
    print("\n".join(report(found)))
    if args.json:
        content = {"environment": about, **found}
        args.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0 if found["above"] <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
