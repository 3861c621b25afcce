"""Real files: each trains with no option but its target, and is taken for what it is."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from ffnn.cli import main
from ffnn.tables import read_table
from ffnn.tabular import recipe as rules

FOLDER = Path(__file__).parent / "real"


class Case(NamedTuple):
    """What a look into a file tells: target, number of classes, rows, and what columns are."""

    target: str | None
    classes: int  # 0 for numbers
    rows: int
    kinds: str  # of all columns in their order: n(umber), c(ategory), d(ate), t(ext), i(gnored)
    used: int | None = None  # rows, if not all
    is_learned: bool = True  # whether a score far over the baseline's is to be expected


CASES = {
    "anes96.csv": Case("vote", 2, 944, "nnnnnnnnnn"),
    "antibiotics.csv": Case("gram", 2, 16, "cnnnc", is_learned=False),  # three rows to test on
    "auto-mpg2.csv": Case("hwy", 0, 234, "iccnnnccnncc"),
    "cows.csv": Case("breed", 5, 100, "ncc", is_learned=False),
    "elements.csv": Case("metal", 10, 118, "ntitttnntnnnccnnnctnn"),
    "engel.csv": Case("foodexp", 0, 235, "nn"),
    "forensic_glass.csv": Case("type", 6, 214, "nnnnnnnnnc"),
    "grunfeld.csv": Case("invest", 0, 220, "nnncn"),
    "iris.csv": Case("species", 3, 150, "nnnnc"),
    "lincoln_weather.csv": Case("TMAX", 0, 366, "iidnn", used=365),
    "modechoice.csv": Case("choice", 2, 840, "nnnnnnnnn", is_learned=False),
    "penguins.csv": Case("species", 3, 344, "ccnnnnc"),
    "seattle-weather.csv": Case("weather", 5, 1461, "dnnnnc"),
    "statecrime.csv": Case("violent", 0, 51, "tnnnnnnn", is_learned=False),  # ten rows to test on
    "wine_data.csv": Case(None, 3, 178, "n" * 14),
}


def test_each_file_has_its_case_and_its_licence():
    files = {path.name for path in FOLDER.glob("*.csv")}
    assert files == CASES.keys()
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (\S+\.csv) \|", text, re.M)) == files
    assert all(path.stat().st_size < 50_000 for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_columns_are_what_they_are(name):
    table, case = read_table(FOLDER / name), CASES[name]
    assert table.num_rows == case.rows
    assert "".join(column.kind[0] for column in table.columns) == case.kinds


@pytest.mark.filterwarnings("ignore:.*not clearly better")
@pytest.mark.parametrize("name", CASES)
def test_they_train_with_no_option_but_the_target(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rules, "HIDDEN", (64, 64))  # which takes a fifth of the time
    monkeypatch.setattr(rules, "MOST_EPOCHS", 80)
    case = CASES[name]
    target = ["--target", case.target] if case.target else []
    assert main(["train", str(FOLDER / name), *target, "--out", str(tmp_path / "m.h5")]) == 0
    out = capsys.readouterr().out
    assert f"read {case.rows:,} rows, used {case.used or case.rows:,}" in out
    assert (f", {case.classes} classes\n" in out) == bool(case.classes)
    assert ("\ntarget '" in out) != bool(case.classes)
    baseline, score = (
        float(re.search(rf"^{label} {'accuracy' if case.classes else 'r2'}: (\S+)", out, re.M)[1])
        for label in ("baseline", "test")
    )
    if case.is_learned:
        assert score > baseline + 0.15
