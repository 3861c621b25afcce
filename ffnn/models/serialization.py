"""A model as plain data: a config of numbers, strings, lists and dicts, and named arrays.

Both saving and pickling go through it. It holds all that a model needs to predict and to train on
as if nothing had happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ffnn.callbacks import History
from ffnn.callbacks.recording import Recording
from ffnn.core.registry import custom_classes, describe, rebuild
from ffnn.saving.schema import check_form
from ffnn.training.position import POSITION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ffnn._types import Array, FloatDType, Shape
    from ffnn.layers.base import Layer
    from ffnn.models.trainable import Trainable

M = TypeVar("M", bound="Trainable")
Content = tuple[dict[str, Any], dict[str, "Array"]]

# What `capture` writes into a config and `restore` accepts; `_arrays` has the arrays' names.
PART = {"kind": str, "name": str, "config": dict}
CONFIG = {
    "layers": [PART],
    "input_dim": (int, None),
    "dtype": str,
    "seed": (int, None),
    "entropy": int,
    "class_names": ([str], None),
    "feature_names": ([str], None),
    "has_gradients": bool,
    "history": (
        {"names": [str], "epoch": [int], "growing": [str], "interrupted": bool},
        None,
    ),
    "recording": ({"parameters": [[str]], "layers": [str], "bins": (int, None)}, None),
    "compile": ({"optimizer": PART, "loss": PART, "metrics": [PART], "iterations": int}, None),
    "position": (POSITION, None),
    "generators": [dict],
}


def capture(model: Trainable) -> Content:
    """Return the config and the live arrays of a model.

    Parameters
    ----------
    model : Trainable
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
        "position": None,
        "generators": [rng.bit_generator.state for rng in random_generators(model)],
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
    position, kept = _split(model.position())
    config["position"] = position
    return config, live_arrays(model) | kept


def _split(position: dict[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Array]]:
    """Return a position without the arrays of its callbacks, and these by name."""
    if position is None:
        return None, {}
    arrays: dict[str, Array] = {}
    callbacks = []
    for index, told in enumerate(position["callbacks"]):
        state = told["state"]
        own = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        arrays |= {f"callbacks/{index}/{name}": value for name, value in own.items()}
        plain = {name: value for name, value in state.items() if name not in own}
        callbacks.append({"kind": told["kind"], "state": plain})
    return position | {"callbacks": callbacks}, arrays


def _join(position: dict[str, Any] | None, arrays: Mapping[str, Array]) -> dict[str, Any] | None:
    """Return the position that `_split` took apart."""
    if position is None:
        return None
    shuffled_from = position["batches"]["shuffled_from"]
    if shuffled_from is not None:
        set_generators([np.random.default_rng()], [shuffled_from])
    callbacks = [
        {"kind": told["kind"], "state": told["state"] | _under(f"callbacks/{index}/", arrays)}
        for index, told in enumerate(position["callbacks"])
    ]
    return position | {"callbacks": callbacks}


def custom_classes_of(model: Trainable) -> dict[str, type]:
    """Return the classes of a model's parts that are not part of the library, by name."""
    parts = [*model.layers, *model.metrics]
    return custom_classes([*parts, model.loss, model.optimizer])


def as_double(make: Callable[..., Trainable], model: Trainable) -> Trainable:
    """Return a copy of `model` that computes in float64 from the same values; `make` builds it."""
    config, arrays = capture(model)
    doubled = {
        name: array.astype(np.float64)
        for name, array in arrays.items()
        if not name.startswith(("recording/", "callbacks/"))  # which nothing is computed from
    }
    config |= {"dtype": "float64", "recording": None, "position": None}
    return restore(make, config, doubled, custom_classes_of(model))


def random_generators(model: Trainable) -> list[np.random.Generator]:
    """Return all that a training draws from: of the shuffling, then of each layer that draws."""
    own = [rng for layer in model.layers for rng in layer.random_generators()]
    return [model.shuffling, *own]


