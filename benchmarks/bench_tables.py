"""Real tables: does ``ffnn train`` take each at once, and does it learn what scikit-learn learns.

    python benchmarks/bench_tables.py [--compare] [--only NAME] [--json FILE]

The files are those that come with other Python packages, which have to be installed; nothing is
fetched. Each is given to ``ffnn train FILE --target NAME`` with no other option. It counts as right
if that ends with a test score, and the target was taken for what it is: classes or numbers.

With ``--compare`` the twelve tables marked so are split five times into training and test rows. On
each split ``ffnn train``, with ``--preset plain`` and with the network for tables, and
scikit-learn's pipeline (median or most frequent value for missing entries, one-hot, scaling,
`MLPClassifier` or `MLPRegressor` at their defaults) learn from the same rows, with the same
columns. The scores are accuracy or R². The plain network is compared with scikit-learn's, which is
of its kind.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES, NUMBERS = "classification", "regression"
R = "resources.tar.gz:resources/rdata/csv"  # within pydataset


class Case(NamedTuple):
    """A file of a package, what to learn from it, and whether it is compared."""

    package: str
    path: str
    target: str | None
    task: str
    is_compared: bool = False


CASES = [
    Case("sklearn", "datasets/data/iris.csv", None, CLASSES),
    Case("sklearn", "datasets/data/wine_data.csv", None, CLASSES),
    Case("sklearn", "datasets/data/breast_cancer.csv", None, CLASSES, True),
    Case("bokeh_sampledata", "_data/auto-mpg.csv", "mpg", NUMBERS),
    Case("bokeh_sampledata", "_data/penguins.csv", "species", CLASSES, True),
    Case("bokeh_sampledata", "_data/titanic_all.csv", "survived", CLASSES, True),
    Case("bokeh_sampledata", "_data/forensic_glass.csv", "type", CLASSES),
    Case("bokeh_sampledata", "_data/iris.csv", "species", CLASSES),
    Case("bokeh_sampledata", "_data/SampleSuperstore.csv.gz", "Profit", NUMBERS),
    Case("bokeh_sampledata", "_data/cows.csv", "breed", CLASSES),
    Case("lifelines", "datasets/ACTG175.csv", "cens", CLASSES),
    Case("lifelines", "datasets/gbsg2.csv", "cens", CLASSES),
    Case("lifelines", "datasets/larynx.csv", "death", CLASSES),
    Case("lifelines", "datasets/lung.csv", "time", NUMBERS),
    Case("lifelines", "datasets/rossi.csv", "arrest", CLASSES, True),
    Case("lifelines", "datasets/kidney_transplant.csv", "death", CLASSES),
    Case("lifelines", "datasets/lymphoma.csv", "Censor", CLASSES),
    Case("mlxtend", "data/data/autompg.csv.gz", None, NUMBERS),
    Case("mlxtend", "data/data/boston_housing.csv", None, NUMBERS, True),
    Case("mlxtend", "data/data/wine.csv", None, CLASSES),
    Case("mlxtend", "data/data/three_blobs.csv.gz", None, CLASSES),
    Case("plotly", "package_data/datasets/tips.csv.gz", "tip", NUMBERS),
    Case("plotly", "package_data/datasets/gapminder.csv.gz", "lifeExp", NUMBERS, True),
    Case("plotly", "package_data/datasets/iris.csv.gz", "species", CLASSES),
    Case("plotly", "package_data/datasets/election.csv.gz", "winner", CLASSES),
    Case("plotly", "package_data/datasets/carshare.csv.gz", "car_hours", NUMBERS),
    Case("vega_datasets", "_data/seattle-weather.csv", "weather", CLASSES, True),
    Case("vega_datasets", "_data/cars.json", "Miles_per_Gallon", NUMBERS),
    Case("vega_datasets", "_data/barley.json", "yield", NUMBERS),
    Case("vega_datasets", "_data/airports.csv", "latitude", NUMBERS),
    Case("vega_datasets", "_data/iris.json", "species", CLASSES),
    Case("statsmodels", "datasets/anes96/anes96.csv", "vote", CLASSES),
    Case("statsmodels", "datasets/ccard/ccard.csv", "AVGEXP", NUMBERS),
    Case("statsmodels", "datasets/fair/fair.csv", "affairs", NUMBERS),
    Case("statsmodels", "datasets/modechoice/modechoice.csv", "choice", CLASSES, True),
    Case("statsmodels", "datasets/randhie/randhie.csv", "mdvis", NUMBERS),
    Case("statsmodels", "datasets/star98/star98.csv", "MATHTOT", NUMBERS),
    Case("statsmodels", "datasets/statecrime/statecrime.csv", "murder", NUMBERS),
    Case(
        "statsmodels", "datasets/scotland/src/scotland_population.csv", "Persons per sq km", NUMBERS
    ),
    Case("statsmodels", "datasets/spector/spector.csv", "GRADE", CLASSES),
    Case("pydataset", f"{R}/Ecdat/Mroz.csv", "work", CLASSES),
    Case("pydataset", f"{R}/Ecdat/Housing.csv", "price", NUMBERS, True),
    Case("pydataset", f"{R}/Ecdat/Hdma.csv", "deny", CLASSES),
    Case("pydataset", f"{R}/Ecdat/Wages.csv", "lwage", NUMBERS, True),
    Case("pydataset", f"{R}/Ecdat/Computers.csv", "price", NUMBERS),
    Case("pydataset", f"{R}/Ecdat/Participation.csv", "lfp", CLASSES),
    Case("pydataset", f"{R}/Ecdat/Caschool.csv", "testscr", NUMBERS),
    Case("pydataset", f"{R}/Ecdat/Diamond.csv", "price", NUMBERS),
    Case("pydataset", f"{R}/Ecdat/Fair.csv", "child", CLASSES),
    Case("pydataset", f"{R}/ggplot2/mpg.csv", "hwy", NUMBERS),
    Case("pydataset", f"{R}/ggplot2/midwest.csv", "state", CLASSES),
    Case("pydataset", f"{R}/ggplot2/msleep.csv", "sleep_total", NUMBERS),
    Case("pydataset", f"{R}/MASS/Pima.te.csv", "type", CLASSES),
    Case("pydataset", f"{R}/MASS/biopsy.csv", "class", CLASSES),
    Case("pydataset", f"{R}/MASS/birthwt.csv", "bwt", NUMBERS),
    Case("pydataset", f"{R}/MASS/survey.csv", "Smoke", CLASSES),
    Case("pydataset", f"{R}/MASS/fgl.csv", "type", CLASSES),
    Case("pydataset", f"{R}/car/Chile.csv", "vote", CLASSES, True),
    Case("pydataset", f"{R}/car/SLID.csv", "wages", NUMBERS, True),
    Case("pydataset", f"{R}/car/Salaries.csv", "salary", NUMBERS),
    Case("pydataset", f"{R}/car/Womenlf.csv", "partic", CLASSES),
    Case("pydataset", f"{R}/rpart/kyphosis.csv", "Kyphosis", CLASSES),
    Case("pydataset", f"{R}/survival/pbc.csv", "status", CLASSES),
    Case("pydataset", f"{R}/survival/veteran.csv", "celltype", CLASSES),
]
SPLITS = 5
TEST_SHARE = 0.25


def find(case: Case, folder: Path) -> Path | None:
    """Return the case's file, None if its package is not installed."""
    specification = importlib.util.find_spec(case.package)
    if specification is None or specification.origin is None:
        return None
    path, _, member = case.path.partition(":")
    found = Path(specification.origin).parent / path
    if not member:
        return found
    with tarfile.open(found) as archive:
        out = folder / Path(member).name
        source = archive.extractfile(member)
        assert source is not None
        out.write_bytes(source.read())
    return out


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command ffnn."""
    command = [sys.executable, "-m", "ffnn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def train_at_once(case: Case, path: Path) -> dict[str, Any]:
    """Give a file to ``ffnn train``, and tell whether it was taken for what it is."""
    target = () if case.target is None else ("--target", case.target)
    start = time.perf_counter()
    done = run("train", path, *target)
    score = re.search(r"test (accuracy|r2): (-?[\d.]+)$", done.stdout.strip())
    base = re.search(r"baseline (?:accuracy|r2): (-?[\d.]+)", done.stdout)
    task = None if score is None else CLASSES if score[1] == "accuracy" else NUMBERS
    lines = (done.stderr.strip() or done.stdout.strip() or " ").splitlines()
    return {
        "is_right": done.returncode == 0 and task == case.task,
        "task": task,
        "score": None if score is None else float(score[2]),
        "baseline": None if base is None else float(base[1]),
        "seconds": time.perf_counter() - start,
        "said": lines[-1] if done.returncode or task != case.task else "",
    }


# -- beside scikit-learn -----------------------------------------------------------------------


def compare(case: Case, path: Path, folder: Path) -> dict[str, Any]:
    """Let both sides learn from the same rows, five times."""
    import pandas as pd

    from ffnn.tables import TableEncoder, read_table

    table = read_table(path)
    target = case.target or table.names[-1]
    encoder = TableEncoder().fit(table, target)
    assert encoder.target is not None
    used = table.take(encoder.target.rows_of(table))
    names = [encoding.name for encoding in encoder.encodings]
    columns = {name: used[name].array for name in (*names, target)}
    frame = pd.DataFrame(columns)
    sides = ("plain", "table", "sklearn")
    pairs: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for train, test in splits(len(frame)):
        files = folder / "train.csv", folder / "test.csv"
        for rows, file in zip((train, test), files, strict=True):
            frame.iloc[rows].to_csv(file, index=False)
        for preset in ("plain", "table"):
            model = folder / "model.h5"
            pairs[preset].append(by_ffnn(*files, target, case.task, model, preset))
        pairs["sklearn"].append(by_sklearn(frame, train, test, target, case.task))
    return {
        side: {"scores": [s for s, _ in p], "seconds": [t for _, t in p]}
        for side, p in pairs.items()
    }


def splits(rows: int) -> Iterator[tuple[Any, Any]]:
    """Yield row numbers to train on and to test on."""
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(rows)
        count = round(TEST_SHARE * rows)
        yield order[count:], order[:count]


def by_ffnn(
    train: Path, test: Path, target: str, task: str, model: Path, preset: str
) -> tuple[float, float]:
    """Return the test score of ``ffnn train`` and the seconds that training took."""
    options = ("--target", target, "--task", task, "--test-split", "0", "--out", model)
    options = (*options, "--preset", preset)
    trained = run("train", train, *options)
    tested = run("evaluate", model, test)
    score = re.search(r"(?:accuracy|r2): (-?[\d.]+)$", tested.stdout.strip())
    seconds = re.findall(r"^(?:trained|network) .* in ([\d.]+) s", trained.stdout, re.MULTILINE)
    if score is None or not seconds:
        raise RuntimeError(f"{train}: {trained.stderr}{tested.stderr}")
    return float(score[1]), sum(map(float, seconds))


def by_sklearn(frame: Any, train: Any, test: Any, target: str, task: str) -> tuple[float, float]:
    """Return the test score of scikit-learn's pipeline and the seconds that fitting took."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    x, y = frame.drop(columns=target), frame[target]
    for name in x.select_dtypes("datetime"):
        x[name] = x[name].astype("int64") / 1e9
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (words, make_column_selector(dtype_exclude=np.number)),
    )
    network = MLPClassifier if task == CLASSES else MLPRegressor
    pipeline = make_pipeline(columns, network(random_state=0))
    y = y.astype(str) if task == CLASSES else y
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says when its 200 epochs were not enough
        pipeline.fit(x.iloc[train], y.iloc[train])
    seconds = time.perf_counter() - start
    return float(pipeline.score(x.iloc[test], y.iloc[test])), seconds


