"""CSV files: trained on, predicted from, and refused."""

import csv
import re

import numpy as np
import pytest

import ffnn


def test_classes_of_a_csv_file_come_back_by_name(
    run, tmp_path, flowers, last_number, write_csv, flower_rows
):
    model_path, new = tmp_path / "m.h5", tmp_path / "new.csv"
    code, out, _ = run("train", flowers, "--out", model_path, "--epochs", 60)
    assert code == 0
    assert out.startswith("flowers.csv: 120 training rows, 30 test rows, 2 columns, 3 classes\n")
    assert "classes of 'name': säte, small, tall, wide\n" in out
    assert last_number(out, "test accuracy") == 1.0

    model = ffnn.load_model(model_path)
    assert model.class_names == ["säte, small", "tall", "wide"]
    assert model.feature_names == ["width", "height"]

    # columns in another order, one more among them, no target
    fresh = flower_rows(30, seed=77)
    write_csv(new, ["height", "colour", "width"], [[h, "red", w] for w, h, _ in fresh])
    code, out, err = run("predict", model_path, new)
    header, *rows = csv.reader(out.splitlines())
    assert (code, err) == (0, "")
    assert header == ["class", "probability"]
    assert [name for name, _ in rows] == [name for *_, name in fresh]
    p = model.predict([{"width": w, "height": h} for w, h, _ in fresh])
    np.testing.assert_allclose([float(p) for _, p in rows], p.max(axis=1), atol=1e-6)

    mixed = [[h, name, w] for w, h, name in fresh]
    write_csv(new, ["height", "name", "width"], mixed)
    code, out, _ = run("evaluate", model_path, new)
    assert code == 0
    assert out.startswith("new.csv: 30 rows\ntest loss: ")
    assert last_number(out, "test accuracy") == 1.0


