"""The benchmark of learning rates: that it runs and prints a table."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bench_learning_rate.py"


def test_it_prints_the_table():
    command = [sys.executable, str(SCRIPT), "--only", "iris", "--splits", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    header, rule, *lines = done.stdout.splitlines()
    assert header.startswith("| data | epochs | optimizer | default rate | suggested |")
    assert rule == "|---|---|---|---|---|---|---|"
    assert [line.split(" | ")[:4] for line in lines] == [
        ["| iris", "100", "sgd", "0.01"],
        ["| iris", "100", "adam", "0.001"],
    ]
