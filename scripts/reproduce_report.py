"""Run the report's experiments on MNIST several times, and write a page about them.

    python scripts/reproduce_report.py [--experiments width,depth,...] [--seeds 5] [--quick]
                                       [--jobs 2] [--out DIR] [--page-only] [--markdown FILE]
                                       [--rewrite FILE]

Every row of the table in `report/experiments.py` is trained once for each seed, several runs in
parallel, each in a process with one thread for its matrix products. The output folder gets

- `results.csv`, with a line for each run as soon as it is done. A run that has its line is not
  repeated, so an interrupted command continues where it stopped;
- `runs/`: each run's losses by epoch, its hits on the test rows, and the first seed's network;
- `index.html` and `report.md` with `pictures/`, and `claims.csv` with the tests of the claims.

--markdown writes the report and its tables into the docs. After a change of texts alone, --rewrite
makes the docs' page again from its own tables, without the runs.

It needs MNIST (in the folder that FFNN_DATA_DIR names, in the cache, or downloaded) and, for the
experiment `sklearn`, scikit-learn. It takes about half an hour on two cores; --quick takes 2,000
rows, 2 epochs and 2 seeds, to check that it runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from report.experiments import EXPERIMENTS, find_experiments
from report.page import copy_markdown, rewrite_markdown, write_page
from report.results import ResultsError, ResultsFolder
from report.runner import FULL, QUICK, Run, current_version, execute
from report.study import gather
from report.workers import worker_pool

from ffnn.datasets import find_mnist, load_mnist
from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from report.results import Result
    from report.runner import Scale
    from report.settings import Experiment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        reproduce(options)
    except (ResultsError, DataError, ImportError) as error:
        print(f"reproduce_report: {error}", file=sys.stderr)
        return 1
    except BrokenProcessPool:
        print(
            "reproduce_report: a process was killed, perhaps for lack of memory (fewer --jobs "
            "need less); the same command continues from here",
            file=sys.stderr,
        )
        return 1
    except ValueError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print(
            "reproduce_report: interrupted; the same command continues from here", file=sys.stderr
        )
        return 130
    print(f"the page is {options.rewrite or options.out / 'index.html'}")
    return 0


def reproduce(options: argparse.Namespace) -> None:
    """Train the runs that are missing, and write the page about all of them."""
    scale = QUICK if options.quick else FULL
    num_seeds = options.seeds or (2 if options.quick else 5)
    experiments = find_experiments(options.experiments)
    if options.rewrite:
        rewrite_markdown(experiments, _command(options), options.rewrite)
        return
    _check_sklearn(experiments)
    folder = ResultsFolder(options.out)
    runs = plan(experiments, num_seeds, scale)
    known = plan(EXPERIMENTS, 1, scale)
    results = folder.read(known)
    missing = [run for run in runs if run.key not in results]
    with worker_pool(options.jobs) as pool:
        if missing and not options.page_only:
            check_versions(list(results.values()), missing)
            train_all(missing, folder, pool)
            results = folder.read(known)
        study = gather(experiments, num_seeds, scale, folder, results)
        write_page(study, folder, _command(options), pool)
    if options.markdown:
        copy_markdown(folder, options.markdown)


def _command(options: argparse.Namespace) -> str:
    """Return the command that gives the same numbers."""
    words = ["python scripts/reproduce_report.py"]
    if options.experiments != ",".join(experiment.name for experiment in EXPERIMENTS):
        words.append(f"--experiments {options.experiments}")
    if options.seeds:
        words.append(f"--seeds {options.seeds}")
    if options.quick:
        words.append("--quick")
    return " ".join(words)


def _make_parser() -> argparse.ArgumentParser:
    names = ",".join(experiment.name for experiment in EXPERIMENTS)
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="reproduce_report.py", description=summary)
    parser.add_argument("--experiments", default=names, help=f"some of {names}; default: all")
    parser.add_argument("--seeds", type=_count, help="runs of each setting; default: 5, quick 2")
    parser.add_argument("--quick", action="store_true", help="2,000 rows and 2 epochs")
    parser.add_argument(
        "--jobs", type=_count, default=os.cpu_count(), help="number of runs in parallel"
    )
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the results")
    parser.add_argument("--page-only", action="store_true", help="train nothing, write the page")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="also write the report there, for the docs"
    )
    parser.add_argument(
        "--rewrite",
        type=Path,
        metavar="FILE",
        help="train nothing, write FILE again from the tables beside it",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text!r}")
    return int(text)


def _check_sklearn(experiments: Sequence[Experiment]) -> None:
    if any(experiment.name == "sklearn" for experiment in experiments) and not (
        importlib.util.find_spec("sklearn")
    ):
        raise ImportError(
            "the experiment sklearn needs scikit-learn, which is not installed: "
            "pip install scikit-learn, or name the other --experiments"
        )


def plan(experiments: Sequence[Experiment], num_seeds: int, scale: Scale) -> list[Run]:
    """Return all runs, seed by seed: after the first round each setting has been run once."""
    return [
        Run(experiment.name, row, seed, scale)
        for seed in range(num_seeds)
        for experiment in experiments
        for row in experiment.rows
    ]


def check_versions(results: Sequence[Result], missing: Sequence[Run]) -> None:
    """Check that the results so far come from the libraries that will train the rest.

    Raises
    ------
    ResultsError
        One of them is another version.
    """
    now = {library: current_version(library) for library in {run.library for run in missing}}
    for result in results:
        library = result.version.rpartition(" ")[0]
        if result.version != now.get(library, result.version):
            raise ResultsError(
                f"the results so far come from {result.version}, but {now[library]} is installed: "
                "they are not mixed. Name another folder with --out"
            )


# -- training --------------------------------------------------------------------------------------


def train_all(runs: Sequence[Run], folder: ResultsFolder, pool: Executor) -> None:
    """Train all runs, and keep each as soon as it is done.

    Parameters
    ----------
    runs : sequence of Run
        In this order.
    folder : ResultsFolder
        Where they are kept. The first seed's network is kept too.
    pool : Executor
        Where they are trained.

    Raises
    ------
    DataError
        MNIST is not there.
    BrokenProcessPool
        A process was killed.
    """
    from tqdm import tqdm

    if not find_mnist()[2]:
        load_mnist()  # downloads it once for all processes, or says where to put it
    futures = {pool.submit(execute, run, keep_network=run.seed == 0): run for run in runs}
    with tqdm(total=len(runs), unit="run") as bar:
        for future in as_completed(futures):
            run = futures[future]
            result = folder.add(run, future.result())
            bar.set_postfix_str(
                f"{run.experiment} {run.row.name} {result.test_accuracy:.2f} %", refresh=False
            )
            bar.update()


if __name__ == "__main__":
    sys.exit(main())