# -- the report --------------------------------------------------------------------------------


def main() -> None:
    """Try all files, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--compare", action="store_true", help="compare with scikit-learn instead")
    parser.add_argument("--only", metavar="NAME", help="part of the path of the files to try")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to this file")
    options = parser.parse_args()
    cases = [c for c in CASES if not options.only or options.only in c.path]
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in [c for c in cases if c.is_compared or not options.compare]:
            path = find(case, Path(folder))
            name = f"{case.package}: {Path(case.path).name}"
            if path is None:
                print(f"{name:<46} {case.package} is not installed")
            elif options.compare:
                results[name] = compare(case, path, Path(folder))
                print(comparison(name, results[name]), flush=True)
            else:
                results[name] = train_at_once(case, path)
                print(attempt(name, results[name]), flush=True)
    if not options.compare:
        right = sum(result["is_right"] for result in results.values())
        print(f"{right} of {len(results)} trained at once")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


def attempt(name: str, result: dict[str, Any]) -> str:
    """Return the line of a file that was given to ``ffnn train``."""
    numbers = [result["score"], result["baseline"]]
    shown = "".join(f"{'-' if n is None else format(n, '.3f'):>9}" for n in numbers)
    state = "right" if result["is_right"] else "WRONG"
    return f"{name:<46} {state}{shown}{result['seconds']:>7.1f} s  {result['said']}"


def comparison(name: str, result: dict[str, Any]) -> str:
    """Return the line of a table that both sides learned from."""
    sides = ("plain", "table", "sklearn")
    ours, table, theirs = (np.array(result[side]["scores"]) for side in sides)
    error = theirs.std(ddof=1) / np.sqrt(len(theirs))
    times = [float(np.mean(result[side]["seconds"])) for side in sides]
    verdict = "reached" if ours.mean() >= theirs.mean() - error else "MISSED"
    return (
        f"{name:<40}{ours.mean():>8.3f}{table.mean():>8.3f}{theirs.mean():>8.3f} ± {error:.3f} "
        f"{verdict:<8}{times[0]:>6.2f} s{times[1]:>7.2f} s{times[2]:>7.2f} s"
    )


if __name__ == "__main__":
    main()
