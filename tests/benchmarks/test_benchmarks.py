"""What the training benchmark computes and refuses; no time is asserted."""

import importlib
import json
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def common():
    return importlib.import_module("common")


@pytest.fixture
def bench():
    return importlib.import_module("bench_training")


def made_up(bench, monkeypatch, losses):
    """Let the benchmark measure nothing and believe these losses."""

    def measure(work, sides, repeats, bar, all_cores=False, limit=None):
        return {
            "first_loss": 2.0,
            "threads": {side: {"cores": [0], "pools": []} for side in sides},
            "seconds": {side: [0.5] * repeats for side in sides},
            "losses": {side: losses[side] for side in sides if side != "floor"},
        }

    monkeypatch.setattr(bench, "measure", measure)


# -- the check of losses ---------------------------------------------------------------------------


def test_sides_that_agree_pass(common):
    common.check_losses("w", 2.0, {"ffnn": [1.0, 0.5], "torch": [1.019, 0.491]})


@pytest.mark.parametrize("theirs", [[1.0, 0.511], [0.97, 0.5], [1.0, float("nan")]])
def test_a_side_with_another_loss_fails(common, theirs):
    with pytest.raises(common.BenchmarkError, match=r"did not reach the same loss \(within 2%\)"):
        common.check_losses("w", 2.0, {"ffnn": [1.0, 0.5], "torch": theirs})


@pytest.mark.parametrize("ours", [1.9, float("nan")])
def test_training_that_does_not_train_fails(common, ours):
    with pytest.raises(common.BenchmarkError, match="did not train"):
        common.check_losses("w", 2.0, {"ffnn": [ours], "torch": [ours]})


def test_another_loss_ends_the_program_with_that_message(bench, monkeypatch, capsys):
    monkeypatch.setattr(bench, "split_peers", lambda names: (["torch"], []))
    made_up(bench, monkeypatch, {"ffnn": [1.0] * 3, "torch": [1.0, 1.0, 1.1]})
    assert bench.main(["--quick", "--peers", "torch", "--rows", "20-64-64-2/32/sgd"]) == 1
    assert "did not reach the same loss (within 2%)" in capsys.readouterr().err


