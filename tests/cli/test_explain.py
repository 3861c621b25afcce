"""``ffnn explain``: what it prints, writes and refuses."""

import re

import numpy as np
import pytest

import ffnn


@pytest.fixture
def model(run, prices, tmp_path):
    path = tmp_path / "m.h5"
    options = ("--epochs", "20", "--preset", "plain")
    assert run("train", prices, *options, "--out", path, "--quiet")[0] == 0
    return path


def test_the_first_row_is_explained_as_the_model_does(run, model, prices):
    code, out, err = run("explain", model, prices)

    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    found = ffnn.load_model(model).contributions(prices)
    for column, value in zip(found.columns, found.values[0], strict=True):
        (shown,) = re.findall(rf"^{column} .*?([-+][\d.,e-]+|0)(?: +[-+]*)?$", out, re.MULTILINE)
        assert float(shown.replace(",", "")) == pytest.approx(value, rel=1e-4, abs=1e-4)


def test_rows_are_counted_as_in_the_file(run, model, prices, tmp_path):
    out = run("explain", model, prices, "--row", 7, "--row", 2, "--out", tmp_path / "e.html")[1]

    assert re.findall(r"^Row (\d+)\.", out, re.MULTILINE) == ["7", "2"]
    found = ffnn.load_model(model).contributions(prices)
    for row in (7, 2):
        assert f"is {found.outputs[row - 1]:,.6g} instead of" in out
    page = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == 2
    assert f"written: {tmp_path / 'e.html'}" in out


def test_rows_of_arrays_are_counted_from_0(run, tmp_path):
    x = np.random.default_rng(0).normal(size=(9, 3))
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(9) % 2)
    path = tmp_path / "m.h5"
    run("train", tmp_path / "d.npz", "--epochs", 1, "--out", path, "--quiet")

    code, out, _ = run("explain", path, tmp_path / "d.npz", "--row", 8, "--output", "1")

    assert code == 0
    probability = ffnn.load_model(path).predict(x)[8, 1]
    assert f"Row 8. The probability of '1' is {probability:.4f} instead of" in out
    assert "Compared with a row of zeros." in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--row", 0], "has no row 0 to explain; its rows are counted from 1, the last one is"),
        (["--row", 100000], "has no row 100000 to explain"),
        (["--row", "two"], "expected an integer of at least 0, got 'two'"),
        (["--output", "cost"], "contributions: there is no output 'cost'"),
        (["--out", "page.txt"], "expected the path of a page"),
    ],
)
def test_what_makes_no_sense_is_refused(run, model, prices, options, message):
    code, out, err = run("explain", model, prices, *options)

    assert (code, out) == (2, "")
    assert message in err


def test_who_asks_why_is_told(run):
    assert "unknown command 'why': use explain" in run("why", "m.h5")[2]
