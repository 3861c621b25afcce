"""Tables that stand in two places are the same: what a script measured, and what a page shows."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.parametrize("name", ["ten", "unseen"])
def test_the_page_of_tables_shows_what_was_measured(benchmarks, name):
    pytest.importorskip("sklearn")
    pages, markdown = benchmarks("page_sections"), benchmarks("tabular_markdown")
    study, page = benchmarks("tabular_page").Study, pages.DOCS / "tables.md"
    file = pages.RESULTS / "tables" / f"{name}.jsonl"
    results = [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    lines = markdown.sections(study.of("", results))

    assert pages.with_section(page, name, lines) == page.read_text("utf-8")


def result(model, table, split, error, **others):
    return {"model": model, "table": table, "split": split, "error": error, "seconds": 2.0,
            "memory": 100.0, **others}  # fmt: skip


def test_models_of_fewer_splits_have_a_table_of_their_own(benchmarks):
    pytest.importorskip("sklearn")
    study = benchmarks("tabular_page").Study
    light, five = {"a": 0.1, "b": 0.4}, {"a": 0.05, "b": 0.3}
    found = [
        *(result("ffnn", t, s, 0.2 + 0.1 * s, auc=0.8, log_loss=0.5) for t in "ab" for s in (0, 1)),
        *(result("lightgbm", t, s, light[t], auc=0.9, log_loss=0.4) for t in "ab" for s in (0, 1)),
        *(result("ffnn-x-5", t, 0, five[t], auc=0.7, log_loss=0.6) for t in "ab"),
    ]
    lines = benchmarks("tabular_markdown").sections(study.of("", found))

    assert lines[0] == "| mean of 2 splits | ffnn | LightGBM |"
    assert "| a | 0.250 | 0.100 |" in lines
    assert "| error, relative | 1.000 | 0.816 |" in lines  # (1/2 · 1/3 · 2 · 4/3)^(1/4)
    assert "| AUC, difference | +0.0000 | +0.1000 |" in lines
    second = lines.index("| the first split | ffnn | 5 × ffnn | LightGBM |")
    assert lines[second + 2] == "| a | 0.200 | 0.050 | 0.100 |"
    assert (
        "| error, relative | 1.000 | 0.612 | 1.000 |" in lines[second:]
    )  # √(1/4 · 3/2), √(1/2 · 2)
    assert lines[-1] == "| a | LightGBM | 0.1500 ± 0.0500 |"
    assert "5 × ffnn" not in lines[-1] + lines[-2]


def test_a_page_without_the_marks_is_left_as_it_is(benchmarks, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\nold\n<!-- end of b -->\n", "utf-8")
    with pytest.raises(
        LookupError, match="expected the marks <!-- a --> and <!-- end of a --> once"
    ):
        benchmarks("page_sections").put(page, "a", ["new"])
    assert page.read_text("utf-8") == "<!-- a -->\nold\n<!-- end of b -->\n"


@pytest.mark.parametrize("name", ["steps", "large rows"])
def test_what_scripts_write_has_its_place_in_the_page_of_growth(benchmarks, name):
    pages = benchmarks("page_sections")
    changed = pages.with_section(pages.DOCS / "growth.md", name, ["a line"])
    assert f"<!-- {name} -->\n\na line\n\n<!-- end of {name} -->\n" in changed


def test_a_table_replaces_what_stands_between_its_marks(benchmarks, tmp_path):
    pages, page = benchmarks("page_sections"), tmp_path / "page.md"
    page.write_text("a\n<!-- t -->\nold\n<!-- end of t -->\nb\n", "utf-8")
    for cell in "12":
        pages.put(page, "t", pages.table(["x"], [[cell]]))
    expected = "a\n<!-- t -->\n\n| x |\n| --- |\n| 2 |\n\n<!-- end of t -->\nb\n"
    assert page.read_text("utf-8") == expected


def test_pages_show_the_tables_that_are_kept(benchmarks):
    pages = benchmarks("page_sections")
    kept = pages.kept_tables()
    assert len(kept) > 5
    for name, each in kept.items():
        page = pages.DOCS / each["page"]
        text = pages.with_section(page, name, pages.kept_lines(each))
        assert text == page.read_text("utf-8"), name


def test_a_table_is_kept_with_its_machine_day_and_command(benchmarks, tmp_path, monkeypatch):
    pages = benchmarks("page_sections")
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    monkeypatch.setattr(pages, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(pages.time, "strftime", lambda _: "2026-01-02")
    (tmp_path / "p.md").write_text("<!-- a table -->\n<!-- end of a table -->\n", "utf-8")
    pages.keep("p.md", "a table", "a machine", "python a.py", ["x"], [["1"]])

    text = (tmp_path / "p.md").read_text("utf-8")
    assert "\n\na machine, 2026-01-02, by `python a.py`:\n\n| x |\n| --- |\n| 1 |\n" in text
    kept = pages.kept_tables()
    assert kept["a table"]["rows"] == [["1"]]
    assert (
        pages.with_section(tmp_path / "p.md", "a table", pages.kept_lines(kept["a table"])) == text
    )
