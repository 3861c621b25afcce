"""A model's parts as plain data: a config of numbers, strings, lists and dicts, and named arrays.

Saving and pickling use it. It holds all that a model needs to predict and to continue training as
if nothing had happened; `docs/format.md` describes the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array, FloatDType, Shape
from ffnn.callbacks import History
from ffnn.callbacks.recording import OUTPUT, Recording
from ffnn.callbacks.snapshot import batch_statistics
from ffnn.core import descriptions
from ffnn.core.descriptions import describe, rebuild
from ffnn.core.text import shorten, shown
from ffnn.data.labels import describe_labels, restore_labels
from ffnn.layers.base import Layer
from ffnn.losses import Loss
from ffnn.metrics import Metric
from ffnn.models.names import check_names
from ffnn.models.position_arrays import join_position, split_position, under
from ffnn.models.stored_encoder import ENCODER, completed, restore_encoder
from ffnn.optimizers import Optimizer
from ffnn.saving.schema import check_form
from ffnn.training.position import POSITION

if TYPE_CHECKING:
    from ffnn.tables import TableEncoder

Content = tuple[dict[str, Any], dict[str, Array]]

# What `capture` writes into a config and `restore` accepts.
PART = {"kind": str, "name": str, "config": dict}
CONFIG = {
    "layers": [PART | {"trainable?": bool}],
    "input_dim": (int, None),
    "dtype": str,
    "seed": (int, None),
    "entropy": int,
    "class_names": ([str], None),
    "class_labels": ({"dtype": str, "values": [str]}, None),
    "feature_names": ([str], None),
    "encoder": (ENCODER, None),
    "has_gradients": bool,
    "history": ({"names": [str], "epoch": [int], "growing": [str], "interrupted": bool}, None),
    "recording": ({"parameters": [[str]], "layers": [str], "bins": (int, None)}, None),
    "compile": (
        {
            "optimizer": PART,
            "loss": PART,
            "metrics": [PART],
            "weighted_metrics": [PART],
            "iterations": int,
            "jit_compile": (bool, str),
        },
        None,
    ),
    "position": (POSITION, None),
    "generators": [dict],
}
FACTS = ("input_dim", "dtype", "seed", "entropy", "class_names", "feature_names", "has_gradients")
COMPILED: dict[str, Any] = {"optimizer": None, "loss": None, "metrics": [], "weighted_metrics": []}


@dataclass(frozen=True)
class Parts:
    """What is kept of a model, under the names that it has there."""

    layers: Sequence[Layer]
    input_dim: int | None
    dtype: str
    seed: int | None
    entropy: int
    class_names: list[str] | None
    class_labels: Array | None
    feature_names: list[str] | None
    encoder: TableEncoder | None
    has_gradients: bool
    optimizer: Optimizer | None
    loss: Loss | None
    metrics: Sequence[Metric]
    weighted_metrics: Sequence[Metric]
    jit_compile: bool | str
    history: History | None
    recording: Recording | None
    position: dict[str, Any] | None
    generator_states: list[dict[str, Any]]

    def custom_objects(self) -> dict[str, Any]:
        """Return by name the classes and functions that are not part of the library."""
        return descriptions.custom_objects(
            [*self.layers, *self.metrics, *self.weighted_metrics, self.loss, self.optimizer]
        )


# -- from parts to data ------------------------------------------------------------------------


def capture(parts: Parts) -> Content:
    """Return the config, which is plain data, and the live arrays by name."""
    optimizer, compiled = parts.optimizer, None
    if optimizer is not None:
        compiled = {name: describe(getattr(parts, name)) for name in COMPILED}
        compiled |= {"iterations": optimizer.iterations, "jit_compile": parts.jit_compile}
    config = {
        "layers": describe(parts.layers),
        **{name: getattr(parts, name) for name in FACTS},
        "class_labels": describe_labels(parts.class_labels),
        "encoder": None if parts.encoder is None else parts.encoder.get_config(),
        **{name: None if kept is None else kept.get_config() for name, kept in _records(parts)},
        "compile": compiled,
        "position": split_position(parts.position)[0],
        "generators": parts.generator_states,
    }
    return config, live_arrays(parts)


def live_arrays(parts: Parts) -> dict[str, Array]:
    """Return all arrays by name, such as ``"layers/0_dense_1/weight"``."""
    arrays = computed_arrays(parts)
    for record, kept in _records(parts):
        own = {} if kept is None else kept.arrays()
        arrays |= {f"{record}/{name}": array for name, array in own.items()}
    return arrays | split_position(parts.position)[1]


def computed_arrays(parts: Parts) -> dict[str, Array]:
    """Return the arrays of layers and optimizer by name, in an order set by the structure alone."""
    arrays: dict[str, Array] = {}
    for place, layer in _places(parts.layers):
        groups = {"layers": layer.params, "gradients": layer.grads, "state": layer.state}
        for group, members in groups.items():
            arrays |= {f"{group}/{place}/{name}": array for name, array in members.items()}
    if parts.optimizer is not None:
        arrays |= {f"optimizer/{name}": slot for name, slot in parts.optimizer.slots.items()}
    return arrays


def _records(parts: Parts) -> list[tuple[str, History | Recording | None]]:
    for name, kind in (("history", History), ("recording", Recording)):
        if not isinstance(kept := getattr(parts, name), (kind, type(None))):
            raise TypeError(f"{name} must be a {kind.__name__} or None, got {shown(kept)}")
    return [("history", parts.history), ("recording", parts.recording)]


def _places(layers: Sequence[Layer]) -> list[tuple[str, Layer]]:
    return [(f"{index}_{layer.name}", layer) for index, layer in enumerate(layers)]


# -- from data to parts ------------------------------------------------------------------------


def restore(
    config: Mapping[str, Any],
    arrays: Mapping[str, Array],
    custom_objects: Mapping[str, Any] | None = None,
) -> Parts:
    """Return the parts that `capture` described, the layers still without their arrays.

    A network takes these layers. `prepare` checks them before it is built, `fill` fills them after.
    A stranger's config can cause any error, but no more than that: it has no say in how much memory
    is taken or what code runs.
    """
    config = _completed(config)
    check_form(config, CONFIG, "/config")
    how = config["compile"] or {**COMPILED, "iterations": 0, "jit_compile": "auto"}
    iterations, compiled = how["iterations"], {n: rebuild(how[n], custom_objects) for n in COMPILED}
    if not 0 <= iterations < 1 << 63:  # powers of floats are computed with it
        raise ValueError(f"/config/compile/iterations: expected 0 to 2**63 - 1, got {iterations}")
    if how["jit_compile"] not in (True, False, "auto"):
        found = shown(how["jit_compile"], 60)
        raise ValueError(f"/config/compile/jit_compile: expected a bool or 'auto', got {found}")
    if config["entropy"] < 0:
        raise ValueError(f"/config/entropy: expected at least 0, got {config['entropy']}")
    if compiled["optimizer"] is not None:
        compiled["optimizer"].iterations = iterations
    records: dict[str, Any] = {
        name: None if config[name] is None else kind.restore(config[name], under(name, arrays))
        for name, kind in (("history", History), ("recording", Recording))
    }
    return Parts(
        layers=rebuild(config["layers"], custom_objects),
        **{name: config[name] for name in FACTS},
        class_labels=restore_labels(config["class_labels"]),
        encoder=restore_encoder(config["encoder"]),
        **compiled,
        jit_compile=how["jit_compile"],
        **records,
        position=join_position(config["position"], arrays),
        generator_states=config["generators"],
    )


def _completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with what files of earlier versions do not say."""
    config = {"class_labels": None, "encoder": None, **config}
    if isinstance(config.get("compile"), dict):
        absent = {"weighted_metrics": [], "jit_compile": "auto"}
        config["compile"] = absent | config["compile"]
    config["encoder"] = completed(config["encoder"])
    position = config.get("position")
    if isinstance(position, dict):
        config["position"] = position | {"training": position.get("training")}
    return config


