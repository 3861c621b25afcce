"""A training keeps its place whatever ends it, and a forged place is refused before any work."""

import copy
import signal

import numpy as np
import pytest

import ffnn
from ffnn import saving
from ffnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    Recorder,
    ReduceLROnPlateau,
)
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.metrics import METRICS, TopKAccuracy

RNG = np.random.default_rng(5)
X = RNG.standard_normal((70, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 70)
needs_sigint = pytest.mark.usefixtures("sigint")


def make():
    layers = [Dense(6, "relu"), BatchNorm(), Dropout(0.2), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=1)
    model.compile("adam", "cce", ["accuracy", "f1"])
    return model


def fit(model, epochs, *callbacks, **options):
    options = {"batch_size": 16, "validation_split": 0.2, "verbose": 0} | options
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **options)


def content(model):
    config, arrays = model.capture()
    return repr(config), {name: array.tobytes() for name, array in arrays.items()}


def assert_same(model, other):
    one, two = content(model), content(other)
    assert one[1] == two[1]
    assert one[0] == two[0]


def stopping(**options):
    return EarlyStopping(**{"monitor": "val_loss", "patience": 30} | options)


class PressCtrlC(Callback):
    """Press Ctrl-C in a hook, the n-th time it is called."""

    def __init__(self, hook=None, at=0):
        self.hook, self.left = hook, at

    def _press(self, hook):
        if hook == self.hook:
            self.left -= 1
            if self.left == -1:
                signal.raise_signal(signal.SIGINT)

    def on_train_begin(self, logs):
        self._press("on_train_begin")

    def on_epoch_begin(self, epoch, logs):
        self._press("on_epoch_begin")

    def on_train_batch_begin(self, batch, logs):
        self._press("on_train_batch_begin")

    def on_forward_end(self, outputs):
        self._press("on_forward_end")

    def on_train_batch_end(self, batch, logs):
        self._press("on_train_batch_end")

    def on_epoch_end(self, epoch, logs):
        self._press("on_epoch_end")

    def on_train_end(self, logs):
        self._press("on_train_end")


class SaveWhenInterrupted(Callback):
    saves_model = True

    def __init__(self, path):
        self.path = path

    def on_interrupt(self, number):
        self.model.save(self.path)


# -- finished trainings ------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True], ids=["plain", "best weights restored"])
@pytest.mark.parametrize("again", [0, 1, 3])
def test_a_finished_training_that_is_resumed_keeps_its_position(tmp_path, early, again):
    path = tmp_path / "only.h5"

    def callbacks():
        return [stopping(min_delta=0.05)] if early else []

    straight, first = make(), make()
    fit(straight, 9, *callbacks())
    fit(first, 4, *callbacks())
    first.save(path)
    for _ in range(again):  # nothing is left to train, and the only file is overwritten
        model = make()
        fit(model, 4, *callbacks(), resume_from=path)
        assert_same(model, first)
        model.save(path)

    last = make()
    fit(last, 9, *callbacks(), resume_from=path)

    assert last.history.epoch == list(range(9))
    assert_same(last, straight)


def test_weights_that_were_left_for_the_best_come_back(tmp_path):
    class Better(Callback):
        """Reports a loss that rises after the second epoch."""

        def on_epoch_end(self, epoch, logs):
            logs["val_loss"] = abs(epoch - 1.0)

    first, plain = make(), make()
    fit(first, 4, Better(), stopping())
    fit(plain, 2, Better())
    np.testing.assert_array_equal(first.parameters, plain.parameters)  # of the best epoch
    first.save(tmp_path / "m.h5")

    loaded = ffnn.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(loaded.parameters, plain.parameters)
    fit(loaded, 6, Better(), stopping(), resume_from=tmp_path / "m.h5")

    straight = make()
    fit(straight, 6, Better(), stopping())
    assert_same(loaded, straight)


def test_two_callbacks_that_restore_weights_leave_one_position(tmp_path):
    def callbacks():
        return [stopping(monitor="val_loss"), stopping(monitor="loss")]

    first, straight, second = make(), make(), make()
    fit(first, 3, *callbacks())
    fit(straight, 6, *callbacks())
    first.save(tmp_path / "m.h5")

    fit(second, 6, *callbacks(), resume_from=tmp_path / "m.h5")

    assert_same(second, straight)


# -- signals -----------------------------------------------------------------------------------

