"""What the history of a training shows, and models that have learned nothing."""

import contextlib
import os

import numpy as np
import pytest
from diagnosis import (
    DIGITS,
    LABELS,
    PIXELS,
    TEST_DIGITS,
    TEST_LABELS,
    X,
    Y,
    classifier,
    grave,
    kinds,
    only,
    regressor,
    with_history,
)

import ffnn
from ffnn.callbacks import EarlyStopping
from ffnn.diagnostics import diagnose
from ffnn.initializers import RandomNormal
from ffnn.layers import Activation, BatchNorm, Dense, Dropout
from ffnn.optimizers import SGD, Adam, AdamW, RMSprop
from ffnn.schedules import ExponentialDecay

KINDS = {"nothing-learned", "unfinished-training", "risen-loss", "unsteady-loss", "overfitting"}


def of_history(**numbers):
    return kinds(diagnose(with_history(regressor(), **numbers), X, Y)) & KINDS


def approach(epochs, constants, high=1.0, low=0.2):
    """Return a loss that goes from high to low, over so many time constants."""
    return low + (high - low) * np.exp(-constants * np.linspace(0, 1, epochs))


# Data sets: rows and targets, scaled, in random order


def shuffled(x, y):
    order = np.random.default_rng(0).permutation(len(y))
    return ((x - x.mean(axis=0)) / x.std(axis=0))[order], y[order]


def load(name):
    if name == "digits":
        return PIXELS, LABELS
    if name == "numbers":
        return X, Y
    if name == "noisy numbers":
        noisy = Y + 0.5 * np.random.default_rng(0).normal(size=len(Y))
        return X, noisy / noisy.std()
    if name == "mnist":
        folder = os.environ.get("FFNN_DATA_DIR", "")
        if not ffnn.datasets.find_mnist(folder)[2]:
            pytest.skip("MNIST is not in FFNN_DATA_DIR")
        (x, y), _ = ffnn.datasets.load_mnist(folder)
        return x[:2000] / 255.0, y[:2000]
    data = getattr(pytest.importorskip("sklearn.datasets"), f"load_{name}")()
    if name == "diabetes":
        return shuffled(data.data, (data.target - data.target.mean()) / data.target.std())
    return shuffled(data.data, data.target)


def trained(name, hidden, optimizer, epochs, seed=0, y=None, **options):
    """Return a model trained on a data set, and the rows that it was trained on."""
    x, known = load(name)
    y = known if y is None else y
    is_classes = y.dtype.kind == "i"
    end = [Dense(len(np.unique(y)), "softmax")] if is_classes else [Dense(1)]
    model = ffnn.Sequential([*hidden, *end], seed=seed)
    model.compile(optimizer, "cce" if is_classes else "mse", ["accuracy"] if is_classes else ["r2"])
    split = options.pop("validation_split", 0.2)
    model.fit(x, y, epochs=epochs, validation_split=split, verbose=0, **options)
    rows = len(x) - int(len(x) * split)
    return model, x[:rows], y[:rows]


def relu(*units):
    return [Dense(size, "relu") for size in units]


SOUND = {
    "iris": ("iris", lambda: relu(16), lambda: Adam(0.01), 100),
    "iris, sgd": ("iris", lambda: relu(16), lambda: SGD(0.1), 100),
    "wine": ("wine", lambda: relu(16), lambda: Adam(0.01), 50),
    "wine, adam": ("wine", lambda: relu(16), Adam, 150),
    "cancer": ("breast_cancer", lambda: relu(16), Adam, 50),
    "diabetes": ("diabetes", list, lambda: Adam(0.01), 100),
    "digits": ("digits", lambda: relu(64), Adam, 30),
    "digits, sgd": ("digits", lambda: relu(64), lambda: SGD(0.1), 40),
    "digits, rmsprop": ("digits", lambda: relu(64, 32), RMSprop, 20),
    "digits, adamw": ("digits", lambda: relu(64), lambda: AdamW(0.003), 20),
    "digits, dropout": ("digits", lambda: [*relu(64), Dropout(0.5)], Adam, 40),
    "digits, batch": (
        "digits",
        lambda: [Dense(64), BatchNorm(), Activation("relu")],
        Adam,
        30,
    ),
    "mnist": ("mnist", lambda: relu(64), Adam, 15),
    "mnist, momentum": ("mnist", lambda: relu(64), lambda: SGD(0.05, momentum=0.9), 15),
    "numbers": ("numbers", lambda: [Dense(16, "tanh")], lambda: Adam(0.01), 100),
    "noisy numbers": ("noisy numbers", lambda: [Dense(8, "tanh")], lambda: Adam(0.01), 60),
}