def check_classes(cls: type, custom_objects: Any) -> None:
    """Raise TypeError if no file is to blame: a model's class and those of parts from outside."""
    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise TypeError(
            f"load: custom_objects must be a dict, name to class or function, "
            f"got {shown(custom_objects)}"
        )
    for name, custom in (custom_objects or {}).items():
        if not isinstance(name, str) or not callable(custom):
            found = f"{shown(custom, 60)} for the name {shown(name, 60)}"
            raise TypeError(
                f"load: custom_objects must be a dict, name to class or function, got {found}"
            )
    try:
        inspect.signature(cls).bind((), dtype="float32", seed=None)
    except TypeError as error:
        raise unfit_class(cls, error) from None


def unfit_class(cls: type, error: Exception) -> TypeError:
    """Return the error of a model's class whose constructor makes no model of what is in a file."""
    return TypeError(
        f"{cls.__name__}.load: loading calls {cls.__name__}(layers, dtype=..., seed=...), which "
        f"its constructor does not take: {shorten(str(error), 200)}; let it make a model of just "
        f"these arguments, or load the file by ffnn.load_model"
    )


def prepare(parts: Parts, arrays: Mapping[str, Array]) -> None:
    """Load the layers' states, and check that the parameters have the sizes that `build` will give.

    Comes before `build`, which takes all the memory that a config asks for.
    """
    for place, layer in _places(parts.layers):
        state = under(f"state/{place}", arrays)
        if state:
            layer.load_state(state)
    columns: Any = parts.input_dim
    dtype = np.dtype(parts.dtype)
    for place, layer in _places(parts.layers if columns is not None else ()):
        for name, shape in layer.parameter_shapes(columns).items():
            _check_array(f"layers/{place}/{name}", dtype, shape, arrays)
        columns = layer.compute_output_dim(columns)


