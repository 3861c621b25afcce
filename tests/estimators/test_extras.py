"""What the estimators have beyond scikit-learn's, and that it is neutral by default."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight

from ffnn.activations import LeakyReLU
from ffnn.callbacks import Callback, EarlyStopping
from ffnn.estimators import FFNNClassifier, FFNNRegressor
from ffnn.initializers import Constant, RandomNormal
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, RMSNorm
from ffnn.losses import CategoricalCrossentropy, Huber, MeanSquaredError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def wine():
    x, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(x), y


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def kinds(estimator):
    return [type(layer) for layer in estimator.model_.layers]


# The network


def test_each_hidden_layer_has_its_own_activation(wine):
    fitted = FFNNClassifier((4, 3, 2), ["tanh", "gelu", LeakyReLU(0.2)], max_iter=2).fit(*wine)
    names = [repr(layer.activation) for layer in fitted.model_.layers]
    assert names == ["Tanh()", "GELU()", "LeakyReLU(negative_slope=0.2)", "Softmax()"]


@pytest.mark.parametrize("activation", ["swish", "elu", "softplus", "sigmoid", "leaky_relu"])
def test_all_of_the_librarys_activations_are_known(wine, activation):
    assert FFNNClassifier(activation=activation, random_state=0).fit(*wine).score(*wine) > 0.95


def test_the_librarys_names_mean_what_scikit_learns_do(wine):
    one, other = (
        FFNNClassifier(activation=name, random_state=0, max_iter=3).fit(*wine)
        for name in ("logistic", "sigmoid")
    )
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_dropout_stands_behind_each_hidden_layer(wine):
    fitted = FFNNClassifier((5, 4), dropout=[0.5, 0.0], max_iter=2).fit(*wine)
    assert kinds(fitted) == [Dense, Dropout, Dense, Dense]
    everywhere = FFNNClassifier((5, 4), dropout=0.2, max_iter=2).fit(*wine)
    assert [layer.rate for layer in everywhere.model_.layers if type(layer) is Dropout] == [0.2] * 2


def test_dropout_masks_follow_the_random_state(wine):
    def fit(seed):
        return (
            FFNNClassifier((20,), dropout=0.5, random_state=seed, max_iter=5).fit(*wine).coefs_[0]
        )

    np.testing.assert_array_equal(fit(1), fit(1))
    assert not np.array_equal(fit(1), fit(2))


def test_dropout_is_off_in_predictions(wine):
    fitted = FFNNClassifier((20,), dropout=0.5, max_iter=5).fit(*wine)
    np.testing.assert_array_equal(fitted.predict_proba(wine[0]), fitted.predict_proba(wine[0]))


@pytest.mark.parametrize(
    ("normalization", "layer"), [("batch", BatchNorm), ("layer", LayerNorm), ("rms", RMSNorm)]
)
def test_normalization_stands_before_the_activation(wine, normalization, layer):
    fitted = FFNNClassifier((6,), normalization=normalization, random_state=0).fit(*wine)
    assert kinds(fitted) == [Dense, layer, Activation, Dense]
    assert fitted.score(*wine) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("train", ["fit", "partial_fit"])
def test_batches_of_one_row_cause_a_warning_with_batch_normalization(wine, train):
    x, y = wine
    options = {"normalization": "batch", "max_iter": 2, "random_state": 0}
    classes = {"classes": np.unique(y)} if train == "partial_fit" else {}

    with pytest.warns(UserWarning, match="needs batches of at least 2 rows") as caught:
        getattr(FFNNClassifier((6,), batch_size=1, **options), train)(x, y, **classes)
    assert sum("needs batches" in str(warning.message) for warning in caught) == 1
    getattr(FFNNClassifier((6,), batch_size=2, **options), train)(x, y, **classes)


def test_initializers_take_the_place_of_the_draws(wine):
    constant = FFNNClassifier((6,), bias_initializer=Constant(0.25), random_state=1, max_iter=1)
    constant.set_params(solver="sgd", learning_rate_init=1e-12).fit(*wine)
    np.testing.assert_allclose(constant.intercepts_[0], 0.25)
    plain = FFNNClassifier((6,), random_state=1, max_iter=1, solver="sgd", learning_rate_init=1e-12)
    # The weights are drawn as without initializers, but after a seed for the network.
    assert constant.coefs_[0].std() == pytest.approx(plain.fit(*wine).coefs_[0].std(), rel=0.3)
    wide = FFNNClassifier((50,), weight_initializer=RandomNormal(variance=9.0), max_iter=1)
    assert wide.fit(*wine).coefs_[0].std() == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("name", ["activation", "dropout"])
def test_a_list_of_another_length_than_the_layers_is_rejected(wine, name):
    value = {"activation": ["relu"], "dropout": [0.1]}[name]
    with pytest.raises(ValueError, match=f"{name} has 1 entries.*2 hidden layers"):
        FFNNClassifier((5, 4), **{name: value}).fit(*wine)


# Weights, penalties, clipping


def test_class_weights_equal_the_rows_weights():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    for class_weight in ({0: 5.0, 1: 0.5}, "balanced"):
        by_class = FFNNClassifier((8,), class_weight=class_weight, random_state=0, alpha=0.0)
        by_class.set_params(max_iter=5)
        weight = compute_sample_weight(class_weight, y)
        by_row = FFNNClassifier((8,), random_state=0, alpha=0.0, max_iter=5).fit(x, y, weight)
        np.testing.assert_array_equal(by_class.fit(x, y).coefs_[0], by_row.coefs_[0])
        own = np.linspace(0.5, 2.0, len(y))
        both = by_class.fit(x, y, sample_weight=own)
        by_row.fit(x, y, own * weight)
        np.testing.assert_allclose(both.coefs_[0], by_row.coefs_[0], rtol=1e-12)


def test_balanced_classes_help_the_rare_one():
    x, y = load_digits(return_X_y=True)
    rare = np.r_[np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:8]]
    x, y = x / 16, (y == 3).astype(int)
    plain, balanced = (
        FFNNClassifier((5,), class_weight=w, random_state=0, max_iter=20).fit(x[rare], y[rare])
        for w in (None, "balanced")
    )
    scores = [balanced_accuracy_score(y, each.predict(x)) for each in (plain, balanced)]
    assert scores[1] > scores[0] + 0.2


def test_balanced_weights_need_all_rows_at_once(wine):
    with pytest.raises(ValueError, match=r"balanced.*partial_fit"):
        FFNNClassifier(class_weight="balanced").partial_fit(*wine, classes=[0, 1, 2])


def test_l1_is_in_the_loss_and_makes_weights_small(wine):
    x, y = wine
    settings = {"random_state": 0, "shuffle": False, "max_iter": 1, "alpha": 0.0}
    plain = FFNNClassifier((6,), **settings).fit(x, y)
    start = FFNNClassifier((6,), **settings, solver="sgd", learning_rate_init=1e-12).fit(x, y)
    size = sum(np.abs(w).sum() for w in start.coefs_)
    with_l1 = FFNNClassifier((6,), l1=2.0, **settings).fit(x, y)
    assert with_l1.loss_ == pytest.approx(plain.loss_ + 2.0 / len(x) * size, rel=1e-9)
    trained = [FFNNClassifier((6,), l1=l1, random_state=0).fit(x, y) for l1 in (0.0, 30.0)]
    sizes = [np.abs(each.coefs_[0]).mean() for each in trained]
    assert sizes[1] < 0.6 * sizes[0]


def test_clipnorm_bounds_the_first_update(wine):
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "random_state": 0}
    x, y = wine[0] * 100, wine[1]
    start = FFNNClassifier((6,), **{**settings, "learning_rate_init": 1e-300}, max_iter=1).fit(x, y)
    moved = FFNNClassifier((6,), clipnorm=0.25, max_iter=1, **settings).fit(x, y)
    step = moved.model_.parameters - start.model_.parameters
    assert np.linalg.norm(step) == pytest.approx(0.25, rel=1e-9)


# Losses


def test_a_loss_by_the_librarys_name_or_object():
    x, y = load_diabetes(return_X_y=True)
    named = FFNNRegressor("huber", random_state=0, max_iter=3).fit(x, y)
    made = FFNNRegressor(Huber(1.0), random_state=0, max_iter=3).fit(x, y)
    np.testing.assert_array_equal(named.coefs_[0], made.coefs_[0])
    expected = Huber(1.0)(y, named.predict(x))
    assert FFNNRegressor("huber", alpha=0.0, warm_start=True).fit(x, y).loss_ > 0
    assert named.model_.evaluate(x, y) == pytest.approx(expected, rel=1e-9)


class Squares(CategoricalCrossentropy):
    """Brier's score of a softmax, a custom loss."""

    def fuse(self, activation):
        return None

    def forward(self, output, target, weight=None):
        self.allocate_for(output)
        self.fill_rows(target)
        self.output = output
        return float(((output - self.y) ** 2).sum()) / len(output)

    def backward(self):
        return 2.0 * (self.output - self.y) / len(self.output)


