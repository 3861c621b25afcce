"""A `Recording` as plain data: reading, keeping, comparing."""

import copy
import json
import pickle

import numpy as np
import pytest

import ffnn
from ffnn.callbacks import Recorder
from ffnn.callbacks.recording import COUNTS, GRIDS, Recording
from ffnn.callbacks.snapshot import Snapshot
from ffnn.layers import BatchNorm, Dense, Dropout

NAMES = [("dense_1", "weight"), ("dense_1", "bias"), ("dense_2", "weight")]
LAYERS = ["dense_1", "dropout_1", "dense_2"]


def numbers(epoch, rows, columns, kind):
    return 1000.0 * kind + 100.0 * epoch + np.arange(rows * columns).reshape(rows, columns)


def made_up(epochs=2, bins=None):
    """Return a recording in which each number tells where it stands."""
    recording = Recording(NAMES, LAYERS, bins)
    for epoch in range(epochs):
        tables = {
            "weights": numbers(epoch, 3, 4, 1),
            "gradients": numbers(epoch, 3, 4, 2),
            "updates": numbers(epoch, 3, 2, 3),
            "activations": numbers(epoch, 3, 4, 4),
        }
        if bins is not None:
            for kind in ("weights", "gradients", "activations"):
                tables[COUNTS.format(kind)] = np.arange(3 * bins).reshape(3, bins) + epoch
                tables[GRIDS.format(kind)] = np.array([[-1.0, 0.5], [0.0, 0.25], [np.nan, np.nan]])
        recording.append(epoch, tables)
    return recording


def trained(recorder=None, **options):
    layers = [Dense(4, "relu"), BatchNorm(), Dropout(0.5), Dense(1)]
    model = ffnn.Sequential(layers, input_dim=3, seed=0)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).standard_normal((20, 3))
    recorder = recorder or Recorder(snapshots=2, histograms=8)
    model.fit(x, x[:, 0], epochs=3, callbacks=[recorder], verbose=0, **options)
    return model


# -- reading ------------------------------------------------------------------------------------


def test_series_are_found_by_their_names():
    recording = made_up()

    assert recording.epochs == [0, 1]
    assert recording.series("weights", "dense_1", "weight", "mean").tolist() == [1000, 1100]
    assert recording.series("gradients", "dense_1", "bias", "std").tolist() == [2005, 2105]
    assert recording.series("gradients", "dense_2", "weight", "norm").tolist() == [2010, 2110]
    assert recording.series("updates", "dense_1", "bias", "ratio").tolist() == [3003, 3103]
    assert recording.series("activations", "dense_2", "output", "zero_fraction").tolist() == [
        4011,
        4111,
    ]


def test_names_are_those_of_the_parameters_or_of_the_layers():
    recording = made_up()

    for kind in ("weights", "gradients", "updates"):
        assert recording.names(kind) == NAMES
    assert recording.names("activations") == [(layer, "output") for layer in LAYERS]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("weight", "dense_1", "weight", "norm"),
            r"no kind 'weight' \(did you mean 'weights'\?\); "
            "known: weights, gradients, updates, activations",
        ),
        (
            ("weights", "dense_3", "weight", "norm"),
            "no layer with weights 'dense_3'.*known: dense_1, dense_2$",
        ),
        (("weights", "dropout_1", "weight", "norm"), "known: dense_1, dense_2$"),
        (("weights", "dense_1", "gamma", "norm"), "no array of 'dense_1' 'gamma'.*weight, bias$"),
        (("activations", "dense_1", "weight", "norm"), "known: output$"),
        (("weights", "dense_1", "bias", "var"), "no statistic of weights 'var'.*mean, std"),
        (("updates", "dense_1", "bias", "mean"), "known: norm, ratio$"),
    ],
)
def test_an_unknown_name_lists_the_valid_ones(names, message):
    with pytest.raises(ValueError, match=message):
        made_up().series(*names)


def test_series_are_copies():
    recording = made_up()
    recording.series("weights", "dense_1", "weight", "mean")[:] = 0.0

    assert recording == made_up()


def test_histograms_are_found_by_their_names():
    histogram = made_up(bins=4).histogram("gradients", "dense_1", "bias")

    assert histogram.edges.tolist() == [[0.0, 0.25, 0.5, 0.75, 1.0]] * 2
    assert histogram.counts.tolist() == [[4, 5, 6, 7], [5, 6, 7, 8]]


def test_histograms_of_nothing_have_no_edges():
    assert np.isnan(made_up(bins=4).histogram("weights", "dense_2", "weight").edges).all()


def test_histograms_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"no histograms were recorded.*histograms=64"):
        made_up().histogram("weights", "dense_1", "weight")
    with pytest.raises(ValueError, match="known: weights, gradients, activations"):
        made_up(bins=4).histogram("updates", "dense_1", "weight")


