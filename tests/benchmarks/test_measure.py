"""The command that writes the page and README's table from what was measured."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ENVIRONMENT = {"cpu": "Some CPU", "cores": 2, "system": "Linux", "numpy": "2.4.6"}


@pytest.fixture
def measure(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("measure")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "PAGE", tmp_path / "measured.md")
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(
        "Before\n<!-- measured -->\nold\n<!-- end of measured -->\nAfter\n", "utf-8"
    )
    return module


def training():
    """Return what a training leaves: our step takes 10 µs with loops and 20 without."""
    seconds = {
        "ffnn": [0.02, 0.02, 0.02],
        "compiled": [0.01, 0.01, 0.01],
        "floor": [0.008, 0.008, 0.009],
        "sklearn": [0.05, 0.04, 0.06],
        "jax-scan": [0.012, 0.01, 0.008],
    }
    work = {
        "sizes": [20, 64, 2], "batch": 32, "optimizer": "sgd", "dtype": "float64", "steps": 1000,
        "seconds": seconds, "threads": {"ffnn": {"pools": ["openblas 0.3 Zen: 1"]}},
    }  # fmt: skip
    return {"environment": ENVIRONMENT, "works": {"w": work}, "load": 0.125, "day": "2026-01-02"}


def put(module, machine, part, content):
    folder = module.RESULTS / machine
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}.json").write_text(json.dumps(content), "utf-8")


def test_the_page_has_medians_of_ratios_with_loops_and_without(measure):
    put(measure, "one", "training", training())

    assert measure.main(["--page-only", "--machine", "one"]) == 0

    page = measure.PAGE.read_text("utf-8")
    assert "## Some CPU" in page
    assert "2026-01-02, load before 0.12; cores 2, numpy 2.4.6, products by openblas" in page
    row = "| 20-64-2, batch 32, SGD, float64 | 10 (20) | 5.00 (2.50) | 1.00 (0.50) | 1.25 (2.50) |"
    assert row in page.splitlines()


def test_the_table_of_the_readme_is_replaced_and_nothing_else(measure):
    put(measure, "one", "training", training())

    measure.main(["--page-only", "--machine", "one"])

    lines = measure.README.read_text("utf-8").splitlines()
    assert lines[0] == "Before"
    assert lines[-1] == "After"
    where = "Some CPU, 2026-01-02, with loops (without)"
    assert f"| {where} | scikit-learn |" in lines
    assert "| 20-64-2, batch 32, SGD, float64 | 5.00 (2.50) |" in lines
    assert "old" not in lines


def test_each_machine_and_each_part_has_its_table(measure):
    seconds = {"ffnn": {"1 row": [1e-5, 2e-5]}, "onnxruntime": {"1 row": [1e-5, 1e-5]}}
    more = {"environment": ENVIRONMENT | {"cpu": "Other"}, "load": None, "day": "2026-01-03"}
    put(measure, "one", "training", training())
    put(measure, "two", "predict", more | {"seconds": seconds})
    put(measure, "two", "commands", more | {"seconds": {"cold start": {"ffnn": [0.5, 0.7]}}})

    measure.main(["--page-only", "--machine", "two"])

    lines = measure.PAGE.read_text("utf-8").splitlines()
    assert lines.index("## Some CPU") < lines.index("## Other")
    assert "| 1 row | 15 | 0.75 |" in lines
    assert "| cold start | 0.6 |" in lines
    assert measure.README.read_text("utf-8").splitlines()[1:3] == ["<!-- measured -->", "old"]


def test_the_real_readme_has_a_place_for_the_table(measure):
    text = (BENCHMARKS.parent / "README.md").read_text("utf-8")

    assert [text.count(mark) for mark in measure.MARKS] == [1, 1]


def test_a_part_that_fails_ends_with_1(measure, monkeypatch, capsys):
    monkeypatch.setitem(measure.PARTS, "predict", ["bench_predict.py", "--no-such-option"])

    assert measure.main(["--only", "predict", "--machine", "one"]) == 1
    assert "bench_predict.py" in capsys.readouterr().err


@pytest.fixture
def commands(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("bench_commands")


def test_a_program_is_timed_as_a_whole_or_by_what_it_prints(commands):
    whole = commands.seconds_of(commands.program("import time", "time.sleep(0.2)"), None)
    text = "start = 0\nperf_counter = lambda: 7.5\nprint(perf_counter() - start)"

    assert whole >= 0.2
    assert commands.seconds_of(commands.program(text), None) == 7.5


def test_a_program_that_fails_ends_the_benchmark(commands):
    with pytest.raises(commands.BenchmarkError, match="ZeroDivisionError"):
        commands.seconds_of(commands.program("1 / 0"), None)


def test_children_have_no_kernel_chosen_for_them(commands, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")

    environment = commands.child_environment({"A": "1"})

    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["A"] == "1"
