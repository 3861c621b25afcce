"""Files of arrays, .npz and .h5: trained on, predicted from, and refused."""

import numpy as np
import pytest

import ffnn


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_of_arrays_are_trained_tested_and_predicted(
    run, tmp_path, suffix, last_number, save_arrays, blobs
):
    (x, y), (x_test, y_test) = blobs(200), blobs(20, seed=1)
    path = save_arrays(
        tmp_path / f"d{suffix}", x_train=x, y_train=y + 5, x_test=x_test, y_test=y_test + 5
    )
    code, out, err = run("train", path, "--epochs", 30, "--out", tmp_path / "m.h5")

    assert (code, err) == (0, "")
    assert f"d{suffix}: 200 training rows, 20 test rows, 3 columns, 2 classes" in out
    assert last_number(out, "test accuracy") == 1.0
    assert ffnn.load_model(tmp_path / "m.h5").class_names == ["5", "6"]
    assert last_number(run("evaluate", tmp_path / "m.h5", path)[1], "test accuracy") == 1.0
    rows = run("predict", tmp_path / "m.h5", path)[1].splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == (y_test + 5).tolist()
    alone = save_arrays(tmp_path / f"x{suffix}", x=x_test)
    assert run("predict", tmp_path / "m.h5", alone)[1].splitlines()[1:] == rows


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_without_test_rows_are_split(run, tmp_path, suffix, save_arrays, blobs):
    x, y = blobs(100)
    _, out, _ = run("train", save_arrays(tmp_path / f"d{suffix}", x=x, y=y), "--epochs", 1)

    assert f"d{suffix}: 80 training rows, 20 test rows" in out


def test_images_of_bytes_become_rows_scaled_by_255(run, tmp_path, save_arrays):
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 5), dtype=np.uint8)
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.arange(30) % 2)
    _, out, _ = run("train", path, "--epochs", 1)

    assert "24 training rows, 6 test rows, 20 columns" in out
    assert "Rescaling(0.0039215" in out


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_that_are_still_in_their_file_become_rows(run, tmp_path, dtype, save_arrays):
    x, y = np.ones((20, 3, 2), dtype), np.arange(20) % 2
    path = save_arrays(tmp_path / "d.h5", x_train=x, y_train=y, x_test=x, y_test=y)
    out = run("train", path, "--epochs", 1)[1]

    assert "20 training rows, 20 test rows, 6 columns" in out


def test_npy_files_beside_one_another_are_trained_tested_and_predicted(
    run, tmp_path, last_number, blobs
):
    x, y = blobs(200)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y + 5)
    model, rows = tmp_path / "m.h5", tmp_path / "x.npy"
    code, out, err = run("train", rows, "--epochs", 30, "--out", model)

    assert (code, err) == (0, "")
    assert "x.npy: 160 training rows, 40 test rows, 3 columns, 2 classes" in out
    assert last_number(out, "test accuracy") == 1.0
    out = run("evaluate", model, rows)[1]
    assert "trained on 160 of these 200 rows" in out.replace("\n", " ")
    assert "on the 40 rows that it has not seen: accuracy 1.0000" in out.replace("\n", " ")
    code, _, err = run("predict", model, rows, "--out", tmp_path / "p.csv")
    assert (code, err) == (0, "")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == (y + 5).tolist()
    for name, part in (("x_train", x), ("y_train", y), ("x_test", x[:9]), ("y_test", y[:9])):
        np.save(tmp_path / f"{name}.npy", part)
    out = run("train", tmp_path / "x_train.npy", "--epochs", 1)[1]
    assert "x_train.npy: 200 training rows, 9 test rows" in out