def test_a_classifier_takes_a_custom_loss(wine):
    loss = Squares()
    fitted = FFNNClassifier((10,), loss=loss, random_state=0, learning_rate_init=0.02).fit(*wine)
    assert fitted.score(*wine) > 0.95
    assert fitted.loss is loss
    one_hot = np.eye(3)[wine[1]]
    assert fitted.loss_ == pytest.approx(
        ((fitted.predict_proba(wine[0]) - one_hot) ** 2).sum(axis=1).mean(), abs=0.01
    )


# Validation, best weights


def test_validation_data_are_scored_after_each_epoch(wine):
    x, y = wine
    held = (x[::3], y[::3])
    fitted = FFNNClassifier((6,), random_state=0, max_iter=8).fit(x, y, validation_data=held)
    assert len(fitted.validation_scores_) == 8
    assert fitted.validation_scores_[-1] == pytest.approx(fitted.score(*held))
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert list(fitted.model_.history.history) == ["loss", "val_loss", "val_score"]
    loss = -np.log(fitted.predict_proba(held[0])[np.arange(len(held[1])), held[1]]).mean()
    assert fitted.model_.history.history["val_loss"][-1] == pytest.approx(loss)


def test_validation_data_change_nothing_in_training(wine):
    plain = FFNNClassifier((6,), random_state=0, max_iter=5).fit(*wine)
    watched = FFNNClassifier((6,), random_state=0, max_iter=5).fit(*wine, validation_data=wine)
    np.testing.assert_array_equal(plain.coefs_[0], watched.coefs_[0])


