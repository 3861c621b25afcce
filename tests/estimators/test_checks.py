"""scikit-learn's own checks of an estimator, all of them."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.utils.estimator_checks import parametrize_with_checks

from ffnn.estimators import FFNNClassifier, FFNNRegressor

ESTIMATORS = [
    FFNNClassifier(),
    FFNNRegressor(),
    FFNNClassifier(solver="lbfgs", max_iter=30),
    FFNNRegressor(solver="lbfgs", max_iter=30),
]


# As a list: scikit-learn 1.7 hands over a generator, which pytest 9 warns of.
CHECKS = parametrize_with_checks(ESTIMATORS)
NAMES, CASES = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(NAMES, list(CASES), **CHECKS.kwargs)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)
