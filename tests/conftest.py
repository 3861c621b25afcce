"""What several test files share."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent.parent / "scripts" / "soak.py"


@pytest.fixture
def sigint():
    """Skip a test that sends SIGINT where that is ignored, as in the background of a shell."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("SIGINT is ignored")


@pytest.fixture
def soak(tmp_path):
    """Return a function that runs a trial of ``scripts/soak.py`` at its small count.

    It runs in a process of its own, as trials fork, limit their memory and are killed.
    """
    if sys.platform != "linux":
        pytest.skip("trials need Linux")

    def run(trial):
        command = [sys.executable, str(SOAK), trial, "--quick", "--seed", "0", "--json"]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / "found")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)[0]

    return run