def test_mean_loss_by_hand(common):
    identity = (np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    x = np.array([[-1.0, 2.0], [0.0, 0.0]], np.float32)
    # Logits relu(x) = (0, 2) and (0, 0).
    expected = (np.log(1.0 + np.exp(2.0)) + np.log(2.0)) / 2.0
    assert common.mean_loss([identity, identity], x, np.array([0, 1])) == pytest.approx(expected)


def test_mean_loss_of_one_unit_by_hand(common):
    # Logits 1·2 + 0.5 = 2.5 of class 1 and -0.5 of class 0: log(1 + e^-2.5), log(1 + e^-0.5).
    weights = [(np.array([[1.0]]), np.array([0.5]))]
    loss = common.mean_loss(weights, np.array([[2.0], [-1.0]]), np.array([1, 0]))

    assert loss == pytest.approx((np.log1p(np.exp(-2.5)) + np.log1p(np.exp(-0.5))) / 2)


def test_a_name_stands_for_its_work_alone_and_a_word_for_all_that_have_it(common):
    def names(*words):
        return [work.name for work in common.find_works(words)]

    assert names("784-128-64-10/64/sgd") == ["784-128-64-10/64/sgd"]
    assert names("784-128-64-10/64/sg") == [
        "784-128-64-10/64/sgd",
        "784-128-64-10/64/sgd/float64",
    ]
    assert names("all") == [work.name for work in common.WORKS]


def test_no_round_begins_after_the_seconds_given_but_there_are_three(bench):
    class Child:
        def ask(self, command):
            return {"seconds": 1.0, "loss": 0.5}

    class Bar:
        def update(self):
            pass

    children = {"ffnn": Child(), "torch": Child()}
    for limit, rounds in ((1e-9, 3), (None, 5), (1e9, 5)):
        seconds, losses = bench.take_turns(children, 5, Bar(), limit)
        assert [len(each) for each in (*seconds.values(), *losses.values())] == [rounds] * 4


def test_mean_loss_agrees_with_evaluate(common):
    from sides import FFNN

    side = FFNN(common.find_works(["20-64-64-2/32/adam"])[0])
    side.reset()
    expected = side.model.evaluate(side.x, side.y)
    assert common.mean_loss(side.weights(), side.x, side.y) == pytest.approx(expected, rel=1e-5)


# -- arithmetic ------------------------------------------------------------------------------------


def test_ratios_are_medians_over_rounds(bench):
    # The third round was slow for all: its ratio counts, not its times.
    seconds = {
        "ffnn": [1.0, 2.0, 10.0],
        "floor": [0.5, 1.0, 8.0],
        "torch": [3.0, 4.0, 20.0],
    }
    summary = bench.summarize(seconds, steps=1000)
    assert summary["ffnn"]["us_per_step"] == pytest.approx(2000.0)
    assert summary["ffnn"]["ratio"] == 1.0
    assert summary["torch"]["us_per_step"] == pytest.approx(4000.0)
    assert summary["torch"]["ratio"] == pytest.approx(2.0)
    assert summary["torch"]["quartiles"] == pytest.approx([2.0, 2.75])
    assert summary["floor"]["ffnn_over_floor"] == pytest.approx(2.0)
    assert "ffnn_over_floor" not in summary["torch"]


def test_one_round_is_enough(bench):
    summary = bench.summarize({"ffnn": [1.0], "torch": [3.0]}, steps=10)
    assert summary["torch"] == {"us_per_step": 3e5, "ratio": 3.0, "quartiles": [3.0, 3.0]}


def test_every_work_has_whole_batches_and_a_name_of_its_own(common):
    assert all(work.rows % work.batch == 0 and work.steps >= 50 for work in common.WORKS)
    assert len({work.name for work in common.WORKS}) == len(common.WORKS)


def test_floor_has_the_products_of_a_step(common):
    from sides import Floor

    floor = Floor(common.find_works(["20-64-64-2/32/sgd"])[0])
    floor.fit()
    x = floor.batches[-1]
    z = x @ floor.w[0].T
    assert np.allclose(floor.z_t[0].T, z, atol=1e-5)
    assert np.allclose(floor.z_t[1].T, z @ floor.w[1].T, atol=1e-5)
    assert np.allclose(floor.dz_t[1].T, floor.dz_t[2].T @ floor.w[2], atol=1e-5)
    assert np.allclose(floor.grads[0], floor.dz_t[0] @ x, atol=1e-5)


# -- the command line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--peers", "torch,caffe"], "'caffe'; known: sklearn, torch, keras, jax"),
        (["--rows", "1-2-3"], "'1-2-3'; known: all, 784-128-64-10/64/sgd"),
        (["--repeats", "0"], "expected at least 1"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_known_names(bench, capsys, options, message):
    with pytest.raises(SystemExit) as ended:
        bench.main(options)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_peers_are_named(bench, common, monkeypatch, capsys):
    monkeypatch.setitem(common.PEERS, "torch", ["ffnn_no_such_module"])
    made_up(bench, monkeypatch, {"ffnn": [1.0] * 3})
    assert bench.main(["--quick", "--peers", "torch", "--rows", "20-64-64-2/32/sgd"]) == 0
    assert "not installed, left out: torch" in capsys.readouterr().out


def test_a_child_that_fails_says_why(common, tmp_path):
    script = tmp_path / "child.py"
    script.write_text("raise ValueError('no such luck')\n", encoding="utf-8")
    child = common.Child(script, "side")
    try:
        with pytest.raises(common.BenchmarkError, match="no such luck"):
            child.ask("fit")
    finally:
        child.close()


def test_a_child_is_stopped_between_its_answers(common, tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(
        "import sys\nprint('{\"seconds\": 0}', flush=True)\n"
        "for line in sys.stdin:\n    print('{\"seconds\": 1}', flush=True)\n",
        encoding="utf-8",
    )
    sent, send = [], subprocess.Popen.send_signal
    monkeypatch.setattr(
        subprocess.Popen,
        "send_signal",
        lambda own, number: (sent.append(number), send(own, number)),
    )
    child = common.Child(script, "side")
    try:
        assert [child.receive(), child.ask("fit")] == [{"seconds": 0}, {"seconds": 1}]
    finally:
        child.close()
    assert sent[:3] == [signal.SIGSTOP, signal.SIGCONT, signal.SIGSTOP]


def test_a_quick_run_prints_the_table_and_writes_all_numbers(bench, tmp_path, capsys):
    path = tmp_path / "numbers.json"
    name = "20-64-64-2/32/sgd"
    assert bench.main(["--quick", "--peers", "none", "--rows", name, "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert all(len(line) <= 100 for line in printed.splitlines())
    rows = printed[printed.index("work ") :].splitlines()
    assert rows[0].split()[:3] == ["work", "side", "µs/step"]
    assert rows[1].split()[:2] == [name, "ffnn"]
    assert rows[2].split()[0] == "floor"
    numbers = json.loads(path.read_text(encoding="utf-8"))
    assert set(numbers) == {"environment", "settings", "works"}
    assert {"cpu", "python", "numpy", "blas", "ffnn"} <= set(numbers["environment"])
    measured = numbers["works"][name]
    assert set(measured["seconds"]) == {"ffnn", "floor"}
    assert all(len(seconds) == 3 and min(seconds) > 0.0 for seconds in measured["seconds"].values())
    assert len(measured["losses"]["ffnn"]) == 3
    assert max(measured["losses"]["ffnn"]) < 0.9 * measured["first_loss"]
    assert set(measured["summary"]["floor"]) == {
        "us_per_step", "ratio", "quartiles", "ffnn_over_floor",
    }  # fmt: skip


def test_a_profile_has_the_parts_of_a_step_and_their_sum(common, monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the script does, but undone after the test
    profile_step = importlib.import_module("profile_step")
    rows = profile_step.profile(common.find_works(["20-64-64-2/32/adam"])[0], samples=1)
    labels = [label for label, _, _ in rows]
    assert labels[0] == "gather the batch"
    assert labels[-2:] == ["rest: loop, checks, cache", "whole step"]
    assert {"layer 0 forward", "layer 2 backward", "optimizer, adam"} <= set(labels)
    assert sum(ours for _, ours, _ in rows[:-1]) == pytest.approx(rows[-1][1])
    assert sum(floor for _, _, floor in rows[:-1]) == pytest.approx(rows[-1][2])