def live_arrays(model: Trainable) -> dict[str, Array]:
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
        Something is missing or does not fit. A stranger's config can make other errors come, but
        can do no more than that: it has no say in how much memory is taken or what code runs.
    """
    check_form(config, CONFIG, "/config")
    layers = [rebuild(description, custom_objects) for description in config["layers"]]
    model = make(layers, dtype=config["dtype"], seed=config["seed"])
    model.entropy = config["entropy"]
    for index, layer in enumerate(layers):
        kept = _under(f"state/{index}_{layer.name}/", arrays)
        if kept:
            layer.load_state(kept)
    if config["input_dim"] is not None:
        _check_parameters(layers, config["input_dim"], model.dtype, arrays)
        model.build(config["input_dim"])
        model.has_gradients = config["has_gradients"]
    if config["compile"] is not None:
        how = config["compile"]
        parts = (rebuild(how[key], custom_objects) for key in ("optimizer", "loss", "metrics"))
        model.compile(*parts)
        assert model.optimizer is not None
        model.optimizer.iterations = _iterations(how["iterations"])
    if config["history"] is not None:
        told = config["history"]
        model.history = History()
        model.history.epoch = list(told["epoch"])
        model.history.growing = list(told["growing"])
        model.history.interrupted = told["interrupted"]
        model.history.history = {
            name: _numbers(arrays, f"history/{index}") for index, name in enumerate(told["names"])
        }
    if config["recording"] is not None:
        model.recording = Recording.restore(config["recording"], _under("recording/", arrays))
    position = _join(config["position"], arrays)
    model._position = lambda: position
    fill(live_arrays(model) | _split(position)[1], arrays)
    for index, layer in enumerate(layers):
        try:
            if layer.state:  # there is none before the layer is built
                layer.check_state(layer.state)
        except ValueError as error:
            raise ValueError(f"/state/{index}_{layer.name}/{error}") from error
    set_generators(random_generators(model), config["generators"])
    model.class_names, model.feature_names = config["class_names"], config["feature_names"]
    return model


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin with `prefix`, by what comes after it."""
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _iterations(number: int) -> int:
    if not 0 <= number < 1 << 63:  # powers of floats are computed with it
        raise ValueError(f"/config/compile/iterations: expected 0 to 2**63 - 1, got {number}")
    return number


def _check_parameters(
    layers: Sequence[Layer], input_dim: int, dtype: FloatDType, arrays: Mapping[str, Array]
) -> None:
    """Compare the layers with the arrays before `build` takes all memory that a config asks for."""
    for index, layer in enumerate(layers):
        for name, shape in layer.parameter_shapes(input_dim).items():
            _check_array(f"layers/{index}_{layer.name}/{name}", dtype, shape, arrays)
        input_dim = layer.compute_output_dim(input_dim)


def _check_array(name: str, dtype: FloatDType, shape: Shape, arrays: Mapping[str, Array]) -> None:
    value = arrays.get(name)
    if value is None:
        raise ValueError(f"/{name}: missing")
    if value.shape != shape or value.dtype != dtype:
        raise ValueError(
            f"/{name}: expected {dtype} of shape {shape}, got {value.dtype} of shape {value.shape}"
        )


def _numbers(arrays: Mapping[str, Array], name: str) -> list[float]:
    if name not in arrays:
        raise ValueError(f"/{name}: missing")
    if arrays[name].ndim != 1:
        raise ValueError(f"/{name}: expected one dimension, got shape {arrays[name].shape}")
    numbers: list[float] = arrays[name].tolist()
    return numbers


def fill(arrays: Mapping[str, Array], values: Mapping[str, Array]) -> None:
    """Write `values` into `arrays` of the same names, shapes and dtypes.

    Raises
    ------
    ValueError
        A name, a shape or a dtype differs; the message names it.
    """
    unknown = sorted(values.keys() - arrays.keys())
    if unknown:
        raise ValueError(f"/{unknown[0]}: no array of that name belongs to this model")
    for name, array in arrays.items():
        _check_array(name, array.dtype, array.shape, values)
        array[...] = values[name]


def set_generators(
    generators: Sequence[np.random.Generator], states: Sequence[Mapping[str, Any]]
) -> None:
    """Bring generators to states that came from outside.

    Raises
    ------
    ValueError
        There are not as many states, or one is none of such a generator.
    """
    if len(states) != len(generators):
        raise ValueError(
            f"/config/generators: expected {len(generators)} states, got {len(states)}"
        )
    for index, (rng, state) in enumerate(zip(generators, states, strict=True)):
        place = f"/config/generators/{index}"
        check_form(state, _form_of(rng.bit_generator.state), place)
        # What NumPy may take without a look: wrong signs, a flag of 2, an even increment.
        inner = [number for number in state["state"].values() if isinstance(number, int)]
        if (
            not all(0 <= number < 1 << 128 for number in inner)
            or state.get("has_uint32", 0) not in (0, 1)
            or state["state"].get("inc", 1) % 2 == 0
        ):
            raise ValueError(f"{place}: not a state of a generator")
        rng.bit_generator.state = state


def _form_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _form_of(inner) for key, inner in value.items()}
    return type(value)
