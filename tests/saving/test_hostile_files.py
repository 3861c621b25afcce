"""Files that are made to do harm are refused, by file and place, and do nothing."""

import sys

import numpy as np
import pytest

import ffnn

pytest.importorskip("h5py")
if sys.platform != "linux":
    pytest.skip("files are made by means of Linux", allow_module_level=True)

from trials import hostile
from trials.hostile.making import KINDS, model_bytes


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_is_refused_by_file_and_place(tmp_path, kind):
    make, message = KINDS[kind]
    path = tmp_path / "model.h5"
    make(path)

    with pytest.raises(ffnn.ModelFileError) as caught:
        ffnn.load_model(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert message
    assert message in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_no_hostile_file_takes_memory_or_time_or_opens_another_file(soak):
    result = soak("hostile")

    assert result["failures"] == []
    assert result["cases"] == len(KINDS) >= 40


@pytest.mark.parametrize("kind", hostile.LEADING_OUTSIDE)
def test_a_naive_reader_is_led_to_another_file(tmp_path, kind):
    # Otherwise the tests above show nothing.
    assert kind in KINDS
    assert hostile.reads_canary(tmp_path / "naive", kind)


def test_the_file_that_all_are_made_from_is_loaded(tmp_path):
    (tmp_path / "model.h5").write_bytes(model_bytes())

    model = ffnn.load_model(tmp_path / "model.h5")

    assert np.isfinite(model.predict(np.zeros((1, 3)))).all()
