"""The network for tables beside the best of other libraries, on twenty real tables.

    python benchmarks/bench_tabular.py FOLDER RESULTS [--tables ten|unseen] [--models NAMES]
                                       [--splits N] [--rows N] [--page FILE] [--docs]

FOLDER has a file NAME.csv for each table of `tabular_data.py`, which says what package it comes
with, the target as last column; nothing is fetched. A table is cut to so many rows at random (2,000
of the ten that choices were made on, 10,000 of the ten others), as often as there are splits (5); a
third as many more are the test set. Every model learns from the same rows, with text and missing
entries in the form that it takes, at its defaults, on one thread, in a process of its own; RealMLP
has the numbers' medians for missing ones, as it takes none. A model whose package is not installed
is left out.

The results are appended to the file RESULTS, one JSON object a line. What is in it is not measured
again, so that a run that was ended goes on when it is started anew. At the end all of them are told
as text, and with --page on a page: ratios to ours, ranks, and where ours is worse. With --docs the
tables of ``docs/tables.md`` are written from them.

The error is 1 - R² or 1 - accuracy; AUC is the mean over the classes, each against all others; the
logarithmic loss is that of the probabilities. Processor seconds are of fit and prediction, without
imports; memory is the most that the process ever held, the library included.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import os
import resource
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402 (which reads how many threads there are)
from page_sections import DOCS, put  # noqa: E402
from tabular_data import CLASSES, COLLECTIONS, Source, read  # noqa: E402
from tabular_markdown import sections  # noqa: E402
from tabular_models import MODELS  # noqa: E402
from tabular_page import Study, as_page, as_text  # noqa: E402

if TYPE_CHECKING:
    from ffnn._types import Array

    Result = dict[str, Any]


def measure(model: str, path: Path, source: Source, seed: int, rows: int) -> Result:
    """Return the errors of a model on a split of a table, with its seconds and memory."""
    split = read(path, source.task, seed, rows)
    _, modules, learn = MODELS[model]
    for module in modules:
        importlib.import_module(module)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = learn(split)
    seconds = time.process_time() - start
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB, on Linux
    found = scores(predicted, split.y_test, source.task)
    return {**found, "seconds": seconds, "memory": held, "rows": len(split.y)}


def scores(predicted: Array, y: Array, task: str) -> Result:
    """Return the error, and of probabilities AUC and the logarithmic loss."""
    if task != CLASSES:
        return {"error": float(((predicted - y) ** 2).mean() / y.var())}
    from sklearn.metrics import roc_auc_score

    aucs = [roc_auc_score(y == k, predicted[:, k]) for k in np.unique(y)]
    likely = np.clip(predicted[np.arange(len(y)), y], 1e-15, 1.0)
    return {
        "error": float((predicted.argmax(axis=1) != y).mean()),
        "auc": float(np.mean(aucs)),
        "log_loss": float(-np.log(likely).mean()),
    }


def run_apart(*arguments: Any) -> Result:
    """Return what `measure` finds in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def read_results(path: Path) -> list[Result]:
    """Return what was measured so far; a last line that was cut short is left out."""
    results = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            results.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return results


def append(path: Path, result: Result) -> None:
    """Add a line to the results, after a last one that was cut short as well."""
    is_cut = path.exists() and not path.read_text(encoding="utf-8").endswith("\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * is_cut + json.dumps(result) + "\n")


def measure_all(options: argparse.Namespace) -> None:
    """Measure what is not measured yet, and append it to the results."""
    _, rows, tables = COLLECTIONS[options.tables]
    done = {(r["model"], r["table"], r["split"]) for r in read_results(options.results)}
    wanted = [(m, t, s) for m in options.models for s in range(options.splits) for t in tables]
    for model, table, split in wanted:
        if (model, table, split) in done:
            continue
        path = options.folder / f"{table}.csv"
        found = run_apart(model, path, tables[table], split, options.rows or rows)
        line = {"tables": options.tables, "table": table, "model": model, "split": split, **found}
        append(options.results, line)
        error, seconds = found["error"], found["seconds"]
        print(f"{table:<14}{model:<14}error {error:.4f}  {seconds:7.2f} s", flush=True)


def models_of(text: str) -> list[str]:
    """Return the models of an option that are installed."""
    names = text.split(",")
    for name in names:
        if name not in MODELS:
            raise argparse.ArgumentTypeError(f"no model {name!r}; known: {', '.join(MODELS)}")
    packages = {name: MODELS[name].modules[0].split(".")[0] for name in names}
    return [name for name in names if importlib.util.find_spec(packages[name])]


def main() -> None:
    """Measure all models on all tables, and say what they reach."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="folder with NAME.csv of each table")
    parser.add_argument("results", type=Path, help="file of results, which new ones are added to")
    parser.add_argument("--tables", choices=COLLECTIONS, default="ten")
    parser.add_argument(
        "--models",
        type=models_of,
        default=",".join(MODELS),
        help=f"names with commas, of {', '.join(MODELS)}",
    )
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--rows", type=int, help="to learn from, at most")
    parser.add_argument("--page", type=Path, help="write a page about all results to this file")
    parser.add_argument("--docs", action="store_true", help="write the tables of docs/tables.md")
    options = parser.parse_args()
    measure_all(options)
    results = [r for r in read_results(options.results) if r["tables"] == options.tables]
    study = Study.of(COLLECTIONS[options.tables].title, results)
    print(as_text(study))
    if options.page:
        options.page.write_text(as_page(study), encoding="utf-8")
    if options.docs:
        put(DOCS / "tables.md", options.tables, sections(study))


if __name__ == "__main__":
    main()