def fill(parts: Parts, values: Mapping[str, Array]) -> None:
    """Write `values`, which must be just the arrays of `parts`, into those of layers and optimizer.

    ValueError names the array whose name, shape or dtype differs, or that a layer refuses.
    """
    check_names(parts)
    _check_recording(parts)
    arrays = live_arrays(parts)
    unknown = sorted(values.keys() - arrays.keys())
    if unknown:
        raise ValueError(f"/{unknown[0]}: no array of that name belongs to this model")
    for name, array in arrays.items():
        _check_array(name, array.dtype, array.shape, values)
    for name, array in computed_arrays(parts).items():
        array[...] = values[name]
    if parts.optimizer is not None:
        try:
            parts.optimizer.check_memory()
        except ValueError as error:
            raise ValueError(f"/optimizer/{error}") from error
    for place, layer in _places(parts.layers):
        try:
            if layer.state:  # there is none before the layer is built
                layer.check_state(layer.state)
        except ValueError as error:
            raise ValueError(f"/state/{place}/{error}") from error


def _check_recording(parts: Parts) -> None:
    """Raise ValueError if a recording is of other layers, parameters or sizes than the model's."""
    if parts.recording is None:
        return
    parameters = [(layer.name, name) for layer in parts.layers for name in layer.params]
    outputs = [(layer.name, OUTPUT) for layer in parts.layers]
    for kind, expected in (("parameters", parameters), ("layers", outputs)):
        found = parts.recording.names("weights" if kind == "parameters" else "activations")
        if found != expected:
            raise ValueError(f"/config/recording/{kind}: not those of this model")
    rows = parts.recording.rows
    if rows is not None and rows.x.shape[1] != parts.input_dim:
        columns = rows.x.shape[1]
        raise ValueError(f"/recording/rows/x: expected {parts.input_dim} columns, got {columns}")
    size = sum(array.size for layer in parts.layers for array in layer.params.values())
    for snapshot in parts.recording.snapshots:
        for name in ("weights", "gradients"):
            _check_array(
                f"recording/snapshots/{name}",
                np.dtype(parts.dtype),
                (size,),
                {f"recording/snapshots/{name}": getattr(snapshot, name)},
            )
        if snapshot.statistics is not None:
            place, then = "recording/snapshots/statistics", snapshot.statistics
            entries = sum(array.size for array in batch_statistics(parts.layers))
            _check_array(place, np.dtype(parts.dtype), (entries,), {place: then})


def _check_array(name: str, dtype: FloatDType, shape: Shape, arrays: Mapping[str, Array]) -> None:
    value = arrays.get(name)
    if value is None:
        raise ValueError(f"/{name}: missing")
    if value.shape != shape or value.dtype != dtype:
        raise ValueError(
            f"/{name}: expected {dtype} of shape {shape}, got {value.dtype} of shape {value.shape}"
        )
