"""What `ffnn evaluate` prints of a model's own metrics: numbers, then tables."""

from __future__ import annotations

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense

EYE = np.eye(3)
X = EYE[[0, 0, 0, 1, 2, 2, 2]]
TRUE = np.array([0, 0, 1, 1, 2, 2, 0])  # where the model predicts the place of the one in x


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.npz"
    np.savez(path, x=X, y=TRUE)
    return path


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a model that predicts the place of the one in a row."""

    def save(*metrics, units=3, names=None, **options):
        model = ffnn.Sequential([Dense(units, "softmax")], input_dim=units, seed=0)
        model.set_weights([4.0 * np.eye(units, dtype="f"), np.zeros(units, "f")])
        model.compile("sgd", "cce", list(metrics), **options)
        model.class_names = names
        model.save(tmp_path / "model.h5")
        return tmp_path / "model.h5"

    return save


def test_a_confusion_matrix_is_printed_with_the_names_of_the_classes(run, save, rows):
    path = save("confusion_matrix", "accuracy", names=["red", "green", "blue"])
    code, out, _ = run("evaluate", path, rows)
    assert code == 0
    assert out.splitlines()[2:] == [
        "baseline accuracy: 0.4286 (always 'red')",
        "test accuracy: 0.7143",
        "",
        "test confusion matrix. Rows are true classes, columns predicted ones.",
        "       red  green  blue",
        "red      2      .     1",
        "green    1      1     .",
        "blue     .      .     2",
    ]


def test_the_baseline_stands_before_the_score_that_it_is_of(run, save, rows):
    out = run("evaluate", save("accuracy", "auc"), rows)[1].splitlines()
    assert [line.split(":")[0] for line in out[1:]] == [
        "test loss",
        "baseline accuracy",
        "test accuracy",
        "test auc",
    ]


def test_classes_without_names_have_numbers(run, save, rows):
    out = run("evaluate", save(weighted_metrics=["confusion_matrix"]), rows)[1]
    assert "\ntest confusion matrix. Rows" in out
    assert "\n   0  1  2\n0  2  .  1\n1  1  1  .\n2  .  .  2\n" in out


def test_of_many_classes_the_most_confused_are_told(run, save, tmp_path):
    x = np.eye(40)
    y = np.arange(40)
    y[1] = 3
    np.savez(tmp_path / "many.npz", x=x, y=y)
    out = run("evaluate", save("confusion_matrix", units=40), tmp_path / "many.npz")[1]
    assert out.splitlines()[3:] == [
        "test confusion matrix: the most confused classes",
        "true  predicted  rows  of the true class",
        "3     1             1             0.5000",
    ]


@pytest.mark.parametrize(("num", "fits"), [(3, True), (6, True), (7, True), (9, False)])
def test_a_matrix_of_long_names_stays_within_80_columns(run, save, tmp_path, num, fits):
    x, y = np.eye(num), np.roll(np.arange(num), 1)
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    names = [f"class number {i} with a long name" for i in range(num)]
    path = save("confusion_matrix", units=num, names=names)
    out = run("evaluate", path, tmp_path / "rows.npz")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert ("Rows are true classes" in out) == fits
    assert "more column" not in out
    report = run("report", path, tmp_path / "rows.npz")[1]
    assert ("Rows are true classes" in report) == fits


def test_a_model_of_weighted_metrics_alone_is_measured_by_them(run, save, rows):
    out = run("evaluate", save(weighted_metrics=["f1"]), rows)[1]
    assert "test f1: " in out
    assert "accuracy" not in out


def test_tables_alone_leave_the_loss_to_say_of_rows_that_are_new(run, save, rows):
    model = ffnn.load_model(save("confusion_matrix"))
    model.fit(X[:4], TRUE[:4], epochs=1, verbose=0)
    model.save(rows.with_name("trained.h5"))
    out = run("evaluate", rows.with_name("trained.h5"), rows)[1]
    loss = model.evaluate(X[4:], TRUE[4:])[0]
    assert f"on the 3 rows that it has not seen: loss {loss:.4f}\n" in out