def test_validation_weights_weigh_score_and_loss():
    x, y = load_diabetes(return_X_y=True)
    weight = np.linspace(0.0, 2.0, len(y))
    fitted = FFNNRegressor(random_state=0, max_iter=4)
    fitted.fit(x, y, validation_data=(x, y, weight))
    assert fitted.validation_scores_[-1] == pytest.approx(fitted.score(x, y, weight), rel=1e-9)
    squares = 0.5 * np.average((fitted.predict(x) - y) ** 2, weights=weight)
    assert fitted.model_.history.history["val_loss"][-1] == pytest.approx(squares, rel=1e-9)


@pytest.mark.parametrize("outputs", [1, 2])
def test_validation_score_of_numbers_is_r2_also_of_a_constant(outputs):
    x, y = load_diabetes(return_X_y=True)
    target = y if outputs == 1 else np.column_stack([y, np.full(len(y), 3.0)])
    fitted = FFNNRegressor(random_state=0, max_iter=3).fit(x, target, validation_data=(x, target))
    assert fitted.validation_scores_[-1] == pytest.approx(r2_score(target, fitted.predict(x)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("order", ["C", "F"])
def test_validation_scores_of_many_float32_rows_are_those_of_float64(order):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300_000, 2)).astype(np.float32)
    y = np.asarray(1000.0 + 10.0 * x, np.float32, order=order)
    regressor = FFNNRegressor(
        hidden_layer_sizes=(), max_iter=1, solver="sgd", learning_rate_init=1e-9, random_state=0
    ).fit(x[:200], y[:200])
    regressor.coefs_[0], regressor.intercepts_[0] = 9.0 * np.eye(2), np.full(2, 1000.0)
    regressor.set_params(warm_start=True, early_stopping=True)
    regressor.fit(x[:200], y[:200], validation_data=(x, y))

    score = r2_score(y.astype(np.float64), regressor.predict(x).astype(np.float64))
    assert score == pytest.approx(0.99, abs=1e-4)
    assert regressor.validation_scores_[-1] == pytest.approx(score, abs=1e-6)