def test_scaling_is_learned_from_the_training_rows_alone(run, tmp_path, flowers, flower_rows):
    x = np.array([row[:2] for row in flower_rows()], dtype=float)
    options = ("--preset", "plain", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    on_all = ("--validation-split", 0, *options)

    def scaling(name):
        encodings = ffnn.load_model(tmp_path / "m.h5").encoder.encodings
        return [getattr(encoding, name) for encoding in encodings]

    run("train", flowers, "--test-split", 0, *on_all)
    np.testing.assert_allclose(scaling("mean"), x.mean(axis=0))
    np.testing.assert_allclose(scaling("std"), x.std(axis=0))

    run("train", flowers, "--seed", 4, *on_all)  # rows are drawn as documented: 120 of them
    train = np.random.default_rng(4).permutation(150)[30:]
    np.testing.assert_allclose(scaling("mean"), x[train].mean(axis=0))

    run("train", flowers, "--seed", 4, *options)  # a tenth of them validate
    np.testing.assert_allclose(scaling("mean"), x[train[:108]].mean(axis=0))

    run("train", flowers, "--seed", 4, "--validation-split", 0.25, *options)
    np.testing.assert_allclose(scaling("mean"), x[train[:90]].mean(axis=0))


def test_without_test_rows_the_scores_are_those_of_the_training_rows(run, flowers, last_number):
    _, out, _ = run("train", flowers, "--test-split", 0, "--epochs", 1)

    assert out.startswith("flowers.csv: 150 training rows, 2 columns")
    last_number(out, "training accuracy")


def test_numbers_in_any_unit_are_learned_by_default(run, tmp_path, prices, last_number, write_csv):
    code, out, _ = run(
        "train", prices, "--preset", "plain", "--out", tmp_path / "m.h5", "--epochs", 60
    )

    assert code == 0
    assert re.fullmatch(r"test mean squared error: [\d.e+]+", out.splitlines()[-3])
    assert last_number(out, "test r2") > 0.99
    write_csv(tmp_path / "new.csv", ["age", "area"], [[3, 50], [2, 60]])
    code, out, _ = run("predict", tmp_path / "m.h5", tmp_path / "new.csv")
    header, *rows = out.splitlines()
    assert header == "prediction"
    # by the formula 200,000 and 250,000; their standard deviation is about 63,000
    np.testing.assert_allclose([float(row) for row in rows], [200_000, 250_000], atol=10_000)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_gradient_descent_learns_numbers_in_any_unit(run, prices, loss, last_number):
    _, out, _ = run("train", prices, "--optimizer", "sgd", "--loss", loss, "--epochs", 60)

    assert last_number(out, "test r2") > 0.9


def test_scores_of_numbers_are_in_their_own_unit(run, tmp_path, prices, last_number):
    run("train", prices, "--out", tmp_path / "m.h5", "--epochs", 5, "--quiet")
    _, out, _ = run("evaluate", tmp_path / "m.h5", prices)

    table = np.loadtxt(prices, delimiter=",", skiprows=1)
    p = ffnn.load_model(tmp_path / "m.h5").predict(prices)[:, 0].astype(float)
    mse = ((p - table[:, 2]) ** 2).mean()
    assert last_number(out, "test r2") == pytest.approx(1 - mse / table[:, 2].var(), abs=1e-4)
    assert out.splitlines()[-3] == f"test mean squared error: {mse:.6g}"


def test_integers_are_classes_if_they_are_few(run, tmp_path, write_csv):
    def train(labels, *options):
        path = write_csv(tmp_path / "d.csv", ["a", "b"], [[i, y] for i, y in enumerate(labels)])
        code, out, _ = run("train", path, "--epochs", 1, "--test-split", 0, *options)
        assert code == 0
        return out

    few = [7, 3, -2, 3] * 10
    assert "classes of 'b': -2, 3, 7 (to learn it as a number: --task regression)" in train(few)
    assert "target 'b': numbers from -2 to 7" in train(few, "--task", "regression")
    many = list(range(21)) * 2
    assert "target 'b': numbers from 0 to 20" in train(many)
    assert "21 classes" in train(many, "--task", "classification")
    assert "target 'b': numbers" in train([0.5, 1.5] * 10)


def test_numeric_class_labels_are_kept_as_they_are_written(
    run, tmp_path, last_number, assert_one_line, write_csv
):
    rows = [[i % 3 * 5 + i / 100, (9, 10, 4)[i % 3]] for i in range(60)]
    path, model = write_csv(tmp_path / "d.csv", ["a", "b"], rows), tmp_path / "m.h5"
    run("train", path, "--out", model, "--epochs", 100, "--quiet")

    assert ffnn.load_model(model).class_names == ["4", "9", "10"]
    _, out, _ = run("predict", model, path)
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == [str(y) for _, y in rows]
    _, out, _ = run("evaluate", model, path)
    assert last_number(out, "test accuracy") == 1.0
    write_csv(path, ["a", "b"], [[1, 9], [1, 5]])
    code, _, err = run("evaluate", model, path)
    assert code == 2
    assert_one_line(err, "'4', '9', '10'", "unknown class '5' in line 3")


def test_two_classes_are_a_softmax_of_two(run, tmp_path, write_csv):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[i, "yn"[i > 20]] for i in range(40)])
    code, *_ = run("train", path, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    model = ffnn.load_model(tmp_path / "m.h5")
    assert code == 0
    assert (model.output_dim, type(model.loss).__name__) == (2, "CategoricalCrossentropy")


def test_columns_can_be_chosen(run, tmp_path, assert_one_line, write_csv, flower_rows):
    rows = [[f"n{i % 9}", name, w, h] for i, (w, h, name) in enumerate(flower_rows())]
    path = write_csv(tmp_path / "d.csv", ["id, old", "kind", "w", "h"], rows)
    options = ("--target", "kind", "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")

    def features(*choice):
        assert run("train", path, *choice, *options)[0] == 0
        return [each.name for each in ffnn.load_model(tmp_path / "m.h5").encoder.encodings]

    assert features() == ["id, old", "w", "h"]
    assert features("--only", "id, old", "--only", "h") == ["id, old", "h"]
    assert features("--exclude", "id, old", "--exclude", "h") == ["w"]
    for option in ("--exclude", "--only"):
        code, _, err = run("train", path, option, "id,old", *options)
        assert code == 2
        assert_one_line(err, "'id,old'", "did you mean 'id, old'", "'id, old', 'kind', 'w', 'h'")
        code, _, err = run("train", path, option, "kind", *options)
        assert code == 2
        assert_one_line(err, f"{option} names 'kind', which is the target")
    code, _, err = run("train", path, "--only", "h", "--exclude", "h", *options)
    assert code == 2
    assert_one_line(err, "no column is left to learn from", "'h' (excluded)")


def test_the_target_of_a_model_without_an_encoder_is_the_column_that_it_does_not_read(
    run, tmp_path, assert_one_line, write_csv
):
    model = ffnn.Sequential([ffnn.layers.Dense(2, "softmax")], input_dim=1, seed=0)
    model.compile("sgd", "cce")
    model.feature_names, model.class_names = ["w"], ["a", "b"]
    model.save(tmp_path / "m.h5")
    path = write_csv(tmp_path / "d.csv", ["w", "h", "kind"], [[1, 2, "a"], [3, 4, "b"]])
    code, _, err = run("evaluate", tmp_path / "m.h5", path)
    assert code == 2
    assert_one_line(err, "--target", "h, kind")
    assert run("evaluate", tmp_path / "m.h5", path, "--target", "kind")[0] == 0
    write_csv(path, ["w", "kind"], [[1, "a"], ["x", "b"], ["", "b"]])
    code, _, err = run("evaluate", tmp_path / "m.h5", path)
    assert code == 2
    assert_one_line(err, "column 'w': 1 of 2 values are not numbers, the first 'x' in line 3")
    write_csv(path, ["w", "kind"], [[1, "a"], [3, "b"], ["", "b"]])
    code, _, err = run("evaluate", tmp_path / "m.h5", path)
    assert code == 2
    assert_one_line(err, "missing in 'w'", "no encoder", "--missing drop")
    out = run("evaluate", tmp_path / "m.h5", path, "--missing", "drop")[1]
    assert out.startswith("read 3 rows, used 2: 1 lacks a value in column 'w'\nd.csv: 2 rows\n")
    code, out, err = run("predict", tmp_path / "m.h5", path, "--missing", "drop")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err == "ffnn: note: read 3 rows, used 2: 1 lacks a value in column 'w'\n"


def test_another_delimiter_can_be_named(run, tmp_path, assert_one_line):
    path = tmp_path / "d.csv"
    path.write_text("a\tb\n1\tx\n2\ty\n3\tx\n4\ty\n", encoding="utf-8")

    assert run("train", path, "--delimiter", "tab", "--epochs", 1, "--quiet")[0] == 0
    assert run("train", path, "--epochs", 1, "--quiet")[0] == 0  # it is found out
    code, _, err = run("train", path, "--delimiter", ";")
    assert code == 2
    assert_one_line(err, "is the delimiter right", "--delimiter")


def test_two_rows_and_a_batch_larger_than_the_data_work(run, tmp_path, write_csv):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[1, 2.5], [2, 3.5]])
    code, out, _ = run("train", path, "--preset", "plain", "--epochs", 1)

    assert code == 0
    assert out.startswith("d.csv: 1 training row, 1 test row, 1 column\n")
    assert "note: constant in the training rows: 'a'\n" in out


