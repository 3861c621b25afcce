"""Several processes train one network: the same bits for any number, and all end together."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ranks_job

import ffnn
from ffnn.core import mpi

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
ROOT = Path(ffnn.__file__).parent.parent
needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="needs ffnn[mpi]: mpi4py and mpich",
)
RESUMED = {4: 2, 2: 4, 3: 6}  # number of ranks → the epoch that they train up to, in turn


def launch(ranks, *arguments, program=(ranks_job.__file__,), timeout=300, code=0):
    """Run a program on several ranks; return what it printed on both streams."""
    command = [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, (*program, *arguments))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert code in (done.returncode, None), done.stdout + done.stderr
    if code is None:
        assert done.returncode != 0
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return by number of ranks what each of them found."""
    folder = tmp_path_factory.mktemp("ranks")
    for ranks in (4, 2, 3, 8):
        launch(ranks, folder, RESUMED.get(ranks, 0))
    return {ranks: json.loads((folder / f"{ranks}.json").read_text()) for ranks in (2, 3, 4, 8)}


@pytest.fixture(scope="module")
def alone():
    """Return what one process finds, without MPI."""
    return ranks_job.trainings()


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3, 4, 8])
def test_all_trainings_are_the_same_bits_on_any_number_of_ranks(found, alone, ranks):
    assert len(found[ranks]) == ranks
    for each in found[ranks]:
        assert {name: each[name] for name in alone} == alone


@needs_mpi
def test_one_rank_is_enough(alone, tmp_path):
    code = "import json, sys, ranks_job; print(json.dumps(ranks_job.trainings(distributed=True)))"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/shared")]),
    }
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(out) == alone


@needs_mpi
def test_a_training_is_resumed_on_other_numbers_of_ranks(found, tmp_path):
    whole = ranks_job.resumed(tmp_path, 6)
    assert [each["resumed"] for each in found[3]] == [whole] * 3


@needs_mpi
def test_on_one_machine_nothing_listens_on_the_network(found):
    loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    for each in (*found[2], *found[8]):
        assert set(each["listens"]) <= loopback


@needs_mpi
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("other targets", "RanksDifferError", "rank 1 has another y than rank 0: int64 of shape"),
        (
            "other parts",
            "RanksDifferError",
            "rank 2 has another micro_batches than rank 0: 9",
        ),
        ("NaN in one rank", "RanksDifferError", "rank 2: DataError: x: got nan in row 0"),
        ("NaN in all", "DataError", "x: got nan in row 0"),
        ("too few parts", "ValueError", "3 ranks share the parts of a batch, and micro_batches=2"),
        (
            "a stream",
            "ValueError",
            "distributed=True lets each process read its own rows",
        ),
        ("other weights", "RanksDifferError", "rank 1 has another initial state"),
        ("diverged", "TrainingDivergedError", "training diverged"),
        ("a bit flips", "RankLostError", "after epoch 2 the weights of rank 2 are not those"),
    ],
)
def test_what_differs_is_told_on_all_ranks_alike(found, name, kind, message):
    raised = found[3][0]["refusals"][name]
    assert len(set(raised)) == 1
    assert raised[0].startswith(kind)
    assert message in raised[0]


@needs_mpi
@pytest.mark.parametrize(
    ("how", "which", "code", "message"),
    [
        ("SIGSTOP", 1, 75, "rank 0: rank 1 of 3 has not answered for 3 s"),
        ("SIGSTOP", 0, 75, "not answered for 3 s"),
        ("raise", 2, 1, "rank 2: LayerError: Ends 'Ends_1' failed in forward: no more"),
        ("SIGKILL", 1, None, ""),
    ],
)
def test_a_rank_that_ends_ends_all(tmp_path, how, which, code, message):
    out, err = launch(3, tmp_path, "end", how, which, code=code)
    assert message in out + err
    wait_until_gone(tmp_path)


