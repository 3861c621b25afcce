"""Estimators with scikit-learn's interface: change one import, keep the rest of the program.

    from ffnn.estimators import FFNNClassifier as MLPClassifier

`FFNNClassifier` and `FFNNRegressor` take every constructor parameter of scikit-learn's
`MLPClassifier` and `MLPRegressor`, with the same defaults and meanings, and have the same fitted
attributes. From the same `random_state` they draw the same initial weights, the same splits and
the same batches, so they arrive at the same weights, up to rounding. Further keyword parameters are
listed in `docs/from-sklearn.md`.

Read `parameters`, `base` and the two estimators first; then `conventions`, which says in what
scikit-learn differs from the library, and `solvers` with `convergence`.

This is the only part of the package that needs scikit-learn: ``pip install 'ffnn[sklearn]'``.
"""

from __future__ import annotations

import importlib


def _require_sklearn() -> None:
    """Raise ImportError, which says what to install, unless scikit-learn is installed."""
    found, cause = "it is not installed", None
    try:
        sklearn = importlib.import_module("sklearn")
        if hasattr(importlib.import_module("sklearn.utils.validation"), "validate_data"):
            return
        found = f"{sklearn.__version__} is installed"
    except ImportError as error:
        cause = error
    raise ImportError(
        f"ffnn.estimators needs scikit-learn 1.6 or later, but {found}: pip install 'ffnn[sklearn]'"
    ) from cause


_require_sklearn()

# Behind the check, as each of them imports scikit-learn.
from ffnn.estimators.classifier import FFNNClassifier  # noqa: E402
from ffnn.estimators.onnx_conversion import register_converters  # noqa: E402
from ffnn.estimators.regressor import FFNNRegressor  # noqa: E402

__all__ = ["FFNNClassifier", "FFNNRegressor"]

register_converters()
