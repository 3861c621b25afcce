"""The models of `bench_tabular.py`: each learns from a split and predicts its test rows.

What it predicts are numbers, of shape (rows,), or probabilities, of shape (rows, classes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tabular_data import CLASSES, NUMBERS, Split, with_categories

if TYPE_CHECKING:
    from collections.abc import Callable

    from ffnn._types import Array


def ffnn_table(ensemble: int = 1) -> Callable[[Split], Array]:
    """Return what trains the network for tables, or an ensemble."""

    def learn(split: Split) -> Array:
        from ffnn.tables import TabularClassifier, TabularRegressor

        kind = TabularClassifier if split.task == CLASSES else TabularRegressor
        model = kind(ensemble=ensemble, random_state=0).fit(split.x, split.y)
        return predicted(model, split.x_test)

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
    return predicted(make_pipeline(columns, network).fit(x, split.y), x_test)


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
        return predicted(model, x_test)

    return learn


class Model(NamedTuple):
    """A model to measure: the modules to import before the clock starts, and what trains it."""

    title: str
    modules: tuple[str, ...]
    learn: Callable[[Split], Array]


_SKLEARN = ("sklearn.compose", "sklearn.impute", "sklearn.neural_network", "sklearn.pipeline")
MODELS = {
    "ffnn": Model("ffnn", ("ffnn.tables", "ffnn.estimators"), ffnn_table()),
    "ffnn-x-5": Model("5 × ffnn", ("ffnn.tables", "ffnn.estimators"), ffnn_table(5)),
    "sklearn": Model("scikit-learn's MLP", _SKLEARN, sklearn),
    "lightgbm": Model("LightGBM", ("lightgbm", "sklearn"), lightgbm),
    "xgboost": Model("XGBoost", ("xgboost", "sklearn"), xgboost),
    "catboost": Model("CatBoost", ("catboost",), catboost),
    "realmlp-td": Model("RealMLP-TD", ("pytabkit", "torch"), realmlp(simple=False)),
    "realmlp-td-s": Model("RealMLP-TD-S", ("pytabkit", "torch"), realmlp(simple=True)),
}


def fitted(model: Any, split: Split) -> Array:
    """Return what a model that takes categories predicts."""
    x, x_test = with_categories(split)
    return predicted(model.fit(x, split.y), x_test)


def predicted(model: Any, x: Any) -> Array:
    """Return the probabilities of a fitted classifier, or the numbers of another model."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(x), float)
    return np.asarray(model.predict(x), float).ravel()
