"""The report's page and pictures, its command line, and the copy of a full run in docs."""

import csv
import importlib.util
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import reproduce_report as script
from report import pictures
from report.conclusions import state
from report.document import Bullets, Fold, Heading, Picture, Table, Text, to_html, to_markdown
from report.experiments import EXPERIMENTS
from report.results import ResultsFolder
from report.runner import FULL, QUICK
from report.settings import Experiment, Row, Training

from ffnn.datasets import find_mnist

SCRIPTS = Path(__file__).parents[2] / "scripts"
REPOSITORY = SCRIPTS.parent
DOCS = REPOSITORY / "docs"
MNIST = Path(os.environ.get("FFNN_DATA_DIR") or REPOSITORY.parent / "shared" / "data")


def command(*arguments, data=MNIST):
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "reproduce_report.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "FFNN_DATA_DIR": str(data)},
    )


# -- page --------------------------------------------------------------------------------------

PARTS = [
    Heading("A < B", 1),
    Text("λ1 Σ|w| and `a_b*c` of *stars* [here] leaky_relu"),
    Bullets(["one", "two"]),
    Table(["name", "%"], [["a|b", "1.50 ± 0.25"], ["0.1", "–"]]),
    Fold("more & more", [Picture("a.png", 'what "it" shows')]),
]


def test_a_page_as_markdown():
    assert to_markdown(PARTS, "pictures").split("\n") == [
        r"# A \< B",
        "",
        r"λ1 Σ|w| and `a_b*c` of \*stars\* \[here\] leaky_relu",
        "",
        "- one",
        "- two",
        "",
        "| name | % |",
        "| --- | ---: |",
        r"| a\|b | 1.50 ± 0.25 |",
        "| 0.1 | – |",
        "",
        "<details>",
        "<summary>more &amp; more</summary>",
        "",
        '![what "it" shows](pictures/a.png)',
        "",
        "</details>",
        "",
    ]


def test_a_page_as_html():
    text = to_html(PARTS, "pictures")
    assert "<title>A &lt; B</title>" in text
    assert "<p>λ1 Σ|w| and <code>a_b*c</code> of *stars* [here] leaky_relu</p>" in text
    assert "<tr><td>a|b</td><td class=number>1.50 ± 0.25</td></tr>" in text
    assert '<img src="pictures/a.png" alt="what &quot;it&quot; shows">' in text
    assert "<details><summary>more &amp; more</summary>" in text
    assert "http" not in text  # nothing is loaded from elsewhere


def test_the_mean_of_histories_ends_with_the_shortest():
    record = pictures.average(
        [
            {"loss": [2.0, 1.0, 0.5], "val_loss": [3.0, 2.0, 1.0]},
            {"loss": [4, 2], "val_loss": [5, 4]},
        ]
    )
    assert record.history == {"loss": [3.0, 1.5], "val_loss": [4.0, 3.0]}
    assert list(record.epoch) == [0, 1]


def test_the_accuracies_picture_shows_seeds_mean_interval_and_report():
    rows = (Row("a", Training(), reported=3.5), Row("b", Training()))
    experiment = Experiment("e", "E", "", "", rows, ())
    axes = pictures.draw_accuracies(experiment, {"a": [1.0, 2.0, 3.0], "b": [5.0]}).axes[0]

    drawn = [
        (line.get_marker(), list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    ]
    assert ("|", [1.0, 2.0, 3.0], [0, 0, 0]) in drawn
    assert ("o", [2.0], [0]) in drawn
    assert ("D", [3.5], [0]) in drawn
    assert ("|", [5.0], [1]) in drawn
    assert not [each for each in drawn if each[0] == "D" and each[2] == [1]]
    segment = axes.collections[0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 0], [2.0 - 2.484, 2.0 + 2.484], atol=1e-3)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


def test_the_losses_picture_has_the_rows_that_finished_an_epoch():
    curve = {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}
    figure = pictures.draw_losses({"a": [curve], "b": [{"loss": [], "val_loss": []}]})
    legend = " ".join(text.get_text() for text in figure.axes[0].get_legend().get_texts())
    assert "a" in legend
    assert "b:" not in legend


def test_a_picture_is_small_and_keeps_its_colours(tmp_path):
    image = pytest.importorskip("PIL.Image")
    figure = pictures.new_figure(2.0, 1.0)
    figure.add_subplot().bar([0, 1], [1, 2], color=["#0072B2", "#D55E00"])
    pictures.write_png(figure, tmp_path / "a.png")

    with image.open(tmp_path / "a.png") as opened:
        assert (opened.mode, opened.size) == ("P", (200, 100))
        colours = np.array([colour for _, colour in opened.convert("RGB").getcolors()])
    for colour in ((0, 114, 178), (213, 94, 0), (255, 255, 255)):
        assert np.abs(colours - colour).max(axis=1).min() <= 2