def test_npy_files_without_their_targets_are_refused(run, tmp_path, assert_one_line, blobs):
    def refused(name, *parts):
        code, _, err = run("train", tmp_path / name)
        assert code == 2
        assert_one_line(err, *parts)

    x, y = blobs(20)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "rows.npy", x)
    refused("x.npy", "y.npy: there is no such file")
    refused("rows.npy", "x_train.npy", "got a file named rows.npy")
    np.save(tmp_path / "y.npy", y[:-1])
    refused("x.npy", "19, got 20")


def test_a_bad_row_leaves_the_file_of_predictions_as_it_was(run, tmp_path, assert_one_line, blobs):
    x, y = blobs(20_000)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    model, rows, out = tmp_path / "m.h5", tmp_path / "x.npy", tmp_path / "p.csv"
    run("train", rows, "--epochs", 1, "--out", model)
    assert run("predict", model, rows, "--out", out)[0] == 0
    assert len(out.read_text().splitlines()) == 20_001
    out.write_text("before")
    x[15_000, 1] = np.nan
    np.save(rows, x)
    code, _, err = run("predict", model, rows, "--out", out)

    assert code == 2
    assert_one_line(err, "x: got nan in row 15000, column 1")
    assert out.read_text() == "before"
    assert not list(tmp_path.glob(".ffnn-*"))


def test_one_hot_rows_are_classes(run, tmp_path, last_number, save_arrays, blobs):
    x, y = blobs(100)
    path = save_arrays(tmp_path / "d.npz", x=x, y=np.eye(2)[y])
    code, out, _ = run("train", path, "--epochs", 30)

    assert code == 0
    assert last_number(out, "test accuracy") == 1.0


def test_several_numbers_are_learned_at_once(run, tmp_path, last_number, save_arrays, blobs):
    x, _ = blobs(100)
    path = save_arrays(tmp_path / "d.npz", x=x, y=x[:, :2] * 10)
    code, out, _ = run("train", path, "--epochs", 60, "--out", tmp_path / "m.h5")

    assert code == 0
    assert last_number(out, "test r2") > 0.9
    out = run("predict", tmp_path / "m.h5", path)[1]
    assert out.splitlines()[0] == "prediction_0,prediction_1"


def test_the_label_column_left_in_x_is_noticed(run, tmp_path, assert_one_line, save_arrays, blobs):
    x, y = blobs(40)
    path = save_arrays(tmp_path / "d.npz", x=x, y=y)
    run("train", path, "--epochs", 1, "--quiet", "--out", tmp_path / "m.h5")
    save_arrays(path, x=np.column_stack([x, y]), y=y)
    code, _, err = run("evaluate", tmp_path / "m.h5", path)

    assert code == 2
    assert_one_line(err, "3 features", "(40, 4)", "label column")


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"x": np.array([["a", "b"]]), "y": np.array([0])}, ["numbers"]),
        ({"x": np.ones((2, 2)), "y": np.array(["a", "b"])}, ["numbers"]),
        ({"x": np.ones((2, 2)), "y": np.arange(3)}, ["2", "3"]),
        ({"x": np.ones((2, 2))}, ["y"]),
        ({"x": np.array([[1.0, np.nan], [0, 1]] * 2), "y": np.arange(4)}, ["nan", "column 1"]),
        ({"x": np.ones((2, 2)), "y": np.array([0.5, np.nan])}, ["nan"]),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, ["no rows"]),
    ],
)
def test_bad_arrays_are_2(run, tmp_path, arrays, parts, assert_one_line, save_arrays):
    path = save_arrays(tmp_path / "d.npz", **arrays)
    code, out, err = run("train", path, "--quiet", "--test-split", 0)

    assert (code, out) == (2, "")
    assert_one_line(err, *parts)


def test_labels_that_are_not_integers_are_not_classes(run, tmp_path, assert_one_line, save_arrays):
    path = save_arrays(tmp_path / "d.npz", x=np.ones((2, 2)), y=np.array([0.5, 1.5]))
    code, _, err = run("train", path, "--task", "classification")

    assert code == 2
    assert_one_line(err, "integers", "0.5")
