"""Partial dependence against scikit-learn's on the same grid, and where it is known."""

import numpy as np
from sklearn import inspection
from sklearn.base import BaseEstimator, RegressorMixin

from ffnn.inspection.dependence import dependence, points_of_numbers, points_of_texts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))


def answers(x):
    return np.column_stack([x[:, 0] ** 2 * x[:, 1], 2.0 * x[:, 2] - x[:, 1]])


class Answering(RegressorMixin, BaseEstimator):
    """An estimator of scikit-learn's whose answers are a function's."""

    def fit(self, x, y):
        self.n_features_in_ = x.shape[1]
        return self

    def predict(self, x):
        return answers(x)


def test_it_is_scikit_learns():
    theirs = inspection.partial_dependence(
        Answering().fit(X, None), X, [0], grid_resolution=9, method="brute", kind="average"
    )
    grid = theirs["grid_values"][0]

    ours = dependence(answers, X, [0], grid[:, None])

    np.testing.assert_allclose(ours.T, theirs["average"])


def test_it_is_a_line_where_the_model_is():
    grid = np.array([-1.0, 0.0, 2.0])

    means = dependence(answers, X, [2], grid[:, None])

    np.testing.assert_allclose(means[:, 1], 2.0 * grid - X[:, 1].mean())
    assert np.ptp(means[:, 0]) == 0.0


def test_all_features_of_a_column_are_set_and_the_rows_stay():
    before = X.copy()

    means = dependence(lambda x: x, X, [0, 2], np.array([[5.0, 6.0], [7.0, 8.0]]))

    assert (before == X).all()
    np.testing.assert_allclose(means[:, [0, 2]], [[5.0, 6.0], [7.0, 8.0]])
    np.testing.assert_allclose(means[:, 1], X[:, 1].mean())


def test_points_are_entries_at_quantiles():
    values = np.append(RNG.permutation(1000.0 + np.arange(1001)), [np.nan] * 50)

    chosen = values[points_of_numbers(values)]

    np.testing.assert_allclose(chosen, 1000.0 + np.linspace(50, 950, 20).round(), atol=1.0)
    assert (np.diff(chosen) > 0).all()


def test_few_values_are_all_points_once():
    values = np.array([3.0, np.nan, 1.0, 3.0, 2.0])

    assert values[points_of_numbers(values)].tolist() == [1.0, 2.0, 3.0]
    assert len(points_of_numbers(np.array([np.nan]))) == 0


def test_texts_come_by_frequency():
    texts = ["b", "a", "c", "c", "a", "c"]

    assert [texts[row] for row in points_of_texts(texts)] == ["c", "a", "b"]
    assert len(points_of_texts([f"{i}" for i in range(30)])) == 20
