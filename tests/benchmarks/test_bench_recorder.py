"""The benchmark of the recorder: what it computes and refuses; no time is asserted."""

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = "20-64-64-2/32/sgd"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the script does, but undone after the test
    module = importlib.import_module("bench_recorder")
    monkeypatch.setattr(module, "pin_to", lambda core: None)  # which would last
    return module


def test_ratios_are_medians_over_rounds(bench):
    # The third round was slow for all: its ratio counts, not its times.
    seconds = {"none": [1.0, 2.0, 10.0], "every=1": [1.5, 2.5, 12.0]}

    summary = bench.summarize(seconds, steps=1000)

    assert summary["none"] == {"us_per_step": 2000.0, "ratio": 1.0, "quartiles": [1.0, 1.0]}
    assert summary["every=1"]["us_per_step"] == pytest.approx(2500.0)
    assert summary["every=1"]["ratio"] == pytest.approx(1.25)
    assert summary["every=1"]["quartiles"] == pytest.approx([1.2125, 1.4375])


def test_a_run_prints_a_line_a_kind_and_writes_all_numbers(bench, tmp_path, capsys):
    path = tmp_path / "numbers.json"

    assert bench.main(["--repeats", "1", "--rows", SMALL, "--json", str(path)]) == 0

    printed = capsys.readouterr().out
    assert "threads: " in printed
    lines = printed[printed.index("work ") :].splitlines()
    assert len(lines) == 1 + len(bench.KINDS)
    assert lines[1].split()[:2] == [SMALL, "none"]
    assert all(kind in line for kind, line in zip(bench.KINDS, lines[1:], strict=True))
    numbers = json.loads(path.read_text(encoding="utf-8"))
    assert {"cpu", "python", "numpy", "blas", "ffnn"} <= set(numbers["environment"])
    measured = numbers["works"][SMALL]
    assert measured["steps"] == 500
    assert all(len(seconds) == 1 and seconds[0] > 0 for seconds in measured["seconds"].values())


def test_a_recorder_that_changes_the_training_is_noticed(bench, monkeypatch, capsys):
    run = bench.Recorded.run

    def meddling(self, options):
        seconds, weights = run(self, options)
        return seconds, weights[:-1] + b"?" if options else weights

    monkeypatch.setattr(bench.Recorded, "run", meddling)

    assert bench.main(["--repeats", "1", "--rows", SMALL]) == 1
    assert f"{SMALL}: every=1: training gave other weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--rows", "1-2-3"], "'1-2-3'; known: all"), (["--repeats", "0"], "expected at least 1")],
)
def test_wrong_usage_ends_with_2(bench, capsys, options, message):
    with pytest.raises(SystemExit) as ended:
        bench.main(options)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err
