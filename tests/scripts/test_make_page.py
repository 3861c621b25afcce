"""The page whose fields are the columns of a table, in a real browser, from a file."""

import csv

import numpy as np
import pytest
from accessibility import barriers
from make_page import CSV, PAGE, page, train

import ffnn
from ffnn.layers import Dense
from ffnn.tables import TableEncoder

SIZES = {"desk": (1400, 900), "phone": (360, 740)}
ROWS = [
    {},
    {"island": "Dream", "bill_length_mm": "49.5", "bill_depth_mm": "19", "sex": "MALE"},
    {"island": "Biscoe", "bill_length_mm": "", "flipper_length_mm": "220", "body_mass_g": "5200"},
    {"bill_length_mm": "-1e3", "sex": "", "island": ""},
]


@pytest.fixture(scope="module")
def model():
    return train(CSV)


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "penguins.html"
    path.write_text(page(model, "Which penguin?", "A note."), encoding="utf-8")
    return path


def fill(opened, row):
    """Write the entries of a row into the fields, and return the whole row as it stands."""
    for name, entry in row.items():
        box = opened.locator(f'[name="{name}"]')
        if box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(entry)
        else:
            box.fill(entry)
    return dict(opened.evaluate("[...new FormData(document.getElementById('row'))]"))


def answers(opened):
    """Return the share of each class, as the table of the page says it."""
    script = "lines => lines.map((l) => [l.cells[0].textContent, Number(l.dataset.share)])"
    return dict(opened.locator("#answer tr").evaluate_all(script))


@pytest.mark.parametrize("size", SIZES)
def test_the_page_answers_as_the_model(made, model, open_file, size):
    opened = open_file(made, *SIZES[size])
    for row in ROWS:
        whole = fill(opened, row)
        assert whole.keys() == {each.name for each in model.encoder.encodings}
        found = answers(opened)
        entries = {name: entry or None for name, entry in whole.items()}
        expected = dict(zip(model.class_names, model.predict([entries])[0], strict=True))
        assert found == pytest.approx(expected, abs=2e-6)
        assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(open_file, size, scheme):
    opened = open_file(PAGE, *SIZES[size], scheme)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.locator("#answer tr").count() == 3


def test_axe_finds_nothing(open_file):
    assert barriers(open_file(PAGE)) == []


def test_the_page_of_the_documentation_knows_the_penguins(open_file):
    with open(CSV, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[::20]
    opened, right = open_file(PAGE, *SIZES["desk"]), 0
    for row in rows:
        species = row.pop("species")
        fill(opened, {**row, "sex": row["sex"] if row["sex"] in ("MALE", "FEMALE") else ""})
        right += next(iter(answers(opened))) == species
    assert len(rows) == 18
    assert right >= 17


def test_names_that_look_like_markup_stay_texts(open_file, tmp_path, model):
    hostile = "</script><script>alert(1)</script><!--<b>"
    rows = [{hostile: f"{hostile}{i % 3}", "n": i, "y": i % 2} for i in range(60)]
    other = ffnn.Sequential([Dense(2, "softmax")], seed=0)
    other.encoder = TableEncoder().fit(rows, target="y")
    other.build(len(other.encoder.feature_names))
    other.class_names = [f"{hostile}0", "b"]
    path = tmp_path / "hostile.html"
    path.write_text(page(other, hostile, hostile), encoding="utf-8")
    opened = open_file(path, *SIZES["phone"])
    opened.locator("select").select_option(f"{hostile}2")
    found = answers(opened)
    expected = other.predict([{hostile: f"{hostile}2", "n": 29.5}])[0]
    assert found == pytest.approx({f"{hostile}0": expected[0], "b": expected[1]}, abs=2e-6)
    assert opened.title() == hostile
    assert np.isclose(sum(found.values()), 1.0)
