"""Tables: files and data frames with columns of any kind, and how a network reads them.

From a file to numbers, in this order: `source` (bytes to text), `layout` (what separates fields),
`text_file` and `frames` (columns as they stand, `raw`), `entries`, `dates` and `kinds` (what they
mean), `table` (what the user sees).

`TabularClassifier` and `TabularRegressor`, which need scikit-learn, learn from them without tuning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ffnn.tables.column import Column
from ffnn.tables.encoder import TableEncoder
from ffnn.tables.read import read_table
from ffnn.tables.table import Table

if TYPE_CHECKING:
    from ffnn.estimators.tabular import TabularClassifier, TabularRegressor

__all__ = [
    "Column",
    "Table",
    "TableEncoder",
    "TabularClassifier",
    "TabularRegressor",
    "read_table",
]


def __getattr__(name: str) -> Any:
    """Load an estimator when it is first used."""
    if name in ("TabularClassifier", "TabularRegressor"):
        return getattr(importlib.import_module("ffnn.estimators.tabular"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
