"""The benchmarks' scripts: that they run, check what they compare, and say what is wrong.

No time and no amount of memory is asserted here.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name):
    """Return a script as a module; the scripts find each other in their folder."""
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def scripts_find_each_other(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def predict():
    return load("bench_predict")


@pytest.fixture
def memory():
    return load("bench_memory")


@pytest.fixture
def accuracy():
    return load("bench_accuracy")


def run(script, *args, **environment):
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{script}.py"), *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )


@pytest.mark.parametrize("script", ["bench_predict", "bench_memory", "bench_accuracy"])
def test_each_script_tells_its_options_and_refuses_others(script):
    shown = run(script, "--help")
    refused = run(script, "--no-such-option")

    assert shown.returncode == 0
    assert "--json" in shown.stdout
    assert refused.returncode == 2
    assert "--no-such-option" in refused.stderr


# -- predictions -------------------------------------------------------------------------------


def test_predictions_are_timed_without_peers(tmp_path):
    out = tmp_path / "predict.json"
    done = run("bench_predict", "--peers", "", "--quick", "--json", out)

    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(out.read_text(encoding="utf-8"))
    cases = content["seconds"]["ffnn"]
    assert len(cases) == 6
    assert all(len(rounds) == 3 and min(rounds) > 0 for rounds in cases.values())
    assert "numpy" in content["environment"]
    for case in ("1 row, 1 thread", "10,000 rows, 8 threads"):
        assert any(line.startswith(case) for line in done.stdout.splitlines())


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_program_in_c_is_timed_beside_ours():
    done = run("bench_predict", "--peers", "c", "--quick")

    assert (done.returncode, done.stderr) == (0, "")
    heading, first = done.stdout.splitlines()[-7:-5]
    assert heading.split()[-3:] == ["ffnn", "ffnn-plain", "c"]
    assert first.startswith("1 row, 1 thread")


def test_without_a_compiler_the_program_in_c_is_left_out():
    done = run("bench_predict", "--peers", "c", "--quick", PATH="")

    assert (done.returncode, done.stderr) == (0, "")
    assert "c: there is no cc, left out" in done.stdout.splitlines()


@pytest.mark.parametrize("name", ["onnxruntime", "c"])
def test_exported_files_agree_with_the_reference(predict, name):
    if name == "c" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    for module in predict.MODULES[name]:
        pytest.importorskip(module)
    weights = predict.make_weights()
    side = predict.MAKERS[name](weights)
    for case in (predict.Case(1, 1), predict.Case(30, 4)):
        assert predict.worst_error(side, weights, case) < 1e-6


def test_an_unknown_peer_is_refused():
    done = run("bench_predict", "--peers", "tensorflo")

    assert done.returncode == 2
    assert "tensorflo" in done.stderr
    assert "torch" in done.stderr


def test_ffnn_agrees_with_the_reference(predict):
    weights = predict.make_weights()
    for case in (predict.Case(1, 1), predict.Case(30, 4)):
        assert predict.worst_error(predict.ffnn_side(weights), weights, case) < 1e-6


def test_the_reference_gives_probabilities_that_depend_on_the_row(predict):
    output = predict.reference(predict.make_weights(), predict.make_rows(50))

    np.testing.assert_allclose(output.sum(axis=1), 1.0)
    assert output.std(axis=0).min() > 1e-3  # ten times the tolerance


@pytest.mark.parametrize("place", ["weight", "bias"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_side_with_another_parameter_is_noticed(predict, place, layer):
    weights = predict.make_weights()
    other = [(weight.copy(), bias.copy()) for weight, bias in weights]
    other[layer][place == "bias"][...] *= 1.05
    error = predict.worst_error(predict.ffnn_side(other), weights, predict.Case(100, 1))

    with pytest.raises(predict.BenchmarkError, match="torch: predictions of 100 rows, 1 thread"):
        predict.check_agreement({"ffnn": {}, "torch": {"100 rows, 1 thread": error}})


def test_predictions_that_are_no_numbers_are_noticed(predict):
    with pytest.raises(predict.BenchmarkError, match="differ from the reference by nan"):
        predict.check_agreement({"jax": {"1 row, 1 thread": float("nan")}})


def test_predictions_that_agree_are_fine(predict):
    predict.check_agreement({"ffnn": {"1 row, 1 thread": 1e-7}, "jax": {"1 row, 1 thread": 9e-5}})


def test_an_error_in_a_thread_is_raised(predict):
    def fail():
        raise ArithmeticError("no prediction")

    with pytest.raises(ArithmeticError, match="no prediction"):
        predict.in_threads(fail, 3)


@pytest.mark.parametrize("threads", [1, 8])
def test_every_thread_makes_all_calls_after_a_first_one(predict, threads):
    calls = []
    predict.time_call(calls.append, predict.Case(2, threads), 5)

    assert len(calls) == (1 + 5) * threads
    assert all(x.shape == (2, 784) for x in calls)


def test_ratios_are_medians_of_rounds(predict):
    ours = {str(case): [1e-6, 2e-6, 4e-6] for case in predict.CASES}
    theirs = {str(case): [3e-6, 4e-6, 40e-6] for case in predict.CASES}
    lines = predict.table({"ffnn": ours, "other": theirs})

    assert len(lines) == 1 + len(predict.CASES)
    assert re.fullmatch(r"1 row, 1 thread +2\.0 \( +1\.00×\) +4\.0 \( +3\.00×\)", lines[1])


# -- memory ------------------------------------------------------------------------------------


def test_memory_is_measured_on_random_bytes(tmp_path):
    out = tmp_path / "memory.json"
    options = ("--synthetic", "--rows", 300, "--epochs", 1)
    done = run("bench_memory", *options, "--json", out)

    assert (done.returncode, done.stderr) == (0, "")
    assert "data: random bytes (300 rows)" in done.stdout
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["data_bytes"] == 2 * 300 * (784 + 1)
    assert content["peak"] >= content["loaded"] >= content["libraries"] > 0
    assert 0 < content["traced"] < content["peak"]


def test_random_bytes_stand_in_for_mnist_and_it_is_said(memory, tmp_path, monkeypatch):
    monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path))
    name, (x, y, x_test, y_test) = memory.load_data(False, 20)

    assert name == "random bytes, as MNIST was not found (20 rows)"
    assert x.shape == x_test.shape == (20, 784)
    assert y.shape == y_test.shape == (20,)
    assert x.dtype == np.uint8


@pytest.mark.parametrize(("peak", "verdict"), [(190e6, "met"), (190.1e6, "missed")])
def test_the_goal_is_the_peak_above_libraries_and_data(memory, peak, verdict):
    found = {
        "data": "MNIST",
        "data_bytes": 100e6,
        "libraries": 30e6,
        "loaded": 150e6,
        "peak_of_loading": 180e6,
        "peak": peak,
        "was_reset": False,
        "traced": 5e6,
    }
    lines = memory.report(found)

    assert lines[-1] == f"goal, libraries + data + 60 MB: {verdict}"
    assert "cannot reset the peak" in lines[-2]


# -- accuracy ----------------------------------------------------------------------------------


def test_ffnn_races_at_both_settings(accuracy):
    data, scale = accuracy.load_data(quick=True)
    for setting in accuracy.SETTINGS:
        race = accuracy.race_ffnn(setting, data, scale, 0, (0.8, 30))

        assert race.accuracies[-1] >= 0.8
        assert all(reached < 0.8 for reached in race.accuracies[:-1])
        assert len(race.seconds) == len(race.accuracies)


def test_both_sides_race(tmp_path):
    pytest.importorskip("sklearn")
    out = tmp_path / "accuracy.json"
    done = run("bench_accuracy", "--quick", "--target", 0.8, "--json", out)

    assert (done.returncode, done.stderr) == (0, "")
    for sides in json.loads(out.read_text(encoding="utf-8"))["races"].values():
        assert set(sides) == {"ffnn", "sklearn"}
        assert all(len(races) == 1 for races in sides.values())


def test_a_race_that_is_not_won_has_no_result():
    pytest.importorskip("sklearn")
    done = run("bench_accuracy", "--quick", "--target", 1.0, "--epochs", 1)

    assert done.returncode == 1
    assert "did not reach a test accuracy of 1.0 in 1 epochs" in done.stderr


def test_testing_is_not_on_the_clock(accuracy, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(accuracy.time, "perf_counter", lambda: now[0])

    def test():
        now[0] += 100.0
        return 0.5

    race = accuracy.Race(test, target=0.9)
    for _ in range(2):
        race.begin_epoch()
        now[0] += 3.0
        assert not race.end_epoch()

    assert race.seconds == [3.0, 3.0]


def test_an_accuracy_that_is_not_a_number_is_not_the_target(accuracy):
    with pytest.raises(accuracy.BenchmarkError, match="matched: ffnn did not reach"):
        accuracy.check_reached("matched", "ffnn", [float("nan")], 0.5)


def test_a_missing_scikit_learn_is_named(accuracy, monkeypatch, capsys):
    monkeypatch.setattr(accuracy.importlib.util, "find_spec", lambda name: None)

    assert accuracy.main(["--quick"]) == 1
    assert "scikit-learn is not installed" in capsys.readouterr().err


def test_a_missing_mnist_is_named(accuracy, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(accuracy.importlib.util, "find_spec", lambda name: object())

    assert accuracy.main([]) == 1
    assert f"MNIST is not in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--target", 0), ("--target", 1.1), ("--seeds", 0)])
def test_a_wrong_number_is_refused(wrong):
    done = run("bench_accuracy", *wrong)

    assert done.returncode == 2
    assert "expected a target above 0" in done.stderr


# -- reading tables ----------------------------------------------------------------------------


def test_all_sides_read_a_small_file():
    done = run("bench_read_table", "--rows", 200, "--columns", 3, "--repeats", 1)

    assert (done.returncode, done.stderr) == (0, "")
    assert "200 rows of 3" in done.stdout
    assert "ffnn, the core alone" in done.stdout


# -- a single row of a table -------------------------------------------------------------------


def test_a_row_is_timed_of_a_generated_table_and_of_a_file(tmp_path):
    pytest.importorskip("sklearn")
    done = run("bench_one_row", "--calls", 20)
    assert (done.returncode, done.stderr) == (0, "")
    assert "8 columns" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        *("encoder", "network", "both", "estimator")
    ]
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * i % 7}.5\n" for i in range(40)))
    assert "1 column" in run("bench_one_row", path, "--target", "y", "--calls", 20).stdout


def test_a_large_table_is_learned():
    pytest.importorskip("sklearn")
    done = run("bench_large_table", "--rows", 40, "--task", "classification")
    assert (done.returncode, done.stderr) == (0, "")
    assert "40 rows of 30 columns" in done.stdout
    assert "s of the processor" in done.stdout
    assert "of at most" in done.stdout
