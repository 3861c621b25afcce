"""All that a diagnosis can find, and what it says: severity, message and remedy over evidence.

`data`, `model` and `training` hold the entries, `kinds` what an entry is. The evidence comes from
the modules that measure; they hold the limits from which there is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ffnn.core.text import listed
from ffnn.diagnostics.catalogue import data, model, training
from ffnn.diagnostics.catalogue.kinds import Evidence, Text
from ffnn.diagnostics.report import Finding

KINDS = {**data.KINDS, **model.KINDS, **training.KINDS}


def finding(
    kind: str, layer: str | None = None, units: Sequence[int] = (), /, **evidence: Any
) -> Finding:
    """Return the finding that evidence makes; `units` are the units or columns concerned."""
    judge, _, *texts = KINDS[kind]
    severity = judge if isinstance(judge, str) else judge(evidence)
    known = {**evidence, severity: True, "layer": layer}
    for name, value in evidence.items():
        if isinstance(value, list):
            known[name] = listed(value)
        elif isinstance(value, dict):
            known[name] = listed(f"{key}: {number:g}" for key, number in value.items())
    names = evidence.get("column_names", [None] * len(units))
    known["listed"] = listed(map(_place, units, names))
    column, column_name = evidence.get("column"), evidence.get("column_name")
    known["place"] = _place(column, column_name)
    message, remedy = (" ".join(_chosen(text, known)) for text in texts)
    return Finding(kind, severity, layer, message, evidence, remedy, tuple(units))


def _place(column: int | None, name: str | None) -> str:
    return str(column) if name is None else f"{column} ({name!r})"


def _chosen(text: Text, known: Evidence) -> Iterator[str]:
    """Yield the parts of a text that the evidence chooses, filled in."""
    if isinstance(text, str):
        yield text.format_map(known)
    elif isinstance(text, tuple):
        for part in text:
            yield from _chosen(part, known)
    else:
        holding = [case for case in text if case == "otherwise" or known.get(case)]
        if holding:
            yield from _chosen(text[holding[0]], known)


def table() -> str:
    """Return a table of all kinds in reStructuredText."""
    rows = [("kind", "what was found")]
    rows += [(f"``{name}``", kind.summary) for name, kind in KINDS.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    header, *lines = (f"{name:{widths[0]}}  {summary}" for name, summary in rows)
    return "\n".join([rule, header, rule, *lines, rule])
