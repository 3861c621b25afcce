"""What the commands tell of a saved model: evaluate, predict, summary, gradcheck."""

import re

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense


@pytest.mark.parametrize("command", ["evaluate", "predict", "summary", "gradcheck"])
def test_a_bad_model_file_is_4(run, tmp_path, digits_model, command, assert_one_line, save_arrays):
    content = digits_model.read_bytes()
    cut, other = tmp_path / "cut.h5", tmp_path / "other.h5"
    cut.write_bytes(content[: len(content) // 2])
    save_arrays(other, x=np.ones(3))
    data = ["digits"] if command in ("evaluate", "predict") else []

    for path in (cut, other, tmp_path / "none.h5"):
        code, out, err = run(command, path, *data)

        assert (code, out) == (4, "")
        assert_one_line(err, path.name)


def test_evaluate_digits_gives_what_train_gave(run, tmp_path):
    trained = run("train", "digits", "--epochs", 2, "--quiet", "--out", tmp_path / "m.h5")[1]
    code, out, _ = run("evaluate", tmp_path / "m.h5", "digits")

    assert code == 0
    assert out == f"digits: 360 rows\n{trained}"


def test_predict_digits_writes_the_test_rows(run, digits_model, tmp_path):
    code, out, _ = run("predict", digits_model, "digits")

    _, (x, _) = ffnn.datasets.load_digits()
    p = ffnn.load_model(digits_model).predict(x)
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert code == 0
    assert header == ["class", "probability"]
    assert [int(row[0]) for row in rows] == p.argmax(axis=1).tolist()
    assert run("predict", digits_model, "digits", "--out", tmp_path / "p.csv") == (0, "", "")
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == out


def test_predict_never_overwrites_what_it_reads(run, tmp_path, flowers, assert_one_line):
    model = tmp_path / "m.h5"
    run("train", flowers, "--epochs", 1, "--quiet", "--out", model)

    for out in (flowers, model):
        before = out.read_bytes()
        code, _, err = run("predict", model, flowers, "--out", out)

        assert code == 2
        assert_one_line(err, "the command reads")
        assert out.read_bytes() == before


def test_a_model_with_one_sigmoid_predicts_the_class(run, tmp_path, write_csv):
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=1)
    model.layers[0].params["weight"][...] = 1.0
    model.compile("sgd", "binary_crossentropy")
    model.save(tmp_path / "m.h5")
    path = write_csv(tmp_path / "d.csv", ["a", "b"], [[0.5, 1], [-2, 0]])
    new = write_csv(tmp_path / "new.csv", ["a"], [[0.5], [-2]])

    # 1 / (1 + exp(-0.5)) = 0.622459; 1 - 1 / (1 + exp(2)) = 0.880797
    assert (
        run("predict", tmp_path / "m.h5", new)[1] == "class,probability\n1,0.622459\n0,0.880797\n"
    )
    out = run("evaluate", tmp_path / "m.h5", path)[1]
    # the mean of -ln 0.622459 = 0.474077 and -ln 0.880797 = 0.126928
    shown = "d.csv: 2 rows\ntest loss: 0.3005\nbaseline accuracy: 0.5000 (always {})\n"
    assert out == shown.format(0) + "test accuracy: 1.0000\n"

    assert run("gradcheck", tmp_path / "m.h5", "--rows", 200)[0] == 0

    model.class_names = ["7", "3"]  # in the model's order, whatever it is
    model.save(tmp_path / "m.h5")
    write_csv(path, ["a", "b"], [[0.5, 3], [-2, 7]])
    assert (
        run("predict", tmp_path / "m.h5", new)[1] == "class,probability\n3,0.622459\n7,0.880797\n"
    )
    out = run("evaluate", tmp_path / "m.h5", path)[1]
    assert out == shown.format("'7'") + "test accuracy: 1.0000\n"


@pytest.mark.parametrize("command", [["evaluate", "digits"], ["gradcheck"]])
def test_a_model_without_a_loss_cannot_be_tested(run, tmp_path, command, assert_one_line):
    ffnn.Sequential([Dense(10, "softmax")], input_dim=64).save(tmp_path / "m.h5")
    code, _, err = run(command[0], tmp_path / "m.h5", *command[1:])

    assert code == 4
    assert_one_line(err, "m.h5", "compile")


def test_summary_shows_layers_training_and_names(run, tmp_path, flowers):
    options = ("--epochs", 2, "--quiet", "--validation-split", 0, "--out", tmp_path / "m.h5")
    run("train", flowers, "--preset", "plain", *options)
    code, out, _ = run("summary", tmp_path / "m.h5")

    assert code == 0
    assert "Dense(3, activation=Softmax())" in out
    assert "2 inputs, 771 trainable parameters" in out  # 2·128 + 128 + 128·3 + 3
    assert "loss: categorical_crossentropy\n" in out
    assert "optimizer: Adam(), 8 updates made\n" in out  # 120 rows in batches of 32, twice
    assert "classes: säte, small, tall, wide\ncolumns: width, height\ntarget: name\n" in out
    assert re.search(r"^epoch 2: loss \d\.\d{4}, accuracy \d\.\d{4}$", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--normalization", "batch", "--dropout", "0.3", "--l1", "0.01", "--l2", "0.01"],
        ["--activation", "gelu", "--normalization", "layer"],
        ["--loss", "bce"],
        ["--task", "regression", "--loss", "huber"],
    ],
    ids=" ".join,
)
def test_gradcheck_agrees(run, tmp_path, options, save_arrays, blobs):
    x, y = blobs(60)
    path, model = save_arrays(tmp_path / "d.npz", x=x * 1000, y=y), tmp_path / "m.h5"
    small = ("--hidden", 4, "--epochs", 2, "--quiet")
    assert run("train", path, *options, *small, "--out", model)[0] == 0

    for data in ([], [path]):
        code, out, err = run("gradcheck", model, *data, "--entries", "all", "--rows", 5)

        assert (code, err) == (0, "")
        assert re.search(r"^dense_1 +weight +12 +\d+ ", out, re.MULTILINE)
        assert out.splitlines()[-1].startswith("worst relative error: ")


def test_gradcheck_of_pixels_checks_as_many_entries_as_asked(run, digits_model):
    code, out, _ = run("gradcheck", digits_model, "--entries", 7)
    again = run("gradcheck", digits_model, "--entries", 7)[1]

    assert code == 0
    assert re.search(r"^dense_1 +weight +8,192 +\d +\d +", out, re.MULTILINE)
    assert out == again


def test_gradcheck_of_a_wrong_gradient_is_1(run, digits_model, monkeypatch, assert_one_line):
    right = Dense.linear_backward

    def wrong(self, dz):
        result = right(self, dz)
        self._grads["bias"] *= 1.001
        return result

    monkeypatch.setattr(Dense, "linear_backward", wrong)
    code, out, err = run("gradcheck", digits_model)

    assert code == 1
    assert "dense_1" in out
    assert_one_line(err, "do not agree")
