"""What is wrong with inputs is found, behind all scaling."""

import numpy as np
import pytest
from diagnosis import DIGITS, LABELS, X, Y, classifier, kinds, only, regressor

from ffnn.diagnostics import diagnose
from ffnn.layers import Activation, BatchNorm, Dense, Normalization, Rescaling

rng = np.random.default_rng(1)


def test_pixels_that_are_not_scaled_are_found_and_rescaling_is_named():
    pixels = (DIGITS * 15).astype(np.uint8)
    found = only(diagnose(classifier(Dense(16, "relu")), pixels, LABELS), "unscaled-inputs")

    assert (found.severity, found.layer) == ("problem", "dense_1")
    assert found.remedy == "Put Rescaling(1 / 255) first in the list of layers."
    column = found.evidence["column"]
    rms = np.sqrt((pixels.astype(float) ** 2).mean(axis=0))
    assert column == rms.argmax()
    assert found.evidence["largest_rms"] == pytest.approx(rms[column])
    assert set(found.units) == set(np.flatnonzero(rms > 10))


@pytest.mark.parametrize("first", [Rescaling(1 / 240), Normalization().adapt(DIGITS * 15)])
def test_inputs_are_judged_behind_the_scaling(first):
    model = classifier(first, Dense(16, "relu"))

    assert "unscaled-inputs" not in kinds(diagnose(model, DIGITS * 15, LABELS))


def test_pixels_scaled_twice_are_found():
    found = only(
        diagnose(classifier(Rescaling(1 / 255), Dense(16, "relu")), DIGITS / 255, LABELS),
        "unscaled-inputs",
    )

    assert found.severity == "warning"
    assert found.evidence["row_length"] == pytest.approx(
        np.sqrt(((DIGITS / 255**2) ** 2).sum(axis=1).mean())
    )
    assert "rescaling_1 scales it twice" in found.remedy


def test_rows_of_length_one_in_many_columns_are_not_too_small():
    x = np.eye(300)[rng.integers(0, 300, 900)]

    assert "unscaled-inputs" not in kinds(diagnose(regressor(), x, x[:, 0] + rng.normal(size=900)))


def test_one_large_column_is_found_by_its_name():
    model = regressor()
    model.feature_names = ["age", "income", "size", "c", "d"]
    found = only(diagnose(model, X * [1, 5e4, 1, 1, 1], Y), "unscaled-inputs")

    assert found.units == (1,)
    assert "column 1 ('income')" in found.message
    assert found.severity == "problem"
    assert found.evidence["large"] == 1
    assert "Normalization().adapt(x_train)" in found.remedy


def test_columns_of_usual_sizes_are_left_alone():
    x = X * [9.0, 0.2, 1, 1, 1] + [0, 0, 5, 0, 0]

    assert diagnose(regressor(Normalization().adapt(x), Dense(8, "tanh")), x, Y) == []
    assert kinds(diagnose(regressor(), x, Y)) <= {"saturated-units", "learning-rate-too-high"}


def test_a_normalisation_behind_the_first_layer_makes_unscaled_inputs_a_note():
    model = regressor(Dense(8), BatchNorm(), Activation("tanh"))

    assert only(diagnose(model, X * 1e3, Y), "unscaled-inputs").severity == "note"


def test_a_column_that_hardly_varies_beside_its_mean_is_found():
    x = X * [1, 1, 0.01, 1, 1] + [0, 0, 3, 0, 0]
    found = only(diagnose(regressor(), x, Y), "uncentred-inputs")

    assert (found.severity, found.units) == ("warning", (2,))
    assert found.evidence["mean"] == pytest.approx(x[:, 2].mean())
    assert found.evidence["std"] == pytest.approx(x[:, 2].std())
    near = X * [1, 1, 0.2, 1, 1] + [0, 0, 3, 0, 0]
    assert "uncentred-inputs" not in kinds(diagnose(regressor(), near, Y))


def test_an_indicator_that_is_nearly_always_one_is_left_alone():
    x, y = np.tile(X, (3, 1)), np.tile(Y, 3)
    x[:, 2] = np.arange(1200) != 7  # mean 1, standard deviation 0.03

    assert diagnose(regressor(), x, y) == []


def test_a_large_column_far_from_zero_is_found_once():
    x = X * [1, 1, 0.1, 1, 1] + [0, 0, 50, 0, 0]
    found = kinds(diagnose(regressor(), x, Y))

    assert "unscaled-inputs" in found
    assert "uncentred-inputs" not in found


def test_constant_columns_are_noted():
    x = X.copy()
    x[:, 3] = 1.0
    found = only(diagnose(regressor(), x, Y), "constant-inputs")

    assert (found.severity, found.units) == ("note", (3,))
    assert "constant-inputs" not in kinds(diagnose(regressor(), X, Y))


def test_inputs_that_are_all_alike_are_a_problem():
    assert only(diagnose(regressor(), X * 0 + 2, Y), "constant-inputs").severity == "problem"


def test_numbers_that_are_not_finite_are_counted_and_left_out():
    x = X.copy()
    x[7, 2], x[7, 3], x[399, 2] = np.nan, np.inf, 1e300
    diagnosis = diagnose(regressor(), x, Y)
    found = only(diagnosis, "non-finite-inputs")

    assert found.severity == "problem"
    assert found.evidence["entries"] == 3
    assert found.evidence["rows"] == 2
    assert found.units == (2, 3)
    assert "nan in row 7, column 2" in found.message
    assert diagnosis.num_rows == 398
    assert kinds(diagnosis) == {"non-finite-inputs"}


def test_rows_that_are_not_finite_are_left_out_wherever_they_are():
    x = np.tile(X, (4, 1))  # two blocks
    x[1500:, 4] = np.nan
    diagnosis = diagnose(regressor(), x, np.tile(Y, 4))

    assert only(diagnosis, "non-finite-inputs").evidence["rows"] == 100
    assert diagnosis.num_rows == 1500
    assert kinds(diagnosis) == {"non-finite-inputs"}


def test_without_a_finite_row_nothing_else_is_checked():
    diagnosis = diagnose(regressor(), X * np.nan, Y)

    assert kinds(diagnosis) == {"non-finite-inputs"}
    assert diagnosis.skipped == {"everything else": "no row is finite"}
