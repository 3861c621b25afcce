"""How well a model answers, and what its answers depend on, as text, as a page and as a figure.

`reported` lets a model answer (`rows`) and measures it: `ClassReport` (`classes`), `LabelReport`
(`labels`) or `NumberReport` (`numbers`). `importance`, `dependence` and `contributions` tell which
columns the answers depend on. Each is made of `pieces`, plain tables and charts, which `text`,
`page` and `figure` show in their way; a new piece is shown by all three. `reporting` has the
methods of a model that lead here.

Each name below is loaded when it is first used, since every model has those methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.lazy import loader

if TYPE_CHECKING:
    from ffnn.reports.base import Report
    from ffnn.reports.classes import ClassReport
    from ffnn.reports.contributions import Contributions
    from ffnn.reports.dependence import PartialDependence
    from ffnn.reports.importance import Importance
    from ffnn.reports.labels import LabelReport
    from ffnn.reports.numbers import NumberReport
    from ffnn.reports.reported import report
    from ffnn.reports.rows import TableRows

_HOMES = {
    "ClassReport": "classes",
    "Contributions": "contributions",
    "Importance": "importance",
    "LabelReport": "labels",
    "NumberReport": "numbers",
    "PartialDependence": "dependence",
    "Report": "base",
    "TableRows": "rows",
    "report": "reported",
}

__all__ = [
    "ClassReport",
    "Contributions",
    "Importance",
    "LabelReport",
    "NumberReport",
    "PartialDependence",
    "Report",
    "TableRows",
    "report",
]

__getattr__ = loader(__name__, _HOMES)