MOMENTS = [
    ("on_train_begin", 0),
    ("on_epoch_begin", 0),
    ("on_epoch_begin", 3),
    ("on_train_batch_begin", 0),
    ("on_train_batch_begin", 7),  # the last of an epoch
    ("on_forward_end", 5),
    ("on_train_batch_end", 0),
    ("on_train_batch_end", 6),
    ("on_train_batch_end", 7),
    ("on_epoch_end", 0),
    ("on_epoch_end", 5),
    ("on_train_end", 0),
]


@needs_sigint
@pytest.mark.parametrize(("hook", "at"), MOMENTS)
@pytest.mark.parametrize("early", [False, True], ids=["plain", "best weights restored"])
def test_ctrl_c_at_any_moment_leaves_a_file_to_resume_from(tmp_path, hook, at, early):
    path = tmp_path / "m.h5"

    def callbacks(*press):
        watching = [stopping()] if early else []
        return [*watching, PressCtrlC(*press), SaveWhenInterrupted(path)]

    straight, first, second = make(), make(), make()
    fit(straight, 6, *callbacks())
    history = fit(first, 6, *callbacks(hook, at))
    assert history.interrupted
    assert ffnn.load_model(path).position is not None

    fit(second, 6, *callbacks(), resume_from=path)

    second.history.interrupted = straight.history.interrupted
    assert_same(second, straight)
    first.save(path)  # what the user holds afterwards is resumed likewise
    third = make()
    fit(third, 6, *callbacks(), resume_from=path)
    assert_same(third, straight)


@needs_sigint
@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin"])
def test_ctrl_c_as_soon_as_a_training_is_resumed_within_an_epoch(tmp_path, at, hook):
    """Also where no batch of the interrupted epoch is left."""
    path = tmp_path / "m.h5"
    straight, first = make(), make()
    fit(straight, 3, PressCtrlC(), SaveWhenInterrupted(path))
    fit(first, 3, PressCtrlC("on_train_batch_end", at), SaveWhenInterrupted(path))
    assert first.position["batches"]["left"] == 3 - at

    for _ in range(2):
        fit(make(), 3, PressCtrlC(hook), SaveWhenInterrupted(path), resume_from=path)
    last = make()
    fit(last, 3, PressCtrlC(), SaveWhenInterrupted(path), resume_from=path)

    assert_same(last, straight)


# -- forged positions --------------------------------------------------------------------------


