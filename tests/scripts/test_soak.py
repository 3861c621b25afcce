"""The long run: its table, its exit codes, and failing cases that can be tried again."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("h5py")
if sys.platform != "linux":
    pytest.skip("trials need Linux", allow_module_level=True)

import soak
from trials.common import Result, in_children

FOUND = Path(__file__).parent / "found"  # cases that have failed once and must never again


def odd_ones_fail(cases, seed, folder, advance):
    assert folder.is_dir()
    result = Result(control=1)
    for case in cases:
        result.cases += 1
        result.count("even", case % 2 == 0)
        advance(1)
        if case % 2:
            result.fail(case, f"odd, with seed {seed}", b"a file")
    return result


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    monkeypatch.setitem(soak.TRIALS, "fake", soak.Trial(odd_ones_fail, 4, 6))


def test_failing_cases_are_written_down_and_can_be_tried_again(tmp_path, capsys):
    code = soak.main(["fake", "--quick", "--seed", "7", "--out", str(tmp_path)])

    out = capsys.readouterr().out
    assert code == 1
    assert out.splitlines()[1].split()[:5] == ["fake", "7", "4", "2", "1"]
    assert "3: odd, with seed 7" in out
    names = ["fake-7-1.h5", "fake-7-1.json", "fake-7-3.h5", "fake-7-3.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (tmp_path / "fake-7-3.h5").read_bytes() == b"a file"

    assert soak.main(["--replay", str(tmp_path / "fake-7-3.json")]) == 1
    assert "fake, seed 7, case 3: odd" in capsys.readouterr().out


def test_a_case_that_fails_no_more_is_said_to_be_well(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"trial": "fake", "seed": 7, "case": 2}))

    assert soak.main(["--replay", str(path)]) == 0
    assert capsys.readouterr().out == "it does not fail\n"


def test_a_control_that_does_not_fail_is_a_failure(monkeypatch, capsys):
    monkeypatch.setitem(soak.TRIALS, "fake", soak.Trial(lambda *_: Result(cases=1), 1, 1))

    assert soak.main(["fake"]) == 1
    assert capsys.readouterr().err == ""


def test_counts_are_the_long_ones_unless_said_otherwise(tmp_path, capsys):
    counts = []
    for options in ([], ["--quick"], ["--count", "3"]):
        soak.main(["fake", *options, "--json", "--out", str(tmp_path)])
        (row,) = json.loads(capsys.readouterr().out)
        counts.append(row["cases"])

    assert counts == [6, 4, 3]


def test_minutes_repeat_with_other_seeds(tmp_path, capsys):
    soak.main(["fake", "--minutes", "0.001", "--json", "--out", str(tmp_path)])

    rows = json.loads(capsys.readouterr().out)
    assert len(rows) > 1
    assert len({row["seed"] for row in rows}) == len(rows)
    assert {row["cases"] for row in rows} == {4}


def test_cases_that_were_found_once_fail_no_more():
    for path in FOUND.glob("*.json"):
        assert soak.main(["--replay", str(path)]) == 0, path


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_that_dies_hangs_or_eats_memory_is_noticed():
    def work(number):
        if number == 1:
            raise SystemExit(3)
        if number == 3:
            bytearray(1 << 30)
        if number == 4:
            while True:
                pass
        return number

    done = list(in_children(work, range(6), memory=64 << 20, seconds=0.2))

    assert done[0] == (0, 0)
    assert done[1] == (1, {"died": "exit code 1"})
    assert done[2] == (2, 2)
    assert done[3] == (3, {"died": "exit code 1"})
    assert done[4] == (4, {"died": "signal 14"})
    assert done[5] == (5, 5)
