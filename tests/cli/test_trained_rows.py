"""What ``ffnn evaluate`` says where rows to test on are rows that the model was trained on."""

import re

import h5py
import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.training.known_rows import unpack_rows

NOTE = "note: the model was trained on"


def notes(out):
    """Return what is said of the rows on one line, between their number and the first score."""
    lines = " ".join(out.split("\n", 1)[1].split())
    return re.split(r" ?(?:test|baseline) ", lines, maxsplit=1)[0]


@pytest.fixture
def trained(run, tmp_path):
    """Train on a file, and return the model and what is told of the test rows at the end."""

    def trained(data, *options):
        path = tmp_path / "m.h5"
        code, out, err = run(
            "train", data, "--preset", "plain", "--epochs", 2, "--out", path, "--quiet", *options
        )
        assert code == 0, err
        return path, out.splitlines()

    return trained


def test_rows_that_train_has_drawn_are_told_from_the_others(run, trained, flowers):
    model, lines = trained(flowers)

    _, out, _ = run("evaluate", model, flowers)

    accuracy = lines[-1].removeprefix("test accuracy: ")
    assert notes(out) == (
        f"{NOTE} 108 of these 150 rows and validated on 12, so it may score lower on new ones "
        f"on the 30 rows that it has not seen: accuracy {accuracy}"
    )
    assert max(map(len, out.splitlines())) <= 80


def test_numbers_have_both_scores(run, trained, prices):
    model, lines = trained(prices, "--validation-split", 0, "--test-split", 0.25, "--seed", 4)

    _, out, _ = run("evaluate", model, prices)

    error, r2 = (line.rpartition(" ")[2] for line in lines[-2:])
    assert notes(out) == (
        f"{NOTE} 150 of these 200 rows, so it may score lower on new ones "
        f"on the 50 rows that it has not seen: mean squared error {error}, r2 {r2}"
    )


@pytest.mark.filterwarnings("ignore:.*not clearly better")
def test_all_rows_were_trained_on(run, trained, flowers):
    model, _ = trained(flowers, "--validation-split", 0, "--test-split", 0)

    assert notes(run("evaluate", model, flowers)[1]) == (
        f"{NOTE} these rows, so it may score lower on new ones"
    )


def drawn(rows, seed=0):
    """Return the rows that are tested, validated and trained by default."""
    order = np.random.default_rng(seed).permutation(len(rows))
    tested = round(0.2 * len(rows))
    trained = order[tested:]
    kept = round(0.9 * len(trained))
    return [[rows[i] for i in part] for part in (order[:tested], trained[kept:], trained[:kept])]


def test_rows_are_found_in_any_order_and_new_ones_need_no_note(run, trained, flowers, tmp_path):
    model, _ = trained(flowers)
    head, *rows = flowers.read_text(encoding="utf-8").splitlines()
    tested, validated, learned = drawn(rows)
    others = [row.replace(".", "7.") for row in rows]
    for lines, told in (
        (others, ""),
        (tested, ""),
        (rows[::-1], "108 of these 150 rows and validated on 12"),
        (learned[:1], "these rows"),
        (learned[50:20:-1], "these rows"),
        (others[:60] + learned[:40], "40 of these 100 rows"),
        (tested[:9] + validated[:3] + learned[7:9], ""),  # so few may be the same by chance
        (validated + learned + tested[:5], "108 of these 125 rows and validated on 12"),
    ):
        path = tmp_path / "d.csv"
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        found = notes(run("evaluate", model, path)[1])
        assert found.startswith(f"{NOTE} {told}, so it may" if told else "")
        assert bool(found) == bool(told)


@pytest.mark.filterwarnings("ignore:.*not clearly better")
def test_rows_are_found_whether_others_lack_a_value_or_not(run, trained, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for i, (a, b) in enumerate(rng.normal(size=(100, 2))):
        rows.append(f"{a:.6f},{'' if i % 7 == 0 else round(b, 6)},{'no' if a < b else 'yes'}")
    path = tmp_path / "gaps.csv"
    path.write_text("a,b,y\n" + "\n".join(rows) + "\n")
    model, _ = trained(path, "--missing", "drop")
    complete = len([row for row in rows if ",," not in row])
    told = notes(run("evaluate", model, path, "--missing", "drop")[1])
    assert f"of these {complete} rows" in told
    learned = told[told.index(NOTE) :].partition(" of these")[0]
    assert notes(run("evaluate", model, path)[1]).startswith(f"{learned} of these 100 rows")


@pytest.mark.parametrize("case", ["few values", "many rows"])
def test_what_may_be_chance_is_not_said(run, save_arrays, tmp_path, monkeypatch, case):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (60, 3)) if case == "few values" else rng.normal(size=(60, 3))
    if case == "many rows":
        monkeypatch.setattr("ffnn.training.known_rows.MOST_ROWS", 50)
    model = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    model.fit(x, np.arange(60) % 2, verbose=0)
    model.save(tmp_path / "m.h5")
    path = save_arrays(tmp_path / "d.npz", x=x[::-1], y=np.arange(60)[::-1] % 2)
    assert notes(run("evaluate", tmp_path / "m.h5", path)[1]) == ""


