"""The commands `evaluate`, `predict`, `summary`, `gradcheck` and `info`.

Each takes the parsed options and returns the exit code. Results go to standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import datasets
from ffnn._version import __version__
from ffnn.cli.data import evaluation_data, load_compiled, prediction_rows
from ffnn.cli.exit_codes import DONE, FAILED, usage_errors
from ffnn.cli.output import check_out, print_scores, say
from ffnn.core.text import counted
from ffnn.gradcheck import gradient_check
from ffnn.layers import Normalization, Rescaling
from ffnn.losses import LOSSES
from ffnn.sequential import Sequential
from ffnn.threads import THREAD_VARIABLES, blas_libraries, limit_threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ffnn._types import Array

LARGEST_GRADIENT_ERROR = 1e-6
_REQUIRED = ("numpy", "h5py", "tqdm", "matplotlib", "networkx")
_OPTIONAL = ("scipy", "scikit-learn", "threadpoolctl")


@contextlib.contextmanager
def thread_limit(args: argparse.Namespace) -> Iterator[None]:
    """Limit the threads of matrix products to ``--threads``, if given."""
    number = getattr(args, "threads", None)
    with contextlib.ExitStack() as stack:
        if number is not None:
            with usage_errors(ImportError, RuntimeError, label="--threads: "):
                stack.enter_context(limit_threads(number))
        yield


def evaluate(args: argparse.Namespace) -> int:
    """Print the loss and the metrics of a saved model."""
    model = load_compiled(args.model)
    x, y = evaluation_data(args, model)
    print(f"{Path(args.data).name}: {counted(x.shape[0], 'row')}")
    print_scores(model, x, y, "test")
    return DONE


def predict(args: argparse.Namespace) -> int:
    """Write a saved model's predictions as CSV: class and probability, or numbers."""
    check_out(args)
    model = Sequential.load(args.model)
    header, rows = _predictions(model, model.predict(prediction_rows(args, model)))
    with contextlib.ExitStack() as stack:
        stream = sys.stdout
        if args.out:
            stream = stack.enter_context(open(args.out, "w", encoding="utf-8", newline=""))
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return DONE


def summary(args: argparse.Namespace) -> int:
    """Print a saved model's layers, how it was trained, and its last epoch."""
    model = Sequential.load(args.model)
    model.summary()
    if model.loss is not None and model.optimizer is not None:
        say(f"loss: {LOSSES.name_of(model.loss)}")
        say(f"optimizer: {model.optimizer!r}, {counted(model.optimizer.iterations, 'update')} made")
    if model.class_names:
        say(f"classes: {', '.join(model.class_names)}")
    if model.feature_names:
        say(f"columns: {', '.join(model.feature_names)}")
    if model.history is not None and model.history.epoch:
        numbers = (f"{name} {values[-1]:.4f}" for name, values in model.history.history.items())
        say(f"epoch {model.history.epoch[-1] + 1}: {', '.join(numbers)}")
    return DONE


def gradcheck(args: argparse.Namespace) -> int:
    """Compare a saved model's gradients with finite differences; 1 if they do not agree."""
    model = load_compiled(args.model)
    if args.data:
        x, y = evaluation_data(args, model)
        x, y = x[: args.rows], y[: args.rows]
    else:
        x, y = _random_rows(model, args.rows, args.seed)
    report = gradient_check(
        model, x, y, max_entries=args.entries, seed=args.seed, progress=sys.stderr.isatty()
    )
    print(report)
    print(f"worst relative error: {report.max_error:.2e}, allowed: {LARGEST_GRADIENT_ERROR:.0e}")
    sys.stdout.flush()
    if not report.checked:
        print("ffnn: error: no entry could be checked; try more --rows", file=sys.stderr)
    elif report.max_error <= LARGEST_GRADIENT_ERROR:
        return DONE
    else:
        print("ffnn: error: the gradients do not agree with finite differences", file=sys.stderr)
    return FAILED


def info(args: argparse.Namespace) -> int:
    """Print versions, the BLAS library and its threads, and where MNIST is looked for."""
    print(f"ffnn {__version__}")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in (*_REQUIRED, *_OPTIONAL):
        try:
            print(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            print(f"{name}: not installed")
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    print(f"BLAS: {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip())
    for line in _blas_threads():
        print(f"  {line}")
    for name in THREAD_VARIABLES:
        print(f"{name}: {os.environ.get(name, 'not set')}")
    print(f"CPUs: {os.cpu_count()}")
    print(f"MNIST: {_mnist_place(args.data_dir)}")
    return DONE


# -- parts -------------------------------------------------------------------------------------


def _predictions(model: Sequential, output: Array) -> tuple[list[str], Iterable[list[str]]]:
    """Return a header and rows of text: class and probability, or numbers as they are."""
    task = "numbers" if model.loss is None else model.loss.task
    names = model.class_names
    units = output.shape[1]
    if units == 1 and (names is not None or task == "probabilities"):
        output, units = np.hstack([1.0 - output, output]), 2
    elif names is None and task != "classes":
        header = [f"prediction_{i}" for i in range(units)] if units > 1 else ["prediction"]
        return header, ([str(value) for value in row] for row in output)
    if names is None or len(names) != units:
        names = [str(i) for i in range(units)]
    best = output.argmax(axis=1)
    values = output[np.arange(len(output)), best]
    rows = ([names[i], f"{value:.6f}"] for i, value in zip(best, values, strict=True))
    return ["class", "probability"], rows


def _random_rows(model: Sequential, rows: int, seed: int) -> tuple[Array, Array]:
    """Return rows that the first layer standardises, and targets that suit the loss."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, model.input_dim or 1))
    first = model.layers[0]
    if isinstance(first, Rescaling):
        x = (x - first.offset) / (first.scale or 1.0)
    elif isinstance(first, Normalization):
        x = first.state["mean"] + x * np.sqrt(first.state["variance"])
    assert model.loss is not None
    units = model.output_dim or 1
    if model.loss.task == "classes":
        return x, rng.integers(0, units, rows)
    if model.loss.task == "probabilities":
        return x, rng.integers(0, 2, (rows, units))
    output = model.predict(x).astype(np.float64)
    return x, output + (output.std() or 1.0) * rng.standard_normal(output.shape)


def _blas_threads() -> list[str]:
    """Return what is known of the library of NumPy's matrix products, and of its threads."""
    try:
        libraries = blas_libraries()
    except ImportError:
        return ["threads: unknown, threadpoolctl is not installed"]
    lines = [f"{name}: {counted(number, 'thread')}" for name, number in libraries.items()]
    return lines or ["threads: unknown, threadpoolctl does not know this library"]


def _mnist_place(data_dir: str | None) -> str:
    """Return the folder where MNIST is looked for, and whether it is there."""
    folder, named, complete = datasets.find_mnist(data_dir)
    absent = "not found" if named else "not found, will be downloaded on first use"
    return f"{folder} ({'found' if complete else absent})"