BAD_TABLES = {
    "ragged": ("a,b\n1,x\n2,y,3\n", ["line 3", "expected 2 fields", "has 3"]),
    "no rows": ("a,b\n", ["rows below the header"]),
    "empty": ("", ["empty file"]),
    "one class": ("a,b\n1,x\n2,x\n", ["target 'b' is 'x' in every row"]),
    "one number": ("a,b\n1,2\n2,2\n", ["target 'b' is '2' in every row"]),
    "different texts": ("a,b\n1,x\n2,y\n", ["target 'b' is different in every row", "'x'"]),
    "an empty target": ("a,b\n1,\n2,NA\n", ["target 'b' is empty"]),
    "one column": ("a\n1\n2\n", ["no column is left", "there is only 'a'", "delimiter"]),
    "constants": ("a,b\n1,x\n1,y\n1,x\n", ["no column is left", "'a' (constant)"]),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_2(run, tmp_path, name, assert_one_line):
    text, parts = BAD_TABLES[name]
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")

    code, out, err = run("train", path)

    assert (code, out) == (2, "")
    assert_one_line(err, "bad.csv", *parts)


def test_rows_that_lack_a_value_can_be_dropped(run, tmp_path, write_csv):
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[1, "x"], ["NA", "y"], [3, "y"], [4, "x"]])
    _, out, _ = run("train", path, "--missing", "drop", "--epochs", 1, "--test-split", 0)

    assert out.startswith("d.csv: 3 training rows")


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
@pytest.mark.parametrize("suffix", [".csv", ".npz", ".h5"])
def test_a_missing_data_file_is_2(run, tmp_path, digits_model, command, suffix, assert_one_line):
    model = [] if command == "train" else [digits_model]
    code, out, err = run(command, *model, tmp_path / f"none{suffix}")

    assert (code, out) == (2, "")
    assert_one_line(err, f"none{suffix}", "no such file")


def test_an_unknown_column_is_2(run, tmp_path, flowers, assert_one_line):
    code, _, err = run("train", flowers, "--target", "nmae")

    assert code == 2
    assert_one_line(err, "'nmae'", "did you mean 'name'", "'width'")


def test_text_cannot_be_learned_as_a_number(run, flowers, assert_one_line):
    code, _, err = run("train", flowers, "--task", "regression")

    assert code == 2
    assert_one_line(err, "regression", "'name'", "'säte, small', 'tall'")


def test_data_that_does_not_fit_the_model_is_2(
    run, tmp_path, flowers, digits_model, assert_one_line, write_csv
):
    run("train", flowers, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    new = write_csv(tmp_path / "new.csv", ["width", "hieght"], [[1, 2]])

    code, _, err = run("predict", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "'height'", "did you mean 'hieght'")
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    code, _, err = run("evaluate", tmp_path / "m.h5", "digits")
    assert code == 2
    assert_one_line(err, "2 features", "(360, 64)")
    write_csv(new, ["width", "height", "name"], [[1, 2, "tall"], [1, 2, "tal"]])
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "in line 3", "'tal'", "did you mean 'tall'")
    write_csv(new, ["height", "width"], [[1, 2]])
    code, _, err = run("evaluate", tmp_path / "m.h5", new)
    assert code == 2
    assert_one_line(err, "there is no column 'name'")