def test_early_stopping_with_validation_data_holds_out_no_rows(wine):
    x, y = wine
    fitted = FFNNClassifier((6,), early_stopping=True, random_state=0, max_iter=30)
    fitted.fit(x, y, validation_data=(x[::2], y[::2]))
    assert fitted.t_ == fitted.n_iter_ * len(x)
    assert fitted.score(x[::2], y[::2]) == pytest.approx(fitted.best_validation_score_)


def test_best_weights_come_back(digits):
    x, y = digits
    held = (x[1000:], y[1000:])
    settings = {"hidden_layer_sizes": (15,), "solver": "sgd", "learning_rate_init": 1.2}
    settings |= {"random_state": 0, "max_iter": 25, "momentum": 0.5}
    last = FFNNClassifier(**settings).fit(x[:1000], y[:1000], validation_data=held)
    best = FFNNClassifier(**settings, restore_best_weights=True)
    best.fit(x[:1000], y[:1000], validation_data=held)
    assert last.validation_scores_ == best.validation_scores_
    assert last.score(*held) == pytest.approx(last.validation_scores_[-1])
    assert best.score(*held) == pytest.approx(max(best.validation_scores_))
    assert best.score(*held) > last.score(*held)


def test_best_weights_by_the_training_loss(wine):
    settings = {"solver": "sgd", "learning_rate_init": 0.9, "momentum": 0.9, "random_state": 1}
    last = FFNNClassifier((6,), max_iter=15, **settings).fit(*wine)
    best = FFNNClassifier((6,), max_iter=15, restore_best_weights=True, **settings).fit(*wine)
    number = int(np.argmin(last.loss_curve_)) + 1
    until = FFNNClassifier((6,), max_iter=number, **settings).fit(*wine)
    np.testing.assert_array_equal(best.coefs_[0], until.coefs_[0])


def test_early_stopping_may_keep_the_last_weights(wine):
    settings = {"early_stopping": True, "random_state": 0, "max_iter": 12, "solver": "sgd"}
    kept = FFNNClassifier((6,), restore_best_weights=False, **settings).fit(*wine)
    back = FFNNClassifier((6,), **settings).fit(*wine)
    assert kept.validation_scores_ == back.validation_scores_
    best = int(np.argmax(back.validation_scores_)) + 1
    assert best < back.n_iter_
    assert not np.array_equal(kept.coefs_[0], back.coefs_[0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (1, "expected .X, y."),
        ((np.zeros((2, 13)),), "expected .X, y."),
        ((np.zeros((2, 5)), [0, 1]), "features"),
        ((np.zeros((2, 13)), [0, 7]), r"classes that are not in classes_: \[7\]"),
        ((np.full((2, 13), np.nan), [0, 1]), "NaN"),
    ],
)
def test_bad_validation_data_are_rejected(wine, data, message):
    with pytest.raises(ValueError, match=message):
        FFNNClassifier().fit(*wine, validation_data=data)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_wrong_validation_data_leave_a_fitted_network_as_it_was(wine):
    fitted = FFNNClassifier((6,), random_state=0, max_iter=2).fit(*wine)
    model, optimizer = fitted.model_, fitted.model_.optimizer
    with pytest.raises(ValueError, match="features"):
        fitted.fit(*wine, validation_data=(np.zeros((2, 5)), [0, 1]))
    assert fitted.model_ is model
    assert model.optimizer is optimizer


# Callbacks and progress


class Epochs(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs):
        self.seen.append((epoch, dict(logs), self.model))