def test_without_an_epoch_there_are_no_numbers():
    recording = made_up(epochs=0, bins=4)

    assert recording.series("weights", "dense_1", "weight", "mean").shape == (0,)
    assert recording.histogram("weights", "dense_1", "weight").counts.shape == (0, 4)
    with pytest.raises(ValueError, match="no epoch was recorded"):
        recording.plot()
    with pytest.raises(ValueError, match="no epoch was recorded"):
        recording.plot_histograms("dense_1")


def test_repr_tells_what_is_there():
    assert repr(made_up()) == "<Recording of 2 epochs>"
    model = trained()
    assert repr(model.recording) == "<Recording of 3 epochs, 2 snapshots, histograms of 8 bins>"


# -- keeping ------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("bins", [None, 4])
@pytest.mark.parametrize("snapshots", [0, 2])
def test_config_and_arrays_hold_all_of_it(epochs, bins, snapshots):
    recording = made_up(epochs, bins)
    for epoch in range(snapshots):
        recording.snapshots.append(Snapshot(epoch, np.float32([1, 2]), np.float32([3, epoch])))

    config = json.loads(json.dumps(recording.get_config(), allow_nan=False))
    twin = Recording.restore(config, recording.arrays())

    assert twin == recording
    assert twin.epochs == recording.epochs
    assert [snapshot.epoch for snapshot in twin.snapshots] == list(range(snapshots))
    assert repr(twin) == repr(recording)


@pytest.mark.parametrize(
    "recorder", [Recorder(), Recorder(snapshots=1), Recorder(every=2, snapshots=2, histograms=8)]
)
def test_a_saved_model_has_its_recording(tmp_path, recorder):
    model = trained(recorder)
    path = tmp_path / "model.h5"
    model.save(path)

    loaded = ffnn.load_model(path)

    assert loaded.recording == model.recording
    assert loaded.recording.epochs == [0, 1, 2]
    for mine, theirs in zip(loaded.recording.snapshots, model.recording.snapshots, strict=True):
        assert (mine.epoch, mine.weights.dtype) == (theirs.epoch, np.float32)
        np.testing.assert_array_equal(mine.weights, theirs.weights)
        np.testing.assert_array_equal(mine.gradients, theirs.gradients)


def test_numbers_that_are_not_finite_are_kept(tmp_path):
    model = trained(batch_size=20)  # one batch, so a bias of zeros has no ratio in the first epoch
    ratio = ("updates", "dense_1", "bias", "ratio")
    assert np.isnan(model.recording.series(*ratio)[0])
    model.recording._tables["weights"][1][0, 0] = np.inf
    model.save(tmp_path / "model.h5")

    loaded = ffnn.load_model(tmp_path / "model.h5").recording

    assert loaded == model.recording
    assert np.isnan(loaded.series(*ratio)[0])
    assert loaded.series("weights", "dense_1", "weight", "mean")[1] == np.inf


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_a_model_have_copies_of_its_recording(duplicate):
    model = trained()

    twin = duplicate(model)

    assert twin.recording == model.recording
    twin.recording.snapshots[0].weights[:] = 0.0
    assert model.recording.snapshots[0].weights.any()


def test_a_model_that_was_never_recorded_is_saved_without(tmp_path):
    model = ffnn.Sequential([Dense(1)], input_dim=2)
    model.save(tmp_path / "model.h5")

    assert ffnn.load_model(tmp_path / "model.h5").recording is None


def test_a_recording_that_does_not_fit_its_names_is_refused():
    recording = made_up()
    arrays = recording.arrays()

    with pytest.raises(ValueError, match="reshape"):
        Recording.restore(recording.get_config(), arrays | {"weights": np.zeros((2, 5, 4))})
    del arrays["updates"]
    with pytest.raises(KeyError, match="updates"):
        Recording.restore(recording.get_config(), arrays)


# -- comparing ----------------------------------------------------------------------------------


def test_recordings_are_equal_if_all_is():
    recording = made_up(bins=4)

    assert recording == made_up(bins=4)
    assert recording != made_up(epochs=1, bins=4)
    assert recording != made_up(bins=8)
    assert recording != made_up()
    assert recording != "a recording"
    config = recording.get_config() | {"layers": ["dense_1", "dropout_2", "dense_2"]}
    assert recording != Recording.restore(config, recording.arrays())
    for kind in ("weights", "gradients", "updates", "activations"):
        other = made_up(bins=4)
        other._tables[kind][1][2, 1] += 1e-9
        assert recording != other
    other = made_up(bins=4)
    other.snapshots.append(Snapshot(0, np.zeros(2), np.zeros(2)))
    assert recording != other
