"""What a file calls its parts may be long or no text at all; what `load` is given may be wrong."""

import numpy as np
import pytest

import ffnn
from ffnn import ModelFileError, saving
from ffnn.layers import Dense

LONG = "x" * 2_000_000


@pytest.fixture
def path(tmp_path):
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=2, seed=0)
    model.compile("sgd", "cce")
    model.class_labels = [3, 5]
    model.fit(np.eye(2), [0, 1], verbose=0)
    model.save(tmp_path / "m.h5")
    return tmp_path / "m.h5"


def rename_key(config):
    part = config["layers"][0]
    part["config"] = {**part["config"], LONG: 1}


FORGERIES = {
    "kind": lambda config: config["layers"][0].update(kind=LONG),
    "name": lambda config: config["layers"][0].update(name=LONG),
    "config-key": rename_key,
    "value": lambda config: config["layers"][0]["config"].update(units=LONG),
    "loss": lambda config: config["compile"]["loss"].update(name=LONG),
    "labels-dtype": lambda config: config["class_labels"].update(dtype=LONG),
    "key": lambda config: config.update({LONG: 1}),
    "dtype": lambda config: config.update(dtype=LONG),
    "history": lambda config: config["history"].update(names=[LONG, LONG]),
    "epoch": lambda config: config["history"].update(epoch=[LONG]),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_message_quotes_no_more_of_a_file_than_can_be_read(forge, path):
    config, arrays = saving.decode(path.read_bytes())
    forge(config)
    path.write_bytes(saving.encode(config, arrays))

    with pytest.raises(ModelFileError) as caught:
        ffnn.load_model(path)

    assert len(str(caught.value)) < 5000


@pytest.mark.parametrize("error", [ModelFileError, ffnn.DataError])
def test_an_error_that_quotes_a_file_keeps_its_beginning_and_its_end(error):
    text = str(error(f"where: {LONG}; what to do"))

    assert text.startswith("where: xxx")
    assert text.endswith("xxx; what to do")
    assert len(text) < 5000


@pytest.mark.parametrize(
    "custom", [{1: 2}, {"X": 3}, {"X": "Dense"}, {"X": Dense(2)}, {1: Dense}, {None: None}, [Dense]]
)
def test_custom_objects_are_classes_by_name(custom, path):
    with pytest.raises(
        TypeError, match="custom_objects must be a dict, name to class or function, got "
    ):
        ffnn.load_model(path, custom_objects=custom)


@pytest.mark.parametrize("training", ["no", 0, 1, None, "False"])
def test_forward_trains_only_if_told_so(training):
    model = ffnn.Sequential([Dense(2)], input_dim=2, seed=0)

    with pytest.raises(TypeError, match="forward: training must be True or False"):
        model.forward(np.eye(2), training=training)


@pytest.mark.parametrize("name", ["\ud800.h5", "a/\udfff"])
def test_a_path_that_no_file_can_have_is_refused(name, path):
    model = ffnn.load_model(path)

    with pytest.raises(ValueError, match="save: path must be the path of a file"):
        model.save(name)
    with pytest.raises(ValueError, match="load: path must be a path"):
        ffnn.load_model(name)