def test_callbacks_see_each_epoch(wine):
    epochs = Epochs()
    fitted = FFNNClassifier((6,), callbacks=[epochs], max_iter=4, early_stopping=True).fit(*wine)
    assert [number for number, _, _ in epochs.seen] == [0, 1, 2, 3]
    assert [logs["loss"] for _, logs, _ in epochs.seen] == fitted.loss_curve_
    assert [logs["val_score"] for _, logs, _ in epochs.seen] == fitted.validation_scores_
    assert epochs.seen[0][2] is fitted.model_


def test_a_callback_stops_training_without_a_warning(wine, recwarn):
    class Enough(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_training = epoch == 2

    fitted = FFNNClassifier((6,), callbacks=[Enough()], max_iter=3).fit(*wine)
    assert fitted.n_iter_ == 3
    stopping = EarlyStopping("val_loss", patience=2)
    held = (wine[0], (wine[1] + 1) % 3)  # which gets worse the better the rows are learned
    fitted = FFNNClassifier((6,), callbacks=[stopping], random_state=0).fit(
        *wine, validation_data=held
    )
    assert fitted.n_iter_ < 50
    assert not [w for w in recwarn if "reached" in str(w.message)]


def test_a_progress_bar_shows_the_loss(wine, capfd):
    FFNNClassifier((6,), progress_bar=True, max_iter=3).fit(*wine)
    shown = capfd.readouterr()
    assert "Epoch 3/3" in shown.err
    assert "loss=" in shown.err
    FFNNClassifier((6,), max_iter=3).fit(*wine)
    quiet = capfd.readouterr()
    assert quiet.err == quiet.out == ""


# lbfgs


@pytest.mark.parametrize("params", [{"dropout": 0.2}, {"normalization": "batch"}], ids=str)
def test_lbfgs_rejects_a_loss_that_the_weights_alone_do_not_give(wine, params):
    with pytest.raises(ValueError, match="solver='lbfgs' needs a loss that depends"):
        FFNNClassifier(solver="lbfgs", **params).fit(*wine)


def test_lbfgs_has_no_epochs_to_validate_after(wine):
    with pytest.raises(ValueError, match="validation_data: give solver='adam' or 'sgd'"):
        FFNNClassifier(solver="lbfgs").fit(*wine, validation_data=wine)


@pytest.mark.parametrize(
    "params", [{"normalization": "layer"}, {"l1": 1.0}, {"activation": "gelu"}]
)
def test_lbfgs_takes_the_other_extras(wine, params):
    fitted = FFNNClassifier((6,), solver="lbfgs", random_state=0, **params).fit(*wine)
    assert fitted.score(*wine) > 0.97


# Neutral defaults


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("activation", ["relu"]),
        ("dropout", [0.0]),
        ("class_weight", {0: 1, 1: 1, 2: 1}),
        ("l1", 0),
        ("clipnorm", 1e9),
        ("callbacks", []),
    ],
)
def test_the_default_given_another_way_changes_nothing(name, neutral):
    x, y = load_iris(return_X_y=True)
    plain = FFNNClassifier(random_state=0, max_iter=5).fit(x, y)
    given = FFNNClassifier(random_state=0, max_iter=5, **{name: neutral}).fit(x, y)
    for mine, other in itertools.zip_longest(given.coefs_, plain.coefs_):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"normalization": "group"}, "'normalization' parameter"),
        ({"weight_initializer": "he"}, "'weight_initializer' parameter"),
        ({"l1": -1}, "'l1' parameter"),
        ({"clipnorm": 0.0}, "'clipnorm' parameter"),
        ({"restore_best_weights": "always"}, "'restore_best_weights' parameter"),
        ({"callbacks": Epochs()}, "'callbacks' parameter"),
        ({"network": "mlp"}, "'network' parameter"),
        ({"loss": "mse"}, "'loss' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"loss": MeanSquaredError, "solver": "adam"}, "'loss' parameter"),
    ],
    ids=str,
)
def test_bad_extras_are_rejected_as_scikit_learn_rejects(wine, params, message):
    with pytest.raises(ValueError, match=message):
        FFNNClassifier(**params).fit(*wine)
