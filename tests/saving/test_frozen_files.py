"""Frozen layers in files, in trainings that are resumed, and in what is told of a network."""

import copy
import io
import pickle

import numpy as np
import pytest

import ffnn
from ffnn import ModelFileError, Sequential, load_model, saving
from ffnn.callbacks import Callback, ModelCheckpoint, Recorder
from ffnn.layers import Average, BatchNorm, Dense, Dropout

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5)).astype(np.float32)
Y = rng.integers(3, size=60)


def make(frozen=(0, 1), seed=0):
    model = Sequential(
        [Dense(8, "relu", weight_regularizer="l2"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")],
        input_dim=5,
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    for index in frozen:
        model.layers[index].trainable = False
    return model


def flags(model):
    return [layer.trainable for layer in model.layers]


@pytest.mark.parametrize("way", ["file", "pickle", "deepcopy"])
def test_frozen_layers_come_back_frozen_and_train_on_alike(way):
    model = make()
    model.fit(X, Y, epochs=2, verbose=0)
    if way == "file":
        content = io.BytesIO()
        model.save(content)
        content.seek(0)
        other = load_model(content)
    else:
        other = pickle.loads(pickle.dumps(model)) if way == "pickle" else copy.deepcopy(model)
    assert flags(other) == flags(model) == [False, False, True, True]
    for each in (model, other):
        each.fit(X, Y, epochs=2, verbose=0)
    assert np.array_equal(model.parameters, other.parameters)
    for layer in (*model.layers, *other.layers):
        layer.trainable = True
    for each in (model, other):  # with the memory of what was frozen
        each.fit(X, Y, epochs=1, verbose=0)
    assert np.array_equal(model.parameters, other.parameters)


def test_members_of_an_average_come_back_as_they_were(tmp_path):
    model = Sequential([Average([[Dense(4), Dense(2)], [Dense(2)]])], input_dim=5, seed=0)
    layers = dict(model.layers[0].named_layers())
    layers["member_1.dense_1"].trainable = False
    model.save(tmp_path / "m.h5")
    found = dict(load_model(tmp_path / "m.h5").layers[0].named_layers())
    assert [layer.trainable for layer in found.values()] == [False, True, True]


def layers_in(path):
    return saving.decode(path.read_bytes())[0]["layers"]


def test_a_file_says_it_of_frozen_layers_alone(tmp_path):
    make().save(tmp_path / "m.h5")
    layers = layers_in(tmp_path / "m.h5")
    assert [layer.get("trainable") for layer in layers] == [False, False, None, None]


@pytest.mark.parametrize("value", [0, "no", None, [False]], ids=repr)
def test_what_is_no_bool_is_refused(tmp_path, value):
    make().save(tmp_path / "m.h5")
    change(tmp_path / "m.h5", lambda layers: layers[0].update(trainable=value))
    with pytest.raises(ModelFileError, match="/config/layers/0/trainable: expected bool"):
        load_model(tmp_path / "m.h5")


def test_other_parts_have_no_such_key(tmp_path):
    make().save(tmp_path / "m.h5")
    change(
        tmp_path / "m.h5",
        lambda layers: layers[0]["config"]["weight_regularizer"].update(trainable=False),
    )
    with pytest.raises(ModelFileError, match="L2 is described by nothing like 'trainable'"):
        load_model(tmp_path / "m.h5")


def change(path, edit):
    config, arrays = saving.decode(path.read_bytes())
    edit(config["layers"])
    path.write_bytes(saving.encode(config, arrays))


# -- resumed trainings -----------------------------------------------------------------------------


class Thaw(Callback):
    """Trains the first layer from the third epoch on."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.layers[0].trainable = True


def train(model, path=None, epochs=5, callbacks=(), resume_from=None):
    saved = [] if path is None else [ModelCheckpoint(path)]
    model.fit(X, Y, 20, epochs, verbose=0, callbacks=[*callbacks, *saved], resume_from=resume_from)
    return model.parameters.copy()


@pytest.mark.parametrize("stop", [1, 3])
def test_a_training_that_thaws_a_layer_is_resumed_as_if_it_had_never_stopped(tmp_path, stop):
    whole = train(make(), tmp_path / "whole.h5", callbacks=[Thaw()])
    train(make(), tmp_path / "m.h5", stop, [Thaw()])

    model = make()
    resumed = train(model, tmp_path / "m.h5", 5, [Thaw()], tmp_path / "m.h5")
    assert np.array_equal(resumed, whole)
    assert flags(model) == [True, False, True, True]
    again = make(frozen=[1]) if stop == 3 else make()  # as it was at the file's moment
    assert np.array_equal(train(again, tmp_path / "m.h5", 5, [Thaw()], tmp_path / "m.h5"), whole)


@pytest.mark.parametrize("frozen", [[], [0], [0, 1, 3], [3]], ids=str)
def test_another_choice_of_frozen_layers_is_another_training(tmp_path, frozen):
    train(make(), tmp_path / "m.h5", 2)
    model = make(frozen)
    before, were = model.parameters.copy(), flags(model)
    with pytest.raises(ValueError, match=r"began with these parameters frozen: \['dense_1.weight'"):
        train(model, epochs=3, resume_from=tmp_path / "m.h5")
    assert np.array_equal(model.parameters, before)
    assert flags(model) == were


def test_a_layer_that_is_frozen_after_a_training_ends_its_position(tmp_path):
    model = make(frozen=[])
    train(model, epochs=2)
    assert model.position is not None
    model.layers[0].trainable = False
    assert model.position is None
    model.layers[0].trainable = True
    assert model.position is not None


def test_a_refused_training_leaves_the_layers_as_they_were(tmp_path):
    class Failing(Callback):
        def set_state(self, state):
            raise RuntimeError("no")

    train(make(), tmp_path / "m.h5", 3, [Thaw()])
    model = make()
    with pytest.raises(ValueError, match="callbacks"):
        train(model, epochs=5, callbacks=[Failing()], resume_from=tmp_path / "m.h5")
    assert flags(model) == [False, False, True, True]


# -- what is told --------------------------------------------------------------------------------


def test_summary_and_repr_tell_what_is_frozen(capsys):
    model = make()
    model.summary()
    text = capsys.readouterr().out
    assert "dense_1         frozen Dense(8, activation=ReLU()" in text
    assert "5 inputs, 27 trainable and 64 frozen parameters (float32, 0.4 KiB)" in text
    assert max(map(len, text.splitlines())) <= 80
    assert repr(model).startswith("Sequential([frozen Dense(8, ")
    assert "27 trainable and 64 frozen parameters" in model._repr_html_()
    assert model.count_params() == 27 + 64
    model.layers[0].trainable = model.layers[1].trainable = True
    model.summary()
    assert "5 inputs, 91 trainable parameters (float32" in capsys.readouterr().out


def test_an_explanation_says_it_and_shows_no_update():
    model = make()
    explained = model.explain_step(X[:4], Y[:4])
    text = explained.to_text()
    assert "Frozen, and left as they are: dense_1, batch_norm_1." in " ".join(text.split())
    assert "dense_2: adam of weight" in text
    assert "dense_1: adam of weight" not in text
    assert text.count("∂L/∂W = δᵀ x") == 2  # gradients of all are shown
    assert "x̂ = (x - M) / σ" in text
    assert "M ← ρ M" not in text


def test_a_recording_has_no_updates_of_frozen_layers():
    model = make()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Recorder()])
    for name in ("weight", "bias"):
        assert not np.any(model.recording.series("updates", "dense_1", name, "norm"))
        assert np.all(model.recording.series("updates", "dense_2", name, "norm"))


def test_the_gradient_check_looks_at_frozen_parameters_too():
    report = ffnn.gradient_check(make(), X[:6], Y[:6])
    assert report.max_error < 1e-6
    assert "dense_1" in str(report)
