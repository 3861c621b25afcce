"""Trainings that are resumed with other data or other settings: all must be refused."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from trials.common import Result, content_of, rng_of
from trials.trainings import CLASSES, COLUMNS, Saver, Training

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Change = Callable[[Training, np.random.Generator], object]

EPOCHS = 4


# -- data --------------------------------------------------------------------------------------


def _flip_label(training: Training, rng: np.random.Generator) -> None:
    row = rng.integers(_rows_trained(training))
    training.y[row] = (training.y[row] + 1) % CLASSES


def _flip_labels(training: Training, rng: np.random.Generator) -> None:
    training.y = CLASSES - 1 - training.y


def _permute_labels(training: Training, rng: np.random.Generator) -> None:
    training.y = np.roll(training.y, 1)


def _permute_rows(training: Training, rng: np.random.Generator) -> None:
    shift = int(rng.integers(1, len(training.x)))
    training.x, training.y = np.roll(training.x, shift, axis=0), np.roll(training.y, shift)
    if "sample_weight" in training.options:
        training.options["sample_weight"] = np.roll(training.options["sample_weight"], shift)


def _swap_columns(training: Training, rng: np.random.Generator) -> None:
    training.x = training.x[:, rng.permutation(np.roll(np.arange(COLUMNS), 1))[::-1]]
    training.x[:, 0] += 1e-9  # should the permutation have been none


def _replace_rows(training: Training, rng: np.random.Generator) -> None:
    training.x = rng.standard_normal(training.x.shape)


def _scale_rows(training: Training, rng: np.random.Generator) -> None:
    training.x = training.x * rng.choice([2.0, 0.5, -1.0, 1.0 + 1e-6])


def _drop_a_row(training: Training, rng: np.random.Generator) -> None:
    training.x, training.y = training.x[1:], training.y[1:]
    if "sample_weight" in training.options:
        training.options["sample_weight"] = training.options["sample_weight"][1:]


def _repeat_a_row(training: Training, rng: np.random.Generator) -> None:
    training.x = np.vstack([training.x, training.x[:1]])
    training.y = np.append(training.y, training.y[0])
    if "sample_weight" in training.options:
        training.options["sample_weight"] = np.append(training.options["sample_weight"], 1.0)


def _rows_trained(training: Training) -> int:
    return len(training.x) * 3 // 4


# -- settings of fit ---------------------------------------------------------------------------


def _batch_size(training: Training, rng: np.random.Generator) -> None:
    training.options["batch_size"] += int(rng.choice([-1, 1, 3]))


def _shuffle(training: Training, rng: np.random.Generator) -> None:
    training.options["shuffle"] = not training.options.get("shuffle", True)


def _steps(training: Training, rng: np.random.Generator) -> None:
    training.options["steps_per_epoch"] = training.options.get("steps_per_epoch", 2) + 1


def _sample_weight(training: Training, rng: np.random.Generator) -> None:
    training.options["sample_weight"] = rng.uniform(0.5, 2.0, len(training.x))


def _class_weight(training: Training, rng: np.random.Generator) -> None:
    training.options["class_weight"] = {0: 1.0, 1: float(rng.uniform(3, 4)), 2: 1.0}


def _validation(training: Training, rng: np.random.Generator) -> None:
    training.options.pop("validation_split", None)
    held_out = rng.standard_normal((6, COLUMNS)), rng.integers(0, CLASSES, 6)
    training.options["validation_data"] = held_out


def _validation_dropped(training: Training, rng: np.random.Generator) -> None:
    training.options.pop("validation_split", None)
    training.options.pop("validation_data", None)


# -- the model, its callbacks ------------------------------------------------------------------


def _setting(name: str, *values: Any) -> Change:
    def change(training: Training, rng: np.random.Generator) -> None:
        training.model[name] = values[rng.integers(len(values))]

    return change


def _seed(training: Training, rng: np.random.Generator) -> None:
    training.model["seed"] += 1


def _schedule(training: Training, rng: np.random.Generator) -> None:
    if training.schedule is None:
        training.optimizer["beta_1"] = float(rng.uniform(0.5, 0.8))
    elif rng.integers(2):
        training.schedule["decay_steps"] = int(rng.integers(1, 39))
    else:
        training.schedule = None


def _drop_a_callback(training: Training, rng: np.random.Generator) -> None:
    names = list(training.callbacks)
    del training.callbacks[names[rng.integers(len(names))]]


def _swap_callbacks(training: Training, rng: np.random.Generator) -> None:
    (first, arguments), *others = training.callbacks.items()
    if others:
        training.callbacks = dict([*others, (first, arguments)])
    else:
        training.callbacks = {"threshold": {"threshold": 1e-7}}


_CALLBACKS: dict[str, list[dict[str, Any]]] = {
    "checkpoint": [{"monitor": "val_accuracy"}, {"save_best_only": False}, {"every": 2}],
    "plateau": [{"patience": 3}, {"factor": 0.2}, {"monitor": "loss"}, {"cooldown": 1}],
    "recorder": [{"snapshots": 1}, {"histograms": 4}, {"every": 2}],
    "stopping": [{"patience": 60}, {"monitor": "loss"}, {"min_delta": 0.1}, {"mode": "max"}],
    "threshold": [{"threshold": 1e-8}],
}


def _change_a_callback(training: Training, rng: np.random.Generator) -> None:
    names = list(training.callbacks)
    name = names[rng.integers(len(names))]
    changes = _CALLBACKS[name]
    training.callbacks[name] |= changes[rng.integers(len(changes))]


DATA: dict[str, Change] = {
    "a label": _flip_label,
    "all labels": _flip_labels,
    "permuted labels": _permute_labels,
    "permuted rows": _permute_rows,
    "columns": _swap_columns,
    "other rows": _replace_rows,
    "scaled rows": _scale_rows,
    "a row less": _drop_a_row,
    "a row more": _repeat_a_row,
}
CHANGES: dict[str, Change] = {
    **DATA,
    "batch size": _batch_size,
    "shuffle": _shuffle,
    "steps": _steps,
    "sample weight": _sample_weight,
    "class weight": _class_weight,
    "validation": _validation,
    "no validation": _validation_dropped,
    "seed": _seed,
    "schedule": _schedule,
    "units": _setting("units", 5, 7),
    "rate": _setting("rate", 0.1, 0.3),
    "loss": _setting("loss", "mse"),
    "metrics": _setting("metrics", ["accuracy"], ["f1", "accuracy"], []),
    "a callback less": _drop_a_callback,
    "order of callbacks": _swap_callbacks,
    "a callback": _change_a_callback,
}


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Resume trainings with one thing changed; the same without the change must be resumed."""
    result = Result()
    names = list(CHANGES)
    for case in cases:
        rng, path = rng_of(seed, case), folder / "training.h5"
        training = Training.draw(rng)
        training.save(path, EPOCHS - 1, 0 if rng.integers(2) else None)
        name = names[case % len(names)]
        changed = copy.deepcopy(training)
        CHANGES[name](changed, rng)
        result.count(name)
        if what := _resumed(changed, path, folder):
            result.fail(case, f"{name}: {what}", path.read_bytes())
        if what := _resumed(training, path, folder):
            result.count("resumed without the change")
        else:
            result.fail(case, f"{name}: refused without the change", path.read_bytes())
        if case < len(DATA):
            result.control += _is_trained_on(changed, path)
        result.cases += 1
        advance(1)
    return result


def _resumed(training: Training, path: Path, folder: Path) -> str:
    """Return what happened when a training was resumed, nothing if it was refused."""
    model, callbacks = training.make_model(), training.make_callbacks(folder)
    before = content_of(model)
    try:
        training.fit(model, [*callbacks, Saver()], EPOCHS, resume_from=path)
    except ffnn.ModelFileError as error:
        return f"the file is blamed: {error}"
    except ValueError:
        return "" if content_of(model) == before else "refused, but the model is another one"
    except Exception as error:
        return f"raw {error!r}"
    return "resumed"


def _is_trained_on(training: Training, path: Path) -> bool:
    """Tell whether the model is trained on changed data, without a word, when it is just loaded."""
    model = ffnn.load_model(path)
    before = model.parameters.copy()
    training.fit(model, [], EPOCHS, initial_epoch=EPOCHS - 1)
    return not np.array_equal(model.parameters, before)
