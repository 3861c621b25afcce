"""Fitting: errors and warnings as in scikit-learn, sparse rows, live weights, interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ffnn.callbacks import Callback
from ffnn.estimators import FFNNClassifier, FFNNRegressor

PAIRS = {FFNNClassifier: MLPClassifier, FFNNRegressor: MLPRegressor}
both = pytest.mark.parametrize("ours", PAIRS, ids=lambda cls: cls.__name__)
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NAN, INFINITE = X.copy(), X.copy()
NAN[3, 1], INFINITE[3, 1] = np.nan, np.inf
INDICATORS = np.column_stack([np.eye(3, dtype=int)[Y], np.ones(150, dtype=int)])


# Bad parameters and bad data, compared with scikit-learn

BAD_PARAMETERS = {
    "hidden_layer_sizes": [-1, 0, (0,), (5, -2), (2.5,), "a", ("a",), None, (3, [4]), [[2, 2]]],
    "activation": ["foo", None, 3],
    "solver": ["x", None],
    "alpha": [-1, "a", float("nan")],
    "batch_size": [0, -1, "b", 1.5, None],
    "learning_rate": ["x"],
    "learning_rate_init": [0, -1, "a"],
    "power_t": [-1],
    "max_iter": [0, 1.5],
    "shuffle": ["a", 2],
    "random_state": ["a", -1, 1.5],
    "tol": [-1, "a"],
    "verbose": [-1, "a"],
    "warm_start": ["a"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": ["x"],
    "early_stopping": ["x"],
    "validation_fraction": [1.0, -0.1],
    "beta_1": [1.0, -0.5],
    "beta_2": [1.0],
    "epsilon": [0],
    "n_iter_no_change": [0, 1.5],
    "max_fun": [0, "x"],
}


def error_of(call, cls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(cls)
        except Exception as error:
            return error
    return None


def assert_rejected_alike(call, ours):
    theirs, mine = error_of(call, PAIRS[ours]), error_of(call, ours)
    assert theirs is not None
    assert mine is not None
    # Where scikit-learn fails inside a ufunc, whose error is a TypeError, ours is a plain one.
    kinds = set(type(theirs).__mro__) - {Exception, BaseException, object}
    assert isinstance(mine, type(theirs)) or type(mine) in kinds
    assert len(str(mine)) >= min(len(str(theirs)), 40)
    return theirs, mine


@both
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_PARAMETERS.items() for value in values],
)
def test_bad_parameters_are_rejected_alike(ours, name, value):
    params = {"max_iter": 2, name: np.array(value) if value == [[2, 2]] else value}
    theirs, mine = assert_rejected_alike(lambda cls: cls(**params).fit(X, Y), ours)
    if name in str(theirs):
        assert name in str(mine)


def fit(x, y, weight=None, **params):
    return lambda cls: cls(max_iter=2, **params).fit(x, y, weight)


BAD_DATA = {
    "no y": fit(X, None),
    "one row of numbers": fit(X[:, 0], Y),
    "three axes": fit(X[:, :, None], Y),
    "no rows": fit(X[:0], Y[:0]),
    "no columns": fit(X[:, :0], Y),
    "nan": fit(NAN, Y),
    "infinity": fit(INFINITE, Y),
    "nan in y": fit(X, NAN[:, 1]),
    "infinity in y": fit(X, INFINITE[:, 1]),
    "fewer y": fit(X, Y[:-1]),
    "y with three axes": fit(X, Y[:, None, None]),
    "words": fit(np.full((150, 4), "a"), Y),
    "complex": fit(X + 1j, Y),
    "fewer weights": fit(X, Y, np.ones(3)),
    "weights with two axes": fit(X, Y, np.ones((150, 1))),
    "nan in weights": fit(X, Y, np.full(150, np.nan)),
    "no weight at all": fit(X, Y, np.zeros(150)),
    "no weight in a batch": fit(X, Y, np.repeat([1.0, 0.0], 75), batch_size=10, shuffle=False),
    "one row to split": fit(X[:1], Y[:1], early_stopping=True),
    "too few rows to split": fit(X[:5], Y[:5], early_stopping=True),
    "no share to hold back": fit(X, Y, early_stopping=True, validation_fraction=0.0),
    "unfitted": lambda cls: cls().predict(X),
    "fewer columns later": lambda cls: cls(max_iter=1).fit(X, Y).predict(X[:, :2]),
    "nan later": lambda cls: cls(max_iter=1).fit(X, Y).predict(NAN),
    "one axis later": lambda cls: cls(max_iter=1).fit(X, Y).predict(X[0]),
    "no rows later": lambda cls: cls(max_iter=1).fit(X, Y).predict(X[:0]),
    "another number of columns": lambda cls: (
        cls(max_iter=1, warm_start=True).fit(X, Y).fit(X[:, :3], Y)
    ),
    "another number of outputs": lambda cls: (
        cls(max_iter=1, warm_start=True).fit(X, Y).fit(X, np.column_stack([Y, Y]))
    ),
    "unknown parameter": lambda cls: cls(foo=1),
    "unknown parameter later": lambda cls: cls().set_params(foo=1),
}
BAD_CLASSES = {
    "numbers": fit(X, Y + 0.5),
    "several classes at once": fit(X, np.column_stack([Y, Y])),
    "mixed labels": fit(X, np.array([1, "a", None] * 50, object)),
    "one row of a class to split": fit(X[:60], np.eye(60, dtype=int)[0], early_stopping=True),
    "no classes at first": lambda cls: cls().partial_fit(X, Y),
    "a class too many": lambda cls: cls().partial_fit(X, Y, classes=[0, 1]),
    "other classes": lambda cls: (
        cls().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y, classes=[0, 1, 3])
    ),
    "new classes": lambda cls: cls().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y + 5),
    "several labels after classes": lambda cls: (
        cls()
        .partial_fit(X, Y, classes=[0, 1, 2])
        .partial_fit(X, INDICATORS[:, :3] | INDICATORS[:1, :3])
    ),
    "early stopping of a batch": lambda cls: cls(early_stopping=True).partial_fit(
        X, Y, classes=[0, 1, 2]
    ),
    "lbfgs of a batch": lambda cls: cls(solver="lbfgs").partial_fit(X, Y, classes=[0, 1, 2]),
    "fewer classes": lambda cls: cls(max_iter=1, warm_start=True).fit(X, Y).fit(X[:100], Y[:100]),
}
BAD_NUMBERS = {
    "words in y": fit(X, np.array(["a", "b", "c"])[Y]),
    "more outputs": lambda cls: cls().partial_fit(X, Y).partial_fit(X, np.column_stack([Y, Y])),
    "early stopping of a batch": lambda cls: cls(early_stopping=True).partial_fit(X, Y),
    "unknown loss": fit(X, Y, loss="foo"),
}


@both
@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_are_rejected_alike(ours, case):
    assert_rejected_alike(BAD_DATA[case], ours)


@pytest.mark.parametrize("case", BAD_CLASSES)
def test_bad_classes_are_rejected_alike(case):
    assert_rejected_alike(BAD_CLASSES[case], FFNNClassifier)


@pytest.mark.parametrize("case", BAD_NUMBERS)
def test_bad_numbers_are_rejected_alike(case):
    assert_rejected_alike(BAD_NUMBERS[case], FFNNRegressor)


def test_counts_may_not_be_negative():
    with pytest.raises(ValueError, match=r"poisson' needs y of at least 0, got -1.0 in row 0"):
        FFNNRegressor("poisson").fit(X, Y - 1.0)


def test_partial_fit_is_there_for_the_solvers_that_train_by_batches():
    assert hasattr(FFNNClassifier(), "partial_fit")
    assert not hasattr(FFNNClassifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(FFNNRegressor(solver="lbfgs"), "partial_fit")


@quiet
def test_diverging_weights_are_a_value_error_with_advice():
    settings = {"solver": "sgd", "learning_rate_init": 1e6, "random_state": 0}
    for cls in (MLPRegressor, FFNNRegressor):
        with (
            pytest.raises(ValueError, match="non-finite parameter weights"),
            np.errstate(all="ignore"),
        ):
            cls(**settings).fit(X * 1e3, Y)
    with pytest.raises(
        ValueError, match=r"epoch \d, batch .*scale the columns of X.*lower learning"
    ):
        FFNNRegressor(**settings).fit(X * 1e3, Y)


def test_weights_that_end_as_nan_are_rejected(monkeypatch):
    def lose(estimator, *rows):
        estimator.model_.parameters.fill(np.nan)

    monkeypatch.setattr("ffnn.estimators.solvers.fit_lbfgs", lose)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        FFNNClassifier(solver="lbfgs").fit(X, Y)


@quiet
def test_large_targets_train_as_in_scikit_learn():
    theirs, mine = (
        cls(random_state=0, max_iter=3).fit(X, Y * 1e30) for cls in (MLPRegressor, FFNNRegressor)
    )
    np.testing.assert_allclose(mine.coefs_[0], theirs.coefs_[0], rtol=1e-10)


# Warnings


@both
def test_too_few_epochs_are_a_convergence_warning(ours):
    with pytest.warns(ConvergenceWarning, match=r"Stochastic Optimizer: Maximum iterations \(3\)"):
        ours(max_iter=3).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iterations"):
        ours(max_iter=2, solver="lbfgs").fit(X, Y)


@both
def test_no_warning_once_training_no_longer_improves(ours):
    fitted = ours(tol=1e6, n_iter_no_change=2).fit(X, Y)  # warnings are errors here
    assert fitted.n_iter_ == PAIRS[ours](tol=1e6, n_iter_no_change=2).fit(X, Y).n_iter_ == 4


@quiet
@both
def test_a_batch_of_more_rows_than_there_are_is_a_warning(ours):
    with pytest.warns(UserWarning, match="batch_size=1000 is more than the 150 rows"):
        ours(batch_size=1000, max_iter=1).fit(X, Y)


@quiet
@both
def test_a_column_of_targets_is_a_warning(ours):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        fitted = ours(max_iter=1).fit(X, Y[:, None])
    assert fitted.predict(X).shape == (150,)


# What is printed


@quiet
@both
def test_verbose_prints_what_scikit_learn_prints(ours, capsys):
    settings = {"verbose": True, "random_state": 0, "max_iter": 40, "early_stopping": True}
    settings |= {"tol": 0.5, "n_iter_no_change": 1}
    PAIRS[ours](**settings).fit(X, Y)
    theirs = capsys.readouterr().out
    ours(**settings).fit(X, Y)
    mine = capsys.readouterr().out
    assert mine == theirs
    assert "Iteration 1, loss = " in mine
    assert "Validation score: " in mine
    assert mine.rstrip().endswith("Stopping.")


@quiet
def test_verbose_of_an_adaptive_rate(capsys):
    settings = {"solver": "sgd", "learning_rate": "adaptive", "verbose": True, "random_state": 0}
    settings |= {"tol": 0.5, "n_iter_no_change": 1, "max_iter": 60}
    for cls in (MLPClassifier, FFNNClassifier):
        cls(**settings).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert "Setting learning rate to 0.000200" in next(line for line in lines if "Setting" in line)
    assert "Learning rate too small. Stopping." in lines[-1]


def test_verbose_of_lbfgs_prints_falling_losses(capsys):
    FFNNClassifier(solver="lbfgs", verbose=True, random_state=0).fit(X, Y)
    losses = [float(line.removeprefix("loss = ")) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) > 5
    assert losses == sorted(losses, reverse=True)


# Labels


@quiet
@pytest.mark.parametrize(
    "labels",
    [np.array(["b", "c", "a"])[Y], np.array(["b", "c", "a"], object)[Y], Y * 2.0, Y > 1, Y - 7],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_of_any_kind_come_back(labels):
    theirs, mine = (
        cls(max_iter=5, random_state=0).fit(X, labels) for cls in (MLPClassifier, FFNNClassifier)
    )
    np.testing.assert_array_equal(mine.classes_, theirs.classes_)
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
    assert mine.predict(X).dtype == theirs.predict(X).dtype


@quiet
def test_one_class_alone_is_always_predicted():
    fitted = FFNNClassifier(max_iter=2).fit(X, np.full(150, "only"))
    assert set(fitted.predict(X)) == {"only"}


@quiet
def test_sparse_labels_come_back_sparse():
    theirs, mine = (
        cls(max_iter=3, random_state=0).fit(X, sp.csr_array(INDICATORS))
        for cls in (MLPClassifier, FFNNClassifier)
    )
    found, expected = mine.predict(X), theirs.predict(X)
    assert type(found) is type(expected)
    assert (found != expected).nnz == 0


@quiet
def test_softmax_models_keep_their_class_names():
    fitted = FFNNClassifier(max_iter=2).fit(X, np.array(["b", "c", "a"])[Y])
    assert fitted.model_.class_names == ["a", "b", "c"]


# Sparse rows


@pytest.fixture
def no_dense(monkeypatch):
    """Let every sparse matrix refuse to become dense."""

    def refuse(self, *args, **options):
        raise AssertionError("a sparse matrix was made dense")

    for name in ("csr_matrix", "csr_array", "csc_matrix", "csc_array", "coo_matrix", "coo_array"):
        for method in ("toarray", "todense"):
            monkeypatch.setattr(getattr(sp, name), method, refuse)


@quiet
@pytest.mark.parametrize("container", ["csr_matrix", "csr_array", "csc_matrix", "csc_array"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "params",
    [{}, {"solver": "sgd", "shuffle": False}, {"solver": "lbfgs"}, {"early_stopping": True}],
    ids=str,
)
def test_sparse_rows_train_and_predict_without_becoming_dense(no_dense, container, dtype, params):
    x, y = load_digits(return_X_y=True)
    x, y = (x[:300] / 16).astype(dtype), y[:300]
    sparse = getattr(sp, container)(x)
    settings = {"hidden_layer_sizes": (12,), "random_state": 0, "max_iter": 4, **params}
    dense_fit, sparse_fit = (FFNNClassifier(**settings).fit(rows, y) for rows in (x, sparse))
    tolerance = 1e-9 if dtype == "float64" else 1e-3
    for one, other in zip(dense_fit.coefs_, sparse_fit.coefs_, strict=True):
        np.testing.assert_allclose(other, one, atol=tolerance)
    p = dense_fit.predict_proba(x)
    np.testing.assert_allclose(dense_fit.predict_proba(sparse), p, atol=1e-6)
    np.testing.assert_allclose(sparse_fit.predict_proba(sparse), p, atol=tolerance)


@quiet
def test_sparse_regression_with_weights_and_validation(no_dense):
    x = np.eye(40)[np.arange(200) % 40]
    y = np.arange(200.0) % 40
    sparse, weight = sp.csr_array(x), np.linspace(0.5, 1.5, 200)
    dense_fit, sparse_fit = (
        FFNNRegressor(hidden_layer_sizes=(8,), random_state=0, max_iter=3).fit(
            rows, y, weight, validation_data=(rows, y, weight)
        )
        for rows in (x, sparse)
    )
    np.testing.assert_allclose(sparse_fit.predict(sparse), dense_fit.predict(x), rtol=1e-9)
    np.testing.assert_allclose(
        sparse_fit.validation_scores_, dense_fit.validation_scores_, rtol=1e-9
    )


@quiet
def test_a_million_columns_fit_in_memory():
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 1_000_000, (60, 5))
    x = sp.csr_array((np.ones(300), columns.ravel(), np.arange(0, 301, 5)), shape=(60, 1_000_000))
    y = rng.integers(0, 2, 60)  # as dense rows of float32, x would take 240 MB
    fitted = FFNNClassifier((2,), max_iter=2, solver="sgd").fit(x.astype(np.float32), y)
    assert fitted.predict(x).shape == (60,)


# The network's own weights


@quiet
def test_weights_are_live_and_may_be_assigned():
    fitted = FFNNClassifier((5,), max_iter=2, random_state=0).fit(X, Y)
    other = FFNNClassifier((5,), max_iter=2, random_state=1).fit(X, Y)
    assert [w.shape for w in fitted.coefs_] == [(4, 5), (5, 3)]
    assert [b.shape for b in fitted.intercepts_] == [(5,), (3,)]
    fitted.coefs_ = [w.copy() for w in other.coefs_]
    fitted.intercepts_[0] = other.intercepts_[0]
    fitted.intercepts_[1][...] = other.intercepts_[1]
    np.testing.assert_array_equal(fitted.predict_proba(X), other.predict_proba(X))
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        fitted.coefs_[0] = np.zeros((3, 5))
    with pytest.raises(AttributeError, match="no coefs_ before it is fitted"):
        FFNNClassifier().coefs_  # noqa: B018


@quiet
def test_a_manual_forward_pass_over_coefs_gives_the_probabilities():
    fitted = FFNNClassifier((5,), activation="tanh", max_iter=5, random_state=0).fit(X, Y)
    (first, second), (shift, last) = fitted.coefs_, fitted.intercepts_
    z = np.tanh(X @ first + shift) @ second + last
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-12)


@quiet
def test_the_penalty_is_alpha_over_twice_the_rows():
    settings = {"random_state": 0, "solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}
    with_alpha = FFNNRegressor(hidden_layer_sizes=(3,), alpha=6.0, **settings).fit(X, Y)
    squares = sum((w**2).sum() for w in with_alpha.coefs_)
    residual = with_alpha.predict(X) - Y
    expected = 0.5 * (residual**2).mean() + 6.0 / (2 * 150) * squares
    assert with_alpha.loss_ == pytest.approx(expected, rel=1e-12)


@quiet
def test_random_state_objects_are_advanced_as_by_scikit_learn():
    ours, theirs = np.random.RandomState(4), np.random.RandomState(4)
    FFNNClassifier(max_iter=2, random_state=ours).fit(X, Y)
    MLPClassifier(max_iter=2, random_state=theirs).fit(X, Y)
    assert ours.randint(2**31 - 1) == theirs.randint(2**31 - 1)


@quiet
def test_adam_continues_from_the_weights_of_lbfgs():
    estimator = FFNNClassifier((5,), solver="lbfgs", warm_start=True, random_state=0).fit(X, Y)
    before = estimator.loss_
    estimator.set_params(solver="adam", learning_rate_init=1e-6, max_iter=3).fit(X, Y)
    assert estimator.loss_curve_[0] == pytest.approx(before, rel=0.01)


def test_lbfgs_keeps_no_memory_for_all_rows():
    x, y = np.random.default_rng(0).normal(size=(20_000, 5)), np.arange(20_000) % 2
    estimator = FFNNClassifier((50,), solver="lbfgs", max_iter=1)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(x[:10], y[:10])
    tracemalloc.start()
    with pytest.warns(ConvergenceWarning):
        estimator.fit(x, y)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak > x.shape[0] * 50 * 8
    assert kept < 1_000_000


# Interruption


class Stops(Callback):
    def __init__(self, epoch, action):
        self.epoch = epoch
        self.action = action

    def on_epoch_begin(self, epoch, logs):
        if epoch == self.epoch:
            self.action()


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def raise_interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("action", [press_ctrl_c, raise_interrupt])
@pytest.mark.usefixtures("sigint")
def test_ctrl_c_keeps_what_was_learned(action):
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted = FFNNClassifier(callbacks=[Stops(3, action)], random_state=0).fit(X, Y)
    assert fitted.n_iter_ == 3
    assert len(fitted.loss_curve_) == 3
    assert fitted.predict(X).shape == (150,)


# The module


def test_without_scikit_learn_the_import_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try:\n    import ffnn.estimators\n"
        "except ImportError as error:\n    print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "needs scikit-learn 1.6 or later, but it is not installed" in result.stdout
    assert "pip install 'ffnn[sklearn]'" in result.stdout


def test_an_old_scikit_learn_is_named():
    code = (
        "import sklearn.utils.validation as v; del v.validate_data\n"
        "import sklearn; sklearn.__version__ = '1.4.2'\n"
        "try:\n    import ffnn.estimators\n"
        "except ImportError as error:\n    print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "but 1.4.2 is installed: pip install 'ffnn[sklearn]'" in result.stdout


@quiet
def test_a_programs_only_change_is_the_import():
    from ffnn.estimators import FFNNClassifier as MLPClassifier

    x, y = load_breast_cancer(return_X_y=True)
    x /= x.max(axis=0)
    classifier = MLPClassifier(
        (10, 10), "tanh", solver="adam", alpha=1e-3, random_state=1, max_iter=150
    )
    classifier.fit(x, y)
    assert 0.9 < classifier.score(x, y) <= 1.0
    assert classifier.predict_proba(x[:2]).shape == (2, 2)
