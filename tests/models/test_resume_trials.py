"""Resuming is tried by ``scripts/soak.py``: forged places, changed trainings, signals."""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the trials fork")


def test_forged_places_are_refused_without_a_change_or_resumed(soak):
    result = soak("forgeries")

    assert result["failures"] == []
    assert result["notes"]["refused"] > 100
    assert result["notes"]["resumed"] > 10
    assert result["control"] > 0  # a callback that takes over any state comes to harm


def test_changed_trainings_are_refused_and_the_same_ones_resumed(soak):
    result = soak("changes")

    assert result["failures"] == []
    assert result["notes"].pop("resumed without the change") == result["cases"]
    assert set(result["notes"].values()) == {2}  # of each kind
    assert result["control"] > 5  # just loaded, the model is trained on other data


def test_trainings_of_the_command_line_are_resumed_after_signals(soak):
    result = soak("interruptions")

    assert result["failures"] == []
    assert result["notes"]["left a file to resume from"] > 5
    assert result["control"] > 0  # just loaded and trained on, they end otherwise