def callbacks(tmp_path):
    return [
        stopping(),
        ReduceLROnPlateau(patience=20),
        ModelCheckpoint(tmp_path / "best.h5", save_best_only=True),
        Recorder(),
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The config and arrays of a training that was interrupted within its third epoch."""
    folder = tmp_path_factory.mktemp("saved")

    class Stop(Callback):
        def on_interrupt(self, number):
            self.model.save(folder / "m.h5")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which may be ignored
    fit(make(), 3, *callbacks(folder), PressCtrlC("on_train_batch_end", 9), Stop())
    signal.signal(signal.SIGINT, before)
    return saving.decode((folder / "m.h5").read_bytes())


class Stop(Callback):
    """Stands for the one that saved."""


WRONG = [None, "1", [], {}, True, 0.5, float("inf"), float("nan"), 10**400, -(10**30)]
STATES = {
    "EarlyStopping": (0, ["best", "best_epoch", "stopped_epoch"]),
    "ReduceLROnPlateau": (1, ["best", "waited", "cooling"]),
    "ModelCheckpoint": (2, ["best"]),
    "Recorder": (3, ["first_epoch"]),
}
ALLOWED = {"best": (None, 0.5, -(10**30)), "stopped_epoch": (None,)}


@pytest.mark.parametrize("value", WRONG, ids=lambda v: repr(v)[:9])
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in STATES for n in STATES[k][1]])
def test_a_forged_state_of_a_callback_is_refused_before_any_work(
    saved, tmp_path, kind, name, value
):
    position = make_position(saved)
    state = position["callbacks"][STATES[kind][0]]["state"]

    state[name] = value
    is_allowed = value in ALLOWED.get(name, ())
    assert resume(saved, position, tmp_path) == ("resumed" if is_allowed else "refused")
    del state[name]
    assert resume(saved, position, tmp_path) == "refused"


def make_position(saved):
    return copy.deepcopy(saved[0]["position"])


def resume(saved, position, tmp_path, arrays=None):
    """Return "resumed", or "refused" if it was by a ModelFileError that has changed nothing."""
    there = ffnn.Sequential.restore({**saved[0], "position": position}, arrays or saved[1])
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    model, used = make(), [*callbacks(folder), PressCtrlC(), Stop()]
    before, told = content(model), [dict(vars(each)) for each in used]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ffnn.models.trainable.Trainable.load", lambda path, classes: there)
        try:
            fit(model, 3, *used, resume_from="m.h5")
        except ffnn.ModelFileError:
            outcome = "refused"
        else:
            return "resumed"
    assert content(model) == before
    for each, attributes in zip(used, told, strict=True):
        own = {name: v for name, v in vars(each).items() if name not in ("model", "params")}
        assert own == attributes
    assert list(folder.iterdir()) == []
    return outcome


@pytest.mark.parametrize(
    "forge",
    [
        lambda a: np.full_like(a, np.nan),
        lambda a: np.full_like(a, np.inf),
        lambda a: a.astype(np.int64),
        lambda a: a.astype(np.float64),
        lambda a: a[..., None],
        lambda a: np.concatenate([a, a]),
        lambda a: np.zeros(0, np.float32),
    ],
)
@pytest.mark.parametrize("index", [0, 3, 5])
def test_best_weights_that_are_none_are_refused(saved, tmp_path, forge, index):
    name = f"callbacks/0/weights/{index}"
    arrays = {**saved[1], name: forge(saved[1][name])}

    assert resume(saved, make_position(saved), tmp_path, arrays) == "refused"


def test_a_negative_variance_among_the_best_weights_is_refused(saved, tmp_path):
    name = "callbacks/0/weights/5"  # weight, bias, gamma, beta, moving_mean, moving_variance
    arrays = {**saved[1], name: -saved[1][name]}

    assert resume(saved, make_position(saved), tmp_path, arrays) == "refused"
    assert resume(saved, make_position(saved), tmp_path) == "resumed"


@pytest.mark.parametrize("name", ["0", "3", "5"])
@pytest.mark.parametrize("forge", ["nan", "dtype", "shape", "few"])
def test_weights_of_the_training_that_are_none_are_refused(saved, tmp_path, name, forge):
    weights = {f"position/{i}": a for i, a in enumerate(make().get_weights())}
    whole = {**saved[1], **weights}
    assert resume(saved, make_position(saved), tmp_path, whole) == "resumed"
    array = weights[f"position/{name}"]
    forged = {
        "nan": np.full_like(array, np.nan),
        "dtype": array.astype(np.int32),
        "shape": array[None],
        "few": array,
    }[forge]
    arrays = {**whole, f"position/{name}": forged}
    if forge == "few":
        del arrays["position/7"]

    assert resume(saved, make_position(saved), tmp_path, arrays) == "refused"


FORGED = {
    "epoch": {"epoch": -1},
    "no rows": {"sums": {"total": 1.0, "rows": 0, "batches": 2}},
    "too many rows": {"sums": {"total": 1.0, "rows": 99, "batches": 2}},
    "other batches": {"sums": {"total": 1.0, "rows": 48, "batches": 3}},
    "NaN": {"sums": {"total": float("nan"), "rows": 32, "batches": 2}},
    "no metrics": {"metrics": []},
    "a metric less": {"metrics": [{"_right": 1, "_rows": 32}]},
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_place_is_refused_before_any_work(saved, tmp_path, forgery):
    position = make_position(saved) | FORGED[forgery]

    assert resume(saved, position, tmp_path) == "refused"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The config and arrays of a training of two epochs, with callbacks of the library only."""
    path = tmp_path_factory.mktemp("finished") / "m.h5"
    model = make()
    fit(model, 2, Recorder(snapshots=1))
    model.save(path)
    return saving.decode(path.read_bytes())


def numbers(*values):
    return np.array(values, np.int64)


# What is forged: places in the config and in the arrays, with what they then hold.
CONTRADICTIONS = {
    "position at the beginning": ({"position/epoch": 0}, {}),
    "position an epoch behind": ({"position/epoch": 1}, {}),
    "position an epoch ahead": ({"position/epoch": 3}, {}),
    "history of later epochs": ({"history/epoch": [5, 6]}, {}),
    "history with a gap": ({"history/epoch": [0, 2], "position/epoch": 3}, {}),
    "history of more numbers": (
        {"history/names": ["loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1", "x"]},
        {"history/6": np.zeros(2)},
    ),
    "recording beyond the history": ({}, {"recording/epochs": numbers(7, 9)}),
    "recording after the history": ({}, {"recording/epochs": numbers(2, 3)}),
    "recording before its first epoch": ({"position/callbacks/0/state/first_epoch": 1}, {}),
    "snapshots beyond": ({}, {"recording/snapshots/epochs": numbers(0, 7)}),
    "snapshots of other epochs": ({}, {"recording/snapshots/epochs": numbers(1, 2)}),
}


@pytest.mark.parametrize("forgery", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_refused_before_any_work(finished, tmp_path, forgery):
    config, arrays = copy.deepcopy(finished)
    path, log, best = (tmp_path / name for name in ("m.h5", "log.csv", "best.h5"))
    places, forged = CONTRADICTIONS[forgery]
    for place, value in places.items():
        *inner, last = place.split("/")
        target = config
        for name in inner:
            target = target[int(name) if name.isdigit() else name]
        target[last] = value
    path.write_bytes(saving.encode(config, {**arrays, **forged}))
    model = make()
    before = content(model)

    with pytest.raises(ffnn.ModelFileError):
        fit(model, 4, Recorder(snapshots=1), resume_from=path)
    assert content(model) == before

    # Files that callbacks write stay as they are, too.
    config["position"]["callbacks"] += [
        {"kind": "CSVLogger", "state": {}},
        {"kind": "ModelCheckpoint", "state": {"best": None}},
    ]
    config["position"]["training"] = None
    path.write_bytes(saving.encode(config, {**arrays, **forged}))
    log.write_text("as it was")
    used = [Recorder(snapshots=1), CSVLogger(log), ModelCheckpoint(best)]
    with pytest.raises(ffnn.ModelFileError):
        fit(model, 4, *used, resume_from=path)
    assert content(model) == before
    assert log.read_text() == "as it was"
    assert not best.exists()


def test_numbers_that_a_callback_adds_are_no_contradiction(tmp_path):
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.history.history.setdefault("rate", []).append(0.5)

    first = make()
    fit(first, 2, Adds())
    first.save(tmp_path / "m.h5")

    history = fit(make(), 3, Adds(), resume_from=tmp_path / "m.h5")

    assert history.history["rate"] == [0.5] * 3


@pytest.mark.parametrize("metric", [0, 1])
@pytest.mark.parametrize("value", [None, "1", {}, [], [[1.0]], [1.0, 2.0], 0.5, 10**30], ids=repr)
def test_a_forged_state_of_a_metric_never_ends_in_a_raw_error(saved, tmp_path, metric, value):
    position = make_position(saved)
    for name in list(position["metrics"][metric]):
        forged = make_position(saved)
        forged["metrics"][metric][name] = value
        assert resume(saved, forged, tmp_path) in ("refused", "resumed")
        del forged["metrics"][metric][name]
        assert resume(saved, forged, tmp_path) == "refused"


def test_a_metric_that_has_seen_no_row_is_resumed(saved, tmp_path):
    # Batches of rows of weight 0 leave a metric as it was.
    position = make_position(saved)
    position["metrics"][0] |= {"_right": 0, "_rows": 0}

    assert resume(saved, position, tmp_path) == "resumed"


@needs_sigint
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [cls().name for cls in METRICS if not cls.is_table])
def test_every_metric_is_resumed_within_an_epoch(tmp_path, name, weighted):
    path = tmp_path / "m.h5"
    metric = TopKAccuracy() if name.startswith("top") else name

    def make():
        model = ffnn.Sequential([Dense(3), Dense(7, "softmax")], input_dim=4, seed=1)
        model.compile("adam", "cce", *([], [metric]) if weighted else ([metric],))
        return model

    def fit(model, *press, **options):
        y = np.eye(7)[np.arange(len(X)) % 7]
        callbacks = [PressCtrlC(*press), SaveWhenInterrupted(path)]
        weight = np.where(X[:, 0] > 0, 0.5, 2.0) if weighted else None
        model.fit(X, y, 16, 2, verbose=0, callbacks=callbacks, sample_weight=weight, **options)
        return model

    straight = fit(make())
    fit(make(), "on_train_batch_end", 1)

    assert_same(fit(make(), resume_from=path), straight)