@pytest.mark.parametrize("split", [0.0, 0.2])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", SOUND)
def test_sound_trainings_have_no_more_than_notes(case, seed, split):
    name, hidden, optimizer, epochs = SOUND[case]
    model, x, y = trained(name, hidden(), optimizer(), epochs, seed, validation_split=split)
    diagnosis = diagnose(model, x, y)

    assert grave(diagnosis) == []
    assert kinds(diagnosis) & KINDS <= {"overfitting"}  # a note, where there are few rows
    assert {"history", "what was learned"} <= set(diagnosis.checked)


NOISE = np.random.default_rng(3)
SHUFFLED = NOISE.permutation(LABELS)
HALF_WRONG = np.where(NOISE.random(len(LABELS)) < 0.5, NOISE.integers(0, 10, len(LABELS)), LABELS)

# Data, hidden layers, optimizer, epochs, targets if not the data's, and what has to be found.
FAULTY = {
    "80 updates": ("iris", relu(16), Adam(), 20, None, "unfinished-training"),
    "80 updates of sgd": ("iris", relu(16), SGD(0.01), 20, None, "unfinished-training"),
    "5 epochs": ("digits", relu(64), Adam(1e-4), 5, None, "unfinished-training"),
    "low rate": ("digits", relu(64), SGD(0.001), 20, None, "unfinished-training"),
    "no rate": ("digits", relu(64), Adam(1e-9), 10, None, "nothing-learned"),
    "shuffled": ("digits", relu(16), Adam(1e-4), 5, SHUFFLED, "nothing-learned"),
    "rate 5": ("digits", relu(64), SGD(5.0), 20, None, "nothing-learned"),
    "rate 1000": ("digits", relu(64), Adam(1000.0), 20, None, "nothing-learned"),
    "rate 1000 of sgd": ("digits", relu(64), SGD(1000.0), 20, None, "nothing-learned"),
    "rate 0.1": ("digits", relu(64), Adam(0.1), 20, None, "unsteady-loss"),
    "rate 0.5": ("numbers", [Dense(16, "tanh")], SGD(0.5), 60, None, "unsteady-loss"),
    "wrong labels": ("digits", relu(128), Adam(0.005), 60, HALF_WRONG, "overfitting"),
    "too many units": ("diabetes", relu(128, 128), Adam(0.005), 100, None, "overfitting"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_faulty_trainings_are_found_with_what_the_history_says(case):
    name, hidden, optimizer, epochs, y, kind = FAULTY[case]
    model, x, y = trained(name, hidden, optimizer, epochs, y=y)
    found = only(diagnose(model, x, y), kind)

    if kind != "unsteady-loss":
        assert found.severity in ("warning", "problem")
    if case.startswith("rate"):
        rate = optimizer.learning_rate
        assert f"learning_rate={rate / 10:g} instead of {rate:g}" in found.remedy


def test_iris_after_80_updates_is_told_to_train_on():
    model, x, y = trained("iris", relu(16), Adam(), 20)
    assert model.optimizer.iterations == 80
    found = only(diagnose(model, x, y), "unfinished-training")

    loss = model.history.history["loss"]
    before, end = np.median(loss[-8:-4]), np.median(loss[-4:])
    assert found.severity == "warning"
    assert found.evidence["share"] == pytest.approx((before - end) / (loss[0] - loss[-1]))
    assert f"in the last 4 of 20 epochs from {before:.4g} to {end:.4g}" in found.message
    assert found.remedy == "Train for more epochs."


def test_080_in_training_against_051_in_validation_is_overfitting():
    accuracy, held_out = np.full(20, 0.80), np.full(20, 0.51)
    model = with_history(
        classifier(),
        loss=np.full(20, 0.6),
        val_loss=np.linspace(1.2, 1.8, 20),
        accuracy=accuracy,
        val_accuracy=held_out,
    )
    found = only(diagnose(model, PIXELS, LABELS), "overfitting")

    assert (found.severity, found.evidence["metric"]) == ("warning", "accuracy")
    assert found.evidence["metric_gap"] == pytest.approx(0.29)
    assert "accuracy was 0.8 in training and 0.51 in validation" in found.message
    assert "best in epoch 1 of 20, with 1.2" in found.message
    assert "EarlyStopping('val_loss'" in found.remedy


@pytest.mark.parametrize("rate", [1000.0, 30.0])
def test_weights_that_the_rate_has_blown_up_are_laid_to_the_rate(rate):
    model, x, y = trained("digits", relu(64), Adam(rate), 10)
    found = only(diagnose(model, x, y), "nothing-learned")

    assert found.severity == "problem"
    assert f"Training at learning rate {rate:g} has blown up the weights: dense_" in found.message
    assert found.evidence["gain"] > 100.0


def test_ntk_weights_of_variance_1_are_not_taken_for_blown_up():
    options = {"weight_initializer": RandomNormal(variance=1.0), "parametrization": "ntk"}
    hidden = [Dense(units, "relu", **options) for units in (256, 128)]
    model, x, y = trained("digits", hidden, SGD(1e-9), 10)
    evidence = only(diagnose(model, x, y), "nothing-learned").evidence

    assert evidence["is_blown_up"] is False  # the root mean square of 256 weights of size 1 is 16


def test_outputs_that_overflow_are_laid_to_the_rate():
    model, x, y = trained("digits", relu(64, 64), Adam(1e20), 1, steps_per_epoch=1)
    found = only(diagnose(model, x, y), "non-finite-outputs")

    assert "Training at learning rate 1e+20 has blown up the weights" in found.message
    assert "learning_rate=1e+19 instead of 1e+20" in found.remedy


def test_the_highest_rate_of_a_schedule_is_named():
    schedule = ExponentialDecay(1000.0, 10, 0.5)
    model, x, y = trained("digits", relu(64), Adam(schedule), 10)

    assert only(diagnose(model, x, y), "nothing-learned").evidence["learning_rate"] == 1000.0


# Falling


@pytest.mark.parametrize("epochs", [10, 20, 100, 500])
def test_an_approach_that_has_covered_95_percent_is_done(epochs):
    # The medians of the last fifths of an exponential approach: at 4 constants
    # (e^-2.8 - e^-3.6) / (1 - e^-4) = 3 %; at 2 constants (e^-1.4 - e^-1.8) / (1 - e^-2) = 9 %.
    assert of_history(loss=approach(epochs, 4.0)) == set()
    assert of_history(loss=approach(epochs, 2.0)) == {"unfinished-training"}


@pytest.mark.parametrize(("end", "severity"), [(0.8, "warning"), (0.3, "note")])
def test_less_than_half_of_the_way_is_a_warning(end, severity):
    model = with_history(regressor(), loss=np.linspace(1.0, end, 10))

    assert only(diagnose(model, X, Y), "unfinished-training").severity == severity


def test_a_loss_that_has_hardly_moved_is_not_on_its_way():
    assert of_history(loss=np.linspace(1.0, 0.995, 20)) == set()


def test_a_validation_loss_past_its_best_ends_the_way():
    loss = np.linspace(1.0, 0.5, 20)

    assert of_history(loss=loss, val_loss=loss + 0.01) == {"unfinished-training"}
    assert of_history(loss=loss, val_loss=np.linspace(0.51, 0.57, 20)) == set()


# Noise


@pytest.mark.parametrize("epochs", [5, 8, 20, 60, 200])
@pytest.mark.parametrize("seed", range(12))
def test_noise_counts_neither_as_a_rise_nor_as_going_up_and_down(seed, epochs):
    noise = np.random.default_rng(seed)
    falling = approach(epochs, 6.0) * (1.0 + 0.08 * noise.normal(size=epochs))
    small = approach(epochs, 12.0, low=0.001) * np.exp(noise.normal(size=epochs) * 0.2)
    flat = 2.3 + 0.05 * noise.normal(size=epochs)

    for loss in (falling, small, flat):
        assert of_history(loss=loss) <= {"unfinished-training"}


@pytest.mark.parametrize("seed", range(8))
def test_dropout_on_few_rows_is_no_unsteady_loss(seed):
    x, y = X[:60], (Y[:60] > 0).astype(int)
    model = regressor(Dense(16, "relu"), Dropout(0.5), ending="sigmoid", loss="bce", seed=seed)
    model.compile(Adam(0.01), "bce")
    model.fit(x, y, epochs=60, verbose=0)

    assert not kinds(diagnose(model, x, y)) & {"risen-loss", "unsteady-loss"}


@pytest.mark.parametrize("seed", range(4))
def test_epochs_of_a_few_batches_are_no_unsteady_loss(seed):
    model, x, y = trained("digits", relu(64), Adam(0.002), 300, seed, steps_per_epoch=3)

    assert not kinds(diagnose(model, x, y)) & {"risen-loss", "unsteady-loss"}


def test_one_bad_epoch_is_no_rise():
    loss = approach(40, 6.0)
    loss[[20, -1]] = 5.0

    assert of_history(loss=loss) == set()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_a_loss_that_rises_again_is_found_in_any_unit(scale):
    loss = scale * np.concatenate([approach(20, 6.0), np.linspace(0.2, 2.0, 20)])

    assert of_history(loss=loss) == {"risen-loss"}
    found = only(diagnose(with_history(regressor(), loss=loss), X, Y), "risen-loss")
    assert found.evidence["end"] == pytest.approx(scale * np.median(loss[-8:] / scale))
    assert found.evidence["best"] == pytest.approx(0.2 * scale, rel=0.05)


# Validation


@pytest.mark.parametrize(
    ("gap", "severity"), [(0.05, None), (0.15, "note"), (0.2, "note"), (0.3, "warning")]
)
@pytest.mark.parametrize("metric", ["accuracy", "r2"])
def test_gaps_of_scores(metric, gap, severity):
    numbers = {metric: np.full(10, 0.9), f"val_{metric}": np.full(10, 0.9 - gap)}
    losses = {"loss": np.full(10, 0.3), "val_loss": np.full(10, 0.35)}
    found = diagnose(with_history(regressor(), **losses, **numbers), X, Y)

    assert [f.severity for f in found if f.kind == "overfitting"] == [severity] * bool(severity)


def test_without_a_score_losses_are_compared_with_that_of_a_constant_answer():
    losses = {"loss": np.full(10, 0.1), "val_loss": np.full(10, 0.15)}  # Y has variance 1

    assert of_history(**losses) == set()
    assert of_history(**losses | {"val_loss": np.full(10, 0.3)}) == {"overfitting"}


def test_best_weights_that_were_restored_are_judged_by_their_epoch():
    rows = slice(0, 100)
    x, y = PIXELS[rows], LABELS[rows]
    stopping = EarlyStopping("val_loss", patience=200)
    model = classifier(Dense(64, "relu"), optimizer=Adam(0.01))
    options = {"epochs": 150, "validation_data": (TEST_DIGITS, TEST_LABELS), "verbose": 0}
    model.fit(x, y, callbacks=[stopping], **options)  # the test rows are not scaled
    assert 0 < stopping.best_epoch < 149
    held_out = model.history.history["val_loss"]

    for found in diagnose(model, x, y):
        if found.kind == "overfitting":
            assert found.evidence["val_loss"] == held_out[stopping.best_epoch]
            assert not found.evidence["is_past_best"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_validation_that_was_not_finite_is_left_out(bad):
    assert of_history(loss=approach(9, 6.0), val_loss=[bad] * 9) == set()


# What was learned


def test_a_model_that_is_right_and_too_sure_has_learned():
    model, x, y = trained("digits", relu(64), Adam(), 30)
    last = model.layers[-1]
    last.params["weight"][...] *= 300.0
    last.params["bias"][...] *= 300.0
    x, y = TEST_DIGITS / 16.0, TEST_LABELS

    diagnosis = diagnose(model, x, y)
    assert "nothing-learned" not in kinds(diagnosis)


def test_a_few_rows_tell_nothing():
    model = classifier(Dense(8, "relu"))
    model.fit(DIGITS[:2], LABELS[:2], verbose=0)

    assert "nothing-learned" not in kinds(diagnose(model, DIGITS[:2], LABELS[:2]))


def test_a_rare_class_that_is_learned_but_never_predicted_counts():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    y = (rng.random(2000) < 0.3 / (1.0 + np.exp(-2.0 * x[:, 0]))).astype(int)
    model = regressor(Dense(8, "tanh"), ending="sigmoid", loss="bce", optimizer=Adam(0.01))
    model.fit(x, y, epochs=20, verbose=0)
    assert (model.predict(x) < 0.5).all()

    assert "nothing-learned" not in kinds(diagnose(model, x, y))


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("is_known", [True, False])
def test_several_labels_a_row_are_judged_by_the_loss(units, is_known):
    x = np.random.default_rng(1).normal(size=(300, 5))
    y = (x[:, :units] > 0.3).astype(int)
    rows = y if is_known else np.random.default_rng(2).permutation(y)
    model = regressor(Dense(16, "relu"), ending="sigmoid", units=units, loss="bce")
    model.compile(Adam(0.005), "bce")
    model.fit(x, rows, epochs=20 if is_known else 2, verbose=0)

    assert ("nothing-learned" in kinds(diagnose(model, x, rows))) is not is_known


@pytest.mark.parametrize("weight", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("rate", [0.01, 1e-9])
def test_what_was_learned_does_not_depend_on_the_scale_of_weights(weight, rate):
    x = np.random.default_rng(1).normal(size=(300, 5))
    y = (x[:, :3] > 0.3).astype(int)
    weights = weight * np.where(np.arange(300) % 3, 1.0, 0.5)
    model = regressor(Dense(16, "relu"), ending="sigmoid", units=3, loss="bce")
    model.compile(Adam(rate), "bce")
    model.fit(x, y, epochs=20, sample_weight=weights, verbose=0)

    is_found = "nothing-learned" in kinds(diagnose(model, x, y, weights))
    assert is_found is (rate < 1e-6)


def test_short_histories_and_untrained_models_are_not_judged():
    model = with_history(regressor(), loss=[1.0, 0.9, 0.8, 0.7])
    diagnosis = diagnose(model, X, Y)

    assert not kinds(diagnosis) & KINDS
    assert diagnosis.skipped["history"] == "the history has fewer than 5 epochs"
    assert not {"history", "what was learned"} & {
        *diagnose(regressor(), X, Y).checked,
        *diagnose(regressor(), X, Y).skipped,
    }


def test_a_loaded_model_is_judged_by_its_history(tmp_path):
    model, x, y = trained("iris", relu(16), Adam(), 20)
    model.save(tmp_path / "m.h5")

    assert list(diagnose(ffnn.load_model(tmp_path / "m.h5"), x, y)) == list(diagnose(model, x, y))


# -- a rate that was too high ----------------------------------------------------------------------

FAR_TOO_HIGH = [
    *(SGD(rate) for rate in (10.0, 30.0, 1000.0)),
    *(SGD(rate, momentum=0.9) for rate in (10.0, 100.0)),
    *(cls(rate) for cls in (Adam, AdamW) for rate in (100.0, 1000.0)),
    *(RMSprop(rate) for rate in (10.0, 1000.0)),
]


@pytest.mark.parametrize("optimizer", FAR_TOO_HIGH, ids=repr)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("name", ["iris", "digits"])
def test_a_rate_that_was_far_too_high_is_named_whatever_it_did(name, activation, optimizer):
    x, y = load(name)
    units = 8 if name == "iris" else 32
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3)
    layers = [Dense(units, activation), Dense(int(y.max()) + 1, "softmax")]
    model = ffnn.Sequential(layers, seed=0)
    model.compile(optimizer.clone(), "cce", ["accuracy"])
    with contextlib.suppress(ffnn.TrainingDivergedError):
        model.fit(x, y, epochs=20, verbose=0)

    remedies = [found.remedy for found in diagnose(model, x, y)]

    is_named = any(f"instead of {optimizer.learning_rate:.4g}" in remedy for remedy in remedies)
    assert is_named or model.evaluate(x, y)[1] > 0.95  # where it did no harm


def test_the_finding_says_what_a_lower_rate_reaches():
    x, y = load("iris")
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    model = ffnn.Sequential([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(10.0), "cce")
    model.fit(x, y, epochs=20, verbose=0)
    before = model.get_weights()

    found = only(diagnose(model, x, y), "learning-rate-was-too-high")

    again = ffnn.Sequential([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    again.compile(SGD(found.evidence["lower_rate"]), "cce")
    again.fit(x, y, epochs=found.evidence["steps"] // 5, verbose=0)  # 5 updates an epoch
    assert again.evaluate(x, y) < 0.6 * found.evidence["loss"]
    assert found.evidence["restarted_loss"] < 0.5 * found.evidence["loss"]
    for kept, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_other_rows_than_those_of_the_training_are_not_laid_to_the_rate():
    x, y = load("digits")
    model = ffnn.Sequential([*relu(128), Dense(10, "softmax")], seed=0)
    model.compile(Adam(0.005), "cce")
    model.fit(x[:600], SHUFFLED[:600], epochs=60, verbose=0)  # by heart
    assert model.evaluate(x[600:], y[600:]) > 4.0
    assert "learning-rate-was-too-high" not in kinds(diagnose(model, x[600:], y[600:]))

    model.history.history["loss"][-12:] = [5.0] * 12  # as if nothing had been learned
    assert "learning-rate-was-too-high" in kinds(diagnose(model, x[600:], y[600:]))
