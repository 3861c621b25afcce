"""The names of the package's parts, out of their registries: a new part is listed by itself."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from ffnn.activations import ACTIVATIONS
from ffnn.callbacks import Callback
from ffnn.core.registry import load_modules
from ffnn.initializers import INITIALIZERS
from ffnn.layers.base import LAYERS
from ffnn.losses import LOSSES
from ffnn.metrics import METRICS
from ffnn.optimizers import OPTIMIZERS
from ffnn.regularizers import REGULARIZERS
from ffnn.schedules import SCHEDULES

if TYPE_CHECKING:
    from ffnn.core.registry import Family
    from ffnn.layers.base import Layer

WIDTH = 80


def describe_parts() -> str:
    """Return the names of all parts, in paragraphs for the help of ``ffnn train``."""
    rates = optimizer_defaults("learning_rate").items()
    lines = [
        "names for the options above, where a/b are two names of one part:",
        _paragraph("activations", names(ACTIVATIONS)),
        _paragraph("initializers", names(INITIALIZERS)),
        _paragraph("losses", names(LOSSES)),
        _paragraph("normalizations", sorted(normalizations())),
        _paragraph("optimizers", names(OPTIMIZERS)),
        _paragraph("learning rates", [f"{name} {rate}" for name, rate in rates]),
        "",
        "parts for programs in Python besides:",
        _paragraph("callbacks", callbacks()),
        _paragraph("layers", names(LAYERS)),
        _paragraph("metrics", names(METRICS)),
        _paragraph("regularizers", names(REGULARIZERS)),
        _paragraph("schedules", names(SCHEDULES)),
    ]
    return "\n".join(lines)


def names(family: Family[Any]) -> list[str]:
    """Return the names of each part, such as ``mean_squared_error/mse``."""
    by_class: dict[type, list[str]] = {}
    for name, cls in family.classes.items():
        by_class.setdefault(cls, []).append(name)
    return sorted("/".join(aliases) for aliases in by_class.values())


def normalizations() -> dict[str, type[Layer]]:
    """Return the layers that normalise, each under its name without ``_norm``."""
    found = LAYERS.classes.items()
    return {name.removesuffix("_norm"): cls for name, cls in found if name.endswith("_norm")}


def optimizer_defaults(argument: str) -> dict[str, Any]:
    """Return the default of an argument of each optimizer that takes it."""
    signatures = {name: inspect.signature(cls) for name, cls in OPTIMIZERS.classes.items()}
    return {
        name: signature.parameters[argument].default
        for name, signature in sorted(signatures.items())
        if argument in signature.parameters
    }


def callbacks() -> list[str]:
    """Return the classes of `ffnn.callbacks`, which are known by their own names."""
    found = [
        value
        for module in load_modules("ffnn.callbacks")
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return sorted(
        cls.__name__
        for cls in found
        if issubclass(cls, Callback) and cls is not Callback and not inspect.isabstract(cls)
    )


def _paragraph(title: str, entries: list[str]) -> str:
    return textwrap.fill(
        ", ".join(entries),
        WIDTH,
        initial_indent=f"  {title:<16}",
        subsequent_indent=" " * 18,
        break_on_hyphens=False,
    )
