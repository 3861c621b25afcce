"""A model as plain data: a config of numbers, strings, lists and dicts, and named arrays.

Both saving and pickling go through it. It holds all that a model needs to predict and to train on
as if nothing had happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ffnn.callbacks import History
from ffnn.recording import Recording
from ffnn.registry import custom_classes, describe, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ffnn._types import Array
    from ffnn.sequential import Sequential

M = TypeVar("M", bound="Sequential")
Content = tuple[dict[str, Any], dict[str, "Array"]]


def capture(model: Sequential) -> Content:
    """Return the config and the live arrays of a model.

    Parameters
    ----------
    model : Sequential
        Any model, built or not, compiled or not.

    Returns
    -------
    config : dict
        Plain data.
    arrays : dict of str to ndarray
        ``"layers/0_dense_1/weight"`` → values, and so on.
    """
    config: dict[str, Any] = {
        "layers": [describe(layer) for layer in model.layers],
        "input_dim": model.input_dim,
        "dtype": model.dtype.name,
        "seed": model.seed,
        "entropy": model.entropy,
        "class_names": model.class_names,
        "feature_names": model.feature_names,
        "has_gradients": model.has_gradients,
        "history": None,
        "recording": None,
        "compile": None,
        "generators": [rng.bit_generator.state for rng in _generators(model)],
    }
    if model.history is not None:
        config["history"] = {
            "names": list(model.history.history),
            "epoch": model.history.epoch,
            "growing": model.history.growing,
            "interrupted": model.history.interrupted,
        }
    if model.recording is not None:
        config["recording"] = model.recording.get_config()
    if model.optimizer is not None:
        config["compile"] = {
            "optimizer": describe(model.optimizer),
            "loss": describe(model.loss),
            "metrics": describe(model.metrics),
            "iterations": model.optimizer.iterations,
        }
    return config, _arrays(model)


def custom_classes_of(model: Sequential) -> dict[str, type]:
    """Return the classes of a model's parts that are not part of the library, by name."""
    parts = [*model.layers, *model.metrics]
    return custom_classes([*parts, model.loss, model.optimizer])


def as_double(make: Callable[..., Sequential], model: Sequential) -> Sequential:
    """Return a copy of `model` that computes in float64 from the same values; `make` builds it."""
    config, arrays = capture(model)
    doubled = {
        name: array.astype(np.float64)
        for name, array in arrays.items()
        if not name.startswith("recording/")  # which nothing is computed from
    }
    config |= {"dtype": "float64", "recording": None}
    return restore(make, config, doubled, custom_classes_of(model))


def _generators(model: Sequential) -> list[np.random.Generator]:
    own = [rng for layer in model.layers for rng in layer.random_generators()]
    return [model.shuffling, *own]


def _arrays(model: Sequential) -> dict[str, Array]:
    """Return the live arrays by name, in an order that depends on the structure alone."""
    arrays = {}
    for index, layer in enumerate(model.layers):
        place = f"{index}_{layer.name}"
        groups = {"layers": layer.params, "gradients": layer.grads, "state": layer.state}
        for group, members in groups.items():
            for name, array in members.items():
                arrays[f"{group}/{place}/{name}"] = array
    if model.optimizer is not None:
        for name, slot in model.optimizer.slots.items():
            arrays[f"optimizer/{name}"] = slot
    if model.history is not None:  # as arrays, which may hold what JSON may not: infinity and NaN
        for index, numbers in enumerate(model.history.history.values()):
            arrays[f"history/{index}"] = np.array(numbers, dtype=np.float64)
    if model.recording is not None:
        for name, array in model.recording.arrays().items():
            arrays[f"recording/{name}"] = array
    return arrays


def restore(
    make: Callable[..., M],
    config: Mapping[str, Any],
    arrays: Mapping[str, Array],
    custom_objects: Mapping[str, type] | None = None,
) -> M:
    """Build the model that `capture` described.

    Parameters
    ----------
    make : callable
        `Sequential`, or what takes the same arguments.
    config : mapping
        As `capture` returned it.
    arrays : mapping of str to ndarray
        As `capture` returned them.
    custom_objects : mapping of str to type, optional
        Classes that are not part of the library, by name.

    Raises
    ------
    KeyError, TypeError, ValueError
        Something is missing or does not fit.
    """
    layers = [rebuild(description, custom_objects) for description in config["layers"]]
    model = make(layers, dtype=config["dtype"], seed=config["seed"])
    model.entropy = config["entropy"]
    for index, layer in enumerate(layers):
        kept = _under(f"state/{index}_{layer.name}/", arrays)
        if kept:
            layer.load_state(kept)
    if config["input_dim"] is not None:
        model.build(config["input_dim"])
        model.has_gradients = config["has_gradients"]
    if config["compile"] is not None:
        how = config["compile"]
        parts = (rebuild(how[key], custom_objects) for key in ("optimizer", "loss", "metrics"))
        model.compile(*parts)
        assert model.optimizer is not None
        model.optimizer.iterations = how["iterations"]
    if config["history"] is not None:
        told = config["history"]
        model.history = History()
        model.history.epoch = list(told["epoch"])
        model.history.growing = list(told["growing"])
        model.history.interrupted = told["interrupted"]
        model.history.history = {
            name: arrays[f"history/{index}"].tolist() for index, name in enumerate(told["names"])
        }
    if config["recording"] is not None:
        model.recording = Recording.restore(config["recording"], _under("recording/", arrays))
    _fill(_arrays(model), arrays)
    for rng, state in zip(_generators(model), config["generators"], strict=True):
        rng.bit_generator.state = state
    model.class_names, model.feature_names = config["class_names"], config["feature_names"]
    return model


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin with `prefix`, by what comes after it."""
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _fill(arrays: Mapping[str, Array], values: Mapping[str, Array]) -> None:
    if arrays.keys() != values.keys():
        differing = sorted(arrays.keys() ^ values.keys())
        raise ValueError(f"arrays do not match the layers: {', '.join(differing[:5])}")
    for name, array in arrays.items():
        if values[name].shape != array.shape or values[name].dtype != array.dtype:
            raise ValueError(
                f"{name}: expected {array.dtype} of shape {array.shape}, "
                f"got {values[name].dtype} of shape {values[name].shape}"
            )
        array[...] = values[name]