# -- command line ------------------------------------------------------------------------------


def test_an_unknown_experiment_lists_the_known_ones(tmp_path):
    done = command("--experiments", "width,dept", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "no experiment 'dept' (did you mean 'depth'?); known: width, depth, act" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [("--seeds", "0"), ("--jobs", "two"), ("--seeds", "-1")])
def test_a_count_that_is_none_is_refused(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        script.main(wrong)
    assert "expected an integer of at least 1" in capsys.readouterr().err


def test_missing_mnist_says_where_to_put_it(tmp_path):
    done = command("--experiments", "width", "--out", tmp_path / "out", data=tmp_path)
    assert done.returncode == 1
    assert f"not found, neither plain nor with .gz, in {tmp_path}" in done.stderr
    assert "put the files there" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_scikit_learn_is_named_before_anything_is_trained(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert script.main(["--experiments", "sklearn", "--out", str(tmp_path)]) == 1
    assert "needs scikit-learn, which is not installed" in capsys.readouterr().err


def test_a_page_of_nothing_is_refused(tmp_path, capsys):
    arguments = ["--page-only", "--experiments", "width", "--out", str(tmp_path)]
    assert script.main(arguments) == 1
    assert "width: 64-32 with seed 0 is not in" in capsys.readouterr().err


needs_mnist = pytest.mark.skipif(
    not find_mnist(MNIST)[2], reason=f"MNIST is not in {MNIST}: set FFNN_DATA_DIR"
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of a quick run of everything."""
    pytest.importorskip("sklearn", reason="scikit-learn not installed")
    out = tmp_path_factory.mktemp("quick")
    done = command("--quick", "--jobs", 2, "--out", out, "--markdown", out / "docs.md")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the page is {out / 'index.html'}\n"
    return out


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@needs_mnist
def test_a_quick_run_has_a_line_for_each_row_and_seed(quick):
    lines = read_csv(quick / "results.csv")
    expected = {run.key for run in script.plan(EXPERIMENTS, 2, QUICK)}
    keys = [(line["experiment"], line["setting"], int(line["seed"])) for line in lines]
    assert set(keys) == expected
    assert len(keys) == len(expected)
    for line in lines:
        assert line["epochs"] == "2"
        assert 0.0 <= float(line["test_accuracy"]) <= 100.0
        assert float(line["cpu_seconds"]) > 0.0


def check_accuracies(report, lines, quantile):
    """Check that the page has each row's mean and interval; return the cells."""
    accuracies = {}
    for line in lines:
        key = line["experiment"], line["setting"]
        accuracies.setdefault(key, []).append(float(line["test_accuracy"]))
    cells = []
    for (_, setting), values in accuracies.items():
        half = quantile * np.std(values, ddof=1) / math.sqrt(len(values))
        cells.append(f"{np.mean(values):.2f} ± {half:.2f}")
        assert re.search(
            rf"\| {re.escape(setting)} (\| [\d.–]+ )?\| {re.escape(cells[-1])} \|", report
        )
    return cells


@needs_mnist
def test_the_page_tells_the_numbers_of_the_lines(quick):
    report = (quick / "report.md").read_text(encoding="utf-8")
    page = (quick / "index.html").read_text(encoding="utf-8")
    cells = check_accuracies(report, read_csv(quick / "results.csv"), quantile=12.7062)
    assert all(cell in page for cell in cells)
    assert "This was a quick run" in report
    assert "`python scripts/reproduce_report.py --quick`" in report


@needs_mnist
def test_the_page_has_all_its_pictures(quick):
    for name, folder in (("report.md", quick), ("docs.md", quick)):
        text = (quick / name).read_text(encoding="utf-8")
        found = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
        networks = sum(
            isinstance(row.training, Training) for each in EXPERIMENTS for row in each.rows
        )
        assert len(found) == len(set(found)) == 2 * len(EXPERIMENTS) + networks
        for picture in found:
            assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    page = (quick / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'src="([^"]+)"', page)) == {
        picture.replace("docs/", "pictures/") for picture in found
    }
    assert (quick / "docs" / "results.csv").read_bytes() == (quick / "results.csv").read_bytes()


@needs_mnist
def test_claims_are_written_beside(quick):
    lines = read_csv(quick / "claims.csv")
    assert len(lines) == sum(len(each.claims) for each in EXPERIMENTS)
    results = {
        (line["experiment"], line["setting"], line["seed"]): float(line["test_accuracy"])
        for line in read_csv(quick / "results.csv")
    }
    differences = [
        results["width", "128-64", seed] - results["width", "64-32", seed] for seed in "01"
    ]
    assert lines[0]["claim"] == "128-64 is above 64-32"
    assert float(lines[0]["reported_difference"]) == pytest.approx(0.46)
    assert float(lines[0]["difference"]) == pytest.approx(sum(differences) / 2.0, rel=1e-4)


@needs_mnist
def test_an_interrupted_run_goes_on_where_it_stopped(quick, tmp_path, monkeypatch):
    lines = (quick / "results.csv").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith((b"experiment", b"rmsnorm"))]
    folder = ResultsFolder(tmp_path)
    (tmp_path / "runs").mkdir()
    folder.csv.write_bytes(b"".join(kept[:-1]) + kept[-1][:20])
    for path in (quick / "runs").glob("rmsnorm*"):
        (tmp_path / "runs" / path.name).write_bytes(path.read_bytes())
    done = command("--quick", "--experiments", "rmsnorm", "--out", tmp_path, "--jobs", 1)

    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stderr
    again = folder.csv.read_bytes().splitlines(keepends=True)
    assert again[:-1] == kept[:-1]
    same = slice(0, 10)  # all but the times
    assert again[-1].split(b",")[same] == kept[-1].split(b",")[same]


@needs_mnist
def test_a_full_run_does_not_go_into_the_folder_of_a_quick_one(quick, capsys):
    assert script.main(["--experiments", "width", "--out", str(quick)]) == 1
    assert "--quick and full runs" in capsys.readouterr().err


# -- the docs ----------------------------------------------------------------------------------


def test_the_docs_tell_the_numbers_of_the_full_run_of_this_table():
    lines = read_csv(DOCS / "experiments" / "results.csv")
    settings = {run.key: run.settings for run in script.plan(EXPERIMENTS, 5, FULL)}
    assert {
        (line["experiment"], line["setting"], int(line["seed"])): line["settings"] for line in lines
    } == settings
    check_accuracies((DOCS / "experiments.md").read_text(encoding="utf-8"), lines, quantile=2.77645)


def test_the_docs_claims_are_those_of_the_full_run():
    results = {
        (line["experiment"], line["setting"], line["seed"]): float(line["test_accuracy"])
        for line in read_csv(DOCS / "experiments" / "results.csv")
    }
    claims = [(experiment.name, claim) for experiment in EXPERIMENTS for claim in experiment.claims]
    lines = read_csv(DOCS / "experiments" / "claims.csv")
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    for (name, claim), line in zip(claims, lines, strict=True):
        difference = np.mean(
            [results[name, claim.higher, s] - results[name, claim.lower, s] for s in "01234"]
        )
        assert (line["experiment"], line["claim"]) == (name, state(claim))
        assert float(line["difference"]) == pytest.approx(difference, abs=1e-4)
        cell = f"{difference:+.2f} ± {float(line['half_width']):.2f}"
        assert re.search(rf"\| {re.escape(state(claim))} \| [^|]* \| {re.escape(cell)} \|", text)


def copy_page(folder):
    """The docs' page with its tables, in a folder where it may be written."""
    (folder / "experiments").mkdir()
    for name in ("experiments.md", "experiments/results.csv", "experiments/claims.csv"):
        (folder / name).write_bytes((DOCS / name).read_bytes())
    return folder / "experiments.md"


def test_the_docs_page_is_what_the_script_makes_of_its_tables(tmp_path):
    page = copy_page(tmp_path)
    assert script.main(["--rewrite", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == (DOCS / "experiments.md").read_text(
        encoding="utf-8"
    ), "run: python scripts/reproduce_report.py --rewrite docs/experiments.md"
    assert sorted(path.name for path in (tmp_path / "experiments").iterdir()) == [
        "claims.csv",
        "results.csv",
    ]


def test_the_docs_page_is_short():
    lines = (DOCS / "experiments.md").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if not line.startswith(("|", "![")) for word in line.split()]
    assert len(words) <= 1200


@pytest.mark.parametrize(
    ("table", "start", "message"),
    [
        ("results.csv", "init,zeros,4,", "results.csv has no run of ('init', 'zeros', 4)"),
        ("claims.csv", "rmsnorm,", "claims.csv has other claims than the table of experiments"),
    ],
)
def test_a_page_is_not_rewritten_from_half_a_table(tmp_path, capsys, table, start, message):
    page = copy_page(tmp_path)
    path = tmp_path / "experiments" / table
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")
    before = page.read_bytes()
    assert script.main(["--rewrite", str(page)]) == 1
    assert message in capsys.readouterr().err
    assert page.read_bytes() == before


def test_the_docs_have_all_their_pictures_and_they_are_small():
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    found = set(re.findall(r"!\[[^\]]*\]\(experiments/([^)]+)\)", text))
    there = list((DOCS / "experiments").glob("*.png"))
    assert {path.name for path in there} == found
    assert sum(path.stat().st_size for path in there) < 3_000_000
