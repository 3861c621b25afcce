"""``ffnn report`` and ``ffnn train --report``: what they print, write and refuse."""

import csv
import html
import re

import pytest

PLAIN = ("--preset", "plain")


@pytest.fixture
def model(run, flowers, tmp_path):
    path = tmp_path / "flowers.h5"
    assert run("train", flowers, *PLAIN, "--epochs", "3", "--out", path, "--quiet")[0] == 0
    return path


def page(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    return text


def test_it_prints_the_accuracy_that_evaluate_prints(run, model, flowers, last_number):
    code, out, err = run("report", model, flowers)

    assert (code, err) == (0, "")
    accuracy = last_number(run("evaluate", model, flowers)[1], "test accuracy")
    (found,) = re.findall(r"^Report: accuracy (\S+) on 150 rows of 3 classes", out, re.MULTILINE)
    assert float(found) == accuracy
    assert max(map(len, out.splitlines())) <= 80


def test_it_says_which_rows_were_trained_on(run, model, flowers, tmp_path):
    out = run("report", model, flowers, "--out", tmp_path / "r.html")[1]

    note = "the model was trained on 108 of these 150 rows and validated on 12, so it may score"
    assert note in " ".join(out.split())
    assert note in page(tmp_path / "r.html")


@pytest.mark.parametrize(("options", "note"), [((), False), (("--test-split", 0), True)])
def test_the_page_of_a_training_says_it_only_of_training_rows(
    run, flowers, tmp_path, options, note
):
    path = tmp_path / "r.html"
    arguments = (*PLAIN, "--epochs", 2, "--quiet", *options, "--report", path)
    assert run("train", flowers, *arguments)[0] == 0
    assert ("the model was trained on 135 of these 150 rows" in page(path)) is note


def test_the_page_is_written_if_asked_for(run, model, flowers, tmp_path):
    code, out, _ = run("report", model, flowers, "--out", tmp_path / "r.html")

    assert code == 0
    assert out.splitlines()[-1] == f"written: {tmp_path / 'r.html'}"
    assert "<h1>flowers.h5 on flowers.csv</h1>" in page(tmp_path / "r.html")


def test_mistakes_show_the_rows_of_the_file(run, tmp_path, write_csv):
    rows = [[f"v{i}", i % 7, "yes" if i % 7 > 3 else "no", f"note {i}"] for i in range(80)]
    rows[41][2] = {"yes": "no", "no": "yes"}[rows[41][2]]
    rows[20][2] = ""  # is left out
    path = write_csv(tmp_path / "d.csv", ["name", "size", "good", "remark"], rows)
    arguments = ("--target", "good", "--epochs", "100", "--test-split", "0", "--quiet")
    assert run("train", path, *arguments, "--out", tmp_path / "m.h5")[0] == 0

    out = run("report", tmp_path / "m.h5", path)[1]

    mistakes = out.split("Most confident mistakes")[1].split("\n\n")[0].splitlines()
    header = "row true predicted probability name size remark"
    assert mistakes[1].split() == header.split()
    (line,) = (line.split() for line in mistakes[2:])
    assert line[:3] + line[4:] == ["42", rows[41][2], rows[34][2], "v41", "6", "note", "41"]


def test_numbers_have_their_report(run, prices, tmp_path, last_number):
    run("train", prices, "--epochs", "50", "--out", tmp_path / "m.h5", "--quiet")
    code, out, _ = run("report", tmp_path / "m.h5", prices)

    assert code == 0
    r2 = last_number(run("evaluate", tmp_path / "m.h5", prices)[1], "test r2")
    (found,) = re.findall(r"^Report: R² (\S+), mean absolute error", out, re.MULTILINE)
    assert float(found) == pytest.approx(r2, abs=1e-4)
    assert "Largest errors" in out
    assert re.search(r"row +true +predicted +error +area +age", out)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_arrays_have_their_report(run, blobs, save_arrays, tmp_path, suffix):
    x, y = blobs(100)
    path = save_arrays(tmp_path / f"d{suffix}", x=x, y=y)
    run("train", path, "--epochs", "2", "--out", tmp_path / "m.h5", "--quiet")

    code, out, _ = run("report", tmp_path / "m.h5", path)

    assert code == 0
    assert "on 100 rows of 2 classes" in out


def test_digits_have_pictures(run, digits_model, tmp_path):
    assert run("report", digits_model, "digits", "--out", tmp_path / "r.html")[0] == 0
    assert page(tmp_path / "r.html").count("<img ") == 24


def test_train_writes_a_report_on_the_test_rows(run, flowers, tmp_path, last_number):
    code, out, _ = run("train", flowers, "--epochs", "3", "--report", tmp_path / "r.html")

    assert code == 0
    accuracy = last_number(out, "test accuracy")
    assert f"written: {tmp_path / 'r.html'}" in out.splitlines()
    text = page(tmp_path / "r.html")
    assert "<h1>flowers.csv: test rows</h1>" in text
    assert f"Accuracy {accuracy:.4f} on 30 rows" in text


@pytest.mark.parametrize("share", ["0.5", "0"])
def test_the_report_of_a_training_shows_rows_of_the_file(run, flowers, tmp_path, share):
    with flowers.open(encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    options = ("--epochs", "1", "--hidden", "2", "--test-split", share, "--quiet")
    assert run("train", flowers, *options, "--report", tmp_path / "r.html")[0] == 0

    table = page(tmp_path / "r.html").split("Most confident mistakes</h2>")[1].split("</table>")[0]
    found = [
        [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)]
        for line in table.split("<tr>")[2:]
    ]
    assert len(found) > 5
    for number, true, _, _, width, height in found:
        row = rows[int(number) - 1]
        assert [float(width), float(height), true] == [float(row[0]), float(row[1]), row[2]]


def test_without_test_rows_the_report_is_on_the_training_rows(run, flowers, tmp_path):
    options = ("--epochs", "3", "--test-split", "0", "--quiet")
    code, out, _ = run("train", flowers, *options, "--report", tmp_path / "r.html")

    assert code == 0
    assert "written" not in out
    assert "<h1>flowers.csv: training rows</h1>" in page(tmp_path / "r.html")
    assert "on 150 rows" in page(tmp_path / "r.html")


@pytest.mark.parametrize("name", ["r.txt", "r", "html", "r.html/"])
@pytest.mark.parametrize("command", ["report", "train"])
def test_a_page_needs_its_suffix(run, model, flowers, tmp_path, assert_one_line, command, name):
    before = sorted(tmp_path.iterdir())
    option = "--out" if command == "report" else "--report"
    arguments = [model, flowers] if command == "report" else [flowers, "--epochs", "1"]

    code, out, err = run(command, *arguments, option, f"{tmp_path}/{name}")

    assert (code, out) == (2, "")
    assert_one_line(err, f"argument {option}: expected the path of a page, such as report.html")
    assert sorted(tmp_path.iterdir()) == before


def test_a_report_and_a_model_need_two_files(run, flowers, tmp_path, assert_one_line):
    path = tmp_path / "m.html"
    code, _, err = run("train", flowers, "--out", path, "--report", path)

    assert code == 2
    assert_one_line(err, "--out and --report name the same file")
    assert not path.exists()


def test_what_cannot_be_written_is_found_before_the_training(run, flowers, assert_one_line):
    code, out, err = run("train", flowers, "--report", "no/such/folder/r.html")

    assert (code, out) == (2, "")
    assert_one_line(err, "--report no/such/folder/r.html cannot be written")


def test_targets_that_do_not_fit_are_one_line(run, model, tmp_path, write_csv, assert_one_line):
    rows = [[2.0, 100.0, "tall"], [2.0, 900.0, "teal"]]
    path = write_csv(tmp_path / "new.csv", ["width", "height", "name"], rows)

    code, out, err = run("report", model, path, "--out", tmp_path / "r.html")

    assert (code, out) == (2, "")
    assert_one_line(err, "unknown class 'teal' in line 3")
    assert not (tmp_path / "r.html").exists()