def wait_until_gone(path):
    """Wait until no process is left that was started with a path."""
    until = time.monotonic() + 60.0
    while any(str(path) in text_of(each) for each in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < until
        time.sleep(0.05)


def text_of(path):
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""


@needs_mpi
@pytest.mark.parametrize(("which", "row"), [(0, 0), (1, 15)])
def test_a_bad_row_is_named_by_the_rank_that_reads_it(tmp_path, which, row):
    out, err = launch(2, tmp_path, "bad row", which, code=2)
    told = f"ffnn: error: rank {which}: DataError: x: got nan in row {row}, column 2."
    assert (out + err).count("ffnn: error:") == 1
    assert told in out + err
    assert "Traceback" not in out + err


@needs_mpi
def test_a_rank_that_never_starts_ends_all(tmp_path):
    out, err = launch(2, tmp_path, "begin", code=75)
    assert "ffnn: error: rank 0: not all ranks have started: waited 2 s" in out + err


@needs_mpi
def test_the_command_writes_the_file_that_one_process_writes(tmp_path):
    options = ["--epochs", 2, "--micro-batches", 4, "--dropout", 0.2, "--normalization", "batch"]
    options += ["--validation-split", 0.1, "--patience", 1, "--batch-size", 100]
    command = ["-m", "ffnn", "train", "digits"]
    out, err = launch(3, *options, "--distributed", "--out", tmp_path / "3.h5", program=command)
    launch(1, *options, "--out", tmp_path / "1.h5", program=command)
    assert (tmp_path / "3.h5").read_bytes() == (tmp_path / "1.h5").read_bytes()
    assert (out.count("test accuracy"), out.count("saved"), err.count("Epoch")) == (1, 1, 0)


@needs_mpi
@pytest.mark.skipif(sys.platform != "linux", reason="processes are watched over on Linux alone")
@pytest.mark.parametrize(
    ("which", "how", "code", "message"),
    [
        (1, "SIGKILL", 75, "rank 1 of 2 was ended by SIGKILL, as the system does where memory"),
        (0, "SIGSEGV", 75, "rank 0 of 2 was ended by SIGSEGV"),
        ("mpiexec", "SIGINT", 130, "ffnn: interrupted after"),
        ("guard of 1", "SIGTERM", 130, "ffnn: interrupted after"),
        ("guard of 1", "SIGKILL", 9, "Killed"),
    ],
)
def test_the_command_says_how_a_rank_has_ended(tmp_path, sigint, which, how, code, message):
    path = tmp_path / "m.h5"
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", "ffnn", "train", "digits", "--distributed"]
    command += ["--micro-batches", "2", "--epochs", "100000", "--save-every", "1", "--out", path]
    job = subprocess.Popen(
        [*command, "--quiet", "--timeout", "600"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while not path.exists():
            assert job.poll() is None, job.stdout.read()
            time.sleep(0.05)
        guard, worker = ranked(job.pid, 0 if which == 0 else 1)
        target = {"mpiexec": job.pid, "guard of 1": guard}.get(which, worker)
        os.kill(target, getattr(signal, how))
        out, _ = job.communicate(timeout=300)
    finally:
        job.kill()
    assert job.returncode == code, out
    assert message in out
    assert out.count("ffnn:") <= 1
    ffnn.load_model(path)
    wait_until_gone(path)


def can_isolate():
    """Tell whether a process may have a network of its own."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    command = ["unshare", "-rn", "ip", "link", "set", "lo", "up"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@needs_mpi
def test_a_job_on_one_machine_may_have_a_network_of_its_own(tmp_path):
    if not can_isolate():
        pytest.skip("needs unshare -rn and ip")
    train = f"-n 2 {sys.executable} -m ffnn train digits --distributed --micro-batches 2 --epochs 1"
    inside = f"ip link set lo up; cat /proc/net/dev; exec {MPIEXEC} {train} --quiet"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", inside],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    devices = [line.split(":")[0].strip() for line in done.stdout.splitlines() if ": " in line]
    assert devices[0] == "lo"
    assert all(name == "lo" or "test" in name for name in devices)


def ranked(job, rank):
    """Return the two processes of a rank, the one that waits and the one that works."""
    found = [job]
    for each in found:
        for table in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, table.read_text().split())
    return [
        each for each in found if f"PMI_RANK={rank}\0" in text_of(Path(f"/proc/{each}/environ"))
    ]


@needs_mpi
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "mpiexec has started 2 processes, each of which would train a network of its own"),
        (["--distributed"], "2 ranks share the parts of a batch, and micro_batches=1"),
    ],
)
def test_the_command_is_refused_by_rank_0_alone(options, message):
    command = ["-m", "ffnn", "train", "digits", "--quiet"]
    out, err = launch(2, *options, program=command, code=2)
    assert err.count("ffnn: error:") == 1
    assert message in err
    assert out == ""


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    built = ranks_job.model()
    before = built.parameters.copy()
    with pytest.raises(ImportError, match=r"mpi4py and an MPI library: pip install 'ffnn\[mpi\]'"):
        ranks_job.fit(built, distributed=True)
    assert (built.parameters == before).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({}, (1, 0)),
        ({"PMI_SIZE": "4", "PMI_RANK": "2"}, (4, 2)),
        ({"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "7"}, (8, 7)),
        ({"PMI_SIZE": "many"}, (1, 0)),
    ],
)
def test_what_mpiexec_has_started_is_known_without_mpi(monkeypatch, names, expected):
    for name in ("PMI_SIZE", "PMI_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert (mpi.launched_size(), mpi.launched_rank()) == expected


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), "long"])
def test_a_timeout_that_is_none_is_refused(timeout):
    with pytest.raises((TypeError, ValueError), match="timeout"):
        ranks_job.fit(ranks_job.model(), timeout=timeout)
