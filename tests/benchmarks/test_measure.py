"""The command that writes the page and README's table from what was measured."""

import importlib
import json
import textwrap
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
    monkeypatch.setattr(module, "PERFORMANCE", tmp_path / "performance.md")
    marks = "<!-- side by side -->\n<!-- end of side by side -->\n"
    (tmp_path / "performance.md").write_text(marks, "utf-8")
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


NAMES = {"training": "20-64-64-2/32/sgd", "predict": "predict", "commands": "cold-start"}


def put(module, machine, part, content, name=None):
    name = name or NAMES[part.removesuffix("-all-cores")]
    file = module.Row(part, name, []).file(module.RESULTS / machine)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), "utf-8")


def test_the_page_has_medians_of_ratios_with_loops_and_without(measure):
    put(measure, "one", "training", training())

    assert measure.main(["--page-only", "--machine", "one"]) == 0

    page = measure.PAGE.read_text("utf-8")
    assert "## Some CPU" in page
    assert (
        "2026-01-02, load before each at most 0.12; cores 2, numpy 2.4.6, products by openblas"
        in page
    )
    row = "| 20-64-2, batch 32, SGD, float64 | 10 (20) | 5.00 (2.50) | 1.00 (0.50) | 1.25 (2.50) |"
    assert row in page.splitlines()


def test_machines_stand_side_by_side_with_loops(measure):
    other = training() | {"environment": ENVIRONMENT | {"cpu": "Other"}}
    seconds = other["works"]["w"]["seconds"]
    seconds |= {"compiled": [0.02, 0.02, 0.02], "torch": [0.06, 0.06, 0.06]}
    put(measure, "one", "training", training())
    put(measure, "two", "training", other)

    measure.main(["--page-only", "--machine", "two"])

    lines = measure.PERFORMANCE.read_text("utf-8").splitlines()
    head = (
        "| Some CPU / Other | scikit-learn | PyTorch | Keras | JAX, NumPy batches | ffnn / floor |"
    )
    row = "5.00 / 2.50 | – / 3.00 | – / – | – / – | 1.25 / 2.50 |"
    assert lines[2] == head
    assert lines[4] == f"| 20-64-2, batch 32, SGD, float64 | {row}"


def test_pages_show_what_was_measured(measure, monkeypatch):
    sections = importlib.import_module("page_sections")
    monkeypatch.setattr(measure, "RESULTS", sections.RESULTS)
    folders = sorted(path for path in sections.RESULTS.iterdir() if any(path.glob("*/*.json")))
    measure.write_page(folders)

    page, text = sections.DOCS / "performance.md", measure.side_by_side(folders)
    assert measure.PAGE.read_text("utf-8") == (sections.DOCS / "measured.md").read_text("utf-8")
    assert sections.with_section(page, "side by side", text) == page.read_text("utf-8")


def test_on_all_cores_chosen_threads_come_before_all(measure):
    content = training()
    content["works"]["w"]["seconds"]["auto"] = [0.005, 0.005, 0.005]
    put(measure, "one", "training-all-cores", content)

    measure.main(["--page-only", "--machine", "one"])

    row = "| 20-64-2, batch 32, SGD, float64 | 5 (10) | 10.00 (5.00) | 2.00 (1.00) | 0.62 (1.25) |"
    assert row in measure.PAGE.read_text("utf-8").splitlines()


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
    programs = {"cold-start": {"ffnn": [0.5, 0.7], "torch": [2.0, 2.8]}}
    memory = {"cold-start": {"ffnn": [60.0, 60.0], "torch": [240.0, 240.0]}}
    put(measure, "two", "commands", more | {"seconds": programs, "memory": memory})

    measure.main(["--page-only", "--machine", "two"])

    lines = measure.PAGE.read_text("utf-8").splitlines()
    assert lines.index("## Some CPU") < lines.index("## Other")
    assert "| 1 row | 15 | 0.75 |" in lines
    assert "| cold-start | 0.6 | 4.00 |" in lines
    assert "| cold-start | 60 | 4.00 |" in lines
    assert measure.README.read_text("utf-8").splitlines()[1:3] == ["<!-- measured -->", "old"]


def test_the_real_readme_has_a_place_for_the_table(measure):
    text = (BENCHMARKS.parent / "README.md").read_text("utf-8")

    marks = "<!-- measured -->", "<!-- end of measured -->"
    assert [text.count(mark) for mark in marks] == [1, 1]


def test_trainings_on_all_cores_are_told_apart(measure):
    put(measure, "one", "training", training())
    put(measure, "one", "training-all-cores", training() | {"day": "2026-01-05", "load": None})

    measure.main(["--page-only", "--machine", "one"])

    page = measure.PAGE.read_text("utf-8")
    assert "### Training on one core\n\n2026-01-02, load" in page
    assert (
        "### Training with the libraries' own threads on all cores\n\n2026-01-05, load unknown"
        in page
    )


