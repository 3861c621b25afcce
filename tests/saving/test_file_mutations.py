"""Files with random damage are refused, or are still the same model."""

import pytest

pytest.importorskip("h5py")


def test_damaged_files_are_refused_and_nothing_else_happens(soak):
    result = soak("mutations")

    assert result["failures"] == []
    assert result["cases"] == 10_000  # half of them with a right checksum all the same
    assert result["notes"]["refused"] > 5_000
    assert result["control"] > 0  # without the checksum some are loaded as other models
