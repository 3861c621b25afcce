"""Feed-forward neural networks on NumPy that you can see into and need not wait for.

Each name below is loaded when it is first used, so ``import ffnn`` is quick.

To read the package from the ground up, each module importing only from those above it:

- `errors`, `checks`, `registry`: what goes wrong, what is allowed, what is called how;
- `workspace`, `parameters`: memory that is used again, and one vector of all weights;
- `initializers`, `regularizers`, `schedules`, `optimizers`, `metrics`, `callbacks`: what a training
  is made of besides layers and a loss;
- `rows`, `targets`: the user's data, checked and as it is computed with;
- `chain`, `base`: the stages that a batch passes, and the protocol of a layer;
- `activations`, `layers`, `losses`: the formulas and their derivatives;
- `batches`, `training`: one step, and the loop around it;
- `saving`, `state`: files, and a model as plain data;
- `visualization`, `recording`, `explanation`, `diagnostics`: what a model shows;
- `position`, `resuming`: where a training stands, and how it goes on from a file;
- `network`, `seeing`, `sequential`: the model that ties all of it together;
- `gradcheck`, `datasets`, `estimators`, `cli`: what is done with a model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ffnn._version import __version__
from ffnn.errors import DataError, LayerError, ModelFileError, TrainingDivergedError

if TYPE_CHECKING:
    from ffnn import (
        activations,
        callbacks,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        regularizers,
        schedules,
        visualization,
    )
    from ffnn.gradcheck import GradientReport, gradient_check
    from ffnn.sequential import Sequential
    from ffnn.threads import get_num_threads, set_num_threads

    load_model = Sequential.load

_MODULES = (
    "activations",
    "callbacks",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "schedules",
    "visualization",
)
_HOMES = {
    "GradientReport": "ffnn.gradcheck",
    "Sequential": "ffnn.sequential",
    "get_num_threads": "ffnn.threads",
    "gradient_check": "ffnn.gradcheck",
    "set_num_threads": "ffnn.threads",
}

__all__ = [
    "DataError",
    "GradientReport",
    "LayerError",
    "ModelFileError",
    "Sequential",
    "TrainingDivergedError",
    "__version__",
    "activations",
    "callbacks",
    "datasets",
    "get_num_threads",
    "gradient_check",
    "initializers",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "schedules",
    "set_num_threads",
    "visualization",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"ffnn.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name == "load_model":
        value = importlib.import_module("ffnn.sequential").Sequential.load
    else:
        raise AttributeError(f"module 'ffnn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
