"""What users can call, which values are wrong for its arguments, and how wrong ones are refused.

A wrong value must be refused by an error that is ours, names the argument, and leaves everything as
it was.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import re
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import ffnn
from ffnn import callbacks, datasets
from ffnn.core.registry import Family
from ffnn.core.text import shorten
from trials.common import content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = str(Path(ffnn.__file__).parent)

X = np.random.default_rng(0).standard_normal((8, 3))
Y = np.arange(8) % 2
# What a callable is given besides the wrong argument, by name, or by its owner's and its own.
RIGHT: dict[str, Any] = {
    "activation": "relu",
    "activations": "relu",
    "boundaries": [1, 2],
    "categories": [2, 3],
    "column": 0,
    "values": [0.3, 0.2, 0.1],
    "decay_rate": 0.5,
    "decay_steps": 3,
    "filename": "log.csv",
    "filepath": "checkpoint.h5",
    "high": 1.0,
    "initial_learning_rate": 0.1,
    "low": 0.0,
    "input_dim": 3,
    "n": 1,
    "path": "missing.h5",
    "save_graph.path": "graph.html",
    "rate": 0.5,
    "scale": 2.0,
    "sizes": [3, 4, 2],
    "threshold": 0.5,
    "trial": SimpleNamespace(report=lambda value, step: None, should_prune=lambda: False),
    "units": 4,
    "x": X,
    "y": Y,
}
METHODS = [
    *["build", "compile", "compute_gradients", "contributions", "diagnose", "evaluate"],
    *["explain_step", "fit", "partial_dependence", "permutation_importance"],
    *["plot_distributions", "plot_gradients", "plot_graph", "plot_weights", "predict", "report"],
    *["save", "save_graph", "set_weights", "train_on_batch"],
]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "from_sizes": ffnn.Sequential.from_sizes,
    "load_csv": datasets.load_csv,
    "load_h5": datasets.load_h5,
    "load_mnist": datasets.load_mnist,
    "load_model": ffnn.load_model,
    "load_npz": datasets.load_npz,
    "set_num_threads": ffnn.set_num_threads,
    "compare_histories": ffnn.visualization.compare_histories,
}


class Argument(NamedTuple):
    """An argument of something that can be called."""

    owner: str
    name: str
    annotation: str
    call: Callable[..., Any]  # with the argument, by name; of a method, the model comes first
    is_method: bool = False

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


# -- what can be called ------------------------------------------------------------------------


@functools.cache
def constructors() -> list[Argument]:
    """Return the arguments of all registered parts, of the callbacks and of `Sequential`."""
    parts = [cls for family in Family.by_kind.values() for cls in family]
    watchers = [
        cls
        for cls in map(functools.partial(getattr, callbacks), callbacks.__all__)
        if isinstance(cls, type) and issubclass(cls, callbacks.Callback)
    ]
    classes = dict.fromkeys(cls for cls in [*parts, *watchers] if cls.__module__.startswith("ffnn"))
    found = [each for cls in classes for each in _arguments(cls.__name__, cls)]
    return [*found, *_arguments("Sequential", ffnn.Sequential, layers=[ffnn.layers.Dense(2)])]


@functools.cache
def others() -> list[Argument]:
    """Return the arguments of functions and of methods of models."""
    functions = [each for name, call in FUNCTIONS.items() for each in _arguments(name, call)]
    methods = [
        each
        for name in METHODS
        for each in _arguments(f"Sequential.{name}", getattr(ffnn.Sequential, name), is_method=True)
    ]
    on_models = [
        each
        for call in (ffnn.gradient_check, ffnn.find_learning_rate)
        for each in _arguments(call.__name__, call, is_method=True)
    ]
    return [*functions, *methods, *on_models]


def _arguments(
    owner: str, call: Callable[..., Any], is_method: bool = False, **right: Any
) -> Iterator[Argument]:
    if isinstance(call, type) and call.__init__ is object.__init__:  # type: ignore[misc]
        return
    parameters = inspect.signature(call).parameters
    for name, parameter in parameters.items():
        if (
            name == "self"
            or (is_method and name == "model")
            or parameter.kind is parameter.VAR_KEYWORD
        ):
            continue
        known = RIGHT | right
        given = {
            other: known.get(f"{call.__name__}.{other}", known[other])
            for other, needed in parameters.items()
            if other in known and (needed.default is needed.empty or other == "y")
        }
        annotation = str(parameter.annotation) + (" | None" if parameter.default is None else "")
        yield Argument(owner, name, annotation, functools.partial(call, **given), is_method)


# -- wrong values ------------------------------------------------------------------------------

VALUES: dict[str, list[Any]] = {  # by kind
    "none": [None],
    "huge": [10**30],
    "beyond all floats": [10**400],
    "bool": [True, False, np.True_],
    "int": [3, 1, np.int64(2)],
    "negative": [-1, -(10**30)],
    "float": [0.5, 2.5, np.float32(0.25)],
    "not finite": [float("nan"), float("inf"), -float("inf"), np.float64("nan")],
    "complex": [1j, np.complex64(2)],
    "text": ["no", "", "1", "\x1b[31m", "ä" * 300],
    "bytes": [b"relu", b""],
    "list": [[], [0.5], [[1], [2, 3]], [None], ("relu",), {1}],
    "dict": [{}, {"a": 1}],
    "class": [int, np.ndarray, ffnn.layers.Dense, ffnn.optimizers.Adam],
    "function": [len, lambda: 0],
    "object": [object(), Ellipsis],
    "array": [np.zeros(3), np.eye(2), np.array("relu"), np.zeros(0), np.array([None])],
}
ACCEPTED = {  # a word of an annotation → the kinds that may be right for it
    "None": {"none"},
    "bool": {"bool"},
    "JitCompile": {"bool"},
    "int": {"int"},
    "float": {"int", "float", "huge"},
    "str": {"text"},
    "FileOrPath": {"text", "bytes"},
    "FilePath": {"text", "bytes"},
    "PathLike": {"text", "bytes"},
    "Sequence": {"list", "array"},
    "Metrics": {"list", "array"},
    "tuple": {"list"},
    "Mapping": {"dict"},
    "type": {"class"},
    "Any": {"list", "array"},
}
SIGNED = {"float"}  # annotations for which a negative number may be right
NAMES = ("activation", "initializer", "regularizer", "loss", "optimizer", "mode", "dtype", "values")


def wrong_kinds(argument: Argument) -> list[str]:
    """Return the kinds of which every value is wrong for an argument."""
    words = set(re.findall(r"\w+", argument.annotation))
    right = set().union(*(ACCEPTED.get(word, set()) for word in words))
    if "int" in right and words & SIGNED:
        right.add("negative")
    if argument.name == "verbose":
        right.add("bool")
    if argument.name == "seed":
        right |= {"huge", "beyond all floats"}
    if any(name in argument.name for name in NAMES):
        right.discard("text")  # none of them is a name
    return [kind for kind in VALUES if kind not in right]


def wrong_values(argument: Argument) -> list[Any]:
    """Return some values that are wrong for an argument."""
    return [value for kind in wrong_kinds(argument) for value in VALUES[kind]]


# -- how they are refused ----------------------------------------------------------------------

OURS = (TypeError, ValueError, OSError, RuntimeError, ffnn.ModelFileError)


def refusal(argument: Argument, value: Any) -> str:
    """Return what is wrong with how a wrong value is refused; nothing if all is well."""
    given: tuple[Any, ...] = (_model(),) if argument.is_method else ()
    before, files = [content_of(model) for model in given], sorted(os.listdir())
    try:
        argument.call(*given, **{argument.name: value})
    except OURS as error:
        complaint = _complaint(argument, error)
    except Exception as error:
        complaint = f"raw {error!r}"
    else:
        complaint = "accepted"
    if complaint != "accepted" and [content_of(model) for model in given] != before:
        complaint += "; the model is another one"
    if sorted(os.listdir()) != files:
        complaint += "; there are other files"
    if complaint:
        _model.cache_clear()
    return complaint and f"{argument}={shorten(repr(value), 60)}: {complaint}"


def _complaint(argument: Argument, error: Exception) -> str:
    """Return what is wrong with an error: that the code only ran into it, or whom it blames."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    source = linecache.getline(last.filename, last.lineno or 0).lstrip()
    if not (last.filename.startswith(HOME) and source.startswith("raise")):
        return f"raw {error!r} in {last.filename}:{last.lineno}"
    name = argument.name.removesuffix("s")  # of several, one may be wrong
    if not re.search(rf"\b{name}", str(error)):
        return f"the argument is not named: {error}"
    return ""


@functools.cache
def _model() -> ffnn.Sequential:
    """Return a model for methods to be called of."""
    layers = [ffnn.layers.Dense(4, "tanh"), ffnn.layers.Dense(2, "softmax")]
    model = ffnn.Sequential(layers, input_dim=3, seed=0)
    model.compile("adam", "cce", ["accuracy"])
    model.fit(X, Y, batch_size=4, verbose=0)
    return model
