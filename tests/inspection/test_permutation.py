"""Permutation importance against scikit-learn's, by the same orders, and where it is known."""

import numpy as np
import pytest
from sklearn import inspection
from sklearn.base import BaseEstimator

from ffnn.inspection.permutation import permutation_drops
from ffnn.inspection.scores import score

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
TARGET = 3.0 * X[:, :1] - X[:, 2:3]


class Answering(BaseEstimator):
    """An estimator of scikit-learn's whose answers are a function's."""

    def fit(self, x, y):
        return self

    def score(self, x, y):
        return score("numbers", y, answers(x))


def answers(x):
    return 2.5 * x[:, :1] - x[:, 2:3] + 0.3 * np.sin(5 * x[:, 1:2])


def test_it_is_scikit_learns_by_the_same_orders():
    estimator = Answering().fit(X, TARGET)
    theirs = inspection.permutation_importance(
        estimator, X, TARGET, n_repeats=6, random_state=np.random.RandomState(5)
    )
    seed = np.random.RandomState(5).randint(np.iinfo(np.int32).max + 1)
    rng, shuffled, orders = np.random.RandomState(seed), np.arange(60), [np.arange(60)]
    for _ in range(6):
        rng.shuffle(shuffled)
        orders.append(orders[-1][shuffled])  # as it shuffles a column that is shuffled already

    baseline, drops = permutation_drops(
        lambda x: score("numbers", TARGET, answers(x)), X, [[0], [1], [2], [3]], orders[1:]
    )

    np.testing.assert_allclose(drops, theirs.importances)
    np.testing.assert_allclose(baseline, score("numbers", TARGET, answers(X)))


def test_features_of_one_column_move_together():
    """Two features that cancel each other: shuffled together they change nothing."""
    twins = np.column_stack([X[:, 0], X[:, 0], X[:, 1]])
    orders = [RNG.permutation(60) for _ in range(3)]

    def measure(x):
        return score("numbers", TARGET, 3.0 * (x[:, :1] - x[:, 1:2]) + x[:, 2:3])

    _, together = permutation_drops(measure, twins, [[0, 1], [2]], orders)
    _, apart = permutation_drops(measure, twins, [[0], [1]], orders)

    np.testing.assert_allclose(together[0], 0.0, atol=1e-12)
    assert (apart > 0.1).all()


def test_the_rows_stay_as_they_are():
    before = X.copy()

    permutation_drops(lambda x: float(x.sum()), X, [[0, 1], [2, 3]], [RNG.permutation(60)])

    assert (before == X).all()


def test_scores_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert score("classes", np.array([0, 1, 1]), probabilities) == pytest.approx(2 / 3)
    assert score("classes", np.array([0, 1, 1]), np.array([[0.4], [0.5], [0.6]])) == 2 / 3
    labels = np.array([[True, False], [False, True]])
    assert score("labels", labels, np.array([[0.7, 0.7], [0.1, 0.9]])) == 0.75
    numbers = np.array([[1.0], [2.0], [3.0]])
    assert score("numbers", numbers, np.array([[1.0], [2.0], [4.0]])) == pytest.approx(0.5)
