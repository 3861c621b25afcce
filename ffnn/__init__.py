"""Feed-forward neural networks on NumPy that you can see into and need not wait for.

Each name below is loaded when it is first used, so ``import ffnn`` is quick.

To read the package floor by floor, each importing only from those above it:

1. `errors`: what can go wrong;
2. `core`: names of parts, checks, working memory, files, texts; nothing about networks;
3. `initializers`, `regularizers`, `schedules`, `threads`; `data`, `datasets` and `tables`, rows to
   train on; `saving`, the model file; `charts`, curves of plain numbers;
4. `layers`, `activations`, `losses`: the formulas and their derivatives; `optimizers`, `metrics`,
   `callbacks`;
5. `training`: one step, and the loop around it; `kernels`: compiled loops that do parts of it;
6. `models`: layers become a network, which trains, resumes, is saved and loaded;
7. `visualization`: figures and pages; `gradcheck`: gradients against finite differences;
   `rate_finder`: a learning rate to train with; `inspection`: which columns answers depend on;
8. `explanation`: a step with its numbers; `diagnostics`: what keeps a network from learning;
   `reports`: how well it answers; `tabular`, the network for tables that needs no tuning;
9. `sequential`: the model that users hold, with a method for each of these;
10. `exchange`: ways to and from ONNX, PyTorch, Keras, scikit-learn, C, Python and JavaScript;
    `play`: a page on which one watches a network learn;
11. `estimators`, for scikit-learn's tools, and `cli`, the command line.
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
        data,
        datasets,
        exchange,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        regularizers,
        schedules,
        tables,
        visualization,
    )
    from ffnn.gradcheck import GradientReport, gradient_check
    from ffnn.rate_finder import LearningRateCurve, find_learning_rate
    from ffnn.sequential import Sequential, load_model
    from ffnn.threads import get_num_threads, set_num_threads

_HOMES = {  # the other names are those of modules
    "GradientReport": "gradcheck",
    "LearningRateCurve": "rate_finder",
    "Sequential": "sequential",
    "find_learning_rate": "rate_finder",
    "get_num_threads": "threads",
    "gradient_check": "gradcheck",
    "load_model": "sequential",
    "set_num_threads": "threads",
}

__all__ = [
    "DataError",
    "GradientReport",
    "LayerError",
    "LearningRateCurve",
    "ModelFileError",
    "Sequential",
    "TrainingDivergedError",
    "__version__",
    "activations",
    "callbacks",
    "data",
    "datasets",
    "exchange",
    "find_learning_rate",
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
    "tables",
    "visualization",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ffnn' has no attribute {name!r}")
    value = importlib.import_module(f"ffnn.{_HOMES.get(name, name)}")
    if name in _HOMES:
        value = globals()[name] = getattr(value, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