@pytest.mark.parametrize("text", [None, "no base64", "AAA", "AAAAAAA=", 7, []])
def test_a_damaged_list_of_rows_is_none(text):
    assert len(unpack_rows(text)) in (0, 1)


@pytest.mark.parametrize("suffix", ["npz", "h5"])
@pytest.mark.parametrize("columns", [3, 3000])  # of few the whole is compared, of many samples
def test_arrays_of_a_model_trained_in_python(run, save_arrays, tmp_path, suffix, columns):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, columns)), rng.integers(0, 2, 100)
    model = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")  # with no metrics, to which accuracy is added
    model.fit(x[:80], y[:80], verbose=0, validation_split=0.25)
    model.save(tmp_path / "m.h5")
    changed = x.copy()
    changed[0, 0] += 1.0

    def told(x, y):
        path = save_arrays(tmp_path / f"d.{suffix}", x=x, y=y)
        return notes(run("evaluate", tmp_path / "m.h5", path)[1])

    right = np.mean(model.predict(x[80:]).argmax(axis=1) == y[80:])
    assert told(x, y) == (
        f"{NOTE} 60 of these 100 rows and validated on 20, so it may score lower on new ones "
        f"on the 20 rows that it has not seen: accuracy {right:.4f}"
    )
    assert told(x[:80], y[:80]) == (
        f"{NOTE} 60 of these 80 rows and validated on 20, so it may score lower on new ones"
    )
    assert told(x[:60], y[:60]) == f"{NOTE} these rows, so it may score lower on new ones"
    assert told(x[:59], y[:59]) == f"{NOTE} these rows, so it may score lower on new ones"
    assert told(x, 1 - y) == ""
    assert told(changed, y).startswith(f"{NOTE} 59 of these 100 rows and validated on 20, so")
    assert told(x[1:], y[1:]).startswith(f"{NOTE} 59 of these 99 rows and validated on 20, so")


def test_test_rows_of_a_data_set_are_not_those_of_the_training(run, digits_model, save_arrays):
    assert notes(run("evaluate", digits_model, "digits")[1]) == ""


def test_nothing_is_said_once_the_model_has_changed(run, trained, flowers):
    path, _ = trained(flowers)
    model = ffnn.load_model(path)
    model.set_weights([2.0 * w for w in model.get_weights()])
    model.save(path)

    assert notes(run("evaluate", path, flowers)[1]) == ""


def test_rows_stay_in_their_file(run, tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["x"], file["y"] = np.arange(12.0).reshape(6, 2), np.arange(6) % 2
        model = ffnn.Sequential([Dense(1)], seed=0)
        model.compile("sgd", metrics=["mse", "r2"])
        model.fit(file["x"], file["y"], verbose=0, validation_split=0.5)
    model.save(tmp_path / "m.h5")

    out = run("evaluate", tmp_path / "m.h5", tmp_path / "d.h5")[1]

    assert notes(out).startswith(f"{NOTE} 3 of these 6 rows and validated on 3,")


def test_rows_of_another_validation_are_not_taken_for_validated(run, save_arrays, tmp_path):
    x, y = np.arange(40.0).reshape(20, 2) / 40.0, np.arange(20) % 2
    model = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    model.fit(x[:10], y[:10], verbose=0, validation_data=(x[15:], y[15:]))
    model.save(tmp_path / "m.h5")

    out = run("evaluate", tmp_path / "m.h5", save_arrays(tmp_path / "d.npz", x=x, y=y))[1]

    assert notes(out).startswith(f"{NOTE} 10 of these 20 rows, so it")
    assert "on the 10 rows that it has not seen" in notes(out)
