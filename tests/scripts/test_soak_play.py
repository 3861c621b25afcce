"""The page of ``ffnn play`` is used at random for some seconds, and nothing goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "soak_play.py"


@pytest.mark.usefixtures("browser")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_random_use_leaves_no_error_and_no_thread():
    pytest.importorskip("bokeh", reason="needs Bokeh: pip install 'ffnn[html]'")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--minutes", "0.2"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)

    assert found["problems"] == []
    assert found["actions"] >= 1
    assert done.returncode == 0
