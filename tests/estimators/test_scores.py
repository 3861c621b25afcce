"""Cross-validated scores and scikit-learn's; `benchmarks/bench_estimators.py` has more seeds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn import datasets
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ffnn.estimators import FFNNClassifier, FFNNRegressor

SEEDS = 2


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_default_parameters_score_within_one_standard_error_or_above(name):
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    pair = (MLPClassifier, FFNNClassifier)
    if name == "diabetes":
        pair = (MLPRegressor, FFNNRegressor)
    theirs, ours = (
        np.concatenate([cross_val_score(cls(random_state=s), x, y, cv=2) for s in range(SEEDS)])
        for cls in pair
    )
    standard_error = theirs.std(ddof=1) / np.sqrt(len(theirs))
    assert ours.mean() >= theirs.mean() - standard_error
