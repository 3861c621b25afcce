"""Model files whose position and callback states were changed by a stranger, to be resumed from.

Each is refused, and then nothing has changed, or is resumed like any other.
"""

from __future__ import annotations

import copy
import functools
import json
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn import saving
from ffnn.callbacks import Callback, EarlyStopping
from ffnn.saving import hdf5, header
from trials.common import Result, content_of, in_children, rng_of
from trials.trainings import Saver, Training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Config = dict[str, Any]
    Arrays = dict[str, Any]

NUM_ORIGINALS = 12
EPOCHS = 5
TELLING: list[Any] = [
    *[None, True, False, 0, 1, 2, 3, 7, -1, 1 << 31, 1 << 63, -(1 << 63), 10**30],
    *[0.0, 0.5, -1.0, 1e308, -1e308, 5e-324, "", "0", "val_loss", "EarlyStopping"],
    *[[], [0], [[]], {}, {"best": 1.0}, {"kind": "Recorder", "state": {}}],
]


class Original:
    """A training, and the file that was saved during it."""

    def __init__(self, seed: int, number: int) -> None:
        rng = rng_of(seed, 1, number)
        self.training = Training.draw(rng)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "original.h5")
            batch = int(rng.integers(2)) if number % 2 else None
            self.training.save(path, int(rng.integers(1, 4)), batch)
            config, arrays = saving.decode(path.read_bytes())
        self.config = config
        self.arrays = {name: array.copy() for name, array in arrays.items()}


@functools.cache
def originals(seed: int) -> list[Original]:
    """Return some trainings with their files."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which may have been ignored
    return [Original(seed, number) for number in range(NUM_ORIGINALS)]


def forged(seed: int, case: int) -> tuple[Training, bytes]:
    """Return a training, and its file with a changed position."""
    rng = rng_of(seed, 2, case)
    original = originals(seed)[rng.integers(NUM_ORIGINALS)]
    config, arrays = copy.deepcopy(original.config), dict(original.arrays)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        states = [name for name in arrays if name.startswith("callbacks/")]
        if states and rng.integers(3) == 0:
            name = states[rng.integers(len(states))]
            _change_array(rng, arrays, name)
        else:
            _change_config(rng, config)
    document = {
        "format": header.FORMAT,
        "format_version": header.FORMAT_VERSION,
        "library_version": ffnn.__version__,
        "model": config,
    }
    return original.training, header.seal(hdf5.build(json.dumps(document).encode(), arrays))


def _change_config(rng: np.random.Generator, config: Config) -> None:
    """Change one entry of the position."""
    places = list(_places(config["position"]))
    if not places:
        config["position"] = copy.deepcopy(TELLING[rng.integers(len(TELLING))])
        return
    holder, key = places[rng.integers(len(places))]
    other_holder, other_key = places[rng.integers(len(places))]
    change = rng.integers(8)
    if change < 4:
        holder[key] = copy.deepcopy(TELLING[rng.integers(len(TELLING))])
    elif change == 4:
        del holder[key]
    elif change == 5:
        holder[key] = copy.deepcopy(other_holder[other_key])
    elif change == 6 and isinstance(holder[key], (int, float)):
        holder[key] += int(rng.integers(-2, 3))
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}x"] = holder.pop(key)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what holds each entry at any depth, and its key there."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _change_array(rng: np.random.Generator, arrays: Arrays, name: str) -> None:
    array = arrays[name]
    places = np.zeros(array.shape, bool)
    if places.size:
        places.flat[rng.integers(places.size)] = True
    changes: list[Callable[[], Any]] = [
        lambda: np.where(places, np.nan, array).astype(array.dtype),
        lambda: np.where(places, -np.inf, array).astype(array.dtype),
        lambda: np.where(places, -1.0, array).astype(array.dtype),
        lambda: np.full_like(array, np.finfo(array.dtype).max if array.dtype.kind == "f" else -9),
        lambda: array.astype(rng.choice(["f4", "f8", "i8"])),
        lambda: array[..., None],
        lambda: array.ravel()[:-1],
        lambda: np.zeros(0, array.dtype),
    ]
    with np.errstate(all="ignore"):
        kind = rng.integers(len(changes) + 2)
        if kind == len(changes):
            del arrays[name]
        elif kind > len(changes):
            place, _, last = name.rpartition("/")
            arrays[f"{place}/{int(last) + 1}" if last.isdigit() else f"{name}x"] = array
        else:
            arrays[name] = np.ascontiguousarray(changes[kind]())


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Resume from forged files; a refusal changes nothing, and what is resumed ends well."""
    result = Result()
    originals(seed)

    def work(case: int) -> str:
        training, image = forged(seed, case)
        (folder / "forged.h5").write_bytes(image)
        return attempt(training, training.make_callbacks(folder), folder / "forged.h5")

    for case, outcome in in_children(work, cases):
        if outcome in ("refused", "resumed"):
            result.count(outcome)
        else:
            result.fail(case, str(outcome), forged(seed, case)[1])
        result.cases += 1
        advance(1)
    result.control = sum(_naive(seed, case, folder) for case in range(200))
    return result


def attempt(training: Training, callbacks: list[Callback], path: Path) -> str:
    """Resume a training from a file, and return "refused", "resumed", or what went wrong."""
    model = training.make_model()
    before = content_of(model), _settings(callbacks)
    try:
        training.fit(model, [*callbacks, Saver()], EPOCHS, resume_from=path)
    except (ffnn.ModelFileError, ValueError) as error:
        after = content_of(model), _settings(callbacks)
        return "refused" if after == before else f"refused and changed: {error}"
    except Exception as error:
        return f"raw {error!r}"
    finite = np.isfinite(model.parameters).all()
    return "resumed" if finite else "resumed with weights that are not finite"


def _settings(callbacks: list[Callback]) -> list[Mapping[str, str]]:
    """Return what callbacks hold, except what every `fit` tells them."""
    told = ("model", "params")
    return [
        {name: repr(value) for name, value in vars(each).items() if name not in told}
        for each in callbacks
    ]


class _Naive(EarlyStopping):
    """An `EarlyStopping` that takes over any state."""

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Check nothing."""

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take over all that there is."""
        vars(self).update(state)
        count = sum(name.startswith("weights/") for name in state)
        self._best_weights = [state[f"weights/{index}"] for index in range(count)] or None


_Naive.__name__ = "EarlyStopping"  # under which its state is in the files


def _naive(seed: int, case: int, folder: Path) -> bool:
    """Tell whether a forged file does harm to a callback that takes over any state."""
    training, image = forged(seed, case)
    (folder / "forged.h5").write_bytes(image)
    callbacks = [
        _Naive(**training.callbacks["stopping"]) if isinstance(each, EarlyStopping) else each
        for each in training.make_callbacks(folder)
    ]
    outcome = attempt(training, callbacks, folder / "forged.h5")
    return outcome not in ("refused", "resumed")