def test_a_run_resumes_with_the_rows_that_are_missing(measure, monkeypatch):
    put(measure, "one", "training", training())
    measured = []
    monkeypatch.setattr(measure, "run", lambda row, folder: measured.append(row.name))

    def names(*options):
        measured.clear()
        assert measure.main(["--machine", "one", *options]) == 0
        return list(measured)

    works = [work.name for work in measure.WORKS]
    assert names() == [n for n in works if n != NAMES["training"]] + ["predict", *measure.PROGRAMS]
    assert NAMES["training"] in names("--again")
    assert names("--rows", "training/20-64-64-2/32/sgd", "sparse") == [NAMES["training"], "sparse"]
    assert names("--all-cores") == [*works, "predict", *measure.PROGRAMS]


def test_each_row_is_measured_alone_by_its_script(measure):
    for row in measure.all_rows(all_cores=True):
        module = importlib.import_module(row.command[0].removesuffix(".py"))
        options = row.command[1:]
        assert "--all-cores" in options
        if row.part.startswith("training"):
            assert [work.name for work in module.arguments(options).works] == [row.name]


def test_an_unknown_row_is_refused(measure, capsys):
    with pytest.raises(SystemExit) as ended:
        measure.main(["--rows", "784-129"])

    assert ended.value.code == 2
    assert (
        "none is named '784-129'; known: training/784-128-64-10/64/sgd" in capsys.readouterr().err
    )


def test_a_row_that_fails_ends_with_1_and_leaves_no_file(measure, monkeypatch, capsys):
    row = measure.Row("predict", "predict", ["bench_predict.py", "--no-such-option"])
    monkeypatch.setattr(measure, "all_rows", lambda **_: [row])

    assert measure.main(["--machine", "one"]) == 1
    assert "predict/predict" in capsys.readouterr().err
    assert not list(measure.RESULTS.glob("one/*/*"))


@pytest.fixture
def commands(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("bench_commands")


def test_a_program_is_timed_as_a_whole_or_by_what_it_prints(commands):
    whole = commands.run_program(commands.program("import time", "time.sleep(0.2)"), None)
    text = "print('seconds=7.5')\nprint('loss=1e-1')\nprint('test accuracy: 0.75')"
    told = commands.run_program(commands.program(text), None)

    assert whole.seconds >= 0.2
    assert (whole.loss, whole.accuracy) == (None, None)
    assert (told.seconds, told.loss, told.accuracy) == (7.5, 0.1, 0.75)
    assert told.megabytes > 1


def test_a_program_that_fails_ends_the_benchmark(commands):
    with pytest.raises(commands.BenchmarkError, match="ZeroDivisionError"):
        commands.run_program(commands.program("1 / 0"), None)


@pytest.mark.parametrize(
    ("theirs", "is_same"),
    [({"loss": 0.57}, True), ({"loss": 0.58}, False), ({"loss": 0.42}, False), ({}, False),
     ({"accuracy": 0.9}, False), ({"loss": float("nan")}, False)],
)  # fmt: skip
def test_programs_reach_the_same_loss(commands, theirs, is_same):
    run = {"seconds": 1.0, "megabytes": 1.0, "loss": None, "accuracy": None}
    sides = "cold-start", "torch", commands.Run(**run | theirs), commands.Run(**run | {"loss": 0.5})
    if is_same:
        commands.check_reached(*sides)
    else:
        with pytest.raises(commands.BenchmarkError, match="cold-start: the two sides did not"):
            commands.check_reached(*sides)


def test_commands_reach_the_same_accuracy(commands):
    runs = [commands.Run(1.0, 1.0, None, value) for value in (0.92, 0.93, 0.95)]
    commands.check_reached("command", "sklearn", runs[1], runs[0])
    with pytest.raises(commands.BenchmarkError, match=r"accuracy 0\.95"):
        commands.check_reached("command", "sklearn", runs[2], runs[0])


@pytest.mark.parametrize("case", ["COLD", "VALIDATION", "SPARSE"])
def test_each_program_is_python_and_tells_what_it_reached(commands, case):
    programs = importlib.import_module("programs")
    for side, text in getattr(programs, case).items():
        code = "\n".join(map(textwrap.dedent, (programs.BEGIN, text)))
        compile(code, side, "exec")
        assert "done()" in text
        assert "loss=" in text or "reached(" in text


def test_children_have_no_kernel_chosen_for_them(commands, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")

    environment = commands.child_environment({"A": "1"})

    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["A"] == "1"
