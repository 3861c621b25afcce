"""The names of the package's parts, out of their registries: a new part is listed by itself."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from ffnn.activations import ACTIVATIONS
from ffnn.callbacks import Callback
from ffnn.core.registry import find_classes
from ffnn.initializers import INITIALIZERS
from ffnn.layers.base import LAYERS
from ffnn.losses import LOSSES
from ffnn.metrics import METRICS
from ffnn.optimizers import OPTIMIZERS
from ffnn.regularizers import REGULARIZERS
from ffnn.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ffnn.core.registry import Family
    from ffnn.layers.base import Layer


def describe_parts() -> str:
    """Return the names of all parts, in paragraphs for the help of ``ffnn train``."""
    rates = optimizer_defaults("learning_rate").items()
    for_options = {
        "activations": _names(ACTIVATIONS),
        "initializers": _names(INITIALIZERS),
        "losses": _names(LOSSES),
        "normalizations": sorted(normalizations()),
        "optimizers": _names(OPTIMIZERS),
        "learning rates": (f"{name} {rate}" for name, rate in rates),
    }
    for_python = {
        "callbacks": sorted(  # which have no other names, but for those to derive from
            name
            for name, cls in find_classes("ffnn.callbacks").items()
            if issubclass(cls, Callback) and cls is not Callback and not inspect.isabstract(cls)
        ),
        "layers": _names(LAYERS),
        "metrics": _names(METRICS),
        "regularizers": _names(REGULARIZERS),
        "schedules": _names(SCHEDULES),
    }
    return (
        "names for the options above, where a/b are two names of one part:\n"
        f"{_table(for_options)}\n\nfurther parts for programs in Python:\n{_table(for_python)}"
    )


def normalizations() -> dict[str, type[Layer]]:
    """Return the layers that normalise, each under its name without ``_norm``."""
    found = LAYERS.classes.items()
    return {name.removesuffix("_norm"): cls for name, cls in found if name.endswith("_norm")}


def optimizer_defaults(argument: str) -> dict[str, Any]:
    """Return the default of an argument for each optimizer that takes it."""
    known = {name: inspect.signature(cls).parameters for name, cls in OPTIMIZERS.classes.items()}
    return {name: known[name][argument].default for name in known if argument in known[name]}


def _names(family: Family[Any]) -> list[str]:
    """Return the names of each part, such as ``mean_squared_error/mse``."""
    return ["/".join(names) for names in family.names()]


def _table(rows: Mapping[str, Iterable[str]]) -> str:
    wrapper = textwrap.TextWrapper(80, subsequent_indent=" " * 18, break_on_hyphens=False)
    return "\n".join(
        wrapper.fill(f"  {kind:<16}{', '.join(names)}") for kind, names in rows.items()
    )
