"""What tests of compiled loops share."""

import pytest

from ffnn.kernels.chains.runs import Runs
from ffnn.training import ahead


@pytest.fixture
def made(monkeypatch):
    """Return a list of how many steps each call makes, however slow the machine is."""
    monkeypatch.setattr(ahead, "SECONDS", 1e9)
    counts, run = [], Runs.run

    def counted(self, order, total):
        done, total = run(self, order, total)
        counts.append(done)
        return done, total

    monkeypatch.setattr(Runs, "run", counted)
    return counts
